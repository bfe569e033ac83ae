//! Gives a column another name; the value keeps its bytes and its place.

use super::{Halt, Stage};
use crate::batch::{Batch, ColumnId};

/// A compiled `rename`.
#[derive(Debug)]
pub struct Rename {
    pub column: ColumnId,
    pub to: String,
}

impl Stage for Rename {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        batch.rename(self.column, &self.to);
        Ok(())
    }
}
