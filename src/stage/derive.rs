//! Adds a top-level column computed from others.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::sql::Expression;
use super::{ColumnRef, Halt, Stage, arrays};
use crate::batch::{Batch, ColumnId, write_string};
use crate::error::{Error, ErrorKind};

/// A compiled `derive`.
#[derive(Debug)]
pub struct Derive {
    pub column: ColumnId,
    pub name: String,
    pub expression: Expression,
    pub columns: Vec<ColumnRef>,
}

/// Timestamps as Airbyte's destinations read them, in microseconds when there are any.
const FORMAT: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"))
    .with_date_format(Some("%Y-%m-%d"))
    .with_time_format(Some("%H:%M:%S%.f"));

impl Stage for Derive {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let rows = batch.rows().len();
        let columns: Vec<_> = arrays(batch, &self.columns)
            .into_iter()
            .map(|c| c.values)
            .collect();
        let halt = |error| Halt { row: 0, error };
        let evaluated = self.expression.evaluate(&columns, rows).map_err(halt)?;
        for &row in &evaluated.failed {
            batch.tally().find(self.column, "evaluation_error", 1);
            batch.nulled(row as usize, &self.name);
        }
        let mut json = Vec::new();
        let writer = Writer::new(&evaluated.values).map_err(halt)?;
        for row in 0..rows {
            if batch.rows()[row].data.is_none() {
                continue;
            }
            json.clear();
            writer.write(row, &mut json);
            batch.put(self.column, &self.name, row, &json);
        }
        Ok(())
    }
}

/// Writes the values of an array as JSON.
struct Writer<'a> {
    values: &'a ArrayRef,
    text: ArrayFormatter<'a>,
}

impl<'a> Writer<'a> {
    fn new(values: &'a ArrayRef) -> Result<Self, Error> {
        let text = ArrayFormatter::try_new(values, &FORMAT)
            .map_err(|_| Error::new(ErrorKind::Internal, "a derived type has no text form"))?;
        Ok(Self { values, text })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.values.is_null(row) {
            return out.extend_from_slice(b"null");
        }
        match self.values.data_type() {
            // JSON has no word for the others.
            DataType::Float64
                if !self
                    .values
                    .as_primitive::<Float64Type>()
                    .value(row)
                    .is_finite() =>
            {
                out.extend_from_slice(b"null");
            }
            DataType::Boolean => {
                let value = self.values.as_boolean().value(row);
                out.extend_from_slice(if value { b"true" } else { b"false" });
            }
            kind if kind.is_numeric() => {
                out.extend_from_slice(self.text.value(row).to_string().as_bytes());
            }
            _ => write_string(&self.text.value(row).to_string(), out),
        }
    }
}
