//! A feature view for Feast, as a stub in Python beside the data.
//!
//! Feast reads Parquet from a directory, joins on the entities' columns, and takes of each entity the latest row
//! before a moment, by the column of the event's time. Columns of types that Feast does not know are left out and
//! named in a comment.

use arrow::datatypes::{DataType, Schema};

use super::spec::FeatureSpec;
use crate::error::{Error, ErrorKind, Result};

/// Feast's name of a column's type; `None` where it has none.
fn feast_type(ty: &DataType) -> Option<String> {
    Some(match ty {
        DataType::Utf8 => "String".to_owned(),
        DataType::Boolean => "Bool".to_owned(),
        DataType::Int64 => "Int64".to_owned(),
        DataType::Float32 => "Float32".to_owned(),
        DataType::Float64 => "Float64".to_owned(),
        DataType::Timestamp(..) => "UnixTimestamp".to_owned(),
        DataType::List(item) => format!("Array({})", feast_type(item.data_type())?),
        _ => return None,
    })
}

/// Checks that a table can be a feature view.
///
/// # Errors
/// `Config` when a column that it needs does not exist, or the time is none.
pub fn check(stream: &str, schema: &Schema, spec: &FeatureSpec) -> Result<()> {
    let wrong = |message: String| {
        Error::new(
            ErrorKind::Config,
            format!("stream `{stream}`: `feature`: {message}"),
        )
    };
    let column = |name: &String| {
        schema
            .field_with_name(name)
            .map_err(|_| wrong(format!("there is no column `{name}`")))
    };
    for name in &spec.entities {
        let ty = column(name)?.data_type();
        if !matches!(ty, DataType::Utf8 | DataType::Int64) {
            return Err(wrong(format!("`{name}` is no key"))
                .hint("entities are told apart by text or whole numbers"));
        }
    }
    for name in std::iter::once(&spec.timestamp).chain(&spec.created) {
        if !matches!(column(name)?.data_type(), DataType::Timestamp(..)) {
            return Err(wrong(format!("`{name}` holds no moments"))
                .hint("declare it as a date-time, or let a `cast` make it one"));
        }
    }
    Ok(())
}

/// The stub: an entity per key, the source, and the view.
pub fn stub(stream: &str, path: &str, schema: &Schema, spec: &FeatureSpec) -> String {
    let name = identifier(stream);
    let mut fields = Vec::new();
    let mut left_out = Vec::new();
    let keys = |column: &str| {
        let times = [Some(&spec.timestamp), spec.created.as_ref()];
        spec.entities.iter().any(|key| key == column) || times.contains(&Some(&column.to_owned()))
    };
    for field in schema.fields() {
        if keys(field.name()) || field.name().starts_with("_airbyte_") {
            continue;
        }
        match feast_type(field.data_type()) {
            Some(ty) => fields.push(format!(
                "        Field(name={}, dtype={ty}),\n",
                quoted(field.name())
            )),
            None => left_out.push(field.name().as_str()),
        }
    }
    let entities: String = spec
        .entities
        .iter()
        .map(|key| {
            let ty = schema.field_with_name(key).map(|field| field.data_type().clone());
            let ty = if ty.is_ok_and(|ty| ty == DataType::Int64) { "INT64" } else { "STRING" };
            let (variable, key) = (identifier(key), quoted(key));
            format!("{name}_{variable} = Entity(name={key}, join_keys=[{key}], value_type=ValueType.{ty})\n")
        })
        .collect();
    let names: Vec<String> = spec
        .entities
        .iter()
        .map(|key| format!("{name}_{}", identifier(key)))
        .collect();
    let created = spec.created.as_ref().map_or(String::new(), |created| {
        format!("    created_timestamp_column={},\n", quoted(created))
    });
    let comment = match left_out.as_slice() {
        [] => String::new(),
        left_out => format!("# Feast has no type for: {}\n", left_out.join(", ")),
    };
    format!(
        "# Written by midflight for the stream {stream}. Copy it into a feature repository and make it yours.\n\
         from datetime import timedelta\n\n\
         from feast import Entity, FeatureView, Field, FileSource, ValueType\n\
         from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp\n\n\
         {entities}\n\
         {name}_source = FileSource(\n    name={quoted_name},\n    path={path},\n    timestamp_field={time},\n{created})\n\n\
         {comment}{name} = FeatureView(\n    name={quoted_name},\n    entities=[{names}],\n    ttl=timedelta(0),\n    schema=[\n{fields}    ],\n    source={name}_source,\n)\n",
        quoted_name = quoted(&name),
        path = quoted(path),
        time = quoted(&spec.timestamp),
        names = names.join(", "),
        fields = fields.concat(),
    )
}

/// A name as Python allows it.
fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let text: String = name.chars().map(plain).collect();
    match text.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("_{text}"),
        Some(_) => text,
        None => "_".to_owned(),
    }
}

/// Text as a literal of Python; JSON's strings are such.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, TimeUnit};

    use super::*;

    #[test]
    fn a_view_names_what_feast_can_read() {
        let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let vector = DataType::List(Arc::new(Field::new("element", DataType::Float32, true)));
        let schema = Schema::new(vec![
            Field::new("_airbyte_raw_id", DataType::Utf8, false),
            Field::new("id", DataType::Int64, true),
            Field::new("seen at", moment, true),
            Field::new("notes_embedding", vector, true),
            Field::new("born", DataType::Date32, true),
        ]);
        let mut spec = FeatureSpec {
            entities: vec!["id".to_owned()],
            timestamp: "seen at".to_owned(),
            created: None,
        };
        check("users", &schema, &spec).expect("a view");
        let stub = stub("users", "s3://b/users", &schema, &spec);
        for line in [
            "users_id = Entity(name=\"id\", join_keys=[\"id\"], value_type=ValueType.INT64)",
            "    timestamp_field=\"seen at\",",
            "        Field(name=\"notes_embedding\", dtype=Array(Float32)),",
            "# Feast has no type for: born",
        ] {
            assert!(stub.lines().any(|found| found == line), "{stub}");
        }
        spec.timestamp = "born".to_owned();
        let refused = check("users", &schema, &spec).expect_err("no moment");
        assert_eq!(refused.kind(), ErrorKind::Config);
    }
}
