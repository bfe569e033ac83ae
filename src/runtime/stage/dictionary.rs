//! Which columns of a part get a dictionary. One whose values hardly repeat pays for a dictionary and then throws it
//! away, so the first rows are asked.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Fields;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

/// Rows that are asked; fewer say nothing.
const ROWS: usize = 1024;
const ROWS_MIN: usize = 128;

/// Of a hundred values so many must be different for a dictionary to be left out.
const DIFFERENT: usize = 60;

/// The properties, without dictionaries for columns whose first values hardly repeat.
pub fn without_useless(properties: &WriterProperties, first: &RecordBatch) -> WriterProperties {
    let mut builder = properties.clone().into_builder();
    if first.num_rows() >= ROWS_MIN {
        let schema = first.schema();
        for (field, column) in schema.fields().iter().zip(first.columns()) {
            builder = of(builder, vec![field.name().clone()], column);
        }
    }
    builder.build()
}

fn of(
    builder: WriterPropertiesBuilder,
    path: Vec<String>,
    column: &ArrayRef,
) -> WriterPropertiesBuilder {
    if let Some(object) = column.as_any().downcast_ref::<StructArray>() {
        let fields: &Fields = object.fields();
        return fields
            .iter()
            .zip(object.columns())
            .fold(builder, |builder, (field, column)| {
                let mut below = path.clone();
                below.push(field.name().clone());
                of(builder, below, column)
            });
    }
    match is_varied(column) {
        true => builder.set_column_dictionary_enabled(ColumnPath::from(path), false),
        false => builder,
    }
}

/// Whether most values are different from one another.
fn is_varied(column: &ArrayRef) -> bool {
    let any = column.as_any();
    /// The values of the first type that it is.
    macro_rules! values {
        ($($array:ty => $key:expr),*) => {
            $(if let Some(values) = any.downcast_ref::<$array>() {
                return varied(values.iter().take(ROWS).map(|value| value.map($key)));
            })*
        };
    }
    values!(
        StringArray => |value| value,
        Int64Array => |value| value,
        TimestampMicrosecondArray => |value| value,
        Time64MicrosecondArray => |value| value,
        Date32Array => |value| value,
        Decimal128Array => |value| value,
        Float64Array => f64::to_bits,
        Float32Array => f32::to_bits
    );
    false
}

fn varied<T: Hash + Eq>(values: impl Iterator<Item = Option<T>>) -> bool {
    let (mut seen, mut count) = (HashSet::new(), 0);
    for value in values.flatten() {
        count += 1;
        seen.insert(value);
    }
    count >= ROWS_MIN && seen.len() * 100 > count * DIFFERENT
}
