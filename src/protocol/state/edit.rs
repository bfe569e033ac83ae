//! Keys of a STATE, set in its line: every byte outside of them stays.

use serde_json::{Map, Value, json};

use crate::protocol::frame::{self, Span, pass};
use crate::protocol::scan;
use crate::protocol::walk::{Next, Walker};

/// The STATE of this line, as a destination gives it back: with `destinationStats` and otherwise as it is. `None`
/// when the line is no STATE.
pub fn confirmed(line: &[u8], stored: u64, left_out: u64) -> Option<Vec<u8>> {
    let stats = format!("{{\"recordCount\":{stored}.0,\"rejectedRecordCount\":{left_out}.0}}");
    set(line, &[("destinationStats", stats)])
}

/// The STATE of this line with these keys of `state` set to these JSON texts: where they stand, or behind all others.
/// `None` when the line is no STATE.
pub fn set(line: &[u8], keys: &[(&str, String)]) -> Option<Vec<u8>> {
    let names: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
    let found = find(line, &names)?;
    let mut edits = Vec::with_capacity(keys.len());
    let mut added = String::new();
    for ((name, text), place) in keys.iter().zip(&found.values) {
        match place {
            Some(span) => edits.push((*span, text.clone())),
            None => {
                let comma = if found.empty && added.is_empty() {
                    ""
                } else {
                    ","
                };
                added.push_str(&format!("{comma}\"{name}\":{text}"));
            }
        }
    }
    let close = Span {
        start: found.close,
        end: found.close,
    };
    edits.push((close, added));
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = Vec::with_capacity(line.len() + 64);
    let mut from = 0;
    for (span, text) in edits {
        out.extend_from_slice(line.get(from..span.start as usize)?);
        out.extend_from_slice(text.as_bytes());
        from = span.end as usize;
    }
    out.extend_from_slice(line.get(from..)?);
    Some(out)
}

/// The STATE of this line with `sourceStats.recordCount` set; its other members stay. `None` when the line is no STATE.
pub fn count(line: &[u8], records: u64) -> Option<Vec<u8>> {
    let mut stats = match value(line, "sourceStats").map(serde_json::from_str) {
        Some(Ok(Value::Object(stats))) => stats,
        _ => Map::new(),
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are doubles in the protocol"
    )]
    stats.insert("recordCount".to_owned(), json!(records as f64));
    set(line, &[("sourceStats", Value::Object(stats).to_string())])
}

/// The JSON text of a key of `state`; `None` where it is absent or null, and when the line is no STATE.
pub fn value<'a>(line: &'a [u8], key: &str) -> Option<&'a str> {
    let found = find(line, &[key])?;
    let span = found.values.first().copied().flatten()?;
    let text = std::str::from_utf8(span.of(line)).ok()?;
    (text != "null").then_some(text)
}

struct Found {
    /// Where the values stand, in the order of the names.
    values: Vec<Option<Span>>,
    /// The closing brace of `state`.
    close: u32,
    /// `state` has no key.
    empty: bool,
}

fn find(line: &[u8], names: &[&str]) -> Option<Found> {
    let mut padded = line.to_vec();
    padded.resize(line.len() + scan::PADDING, b'\n');
    let mut positions = Vec::new();
    frame::index(&padded, 0, &mut positions).1.ok()?;
    let end = u32::try_from(line.len()).ok()?;
    let envelope = frame::read(&padded, &positions, end).ok()?;
    let state = envelope.state?;
    let mut walker = Walker::new(&padded, &positions, envelope.state_at);
    let mut found = Found {
        values: vec![None; names.len()],
        close: state.end - 1,
        empty: true,
    };
    while let Some(key) = walker.key().ok()? {
        found.empty = false;
        let value = walker.value().ok()?;
        let span = pass(&mut walker, value).ok()?;
        let text = &padded[key.start as usize..key.end as usize];
        if let Some(at) = names.iter().position(|name| name.as_bytes() == text) {
            found.values[at] = Some(span);
        }
        if walker.next(b'}').ok()? == Next::Closed {
            break;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_gives_a_state_back_with_its_counts() {
        let line = br#"{"type":"STATE","state":{"type":"LEGACY","data":{"a":1.10},"id":7}, "x":1}"#;
        let stats = r#""destinationStats":{"recordCount":3.0,"rejectedRecordCount":1.0}"#;
        let expected = format!(
            r#"{{"type":"STATE","state":{{"type":"LEGACY","data":{{"a":1.10}},"id":7,{stats}}}, "x":1}}"#
        );
        let confirmed = |line: &[u8]| {
            let line = super::confirmed(line, 3, 1)?;
            String::from_utf8(line).ok()
        };
        assert_eq!(confirmed(line).as_deref(), Some(expected.as_str()));
        let twice = confirmed(expected.as_bytes());
        assert_eq!(twice.as_deref(), Some(expected.as_str()));
        let bare = format!(r#"{{"type":"STATE","state":{{{stats}}}}}"#);
        assert_eq!(confirmed(br#"{"type":"STATE","state":{}}"#), Some(bare));
        assert_eq!(confirmed(br#"{"type":"LOG"}"#), None);
    }

    #[test]
    fn several_keys_are_set_at_once_and_read_again() {
        let line =
            br#"{"state":{ "id": null, "data":{"id":9}, "sourceStats":{"a":1} },"type":"STATE"}"#;
        let keys = [
            ("sourceStats", "7".to_owned()),
            ("id", "12".to_owned()),
            ("new", "[1]".to_owned()),
        ];
        let set = set(line, &keys).expect("a STATE");
        assert_eq!(
            std::str::from_utf8(&set),
            Ok(
                r#"{"state":{ "id": 12, "data":{"id":9}, "sourceStats":7 ,"new":[1]},"type":"STATE"}"#
            )
        );
        assert_eq!((value(line, "id"), value(&set, "id")), (None, Some("12")));
        assert_eq!(value(&set, "no"), None);
    }
}
