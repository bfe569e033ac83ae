//! What happens to a batch on its way. [`spec`] says what was asked for; the files beside it are the
//! compiled stages, one each, behind the one trait [`Stage`].

pub mod cast;
pub mod check;
pub mod classify;
pub mod cursor;
pub mod derive;
pub mod detect;
pub mod discard;
pub mod drifted;
pub mod drop;
pub mod embed;
pub mod filter;
pub mod mask;
pub mod rename;
pub mod rules;
pub mod spec;
pub mod split;
pub mod sql;
pub mod undeclared;

use std::fmt;

use crate::batch::{Batch, Column, ColumnId, Reason, RowId};
use crate::error::Error;
use crate::schema::LogicalType;

/// One compiled step for one stream. Remembers nothing between batches.
pub trait Stage: fmt::Debug + Send + Sync {
    /// Changes the batch through its verbs; rows keep their order.
    ///
    /// # Errors
    /// [`Halt`] when the run must not go past a row.
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt>;

    /// Does, before any record is read, what needs to be done once.
    ///
    /// # Errors
    /// When the stage could not be applied to any record.
    fn prepare(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A row that stops the run; everything before it may still leave.
#[derive(Debug)]
pub struct Halt {
    pub row: RowId,
    pub error: Error,
}

/// What becomes of a row to which a stage cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusals {
    /// It goes to the reject store.
    Reject,
    /// There is no reject store: the run stops.
    Halt,
}

/// Where a column stands in batches, its type, and its name in messages.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnRef {
    pub id: ColumnId,
    pub ty: LogicalType,
    /// The path as the configuration names it.
    pub name: String,
    /// Stream and path, for messages.
    pub place: String,
}

/// The arrays of some columns, with every wrongly typed value counted as a finding.
fn arrays(batch: &mut Batch, columns: &[ColumnRef]) -> Vec<Column> {
    columns
        .iter()
        .map(|column| {
            let array = batch.array(column.id, &column.ty);
            if let Some(mismatched) = &array.mismatched {
                let count = mismatched.count_set_bits() as u64;
                batch.tally().find(column.id, "type_mismatch", count);
            }
            array
        })
        .collect()
}

/// Why a row cannot be let through, by a stage that must be applied to it.
struct Refused<'a> {
    row: RowId,
    stage: &'a str,
    code: &'static str,
    /// Type, place and advice; never a value.
    message: String,
}

impl Refusals {
    fn refuse(self, batch: &mut Batch, refused: Refused<'_>) -> Result<(), Halt> {
        match self {
            Self::Reject => {
                batch.reject(Reason {
                    row: refused.row,
                    rule: refused.stage.to_owned(),
                    fingerprint: None,
                    severity: "error",
                    code: refused.code,
                });
                Ok(())
            }
            Self::Halt => Err(Halt {
                row: refused.row,
                error: Error::new(crate::error::ErrorKind::Policy, refused.message)
                    .hint("give a `reject:` store to set such rows aside and go on"),
            }),
        }
    }
}
