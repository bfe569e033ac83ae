//! `report.json`: what one run did.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Result;

/// The report of a run. Counts are of records where nothing else is said.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    #[serde(default)]
    pub midflight: String,
    /// The run's name, where the report has it.
    pub run: Option<String>,
    #[serde(default)]
    pub observe: bool,
    /// `succeeded` or `failed`.
    pub outcome: String,
    pub error: Option<Failure>,
    #[serde(default)]
    pub seconds: f64,
    #[serde(default)]
    pub bytes: u64,
    #[serde(default)]
    pub lines: u64,
    #[serde(default)]
    pub foreign_lines: u64,
    pub records: Records,
    #[serde(default)]
    pub states: States,
    pub streams: BTreeMap<String, Stream>,
    pub audit: Option<Head>,
    #[serde(default)]
    pub models: Vec<Model>,
    #[serde(default)]
    pub embedders: Vec<Embedder>,
    pub drift: Option<Drift>,
}

/// Why a run failed.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    pub exit_code: Option<u64>,
}

/// Where records went; `read` is the sum of the others.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Records {
    pub read: u64,
    pub emitted: u64,
    pub filtered: u64,
    pub rejected: u64,
}

impl Records {
    /// Whether every record is accounted for.
    pub fn add_up(self) -> bool {
        let left = self.emitted.checked_add(self.filtered);
        left.and_then(|left| left.checked_add(self.rejected)) == Some(self.read)
    }
}

/// States passed on, and how many of them had their counts corrected.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub struct States {
    #[serde(default)]
    pub passed: u64,
    #[serde(default)]
    pub counts_corrected: u64,
}

/// One stream of a run.
#[derive(Debug, Default, Clone, Deserialize)]
pub struct Stream {
    pub read: u64,
    pub emitted: u64,
    pub filtered: u64,
    pub rejected: u64,
    #[serde(default)]
    pub bytes: u64,
    /// Column, then kind, then how often.
    #[serde(default)]
    pub findings: BTreeMap<String, BTreeMap<String, u64>>,
    /// Rule, then how many records failed it.
    #[serde(default)]
    pub violations: BTreeMap<String, u64>,
    /// Rule or stage, then reason, then how many records were set aside for it among others.
    #[serde(default)]
    pub reasons: BTreeMap<String, BTreeMap<String, u64>>,
    #[serde(default)]
    pub demoted: BTreeMap<String, Demoted>,
    #[serde(default)]
    pub chunks: u64,
    #[serde(default)]
    pub embedded: BTreeMap<String, Embedded>,
    #[serde(default)]
    pub stage_seconds: BTreeMap<String, f64>,
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
    #[serde(default)]
    pub splits: Vec<Split>,
}

impl Stream {
    /// Where its records went.
    pub fn records(&self) -> Records {
        Records {
            read: self.read,
            emitted: self.emitted,
            filtered: self.filtered,
            rejected: self.rejected,
        }
    }
}

/// A rule that was demoted while the run went on.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Demoted {
    pub at_row: u64,
    pub violations: u64,
    pub rows: u64,
    pub bound: f64,
}

/// Texts that vectors were wanted of, and vectors made.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Embedded {
    pub texts: u64,
    pub vectors: u64,
}

/// What was decided about a column.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub decision: String,
    #[serde(default)]
    pub confidence: f64,
    #[serde(default)]
    pub pinned: bool,
    #[serde(default)]
    pub decided_after: u64,
    #[serde(default)]
    pub evidence: Evidence,
    #[serde(default)]
    pub unlike_sample: u64,
}

/// What speaks for a decision.
#[derive(Debug, Default, Clone, Deserialize)]
pub struct Evidence {
    /// Kind, then how likely the name alone makes it.
    #[serde(default)]
    pub name: BTreeMap<String, f64>,
    #[serde(default)]
    pub values: u64,
    #[serde(default)]
    pub with_findings: u64,
    #[serde(default)]
    pub recognised: BTreeMap<String, u64>,
    #[serde(default)]
    pub tagged: BTreeMap<String, u64>,
}

/// How records were divided.
#[derive(Debug, Clone, Deserialize)]
pub struct Split {
    pub into: String,
    #[serde(default)]
    pub by: Vec<String>,
    pub by_time: Option<String>,
    #[serde(default)]
    pub parts: Vec<Part>,
    /// Part, then records emitted in it.
    #[serde(default)]
    pub records: BTreeMap<String, u64>,
}

/// One part of a split: its fraction, or the moment before which it lies.
#[derive(Debug, Clone, Deserialize)]
pub struct Part {
    pub name: String,
    pub fraction: Option<f64>,
    pub before: Option<String>,
}

/// The end of the audit chain as the run left it.
#[derive(Debug, Clone, Deserialize)]
pub struct Head {
    pub records: u64,
    pub head: String,
}

/// A model that was used, with the hashes of its files.
#[derive(Debug, Clone, Deserialize)]
pub struct Model {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
}

/// A model that made vectors.
#[derive(Debug, Clone, Deserialize)]
pub struct Embedder {
    pub model: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub dimensions: u64,
    #[serde(default)]
    pub texts: u64,
    #[serde(default)]
    pub remembered: u64,
    #[serde(default)]
    pub from_cache: u64,
    #[serde(default)]
    pub made: u64,
}

/// How the catalog differs from that of the run before.
#[derive(Debug, Clone, Deserialize)]
pub struct Drift {
    #[serde(default)]
    pub first: bool,
    #[serde(default)]
    pub outcome: String,
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// One change of a stream's schema.
#[derive(Debug, Clone, Deserialize)]
pub struct Change {
    pub stream: String,
    #[serde(default)]
    pub class: String,
    #[serde(default)]
    pub breaks_airbyte: bool,
    #[serde(default)]
    pub sentence: String,
    pub answer: Option<String>,
}

impl Report {
    /// Reads `report.json`.
    ///
    /// # Errors
    /// `Input` when it is not a report of this version.
    pub fn read(text: &str) -> Result<Self> {
        super::versioned("report.json", text)
    }
}
