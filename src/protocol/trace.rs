//! The lines we write ourselves: LOG, TRACE ERROR, and `meta.changes`.

use serde_json::{Map, Value, json};

use super::state::Descriptor;
use crate::error::Error;

/// Longest text of a foreign line that is shown, in characters.
const SHOWN_CHARACTERS_MAX: usize = 2_000;

/// A LOG line at INFO, with its newline.
pub fn log(level: &str, message: &str) -> String {
    let line = json!({"type": "LOG", "log": {"level": level, "message": message}});
    format!("{line}\n")
}

/// The LOG line, without newline, that stands for a line that is no message.
pub fn foreign(number: u64, bytes: usize, shown: Option<&str>) -> String {
    let mut message = format!("midflight: line {number} is not an Airbyte message ({bytes} bytes)");
    match shown {
        Some(text) => {
            message.push_str(": ");
            message.extend(text.chars().take(SHOWN_CHARACTERS_MAX));
        }
        None => message.push_str("; its text is withheld, set `foreign_lines: show` to see it"),
    }
    let mut line = log("INFO", &message);
    line.pop();
    line
}

/// A TRACE ERROR line, with its newline. `emitted_at` in milliseconds.
pub fn error(error: &Error, emitted_at: u64) -> String {
    let message = match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    };
    let line = json!({"type": "TRACE", "trace": {
        "type": "ERROR",
        "emitted_at": emitted_at,
        "error": {
            "message": format!("midflight: {message}"),
            "internal_message": format!("{:?}", error.kind()),
            "failure_type": error.kind().outcome().failure_type,
        },
    }});
    format!("{line}\n")
}

/// The stream whose status a TRACE tells, and the TRACE itself; `None` for other lines.
pub fn status(line: &[u8]) -> Option<(Descriptor, Value)> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let named = message
        .get("trace")?
        .get("stream_status")?
        .get("stream_descriptor")?;
    let text = |key| named.get(key).and_then(Value::as_str).map(str::to_owned);
    let descriptor = Descriptor {
        namespace: text("namespace"),
        name: text("name")?,
    };
    Some((descriptor, message))
}

/// The stream that a TRACE declares complete; `None` for other lines.
pub fn completed(line: &[u8]) -> Option<Descriptor> {
    let (descriptor, message) = status(line)?;
    let status = message.pointer("/trace/stream_status/status")?;
    (status.as_str() == Some("COMPLETE")).then_some(descriptor)
}

/// A TRACE line that declares a stream complete, with its newline. `emitted_at` in milliseconds.
pub fn complete(stream: &Descriptor, emitted_at: u64) -> String {
    let mut descriptor = Map::new();
    descriptor.insert("name".to_owned(), json!(stream.name));
    if let Some(namespace) = &stream.namespace {
        descriptor.insert("namespace".to_owned(), json!(namespace));
    }
    let line = json!({"type": "TRACE", "trace": {
        "type": "STREAM_STATUS",
        "emitted_at": emitted_at,
        "stream_status": {"stream_descriptor": descriptor, "status": "COMPLETE"},
    }});
    format!("{line}\n")
}

/// The same status of another stream of the same namespace, without newline.
pub fn status_of(mut message: Value, name: &str) -> String {
    let place = "/trace/stream_status/stream_descriptor/name";
    if let Some(place) = message.pointer_mut(place) {
        *place = json!(name);
    }
    message.to_string()
}

/// A record's `meta` with a NULLED change for each field. Only words of the protocol are used: readers
/// refuse others.
pub fn with_changes<'a>(meta: &[u8], fields: impl Iterator<Item = &'a str>) -> String {
    let mut meta = match serde_json::from_slice::<Value>(meta) {
        Ok(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    let changes = fields.map(|field| {
        json!({"field": field, "change": "NULLED", "reason": "PLATFORM_SERIALIZATION_ERROR"})
    });
    match meta.get_mut("changes") {
        Some(Value::Array(list)) => list.extend(changes),
        _ => {
            meta.insert("changes".to_owned(), changes.collect());
        }
    }
    Value::Object(meta).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_join_those_of_the_source() {
        let one = r#"{"field":"a","change":"NULLED","reason":"PLATFORM_SERIALIZATION_ERROR"}"#;
        assert_eq!(
            with_changes(b"{}", ["a"].into_iter()),
            format!(r#"{{"changes":[{one}]}}"#)
        );
        let meta = br#"{"x":1.10,"changes":[1]}"#;
        let expected = format!(r#"{{"x":1.10,"changes":[1,{one}]}}"#);
        assert_eq!(with_changes(meta, ["a"].into_iter()), expected);
    }

    #[test]
    fn a_status_is_told_of_another_stream() {
        let line = r#"{"x":1.10,"type":"TRACE","trace":{"emitted_at":1.0,"type":"STREAM_STATUS","stream_status":{"status":"STARTED","stream_descriptor":{"namespace":null,"name":"a"}}}}"#;
        let (descriptor, message) = status(line.as_bytes()).expect("a status");
        assert_eq!((descriptor.namespace, &*descriptor.name), (None, "a"));
        let expected = line.replace(r#""name":"a""#, r#""name":"b""#);
        assert_eq!(status_of(message, "b"), expected);
        assert!(
            status(br#"{"type":"TRACE","trace":{"error":{"message":"STREAM_STATUS"}}}"#).is_none()
        );
    }

    #[test]
    fn foreign_lines_are_withheld_unless_asked_for() {
        assert!(!foreign(3, 9, None).contains("secret"));
        assert!(foreign(3, 9, Some("a secret")).contains("a secret"));
    }
}
