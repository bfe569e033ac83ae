//! What the schema of a Parquet file says of a record's columns.

use arrow::datatypes::{DataType, Field, Fields, Schema};

use super::Columns;
use super::envelope::{FURTHER, Own};
use crate::schema::{Field as Key, LogicalType};

/// The field's mark that holds the type it was written from.
const MARK: &str = "airbyte_type";

/// Names of types, as destination-s3 gives them to the options of a union, and as marks.
pub fn named(name: &str) -> Option<LogicalType> {
    Some(match name {
        "string" => LogicalType::String,
        "boolean" => LogicalType::Boolean,
        "integer" => LogicalType::Integer,
        "number" => LogicalType::Number,
        "date" => LogicalType::Date,
        "timestamp_with_timezone" => LogicalType::TimestampTz,
        "timestamp_without_timezone" => LogicalType::Timestamp,
        "time_with_timezone" => LogicalType::TimeTz,
        "time_without_timezone" => LogicalType::Time,
        "array" => LogicalType::Array(None),
        "object" => LogicalType::SchemalessObject,
        "big_integer" => LogicalType::BigInteger,
        "binary" => LogicalType::Binary,
        "json" | "union" => LogicalType::Json,
        "unknown" => LogicalType::Unknown,
        _ => return None,
    })
}

/// The type that a field's mark names.
pub fn marked(field: &Field) -> Option<LogicalType> {
    let mark = field.metadata().get(MARK)?;
    named(mark).or_else(|| {
        if mark.starts_with("array of ") {
            Some(LogicalType::Array(None))
        } else if mark.starts_with("object") {
            Some(LogicalType::SchemalessObject)
        } else {
            mark.contains(" or ").then_some(LogicalType::Json)
        }
    })
}

/// Whether sixteen bytes are a UUID.
pub fn is_uuid(field: &Field) -> bool {
    let is = |key: &str, value: &str| {
        field
            .metadata()
            .get(key)
            .is_some_and(|found| found == value)
    };
    is("ARROW:extension:name", "arrow.uuid") || is("logicalType", "uuid")
}

/// Whether a struct stands for one value of several types: `type`, which names one of the others.
///
/// Where nothing is declared, the fields must also have the types that destination-s3 gives them, and be several.
pub fn is_union(fields: &Fields, ty: Option<&LogicalType>) -> bool {
    let Some((first, options)) = fields.split_first() else {
        return false;
    };
    if first.name() != "type" || !is_text(first.data_type()) || options.is_empty() {
        return false;
    }
    match ty {
        Some(LogicalType::Union(_)) => options.iter().all(|option| named(option.name()).is_some()),
        Some(_) => false,
        None => options.len() > 1 && options.iter().all(|option| is_option(option)),
    }
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Dictionary(_, values) => values.is_string(),
        ty => ty.is_string(),
    }
}

fn is_option(field: &Field) -> bool {
    let ty = field.data_type();
    match field.name().as_str() {
        "string" => is_text(ty),
        "boolean" => *ty == DataType::Boolean,
        "integer" => *ty == DataType::Int64,
        "number" => *ty == DataType::Float64,
        "date" => *ty == DataType::Date32,
        "timestamp_with_timezone" | "timestamp_without_timezone" => {
            matches!(ty, DataType::Timestamp(..))
        }
        "time_with_timezone" | "time_without_timezone" => matches!(ty, DataType::Time64(_)),
        "array" => matches!(ty, DataType::List(_)),
        "object" => matches!(ty, DataType::Struct(_)),
        _ => false,
    }
}

/// The option of a declared union that the branch of this name holds. Objects and arrays without declared parts
/// stand under `string`, as JSON.
pub fn option<'t>(union: Option<&'t LogicalType>, name: &str) -> Option<&'t LogicalType> {
    let Some(LogicalType::Union(options)) = union else {
        return None;
    };
    let find = |fits: &dyn Fn(&LogicalType) -> bool| options.iter().find(|option| fits(option));
    match named(name)? {
        LogicalType::String => find(&|option| *option == LogicalType::String).or(union),
        LogicalType::Array(_) => find(&|option| matches!(option, LogicalType::Array(_))),
        LogicalType::SchemalessObject => find(&|option| matches!(option, LogicalType::Object(_))),
        ty => find(&|option| *option == ty),
    }
}

/// The record's columns, without Airbyte's own; `None` where the record stands in one of those.
pub fn of(schema: &Schema) -> Option<Columns> {
    let fields = schema.fields();
    let whole =
        |field: &&std::sync::Arc<Field>| Own::of(field.name().as_bytes()) == Some(Own::Data);
    if let Some(whole) = fields.iter().find(whole) {
        return match whole.data_type() {
            DataType::Struct(fields) => Some(of_fields(fields)),
            _ => None,
        };
    }
    Some(of_fields(fields))
}

fn of_fields(fields: &Fields) -> Columns {
    let named = fields
        .iter()
        .filter(|field| Own::of(field.name().as_bytes()).is_none() && field.name() != FURTHER);
    named
        .map(|field| (field.name().clone(), logical(field)))
        .collect()
}

/// The type of a field's values as they are written in JSON.
fn logical(field: &Field) -> LogicalType {
    let ty = field.data_type();
    match (marked(field), ty) {
        (Some(marked), _) if !ty.is_nested() => return marked,
        (Some(_), _) | (None, _) => {}
    }
    of_type(ty, field)
}

fn of_type(ty: &DataType, field: &Field) -> LogicalType {
    match ty {
        DataType::Boolean => LogicalType::Boolean,
        ty if ty.is_integer() => LogicalType::Integer,
        DataType::Duration(_) => LogicalType::Integer,
        ty if ty.is_floating() || ty.is_decimal() => LogicalType::Number,
        DataType::Date32 | DataType::Date64 => LogicalType::Date,
        DataType::Time32(_) | DataType::Time64(_) => LogicalType::Time,
        DataType::Timestamp(_, Some(_)) => LogicalType::TimestampTz,
        DataType::Timestamp(_, None) => LogicalType::Timestamp,
        DataType::FixedSizeBinary(16) if is_uuid(field) => LogicalType::String,
        ty if ty.is_binary() => LogicalType::Binary,
        DataType::FixedSizeBinary(_) => LogicalType::Binary,
        DataType::Dictionary(_, values) => of_type(values, field),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => LogicalType::Array(Some(Box::new(logical(item)))),
        DataType::Struct(fields) if is_union(fields, None) => {
            LogicalType::union(fields[1..].iter().map(|option| {
                match of_type(option.data_type(), option) {
                    LogicalType::Timestamp | LogicalType::TimestampTz | LogicalType::Time => {
                        named(option.name()).unwrap_or(LogicalType::Unknown)
                    }
                    ty => ty,
                }
            }))
        }
        DataType::Struct(fields) => {
            let key = |field: &std::sync::Arc<Field>| Key {
                name: field.name().clone(),
                ty: logical(field),
                required: false,
            };
            let named = fields.iter().filter(|field| field.name() != FURTHER);
            match named.map(key).collect::<Vec<_>>() {
                keys if keys.is_empty() => LogicalType::SchemalessObject,
                keys => LogicalType::Object(keys),
            }
        }
        DataType::Map(..) => LogicalType::SchemalessObject,
        DataType::Null => LogicalType::Json,
        _ => LogicalType::String,
    }
}
