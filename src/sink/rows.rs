//! The rows that leave a chunk, stream by stream, as lines: what tables are filled from.

use crate::batch::{Batch, Fate, Follower};
use crate::decode::{Chunk, Decoded, StreamId};
use crate::protocol::frame::{self, Span};
use crate::protocol::scan::PADDING;

use super::lines;

/// The lines of one stream in a chunk.
#[derive(Debug)]
pub struct Rows {
    pub stream: StreamId,
    /// They are of its second stream.
    pub second: bool,
    /// What the places point into, with [`PADDING`] bytes behind the last line; `None` for the chunk itself.
    text: Option<Vec<u8>>,
    /// The place of each line, and the offset of its record in the run's input.
    pub lines: Vec<(Span, u64)>,
}

impl Rows {
    /// The bytes that the places point into.
    pub fn bytes<'a>(&'a self, chunk: &'a Chunk) -> &'a [u8] {
        self.text.as_deref().unwrap_or(chunk.bytes.as_slice())
    }
}

/// The rows that leave. With `observe` all do, unchanged.
pub fn gather(chunk: &Chunk, decoded: &mut Decoded, observe: bool) -> Vec<Rows> {
    if !observe {
        lines::drop_emptied(decoded);
    }
    let mut all = Vec::new();
    for (stream, batch) in &decoded.batches {
        let offset = |row: usize| chunk.offset + u64::from(batch.rows()[row].line.start);
        if observe || !batch.is_touched() {
            let lines = batch.rows().iter().enumerate();
            let lines = lines.map(|(row, at)| (at.line, offset(row))).collect();
            all.push(Rows {
                stream: *stream,
                second: false,
                text: None,
                lines,
            });
        } else {
            let (mut text, places) = lines::render_rows(batch);
            text.resize(text.len() + PADDING, b'\n');
            let lines = places.into_iter().map(|(row, line)| (line, offset(row)));
            all.push(Rows {
                stream: *stream,
                second: false,
                text: Some(text),
                lines: lines.collect(),
            });
        }
        if !observe && !batch.followers().is_empty() {
            all.push(followers(chunk, *stream, batch));
        }
    }
    all
}

/// The records of a second stream whose rows leave.
fn followers(chunk: &Chunk, stream: StreamId, batch: &Batch) -> Rows {
    let (mut text, mut lines) = (Vec::new(), Vec::new());
    let leaves = |one: &&Follower| batch.rows()[one.row as usize].fate == Fate::Keep;
    for &one in batch.followers().iter().filter(leaves) {
        let row = batch.rows()[one.row as usize].line;
        let start = text.len() as u32;
        let emitted = frame::emitted_at(batch.bytes(), row.start as usize);
        lines::write_follower(batch, one, emitted, &mut text);
        let end = text.len() as u32;
        lines.push((Span { start, end }, chunk.offset + u64::from(row.start)));
        text.push(b'\n');
    }
    text.resize(text.len() + PADDING, b'\n');
    Rows {
        stream,
        second: true,
        text: Some(text),
        lines,
    }
}
