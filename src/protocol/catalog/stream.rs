//! One stream of a catalog: typed views of its entry, and the entry again with what changed.

use serde_json::{Map, Value, json};

use super::form::{Form, bad, source, source_mut};
use crate::error::{Error, Result};

/// One stream of a catalog. Changes to the schema, the keys and the cursors reach
/// [`super::ConfiguredCatalog::to_json`]; the other fields are views.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredStream {
    pub name: String,
    /// `null` and absent are the same: none.
    pub namespace: Option<String>,
    /// `Null` when the stream has none.
    pub json_schema: Value,
    pub sync_mode: SyncMode,
    pub destination_sync_mode: DestinationSyncMode,
    pub cursor_field: Vec<String>,
    pub primary_key: Vec<Vec<String>>,
    pub source_defined_cursor: bool,
    pub default_cursor_field: Vec<String>,
    pub source_defined_primary_key: Vec<Vec<String>>,
    /// None when the platform does not know refreshes, as the two below.
    pub generation_id: Option<i64>,
    pub minimum_generation_id: Option<i64>,
    pub sync_id: Option<i64>,
    /// The stream's entry as read, without its schema.
    entry: Value,
}

/// How the source reads a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    FullRefresh,
    Incremental,
    /// Absent, or a mode of a newer protocol.
    Other,
}

/// How the destination writes a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationSyncMode {
    Append,
    Overwrite,
    AppendDedup,
    Update,
    SoftDelete,
    /// Absent, or a mode of a newer protocol.
    Other,
}

impl ConfiguredStream {
    pub(super) fn read(mut entry: Value, form: Form, place: &Place<'_>) -> Result<Self> {
        let Value::Object(outer) = &mut entry else {
            return Err(place.error("", "is not an object"));
        };
        let json_schema = source_mut(outer, form)
            .ok_or_else(|| place.error(".stream", "is missing or not an object"))?
            .get_mut("json_schema")
            .map_or(Value::Null, Value::take);
        let outer = &*outer;
        let source = source(outer, form).unwrap_or(outer);
        let name = match source.get("name") {
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(place.error(".name", "is not a string")),
            None => return Err(place.error("", "has no name")),
        };
        let namespace = match source.get("namespace") {
            Some(Value::String(namespace)) => Some(namespace.clone()),
            None | Some(Value::Null) => None,
            Some(_) => return Err(place.error(".namespace", "is not a string")),
        };
        let number = |key: &str| integer(outer, key, place);
        Ok(Self {
            name,
            namespace,
            json_schema,
            sync_mode: sync_mode(outer.get("sync_mode")),
            destination_sync_mode: destination_sync_mode(outer.get("destination_sync_mode")),
            cursor_field: path(outer, "cursor_field", place)?,
            primary_key: paths(outer, "primary_key", place)?,
            source_defined_cursor: source.get("source_defined_cursor") == Some(&Value::Bool(true)),
            default_cursor_field: path(source, "default_cursor_field", place)?,
            source_defined_primary_key: paths(source, "source_defined_primary_key", place)?,
            generation_id: number("generation_id")?,
            minimum_generation_id: number("minimum_generation_id")?,
            sync_id: number("sync_id")?,
            entry,
        })
    }

    /// The stream's name for messages: `namespace.name`, or the name.
    pub fn label(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("`{namespace}.{}`", self.name),
            None => format!("`{}`", self.name),
        }
    }

    /// A stream made of this one, that the source does not have: in the same namespace, read and written in
    /// the same way, with the column `id` as its key and no cursor of its own.
    #[must_use]
    pub fn second(&self, name: &str, json_schema: Value) -> Self {
        let key = vec![vec!["id".to_owned()]];
        let mut second = self.clone();
        if let Value::Object(outer) = &mut second.entry {
            let source = match outer.contains_key("stream") {
                true => source_mut(outer, Form::Configured),
                false => Some(outer),
            };
            if let Some(source) = source {
                source.insert("name".to_owned(), json!(name));
                // Of two records with one key the one that was emitted later holds.
                source.insert("source_defined_cursor".to_owned(), json!(true));
            }
        }
        name.clone_into(&mut second.name);
        second.json_schema = json_schema;
        second.source_defined_cursor = true;
        (second.cursor_field, second.default_cursor_field) = (Vec::new(), Vec::new());
        second.primary_key.clone_from(&key);
        second.source_defined_primary_key = key;
        second
    }

    pub(super) fn to_json(&self, form: Form) -> Value {
        let mut entry = self.entry.clone();
        let Value::Object(outer) = &mut entry else {
            return entry;
        };
        if form == Form::Configured {
            put(outer, "cursor_field", json!(self.cursor_field));
            put(outer, "primary_key", json!(self.primary_key));
        }
        if let Some(source) = source_mut(outer, form) {
            let default = json!(self.default_cursor_field);
            put(source, "default_cursor_field", default);
            let key = json!(self.source_defined_primary_key);
            put(source, "source_defined_primary_key", key);
            if source.contains_key("json_schema") || !self.json_schema.is_null() {
                source.insert("json_schema".to_owned(), self.json_schema.clone());
            }
        }
        entry
    }
}

/// Sets a list; absent and `null` stay what they are while the list is empty.
fn put(object: &mut Map<String, Value>, key: &str, list: Value) {
    let empty = list.as_array().is_none_or(Vec::is_empty);
    if !(empty && object.get(key).is_none_or(Value::is_null)) {
        object.insert(key.to_owned(), list);
    }
}

/// Where in which file a stream stands.
pub(super) struct Place<'a> {
    pub(super) origin: &'a str,
    pub(super) index: usize,
}

impl Place<'_> {
    fn error(&self, field: &str, what: &str) -> Error {
        bad(
            self.origin,
            format!("streams[{}]{field} {what}", self.index),
        )
    }
}

fn sync_mode(value: Option<&Value>) -> SyncMode {
    match value.and_then(Value::as_str) {
        Some("full_refresh") => SyncMode::FullRefresh,
        Some("incremental") => SyncMode::Incremental,
        _ => SyncMode::Other,
    }
}

fn destination_sync_mode(value: Option<&Value>) -> DestinationSyncMode {
    match value.and_then(Value::as_str) {
        Some("append") => DestinationSyncMode::Append,
        Some("overwrite") => DestinationSyncMode::Overwrite,
        Some("append_dedup") => DestinationSyncMode::AppendDedup,
        Some("update") => DestinationSyncMode::Update,
        Some("soft_delete") => DestinationSyncMode::SoftDelete,
        _ => DestinationSyncMode::Other,
    }
}

fn integer(object: &Map<String, Value>, key: &str, place: &Place<'_>) -> Result<Option<i64>> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .map(Some)
            .ok_or_else(|| place.error(&format!(".{key}"), "is not a 64-bit integer")),
    }
}

fn path(object: &Map<String, Value>, key: &str, place: &Place<'_>) -> Result<Vec<String>> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => names(value).ok_or_else(|| {
            place
                .error(&format!(".{key}"), "is not a list of names")
                .hint(format!(
                    r#"it is the path of one column, as "{key}":["updated_at"]"#
                ))
        }),
    }
}

fn paths(object: &Map<String, Value>, key: &str, place: &Place<'_>) -> Result<Vec<Vec<String>>> {
    let wrong = || {
        place
            .error(&format!(".{key}"), "is not a list of lists of names")
            .hint(format!(
                r#"each part of a key is a path of its own, as "{key}":[["id"]]"#
            ))
    };
    match object.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(parts)) => parts
            .iter()
            .map(|part| names(part).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|name| name.as_str().map(str::to_owned))
        .collect()
}
