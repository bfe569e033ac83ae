//! Gives a column another name; the value keeps its bytes and its place. A column that already has the name,
//! though the catalog does not declare it, gives way: two keys of one name would be read differently.

use super::{Halt, Stage};
use crate::batch::{Batch, ColumnId};

/// A compiled `rename`.
#[derive(Debug)]
pub struct Rename {
    pub column: ColumnId,
    pub to: String,
    /// The place whose name is taken, unless its own column has been renamed before.
    pub taken: Option<ColumnId>,
}

impl Stage for Rename {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        if let Some(taken) = self.taken {
            for at in 0..batch.column(taken).len() {
                let cell = batch.column(taken)[at] as usize;
                if !batch.is_misplaced(cell, taken) {
                    batch.tally().find(taken, "replaced", 1);
                    batch.remove(cell);
                }
            }
        }
        batch.rename(self.column, &self.to);
        Ok(())
    }
}
