//! Chunks to the stage in their turn: rows into parts, now and then a commit, and the STATEs that it covers back.
//!
//! A STATE is given back once every row before it is part of a commit. Commits are made at STATEs, so that what a
//! commit holds is what its STATEs cover: a sync that goes on from them neither loses nor repeats a row.

use std::collections::{HashMap, HashSet};
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::policy::Policies;
use crate::batch::Fate;
use crate::checkpoint::Ledger;
use crate::decode::{EventKind, Item, Stop, StreamId};
use crate::error::Result;
use crate::pipeline::Done;
use crate::plan::Plan;
use crate::protocol::state::{self, Descriptor};
use crate::protocol::trace;
use crate::runtime::account::{Account, mixed_states};
use crate::runtime::output::write_all;
use crate::runtime::stage::entry::{Commit, Input, Name};
use crate::runtime::stage::{Parts, Stage};
use crate::runtime::tables::Filled;
use crate::window::Output;

/// Bytes of STATEs that wait; a commit is due when there are more.
const WAITING_BYTES: usize = 8 << 20;

/// A chunk whose rows are in tables.
#[derive(Debug)]
pub struct Loaded {
    pub done: Done,
    /// Rows up to the last STATE of the chunk, and those behind it.
    pub rows: Result<(Vec<Filled>, Vec<Filled>)>,
}

/// Writes chunks to a stage and STATEs to an output.
pub struct Loader<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    policies: &'a Policies,
    parts: Parts<'a>,
    out: OwnedFd,
    pub account: Account<'a>,
    received: Ledger,
    stored: Ledger,
    /// STATEs, as they will be given back.
    waiting: Vec<u8>,
    waiting_count: u64,
    complete: HashSet<Descriptor>,
    /// The run as an input that is done once, and whether it was.
    whole: Option<Input>,
    repeated: bool,
    /// Streams whose waiting parts of earlier runs belong to nobody.
    discard: Vec<Name>,
    every: Duration,
    last: Instant,
}

impl<'a> Loader<'a> {
    /// Loads into `stage`, and gives STATEs back to `out`.
    pub fn new(
        plan: &'a Plan,
        stage: &'a Stage,
        policies: &'a Policies,
        out: OwnedFd,
        account: Account<'a>,
        whole: Option<Input>,
    ) -> Self {
        let done = |input| stage.view(|view| view.is_done(input));
        let stale = policies.streams().filter(|(_, policy)| !policy.continues);
        Self {
            plan,
            stage,
            policies,
            parts: Parts::new(stage),
            out,
            account,
            received: Ledger::default(),
            stored: Ledger::default(),
            waiting: Vec::new(),
            waiting_count: 0,
            complete: HashSet::new(),
            repeated: whole.as_ref().is_some_and(done),
            whole,
            discard: stale.map(|(stream, _)| Name::from(stream)).collect(),
            every: Duration::from_secs(stage.spec().commit_seconds),
            last: Instant::now(),
        }
    }

    /// Writes a line of our own.
    ///
    /// # Errors
    /// What the output says.
    pub fn say(&self, line: &str) -> Result<()> {
        write_all(&self.out, &mut [IoSlice::new(line.as_bytes())])
    }

    /// STATEs given back, and those whose own count was another.
    pub fn states(&self) -> (u64, u64) {
        self.received.states()
    }

    /// The end of the input: everything is committed, complete generations are published.
    ///
    /// # Errors
    /// What the stage says, or the output.
    pub fn finish(&mut self) -> Result<()> {
        let (published, missing) = self
            .policies
            .published(&self.complete, |stream| self.plan.second(stream));
        let stay = missing.iter().map(ToString::to_string);
        let stay: Vec<String> = stay.collect();
        let whole = self.whole.clone();
        self.commit(&mut |commit| {
            commit.publish.clone_from(&published);
            commit.inputs.extend(whole.clone());
        })?;
        if self.repeated {
            let message = "midflight: this run was committed before; nothing was written";
            self.say(&trace::log("INFO", message))?;
        }
        for stream in stay {
            let message = format!(
                "midflight: stream `{stream}` was not declared complete: its earlier rows stay, the new ones wait"
            );
            self.say(&trace::log("WARN", &message))?;
        }
        self.stage.end()
    }

