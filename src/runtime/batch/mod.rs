//! Staged files through the same stages as a pipe, into a stage: parallel over files and inside large ones.
//!
//! The objects are listed once, in the order of their keys. Workers take one after the other, or a share of a large
//! one, write the rows into parts of their own, and commit parts together with the inputs that they hold whole. What
//! a commit names as done, with this version and this plan, is not done again; what was begun and not committed is.

mod progress;
mod rejected;
mod single;
mod source;
mod work;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::account::check_limits;
use super::bucket::Bucket;
use super::destination::SILENT_MS;
use super::drift;
use super::lineage::place;
use super::load::Files;
use super::run::{self, Run};
use super::stage::{Stage, entries};
use super::staged::{Format, Naming, Pattern};
use super::tables::{Belonging, Tables};
use crate::error::{Error, ErrorKind, Result};
use crate::lineage::Places;
use work::Work;

pub use single::{Ended, Single};
pub use source::Source;

/// What is read, where it goes, and how.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// A prefix or glob, and the directory or prefix of the stage.
    pub from: String,
    pub to: String,
    /// Whose records a file holds; by its folders unless it is given.
    pub naming: Naming,
    /// What every file is, whatever its name says.
    pub format: Option<Format>,
    /// Files whose names do not say what they are, are passed over.
    pub skip_unknown: bool,
    /// Only objects written after this moment.
    pub since: Option<DateTime<Utc>>,
    pub run: run::Options,
    /// Bytes of a large object that one worker takes.
    pub share_bytes: Option<u64>,
}

/// What a batch did.
#[derive(Debug)]
pub struct Summary {
    pub stage: String,
    /// Objects found, and those of them that an earlier run had done.
    pub objects: u64,
    pub done_before: u64,
    /// Of the objects that were read now.
    pub bytes: u64,
    pub records: [u64; 4],
    pub parts: u64,
    pub part_bytes: u64,
    /// What earlier runs had left behind, and is deleted now.
    pub swept: usize,
    /// A sentence for each change of a schema.
    pub drifted: Vec<String>,
    pub seconds: f64,
}

impl Summary {
    /// For programs.
    pub fn to_json(&self) -> String {
        let [read, emitted, filtered, rejected] = self.records;
        let mut summary = json!({
            "stage": self.stage,
            "objects": self.objects,
            "done_before": self.done_before,
            "bytes": self.bytes,
            "records": {"read": read, "emitted": emitted, "filtered": filtered, "rejected": rejected},
            "parts": self.parts,
            "part_bytes": self.part_bytes,
            "swept": self.swept,
            "seconds": self.seconds,
        });
        if !self.drifted.is_empty() {
            summary["drift"] = json!(self.drifted);
        }
        serde_json::to_string_pretty(&summary).unwrap_or_default()
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let [read, emitted, filtered, rejected] = self.records;
        let drifted: String = self
            .drifted
            .iter()
            .map(|told| format!("{told}\n"))
            .collect();
        format!(
            "{drifted}{} objects, {} of them done before; {} bytes read in {:.1} s\n\
             {read} records read, {emitted} emitted, {filtered} filtered, {rejected} rejected\n\
             {} parts of {} bytes in {}",
            self.objects,
            self.done_before,
            self.bytes,
            self.seconds,
            self.parts,
            self.part_bytes,
            self.stage
        )
    }
}

/// Runs a batch to its end.
///
/// # Errors
/// The first that a worker met; what was committed before stays, and is not done again.
pub fn run(files: &Files, options: &Options) -> Result<Summary> {
    let mut pattern = Pattern::parse(&options.from)?.named(options.naming.clone());
    if let Some(format) = options.format {
        pattern = pattern.formatted(format);
    }
    if options.skip_unknown {
        pattern = pattern.skipping_unknown();
    }
    let to = Bucket::open(&options.to, &BTreeMap::new())?;
    // Before anything is listed: what others do from now on may be newer than the list.
    let since = entries(&to)?;
    let mut source = Source::list(pattern, options.since, &to)?;
    let plan = source.load(files)?;
    let mut run = Run::new(&plan, "batch", &options.run);
    run.admit()?;
    plan.begin();
    plan.prepare()?;
    source.learn(&plan)?;
    let stage = Stage::open(to, plan.sources().config.stage.clone(), "")?;
    let swept = stage.claim(&[format!("batch {}", options.from)], SILENT_MS)?;
    let tables = Tables::new(&plan, |_| Belonging::default());
    // Files without records say nothing about columns, and need none.
    tables.prepare_those(&|stream| source.has_columns(stream))?;
    let workers = workers(options);
    let work = Work::new(&plan, &source, &stage, &tables, options, (since, workers))?;
    let work = work.beating(run.pulse());
    run.places = Places {
        source: Some(place::of_source(&source)),
        destination: Some(place::of_stage(&stage, &plan)),
    };
    run.begin()?;
    let ended = work.run(workers);
    let mut finished = work.finish();
    let ended = ended.and_then(|()| check_limits(&plan, &finished.totals));
    let ended = run.settle(&mut finished.totals, ended);
    if matches!(&ended, Err(error) if error.kind() == ErrorKind::Superseded) {
        let _ = stage.withdraw();
    }
    let notes = run.tell(&finished.totals, (0, 0), &ended)?;
    ended?;
    tables.write_features(&stage)?;
    stage.end()?;
    let mut drifted = plan
        .sources()
        .drift
        .as_ref()
        .map_or_else(Vec::new, |drift| drift.told.clone());
    drifted.extend(drift::settle(&plan)?);
    drifted.extend(notes);
    Ok(Summary {
        drifted,
        stage: stage.bucket().url(),
        objects: source.objects.len() as u64,
        done_before: finished.done_before,
        bytes: finished.bytes,
        records: finished.totals.sum(),
        parts: finished.parts,
        part_bytes: finished.part_bytes,
        swept,
        seconds: run.seconds(),
    })
}

fn workers(options: &Options) -> usize {
    super::threads(options.run.workers)
}

/// The error of a batch whose input cannot be its output.
fn loops(inner: &str, outer: &str) -> Error {
    let message = format!("{inner} lies within {outer}: a batch would read what it writes");
    Error::new(ErrorKind::Usage, message).hint("give a stage beside what is read")
}
