//! RECORD lines, and the columns that Airbyte's destinations add to a record.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::list::Object;
use super::moment;
use crate::protocol::state::Descriptor;

/// A column that a destination has added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The record as a whole.
    Data,
    RawId,
    ExtractedAt,
    Meta,
    GenerationId,
    /// When a warehouse has typed the record: of no use behind it.
    LoadedAt,
}

impl Own {
    /// The column of this name, in today's spelling or that before the year 2023.
    pub fn of(name: &[u8]) -> Option<Self> {
        Some(match name.strip_prefix(b"_airbyte_")? {
            b"data" => Self::Data,
            b"raw_id" | b"ab_id" => Self::RawId,
            b"extracted_at" | b"emitted_at" => Self::ExtractedAt,
            b"meta" => Self::Meta,
            b"generation_id" => Self::GenerationId,
            b"loaded_at" => Self::LoadedAt,
            _ => return None,
        })
    }
}

/// The key under which Avro and Parquet files of old hold the members of an object that its schema does not name.
pub const FURTHER: &str = "_airbyte_additional_properties";

/// What stands behind `data` in a line.
#[derive(Debug, Default)]
pub struct Tail {
    emitted_at: Option<i64>,
    meta: Vec<u8>,
    raw_id: Vec<u8>,
    generation_id: Vec<u8>,
}

impl Tail {
    /// Forgets the line before.
    pub fn clear(&mut self) {
        self.emitted_at = None;
        self.meta.clear();
        self.raw_id.clear();
        self.generation_id.clear();
    }

    /// Takes the value of a column, given as JSON.
    ///
    /// # Errors
    /// What is wrong with it, to be read behind "the line".
    pub fn set(&mut self, own: Own, raw: &[u8]) -> Result<(), &'static str> {
        if raw == b"null" {
            return Ok(());
        }
        let text: Cow<'_, [u8]> = match raw {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Cow::Borrowed(inner),
            [b'"', ..] => {
                let text: String =
                    serde_json::from_slice(raw).map_err(|_| "has a string that is not JSON")?;
                Cow::Owned(text.into_bytes())
            }
            _ => Cow::Borrowed(raw),
        };
        let quoted = raw.first() == Some(&b'"');
        match own {
            Own::Data | Own::LoadedAt => {}
            Own::ExtractedAt => {
                let moment = std::str::from_utf8(&text).ok().and_then(moment::millis);
                let moment = moment.ok_or("has an extraction time that is no time")?;
                return match self.emitted_at.replace(moment) {
                    None => Ok(()),
                    Some(_) => Err(TWICE),
                };
            }
            Own::RawId if quoted => return put(&mut self.raw_id, raw),
            Own::RawId => return Err("has a raw id that is not text"),
            Own::GenerationId => {
                let digits = text.strip_prefix(b"-").unwrap_or(&text);
                if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                    return Err("has a generation id that is no integer");
                }
                return put(&mut self.generation_id, &text);
            }
            Own::Meta => {
                let object = object(&text).ok_or("has an `_airbyte_meta` that is no object")?;
                return put(&mut self.meta, &object);
            }
        }
        Ok(())
    }
}

const TWICE: &str = "has a column of Airbyte twice";

fn put(place: &mut Vec<u8>, value: &[u8]) -> Result<(), &'static str> {
    if !place.is_empty() {
        return Err(TWICE);
    }
    place.extend_from_slice(value);
    Ok(())
}

/// A JSON object given as text, on one line; `None` when it is none.
pub fn object(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    one_line(text).filter(|json| json.first() == Some(&b'{'))
}

/// A record that a column holds as a whole: the object itself, the text of one, or null.
///
/// # Errors
/// That it is none, to be read behind "the row".
pub fn record(raw: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    const NO_OBJECT: &str = "has an `_airbyte_data` that is no object";
    match raw.first() {
        Some(b'{') => Ok(Cow::Borrowed(raw)),
        Some(b'"') => {
            let text: String = serde_json::from_slice(raw).map_err(|_| NO_OBJECT)?;
            let object = object(text.as_bytes()).ok_or(NO_OBJECT)?;
            Ok(Cow::Owned(object.into_owned()))
        }
        _ if raw == b"null" => Ok(Cow::Borrowed(raw)),
        _ => Err(NO_OBJECT),
    }
}

