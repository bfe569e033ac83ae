//! Records as the lines of a chain.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Record, canonical};

/// The longest line.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// What stands as `previous` in the first record.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of a chain: how many records it has, and the hash of the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub records: u64,
    /// As lower-case hex; [`START`] when there are none.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            records: 0,
            hash: START.to_owned(),
        }
    }
}

/// A line that is a record in its one spelling. Whether it stands where it belongs is another question.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written, in RFC 3339.
    pub at: String,
    pub kind: String,
    pub payload: Value,
    /// The hash of the record before it.
    pub previous: String,
    /// Its own, as it stands in the line.
    pub hash: String,
    whole: bool,
}

/// The next line of a chain, without its newline, and the chain's new end. `at` is the time in RFC 3339.
pub fn seal(head: &Head, at: &str, record: &Record) -> (String, Head) {
    let seq = head.records + 1;
    let mut line = json!({
        "seq": seq,
        "at": at,
        "kind": record.kind.as_str(),
        "payload": record.payload,
        "previous": head.hash,
    });
    let hash = hex::encode(Sha256::digest(canonical(&line)));
    line["hash"] = Value::from(hash.as_str());
    (canonical(&line), Head { records: seq, hash })
}

impl Link {
    /// Reads a line without its newline. `None` when it is no record, or spelt another way than records are.
    pub fn read(line: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(line).ok()?;
        if canonical(&value).as_bytes() != line {
            return None;
        }
        let Value::Object(mut entries) = value else {
            return None;
        };
        let hash = text(&mut entries, "hash")?;
        let whole = hash == hex::encode(Sha256::digest(canonical(&json!(entries))));
        let link = Self {
            seq: entries.remove("seq")?.as_u64()?,
            at: text(&mut entries, "at")?,
            kind: text(&mut entries, "kind")?,
            payload: entries.remove("payload")?,
            previous: text(&mut entries, "previous")?,
            hash,
            whole,
        };
        entries.is_empty().then_some(link)
    }

    /// Whether the line is what its hash was made of.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The end of the chain if this is its last record.
    pub fn head(&self) -> Head {
        Head {
            records: self.seq,
            hash: self.hash.clone(),
        }
    }
}

fn text(entries: &mut Map<String, Value>, name: &str) -> Option<String> {
    match entries.remove(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Kind;

    #[test]
    fn a_sealed_record_is_read_back_and_names_the_one_before() {
        let record = Record::new(Kind::RunStarted, json!({"plan": "ab", "rules": [1, 2]}));
        let (first, head) = seal(&Head::default(), "2026-01-01T00:00:00Z", &record);
        assert!(
            first.starts_with(r#"{"at":"2026-01-01T00:00:00Z","hash":""#),
            "{first}"
        );
        let (second, _) = seal(&head, "2026-01-01T00:00:01Z", &record);
        let [first, second] = [first, second].map(|line| Link::read(line.as_bytes()));
        let (first, second) = (first.expect("a record"), second.expect("a record"));
        assert!(first.is_whole() && second.is_whole());
        assert_eq!((first.seq, second.seq), (1, 2));
        assert_eq!(
            (first.previous.as_str(), second.previous),
            (START, first.hash)
        );
        assert_eq!(first.payload, record.payload);
    }

    #[test]
    fn another_spelling_is_no_record() {
        let record = Record::new(Kind::Mended, json!({}));
        let (line, _) = seal(&Head::default(), "t", &record);
        for other in [
            line.replace(":1}", ": 1}"),
            line.replace("\"seq\":1", "\"seq\":1,\"seq\":1"),
            line.replace("\"seq\":1", "\"seq\":\"1\""),
            line.replace("\"payload\":{}", "\"more\":1,\"payload\":{}"),
            line[..line.len() - 1].to_owned(),
            "[]".to_owned(),
        ] {
            assert_eq!(Link::read(other.as_bytes()), None, "{other}");
        }
        let changed = line.replace("\"kind\":\"mended\"", "\"kind\":\"nended\"");
        assert!(!Link::read(changed.as_bytes()).expect("a record").is_whole());
    }
}
