//! What operators and columns are to each other: names, kinds and types.

use crate::detect::{Library, kind_of_name};
use crate::schema::LogicalType;
use crate::schema::path::Path;
use crate::stage::mask::operator::ColumnType;
use crate::stage::spec::{CastType, Operator};

/// The key an operator names.
pub(super) fn key_name(with: &Operator) -> Option<&str> {
    match with {
        Operator::Hash { key, .. }
        | Operator::Token { key }
        | Operator::Fpe { key, .. }
        | Operator::Pseudonym { key, .. }
        | Operator::ShiftDate { key, .. }
        | Operator::Encrypt { key } => Some(key),
        Operator::Redact { .. }
        | Operator::Partial { .. }
        | Operator::Generalize(_)
        | Operator::Nullify => None,
    }
}

/// What redaction writes for a column: the kind its name suggests.
pub(super) fn placeholder_of(path: &Path) -> String {
    let library = Library::builtin().ok();
    let kind = library.and_then(|library| kind_of_name(library, &path.to_string()));
    format!("<{}>", kind.unwrap_or("REDACTED"))
}

pub(super) fn column_type(ty: &LogicalType) -> ColumnType {
    match ty {
        LogicalType::String | LogicalType::Binary => ColumnType::Text,
        LogicalType::Integer => ColumnType::Integer,
        LogicalType::Number => ColumnType::Number,
        LogicalType::Boolean => ColumnType::Boolean,
        LogicalType::Date => ColumnType::Date,
        LogicalType::TimestampTz => ColumnType::Timestamp { zone: true },
        LogicalType::Timestamp => ColumnType::Timestamp { zone: false },
        LogicalType::Time | LogicalType::TimeTz => ColumnType::Time,
        _ => ColumnType::Other,
    }
}

pub(super) fn logical_type(ty: ColumnType, before: &LogicalType) -> LogicalType {
    match ty {
        ColumnType::Text => LogicalType::String,
        ColumnType::Integer => LogicalType::Integer,
        ColumnType::Number => LogicalType::Number,
        ColumnType::Boolean => LogicalType::Boolean,
        ColumnType::Date => LogicalType::Date,
        ColumnType::Timestamp { zone: true } => LogicalType::TimestampTz,
        ColumnType::Timestamp { zone: false } => LogicalType::Timestamp,
        ColumnType::Time => LogicalType::Time,
        ColumnType::Other => before.clone(),
    }
}

pub(super) fn target_type(to: CastType) -> LogicalType {
    match to {
        CastType::String => LogicalType::String,
        CastType::Integer => LogicalType::Integer,
        CastType::Number => LogicalType::Number,
        CastType::Boolean => LogicalType::Boolean,
        CastType::Date => LogicalType::Date,
        CastType::TimestampWithTimezone => LogicalType::TimestampTz,
        CastType::TimestampWithoutTimezone => LogicalType::Timestamp,
    }
}

/// The declared type of a derived column.
pub(super) fn derived_type(ty: &arrow::datatypes::DataType) -> LogicalType {
    use arrow::datatypes::DataType as D;
    match ty {
        D::Boolean => LogicalType::Boolean,
        D::Date32 | D::Date64 => LogicalType::Date,
        D::Timestamp(_, Some(_)) => LogicalType::TimestampTz,
        D::Timestamp(_, None) => LogicalType::Timestamp,
        D::Time32(_) | D::Time64(_) => LogicalType::Time,
        D::Decimal128(_, 0) | D::Decimal256(_, 0) => LogicalType::Integer,
        ty if ty.is_integer() => LogicalType::Integer,
        ty if ty.is_numeric() => LogicalType::Number,
        _ => LogicalType::String,
    }
}
