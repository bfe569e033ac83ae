//! The compiled rules of a stream: every row is judged by every rule, and every failure is recorded.
//!
//! A rule passes a row for which it is true or NULL. A row it is false for violates it, and so does one it
//! cannot judge: a value of another type than declared, or one on which the evaluation fails.

mod examples;
mod verdicts;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;

pub use self::examples::{Expected, TestFailure, run_tests};
use serde::Serialize;

use self::verdicts::Verdict;
pub use self::verdicts::{Failure, Reason, Verdicts};
use super::sql::{Expression, SqlProblem};
use crate::error::Result;
use crate::schema::path::Path;

/// How serious a violation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    #[default]
    Error,
    Warning,
    Info,
}

impl Severity {
    /// The word of rule files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What is done about a violation, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// The rule does not run.
    Ignore,
    /// Violations are counted.
    Count,
    /// The row says which rule it failed.
    Annotate,
    /// The rule's columns become null.
    Nullify,
    /// The row goes to the reject store.
    Quarantine,
    /// The row is left out.
    Drop,
    /// The run stops.
    Fail,
}

impl Action {
    /// The word of lists and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Count => "count",
            Self::Annotate => "annotate",
            Self::Nullify => "nullify",
            Self::Quarantine => "quarantine",
            Self::Drop => "drop",
            Self::Fail => "fail",
        }
    }
}

/// A rule as plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInput {
    pub id: String,
    /// True or NULL for a row that passes.
    pub sql: String,
    /// The columns the rule is about; those it reads follow from the expression.
    pub columns: Vec<Path>,
    pub severity: Severity,
    pub action: Action,
    pub fingerprint: String,
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    pub id: String,
    pub columns: Vec<Path>,
    pub severity: Severity,
    pub action: Action,
    pub fingerprint: String,
    condition: Option<Condition>,
}

#[derive(Debug)]
struct Condition {
    expression: Expression,
    /// The inputs in the order of the expression.
    inputs: Vec<usize>,
}

/// The compiled rules of a stream and the columns they read.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    columns: Vec<Path>,
}

impl Rules {
    /// Compiles rules. `resolve` gives the type a column has in evaluation, or says why there is none.
    ///
    /// # Errors
    /// The problems of all rules, each with the rule's id and a position inside its expression.
    pub fn compile(
        inputs: Vec<RuleInput>,
        resolve: &dyn Fn(&Path) -> Result<DataType, String>,
    ) -> Result<Self, Vec<(String, SqlProblem)>> {
        let mut compiled = Self {
            rules: Vec::with_capacity(inputs.len()),
            columns: Vec::new(),
        };
        let mut problems = Vec::new();
        for input in inputs {
            match compile_condition(&input, resolve) {
                Ok(expression) => compiled.push(input, expression),
                Err(found) => {
                    problems.extend(found.into_iter().map(|problem| (input.id.clone(), problem)))
                }
            }
        }
        if problems.is_empty() {
            Ok(compiled)
        } else {
            Err(problems)
        }
    }

    fn push(&mut self, input: RuleInput, expression: Expression) {
        let runs = input.action > Action::Ignore;
        let condition = runs.then(|| Condition {
            inputs: expression
                .columns()
                .iter()
                .map(|path| self.input(path))
                .collect(),
            expression,
        });
        let RuleInput {
            id,
            columns,
            severity,
            action,
            fingerprint,
            ..
        } = input;
        self.rules.push(Rule {
            id,
            columns,
            severity,
            action,
            fingerprint,
            condition,
        });
    }

    fn input(&mut self, path: &Path) -> usize {
        self.columns
            .iter()
            .position(|known| known == path)
            .unwrap_or_else(|| {
                self.columns.push(path.clone());
                self.columns.len() - 1
            })
    }

    /// The columns in the order in which [`Self::evaluate`] asks for them.
    pub fn columns(&self) -> &[Path] {
        &self.columns
    }

    /// The rules in the order of their verdicts.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Judges `rows` rows. `column` gives the values of a column and `mismatched` the rows in which the
    /// record's value has another type than declared; both take an index into [`Self::columns`].
    ///
    /// # Errors
    /// Columns of other types or lengths than compiled for: a defect of the caller.
    pub fn evaluate<'a>(
        &self,
        column: &dyn Fn(usize) -> ArrayRef,
        mismatched: &dyn Fn(usize) -> Option<&'a BooleanBuffer>,
        rows: usize,
    ) -> Result<Verdicts> {
        let arrays: Vec<ArrayRef> = (0..self.columns.len()).map(column).collect();
        let verdicts = self
            .rules
            .iter()
            .map(|rule| rule.judge(&arrays, mismatched, rows));
        Ok(Verdicts::new(verdicts.collect::<Result<_>>()?, rows))
    }
}

/// The rule's expression, with its columns checked.
fn compile_condition(
    input: &RuleInput,
    resolve: &dyn Fn(&Path) -> Result<DataType, String>,
) -> Result<Expression, Vec<SqlProblem>> {
    let expression = Expression::compile(&input.sql, resolve)?;
    let expression = expression.boolean().map_err(|problem| vec![problem])?;
    let missing: Vec<SqlProblem> = input
        .columns
        .iter()
        .filter(|path| path.is_scalar())
        .filter_map(|path| resolve(path).err())
        .map(|message| SqlProblem {
            message,
            line: 1,
            column: 1,
            hint: None,
        })
        .collect();
    if missing.is_empty() {
        Ok(expression)
    } else {
        Err(missing)
    }
}

impl Rule {
    fn judge<'a>(
        &self,
        arrays: &[ArrayRef],
        mismatched: &dyn Fn(usize) -> Option<&'a BooleanBuffer>,
        rows: usize,
    ) -> Result<Option<Verdict>> {
        let Some(Condition { expression, inputs }) = &self.condition else {
            return Ok(None);
        };
        let columns: Vec<ArrayRef> = inputs
            .iter()
            .filter_map(|input| arrays.get(*input).cloned())
            .collect();
        let evaluated = expression.evaluate_mask(&columns, rows)?;
        let violated = any(not_true(&evaluated.values));
        let mismatched = inputs
            .iter()
            .filter_map(|input| mismatched(*input))
            .fold(None, |all, rows| either(all, rows.clone()));
        let mismatched = mismatched.and_then(any);
        let failed = evaluated.failed;
        Ok(Verdict::new(violated, mismatched, failed, rows))
    }
}

/// The rows for which a condition is false; NULL passes.
fn not_true(mask: &BooleanArray) -> BooleanBuffer {
    match mask.nulls() {
        Some(nulls) => &!mask.values() & nulls.inner(),
        None => !mask.values(),
    }
}

/// The rows, if there are any.
fn any(rows: BooleanBuffer) -> Option<BooleanBuffer> {
    (rows.count_set_bits() > 0).then_some(rows)
}

fn either(rows: Option<BooleanBuffer>, more: BooleanBuffer) -> Option<BooleanBuffer> {
    Some(match rows {
        Some(rows) => &rows | &more,
        None => more,
    })
}

#[cfg(test)]
mod tests;
