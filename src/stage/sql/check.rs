//! What an expression may be made of: a list of what is allowed, so that what the parser learns tomorrow is
//! refused until someone decides.
//!
//! The same walk brings the tree to its canonical form, which prints to the same text however the
//! expression was spaced and quoted, and collects the columns.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CeilFloorKind, DataType, DateTimeField, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Spanned,
    UnaryOperator, Value, VisitorMut,
};
use datafusion_sql::sqlparser::keywords::ALL_KEYWORDS;
use datafusion_sql::sqlparser::tokenizer::Location;

use super::SqlProblem;
use super::functions::{Functions, Lookup};
use super::parse::{MAX_DEPTH, too_deep};
use crate::schema::path::{Path, Segment};

/// Digits of the largest integers that can be compared.
const MAX_DIGITS: usize = 76;
/// Characters `lpad` and `rpad` may fill up to.
const MAX_PADDING: u64 = 1_000;

/// A column as the text names it.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub path: Path,
    pub at: Location,
    pub written: Written,
}

/// How a column's name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Plain,
    Quoted,
    /// As one of the words SQL reads as a call without parentheses: `user`, `current_date`.
    Keyword,
}

/// The walk; afterwards the tree is canonical if there are no problems.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub problems: Vec<SqlProblem>,
    pub references: Vec<Reference>,
    depth: usize,
}

/// Why a part is not allowed, and what to do.
type Refusal = (String, Option<String>);

fn refuse<T>(message: impl Into<String>, hint: &str) -> Result<T, Refusal> {
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    Err((message.into(), hint))
}

impl VisitorMut for Checker {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.problems.push(too_deep(expr.span().start));
            return ControlFlow::Break(());
        }
        if let Err((message, hint)) = self.admit(expr) {
            let problem = SqlProblem::at(expr.span().start, message);
            self.problems.push(SqlProblem { hint, ..problem });
            // What is below a refused part is not looked at.
            *expr = Expr::Value(Value::Null.into());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &mut Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

impl Checker {
    fn admit(&mut self, expr: &mut Expr) -> Result<(), Refusal> {
        match expr {
            Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Nested(_)
            | Expr::Case { .. }
            | Expr::Interval(_) => Ok(()),
            Expr::SimilarTo {
                escape_char: None, ..
            } => Ok(()),
            Expr::Like { any: false, .. } | Expr::ILike { any: false, .. } => Ok(()),
            Expr::Cast {
                data_type,
                array: false,
                format: None,
                ..
            } => admit_type(data_type),
            Expr::TypedString(typed) => admit_type(&typed.data_type),
            Expr::Ceil {
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
                ..
            }
            | Expr::Floor {
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
                ..
            } => Ok(()),
            Expr::BinaryOp { op, .. } => admit_operator(op),
            Expr::UnaryOp {
                op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not,
                ..
            } => Ok(()),
            Expr::Value(value) => admit_value(&value.value),
            Expr::Function(function) if function.args == FunctionArguments::None => {
                self.keyword(expr)
            }
            Expr::Function(function) => admit_function(function),
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. } => self.column(expr),
            other => refuse_form(other),
        }
    }

    /// `user`, `current_date`: a column if the stream has one, which only its schema can tell.
    fn keyword(&mut self, expr: &mut Expr) -> Result<(), Refusal> {
        match expr {
            Expr::Function(Function {
                name: ObjectName(parts),
                ..
            }) => match parts.as_slice() {
                [ObjectNamePart::Identifier(name)] => {
                    let name = name.clone();
                    self.reference(expr, vec![name], Written::Keyword);
                    Ok(())
                }
                _ => refuse("a call needs parentheses", ""),
            },
            _ => Ok(()),
        }
    }

    fn column(&mut self, expr: &mut Expr) -> Result<(), Refusal> {
        let names = match expr {
            Expr::Identifier(name) => vec![name.clone()],
            Expr::CompoundIdentifier(names) => names.clone(),
            Expr::CompoundFieldAccess { root, access_chain } => {
                match field_names(root, access_chain) {
                    Some(names) => names,
                    None => {
                        return refuse(
                            "elements of a list cannot be read here",
                            "name a value inside an object as `address.city`",
                        );
                    }
                }
            }
            _ => return Ok(()),
        };
        if names
            .iter()
            .any(|name| name.quote_style.is_none() && name.value.starts_with('@'))
        {
            return refuse(
                "variables are not allowed",
                "write the value itself, or quote a column of that name",
            );
        }
        let quoted = names.iter().any(|name| name.quote_style.is_some());
        self.reference(
            expr,
            names,
            if quoted {
                Written::Quoted
            } else {
                Written::Plain
            },
        );
        Ok(())
    }

    fn reference(&mut self, expr: &mut Expr, names: Vec<Ident>, written: Written) {
        let at = names
            .first()
            .map_or(Location { line: 1, column: 1 }, |name| name.span.start);
        let segments = names
            .iter()
            .map(|name| Segment::Key(name.value.clone()))
            .collect();
        if let Some(path) = Path::new(segments) {
            self.references.push(Reference { path, at, written });
        }
        *expr = Expr::CompoundIdentifier(names.into_iter().map(canonical_name).collect());
    }
}

