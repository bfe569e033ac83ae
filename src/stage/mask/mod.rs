//! Masks every value of a column. The operators are pure functions on one value ([`operator`]); this file
//! applies them to the cells of a batch, and closes where they cannot be applied.

mod cipher;
mod dates;
mod fpe;
mod generalize;
mod keyed;
pub mod operator;
mod partial;
mod pseudonym;

use operator::{Compiled, Masked, Refusal, Scalar};

use super::{ColumnRef, Halt, Refusals, Refused, Stage};
use crate::batch::{Batch, CellId, ColumnId, Current};

/// What stands in for a value that could not be masked as asked, in records that are set aside.
const WITHHELD: &str = "<REDACTED>";

/// A compiled `mask`.
#[derive(Debug)]
pub struct Mask {
    pub column: ColumnRef,
    pub operator: Compiled,
    /// Every value becomes the same, whatever it is.
    pub whole: Option<Whole>,
    /// The column whose value ties dates together.
    pub subject: Option<ColumnId>,
    pub refusals: Refusals,
}

/// What replaces every value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    /// A JSON value.
    Json(Vec<u8>),
    Null,
}

impl Stage for Mask {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let mut out = String::new();
        let mut masked = 0;
        for at in 0..batch.column(self.column.id).len() {
            let cell = batch.column(self.column.id)[at] as usize;
            masked += u64::from(self.mask(batch, cell, &mut out)?);
        }
        if masked > 0 {
            batch.tally().find(self.column.id, "masked", masked);
        }
        Ok(())
    }
}

impl Mask {
    /// Masks a cell; says whether there was something to mask.
    fn mask(&self, batch: &mut Batch, cell: CellId, out: &mut String) -> Result<bool, Halt> {
        if let Some(whole) = &self.whole {
            return Ok(replace_whole(batch, cell, whole));
        }
        if batch.is_misplaced(cell, self.column.id) {
            return self.mismatch(batch, cell, "it stands where an object or array should");
        }
        let subject = self
            .subject
            .map(|column| subject(batch, column, batch.cell(cell).row));
        let subject = subject.flatten();
        let value = batch.current(cell);
        let scalar = match &value {
            Current::Null => return Ok(false),
            Current::Bool(value) => Scalar::Bool(*value),
            Current::Number(literal) => Scalar::Number(literal),
            Current::Text(text) => Scalar::Text(text),
            Current::Container(_) => return self.mismatch(batch, cell, "an object or array"),
            Current::Broken => return self.mismatch(batch, cell, "a value that is not JSON"),
        };
        match self.operator.apply(scalar, None, subject.as_deref(), out) {
            Ok(Masked::Text) => batch.replace_text(cell, out),
            Ok(Masked::Number) => batch.replace(cell, out.as_bytes()),
            Ok(Masked::Null) => batch.replace(cell, b"null"),
            Err(refusal @ Refusal::WrongType { .. }) => {
                return self.mismatch(batch, cell, &refusal.to_string());
            }
            Err(refusal) => {
                return self.refuse(batch, cell, "cannot_be_masked", &refusal.to_string());
            }
        }
        Ok(true)
    }

    /// Closes on a value of another type or shape than the operator works on.
    fn mismatch(&self, batch: &mut Batch, cell: CellId, why: &str) -> Result<bool, Halt> {
        self.refuse(batch, cell, "type_mismatch", why)
    }

    fn refuse(
        &self,
        batch: &mut Batch,
        cell: CellId,
        code: &'static str,
        why: &str,
    ) -> Result<bool, Halt> {
        batch.replace_text(cell, WITHHELD);
        batch.tally().find(self.column.id, code, 1);
        let refused = Refused {
            row: batch.cell(cell).row as usize,
            stage: &format!("mask {}", self.column.name),
            code,
            message: format!("{}: a value cannot be masked: {why}", self.column.place),
        };
        self.refusals.refuse(batch, refused).map(|()| false)
    }
}

/// Replaces a value without looking at it; says whether there was one.
fn replace_whole(batch: &mut Batch, cell: CellId, whole: &Whole) -> bool {
    if batch.raw(batch.cell(cell)) == b"null" {
        return false;
    }
    match whole {
        Whole::Json(json) => batch.replace(cell, json),
        Whole::Null => batch.replace(cell, b"null"),
    }
    true
}

/// The text of a row's value in the subject column.
fn subject(batch: &Batch, column: ColumnId, row: u32) -> Option<String> {
    match batch.current(batch.cell_of(column, row as usize)?) {
        Current::Text(text) => Some(text.into_owned()),
        Current::Number(literal) => Some(literal.to_owned()),
        _ => None,
    }
}
