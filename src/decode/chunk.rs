//! A chunk, and what becomes of it when it is decoded.

use std::sync::Arc;

use arrow::buffer::Buffer;

use super::projection::Projection;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::protocol::frame::Span;
use crate::protocol::state::State;

/// Number of a stream within a run.
pub type StreamId = usize;

/// Whole lines, followed by [`PADDING`](crate::protocol::scan::PADDING) newlines.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub bytes: Buffer,
    /// Bytes of lines.
    pub len: usize,
    /// Place among the chunks of a run, from 0.
    pub number: u64,
    /// Bytes of the run's input before it.
    pub offset: u64,
}

/// Where the records of a stream go.
#[derive(Debug, Clone)]
pub struct Route {
    pub stream: StreamId,
    /// What to read of them; `None` copies them as they are.
    pub projection: Option<Arc<Projection>>,
}

/// Knows the route of every stream.
pub trait Routes {
    /// The route of a stream, whether it was heard of before or not.
    fn route(&self, namespace: Option<&str>, name: &str) -> Result<Route>;
}

/// What a chunk holds.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Rows and events in the order of their lines; records copied as they are do not appear.
    pub items: Vec<Item>,
    pub batches: Vec<(StreamId, Batch)>,
    pub events: Vec<Event>,
    /// Records copied as they are, behind the last event.
    pub copied: Vec<Copied>,
    /// Bytes decoded; less than the chunk's when a line stopped it.
    pub len: usize,
    pub lines: u64,
    pub stop: Option<Stop>,
}

/// A place in the order of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Row { batch: u32, row: u32 },
    Event(u32),
}

/// Records of a stream that were copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    pub stream: StreamId,
    pub records: u64,
    pub bytes: u64,
    /// Records of its second stream that follow them.
    pub followers: u64,
}

impl Copied {
    /// Adds itself to the count of its stream.
    pub fn add_to(self, counts: &mut Vec<Self>) {
        match counts.iter_mut().find(|count| count.stream == self.stream) {
            Some(count) => {
                count.records += self.records;
                count.bytes += self.bytes;
                count.followers += self.followers;
            }
            None => counts.push(self),
        }
    }
}

/// A line that is not a record but needs more than copying.
#[derive(Debug)]
pub struct Event {
    /// The line without its newline.
    pub line: Span,
    /// Lines before it in the chunk.
    pub number: u64,
    pub kind: EventKind,
    /// Records copied since the event before.
    pub copied: Vec<Copied>,
}

impl Event {
    /// Whether the line is no message.
    pub fn is_foreign(&self) -> bool {
        matches!(self.kind, EventKind::Foreign)
    }
}

/// The lines that need more than copying.
#[derive(Debug)]
pub enum EventKind {
    State(State),
    /// The status of a stream.
    Status,
    /// Any other message: LOG, TRACE, CONTROL and what later versions of the protocol bring. Some are `express`: they
    /// concern no record, and may leave before records that stand in front of them.
    Said {
        express: bool,
    },
    /// Not a message of the protocol.
    Foreign,
}

/// A line that ends the run. Nothing behind it may leave.
#[derive(Debug)]
pub struct Stop {
    /// Lines before it in the chunk.
    pub line: u64,
    pub error: Error,
}
