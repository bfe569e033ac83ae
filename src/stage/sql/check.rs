//! The walk over a parsed expression: refuses what is not allowed, collects the columns and brings the tree
//! to its canonical form, which prints to the same text however the expression was spaced and quoted.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArguments, Ident, ObjectName, ObjectNamePart, Spanned,
    Value, VisitorMut,
};
use datafusion_sql::sqlparser::keywords::ALL_KEYWORDS;
use datafusion_sql::sqlparser::tokenizer::Location;

use super::SqlProblem;
use super::admit::{Refusal, admit, refuse};
use super::parse::{MAX_DEPTH, too_deep};
use crate::schema::path::{Path, Segment};

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
            Expr::Function(function) if function.args == FunctionArguments::None => {
                self.keyword(expr)
            }
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. } => self.column(expr),
            other => admit(other),
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