/// The keys of `root.a.b` where `root` could not be read as a plain name.
fn field_names(root: &Expr, chain: &[AccessExpr]) -> Option<Vec<Ident>> {
    let mut names = match root {
        Expr::Identifier(name) => vec![name.clone()],
        Expr::CompoundIdentifier(names) => names.clone(),
        Expr::Function(Function {
            name: ObjectName(parts),
            args: FunctionArguments::None,
            ..
        }) => parts
            .iter()
            .map(|part| part.as_ident().cloned())
            .collect::<Option<_>>()?,
        _ => return None,
    };
    for access in chain {
        match access {
            AccessExpr::Dot(Expr::Identifier(name)) => names.push(name.clone()),
            _ => return None,
        }
    }
    Some(names)
}

/// A name with quotes only where it needs them.
fn canonical_name(mut name: Ident) -> Ident {
    let mut characters = name.value.chars();
    let plain = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && ALL_KEYWORDS
            .binary_search(&name.value.to_ascii_uppercase().as_str())
            .is_err();
    name.quote_style = (!plain).then_some('"');
    name
}

fn admit_operator(op: &BinaryOperator) -> Result<(), Refusal> {
    use BinaryOperator as Op;
    match op {
        Op::Plus
        | Op::Minus
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::StringConcat
        | Op::Gt
        | Op::Lt
        | Op::GtEq
        | Op::LtEq
        | Op::Eq
        | Op::NotEq
        | Op::And
        | Op::Or
        | Op::BitwiseOr
        | Op::BitwiseAnd
        | Op::PGBitwiseXor
        | Op::BitwiseXor
        | Op::PGBitwiseShiftLeft
        | Op::PGBitwiseShiftRight
        | Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch
        | Op::PGLikeMatch
        | Op::PGILikeMatch
        | Op::PGNotLikeMatch
        | Op::PGNotILikeMatch => Ok(()),
        other => refuse(format!("the operator `{other}` is not allowed"), ""),
    }
}

fn admit_type(data_type: &DataType) -> Result<(), Refusal> {
    match data_type {
        DataType::Array(_)
        | DataType::Map(..)
        | DataType::Struct(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Union(_)
        | DataType::Nullable(_)
        | DataType::LowCardinality(_)
        | DataType::Table(_)
        | DataType::NamedTable { .. }
        | DataType::Enum(..)
        | DataType::Set(_)
        | DataType::Custom(..) => refuse(
            format!("the type {data_type} is not allowed"),
            "use VARCHAR, BIGINT, DOUBLE, DECIMAL(p, s), BOOLEAN, DATE, TIME or TIMESTAMP",
        ),
        _ => Ok(()),
    }
}

fn admit_value(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Number(digits, _)
            if digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
                && digits.len() > MAX_DIGITS =>
        {
            refuse(format!("an integer may have {MAX_DIGITS} digits"), "")
        }
        Value::Number(..)
        | Value::SingleQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::DollarQuotedString(_)
        | Value::Boolean(_)
        | Value::Null => Ok(()),
        Value::Placeholder(_) => refuse("placeholders are not allowed", "write the value itself"),
        _ => refuse(
            "this kind of literal is not allowed",
            "write text as 'text'",
        ),
    }
}

