//! DuckDB, as PyAirbyte and destination-duckdb write it.

use crate::schema::LogicalType;

pub(super) fn type_of(ty: &LogicalType) -> &'static str {
    use LogicalType as T;
    match ty {
        T::String | T::Binary | T::BigInteger => "VARCHAR",
        T::Boolean => "BOOLEAN",
        T::Integer => "BIGINT",
        T::Number => "DECIMAL(38, 9)",
        T::Date => "DATE",
        T::TimestampTz | T::Timestamp => "TIMESTAMP",
        T::TimeTz | T::Time => "TIME",
        T::Array(_) | T::Object(_) | T::SchemalessObject | T::Json | T::Union(_) | T::Unknown => {
            "JSON"
        }
    }
}

pub(super) fn retype(column: &str, _: &str, to: &str) -> Option<String> {
    Some(format!("ALTER COLUMN {column} SET DATA TYPE {to}"))
}
