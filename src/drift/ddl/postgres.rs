//! PostgreSQL, as Airbyte's destination-postgres writes it.

use crate::schema::LogicalType;

pub(super) fn type_of(ty: &LogicalType) -> &'static str {
    use LogicalType as T;
    match ty {
        T::String | T::Binary | T::BigInteger => "varchar",
        T::Boolean => "boolean",
        T::Integer => "bigint",
        T::Number => "decimal",
        T::Date => "date",
        T::TimestampTz => "timestamp with time zone",
        T::Timestamp => "timestamp",
        T::TimeTz => "time with time zone",
        T::Time => "time",
        T::Array(_) | T::Object(_) | T::SchemalessObject | T::Json | T::Union(_) | T::Unknown => {
            "jsonb"
        }
    }
}

/// Every widening is an assignment cast, which needs no USING.
pub(super) fn retype(column: &str, _: &str, to: &str) -> Option<String> {
    Some(format!("ALTER COLUMN {column} TYPE {to}"))
}
