//! JSON Schema to [`LogicalType`] and back, the one place that knows how Airbyte writes types.
//!
//! Reading is lenient, as the platform is: a keyword of the wrong shape declares nothing and gives
//! `Unknown`. Writing gives the nullable form. Reading what was written gives the same type.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::types::{Field, LogicalType};
use crate::error::{Error, ErrorKind, Result};

/// Levels of objects, arrays and unions a schema may nest.
pub const MAX_DEPTH: usize = 64;

/// Keywords whose value is a list of alternative schemas. `allOf` too: Airbyte reads it as a union.
pub(super) const COMBINATORS: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// The names `type` can have.
const NAMES: [&str; 8] = [
    "null", "string", "boolean", "integer", "int", "number", "array", "object",
];

/// The type a schema declares, `null` left out.
///
/// # Errors
/// [`ErrorKind::Catalog`] when the schema nests deeper than [`MAX_DEPTH`].
pub fn logical_type(schema: &Value) -> Result<LogicalType> {
    Ok(read(schema, 0)?.unwrap_or(LogicalType::Unknown))
}

/// `None` stands for the type `null`.
fn read(schema: &Value, depth: usize) -> Result<Option<LogicalType>> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    let Value::Object(keys) = schema else {
        return Ok(Some(LogicalType::Unknown));
    };
    if text(keys, "airbyte_type") == Some("json") {
        return Ok(Some(LogicalType::Json));
    }
    match keys.get("type") {
        Some(Value::String(name)) => return read_named(name, keys, depth),
        Some(Value::Array(names)) => {
            let mut options = Vec::new();
            // Each name once: a list that repeats `object` would otherwise be read again at every level,
            // and so in time exponential in the depth.
            let mut seen: Vec<&str> = Vec::with_capacity(NAMES.len() + 1);
            for name in names {
                let Value::String(name) = name else {
                    options.extend(read(name, depth + 1)?);
                    continue;
                };
                let name = NAMES
                    .into_iter()
                    .find(|known| known == name)
                    .unwrap_or_default();
                if !seen.contains(&name) {
                    seen.push(name);
                    options.extend(read_named(name, keys, depth)?);
                }
            }
            return Ok(Some(LogicalType::union(options)));
        }
        Some(_) => return Ok(Some(LogicalType::Unknown)),
        None => {}
    }
    if let Some(target) = text(keys, "$ref") {
        return Ok(Some(well_known(target)));
    }
    if let Some(Value::Array(choices)) = COMBINATORS.iter().find_map(|key| keys.get(*key)) {
        let mut options = Vec::with_capacity(choices.len());
        for choice in choices {
            options.extend(read(choice, depth + 1)?);
        }
        return Ok(Some(LogicalType::union(options)));
    }
    if keys.contains_key("properties") {
        return read_object(keys, depth).map(Some);
    }
    if keys.contains_key("items") {
        return read_array(keys, depth).map(Some);
    }
    Ok(Some(LogicalType::Unknown))
}

fn read_named(name: &str, keys: &Map<String, Value>, depth: usize) -> Result<Option<LogicalType>> {
    Ok(Some(match name {
        "null" => return Ok(None),
        "string" => read_string(keys),
        "boolean" => LogicalType::Boolean,
        // Some sources widen an integer with `big_integer` instead of calling it a string.
        "integer" | "int" | "number" if text(keys, "airbyte_type") == Some("big_integer") => {
            LogicalType::BigInteger
        }
        "integer" | "int" => LogicalType::Integer,
        "number" if text(keys, "airbyte_type") == Some("integer") => LogicalType::Integer,
        "number" => LogicalType::Number,
        "array" => read_array(keys, depth)?,
        "object" => read_object(keys, depth)?,
        _ => LogicalType::Unknown,
    }))
}

