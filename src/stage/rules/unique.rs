//! Rows of a batch whose values have been there before.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use crate::error::{Error, ErrorKind, Result};

/// The rows whose values in `columns` repeat those of an earlier row. A row with a NULL repeats nothing.
///
/// # Errors
/// Columns of a type without an order, or of different lengths: a defect of the caller.
pub(super) fn repeated(columns: &[ArrayRef], rows: usize) -> Result<BooleanBuffer> {
    let defect = |error: ArrowError| {
        Error::new(
            ErrorKind::Internal,
            "columns cannot be compared for uniqueness",
        )
        .because(error)
    };
    if columns.is_empty() {
        return Ok(BooleanBuffer::new_unset(rows));
    }
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()));
    let converter = RowConverter::new(fields.collect()).map_err(defect)?;
    let keys = converter.convert_columns(columns).map_err(defect)?;
    let mut seen = HashSet::with_capacity(rows);
    Ok(BooleanBuffer::collect_bool(rows, |row| {
        let complete = row < keys.num_rows() && columns.iter().all(|column| column.is_valid(row));
        complete && !seen.insert(keys.row(row))
    }))
}
