//! Chunks to a file descriptor in their turn: counts the STATEs, keeps the rejects, stops where it must.

use std::io::IoSlice;

use super::account::{Account, mixed_states};
use super::outlet::Outlet;
use crate::checkpoint::Ledger;
use crate::decode::{Copied, EventKind, Stop, is_express};
use crate::error::Result;
use crate::pipeline::Done;
use crate::plan::{Plan, Shown};
use crate::protocol::frame::Span;
use crate::protocol::trace;
use crate::sink::lines::Piece;
use crate::window::Output;

/// Writes chunks.
#[derive(Debug)]
pub struct Writer<'a> {
    plan: &'a Plan,
    out: Outlet,
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
            out,
            ledger: Ledger::default(),
            account,
            express: false,
        }
    }

    /// Writes a line of our own.
    ///
    /// # Errors
    /// What the output says.
    pub fn say(&mut self, line: &str) -> Result<()> {
        self.out.say(line.as_bytes())
    }

    /// The texts that are known only now: counts of STATEs and lines that are no messages.
    fn patches(&mut self, done: &Done) -> Vec<String> {
        let mut patches = Vec::new();
        for piece in &done.rendered.pieces {
            match piece {
                Piece::State { event, leaving } => {
                    let event = &done.decoded.events[*event];
                    leaving.iter().for_each(|copied| self.leave(*copied));
                    let EventKind::State(state) = &event.kind else {
                        continue;
                    };
                    let count = self.ledger.close(state);
                    let patch = state.count.patch(count).filter(|_| !self.plan.observe());
                    patches.push(patch.unwrap_or_default());
                }
                Piece::Foreign { event } => {
                    let event = &done.decoded.events[*event];
                    let text = event.line.of(done.chunk.bytes.as_slice());
                    let shown =
                        (self.plan.foreign() == Shown::Text).then(|| String::from_utf8_lossy(text));
                    let number = self.account.totals.lines + event.number + 1;
                    patches.push(trace::foreign(number, text.len(), shown.as_deref()));
                }
                Piece::Said { event, .. } => {
                    let event = &done.decoded.events[*event];
                    let status = matches!(event.kind, EventKind::Status) && !self.plan.observe();
                    let line = event.line.of(done.chunk.bytes.as_slice());
                    patches.push(match status {
                        true => self.repeated(line),
                        false => String::new(),
                    });
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
                Piece::Foreign { .. } => {
                    slices.push(IoSlice::new(
                        patches.next().map_or(b"", |text| text.as_bytes()),
                    ));
                }
                Piece::Said { event, end } => {
                    let line = done.decoded.events[*event].line;
                    let patch = patches.next().map_or("", String::as_str);
                    if self.express && is_express(bytes, line.start as usize) {
                        continue;
                    }
                    slices.push(IoSlice::new(line.of(bytes)));
                    slices.push(IoSlice::new(patch.as_bytes()));
                    slices.push(IoSlice::new(&bytes[line.end as usize..*end as usize]));
                }
                Piece::State { event, .. } => {
                    let event = &done.decoded.events[*event];
                    let patch = patches.next().map_or("", String::as_str);
                    let place = match &event.kind {
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
        self.out.lines(&mut slices)
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
        self.account.add(done)
    }
}
