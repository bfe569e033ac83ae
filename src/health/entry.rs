//! What the history keeps of one run: counts, times and names.
//!
//! Of a cursor that is a time it keeps the age of the newest value at the run's start. Of any other it keeps a tag of
//! four bits, which is the same for the same greatest value: enough to see over several runs that it does not move,
//! and never enough to tell a value, since every sixteenth value has the same tag, however long somebody tries. A
//! longer or keyed fingerprint would give small whole numbers away to whoever has the key, which would have to lie
//! where the history lies.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::heard::Heard;
use crate::batch::{CursorKind, Mark};
use crate::error::Error;
use crate::plan::Plan;
use crate::report::{self, StreamTotals, Totals};

/// The version of the format.
pub const HISTORY_VERSION: u32 = 1;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub version: u32,
    /// Its UUID; later runs have greater ones.
    pub run: String,
    /// RFC 3339.
    pub started: String,
    pub seconds: f64,
    pub command: String,
    pub outcome: Outcome,
    #[serde(default)]
    pub observe: bool,
    #[serde(default)]
    pub failure: Option<Failure>,
    pub records: Counts,
    pub bytes: u64,
    #[serde(default)]
    pub streams: BTreeMap<String, StreamEntry>,
    #[serde(default)]
    pub heard: HeardEntry,
}

/// How a run ended. It failed as well when the source told an error, though midflight itself went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed,
}

/// Why a run failed, as far as that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub class: String,
    /// `source`, `destination`, `midflight`.
    pub origin: String,
    /// The signature that told the class; empty where none did.
    #[serde(default)]
    pub signature: String,
}

/// What became of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub read: u64,
    pub emitted: u64,
    pub filtered: u64,
    pub rejected: u64,
}

/// One stream of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamEntry {
    #[serde(flatten)]
    pub records: Counts,
    pub bytes: u64,
    /// Of work in its stages, over all workers.
    pub seconds: f64,
    /// Kind of personal data, then how often.
    #[serde(default)]
    pub findings: BTreeMap<String, u64>,
    /// Rule, then how many records failed it.
    #[serde(default)]
    pub violations: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<CursorEntry>,
}

/// The cursor of an incremental stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CursorEntry {
    pub column: String,
    /// `time`, `number` or `text`; absent where no record had a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    pub rows: u64,
    #[serde(default)]
    pub nulls: u64,
    #[serde(default)]
    pub missing: u64,
    /// Rows whose time lies in the future.
    #[serde(default)]
    pub future: u64,
    /// Rows with something else than a time, a number or a text.
    #[serde(default)]
    pub odd: u64,
    /// Segments between STATEs whose greatest value is below an earlier one's.
    #[serde(default)]
    pub backwards: u64,
    /// Seconds from the newest time that does not lie in the future to the run's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<f64>,
    /// Of a number or text: 0 to 15, the same for the same greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<u8>,
}

/// What connectors said of failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardEntry {
    pub rate_limited: u64,
    pub errors: u64,
    #[serde(default)]
    pub classes: BTreeMap<String, u64>,
}

/// What a run is called and when it was.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub run: &'a str,
    pub began: DateTime<Utc>,
    pub seconds: f64,
    pub command: &'a str,
}

impl Entry {
    /// The entry of a run that is over.
    pub fn of(
        plan: &Plan,
        told: Told<'_>,
        totals: &Totals,
        heard: &Heard,
        failed: Option<&Error>,
    ) -> Self {
        let failure = heard.failure(failed);
        let streams = (0..plan.streams()).map(|id| {
            let stream = plan.stream(id);
            let none = StreamTotals::default();
            let totals = totals.of(id).unwrap_or(&none);
            let name = stream.descriptor.to_string();
            let entry = StreamEntry::of(&name, totals, told.began, stream.cursor.as_deref());
            (name, entry)
        });
        let [read, emitted, filtered, rejected] = totals.sum();
        Self {
            version: HISTORY_VERSION,
            run: told.run.to_owned(),
            started: told.began.to_rfc3339_opts(SecondsFormat::Millis, true),
            seconds: rounded(told.seconds),
            command: told.command.to_owned(),
            outcome: match failed.is_some() || failure.is_some() {
                true => Outcome::Failed,
                false => Outcome::Succeeded,
            },
            observe: plan.observe(),
            failure,
            records: Counts {
                read,
                emitted,
                filtered,
                rejected,
            },
            bytes: totals.bytes,
            streams: streams.collect(),
            heard: heard.entry(),
        }
    }

