//! The one SQL evaluator: a scalar expression in DataFusion's dialect over the columns of a stream.
//!
//! An [`Expression`] is compiled once per plan and evaluated per batch. It sees one row at a time, gives the
//! same answer on every run, and is bounded in length and depth; what it may be made of is a list
//! (`admit`, `functions`). A row whose evaluation fails is NULL and named; it never fails its batch,
//! and no message carries a value.

mod admit;
mod check;
mod dialect;
mod divide;
mod evaluate;
mod exact;
mod functions;
mod parse;
mod pattern;
mod plan;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion_sql::sqlparser::tokenizer::Location;

use self::check::{Reference, Written};
pub use self::evaluate::Evaluated;
use self::functions::{Functions, Lookup};
use self::plan::{Planned, Program};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::path::Path;

/// The type of an integer column in a batch in which a value does not fit 64 bits.
pub const WIDE_INTEGER: DataType = DataType::Decimal256(76, 0);

/// Stack of the thread that compiles. Parser and planner recurse a few large frames per level of an
/// expression; this holds the deepest allowed one in a build without optimisation. Only touched pages cost.
const STACK_BYTES: usize = 256 << 20;

/// Something wrong with an expression, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlProblem {
    /// What is wrong.
    pub message: String,
    /// The line inside the text, from 1.
    pub line: usize,
    /// The character inside the line, from 1.
    pub column: usize,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SqlProblem {
    /// A problem of the text as a whole.
    fn start(message: impl Into<String>) -> Self {
        Self::at(Location { line: 1, column: 1 }, message)
    }

    fn at(at: Location, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            line: usize::try_from(at.line).unwrap_or(1).max(1),
            column: usize::try_from(at.column).unwrap_or(1).max(1),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for SqlProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(out, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// A compiled expression.
pub struct Expression {
    canonical: String,
    columns: Vec<Path>,
    planned: Planned,
    /// The program for batches with wide integers, made when the first one arrives.
    wide: OnceLock<Option<Program>>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Expression")
            .field("sql", &self.canonical)
            .field("data_type", self.data_type())
            .finish_non_exhaustive()
    }
}

impl Expression {
    /// Compiles `sql`. `resolve` gives the type a column has in evaluation, or says why there is none,
    /// naming the nearest column.
    ///
    /// # Errors
    /// Every problem that can be told apart: all unknown columns and functions at once; a syntax error and
    /// a clash of types one at a time.
    pub fn compile(
        sql: &str,
        resolve: &dyn Fn(&Path) -> Result<DataType, String>,
    ) -> Result<Self, Vec<SqlProblem>> {
        let parsed =
            on_large_stack(|| parse::parse(sql)).unwrap_or_else(|| Err(vec![too_hard()]))?;
        let columns = resolve_all(&parsed.references, resolve)?;
        let canonical = parsed.expr.to_string();
        let planned = on_large_stack(|| plan::plan(&parsed.expr, &columns))
            .unwrap_or_else(|| Err(too_hard()))
            .map_err(|problem| vec![problem])?;
        Ok(Self {
            canonical,
            columns: columns.into_iter().map(|(path, _)| path).collect(),
            planned,
            wide: OnceLock::new(),
        })
    }

    /// The expression, if it can be a condition.
    ///
    /// # Errors
    /// The expression gives something else than true, false or NULL.
    pub fn boolean(self) -> Result<Self, SqlProblem> {
        match self.data_type() {
            DataType::Boolean => Ok(self),
            other => {
                let message =
                    format!("a condition gives true or false, and this expression gives {other}");
                Err(SqlProblem::start(message).hint("compare it with something, as `… = 'value'`"))
            }
        }
    }

    /// The columns in the order in which [`Self::evaluate`] takes their arrays.
    pub fn columns(&self) -> &[Path] {
        &self.columns
    }

    /// The type of the values: one that columns have, or `Decimal256(76, scale)`. A constant NULL is
    /// `Boolean`. Where it is `Int64`, a batch with wide integers may give [`WIDE_INTEGER`].
    pub fn data_type(&self) -> &DataType {
        &self.planned.program.data_type
    }

    /// The expression as text that does not depend on how it was spaced, quoted and capitalised.
    pub fn canonical(&self) -> String {
        self.canonical.clone()
    }

    /// Evaluates `rows` rows. A column resolved as `Int64` may come as [`WIDE_INTEGER`].
    ///
    /// # Errors
    /// Columns of other number, types or lengths: a defect of the caller.
    pub fn evaluate(&self, columns: &[ArrayRef], rows: usize) -> Result<Evaluated> {
        let program = &self.planned.program;
        if columns.len() != self.columns.len() {
            let message = format!(
                "an expression over {} columns was given {}",
                self.columns.len(),
                columns.len()
            );
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let fields = program.schema.fields();
        let is_wide = |(column, field): (&ArrayRef, &Arc<arrow::datatypes::Field>)| {
            field.data_type() == &DataType::Int64 && column.data_type() == &WIDE_INTEGER
        };
        if columns.iter().zip(fields).any(is_wide) {
            return self.evaluate_wide(columns, rows);
        }
        program.run(columns.to_vec(), rows)
    }

    fn evaluate_wide(&self, columns: &[ArrayRef], rows: usize) -> Result<Evaluated> {
        let wide = self
            .wide
            .get_or_init(|| on_large_stack(|| self.planned.widen()).flatten());
        let mut failed = Vec::new();
        let program = wide.as_ref().unwrap_or(&self.planned.program);
        let mut fitted = Vec::with_capacity(columns.len());
        for (column, field) in columns.iter().zip(program.schema.fields()) {
            if column.data_type() == field.data_type() {
                fitted.push(Arc::clone(column));
            } else {
                let fit = evaluate::fit(column, field.data_type())?;
                failed.extend(fit.failed);
                fitted.push(fit.values);
            }
        }
        let mut evaluated = program.run(fitted, rows)?;
        if !failed.is_empty() {
            failed.append(&mut evaluated.failed);
            failed.sort_unstable();
            failed.dedup();
            evaluated = Evaluated {
                values: evaluate::without(&evaluated.values, &failed)?,
                failed,
            };
        }
        Ok(evaluated)
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// As [`Self::evaluate`], or the expression is no condition.
    pub fn evaluate_mask(
        &self,
        columns: &[ArrayRef],
        rows: usize,
    ) -> Result<Evaluated<BooleanArray>> {
        let Evaluated { values, failed } = self.evaluate(columns, rows)?;
        match values.as_boolean_opt() {
            Some(mask) => Ok(Evaluated {
                values: mask.clone(),
                failed,
            }),
            None => Err(Error::new(
                ErrorKind::Internal,
                "an expression that is no condition was used as one",
            )),
        }
    }
}

/// Runs what recurses with the text. `None` if it panicked, which a text must not make this program do.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("sql".to_owned())
            .stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

fn too_hard() -> SqlProblem {
    SqlProblem::start("the expression cannot be planned").hint("write it in a simpler way")
}

/// The distinct columns in the order of their first appearance.
fn resolve_all(
    references: &[Reference],
    resolve: &dyn Fn(&Path) -> Result<DataType, String>,
) -> Result<Vec<(Path, DataType)>, Vec<SqlProblem>> {
    let mut columns: Vec<(Path, DataType)> = Vec::new();
    let mut problems = Vec::new();
    for (i, reference) in references.iter().enumerate() {
        if references[..i]
            .iter()
            .any(|earlier| earlier.path == reference.path)
        {
            continue;
        }
        match resolve(&reference.path) {
            Ok(data_type) => columns.push((reference.path.clone(), data_type)),
            Err(message) => problems.push(unresolved(reference, message, resolve)),
        }
    }
    if problems.is_empty() {
        Ok(columns)
    } else {
        Err(problems)
    }
}

fn unresolved(
    reference: &Reference,
    message: String,
    resolve: &dyn Fn(&Path) -> Result<DataType, String>,
) -> SqlProblem {
    let name = reference.path.as_key().unwrap_or_default();
    if reference.written == Written::Keyword
        && let Lookup::Refused { because, hint } =
            Functions::get().look_up(&name.to_ascii_lowercase())
    {
        let problem = SqlProblem::at(reference.at, format!("`{name}` {because}"));
        return match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        };
    }
    let problem = SqlProblem::at(reference.at, message);
    let other_case = [name.to_lowercase(), name.to_uppercase()]
        .into_iter()
        .find(|other| other != name && resolve(&Path::key(other.as_str())).is_ok());
    match other_case {
        Some(other) if reference.path.as_key().is_some() => {
            problem.hint(format!("column names are case-sensitive: write `{other}`"))
        }
        _ if reference.written == Written::Quoted => {
            problem.hint("text is written in single quotes; double quotes name a column")
        }
        _ => problem,
    }
}

#[cfg(test)]
mod tests;
