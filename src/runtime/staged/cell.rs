//! Arrow's values as JSON, one writer for each column of a batch.

use arrow::array::cast::AsArray;
use arrow::array::types::*;
use arrow::array::{AnyDictionaryArray, Array, ArrayRef, StructArray};
use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use arrow::util::display::FormatOptions;

use super::columns;
use super::value::{self, Out};
use crate::schema::LogicalType;

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

fn list(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    macro_rules! lists {
        ($list:expr, $item:expr, $bounds:expr) => {{
            let list = $list.clone();
            let write = cell(list.values(), $item, value::item(ty))?;
            let bounds = $bounds;
            Some(Box::new(move |row, out| {
                let (from, to) = bounds(&list, row);
                out.raw(b"[");
                for at in from..to {
                    if at > from {
                        out.raw(b",");
                    }
                    write(at, out);
                }
                out.raw(b"]");
            }))
        }};
    }
    use arrow::array::{
        FixedSizeListArray, GenericListArray, GenericListViewArray, OffsetSizeTrait,
    };
    fn offsets<O: OffsetSizeTrait>(list: &GenericListArray<O>, row: usize) -> (usize, usize) {
        let offsets = list.value_offsets();
        (offsets[row].as_usize(), offsets[row + 1].as_usize())
    }
    fn view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>, row: usize) -> (usize, usize) {
        let from = list.value_offset(row).as_usize();
        (from, from + list.value_size(row).as_usize())
    }
    fn fixed(list: &FixedSizeListArray, row: usize) -> (usize, usize) {
        let from = list.value_offset(row) as usize;
        (from, from + list.value_length() as usize)
    }
    match array.data_type() {
        DataType::List(item) => lists!(array.as_list::<i32>(), item, offsets),
        DataType::LargeList(item) => lists!(array.as_list::<i64>(), item, offsets),
        DataType::ListView(item) => lists!(array.as_list_view::<i32>(), item, view),
        DataType::LargeListView(item) => lists!(array.as_list_view::<i64>(), item, view),
        DataType::FixedSizeList(item, _) => lists!(array.as_fixed_size_list(), item, fixed),
        _ => None,
    }
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

fn dictionary(
    array: &dyn AnyDictionaryArray,
    field: &Field,
    ty: Option<&LogicalType>,
) -> Option<Cell> {
    let keys = array.normalized_keys();
    let inner = Field::new(field.name(), array.values().data_type().clone(), true)
        .with_metadata(field.metadata().clone());
    let write = cell(array.values(), &inner, ty)?;
    Some(Box::new(move |row, out| write(keys[row], out)))
}

fn map(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    let members = members(array, ty)?;
    Some(Box::new(move |row, out| {
        out.raw(b"{");
        members(row, out);
        out.raw(b"}");
    }))
}

/// Writes the entries of a map without the braces around them.
fn members(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    let map = array.as_map_opt()?.clone();
    let fields = map.entries().fields();
    let (keys, values) = (map.keys(), map.values());
    let write_key = cell(keys, fields.first()?, None)?;
    let declared = match ty {
        Some(LogicalType::Object(_)) => None,
        _ => value::item(ty),
    };
    let write = cell(values, fields.get(1)?, declared)?;
    let quoted = keys.data_type().is_string();
    Some(Box::new(move |row, out| {
        let offsets = map.value_offsets();
        let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
        for at in from..to {
            if at > from {
                out.raw(b",");
            }
            let begin = out.json.len();
            write_key(at, out);
            // A key is text in JSON.
            if !quoted && out.json.get(begin) != Some(&b'"') {
                let text = String::from_utf8_lossy(&out.json[begin..]).into_owned();
                out.json.truncate(begin);
                out.text(&text);
            }
            out.raw(b":");
            write(at, out);
        }
    }))
}

fn object(array: &StructArray, fields: &Fields, ty: Option<&LogicalType>) -> Option<Cell> {
    let as_object = members_of(array, fields, ty)?;
    if !columns::is_union(fields, ty) {
        return Some(as_object);
    }
    let types = array.column(0).clone();
    let write_type = cell(&types, &fields[0], None)?;
    let mut options = Vec::new();
    for (field, column) in fields.iter().zip(array.columns()).skip(1) {
        let option = columns::option(ty, field.name());
        let name = format!("\"{}\"", field.name());
        options.push((name, column.clone(), cell(column, field, option)?));
    }
    let declared = ty.is_some();
    Some(Box::new(move |row, out| {
        let mut given = options.iter().filter(|(_, column, _)| column.is_valid(row));
        match (given.next(), given.next()) {
            (Some((name, _, write)), None) => {
                let begin = out.json.len();
                write_type(row, out);
                let named = &out.json[begin..] == name.as_bytes();
                out.json.truncate(begin);
                if named {
                    write(row, out)
                } else {
                    as_object(row, out)
                }
            }
            (None, _) if declared => out.null(),
            _ => as_object(row, out),
        }
    }))
}

/// Writes a struct as an object.
fn members_of(array: &StructArray, fields: &Fields, ty: Option<&LogicalType>) -> Option<Cell> {
    let mut columns = Vec::new();
    for (field, column) in fields.iter().zip(array.columns()) {
        columns.push(Member::new(column, field, value::member(ty, field.name()))?);
    }
    Some(Box::new(move |row, out| {
        out.raw(b"{");
        let mut first = true;
        for column in &columns {
            column.write(row, out, &mut first);
        }
        out.raw(b"}");
    }))
}

/// A column as a member of an object.
pub struct Member {
    /// `"name":`; empty where the members of a map stand for themselves.
    key: Vec<u8>,
    write: Cell,
    map: Option<ArrayRef>,
}

impl Member {
    /// `None` when the type is not known.
    pub fn new(column: &ArrayRef, field: &Field, ty: Option<&LogicalType>) -> Option<Self> {
        if field.name() == super::envelope::FURTHER && column.as_map_opt().is_some() {
            return Some(Self {
                key: Vec::new(),
                write: members(column, None)?,
                map: Some(ArrayRef::clone(column)),
            });
        }
        let mut key = Vec::new();
        value::string(&mut key, field.name());
        key.push(b':');
        Some(Self {
            key,
            write: cell(column, field, ty)?,
            map: None,
        })
    }

    /// Writes the member, behind a comma unless it is the first.
    pub fn write(&self, row: usize, out: &mut Out<'_>, first: &mut bool) {
        if let Some(map) = &self.map
            && (map.is_null(row) || map.as_map().value_length(row) == 0)
        {
            return;
        }
        if !std::mem::take(first) {
            out.raw(b",");
        }
        out.raw(&self.key);
        (self.write)(row, out);
    }
}
