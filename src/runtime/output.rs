//! Chunks to a file descriptor in their turn: counts the STATEs, keeps the rejects, stops where it must.

use std::io::IoSlice;

use super::account::{Account, mixed_states};
use super::delivery::{Counts, Delivery};
use super::outlet::Outlet;
use crate::checkpoint::Ledger;
use crate::decode::{Copied, EventKind, Stop};
use crate::error::{Error, Result};
use crate::pipeline::Done;
use crate::plan::{Plan, Shown};
use crate::protocol::frame::Span;
use crate::protocol::state::Descriptor;
use crate::protocol::trace;
use crate::sink::lines::Piece;
use crate::window::Output;

/// Writes chunks.
#[derive(Debug)]
pub struct Writer<'a> {
    plan: &'a Plan,
    /// `None` once it is closed.
    out: Option<Outlet>,
    /// What a destination is given, where the reader of the output is one.
    pub delivery: Option<Delivery>,
    pub ledger: Ledger,
    pub account: Account<'a>,
    /// LOG, CONTROL and TRACE lines are written where they are read, and not here.
    pub express: bool,
}

impl<'a> Writer<'a> {
    /// Writes to `out`.
    pub fn new(plan: &'a Plan, out: Outlet, account: Account<'a>) -> Self {
        Self {
            plan,
            out: Some(out),
            delivery: None,
            ledger: Ledger::default(),
            account,
            express: false,
        }
    }

    /// Says a line of our own: to the reader of the output, unless that is a destination.
    ///
    /// # Errors
    /// What the output says.
    pub fn say(&mut self, line: &str) -> Result<()> {
        match &self.delivery {
            Some(delivery) => {
                delivery.voice().own(line);
                Ok(())
            }
            None => self.put(line),
        }
    }

    /// Says what stopped the run, to whom it is not told in another way.
    pub fn fail(&mut self, error: &Error, now_ms: u64) {
        if self
            .delivery
            .as_ref()
            .is_some_and(|delivery| delivery.voice().is_people())
        {
            return;
        }
        // An output that is gone cannot be told.
        let _ = self.say(&trace::error(error, now_ms));
    }

    /// The plan of what is written.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// The streams of the catalog.
    pub fn streams(&self) -> Vec<Descriptor> {
        let catalog = self.plan.sources().catalog.as_ref();
        let streams = catalog.iter().flat_map(|catalog| catalog.streams());
        streams.map(Descriptor::from).collect()
    }

    /// Declares to the destination which streams are complete. Gives those that are not.
    ///
    /// # Errors
    /// What the output says.
    pub fn complete(&mut self, now_ms: u64) -> Result<Vec<Descriptor>> {
        let second = |stream: &Descriptor| match self.plan.observe() {
            true => None,
            false => self.plan.second(stream),
        };
        let Some(delivery) = &self.delivery else {
            return Ok(Vec::new());
        };
        let (lines, others) = delivery.complete(self.streams(), second, now_ms);
        lines.iter().try_for_each(|line| self.put(line))?;
        Ok(others)
    }

    /// Lets the reader see that nothing more comes.
    pub fn close(&mut self) {
        self.out = None;
    }

    fn put(&self, line: &str) -> Result<()> {
        match &self.out {
            Some(out) => out.say(line.as_bytes()),
            None => Ok(()),
        }
    }

    /// The texts that are known only now, of STATEs, of lines that are no messages and of those that say something;
    /// `None` where the line is not given on.
    fn patches(&mut self, done: &Done) -> Vec<Option<String>> {
        let mut patches = Vec::new();
        let delivery = self.delivery.as_mut();
        let received = delivery.map(|delivery| delivery.receive(self.plan, done));
        let mut received = received.into_iter().flatten();
        for piece in &done.rendered.pieces {
            match piece {
                Piece::State { event, leaving } => {
                    let event = &done.decoded.events[*event];
                    leaving.iter().for_each(|copied| self.leave(*copied));
                    let EventKind::State(state) = &event.kind else {
                        continue;
                    };
                    let count = self.ledger.close(state, &self.plan.covered(&state.scope));
                    if let Some(delivery) = &mut self.delivery {
                        let line = event.line.of(done.chunk.bytes.as_slice());
                        let came = received.next().unwrap_or(count);
                        let counts = Counts { came, count };
                        let line = delivery.state(self.plan, line, state, counts);
                        patches.push(Some(String::from_utf8_lossy(&line).into_owned()));
                        continue;
                    }
                    let patch = state.count.patch(count).filter(|_| !self.plan.observe());
                    patches.push(Some(patch.unwrap_or_default()));
                }
                Piece::Foreign { event, .. } => {
                    let event = &done.decoded.events[*event];
                    let text = event.line.of(done.chunk.bytes.as_slice());
                    let shown =
                        (self.plan.foreign() == Shown::Text).then(|| String::from_utf8_lossy(text));
                    let number = self.account.totals.lines + event.number + 1;
                    let told = trace::foreign(number, text.len(), shown.as_deref());
                    patches.push(match &self.delivery {
                        Some(delivery) => {
                            delivery.voice().own(&told);
                            None
                        }
                        None => Some(told),
                    });
                }
                Piece::Said { event, .. } => {
                    let event = &done.decoded.events[*event];
                    let status = matches!(event.kind, EventKind::Status) && !self.plan.observe();
                    let line = event.line.of(done.chunk.bytes.as_slice());
                    let delivery = self.delivery.as_mut();
                    let given = delivery.is_none_or(|delivery| delivery.said(line));
                    let repeated = || match status {
                        true => self.repeated(line),
                        false => String::new(),
                    };
                    patches.push(given.then(repeated));
                }
                Piece::Input(_) | Piece::Text(_) => {}
            }
        }
        done.rendered
            .leaving
            .iter()
            .for_each(|copied| self.leave(*copied));
        patches
    }

