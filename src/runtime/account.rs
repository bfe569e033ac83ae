//! What both outputs keep account of: totals, rejects, limits. They differ in where records go.

use std::path::Path;

use super::audit::Log;
use super::demotion::Demotions;
use super::health::Ear;
use super::live::Pulse;
use super::progress::Progress;
use super::rejects::Rejects;
use crate::batch::Fate;
use crate::checkpoint::Ledger;
use crate::decode::{EventKind, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Origin;
use crate::pipeline::Done;
use crate::plan::{Plan, StreamPlan};
use crate::report::Totals;

/// The account of a run.
#[derive(Debug)]
pub struct Account<'a> {
    plan: &'a Plan,
    pub totals: Totals,
    rejects: Option<Rejects>,
    demotions: Demotions,
    pub progress: Progress,
    /// `None` where nobody wants to know.
    ear: Option<Ear>,
    pulse: Option<Pulse>,
}

impl<'a> Account<'a> {
    /// Opens the reject store that the plan names, for a run of this name.
    ///
    /// # Errors
    /// `Output` when it cannot be opened.
    pub fn open(plan: &'a Plan, run: &str, progress: Progress, ear: Option<Ear>) -> Result<Self> {
        let rejects = match plan.reject_to().filter(|_| !plan.observe()) {
            Some(directory) => Some(Rejects::open(directory, run)?),
            None => None,
        };
        Ok(Self {
            plan,
            totals: Totals::default(),
            rejects,
            demotions: Demotions::default(),
            progress,
            ear,
            pulse: None,
        })
    }

    /// Hands counts over to those who look at the run.
    #[must_use]
    pub fn beating(mut self, pulse: Option<Pulse>) -> Self {
        self.pulse = pulse;
        self
    }

    /// Has demotions put on record here.
    pub fn record_to(&mut self, log: Option<Log>) {
        self.demotions.record_to(log);
    }

    /// Whether a chunk must be judged again: it knows less of demotions than is known now, or shows one itself.
    pub fn demotes(&mut self, done: &Done) -> bool {
        self.demotions.show(self.plan, &self.totals, done)
    }

    /// Adds a chunk that has left.
    ///
    /// # Errors
    /// The one that stopped the chunk, with the number of its line; `Output` when a demotion cannot be put on record.
    pub fn add(&mut self, done: &Done) -> Result<()> {
        let lines = self.totals.lines;
        self.demotions.add(self.plan, &mut self.totals, done)?;
        self.totals.add(self.plan, done);
        self.hear(done);
        self.progress.tick(&self.totals);
        if let Some(pulse) = &mut self.pulse {
            pulse.tick(self.plan, &self.totals, done);
        }
        match &done.decoded.stop {
            Some(stop) => Err(stop.error.at_line(lines + stop.line + 1)),
            None => Ok(()),
        }
    }

    /// Hears the messages that may tell why a run fails.
    fn hear(&self, done: &Done) {
        let Some(ear) = &self.ear else {
            return;
        };
        for event in &done.decoded.events {
            if let EventKind::Said { .. } | EventKind::Status = event.kind {
                let line = event.line.of(done.chunk.bytes.as_slice());
                ear.line(Origin::Source, line);
            }
        }
    }

    /// Ends the progress line.
    pub fn finish(&self) {
        self.progress.finish();
    }

    /// Rejected rows are stored before anything behind them leaves.
    pub fn store_rejects(&mut self, done: &Done) -> Result<()> {
        let Some(rejects) = self.rejects.as_mut().filter(|_| !done.rejected.is_empty()) else {
            return Ok(());
        };
        for (stream, entry) in done.reject_entries(self.totals.lines) {
            let stream = self.plan.stream(stream);
            rejects.store(&stream.descriptor, &entry)?;
        }
        rejects.sync()
    }

    /// The first line behind which some stream has too many rejects, once it has enough rows to tell. Rows
    /// are counted one by one, so that where a run stops does not depend on how the input was cut.
    pub fn over_limit(&self, done: &Done) -> Option<Stop> {
        if self.plan.observe() {
            return None;
        }
        let mut first: Option<(u32, Error)> = None;
        for (stream, batch) in &done.decoded.batches {
            let plan = self.plan.stream(*stream);
            let Some(limit) = plan.max_rejected else {
                continue;
            };
            let before = self.totals.of(*stream);
            let (mut read, mut rejected) =
                before.map_or((0, 0), |totals| (totals.read, totals.rejected));
            for row in batch.rows() {
                read += 1;
                rejected += u64::from(row.fate == Fate::Rejected);
                if read >= ROWS_BEFORE_LIMIT && exceeds(rejected, read, limit) {
                    if first.as_ref().is_none_or(|(at, _)| row.line.end < *at) {
                        first = Some((row.line.end, too_many(&plan, rejected, read, limit)));
                    }
                    break;
                }
            }
        }
        let (end, error) = first?;
        let before = &done.chunk.bytes.as_slice()[..end as usize];
        let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
        Some(Stop { line, error })
    }
}

/// Compares every stream's rejects with its limit at the end of a run, however few rows it has.
///
/// # Errors
/// `Limit` when there are too many.
pub fn check_limits(plan: &Plan, totals: &Totals) -> Result<()> {
    limits(plan, totals, 0)
}

/// The same while a run goes on, for streams with enough rows to tell.
///
/// # Errors
/// `Limit` when there are too many.
pub fn check_limits_early(plan: &Plan, totals: &Totals) -> Result<()> {
    limits(plan, totals, ROWS_BEFORE_LIMIT)
}

fn limits(plan: &Plan, totals: &Totals, least: u64) -> Result<()> {
    let mut streams: Vec<_> = (0..plan.streams())
        .map(|id| (plan.stream(id), id))
        .collect();
    streams.sort_by(|(a, _), (b, _)| a.descriptor.cmp(&b.descriptor));
    for (stream, id) in streams {
        if let (Some(limit), Some(of)) = (stream.max_rejected, totals.of(id))
            && of.read >= least
            && exceeds(of.rejected, of.read, limit)
        {
            return Err(too_many(&stream, of.rejected, of.read, limit));
        }
    }
    Ok(())
}

/// Writes a file into the directory of a report.
///
/// # Errors
/// `Output` when it cannot be written.
pub fn write_into(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    let written = std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| {
        let message = format!("{} cannot be written", path.display());
        Error::new(ErrorKind::Output, message).because(error)
    })
}

/// The first state of another type than those before it.
pub fn mixed_states(ledger: &Ledger, done: &Done) -> Option<Stop> {
    let states = || {
        done.decoded
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::State(state) => Some((event.number, state)),
                EventKind::Said { .. } | EventKind::Foreign | EventKind::Status => None,
            })
    };
    let (place, error) = ledger.mixed(states().map(|(_, state)| state))?;
    let (line, _) = states().nth(place)?;
    Some(Stop { line, error })
}

/// Rows of a stream after which its fraction of rejects is compared with the limit while it still runs.
const ROWS_BEFORE_LIMIT: u64 = 1_000;

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn exceeds(rejected: u64, read: u64, limit: f64) -> bool {
    rejected as f64 > limit * read as f64
}

fn too_many(plan: &StreamPlan, rejected: u64, read: u64, limit: f64) -> Error {
    let message = format!(
        "stream `{}`: {rejected} of {read} records rejected, more than the limit of {limit}",
        plan.descriptor
    );
    Error::new(ErrorKind::Limit, message)
        .hint("the report counts the failed rules; the reject store holds the records")
}
