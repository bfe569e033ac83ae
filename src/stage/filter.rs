//! Keeps the rows for which an expression is true or NULL. One that cannot be evaluated for a row is NULL
//! there, and counted.

use arrow::array::Array;

use super::sql::Expression;
use super::{ColumnRef, Halt, Stage, arrays};
use crate::batch::Batch;

/// A compiled `filter`.
#[derive(Debug)]
pub struct Filter {
    pub expression: Expression,
    pub columns: Vec<ColumnRef>,
}

impl Stage for Filter {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let rows = batch.rows().len();
        let columns: Vec<_> = arrays(batch, &self.columns)
            .into_iter()
            .map(|c| c.values)
            .collect();
        let evaluated = self.expression.evaluate_mask(&columns, rows);
        let evaluated = evaluated.map_err(|error| Halt { row: 0, error })?;
        if let (Some(column), false) = (self.columns.first(), evaluated.failed.is_empty()) {
            let failed = evaluated.failed.len() as u64;
            batch.tally().find(column.id, "evaluation_error", failed);
        }
        let keep = evaluated.values;
        for row in 0..rows {
            if keep.is_valid(row) && !keep.value(row) {
                batch.drop_row(row);
            }
        }
        Ok(())
    }
}
