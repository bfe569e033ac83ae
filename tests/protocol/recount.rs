//! Counts and compares what a run left, from its text alone.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Records and states of one side of a run.
#[derive(Debug, Default)]
pub struct Recount {
    /// Records per stream.
    pub records: BTreeMap<String, u64>,
    pub states: u64,
    /// The states whose count is not the number of records before them.
    pub wrong: Vec<String>,
}

impl Recount {
    pub fn of(text: &str) -> Self {
        let mut recount = Self::default();
        let mut open: BTreeMap<String, u64> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let message: Value = serde_json::from_str(line).expect("a message");
            match message["type"].as_str() {
                Some("RECORD") => {
                    let stream = name_of(&message["record"], "stream");
                    *open.entry(stream.clone()).or_default() += 1;
                    *recount.records.entry(stream).or_default() += 1;
                }
                Some("STATE") => {
                    recount.states += 1;
                    let counted = close(&mut open, &message["state"]);
                    let told = message["state"]["sourceStats"]["recordCount"].as_f64();
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "counts are doubles in the protocol"
                    )]
                    if told != Some(counted as f64) {
                        recount.wrong.push(format!(
                            "line {}: {counted} records, {told:?} told",
                            number + 1
                        ));
                    }
                }
                _ => {}
            }
        }
        recount
    }
}

fn name_of(holder: &Value, key: &str) -> String {
    let name = holder[key].as_str().expect("a name");
    match holder["namespace"].as_str() {
        Some(namespace) => format!("{namespace}.{name}"),
        None => name.to_owned(),
    }
}

/// Takes away the records that a state covers.
fn close(open: &mut BTreeMap<String, u64>, state: &Value) -> u64 {
    let mut take = |entry: &Value| {
        open.remove(&name_of(&entry["stream_descriptor"], "name"))
            .unwrap_or(0)
    };
    match state["type"].as_str() {
        Some("STREAM") => take(&state["stream"]),
        Some("GLOBAL") => {
            let streams = state["global"]["stream_states"].as_array().expect("a list");
            streams.iter().map(take).sum()
        }
        _ => std::mem::take(open).values().sum(),
    }
}

/// The values of a record's columns, each as its own text.
type Columns = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Message {
    r#type: String,
    record: Option<Record>,
}

#[derive(Deserialize)]
struct Record {
    stream: String,
    data: Columns,
    emitted_at: Box<RawValue>,
}

/// Records before and after a run, side by side.
#[derive(Debug, Default)]
pub struct Unmasked {
    /// Columns whose text is another though the plan does not name them.
    pub wrong: Vec<String>,
    /// Values that became others.
    pub changed: u64,
}

impl Unmasked {
    /// Compares what left with what came. Records keep their order; those that did not leave are stepped over.
    pub fn compare(
        before: &str,
        after: &str,
        may_change: impl Fn(&str, &str, &str) -> bool,
    ) -> Self {
        let mut compared = Self::default();
        let (before, after) = (records(before), records(after));
        for (stream, after) in &after {
            let mut came = before.get(stream).map_or(&[][..], Vec::as_slice).iter();
            for (number, record) in after.iter().enumerate() {
                let mut nearest: Option<Vec<String>> = None;
                let found = came.by_ref().find(|came| {
                    let differ = differ(stream, came, record, &may_change);
                    let same = differ.is_empty();
                    nearest.get_or_insert(differ);
                    same
                });
                match found {
                    Some(came) => {
                        compared.changed += record
                            .data
                            .iter()
                            .filter(|(name, value)| text(came, name) != Some(value.get()))
                            .count() as u64;
                    }
                    None => {
                        compared.wrong.push(format!(
                            "{stream}, record {number}: {:?}",
                            nearest.unwrap_or_default()
                        ));
                        break;
                    }
                }
            }
        }
        compared
    }
}

fn text<'a>(record: &'a Record, column: &str) -> Option<&'a str> {
    record.data.get(column).map(|value| value.get())
}

fn differ(
    stream: &str,
    before: &Record,
    after: &Record,
    may_change: &impl Fn(&str, &str, &str) -> bool,
) -> Vec<String> {
    let names = before.data.keys().chain(after.data.keys());
    let mut differ: Vec<String> = names
        .filter(|name| text(before, name) != text(after, name))
        .filter(|name| !may_change(stream, name, text(before, name).unwrap_or("")))
        .cloned()
        .collect();
    if before.emitted_at.get() != after.emitted_at.get() {
        differ.push("emitted_at".to_owned());
    }
    differ
}

fn records(text: &str) -> BTreeMap<String, Vec<Record>> {
    let mut records: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for line in text.lines() {
        let message: Message = serde_json::from_str(line).expect("a message");
        if let ("RECORD", Some(record)) = (message.r#type.as_str(), message.record) {
            records
                .entry(record.stream.clone())
                .or_default()
                .push(record);
        }
    }
    records
}
