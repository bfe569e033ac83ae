//! Columns that the catalog does not declare: removed, or a reason to stop.

use super::{Halt, Stage};
use crate::batch::{Batch, ColumnId};
use crate::error::{Error, ErrorKind};

/// What happens to undeclared columns that are not passed or scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Drop,
    Fail,
}

/// The compiled policy.
#[derive(Debug)]
pub struct Undeclared {
    pub column: ColumnId,
    pub stream: String,
    pub policy: Policy,
}

impl Stage for Undeclared {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        for at in 0..batch.column(self.column).len() {
            let cell = batch.column(self.column)[at] as usize;
            batch.tally().find(self.column, "undeclared", 1);
            match self.policy {
                Policy::Drop => batch.remove(cell),
                Policy::Fail => return Err(self.halt(batch, cell)),
            }
        }
        Ok(())
    }
}

impl Undeclared {
    fn halt(&self, batch: &Batch, cell: usize) -> Halt {
        let cell = batch.cell(cell);
        let key = &batch.bytes()[cell.key_start as usize..cell.key_end as usize];
        let key = String::from_utf8_lossy(key);
        let message = format!(
            "stream `{}` has a column `{key}` that the catalog does not declare",
            self.stream
        );
        Halt {
            row: cell.row as usize,
            error: Error::new(ErrorKind::Policy, message)
                .hint("refresh the schema, or set `unlisted:` to redact, drop or pass"),
        }
    }
}