fn read_string(keys: &Map<String, Value>) -> LogicalType {
    let airbyte = text(keys, "airbyte_type").unwrap_or_default();
    if text(keys, "contentEncoding") == Some("base64") {
        return LogicalType::Binary;
    }
    match (text(keys, "format").unwrap_or_default(), airbyte) {
        (_, "big_integer") => LogicalType::BigInteger,
        ("date", _) => LogicalType::Date,
        ("date-time", "timestamp_without_timezone") => LogicalType::Timestamp,
        ("date-time", _) => LogicalType::TimestampTz,
        ("time", "time_without_timezone") => LogicalType::Time,
        ("time", _) => LogicalType::TimeTz,
        _ => LogicalType::String,
    }
}

fn read_array(keys: &Map<String, Value>, depth: usize) -> Result<LogicalType> {
    let item = match keys.get("items") {
        Some(Value::Array(items)) if !items.is_empty() => {
            let mut options = Vec::with_capacity(items.len());
            for item in items {
                options.extend(read(item, depth + 1)?);
            }
            LogicalType::union(options)
        }
        Some(item @ (Value::Object(_) | Value::Bool(true))) => {
            read(item, depth + 1)?.unwrap_or(LogicalType::Unknown)
        }
        _ => return Ok(LogicalType::Array(None)),
    };
    Ok(LogicalType::Array(Some(Box::new(item))))
}

fn read_object(keys: &Map<String, Value>, depth: usize) -> Result<LogicalType> {
    let Some(Value::Object(properties)) = keys.get("properties") else {
        return Ok(LogicalType::SchemalessObject);
    };
    if properties.is_empty() {
        return Ok(LogicalType::SchemalessObject);
    }
    let required = required(keys.get("required"));
    let mut fields = Vec::with_capacity(properties.len());
    for (name, schema) in properties {
        fields.push(Field {
            name: name.clone(),
            ty: read(schema, depth + 1)?.unwrap_or(LogicalType::Unknown),
            required: required.contains(name.as_str()),
        });
    }
    Ok(LogicalType::Object(fields))
}

