//! What a run did: counts per stream, findings, violations, times. Reads finished chunks, never a value.

mod cursor;
mod decisions;
mod splits;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::batch::{Embedded, Fate, Reason};
use crate::decode::{Copied, EventKind, StreamId};
use crate::error::Error;
use crate::model::Manifest;
use crate::pipeline::Done;
use crate::plan::Plan;

pub use cursor::Cursor;
pub use decisions::decisions;
pub use splits::manifest;

/// The models that were opened, with the hashes of their files.
pub fn models(plan: &Plan) -> Vec<serde_json::Value> {
    let tagger = plan.sources().tagger.iter();
    let opened = tagger.filter(|tagger| tagger.is_open());
    let value = |manifest: &Manifest| {
        let files = manifest.files.iter();
        let hashes: BTreeMap<_, _> = files.map(|file| (&file.name, &file.sha256)).collect();
        json!({"name": manifest.name, "version": manifest.version, "sha256": hashes})
    };
    opened.map(|tagger| value(&tagger.manifest)).collect()
}

/// Counts of one run, in the order in which chunks leave.
#[derive(Debug, Default)]
pub struct Totals {
    streams: Vec<StreamTotals>,
    /// Bytes and lines read.
    pub bytes: u64,
    pub lines: u64,
    /// Lines that were no message.
    pub foreign: u64,
    /// The number and hash of the run's last audit record.
    pub audited: Option<(u64, String)>,
}

/// A rule that was demoted, as it stood then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Demoted {
    /// The record of the stream behind which it only counts, from 1.
    pub at_row: u64,
    pub violations: u64,
    /// Records it had judged.
    pub rows: u64,
    /// The rate that it surely exceeded.
    pub bound: f64,
}

/// Counts of one stream.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct StreamTotals {
    pub read: u64,
    pub emitted: u64,
    pub filtered: u64,
    pub rejected: u64,
    /// Bytes of its records' lines, as read.
    pub bytes: u64,
    /// Column, then kind, then how often.
    pub findings: BTreeMap<String, BTreeMap<String, u64>>,
    /// Rule, then how many rows failed it.
    pub violations: BTreeMap<String, u64>,
    /// Rule or stage, then reason, then how many rows were rejected for it, among others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, BTreeMap<String, u64>>,
    /// Rules that were demoted, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub demoted: BTreeMap<String, Demoted>,
    /// Records of its second stream that left.
    #[serde(skip_serializing_if = "is_zero")]
    pub chunks: u64,
    /// Column or second stream, then what was embedded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub embedded: BTreeMap<String, Embedded>,
    /// Stage, then seconds of work over all workers.
    pub stage_seconds: BTreeMap<String, f64>,
    /// Per `split` stage, the records emitted per part.
    #[serde(skip)]
    pub parts: Vec<Vec<u64>>,
    /// Its cursor, where that is followed.
    #[serde(skip)]
    pub cursor: Option<Box<Cursor>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl StreamTotals {
    /// Counts why a row was rejected.
    fn explain<'a>(&mut self, reasons: impl Iterator<Item = &'a Reason>) {
        for reason in reasons {
            let codes = self.reasons.entry(reason.rule.clone()).or_default();
            *codes.entry(reason.code.to_owned()).or_default() += 1;
        }
    }
}

impl Totals {
    /// Counts records of a stream's second stream.
    pub fn follow(&mut self, stream: StreamId, followers: u64) {
        if followers > 0 {
            self.stream(stream).chunks += followers;
        }
    }

    /// Adds a chunk.
    pub fn add(&mut self, plan: &Plan, done: &Done) {
        self.bytes += done.decoded.len as u64;
        self.lines += done.decoded.lines;
        let events = &done.decoded.events;
        for copied in events
            .iter()
            .flat_map(|event| &event.copied)
            .chain(&done.decoded.copied)
        {
            self.copied(*copied);
        }
        self.foreign += events.iter().filter(|event| event.is_foreign()).count() as u64;
        for (stream, batch) in &done.decoded.batches {
            let stream_plan = plan.stream(*stream);
            let totals = self.stream(*stream);
            for (id, row) in batch.rows().iter().enumerate() {
                totals.read += 1;
                totals.bytes += row.line.len() as u64 + 1;
                match row.fate {
                    Fate::Keep => totals.emitted += 1,
                    Fate::Filtered => totals.filtered += 1,
                    Fate::Rejected => {
                        totals.rejected += 1;
                        totals.explain(batch.reasons(id));
                    }
                }
            }
            splits::count(batch, &mut totals.parts);
            for (column, kind, count) in batch.counted().findings() {
                let kinds = totals
                    .findings
                    .entry(stream_plan.column_name(column))
                    .or_default();
                *kinds.entry(kind.to_owned()).or_default() += count;
            }
            for (stage, column, count) in batch.counted().strangers() {
                if let Some(learning) = stream_plan.learners().get(*stage) {
                    learning.learner.meet_strangers(*column, *count);
                }
            }
            for (name, embedded) in batch.counted().embedded() {
                let known = totals.embedded.entry(name.clone()).or_default();
                known.add(*embedded);
            }
            for (rule, &count) in batch.counted().violations().iter().enumerate() {
                if count > 0 {
                    *totals
                        .violations
                        .entry(stream_plan.rule_name(rule))
                        .or_default() += count;
                }
            }
        }
        self.follow_cursors(plan, done);
        for (stream, stage, time) in &done.spent {
            let stream_plan = plan.stream(*stream);
            // The look at the cursor is no stage that somebody asked for.
            if *stage == 0 && stream_plan.cursor.is_some() {
                continue;
            }
            let name = stream_plan.stage_name(*stage);
            *self.stream(*stream).stage_seconds.entry(name).or_default() += time.as_secs_f64();
        }
    }