/// JSON given as text, without the blanks around it, on one line; `None` when it is none.
pub fn one_line(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let value: &RawValue = serde_json::from_slice(text).ok()?;
    let json = value.get().as_bytes();
    // Line breaks stand between values: inside a string they are escaped.
    if !json.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Some(Cow::Borrowed(json));
    }
    let blank = |byte: &u8| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        }
    };
    Some(Cow::Owned(json.iter().map(blank).collect()))
}

/// What is the same in every line of an object.
#[derive(Debug, Clone)]
pub struct Envelope {
    head: Vec<u8>,
    /// The time of records that have none.
    modified: i64,
}

impl Envelope {
    pub fn new(stream: &Descriptor, object: &Object) -> Self {
        let name = Value::from(stream.name.as_str());
        let namespace = match &stream.namespace {
            Some(namespace) => format!(r#","namespace":{}"#, Value::from(namespace.as_str())),
            None => String::new(),
        };
        let head = format!(r#"{{"type":"RECORD","record":{{"stream":{name}{namespace},"data":"#);
        Self {
            head: head.into_bytes(),
            modified: object.modified.timestamp_millis(),
        }
    }

    /// Begins a line; `data` comes next.
    pub fn begin(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(&self.head);
    }

    /// Ends it. `lost` are the columns whose value JSON has no place for.
    pub fn end(&self, line: &mut Vec<u8>, tail: &Tail, lost: &[&str]) {
        line.extend_from_slice(br#","emitted_at":"#);
        let emitted_at = tail.emitted_at.unwrap_or(self.modified);
        line.extend_from_slice(emitted_at.to_string().as_bytes());
        let meta: Cow<'_, [u8]> = if lost.is_empty() {
            Cow::Borrowed(&tail.meta)
        } else {
            Cow::Owned(with_changes(&tail.meta, lost))
        };
        for (key, value) in [
            (&br#","meta":"#[..], &*meta),
            (br#","_airbyte_raw_id":"#, &tail.raw_id),
            (br#","_airbyte_generation_id":"#, &tail.generation_id),
        ] {
            if !value.is_empty() {
                line.extend_from_slice(key);
                line.extend_from_slice(value);
            }
        }
        line.extend_from_slice(b"}}\n");
    }
}

/// A record's meta, with a change for each column that could not be kept.
fn with_changes(meta: &[u8], lost: &[&str]) -> Vec<u8> {
    let mut meta = match serde_json::from_slice(meta) {
        Ok(Value::Object(meta)) => meta,
        _ => serde_json::Map::new(),
    };
    let mut changes = match meta.get_mut("changes").map(Value::take) {
        Some(Value::Array(changes)) => changes,
        _ => Vec::new(),
    };
    changes.extend(lost.iter().map(
        |field| json!({"field": field, "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"}),
    ));
    meta.insert("changes".to_owned(), Value::Array(changes));
    Value::Object(meta).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_joins_those_that_are_there() {
        let meta = br#"{"sync_id":7,"changes":[{"field":"a","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"}]}"#;
        let text = String::from_utf8(with_changes(meta, &["b"])).expect("text");
        assert_eq!(
            text,
            r#"{"sync_id":7,"changes":[{"field":"a","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"},{"field":"b","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#
        );
    }

    #[test]
    fn json_text_comes_on_one_line() {
        let text = b" {\"a\":\r\n1, \"b\": \"x\\n\"}\n";
        assert_eq!(
            object(text).as_deref(),
            Some(&b"{\"a\":  1, \"b\": \"x\\n\"}"[..])
        );
        for wrong in ["[1]", "{", "{} {}", "\"{}\"", ""] {
            assert_eq!(object(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn columns_of_the_wrong_type_are_told() {
        let mut tail = Tail::default();
        for (own, raw) in [
            (Own::ExtractedAt, r#""soon""#),
            (Own::RawId, "1"),
            (Own::Meta, "[]"),
            (Own::Meta, r#""x""#),
            (Own::GenerationId, "1.5"),
            (Own::GenerationId, r#""""#),
        ] {
            assert!(tail.set(own, raw.as_bytes()).is_err(), "{raw}");
        }
        tail.set(Own::Meta, br#""{\"changes\":[]}""#)
            .expect("an object as text");
        assert_eq!(tail.meta, br#"{"changes":[]}"#);
        assert_eq!(tail.set(Own::Meta, b"{}"), Err(TWICE));
    }
}