    fn leave(&mut self, copied: Copied) {
        let stream = self.plan.stream(copied.stream);
        self.ledger
            .leave(&stream.descriptor, copied.records, copied.followers);
        if let Some(delivery) = &mut self.delivery {
            delivery.leave(&stream.descriptor, copied.records);
        }
        self.account.totals.follow(copied.stream, copied.followers);
    }

    /// A stream's status once more for its second stream, behind a newline; nothing for other streams.
    fn repeated(&self, line: &[u8]) -> String {
        let Some((descriptor, message)) = trace::status(line) else {
            return String::new();
        };
        match self.plan.second(&descriptor) {
            Some(second) => format!("\n{}", trace::status_of(message, &second)),
            None => String::new(),
        }
    }

    fn write_lines(&mut self, done: &Done) -> Result<()> {
        let patches = self.patches(done);
        let mut patches = patches.iter();
        let (bytes, text) = (done.chunk.bytes.as_slice(), &done.rendered.text);
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(done.rendered.pieces.len() + 4);
        for piece in &done.rendered.pieces {
            match piece {
                Piece::Input(span) => slices.push(IoSlice::new(span.of(bytes))),
                Piece::Text(span) => slices.push(IoSlice::new(span.of(text))),
                Piece::Foreign { event, end } => {
                    let line = done.decoded.events[*event].line;
                    if let Some(Some(patch)) = patches.next() {
                        slices.push(IoSlice::new(patch.as_bytes()));
                        slices.push(IoSlice::new(&bytes[line.end as usize..*end as usize]));
                    }
                }
                Piece::Said { event, end } => {
                    let event = &done.decoded.events[*event];
                    let Some(Some(patch)) = patches.next() else {
                        continue;
                    };
                    if self.express && matches!(event.kind, EventKind::Said { express: true }) {
                        continue;
                    }
                    let line = event.line;
                    slices.push(IoSlice::new(line.of(bytes)));
                    slices.push(IoSlice::new(patch.as_bytes()));
                    slices.push(IoSlice::new(&bytes[line.end as usize..*end as usize]));
                }
                Piece::State { event, .. } => {
                    let event = &done.decoded.events[*event];
                    let patch = patches.next().and_then(Option::as_deref).unwrap_or("");
                    let place = match &event.kind {
                        _ if self.delivery.is_some() => event.line,
                        EventKind::State(state) if !patch.is_empty() => state.count.span,
                        _ => Span {
                            start: event.line.end,
                            end: event.line.end,
                        },
                    };
                    let part = |start, end| Span { start, end };
                    slices.push(IoSlice::new(part(event.line.start, place.start).of(bytes)));
                    slices.push(IoSlice::new(patch.as_bytes()));
                    slices.push(IoSlice::new(part(place.end, event.line.end).of(bytes)));
                }
            }
        }
        slices.retain(|slice| !slice.is_empty());
        match &self.out {
            Some(out) => out.lines(&mut slices),
            None => Ok(()),
        }
    }
}

impl Output for Writer<'_> {
    type Done = Done;

    fn stop(&self, done: &Done) -> Option<Stop> {
        let stops = [
            mixed_states(&self.ledger, done),
            self.account.over_limit(done),
        ];
        stops.into_iter().flatten().min_by_key(|stop| stop.line)
    }

    fn again(&mut self, done: &Done) -> bool {
        self.account.demotes(done)
    }

    fn write(&mut self, done: &Done) -> Result<()> {
        self.account.store_rejects(done)?;
        self.write_lines(done)?;
        if let Some(delivery) = &self.delivery {
            let batches = done.decoded.batches.iter();
            let said = batches.flat_map(|(_, batch)| batch.said());
            said.for_each(|(_, line)| delivery.voice().own(line));
        }
        self.account.add(done)
    }
}
