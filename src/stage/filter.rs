//! Keeps the rows for which an expression is true or NULL.

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
        let columns: Vec<_> = arrays(batch, &self.columns).into_iter().map(|c| c.values).collect();
        let evaluated = self.expression.evaluate_mask(&columns, rows);
        let keep = evaluated.map_err(|error| Halt { row: 0, error })?.values;
        for row in 0..rows {
            if keep.is_valid(row) && !keep.value(row) {
                batch.drop_row(row);
            }
        }
        Ok(())
    }
}
