//! The SQL that is spoken here: names as in DataFusion's default dialect, and a parser that gives up.

use std::any::TypeId;
use std::cell::Cell;

use datafusion_sql::sqlparser::ast::Expr;
use datafusion_sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion_sql::sqlparser::parser::{Parser, ParserError};

/// Operands the parser may start to read. Ten thousand characters hold fewer than ten thousand of them,
/// and each is read a few times over; but where nested calls end in a syntax error, the parser tries
/// every combination of its readings, which doubles with every level.
const MAX_STEPS: u32 = 50_000;

/// What [`Bounded`] says when it gives up.
pub(super) const GAVE_UP: &str =
    "the expression is not complete, and too deeply nested to say where";

/// The dialect of one parse.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    steps: Cell<u32>,
}

impl Dialect for Bounded {
    /// What the parser asks for by the dialect's name is answered as for the generic one.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        matches!(ch, '"' | '`')
    }

    /// `@` is accepted so that a variable is refused as one.
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || matches!(ch, '_' | '@')
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch.is_ascii_digit() || matches!(ch, '_' | '$')
    }

    fn parse_prefix(&self, _parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        self.steps.set(self.steps.get() + 1);
        (self.steps.get() > MAX_STEPS).then(|| Err(ParserError::ParserError(GAVE_UP.to_owned())))
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_extract_comma_syntax(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    /// So that an array type is refused as one.
    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }
}
