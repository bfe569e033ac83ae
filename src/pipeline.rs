//! The trip of a chunk, on one screen: decode, stages, splice. A pure function that any worker can run.

use std::time::{Duration, Instant};

use arrow::buffer::Buffer;

use crate::batch::Batch;
use crate::decode::{Chunk, Decoded, Decoder, Stop, StreamId};
use crate::plan::{Plan, StreamPlan};
use crate::sink::lines::{self, Rendered, Splicing};
use crate::sink::reject::{self, Rejected};
use crate::sink::rows::{self, Rows};

/// A chunk that is ready to leave.
#[derive(Debug)]
pub struct Done {
    pub chunk: Chunk,
    pub decoded: Decoded,
    /// Lines of the protocol, if that is the form.
    pub rendered: Rendered,
    /// Lines of records alone, stream by stream, if that is the form.
    pub rows: Vec<Rows>,
    /// Rows for the reject store, in the order of their lines.
    pub rejected: Vec<(StreamId, Rejected)>,
    /// Bytes of the chunk's lines before a row of its own cut it short.
    pub whole: usize,
    /// Time spent per stream and stage.
    pub spent: Vec<(StreamId, usize, Duration)>,
}

impl Done {
    /// The entries of its rows for the reject store, with their streams, where `before` lines stand before the chunk.
    pub fn reject_entries(&self, before: u64) -> impl Iterator<Item = (StreamId, String)> {
        let bytes = self.chunk.bytes.as_slice();
        let (mut offset, mut line) = (0, before + 1);
        self.rejected.iter().map(move |(stream, rejected)| {
            let to = rejected.offset as usize;
            line += memchr::memchr_iter(b'\n', &bytes[offset..to]).count() as u64;
            offset = to;
            (*stream, rejected.entry(line))
        })
    }
}

/// What a chunk becomes behind its stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// The same lines, with the touched values.
    #[default]
    Lines,
    /// The same without lines of our own.
    Messages,
    /// The records that leave, stream by stream, for tables.
    Rows,
}

/// What one worker keeps from chunk to chunk.
#[derive(Debug, Default)]
pub struct Worker {
    decoder: Decoder,
    form: Form,
    /// Memory for rendered text.
    text: Vec<u8>,
}

impl Worker {
    /// One whose chunks take this form.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            ..Self::default()
        }
    }

    /// Takes the memory of a chunk that has left back, and gives that of its bytes.
    pub fn reclaim(&mut self, done: Done) -> Buffer {
        self.decoder.recycle(done.decoded.batches);
        self.text = done.rendered.text;
        done.chunk.bytes
    }
}

/// Takes a chunk through its stages.
///
/// When a row stops the run, the chunk is cut before its line and taken through once more, so that what
/// leaves before an error does not depend on how the input was cut.
pub fn process(plan: &Plan, worker: &mut Worker, mut chunk: Chunk) -> Done {
    let mut stop = None;
    let whole = chunk.len;
    let mut turn = Some(plan.turns().of(chunk.number));
    loop {
        let mut decoded = worker.decoder.read(&chunk, plan);
        let learning =
            |(stream, _): &(StreamId, Batch)| plan.stream(*stream).is_learning(chunk.number);
        if !decoded.batches.iter().any(learning) {
            turn = None;
        }
        let mut spent = Vec::new();
        let halt = apply_stages(plan, &mut decoded, &mut spent).filter(|_| !plan.observe());
        if let Some((offset, error)) = halt {
            let before = &chunk.bytes.as_slice()[..offset as usize];
            let line = memchr::memchr_iter(b'\n', before).count() as u64;
            stop = Some(Stop { line, error });
            worker.decoder.recycle(decoded.batches);
            chunk.len = offset as usize;
            continue;
        }
        let (mut rendered, mut rows) = (Rendered::default(), Vec::new());
        match worker.form {
            Form::Rows => rows = rows::gather(&chunk, &mut decoded, plan.observe()),
            Form::Lines | Form::Messages => {
                let text = std::mem::take(&mut worker.text);
                let splicing = Splicing {
                    observe: plan.observe(),
                    quiet: worker.form == Form::Messages,
                };
                rendered = lines::render(&chunk, &mut decoded, splicing, text);
            }
        }
        let rejected = collect_rejects(plan, &decoded);
        decoded.stop = decoded.stop.or(stop);
        drop(turn);
        return Done {
            chunk,
            decoded,
            rendered,
            rows,
            rejected,
            whole,
            spent,
        };
    }
}

/// Takes a chunk through its stages again, up to the line that stops it. A line before that may still stop
/// it earlier.
pub fn shorten(plan: &Plan, worker: &mut Worker, done: Done, stop: Stop) -> Done {
    let mut chunk = done.chunk;
    worker.decoder.recycle(done.decoded.batches);
    worker.text = done.rendered.text;
    let mut ends = memchr::memchr_iter(b'\n', &chunk.bytes.as_slice()[..chunk.len]);
    // The last line of the input may have no end.
    chunk.len = match usize::try_from(stop.line) {
        Ok(0) => 0,
        Ok(before) => ends.nth(before - 1).map_or(chunk.len, |end| end + 1),
        Err(_) => chunk.len,
    };
    let mut done = process(plan, worker, chunk);
    done.decoded.stop.get_or_insert(stop);
    done
}

/// Takes a chunk through its stages once more, all of it, because other demotions are known now.
pub fn again(plan: &Plan, worker: &mut Worker, done: Done) -> Done {
    let mut chunk = done.chunk;
    worker.decoder.recycle(done.decoded.batches);
    worker.text = done.rendered.text;
    chunk.len = done.whole;
    process(plan, worker, chunk)
}

/// Applies every stream's stages. Returns the first line that stops the run.
fn apply_stages(
    plan: &Plan,
    decoded: &mut Decoded,
    spent: &mut Vec<(StreamId, usize, Duration)>,
) -> Option<(u32, crate::error::Error)> {
    let mut first: Option<(u32, crate::error::Error)> = None;
    for (stream, batch) in &mut decoded.batches {
        let stream_plan = plan.stream(*stream);
        if let Some((offset, error)) = apply(&stream_plan, *stream, batch, spent)
            && first
                .as_ref()
                .is_none_or(|(earliest, _)| offset < *earliest)
        {
            first = Some((offset, error));
        }
    }
    first
}

fn apply(
    plan: &StreamPlan,
    stream: StreamId,
    batch: &mut Batch,
    spent: &mut Vec<(StreamId, usize, Duration)>,
) -> Option<(u32, crate::error::Error)> {
    for (number, stage) in plan.stages.iter().enumerate() {
        let start = Instant::now();
        let applied = stage.run.apply(batch);
        spent.push((stream, number, start.elapsed()));
        if let Err(halt) = applied {
            let offset = batch.rows().get(halt.row).map_or(0, |row| row.line.start);
            return Some((offset, halt.error));
        }
    }
    None
}

fn collect_rejects(plan: &Plan, decoded: &Decoded) -> Vec<(StreamId, Rejected)> {
    if plan.observe() {
        return Vec::new();
    }
    let mut rejected: Vec<_> = decoded
        .batches
        .iter()
        .flat_map(|(stream, batch)| {
            let entries = reject::collect(&plan.stream(*stream).descriptor, batch);
            entries.into_iter().map(|entry| (*stream, entry))
        })
        .collect();
    rejected.sort_by_key(|(_, entry)| entry.offset);
    rejected
}
