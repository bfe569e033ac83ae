//! Arrow's values as JSON, one writer for each column of a batch.

mod nested;

use arrow::array::cast::AsArray;
use arrow::array::types::*;
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use arrow::util::display::FormatOptions;

use super::columns;
use super::value::{self, Out};
use crate::schema::LogicalType;

pub use nested::Member;
use nested::{dictionary, list, map, object};

/// Writes the value of a row.
pub type Cell = Box<dyn Fn(usize, &mut Out<'_>) + Send>;

/// The writer of a column, `None` for a type that is not known. Where the file's own marks say what a column is,
/// they hold unless a type is declared.
pub fn cell(array: &ArrayRef, field: &Field, declared: Option<&LogicalType>) -> Option<Cell> {
    let marked = columns::marked(field);
    let ty = declared.or(marked.as_ref());
    let write = known(array, field, ty)?;
    if array.null_count() == 0 || *array.data_type() == DataType::Null {
        return Some(write);
    }
    let array = ArrayRef::clone(array);
    Some(Box::new(move |row, out| {
        if array.is_null(row) {
            out.null();
        } else {
            write(row, out);
        }
    }))
}

/// A writer of an array's values, which are not null.
macro_rules! values {
    ($array:expr, |$value:ident, $out:ident| $write:expr) => {{
        let array = $array.clone();
        Box::new(move |row: usize, $out: &mut Out<'_>| {
            let $value = array.value(row);
            $write
        })
    }};
}

macro_rules! integers {
    ($array:expr, $type:ty) => {
        values!($array.as_primitive::<$type>(), |value, out| out
            .shown(value))
    };
}

macro_rules! decimals {
    ($array:expr, $type:ty, $scale:expr) => {{
        let scale = i64::from(*$scale);
        values!($array.as_primitive::<$type>(), |value, out| out
            .decimal(&value.to_string(), scale))
    }};
}

fn known(array: &ArrayRef, field: &Field, ty: Option<&LogicalType>) -> Option<Cell> {
    let text = value::json_text(ty).cloned();
    Some(match array.data_type() {
        DataType::Null => Box::new(|_, out| out.null()),
        DataType::Boolean => values!(array.as_boolean(), |value, out| out.boolean(value)),
        DataType::Int8 => integers!(array, Int8Type),
        DataType::Int16 => integers!(array, Int16Type),
        DataType::Int32 => integers!(array, Int32Type),
        DataType::Int64 => integers!(array, Int64Type),
        DataType::UInt8 => integers!(array, UInt8Type),
        DataType::UInt16 => integers!(array, UInt16Type),
        DataType::UInt32 => integers!(array, UInt32Type),
        DataType::UInt64 => integers!(array, UInt64Type),
        DataType::Float16 => values!(array.as_primitive::<Float16Type>(), |value, out| out
            .float(value.to_f32())),
        DataType::Float32 => values!(array.as_primitive::<Float32Type>(), |value, out| out
            .float(value)),
        DataType::Float64 => values!(array.as_primitive::<Float64Type>(), |value, out| out
            .double(value)),
        DataType::Decimal32(_, scale) => decimals!(array, Decimal32Type, scale),
        DataType::Decimal64(_, scale) => decimals!(array, Decimal64Type, scale),
        DataType::Decimal128(_, scale) => decimals!(array, Decimal128Type, scale),
        DataType::Decimal256(_, scale) => decimals!(array, Decimal256Type, scale),
        DataType::Utf8 => values!(array.as_string::<i32>(), |value, out| out
            .text_or_json(value, text.as_ref())),
        DataType::LargeUtf8 => values!(array.as_string::<i64>(), |value, out| out
            .text_or_json(value, text.as_ref())),
        DataType::Utf8View => values!(array.as_string_view(), |value, out| out
            .text_or_json(value, text.as_ref())),
        DataType::Binary => values!(array.as_binary::<i32>(), |value, out| out.base64(value)),
        DataType::LargeBinary => values!(array.as_binary::<i64>(), |value, out| out.base64(value)),
        DataType::BinaryView => values!(array.as_binary_view(), |value, out| out.base64(value)),
        DataType::FixedSizeBinary(16) if columns::is_uuid(field) => {
            values!(array.as_fixed_size_binary(), |value, out| out.uuid(value))
        }
        DataType::FixedSizeBinary(_) => {
            values!(array.as_fixed_size_binary(), |value, out| out.base64(value))
        }
        DataType::Dictionary(_, _) => dictionary(array.as_any_dictionary_opt()?, field, ty)?,
        DataType::Struct(fields) => object(array.as_struct(), fields, ty)?,
        DataType::Map(_, _) => map(array, ty)?,
        _ => {
            return temporal(array, ty)
                .or_else(|| list(array, ty))
                .or_else(|| rest(array));
        }
    })
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

fn temporal(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    macro_rules! moments {
        ($unit:expr, $method:ident, $zone:expr, $($name:ident => $type:ty),+) => {{
            let (parts, zone) = (per_second(*$unit), $zone);
            match $unit {
                $(TimeUnit::$name => values!(array.as_primitive::<$type>(), |value, out| out.$method(i64::from(value), parts, zone)),)+
                #[allow(unreachable_patterns)]
                _ => return None,
            }
        }};
    }
    Some(match array.data_type() {
        DataType::Date32 => values!(array.as_primitive::<Date32Type>(), |value, out| out
            .date(i64::from(value))),
        DataType::Date64 => {
            values!(array.as_primitive::<Date64Type>(), |value, out| out
                .date(value.div_euclid(86_400_000)))
        }
        DataType::Time32(unit) => moments!(unit, time, value::zoned(ty, false),
            Second => Time32SecondType, Millisecond => Time32MillisecondType),
        DataType::Time64(unit) => moments!(unit, time, value::zoned(ty, false),
            Microsecond => Time64MicrosecondType, Nanosecond => Time64NanosecondType),
        DataType::Timestamp(unit, zone) => {
            moments!(unit, timestamp, value::zoned(ty, zone.is_some()),
            Second => TimestampSecondType, Millisecond => TimestampMillisecondType,
            Microsecond => TimestampMicrosecondType, Nanosecond => TimestampNanosecondType)
        }
        _ => return None,
    })
}

/// Lengths of time, as Arrow prints them.
fn rest(array: &ArrayRef) -> Option<Cell> {
    Some(match array.data_type() {
        DataType::Duration(TimeUnit::Second) => integers!(array, DurationSecondType),
        DataType::Duration(TimeUnit::Millisecond) => integers!(array, DurationMillisecondType),
        DataType::Duration(TimeUnit::Microsecond) => integers!(array, DurationMicrosecondType),
        DataType::Duration(TimeUnit::Nanosecond) => integers!(array, DurationNanosecondType),
        DataType::Interval(
            IntervalUnit::YearMonth | IntervalUnit::DayTime | IntervalUnit::MonthDayNano,
        ) => {
            let array = ArrayRef::clone(array);
            Box::new(move |row, out| {
                let options = FormatOptions::default();
                match arrow::util::display::ArrayFormatter::try_new(&array, &options) {
                    Ok(formatter) => out.text(&formatter.value(row).to_string()),
                    Err(_) => out.lose(),
                }
            })
        }
        _ => return None,
    })
}