/// The names in a `required` list.
pub(super) fn required(list: Option<&Value>) -> HashSet<&str> {
    let names = list.and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// The definitions of the protocol's own file of types; a reference to anything else declares nothing.
fn well_known(target: &str) -> LogicalType {
    let name = target
        .split_once("WellKnownTypes.json#/definitions/")
        .map_or("", |(_, name)| name);
    match name {
        "String" => LogicalType::String,
        "BinaryData" => LogicalType::Binary,
        "Date" => LogicalType::Date,
        "TimestampWithTimezone" => LogicalType::TimestampTz,
        "TimestampWithoutTimezone" => LogicalType::Timestamp,
        "TimeWithTimezone" => LogicalType::TimeTz,
        "TimeWithoutTimezone" => LogicalType::Time,
        "Number" => LogicalType::Number,
        "Integer" => LogicalType::Integer,
        "Boolean" => LogicalType::Boolean,
        _ => LogicalType::Unknown,
    }
}

/// The schema of a nullable column of this type.
pub fn to_schema(ty: &LogicalType) -> Value {
    let nullable = |name: &str| json!({"type": ["null", name]});
    let text_of = |keyword: &str, value: &str| json!({"type": ["null", "string"], keyword: value});
    let temporal = |format: &str, airbyte: &str| json!({"type": ["null", "string"], "format": format, "airbyte_type": airbyte});
    match ty {
        LogicalType::String => nullable("string"),
        LogicalType::Boolean => nullable("boolean"),
        LogicalType::Integer => nullable("integer"),
        LogicalType::Number => nullable("number"),
        LogicalType::SchemalessObject => nullable("object"),
        LogicalType::Array(None) => nullable("array"),
        LogicalType::Date => text_of("format", "date"),
        LogicalType::BigInteger => text_of("airbyte_type", "big_integer"),
        LogicalType::Binary => text_of("contentEncoding", "base64"),
        LogicalType::TimestampTz => temporal("date-time", "timestamp_with_timezone"),
        LogicalType::Timestamp => temporal("date-time", "timestamp_without_timezone"),
        LogicalType::TimeTz => temporal("time", "time_with_timezone"),
        LogicalType::Time => temporal("time", "time_without_timezone"),
        LogicalType::Array(Some(item)) => {
            json!({"type": ["null", "array"], "items": to_schema(item)})
        }
        LogicalType::Object(fields) => object_schema(fields),
        LogicalType::Json => json!({
            "oneOf": [
                {"type": "null"},
                {"type": "array"},
                {"type": "object"},
                {"type": "string"},
                {"type": "number"},
                {"type": "boolean"},
            ],
            "airbyte_type": "json",
        }),
        // Options may overlap (a date is a string), which `oneOf` would refuse.
        LogicalType::Union(options) => {
            json!({"anyOf": options.iter().map(to_schema).collect::<Vec<_>>()})
        }
        LogicalType::Unknown => json!({}),
    }
}

fn object_schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.clone(), to_schema(&field.ty)))
        .collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name.as_str())
        .collect();
    let mut schema = json!({"type": ["null", "object"], "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn text<'a>(keys: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    keys.get(name).and_then(Value::as_str)
}

fn too_deep() -> Error {
    Error::new(
        ErrorKind::Catalog,
        format!("a schema nests more than {MAX_DEPTH} levels deep"),
    )
    .hint("declare the deep column as an object or array without further detail")
}

#[cfg(test)]
mod tests {
    use super::*;
    use LogicalType as T;

    fn array(item: T) -> T {
        T::Array(Some(Box::new(item)))
    }

    fn object(fields: &[(&str, T, bool)]) -> T {
        T::Object(
            fields
                .iter()
                .map(|(name, ty, required)| Field {
                    name: (*name).to_owned(),
                    ty: ty.clone(),
                    required: *required,
                })
                .collect(),
        )
    }

    /// The table of the protocol's documented types.
    #[test]
    fn schemas_are_read_as_airbyte_reads_them() {
        for (schema, ty) in [
            (r#"{"type":"string"}"#, T::String),
            (r#"{"type":["null","string"]}"#, T::String),
            (r#"{"type":"string","format":"email"}"#, T::String),
            (r#"{"type":"string","format":"date"}"#, T::Date),
            (r#"{"type":"string","format":"date-time"}"#, T::TimestampTz),
            (
                r#"{"type":"string","format":"date-time","airbyte_type":"timestamp_with_timezone"}"#,
                T::TimestampTz,
            ),
            (
                r#"{"type":"string","format":"date-time","airbyte_type":"timestamp_without_timezone"}"#,
                T::Timestamp,
            ),
            (r#"{"type":"string","format":"time"}"#, T::TimeTz),
            (
                r#"{"type":"string","format":"time","airbyte_type":"time_without_timezone"}"#,
                T::Time,
            ),
            (
                r#"{"type":"string","airbyte_type":"big_integer"}"#,
                T::BigInteger,
            ),
            (
                r#"{"type":["null","integer"],"airbyte_type":"big_integer"}"#,
                T::BigInteger,
            ),
            (r#"{"type":"string","contentEncoding":"base64"}"#, T::Binary),
            (r#"{"type":"int"}"#, T::Integer),
            (r#"{"type":"number","airbyte_type":"integer"}"#, T::Integer),
            (r#"{"type":["integer","number","null"]}"#, T::Number),
            (r#"{"type":"boolean"}"#, T::Boolean),
            (r#"{"type":"array"}"#, T::Array(None)),
            (r#"{"type":"array","items":[]}"#, T::Array(None)),
            (r#"{"type":"array","items":{}}"#, array(T::Unknown)),
            (r#"{"items":{"type":"integer"}}"#, array(T::Integer)),
            (
                r#"{"type":"array","items":[{"type":"integer"},{"type":"string"},{"type":"null"}]}"#,
                array(T::Union(vec![T::Integer, T::String])),
            ),
            (r#"{"type":"object"}"#, T::SchemalessObject),
            (
                r#"{"type":["null","object"],"properties":{}}"#,
                T::SchemalessObject,
            ),
            (
                r#"{"type":"object","properties":null}"#,
                T::SchemalessObject,
            ),
            (
                r#"{"properties":{"a":{"type":"string"},"":{}},"required":["a"]}"#,
                object(&[("a", T::String, true), ("", T::Unknown, false)]),
            ),
            (
                r#"{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}"#,
                T::Union(vec![T::String, T::Integer]),
            ),
            (
                r#"{"anyOf":[{"type":"null"},{"type":"number"}]}"#,
                T::Number,
            ),
            (
                r#"{"allOf":[{"type":["string","boolean"]},{"type":"string"}]}"#,
                T::Union(vec![T::String, T::Boolean]),
            ),
            (
                r#"{"type":["null","object","string"],"properties":{"k":{"type":"integer"}}}"#,
                T::Union(vec![object(&[("k", T::Integer, false)]), T::String]),
            ),
            (
                r#"{"oneOf":[{"type":"array"},{"type":"object"},{"type":"string"},{"type":"number"},{"type":"boolean"}]}"#,
                T::Json,
            ),
            (r#"{"type":"object","airbyte_type":"json"}"#, T::Json),
            (
                r##"{"$ref":"WellKnownTypes.json#/definitions/Date"}"##,
                T::Date,
            ),
            (
                r##"{"$ref":"WellKnownTypes.json#/definitions/BinaryData"}"##,
                T::Binary,
            ),
            (r##"{"$ref":"#/definitions/Date"}"##, T::Unknown),
            ("{}", T::Unknown),
            ("true", T::Unknown),
            (r#"{"type":"null"}"#, T::Unknown),
            (r#"{"type":["null"]}"#, T::Unknown),
            (r#"{"type":5}"#, T::Unknown),
            (r#"{"type":"geometry"}"#, T::Unknown),
            (r#"{"oneOf":{}}"#, T::Unknown),
        ] {
            let value: Value = serde_json::from_str(schema).expect(schema);
            assert_eq!(logical_type(&value).expect(schema), ty, "{schema}");
        }
    }

    #[test]
    fn every_type_survives_its_own_schema() {
        let scalars = [
            T::String,
            T::Boolean,
            T::Integer,
            T::Number,
            T::Date,
            T::TimestampTz,
            T::Timestamp,
            T::TimeTz,
            T::Time,
            T::BigInteger,
            T::Binary,
            T::Array(None),
            T::SchemalessObject,
            T::Json,
            T::Unknown,
        ];
        let mut types = scalars.to_vec();
        for scalar in &scalars {
            types.push(array(scalar.clone()));
            types.push(object(&[
                ("a.b", scalar.clone(), true),
                ("ä \"", T::Json, false),
            ]));
            types.push(array(array(object(&[("x", scalar.clone(), false)]))));
            if *scalar != T::String {
                types.push(T::union([T::String, scalar.clone()]));
            }
        }
        types.push(T::Union(vec![
            T::Number,
            T::Date,
            array(T::Union(vec![T::String, T::Boolean])),
            object(&[("k", T::Union(vec![T::Time, T::Binary]), true)]),
        ]));
        for ty in types {
            let schema = to_schema(&ty);
            assert_eq!(
                logical_type(&schema).expect("a flat schema"),
                ty,
                "{schema}"
            );
        }
    }

    #[test]
    fn repeated_types_cost_no_time() {
        let schema = (0..40).fold(json!({"type": "string"}), |inner, _| {
            json!({"type": ["object", "null", "object", "array", "object"], "properties": {"a": inner}})
        });
        assert!(matches!(logical_type(&schema), Ok(T::Union(options)) if options.len() == 2));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| {
            (0..levels).fold(json!({"type": "string"}), |inner, level| match level % 3 {
                0 => json!({"type": "array", "items": inner}),
                1 => json!({"type": "object", "properties": {"a": inner}}),
                _ => json!({"oneOf": [inner, {"type": "integer"}]}),
            })
        };
        assert!(logical_type(&nested(MAX_DEPTH)).is_ok());
        let error = logical_type(&nested(MAX_DEPTH + 1)).expect_err("one level too deep");
        assert_eq!(error.kind(), ErrorKind::Catalog);
    }
}
