//! Running a program over a batch. A row that fails costs itself alone: it becomes NULL and is named.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow::compute::{cast, concat, nullif};
use arrow::datatypes::DataType;

use super::WIDE_INTEGER;
use super::exact::BETWEEN;
use super::plan::Program;
use crate::error::{Error, ErrorKind, Result};

/// The values of an expression and the rows that have none because evaluating them failed.
#[derive(Clone, PartialEq)]
pub struct Evaluated<A = ArrayRef> {
    /// One value per row; NULL where evaluation failed.
    pub values: A,
    /// The rows whose evaluation failed (division by zero, a cast, an overflow), ascending.
    pub failed: Vec<u32>,
}

/// Tells sizes, never values.
impl<A: Array> std::fmt::Debug for Evaluated<A> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Evaluated")
            .field("data_type", self.values.data_type())
            .field("rows", &self.values.len())
            .field("failed", &self.failed.len())
            .finish()
    }
}

impl Program {
    /// Evaluates `rows` rows of columns that have the types of the program's schema.
    ///
    /// # Errors
    /// Columns of other types or lengths: a defect of the caller.
    pub(super) fn run(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<Evaluated> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| {
                Error::new(
                    ErrorKind::Internal,
                    "an expression was given other columns than it was compiled for",
                )
                .because(error)
            })?;
        if let Some(values) = self.attempt(&batch) {
            return Ok(Evaluated {
                values,
                failed: Vec::new(),
            });
        }
        let mut pieces = Vec::new();
        let mut failed = Vec::new();
        self.halve(&batch, 0, &mut pieces, &mut failed);
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        let values = concat(&pieces).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                "the parts of a batch did not fit together",
            )
            .because(error)
        })?;
        Ok(Evaluated { values, failed })
    }

    /// Evaluates the halves of a batch that failed as a whole, down to the rows that fail alone.
    ///
    /// A row's value does not depend on its neighbours: a part that succeeds has evaluated every row as it
    /// would have been alone, and one that does not is split until it does.
    fn halve(
        &self,
        batch: &RecordBatch,
        offset: u32,
        pieces: &mut Vec<ArrayRef>,
        failed: &mut Vec<u32>,
    ) {
        let rows = batch.num_rows();
        if rows <= 1 {
            failed.extend((rows == 1).then_some(offset));
            pieces.push(new_null_array(&self.data_type, rows));
            return;
        }
        let half = rows / 2;
        for (start, length) in [(0, half), (half, rows - half)] {
            let part = batch.slice(start, length);
            let offset = offset + start as u32;
            match self.attempt(&part) {
                Some(values) => pieces.push(values),
                None => self.halve(&part, offset, pieces, failed),
            }
        }
    }

    /// The values of a batch, or `None` if a row of it fails. What DataFusion says about the failure is
    /// dropped, because it quotes values; so is a panic of one of its kernels.
    fn attempt(&self, batch: &RecordBatch) -> Option<ArrayRef> {
        let rows = batch.num_rows();
        let values = catch_unwind(AssertUnwindSafe(|| {
            self.root.evaluate(batch)?.into_array(rows)
        }));
        let values = values.ok()?.ok().filter(|values| values.len() == rows)?;
        if values.data_type() == &self.data_type {
            return Some(values);
        }
        cast(&values, &self.data_type).ok()
    }
}

/// Brings integers to `data_type`, another type of integers; those that do not fit are NULL and named.
///
/// # Errors
/// No such cast exists.
pub(super) fn fit(values: &ArrayRef, data_type: &DataType) -> Result<Evaluated> {
    let steps = [BETWEEN, data_type.clone()];
    let steps = if values.data_type() == &WIDE_INTEGER {
        &steps[..]
    } else {
        &steps[1..]
    };
    let narrow = steps
        .iter()
        .try_fold(Arc::clone(values), |values, step| cast(&values, step))
        .map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                "a column cannot be brought to its declared type",
            )
            .because(error)
        })?;
    let failed = (0..values.len())
        .filter(|row| values.is_valid(*row) && narrow.is_null(*row))
        .map(|row| row as u32)
        .collect();
    Ok(Evaluated {
        values: narrow,
        failed,
    })
}

/// The values with NULL in the given rows.
///
/// # Errors
/// Rows beyond the array: a defect of the caller.
pub(super) fn without(values: &ArrayRef, rows: &[u32]) -> Result<ArrayRef> {
    let mut mask = vec![false; values.len()];
    for row in rows {
        if let Some(at) = mask.get_mut(*row as usize) {
            *at = true;
        }
    }
    nullif(values, &BooleanArray::from(mask)).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "rows without a value could not be set to NULL",
        )
        .because(error)
    })
}
