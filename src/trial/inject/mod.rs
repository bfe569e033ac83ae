//! Errors as they happen in data, put into a column: which of its rules notice them?
//!
//! Each error is a pure function of a column, the share of its rows and a seed. Columns have the types that
//! expressions see ([`LogicalType::evaluation`](crate::schema::LogicalType::evaluation)). An error that a type cannot
//! have changes nothing.

mod moment;
mod number;
mod swap;
mod text;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::DataType;
use serde::Serialize;

use super::random::Draw;

/// The errors, each a way in which values go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// The value is not there.
    Missing,
    /// A slip of the finger: a character is lost, doubled, swapped or another.
    Typo,
    /// A thousand times as much, as metres for kilometres.
    WrongUnit,
    /// Far outside of what the column has.
    Outlier,
    /// Another value of those that the column has, where they are few.
    CategorySwap,
    /// Characters before or behind that do not belong there.
    Extraneous,
    /// UTF-8 that was read as something else.
    Mojibake,
    /// A date some days to years off.
    ShiftDate,
}

impl Error {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Missing,
        Self::Typo,
        Self::WrongUnit,
        Self::Outlier,
        Self::CategorySwap,
        Self::Extraneous,
        Self::Mojibake,
        Self::ShiftDate,
    ];

    /// The word of evidence and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Typo => "typo",
            Self::WrongUnit => "wrong_unit",
            Self::Outlier => "outlier",
            Self::CategorySwap => "category_swap",
            Self::Extraneous => "extraneous",
            Self::Mojibake => "mojibake",
            Self::ShiftDate => "shift_date",
        }
    }
}

/// The column with an error in about `rate` of its values, and the rows whose value is another now.
pub fn inject(error: Error, column: &ArrayRef, rate: f64, seed: u64) -> (ArrayRef, BooleanBuffer) {
    let chosen = |row: usize| column.is_valid(row) && Draw::new(!seed, row).fraction() < rate;
    let chosen = BooleanBuffer::collect_bool(column.len(), chosen);
    let nothing = || (Arc::clone(column), BooleanBuffer::new_unset(column.len()));
    if chosen.count_set_bits() == 0 {
        return nothing();
    }
    let changed = match error {
        Error::Missing => Some(new_null_array(column.data_type(), column.len())),
        Error::Typo => match column.data_type() {
            DataType::Utf8View => text::typo(column, seed),
            _ => number::typo(column, seed),
        },
        Error::WrongUnit => match column.data_type() {
            DataType::Utf8View => text::wrong_unit(column),
            _ => number::wrong_unit(column),
        },
        Error::Outlier => match column.data_type() {
            DataType::Date32 | DataType::Timestamp(..) => moment::outlier(column, seed),
            _ => number::outlier(column, seed),
        },
        Error::CategorySwap => swap::category(column, seed),
        Error::Extraneous => text::extraneous(column, seed),
        Error::Mojibake => text::mojibake(column, seed),
        Error::ShiftDate => match column.data_type() {
            DataType::Utf8View => text::shift_date(column, seed),
            _ => moment::shift_date(column, seed),
        },
    };
    let Some(changed) = changed else {
        return nothing();
    };
    let mask = BooleanArray::new(chosen.clone(), None);
    let Ok(mixed) = zip(&mask, &changed, column) else {
        return nothing();
    };
    let differs = differing(column, &mixed);
    (mixed, &chosen & &differs)
}

/// The rows that hold another value, or none where there was one.
fn differing(before: &ArrayRef, after: &ArrayRef) -> BooleanBuffer {
    match arrow::compute::kernels::cmp::distinct(before, after) {
        Ok(rows) => rows.values().clone(),
        Err(_) => BooleanBuffer::new_unset(before.len()),
    }
}

#[cfg(test)]
mod tests;
