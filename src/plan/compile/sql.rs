//! What expressions are told about columns, and how their problems are passed on.

use arrow::datatypes::DataType;

use super::Compiler;
use crate::document::{Position, Problems};
use crate::schema::path::Path;
use crate::stage::sql::SqlProblem;

impl Compiler<'_> {
    /// The type of a column in expressions, or why there is none.
    pub(super) fn sql_type(&self, path: &Path) -> Result<DataType, String> {
        let ty = self
            .schema
            .resolve(path)
            .map_err(|missing| match missing.advice() {
                Some(advice) => format!("{missing}; {advice}"),
                None => missing.to_string(),
            })?;
        Ok(ty.evaluation())
    }

    /// Passes on a problem inside an expression, with its place in both texts.
    pub(super) fn sql_problem(
        &self,
        stage: &str,
        problem: &SqlProblem,
        at: Position,
        problems: &mut Problems,
    ) {
        let SqlProblem {
            message,
            line,
            column,
            hint,
        } = problem;
        let message = format!("{stage}: {message} (at {line}:{column} of the expression)");
        self.problem(at, message, hint.clone(), problems);
    }
}