fn admit_function(function: &mut Function) -> Result<(), Refusal> {
    let name = match function.name.0.as_mut_slice() {
        [ObjectNamePart::Identifier(name)] => {
            if name.quote_style.is_none() {
                name.value.make_ascii_lowercase();
            }
            name.clone()
        }
        _ => return refuse(format!("there is no function `{}`", function.name), ""),
    };
    if function.over.is_some() {
        return refuse(
            "window functions are not allowed",
            "an expression sees one row at a time",
        );
    }
    match Functions::get().look_up(&name.value) {
        Lookup::Allowed => {}
        Lookup::Refused { because, hint } => {
            return Err((
                format!("`{}` {because}", name.value),
                hint.map(str::to_owned),
            ));
        }
        Lookup::Unknown(nearest) => {
            let hint = nearest.map_or(String::new(), |nearest| {
                format!("did you mean `{nearest}`?")
            });
            return refuse(format!("there is no function `{}`", name.value), &hint);
        }
    }
    let FunctionArguments::List(list) = &function.args else {
        return refuse(
            "subqueries are not allowed",
            "an expression sees the columns of one row only",
        );
    };
    let plain = function.filter.is_none()
        && function.null_treatment.is_none()
        && function.within_group.is_empty()
        && function.parameters == FunctionArguments::None
        && list.duplicate_treatment.is_none()
        && list.clauses.is_empty();
    if !plain {
        return refuse(
            format!("`{}` takes arguments only, no clauses", name.value),
            "",
        );
    }
    for argument in &list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(_)) => {}
            FunctionArg::Unnamed(_) => return refuse("`*` is not allowed", "name the columns"),
            _ => {
                return refuse(
                    "named arguments are not allowed",
                    "give the arguments by position",
                );
            }
        }
    }
    if matches!(name.value.as_str(), "lpad" | "rpad") && !bounded_padding(&list.args) {
        let message = format!(
            "`{}` needs a written length of at most {MAX_PADDING}",
            name.value
        );
        return refuse(message, "a length taken from the data has no bound");
    }
    Ok(())
}

fn bounded_padding(arguments: &[FunctionArg]) -> bool {
    match arguments.get(1) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(length)))) => {
            match &length.value {
                Value::Number(digits, _) => digits
                    .parse()
                    .is_ok_and(|length: u64| length <= MAX_PADDING),
                _ => false,
            }
        }
        _ => false,
    }
}

fn refuse_form(expr: &Expr) -> Result<(), Refusal> {
    match expr {
        Expr::Subquery(_)
        | Expr::Exists { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. } => refuse(
            "subqueries are not allowed",
            "an expression sees the columns of one row only",
        ),
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => {
            refuse("`*` is not allowed", "name the columns")
        }
        Expr::Lambda(_) => refuse("lambdas are not allowed", ""),
        Expr::AnyOp { .. } | Expr::AllOp { .. } | Expr::Like { .. } | Expr::ILike { .. } => refuse(
            "ANY and ALL are not allowed",
            "use `IN (…)`, or conditions joined with OR",
        ),
        Expr::RLike { .. } => refuse(
            "RLIKE and REGEXP are not allowed",
            "write `column ~ 'pattern'`",
        ),
        Expr::JsonAccess { .. } | Expr::Named { .. } | Expr::Prefixed { .. } => refuse(
            "this way of naming a value is not allowed",
            "write `address.city`",
        ),
        Expr::Array(_)
        | Expr::Tuple(_)
        | Expr::Struct { .. }
        | Expr::Map(_)
        | Expr::Dictionary(_) => refuse(
            "lists, rows and maps are not allowed",
            "compare with `IN (…)`, or value by value",
        ),
        Expr::Ceil { .. } | Expr::Floor { .. } => refuse(
            "CEIL and FLOOR take one number",
            "use `date_trunc` for dates",
        ),
        Expr::Cast { .. } => refuse(
            "this form of CAST is not allowed",
            "write `CAST(column AS type)`",
        ),
        _ => refuse("this form of SQL is not allowed here", ""),
    }
}
