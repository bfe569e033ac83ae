//! Removes a column with its key.

use super::{Halt, Stage};
use crate::batch::{Batch, ColumnId};

/// A compiled `drop`.
#[derive(Debug)]
pub struct Drop {
    pub columns: Vec<ColumnId>,
}

impl Stage for Drop {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        for &column in &self.columns {
            for at in 0..batch.column(column).len() {
                batch.remove(batch.column(column)[at] as usize);
            }
        }
        Ok(())
    }
}
