//! The lines we write ourselves: LOG, TRACE ERROR, and `meta.changes`.

use serde_json::{Map, Value, json};

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
    fn foreign_lines_are_withheld_unless_asked_for() {
        assert!(!foreign(3, 9, None).contains("secret"));
        assert!(foreign(3, 9, Some("a secret")).contains("a secret"));
    }
}
