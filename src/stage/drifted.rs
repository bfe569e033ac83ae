//! Holds records to the schema of the last run, where a change of it was not accepted.

use super::{ColumnRef, Halt, Refusals, Refused, Stage};
use crate::batch::temporal::{date, time, timestamp};
use crate::batch::{Batch, CellId, Current};
use crate::schema::{JsonKind, LogicalType, is_integral};

/// The compiled stage.
#[derive(Debug)]
pub struct Drifted {
    pub column: ColumnRef,
    pub demand: Demand,
    pub otherwise: Otherwise,
    pub refusals: Refusals,
}

/// What is demanded of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Nothing stands there, or null.
    Nothing,
    /// Some value stands there, and it is not null.
    Value,
    /// What stands there is of this type, or null.
    Fits(LogicalType),
}

/// What becomes of what is not as demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// The value becomes null, and the record's `meta.changes` says so.
    Null,
    /// The row is rejected.
    Refuse,
}

impl Stage for Drifted {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        if self.demand == Demand::Value {
            return self.missing(batch);
        }
        for at in 0..batch.column(self.column.id).len() {
            let cell = batch.column(self.column.id)[at] as usize;
            if self.unfit(batch, cell) {
                self.act(batch, cell)?;
            }
        }
        Ok(())
    }
}

impl Drifted {
    fn unfit(&self, batch: &Batch, cell: CellId) -> bool {
        if batch.is_misplaced(cell, self.column.id) {
            return true;
        }
        match (batch.current(cell), &self.demand) {
            (Current::Null, _) => false,
            (value, Demand::Fits(ty)) => !fits(ty, &value),
            (_, Demand::Nothing | Demand::Value) => true,
        }
    }

    fn act(&self, batch: &mut Batch, cell: CellId) -> Result<(), Halt> {
        let row = batch.cell(cell).row as usize;
        batch.tally().find(self.column.id, self.code(), 1);
        match self.otherwise {
            Otherwise::Null => {
                batch.replace(cell, b"null");
                batch.nulled(row, &self.column.name);
                Ok(())
            }
            Otherwise::Refuse => self.refuse(batch, row),
        }
    }

    fn missing(&self, batch: &mut Batch) -> Result<(), Halt> {
        for row in 0..batch.rows().len() {
            let given = batch
                .cell_of(self.column.id, row)
                .is_some_and(|cell| batch.current(cell) != Current::Null);
            if !given {
                batch.tally().find(self.column.id, self.code(), 1);
                self.refuse(batch, row)?;
            }
        }
        Ok(())
    }

    fn refuse(&self, batch: &mut Batch, row: usize) -> Result<(), Halt> {
        let message = format!(
            "{}: {} that was not accepted",
            self.column.place,
            match self.demand {
                Demand::Nothing => "a value in a new column",
                Demand::Value => "no value, which is a change of the schema",
                Demand::Fits(_) => "a value of another type, which is a change of the schema",
            }
        );
        let refused = Refused {
            row,
            stage: &format!("drift {}", self.column.name),
            code: self.code(),
            message,
        };
        self.refusals.refuse(batch, refused)
    }

    fn code(&self) -> &'static str {
        match self.demand {
            Demand::Nothing => "column_added",
            Demand::Value => "value_missing",
            Demand::Fits(_) => "type_changed",
        }
    }
}

/// Whether a value is one of a type; what has a form is read.
fn fits(ty: &LogicalType, value: &Current<'_>) -> bool {
    let Some(kind) = value.kind() else {
        return false;
    };
    match (ty, value) {
        (LogicalType::Union(options), _) => options.iter().any(|option| fits(option, value)),
        (LogicalType::Integer, Current::Number(digits)) => is_integral(digits.as_bytes()),
        (LogicalType::BigInteger, Current::Text(text)) => is_whole(text),
        (LogicalType::Date, Current::Text(text)) => date(text).is_some_and(|read| !read.cut),
        (LogicalType::Timestamp | LogicalType::TimestampTz, Current::Text(text)) => {
            timestamp(text).is_some()
        }
        (LogicalType::Time | LogicalType::TimeTz, Current::Text(text)) => time(text).is_some(),
        _ => kind != JsonKind::Null && ty.accepts(kind),
    }
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_the_type_it_is_read_as() {
        use LogicalType as T;
        for (ty, fitting, unfit) in [
            (
                T::Integer,
                &["7", "7.0", "1e3"][..],
                &["7.5", "\"7\"", "true"][..],
            ),
            (T::Number, &["7", "7.5"], &["\"7.5\""]),
            (
                T::BigInteger,
                &["7", "\"-123\""],
                &["\"12a\"", "\"\"", "1.5"],
            ),
            (
                T::Date,
                &["\"2026-01-31\""],
                &["\"2026-01-31T10:00:00\"", "\"soon\"", "20260131"],
            ),
            (
                T::TimestampTz,
                &["\"2026-01-31T10:00:00Z\"", "\"2026-01-31\""],
                &["\"soon\""],
            ),
            (T::Time, &["\"10:00:00\""], &["\"10\""]),
            (T::String, &["\"x\""], &["1", "{}", "[]"]),
            (T::Array(None), &["[1]"], &["{}", "\"[]\""]),
            (
                T::union([T::Integer, T::Date]),
                &["1", "\"2026-01-31\""],
                &["1.5", "\"x\""],
            ),
            (T::Json, &["1", "\"x\"", "{}"], &["nonsense"]),
        ] {
            for raw in fitting {
                assert!(fits(&ty, &Current::of(raw.as_bytes())), "{ty} {raw}");
            }
            for raw in unfit {
                assert!(!fits(&ty, &Current::of(raw.as_bytes())), "{ty} {raw}");
            }
        }
    }
}
