//! Lines in, batches out: every type, every way a value can be lost, and what Parquet makes of it.

use arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;
use crate::error::{ErrorKind, Result};
use crate::protocol::frame::Span;
use crate::protocol::scan::PADDING;
use crate::schema::{Field, LogicalType as T};

#[cfg(test)]
mod layouts;
#[cfg(test)]
mod parquet;
#[cfg(test)]
mod values;

pub(super) const ORIGIN: Origin = Origin {
    generation_id: 3,
    sync_id: 42,
};

pub(super) fn column(name: &str, ty: T) -> ColumnSpec {
    ColumnSpec {
        name: name.to_owned(),
        ty,
        number: NumberAs::default(),
        vector: false,
        notes: Vec::new(),
    }
}

pub(super) fn key(name: &str, ty: T) -> Field {
    Field {
        name: name.to_owned(),
        ty,
        required: false,
    }
}

pub(super) fn spec(layout: Layout, columns: Vec<ColumnSpec>) -> TableSpec {
    TableSpec {
        layout,
        columns,
        flatten: true,
    }
}

pub(super) fn push(builder: &mut Builder, line: &str, offset: u64) -> Result<()> {
    // Another line before it, so that no offset is right by accident.
    let mut bytes = b"{\"type\":\"LOG\"}\n".to_vec();
    let start = bytes.len() as u32;
    bytes.extend_from_slice(line.as_bytes());
    let end = bytes.len() as u32;
    bytes.resize(bytes.len() + PADDING, b'\n');
    builder.push(&bytes, Span { start, end }, offset)
}

/// A RECORD with this `data`.
pub(super) fn record(data: &str) -> String {
    format!(
        r#"{{"type":"RECORD","record":{{"stream":"s","data":{data},"emitted_at":1700000000123}}}}"#
    )
}

pub(super) fn batch_of(spec: &TableSpec, lines: &[String]) -> RecordBatch {
    let table = Table::compile(spec).expect("a table");
    let mut builder = Builder::new(&table, ORIGIN);
    for (at, line) in lines.iter().enumerate() {
        push(&mut builder, line, at as u64 * 1000).expect(line);
    }
    assert_eq!(builder.rows(), lines.len());
    let batch = builder.finish().expect("a batch");
    assert_eq!((builder.rows(), builder.bytes()), (0, 0));
    batch
}

/// The values of an array as text; null is `~`.
pub(super) fn shown(array: &dyn Array) -> Vec<String> {
    let options = FormatOptions::default().with_null("~");
    let formatter = ArrayFormatter::try_new(array, &options).expect("a type that can be shown");
    (0..array.len())
        .map(|row| formatter.value(row).to_string())
        .collect()
}

pub(super) fn named<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).expect(name)
}

/// The changes of every row, as `field CHANGE REASON`.
pub(super) fn changes(batch: &RecordBatch) -> Vec<Vec<String>> {
    let meta = named(batch, "_airbyte_meta");
    let meta = meta.as_any().downcast_ref::<StructArray>().expect("meta");
    let lists = arrow::array::cast::as_list_array(meta.column(1));
    (0..batch.num_rows())
        .map(|row| {
            let list = lists.value(row);
            let parts = list.as_any().downcast_ref::<StructArray>().expect("parts");
            let parts: Vec<_> = parts.columns().iter().map(|part| shown(part)).collect();
            (0..list.len())
                .map(|at| format!("{} {} {}", parts[0][at], parts[1][at], parts[2][at]))
                .collect()
        })
        .collect()
}