    /// The entry of a line of a history; `None` for what is none, or of another version.
    pub fn read(line: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(line).ok()?;
        (entry.version == HISTORY_VERSION && entry.moment().is_some()).then_some(entry)
    }

    /// The entry as one line, without newline.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// When the run started, in seconds since 1970.
    pub fn moment(&self) -> Option<f64> {
        let moment = DateTime::parse_from_rfc3339(&self.started).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year fit")]
        Some(moment.timestamp_millis() as f64 / 1_000.0)
    }

    /// Whether it went well.
    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }
}

impl StreamEntry {
    fn of(name: &str, totals: &StreamTotals, began: DateTime<Utc>, cursor: Option<&str>) -> Self {
        let mut findings: BTreeMap<String, u64> = BTreeMap::new();
        for (kind, count) in totals.findings.values().flatten() {
            *findings.entry(kind.clone()).or_default() += count;
        }
        let followed = cursor.zip(totals.cursor.as_deref());
        Self {
            records: Counts {
                read: totals.read,
                emitted: totals.emitted,
                filtered: totals.filtered,
                rejected: totals.rejected,
            },
            bytes: totals.bytes,
            seconds: rounded(totals.stage_seconds.values().sum()),
            findings,
            violations: totals.violations.clone(),
            cursor: followed.map(|(column, cursor)| CursorEntry::of(name, column, cursor, began)),
        }
    }
}

impl CursorEntry {
    fn of(stream: &str, column: &str, cursor: &report::Cursor, began: DateTime<Utc>) -> Self {
        let greatest = cursor.greatest();
        let age = |mark: &Mark| match mark {
            #[expect(clippy::cast_precision_loss, reason = "an age in seconds")]
            Mark::Time(micros) => Some(((began.timestamp_micros() - micros) / 1_000_000) as f64),
            Mark::Number(..) | Mark::Text(_) => None,
        };
        let age = greatest.and_then(|(_, mark)| age(mark));
        Self {
            column: column.to_owned(),
            kind: match greatest {
                Some((kind, _)) => Some(kind.as_str().to_owned()),
                None => (cursor.future > 0).then(|| CursorKind::Time.as_str().to_owned()),
            },
            rows: cursor.rows,
            nulls: cursor.nulls,
            missing: cursor.missing,
            future: cursor.future,
            odd: cursor.odd,
            backwards: cursor.backwards(),
            age,
            tag: match age {
                Some(_) => None,
                None => greatest.map(|(_, mark)| tag(stream, column, mark)),
            },
        }
    }
}

/// Four bits that are the same for the same value of the same cursor.
fn tag(stream: &str, column: &str, mark: &Mark) -> u8 {
    let mut bytes = format!("{stream}\0{column}\0").into_bytes();
    bytes.extend(mark.bytes());
    (XxHash3_128::oneshot(&bytes) & 15) as u8
}

/// Milliseconds are enough, and make histories readable.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_versions_and_torn_ones_are_no_entries() {
        let line = r#"{"version":1,"run":"r","started":"2026-01-31T10:00:00.5Z","seconds":1.5,"command":"pipe","outcome":"succeeded","observe":false,"failure":null,"records":{"read":1,"emitted":1,"filtered":0,"rejected":0},"bytes":9,"streams":{"a.b":{"read":1,"emitted":1,"filtered":0,"rejected":0,"bytes":9,"seconds":0.1,"findings":{},"violations":{}}},"heard":{"rate_limited":0,"errors":0,"classes":{}}}"#;
        let entry = Entry::read(line.as_bytes()).expect("an entry");
        assert_eq!(entry.line(), line);
        assert_eq!(entry.moment(), Some(1_769_853_600.5));
        // What later versions add is passed over.
        let more = line.replacen("{", r#"{"later":[1],"#, 1);
        assert_eq!(Entry::read(more.as_bytes()), Some(entry));
        for wrong in [
            &line[..line.len() / 2],
            "",
            "[]",
            &line.replace("\"version\":1", "\"version\":2"),
            &line.replace("2026-01-31T", "yesterday"),
        ] {
            assert_eq!(Entry::read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_tag_never_tells_a_value() {
        let tags: Vec<u8> = (0..1_000)
            .map(|id| tag("s", "id", &Mark::Number(f64::from(id), i64::from(id))))
            .collect();
        for wanted in 0..16 {
            let same = tags.iter().filter(|tag| **tag == wanted).count();
            assert!((30..100).contains(&same), "{wanted}: {same}");
        }
        // Another stream's tags say nothing about this one's.
        let other = tag("t", "id", &Mark::Number(1.0, 1));
        assert!(other < 16);
    }
}