    /// Adds what the chunk's rows hold in their cursors, where some are followed.
    fn follow_cursors(&mut self, plan: &Plan, done: &Done) {
        let batches = &done.decoded.batches;
        for (stream, _) in batches
            .iter()
            .filter(|(_, batch)| batch.counted().cursor().is_some())
        {
            self.stream(*stream).cursor.get_or_insert_default();
        }
        for (id, totals) in self.streams.iter_mut().enumerate() {
            let Some(cursor) = &mut totals.cursor else {
                continue;
            };
            let descriptor = &plan.stream(id).descriptor;
            let events = done.decoded.events.iter();
            let states = events.filter(|event| match &event.kind {
                EventKind::State(state) => state.scope.covers(descriptor),
                EventKind::Said { .. } | EventKind::Foreign | EventKind::Status => false,
            });
            let mut seen = false;
            for (_, batch) in batches.iter().filter(|(stream, _)| *stream == id) {
                let Some(tally) = batch.counted().cursor() else {
                    continue;
                };
                let row = |start: u32| batch.rows().partition_point(|row| row.line.start < start);
                let states: Vec<u32> = states
                    .clone()
                    .map(|event| row(event.line.start) as u32)
                    .collect();
                cursor.add(tally, if seen { &[] } else { &states });
                seen = true;
            }
            if !seen {
                states.for_each(|_| cursor.close());
            }
        }
    }

    fn copied(&mut self, copied: Copied) {
        let totals = self.stream(copied.stream);
        totals.read += copied.records;
        totals.emitted += copied.records;
        totals.bytes += copied.bytes;
    }

    fn stream(&mut self, stream: StreamId) -> &mut StreamTotals {
        if self.streams.len() <= stream {
            self.streams.resize_with(stream + 1, StreamTotals::default);
        }
        &mut self.streams[stream]
    }

    /// Notes that a rule of a stream was demoted.
    pub fn demote(&mut self, stream: StreamId, rule: &str, demoted: Demoted) {
        self.stream(stream).demoted.insert(rule.to_owned(), demoted);
    }

    /// Counts of a stream so far.
    pub fn of(&self, stream: StreamId) -> Option<&StreamTotals> {
        self.streams.get(stream)
    }

    /// The four counts over all streams: read, emitted, filtered, rejected.
    pub fn sum(&self) -> [u64; 4] {
        self.streams.iter().fold([0; 4], |[r, e, f, j], s| {
            [r + s.read, e + s.emitted, f + s.filtered, j + s.rejected]
        })
    }

    /// The totals as one sentence.
    pub fn sentence(&self) -> String {
        let [read, emitted, filtered, rejected] = self.sum();
        let masked: u64 = self
            .streams
            .iter()
            .flat_map(|stream| stream.findings.values().flatten())
            .map(|(_, count)| count)
            .sum();
        format!(
            "{read} records read, {emitted} emitted, {filtered} filtered, {rejected} rejected; {masked} findings"
        )
    }

    /// The report as JSON. `states` passed and corrected, `time` of the whole run.
    pub fn json(
        &self,
        plan: &Plan,
        states: (u64, u64),
        time: Duration,
        failed: Option<&Error>,
    ) -> String {
        // By name: streams that no catalog announces are numbered as the workers hear of them.
        let streams: BTreeMap<_, _> = self
            .streams
            .iter()
            .enumerate()
            .map(|(id, totals)| {
                let stream = plan.stream(id);
                let mut value = json!(totals);
                value["name"] = json!(stream.descriptor.name);
                value["namespace"] = json!(stream.descriptor.namespace);
                // What a run that failed had learned depends on how far its workers were.
                let columns = decisions(&stream);
                if failed.is_none() && !columns.is_empty() {
                    value["columns"] = json!(columns);
                }
                if !stream.splits.is_empty() {
                    value["splits"] = splits::counted(&stream.splits, &totals.parts);
                }
                (stream.descriptor.to_string(), value)
            })
            .collect();
        let [read, emitted, filtered, rejected] = self.sum();
        let mut report = json!({
            "version": 1,
            "midflight": env!("CARGO_PKG_VERSION"),
            "observe": plan.observe(),
            "outcome": if failed.is_some() { "failed" } else { "succeeded" },
            "error": failed.map(|error| json!({
                "message": error.to_string(),
                "hint": error.advice(),
                "exit_code": error.kind().outcome().exit_code,
            })),
            "seconds": time.as_secs_f64(),
            "bytes": self.bytes,
            "lines": self.lines,
            "foreign_lines": self.foreign,
            "records": {"read": read, "emitted": emitted, "filtered": filtered, "rejected": rejected},
            "states": {"passed": states.0, "counts_corrected": states.1},
            "streams": streams,
        });
        if let Some((records, head)) = &self.audited {
            report["audit"] = json!({"records": records, "head": head});
        }
        let models = models(plan);
        if !models.is_empty() {
            report["models"] = json!(models);
        }
        if let Some(drift) = &plan.sources().drift {
            report["drift"] = drift.report.clone();
        }
        if let Some(embedders) = embedders(plan) {
            report["embedders"] = embedders;
        }
        let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The models that made vectors, and how many each had to make; `None` when there are none.
fn embedders(plan: &Plan) -> Option<Value> {
    let all = plan.sources().embedders.all();
    let told: Vec<Value> = all
        .iter()
        .map(|one| {
            let [texts, remembered, cached, made] = one.counts.read();
            json!({
                "model": one.name,
                "version": one.version,
                "dimensions": one.dimensions,
                "texts": texts,
                "remembered": remembered,
                "from_cache": cached,
                "made": made,
            })
        })
        .collect();
    (!told.is_empty()).then(|| Value::from(told))
}
