//! Snowflake, as Airbyte's destination-snowflake writes it: names in capitals.

use super::double_quoted;
use crate::schema::LogicalType;

pub(super) fn type_of(ty: &LogicalType) -> &'static str {
    use LogicalType as T;
    match ty {
        T::String | T::Binary | T::BigInteger | T::TimeTz => "VARCHAR",
        T::Boolean => "BOOLEAN",
        T::Integer => "NUMBER(38, 0)",
        T::Number => "FLOAT",
        T::Date => "DATE",
        T::TimestampTz => "TIMESTAMP_TZ",
        T::Timestamp => "TIMESTAMP_NTZ",
        T::Time => "TIME",
        T::Array(_) => "ARRAY",
        T::Object(_) | T::SchemalessObject => "OBJECT",
        T::Json | T::Union(_) | T::Unknown => "VARIANT",
    }
}

pub(super) fn quoted(name: &str) -> String {
    double_quoted(&name.to_uppercase())
}

/// Snowflake changes lengths and digits within a type, and never one type into another.
pub(super) fn retype(_: &str, _: &str, _: &str) -> Option<String> {
    None
}
