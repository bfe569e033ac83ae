//! Names: of types for readers, and of columns as Avro allows them.

use std::borrow::Cow;

use crate::schema::LogicalType;

/// The type's name in Airbyte's words.
pub(super) fn type_name(ty: &LogicalType) -> &'static str {
    match ty {
        LogicalType::String => "string",
        LogicalType::Boolean => "boolean",
        LogicalType::Integer => "integer",
        LogicalType::Number => "number",
        LogicalType::Date => "date",
        LogicalType::TimestampTz => "timestamp_with_timezone",
        LogicalType::Timestamp => "timestamp_without_timezone",
        LogicalType::TimeTz => "time_with_timezone",
        LogicalType::Time => "time_without_timezone",
        LogicalType::BigInteger => "big_integer",
        LogicalType::Binary => "binary_data",
        LogicalType::Array(_) => "array",
        LogicalType::Object(_) | LogicalType::SchemalessObject => "object",
        LogicalType::Json => "json",
        LogicalType::Union(_) => "union",
        LogicalType::Unknown => "unknown",
    }
}

/// The name of a union's option in destination-s3, which calls whatever is stored as text `string`.
pub(super) fn option_name(ty: &LogicalType) -> &'static str {
    match ty {
        LogicalType::BigInteger
        | LogicalType::Binary
        | LogicalType::Json
        | LogicalType::Array(None)
        | LogicalType::SchemalessObject => "string",
        LogicalType::Object(fields) if fields.is_empty() => "string",
        other => type_name(other),
    }
}

/// The name with only letters, digits and `_`, and no digit first.
pub(super) fn avro_safe(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let prefixed = name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit());
    if !prefixed && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    let kept = name.chars().map(|c| if fits(c) { c } else { '_' });
    Cow::Owned(prefixed.then_some('_').into_iter().chain(kept).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_avro_allows() {
        for (name, expected) in [
            ("id", "id"),
            ("Order_2", "Order_2"),
            ("2nd", "_2nd"),
            ("a b-c.d", "a_b_c_d"),
            ("é", "_"),
            ("", "_"),
        ] {
            assert_eq!(avro_safe(name), expected, "{name}");
        }
    }
}
