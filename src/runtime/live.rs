//! How far a run is, for those who look at it from other threads.
//!
//! The thread that keeps the account hands over its counts ten times a second at most, and only if somebody is there
//! to look. Nobody who looks is ever waited for: a look is a copy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::decode::{EventKind, StreamId};
use crate::error::{Error, Result};
use crate::pipeline::Done;
use crate::plan::Plan;
use crate::report::Totals;
use crate::telemetry::{Outcome, Reading};

/// How often counts are handed over.
const EVERY: Duration = Duration::from_millis(100);

/// The place where counts lie.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    reading: Reading,
    /// When each stream was first and last met.
    seen: Vec<(u64, u64)>,
}

/// Hands counts over.
#[derive(Debug)]
pub struct Pulse {
    live: Live,
    states: u64,
    last: Option<Instant>,
}

impl Live {
    /// A run begins.
    pub fn begin(&self, command: &'static str, run: String) {
        let mut shared = self.lock();
        shared.reading.command = command;
        shared.reading.run = run;
        shared.reading.began_ns = now_ns();
    }

    /// What hands counts over.
    pub fn pulse(&self) -> Pulse {
        Pulse {
            live: self.clone(),
            states: 0,
            last: None,
        }
    }

    /// What is known now.
    pub fn read(&self) -> Reading {
        let mut reading = self.lock().reading.clone();
        if reading.outcome == Outcome::Running {
            reading.at_ns = now_ns();
        }
        reading
    }

    /// The run is over, and nothing changes any more. `states` passed and corrected.
    pub fn end(&self, plan: &Plan, totals: &Totals, states: (u64, u64), ended: &Result<()>) {
        let mut guard = self.lock();
        let Shared { reading, seen } = &mut *guard;
        reading.count(plan, totals, seen);
        reading.states = states;
        reading.at_ns = now_ns();
        reading.outcome = match ended {
            Ok(()) => Outcome::Succeeded,
            Err(error) => failed(error),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// Notes a chunk that has been added to the totals.
    pub fn tick(&mut self, plan: &Plan, totals: &Totals, done: &Done) {
        let now = now_ns();
        let mut guard = self.live.lock();
        let Shared { reading, seen } = &mut *guard;
        for stream in streams(done) {
            if seen.len() <= stream {
                seen.resize(stream + 1, (0, 0));
            }
            let (first, last) = &mut seen[stream];
            if *first == 0 {
                *first = now;
            }
            *last = now;
        }
        let states = done.decoded.events.iter();
        let states = states.filter(|event| matches!(event.kind, EventKind::State(_)));
        self.states += states.count() as u64;
        if self.last.is_none_or(|last| last.elapsed() >= EVERY) {
            reading.count(plan, totals, seen);
            reading.states.0 = self.states;
            self.last = Some(Instant::now());
        }
    }
}

/// The streams whose records a chunk has.
fn streams(done: &Done) -> impl Iterator<Item = StreamId> {
    let decoded = &done.decoded;
    let copied = decoded.events.iter().flat_map(|event| &event.copied);
    let copied = copied.chain(&decoded.copied).map(|copied| copied.stream);
    copied.chain(decoded.batches.iter().map(|(stream, _)| *stream))
}

fn failed(error: &Error) -> Outcome {
    Outcome::Failed {
        class: error.kind().word(),
        message: error.to_string(),
    }
}

fn now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(0)
}
