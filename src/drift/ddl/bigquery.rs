//! BigQuery, as Airbyte's destination-bigquery writes it.

use crate::schema::LogicalType;

pub(super) fn type_of(ty: &LogicalType) -> &'static str {
    use LogicalType as T;
    match ty {
        T::String | T::Binary | T::BigInteger | T::TimeTz => "STRING",
        T::Boolean => "BOOL",
        T::Integer => "INT64",
        T::Number => "NUMERIC",
        T::Date => "DATE",
        T::TimestampTz => "TIMESTAMP",
        T::Timestamp => "DATETIME",
        T::Time => "TIME",
        T::Array(_) | T::Object(_) | T::SchemalessObject | T::Json | T::Union(_) | T::Unknown => {
            "JSON"
        }
    }
}

/// Within backticks a backslash begins an escape.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Of what occurs here, BigQuery only turns whole numbers into decimals.
pub(super) fn retype(column: &str, from: &str, to: &str) -> Option<String> {
    (from == "INT64" && to == "NUMERIC")
        .then(|| format!("ALTER COLUMN {column} SET DATA TYPE {to}"))
}
