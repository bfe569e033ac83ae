//! What is compared: the columns of a stream with their types, its key and its cursor.

use serde_json::Value;

use crate::error::Result;
use crate::protocol::catalog::{
    ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, SyncMode,
};
use crate::protocol::state::Descriptor;
use crate::schema::json_schema::logical_type;
use crate::schema::path::{Path, Segment};
use crate::schema::{LogicalType, StreamSchema};

/// The streams of one side of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    pub streams: Vec<Stream>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub descriptor: Descriptor,
    pub columns: Vec<Column>,
    /// The primary key in use, and the one that the source defines.
    pub key: Vec<Path>,
    pub source_key: Vec<Path>,
    pub cursor: Option<Path>,
    /// Only rows beyond the cursor are read.
    pub incremental: bool,
    /// Rows with one key replace each other.
    pub dedup: bool,
}

/// A column, or a field inside one.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub ty: LogicalType,
    /// Whether it is always there, and never null; `None` where no schema says.
    pub required: Option<bool>,
    /// It holds nothing but null.
    pub void: bool,
    /// The fields of an object.
    pub fields: Vec<Self>,
    /// The elements of an array.
    pub items: Option<Box<Self>>,
    /// What was measured, where there is a profile.
    pub seen: Option<super::seen::Seen>,
}

impl Shape {
    /// The shape that a catalog declares.
    ///
    /// # Errors
    /// `Catalog` when a schema cannot be read.
    pub fn of_catalog(catalog: &ConfiguredCatalog) -> Result<Self> {
        let streams = catalog.streams().iter().map(Stream::of);
        Ok(Self {
            streams: streams.collect::<Result<_>>()?,
        })
    }

    /// The stream of this name and namespace.
    pub fn find(&self, descriptor: &Descriptor) -> Option<&Stream> {
        let mut streams = self.streams.iter();
        streams.find(|stream| stream.descriptor == *descriptor)
    }
}

impl Stream {
    fn of(stream: &ConfiguredStream) -> Result<Self> {
        // Reads every type once, so that what is too deep is refused here.
        StreamSchema::from_json_schema(&stream.json_schema)?;
        let key = match stream.primary_key.is_empty() {
            true => &stream.source_defined_primary_key,
            false => &stream.primary_key,
        };
        let cursor = match stream.cursor_field.is_empty() {
            true => &stream.default_cursor_field,
            false => &stream.cursor_field,
        };
        Ok(Self {
            descriptor: Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            },
            columns: fields(&stream.json_schema),
            key: key.iter().filter_map(|names| path(names)).collect(),
            source_key: paths(&stream.source_defined_primary_key),
            cursor: path(cursor),
            incremental: stream.sync_mode == SyncMode::Incremental,
            dedup: stream.destination_sync_mode == DestinationSyncMode::AppendDedup,
        })
    }

    /// Whether a path is the cursor, or part of the key.
    pub fn is_key(&self, path: &Path) -> bool {
        self.key.contains(path) || self.cursor.as_ref() == Some(path)
    }
}

fn paths(keys: &[Vec<String>]) -> Vec<Path> {
    keys.iter().filter_map(|names| path(names)).collect()
}

fn path(names: &[String]) -> Option<Path> {
    Path::new(names.iter().cloned().map(Segment::Key).collect())
}

/// The properties of an object's schema, in order.
fn fields(schema: &Value) -> Vec<Column> {
    let Some(schema) = holding(schema, "properties") else {
        return Vec::new();
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    let columns = properties.into_iter().flatten();
    columns
        .map(|(name, property)| {
            let required = required.contains(&name.as_str()) && !admits_null(property);
            column(name, property, required)
        })
        .collect()
}

fn column(name: &str, schema: &Value, required: bool) -> Column {
    let ty = logical_type(schema).unwrap_or(LogicalType::Unknown);
    let items = match ty {
        LogicalType::Array(Some(_)) => holding(schema, "items")
            .and_then(|schema| schema.get("items"))
            .filter(|items| items.is_object())
            .map(|items| Box::new(column("", items, false))),
        _ => None,
    };
    Column {
        name: name.to_owned(),
        fields: match ty {
            LogicalType::Object(_) => fields(schema),
            _ => Vec::new(),
        },
        void: only_null(schema),
        ty,
        required: Some(required),
        items,
        seen: None,
    }
}

/// The schema that has a keyword: itself, or one of its options.
fn holding<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    if schema.get(keyword).is_some() {
        return Some(schema);
    }
    let options = ["oneOf", "anyOf", "allOf"]
        .iter()
        .find_map(|name| schema.get(*name)?.as_array());
    options?.iter().find_map(|option| holding(option, keyword))
}

fn admits_null(schema: &Value) -> bool {
    let null = |value: &Value| value.as_str() == Some("null");
    match schema.get("type") {
        Some(Value::Array(names)) => return names.iter().any(null),
        Some(name) => return null(name),
        None => {}
    }
    let options = ["oneOf", "anyOf", "allOf"]
        .iter()
        .find_map(|name| schema.get(*name)?.as_array());
    // A schema that says nothing about types admits everything.
    options.is_none_or(|options| options.iter().any(admits_null))
}

fn only_null(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::Array(names)) => {
            !names.is_empty() && names.iter().all(|name| name.as_str() == Some("null"))
        }
        Some(name) => name.as_str() == Some("null"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(schema: &str) -> Stream {
        let text = format!(
            r#"{{"streams":[{{"stream":{{"name":"s","json_schema":{schema}}},"sync_mode":"incremental","cursor_field":["at"],"primary_key":[["id"],["k","n"]]}}]}}"#
        );
        let catalog = ConfiguredCatalog::parse(&text, "catalog.json").expect("a catalog");
        let shape = Shape::of_catalog(&catalog).expect("a shape");
        shape.streams.into_iter().next().expect("a stream")
    }

    #[test]
    fn columns_are_read_with_what_lies_in_them() {
        let stream = stream(
            r#"{"required":["id","name","void"],"properties":{
                "id":{"type":"integer"},
                "name":{"type":["null","string"]},
                "void":{"type":"null"},
                "address":{"oneOf":[{"type":"null"},{"type":"object","required":["city"],"properties":{"city":{"type":"string"}}}]},
                "items":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}}}},
                "any":{}}}"#,
        );
        let told: Vec<_> = stream
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.required, column.void))
            .collect();
        assert_eq!(
            told,
            [
                ("id", Some(true), false),
                ("name", Some(false), false),
                ("void", Some(false), true),
                ("address", Some(false), false),
                ("items", Some(false), false),
                ("any", Some(false), false)
            ]
        );
        let city = &stream.columns[3].fields[0];
        assert_eq!((city.name.as_str(), city.required), ("city", Some(true)));
        let item = stream.columns[4].items.as_deref().expect("elements");
        assert_eq!(item.fields[0].name, "sku");
        assert_eq!(stream.key.len(), 2);
        assert!(stream.is_key(&"k.n".parse().expect("a path")));
        assert!(stream.is_key(&"at".parse().expect("a path")));
        assert!(stream.incremental && !stream.dedup);
    }
}
