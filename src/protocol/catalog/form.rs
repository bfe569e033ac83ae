//! Which document holds the streams: the configured catalog, or what `discover` prints.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// Bytes a catalog may have.
pub const MAX_BYTES: usize = 64 << 20;

/// What a configured catalog is, for those who pass something else.
pub(super) const WANTED: &str = r#"a configured catalog is {"streams":[{"stream":{…},"sync_mode":…,"destination_sync_mode":…}]}, the file a source's `read` is given with --catalog"#;

/// The two documents that hold streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `{"streams":[{"stream":{…},"sync_mode":…}]}`, what `read` and `write` are given.
    Configured,
    /// `{"streams":[{"name":…}]}`, what `discover` finds.
    Discovered,
    /// The same inside a CATALOG message, what `discover` prints.
    Message,
}

pub(super) fn bad(origin: &str, what: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::Catalog, format!("{origin}: {}", what.as_ref()))
}

/// The JSON document of a text.
pub(super) fn document(text: &str, origin: &str) -> Result<Value> {
    if text.len() > MAX_BYTES {
        return Err(bad(
            origin,
            format!("{} bytes; a catalog has at most {MAX_BYTES}", text.len()),
        ));
    }
    // Editors on Windows start a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let first = serde_json::Deserializer::from_str(text)
            .into_iter::<Value>()
            .next();
        if let Some(Ok(first)) = first
            && first.get("type").is_some_and(Value::is_string)
        {
            return bad(origin, "this is a file of protocol messages, not a catalog").hint(WANTED);
        }
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        Error::new(
            ErrorKind::Catalog,
            format!("{origin}:{}:{}: {reason}", error.line(), error.column()),
        )
    })
}

/// Which document of streams this is; one without any is the one that is wanted.
pub(super) fn form_of(document: &Value, wanted: Form) -> Option<Form> {
    if let Some(catalog) = document.get("catalog") {
        return catalog.get("streams")?.is_array().then_some(Form::Message);
    }
    let Some(first) = document.get("streams")?.as_array()?.first() else {
        return Some(wanted);
    };
    match first.get("stream") {
        Some(stream) if stream.get("jsonSchema").is_some() => None,
        None if first.get("name").is_some() => Some(Form::Discovered),
        _ => Some(Form::Configured),
    }
}

/// What a document that is no catalog seems to be.
pub(super) fn described(document: &Value) -> &'static str {
    match document {
        Value::Object(keys) if keys.get("type").is_some_and(Value::is_string) => {
            "another protocol message"
        }
        Value::Object(keys) if keys.get("streams").is_some_and(Value::is_array) => {
            "a catalog in the form of the platform's API"
        }
        Value::Object(_) => "a JSON object without a list of `streams`",
        Value::Array(_) => "a JSON list",
        _ => "a single JSON value",
    }
}

/// The list of streams of a document.
pub(super) fn list(document: &mut Value, form: Form) -> Option<&mut Value> {
    match form {
        Form::Message => document.get_mut("catalog")?.get_mut("streams"),
        Form::Configured | Form::Discovered => document.get_mut("streams"),
    }
}

/// The part of an entry that the source defined.
pub(super) fn source(entry: &Map<String, Value>, form: Form) -> Option<&Map<String, Value>> {
    match form {
        Form::Configured => entry.get("stream")?.as_object(),
        Form::Discovered | Form::Message => Some(entry),
    }
}

pub(super) fn source_mut(
    entry: &mut Map<String, Value>,
    form: Form,
) -> Option<&mut Map<String, Value>> {
    match form {
        Form::Configured => entry.get_mut("stream")?.as_object_mut(),
        Form::Discovered | Form::Message => Some(entry),
    }
}
