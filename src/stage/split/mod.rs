//! Says to which part of a data set a record belongs, in a column of its own. The part follows from the
//! record's entity key or time alone, so a repeated sync gives the same answer and new records move nobody.

mod entity;
pub mod spec;
mod time;

pub use entity::Entity;
pub use time::{Moments, instant};

use super::{ColumnRef, Halt, Refusals, Refused, Stage};
use crate::batch::{Batch, CellId, ColumnId, Current, Fate, RowId, write_string};

/// A compiled `split`.
#[derive(Debug)]
pub struct Split {
    pub column: ColumnId,
    pub name: String,
    /// Its place among the stream's splits.
    pub number: usize,
    pub by: By,
    /// The parts as JSON text, in the order of their numbers.
    pub parts: Vec<Vec<u8>>,
    /// The part of records without a key or time.
    pub missing: Option<usize>,
    pub refusals: Refusals,
}

/// What decides the part.
#[derive(Debug)]
pub enum By {
    Entity(Entity),
    Time(Moments),
}

/// Why a record belongs to no part.
#[derive(Debug, Clone, Copy)]
enum Unfit<'a> {
    /// The column is null or not there.
    Missing(&'a ColumnRef),
    /// The column holds what is no key or time.
    Mismatch(&'a ColumnRef),
}

impl Split {
    /// The parts' names as JSON text.
    pub fn texts(names: &[&str]) -> Vec<Vec<u8>> {
        let text = |name: &&str| {
            let mut json = Vec::new();
            write_string(name, &mut json);
            json
        };
        names.iter().map(text).collect()
    }

    fn refuse(&self, batch: &mut Batch, row: RowId, unfit: Unfit<'_>) -> Result<(), Halt> {
        let (column, code, what) = match unfit {
            Unfit::Missing(column) => (column, "missing_key", "the value is null or missing"),
            Unfit::Mismatch(column) => (column, "type_mismatch", self.wanted()),
        };
        batch.tally().find(column.id, code, 1);
        let advice = match unfit {
            Unfit::Missing(_) => "; `missing:` can name a part for such records",
            Unfit::Mismatch(_) => "",
        };
        let refused = Refused {
            row,
            stage: &format!("split {}", self.name),
            code,
            message: format!(
                "{}: a record cannot be split by it: {what}{advice}",
                column.place
            ),
        };
        self.refusals.refuse(batch, refused)
    }

    fn wanted(&self) -> &'static str {
        match self.by {
            By::Entity(_) => "the value is no text, number or boolean",
            By::Time(_) => "the value is no date or timestamp",
        }
    }
}

impl Stage for Split {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let mut bytes = Vec::new();
        for row in 0..batch.rows().len() {
            let record = &batch.rows()[row];
            // What does not leave needs no part, and what has no data has no place for it.
            if record.fate != Fate::Keep || record.data.is_none() {
                continue;
            }
            let part = match &self.by {
                By::Entity(entity) => entity.part(batch, row, &mut bytes),
                By::Time(moments) => moments.part(batch, row),
            };
            match (part, self.missing) {
                (Ok(part), _) | (Err(Unfit::Missing(_)), Some(part)) => {
                    batch.put(self.column, &self.name, row, &self.parts[part]);
                    batch.assign(self.number, row, part);
                }
                (Err(unfit), _) => self.refuse(batch, row, unfit)?,
            }
        }
        Ok(())
    }
}

/// The cell a record is split by.
fn cell<'a>(batch: &Batch, column: &'a ColumnRef, row: RowId) -> Result<CellId, Unfit<'a>> {
    let cell = batch
        .cell_of(column.id, row)
        .ok_or(Unfit::Missing(column))?;
    if batch.is_misplaced(cell, column.id) {
        return Err(Unfit::Mismatch(column));
    }
    match batch.current(cell) {
        Current::Null => Err(Unfit::Missing(column)),
        _ => Ok(cell),
    }
}
