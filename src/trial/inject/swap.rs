//! A value for another of the same column.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{not, take};
use arrow::datatypes::{DataType, Int64Type};

use super::Draw;

/// The most values of a column that are categories.
const CATEGORIES_MAX: usize = 50;

/// Another value of those that the column has; nothing where they are many, or only one.
pub(super) fn category(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    match column.data_type() {
        DataType::Boolean => not(column.as_boolean())
            .ok()
            .map(|flags| Arc::new(flags) as ArrayRef),
        DataType::Utf8View => {
            let texts = column.as_string_view();
            swapped(column, seed, |row| texts.value(row))
        }
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>();
            swapped(column, seed, |row| numbers.value(row))
        }
        _ => None,
    }
}

/// `value` gives what stands in a row that is not null.
fn swapped<T: Ord>(column: &ArrayRef, seed: u64, value: impl Fn(usize) -> T) -> Option<ArrayRef> {
    // Each value, with a row that has it.
    let mut rows: BTreeMap<T, u32> = BTreeMap::new();
    for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
        rows.entry(value(row)).or_insert(row as u32);
        if rows.len() > CATEGORIES_MAX {
            return None;
        }
    }
    if rows.len() < 2 {
        return None;
    }
    let places: Vec<u32> = rows.values().copied().collect();
    let other = |row: usize| {
        if column.is_null(row) {
            return row as u32;
        }
        let own = rows
            .keys()
            .position(|known| *known == value(row))
            .unwrap_or(0);
        let step = 1 + Draw::new(seed, row).below(places.len() - 1);
        places[(own + step) % places.len()]
    };
    let indices: UInt32Array = (0..column.len()).map(|row| Some(other(row))).collect();
    take(column, &indices, None).ok()
}
