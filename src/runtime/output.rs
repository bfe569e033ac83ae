//! Chunks to a file descriptor in their turn: counts the STATEs, keeps the rejects, stops where it must.

use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use super::progress::Progress;
use crate::batch::Fate;
use crate::checkpoint::Ledger;
use crate::decode::{Copied, EventKind, Stop, StreamId};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Done;
use crate::plan::{Plan, Shown, StreamPlan};
use crate::protocol::frame::Span;
use crate::protocol::trace;
use crate::report::Totals;
use crate::runtime::rejects::Rejects;
use crate::sink::lines::Piece;
use crate::window::Output;

/// Most slices given to one write; the kernel's own limit is 1,024.
const SLICES_MAX: usize = 512;

/// Writes chunks.
#[derive(Debug)]
pub struct Writer<'a> {
    plan: &'a Plan,
    out: OwnedFd,
    pub ledger: Ledger,
    pub totals: Totals,
    rejects: Option<Rejects>,
    progress: Progress,
    /// The last byte written ends a line.
    line_ended: bool,
}

impl<'a> Writer<'a> {
    /// Writes to `out`; `rejects` keeps what is rejected.
    pub fn new(plan: &'a Plan, out: OwnedFd, rejects: Option<Rejects>, progress: Progress) -> Self {
        Self {
            plan,
            out,
            ledger: Ledger::default(),
            totals: Totals::default(),
            rejects,
            progress,
            line_ended: true,
        }
    }

    /// Writes a line of our own.
    ///
    /// # Errors
    /// What the output says.
    pub fn say(&mut self, line: &str) -> Result<()> {
        let newline = if self.line_ended { "" } else { "\n" };
        self.line_ended = true;
        write_all(
            &self.out,
            &mut [
                IoSlice::new(newline.as_bytes()),
                IoSlice::new(line.as_bytes()),
            ],
        )
    }

    /// Ends the progress line.
    pub fn finish(&self) {
        self.progress.finish();
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
                    let number = self.totals.lines + event.number + 1;
                    patches.push(trace::foreign(number, text.len(), shown.as_deref()));
                }
                Piece::Status { event } => {
                    let line = done.decoded.events[*event].line;
                    patches.push(self.repeated(line.of(done.chunk.bytes.as_slice())));
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
        self.totals.follow(copied.stream, copied.followers);
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
                Piece::Foreign { .. } | Piece::Status { .. } => {
                    slices.push(IoSlice::new(
                        patches.next().map_or(b"", |text| text.as_bytes()),
                    ));
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
        if let Some(last) = slices.last() {
            self.line_ended = last.ends_with(b"\n");
        }
        slices
            .chunks_mut(SLICES_MAX)
            .try_for_each(|slices| write_all(&self.out, slices))
    }

    /// Rejected rows are stored before anything behind them leaves.
    fn store_rejects(&mut self, done: &Done) -> Result<()> {
        let Some(rejects) = self.rejects.as_mut().filter(|_| !done.rejected.is_empty()) else {
            return Ok(());
        };
        let bytes = done.chunk.bytes.as_slice();
        let (mut offset, mut line) = (0, self.totals.lines + 1);
        for (stream, rejected) in &done.rejected {
            let to = rejected.offset as usize;
            line += memchr::memchr_iter(b'\n', &bytes[offset..to]).count() as u64;
            offset = to;
            let stream = self.plan.stream(*stream);
            rejects.store(&stream.descriptor, &rejected.entry(line))?;
        }
        rejects.sync()
    }

    /// The first line behind which some stream has too many rejects, once it has enough rows to tell. Rows
    /// are counted one by one, so that where a run stops does not depend on how the input was cut.
    fn over_limit(&self, done: &Done) -> Option<Stop> {
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

    /// The first state of another type than those before it.
    fn mixed_states(&self, done: &Done) -> Option<Stop> {
        let states = || {
            done.decoded
                .events
                .iter()
                .filter_map(|event| match &event.kind {
                    EventKind::State(state) => Some((event.number, state)),
                    EventKind::Foreign | EventKind::Status => None,
                })
        };
        let (place, error) = self.ledger.mixed(states().map(|(_, state)| state))?;
        let (line, _) = states().nth(place)?;
        Some(Stop { line, error })
    }

    /// Compares a stream's rejects with its limit at the end of the run, however few rows it has.
    ///
    /// # Errors
    /// `Limit` when there are too many.
    pub fn check_limit(&self, stream: StreamId) -> Result<()> {
        let plan = self.plan.stream(stream);
        match (plan.max_rejected, self.totals.of(stream)) {
            (Some(limit), Some(totals)) if exceeds(totals.rejected, totals.read, limit) => {
                Err(too_many(&plan, totals.rejected, totals.read, limit))
            }
            _ => Ok(()),
        }
    }
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

impl Output for Writer<'_> {
    type Done = Done;

    fn stop(&self, done: &Done) -> Option<Stop> {
        let stops = [self.mixed_states(done), self.over_limit(done)];
        stops.into_iter().flatten().min_by_key(|stop| stop.line)
    }

    fn write(&mut self, done: &Done) -> Result<()> {
        self.store_rejects(done)?;
        self.write_lines(done)?;
        let lines = self.totals.lines;
        self.totals.add(self.plan, done);
        self.progress.tick(&self.totals);
        if let Some(stop) = &done.decoded.stop {
            return Err(stop.error.at_line(lines + stop.line + 1));
        }
        Ok(())
    }
}

/// Writes all slices.
fn write_all(out: &OwnedFd, mut slices: &mut [IoSlice<'_>]) -> Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match rustix::io::writev(out.as_fd(), slices) {
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_for_room(out)?,
            Err(Errno::PIPE) => {
                return Err(
                    Error::new(ErrorKind::Closed, "the reader of the output went away")
                        .hint("look at the messages of the destination"),
                );
            }
            Err(error) => {
                return Err(Error::new(ErrorKind::Output, "writing the output failed")
                    .because(std::io::Error::from(error)));
            }
        }
    }
    Ok(())
}

fn wait_for_room(out: &OwnedFd) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::new(out, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(
            Error::new(ErrorKind::Output, "waiting for the output failed")
                .because(std::io::Error::from(error)),
        ),
    }
}
