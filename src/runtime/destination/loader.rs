//! Chunks to the stage in their turn: rows into parts, now and then a commit, and the STATEs that it covers back.
//!
//! A STATE is given back once every row that it covers is part of a commit. What a commit holds is what STATEs cover,
//! stream by stream: a sync that goes on from them neither loses nor repeats a row. Rows behind the last STATE of
//! their stream wait in memory, or, when they are many, in parts of their own that no commit takes before the next.

use std::collections::{HashMap, HashSet};
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::covered::Covered;
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
use crate::runtime::outlet::write_all;
use crate::runtime::stage::entry::{Commit, Input, Name};
use crate::runtime::stage::{Parts, Stage};
use crate::runtime::tables::Filled;
use crate::window::Output;

/// Bytes of STATEs that wait; a commit is due when there are more.
const WAITING_BYTES: usize = 8 << 20;

/// Bytes of rows that wait in memory for a STATE.
const HELD_BYTES: usize = 32 << 20;

/// A chunk whose rows are in tables.
#[derive(Debug)]
pub struct Loaded {
    pub done: Done,
    /// Rows that the STATEs of the chunk cover, and the others.
    pub rows: Result<(Vec<Filled>, Vec<Filled>)>,
    pub covered: Covered,
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
    /// Rows that no STATE covers yet.
    held: Vec<Filled>,
    held_bytes: usize,
    /// Tables with such rows in parts, and their streams. STATEs that wait speak of none of these rows.
    ahead: HashMap<usize, StreamId>,
    /// The stage failed, so that parts may be missing.
    failed: bool,
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
            held: Vec::new(),
            held_bytes: 0,
            ahead: HashMap::new(),
            failed: false,
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

    /// The end of the input: everything is committed, complete generations are published. Of streams that are not
    /// complete, where the platform would have said so, only what STATEs cover is committed.
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
        // The source of a stream that was cut short sends what no STATE covers once more.
        let (plan, policies, complete) = (self.plan, self.policies, self.complete.clone());
        let cut = |id| policies.is_cut_short(&plan.stream(id).descriptor, &complete);
        self.settle(|stream| !cut(stream))?;
        let left: usize = self.held.iter().map(|(_, rows)| rows.num_rows()).sum();
        let left_out = left > 0 || !self.ahead.is_empty();
        self.commit(&mut |commit| {
            commit.publish.clone_from(&published);
            commit.inputs.extend(whole.clone());
        })?;
        if self.repeated {
            let message = "midflight: this run was committed before; nothing was written";
            self.say(&trace::log("INFO", message))?;
        }
        if left_out {
            let message = "midflight: rows that no STATE covers, of streams that were not declared complete, are left out";
            self.say(&trace::log("WARN", message))?;
        }
        for stream in stay {
            let message = format!(
                "midflight: stream `{stream}` was not declared complete: its earlier rows stay, the new ones wait"
            );
            self.say(&trace::log("WARN", &message))?;
        }
        self.stage.end()
    }

    /// After a failure: what STATEs cover is committed, so that the next run goes on behind it. Not after one of the
    /// stage, whose parts may not be all there.
    ///
    /// # Errors
    /// What the stage says, or the output.
    pub fn keep(&mut self) -> Result<()> {
        if self.waiting.is_empty() || self.failed {
            return Ok(());
        }
        self.commit(&mut |_| {})
    }

    fn commit(&mut self, add: &mut dyn FnMut(&mut Commit)) -> Result<()> {
        if self.repeated {
            return self.release();
        }
        let failed = std::mem::replace(&mut self.failed, true);
        let ahead = &self.ahead;
        let mut commit = Commit {
            parts: self.parts.take(&|table| !ahead.contains_key(&table))?,
            discard: std::mem::take(&mut self.discard),
            states: self.waiting_count,
            ..Commit::default()
        };
        add(&mut commit);
        let made = self.stage.commit(&mut |_| Some(commit.clone()))?;
        self.last = Instant::now();
        // The rows are durable, whatever became of the rest.
        self.release()?;
        made.followed?;
        self.failed = failed;
        Ok(())
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
        let ahead = &self.ahead;
        let covered = |table: usize| !ahead.contains_key(&table);
        if self.parts.is_empty(&covered) {
            // Nothing has to become durable for them.
            return self.release();
        }
        let due = self.last.elapsed() >= self.every
            || self.parts.bytes(&covered) >= self.stage.spec().part_bytes
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
        let failed = std::mem::replace(&mut self.failed, true);
        rows.iter()
            .try_for_each(|(table, rows)| self.parts.append(table.number, &table.target, rows))?;
        self.failed = failed;
        Ok(())
    }

    /// Rows of these streams wait no longer.
    fn settle(&mut self, covers: impl Fn(StreamId) -> bool) -> Result<()> {
        self.ahead.retain(|_, stream| !covers(*stream));
        let held = std::mem::take(&mut self.held);
        let (settled, held): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|(table, _)| covers(table.stream));
        self.held = held;
        self.held_bytes -= bytes_of(&settled);
        self.append(&settled)
    }

    /// Lets rows wait for a STATE.
    fn hold(&mut self, rows: &[Filled]) -> Result<()> {
        for filled in rows {
            match self.ahead.contains_key(&filled.0.number) {
                true => self.append(std::slice::from_ref(filled))?,
                false => {
                    self.held_bytes += bytes_of(std::slice::from_ref(filled));
                    self.held.push(filled.clone());
                }
            }
        }
        if self.held_bytes <= HELD_BYTES {
            return Ok(());
        }
        // Parts hold either rows that are covered, or such that are not.
        if !self.waiting.is_empty() {
            self.commit(&mut |_| {})?;
        }
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        self.ahead
            .extend(held.iter().map(|(table, _)| (table.number, table.stream)));
        self.append(&held)
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
                        EventKind::Said { .. } | EventKind::Foreign => {}
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
        let scope = self.plan.covered(&state.scope);
        let received = self.received.close(state, &scope);
        let stored = self.stored.close(state, &scope);
        let line = state::edit::confirmed(line, stored, received - stored)
            .unwrap_or_else(|| line.to_vec());
        self.waiting.extend_from_slice(&line);
        self.waiting.push(b'\n');
        self.waiting_count += 1;
    }
}

/// Bytes of rows in memory.
fn bytes_of(rows: &[Filled]) -> usize {
    let sizes = rows.iter().map(|(_, rows)| rows.get_array_memory_size());
    sizes.sum()
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

    fn again(&mut self, loaded: &Loaded) -> bool {
        self.account.demotes(&loaded.done)
    }

    fn write(&mut self, loaded: &Loaded) -> Result<()> {
        let (before, behind) = loaded.rows.as_ref().map_err(crate::error::Error::again)?;
        self.account.store_rejects(&loaded.done)?;
        self.settle(|stream| loaded.covered.covers(stream))?;
        self.append(before)?;
        self.take(&loaded.done);
        self.commit_if_due()?;
        self.hold(behind)?;
        for (_, batch) in &loaded.done.decoded.batches {
            for (_, line) in batch
                .said()
                .iter()
                .filter(|(row, _)| (*row as usize) < batch.rows().len())
            {
                self.say(&format!("{line}\n"))?;
            }
        }
        self.account.add(&loaded.done)
    }
}
