//! The history of runs: one JSON object per run and line.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::report::Records;

/// The most runs that are drawn: the latest.
pub const RUNS_MAX: usize = 60;

/// One run as the history keeps it.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    version: u64,
    pub run: String,
    /// RFC 3339.
    pub started: String,
    #[serde(default)]
    pub seconds: f64,
    #[serde(default)]
    pub command: String,
    pub outcome: String,
    #[serde(default)]
    pub observe: bool,
    pub failure: Option<Failure>,
    pub records: Records,
    #[serde(default)]
    pub bytes: u64,
    #[serde(default)]
    pub streams: BTreeMap<String, Stream>,
}

/// What kind of failure ended a run.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    pub class: Option<String>,
}

/// A stream of an earlier run.
#[derive(Debug, Clone, Deserialize)]
pub struct Stream {
    pub read: u64,
    /// Kind, then how often.
    #[serde(default)]
    pub findings: BTreeMap<String, u64>,
    #[serde(default)]
    pub violations: BTreeMap<String, u64>,
}

impl Run {
    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.outcome != "succeeded"
    }

    /// Findings of personal data, and masked values, over all streams.
    pub fn findings(&self) -> u64 {
        let kinds = self.streams.values().flat_map(|stream| &stream.findings);
        kinds.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Records that failed a rule, counted per rule, over all streams.
    pub fn violations(&self) -> u64 {
        let rules = self.streams.values().flat_map(|stream| &stream.violations);
        rules.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// The latest runs of a history.
#[derive(Debug, Default, Clone)]
pub struct History {
    /// In the order in which they began; no run twice.
    pub runs: Vec<Run>,
    /// Earlier runs that were left out.
    pub earlier: usize,
    /// Lines that could not be read, or are of another version.
    pub unread: usize,
}

impl History {
    /// Reads lines, whatever their order. A torn or foreign line costs itself alone.
    pub fn read(text: &str) -> Self {
        let mut history = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<Run>(line) {
                Ok(run) if run.version == super::VERSION => history.runs.push(run),
                _ => history.unread += 1,
            }
        }
        history
            .runs
            .sort_by(|a, b| (&a.started, &a.run).cmp(&(&b.started, &b.run)));
        history.runs.dedup_by(|a, b| a.run == b.run);
        history.earlier = history.runs.len().saturating_sub(RUNS_MAX);
        history.runs.drain(..history.earlier);
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> String {
        format!(
            r#"{{"version":1,"run":"r{number:03}","started":"2026-11-01T00:{:02}:{:02}Z","outcome":"succeeded","new":{{}},
            "records":{{"read":1,"emitted":1,"filtered":0,"rejected":0}},
            "streams":{{"a":{{"read":1,"findings":{{"EMAIL":2}},"violations":{{"x":1,"y":2}}}}}}}}"#,
            number / 60,
            number % 60
        )
        .replace('\n', "")
    }

    #[test]
    fn the_latest_runs_stand_in_their_order_whatever_stands_between_them() {
        let mut lines: Vec<_> = (0..100).rev().map(line).collect();
        lines.push(line(99));
        lines.push("{\"version\":2}".to_owned());
        lines.push("{\"version\":1,\"ru".to_owned());
        lines.push(String::new());
        let history = History::read(&lines.join("\n"));
        assert_eq!((history.earlier, history.unread), (40, 2));
        let names: Vec<_> = history.runs.iter().map(|run| run.run.as_str()).collect();
        assert_eq!((names.len(), names[0], names[59]), (60, "r040", "r099"));
        assert_eq!(
            (history.runs[0].findings(), history.runs[0].violations()),
            (2, 3)
        );
    }
}
