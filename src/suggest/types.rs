//! The type that a column has in expressions, by its declaration or else by what was seen.

use crate::profile::form::ColumnProfile;
use crate::schema::LogicalType;

/// The type of a column.
pub fn of(column: &ColumnProfile) -> LogicalType {
    let scalars = [
        LogicalType::String,
        LogicalType::Boolean,
        LogicalType::Integer,
        LogicalType::Number,
        LogicalType::Date,
        LogicalType::TimestampTz,
        LogicalType::Timestamp,
        LogicalType::TimeTz,
        LogicalType::Time,
        LogicalType::BigInteger,
        LogicalType::Binary,
        LogicalType::Json,
    ];
    if let Some(declared) = &column.declared {
        let known = scalars.into_iter().find(|ty| ty.name() == *declared);
        return known.unwrap_or(LogicalType::Unknown);
    }
    let seen = column.total.types.iter().filter(|(_, count)| **count > 0);
    LogicalType::union(seen.map(|(name, _)| match name.as_str() {
        "boolean" => LogicalType::Boolean,
        "integer" => LogicalType::Integer,
        "number" => LogicalType::Number,
        "string" => LogicalType::String,
        "array" => LogicalType::Array(None),
        "object" => LogicalType::SchemalessObject,
        _ => LogicalType::Unknown,
    }))
}