    /// After a failure: what STATEs cover is committed, so that the next run goes on behind it.
    ///
    /// # Errors
    /// What the stage says, or the output.
    pub fn keep(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.commit(&mut |_| {})
    }

    fn commit(&mut self, add: &mut dyn FnMut(&mut Commit)) -> Result<()> {
        let mut commit = Commit {
            parts: self.parts.take()?,
            discard: std::mem::take(&mut self.discard),
            states: self.waiting_count,
            ..Commit::default()
        };
        add(&mut commit);
        if self.repeated {
            return self.release();
        }
        self.stage.commit(&mut |_| Some(commit.clone()))?;
        self.last = Instant::now();
        self.release()
    }

    fn release(&mut self) -> Result<()> {
        write_all(&self.out, &mut [IoSlice::new(&self.waiting)])?;
        self.waiting.clear();
        self.waiting_count = 0;
        Ok(())
    }

    /// Commits if there are STATEs to give back and it is time.
    fn commit_if_due(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.parts.is_empty() {
            // Nothing has to become durable for them.
            return self.release();
        }
        let due = self.last.elapsed() >= self.every
            || self.parts.bytes() >= self.stage.spec().part_bytes
            || self.waiting.len() >= WAITING_BYTES;
        match due {
            true => self.commit(&mut |_| {}),
            false => Ok(()),
        }
    }

    fn append(&mut self, rows: &[Filled]) -> Result<()> {
        if self.repeated {
            return Ok(());
        }
        rows.iter()
            .try_for_each(|(table, rows)| self.parts.append(table.number, &table.target, rows))
    }

    /// Counts the rows of a chunk and takes its STATEs and statuses, in their order.
    fn take(&mut self, done: &Done) {
        let mut open: HashMap<StreamId, (u64, u64)> = HashMap::new();
        let bytes = done.chunk.bytes.as_slice();
        for &item in &done.decoded.items {
            match item {
                Item::Row { batch, row } => {
                    let (stream, batch) = &done.decoded.batches[batch as usize];
                    let kept = self.plan.observe() || batch.rows()[row as usize].fate == Fate::Keep;
                    let counts = open.entry(*stream).or_default();
                    counts.0 += 1;
                    counts.1 += u64::from(kept);
                }
                Item::Event(event) => {
                    self.count(&mut open);
                    let event = &done.decoded.events[event as usize];
                    let line = event.line.of(bytes);
                    match &event.kind {
                        EventKind::State(state) => self.wait(state, line),
                        EventKind::Status => {
                            if let Some(stream) = trace::completed(line) {
                                self.complete.insert(stream);
                            }
                        }
                        EventKind::Foreign => {}
                    }
                }
            }
        }
        self.count(&mut open);
    }

    fn count(&mut self, open: &mut HashMap<StreamId, (u64, u64)>) {
        for (stream, (received, stored)) in open.drain() {
            let stream = self.plan.stream(stream);
            self.received.leave(&stream.descriptor, received, 0);
            self.stored.leave(&stream.descriptor, stored, 0);
        }
    }

    fn wait(&mut self, state: &state::State, line: &[u8]) {
        let received = self.received.close(state);
        let stored = self.stored.close(state);
        let line =
            state::confirmed(line, stored, received - stored).unwrap_or_else(|| line.to_vec());
        self.waiting.extend_from_slice(&line);
        self.waiting.push(b'\n');
        self.waiting_count += 1;
    }
}

impl Output for Loader<'_> {
    type Done = Loaded;

    fn stop(&self, loaded: &Loaded) -> Option<Stop> {
        let done = &loaded.done;
        let stops = [
            mixed_states(&self.received, done),
            self.account.over_limit(done),
        ];
        stops.into_iter().flatten().min_by_key(|stop| stop.line)
    }

    fn write(&mut self, loaded: &Loaded) -> Result<()> {
        let (before, behind) = loaded.rows.as_ref().map_err(crate::error::Error::again)?;
        self.account.store_rejects(&loaded.done)?;
        self.append(before)?;
        self.take(&loaded.done);
        self.commit_if_due()?;
        self.append(behind)?;
        self.account.add(&loaded.done)
    }
}
