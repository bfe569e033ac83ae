//! Lines in, batches and events out.

use std::borrow::Cow;

use arrow::buffer::Buffer;

use super::chunk::{Chunk, Copied, Decoded, Event, EventKind, Item, Route, Routes, Stop, StreamId};
use super::record::Reader;
use crate::batch::{Batch, Current, Fate, Row};
use crate::error::{Error, ErrorKind};
use crate::protocol::frame::{self, Record, Span};
use crate::protocol::scan;
use crate::protocol::state::{self, State};
use crate::protocol::walk::{Malformed, Walker};

/// Longest prefix of a line that is remembered as naming a stream.
const PREFIX_BYTES_MAX: usize = 512;
/// Prefixes remembered by a worker.
const PREFIXES_MAX: usize = 256;

/// Turns chunks into batches; one per worker, keeps its memory.
#[derive(Debug, Default)]
pub struct Decoder {
    positions: Vec<u32>,
    prefixes: Vec<Prefix>,
    /// The prefix that fitted last.
    last: usize,
    /// Place in the chunk's batches, per stream.
    places: Vec<Option<u32>>,
    /// Batches to be used again, per stream.
    spare: Vec<Option<Batch>>,
    counts: Vec<Copied>,
}

/// The first bytes of a line that name its stream, up to the brace that opens `data`.
#[derive(Debug)]
struct Prefix {
    bytes: Box<[u8]>,
    route: Route,
    /// Structural characters before that brace.
    data_at: usize,
}

/// Why a line ends the run.
enum Fault {
    Malformed(Malformed),
    /// Its stream may not be there.
    Refused(Error),
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Fault {
    fn error(self, line_start: usize) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Malformed(Malformed { at, what }) => {
                let byte = (at as usize).saturating_sub(line_start) + 1;
                Error::new(ErrorKind::Protocol, format!("the line {what} (byte {byte})"))
                    .hint("nothing behind it has been let through; run the sync again from its last state")
            }
        }
    }
}

/// One indexed line.
#[derive(Clone, Copy)]
struct Indexed<'a> {
    chunk: &'a Chunk,
    span: Span,
    positions: &'a [u32],
    /// Some string of the line may hold escapes.
    escaped: bool,
}

impl Indexed<'_> {
    fn malformed(&self, what: &'static str) -> Fault {
        Fault::Malformed(Malformed {
            at: self.span.start,
            what,
        })
    }
}

enum Line {
    Done,
    Foreign,
    Said { express: bool },
    Status,
    State(State),
}

impl Decoder {
    /// Reads a chunk. A line that cannot be read, or that `routes` refuses, ends it before that line.
    pub fn read(&mut self, chunk: &Chunk, routes: &dyn Routes) -> Decoded {
        let mut decoded = Decoded::default();
        let bytes = chunk.bytes.as_slice();
        self.places.clear();
        let mut at = 0;
        while at < chunk.len {
            let (end, read) = match self.copy(bytes, at) {
                Some(end) => (end, Ok(Line::Done)),
                None => self.line(chunk, at, routes, &mut decoded),
            };
            let kind = match read {
                Ok(Line::Done) => None,
                Ok(Line::Foreign) => Some(EventKind::Foreign),
                Ok(Line::Said { express }) => Some(EventKind::Said { express }),
                Ok(Line::Status) => Some(EventKind::Status),
                Ok(Line::State(state)) => Some(EventKind::State(state)),
                Err(fault) => {
                    let line = decoded.lines;
                    let error = fault.error(at);
                    decoded.stop = Some(Stop { line, error });
                    break;
                }
            };
            if let Some(kind) = kind {
                decoded.items.push(Item::Event(decoded.events.len() as u32));
                decoded.events.push(Event {
                    line: Span {
                        start: at as u32,
                        end: end as u32,
                    },
                    number: decoded.lines,
                    kind,
                    copied: std::mem::take(&mut self.counts),
                });
            }
            at = (end + 1).min(chunk.len);
            decoded.lines += 1;
        }
        decoded.len = at;
        decoded.copied = std::mem::take(&mut self.counts);
        decoded
    }

    /// Takes the memory of a chunk's batches back.
    pub fn recycle(&mut self, batches: Vec<(StreamId, Batch)>) {
        for (stream, mut batch) in batches {
            batch.reset(Buffer::default());
            if self.spare.len() <= stream {
                self.spare.resize_with(stream + 1, || None);
            }
            self.spare[stream] = Some(batch);
        }
    }

    fn count(&mut self, stream: StreamId, bytes: usize) {
        let copied = Copied {
            stream,
            records: 1,
            bytes: bytes as u64,
            followers: 0,
        };
        copied.add_to(&mut self.counts);
    }

    /// The prefix that the line at `at` begins with.
    #[inline]
    fn prefix(&mut self, bytes: &[u8], at: usize) -> Option<&Prefix> {
        let fits = |prefix: &Prefix| bytes[at..].starts_with(&prefix.bytes);
        if !self.prefixes.get(self.last).is_some_and(fits) {
            self.last = self.prefixes.iter().position(fits)?;
        }
        self.prefixes.get(self.last)
    }

    /// Passes a record of a stream that is copied, if its line is sound and names its stream once.
    /// Returns its end.
    #[inline]
    fn copy(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let prefix = self.prefix(bytes, at)?;
        if prefix.route.projection.is_some() {
            return None;
        }
        let (stream, length) = (prefix.route.stream, prefix.bytes.len());
        let scan = scan::check(bytes, at, at + length);
        let line = &bytes[at..scan.end];
        let disguised = scan.escaped && spells_letters(line);
        if scan.names_stream || disguised || frame::sound(bytes, at, &scan).is_err() {
            return None;
        }
        self.count(stream, line.len() + 1);
        Some(scan.end)
    }

    fn line(
        &mut self,
        chunk: &Chunk,
        at: usize,
        routes: &dyn Routes,
        decoded: &mut Decoded,
    ) -> (usize, Result<Line, Fault>) {
        let bytes = chunk.bytes.as_slice();
        let mut positions = std::mem::take(&mut self.positions);
        let (scan, sound) = frame::index(bytes, at, &mut positions);
        let span = Span {
            start: at as u32,
            end: scan.end as u32,
        };
        let first = span
            .of(bytes)
            .iter()
            .find(|byte| !byte.is_ascii_whitespace());
        let read = match (first, sound) {
            (None, _) => Ok(Line::Done),
            (Some(b'{'), Err(malformed)) => Err(malformed.into()),
            (Some(b'{'), Ok(())) => {
                let escaped = scan.escaped;
                let line = Indexed {
                    chunk,
                    span,
                    positions: &positions,
                    escaped,
                };
                self.message(line, routes, decoded)
            }
            (Some(_), _) => Ok(Line::Foreign),
        };
        self.positions = positions;
        (scan.end, read)
    }

    fn message(
        &mut self,
        line: Indexed<'_>,
        routes: &dyn Routes,
        decoded: &mut Decoded,
    ) -> Result<Line, Fault> {
        let bytes = line.chunk.bytes.as_slice();
        if let Some(prefix) = self.prefix(bytes, line.span.start as usize)
            && prefix.route.projection.is_some()
        {
            let (route, data_at) = (prefix.route.clone(), prefix.data_at);
            if self.known_record(line, &route, data_at, decoded)? {
                return Ok(Line::Done);
            }
        }
        let envelope = frame::read(bytes, line.positions, line.span.end)?;
        let kind = envelope.kind.and_then(|span| text(span.of(bytes)));
        match (kind.as_deref(), &envelope.record) {
            (None, _) => Ok(Line::Foreign),
            (Some("RECORD"), None) => Err(line.malformed("is a RECORD without a record")),
            (Some("RECORD"), Some(record)) => self.record(line, record, routes, decoded),
            (Some(_), Some(_)) => Err(line.malformed("holds a record under another type")),
            (Some("STATE"), _) if envelope.state.is_none() => {
                Err(line.malformed("is a STATE without a state"))
            }
            (Some("STATE"), _) => Ok(Line::State(state::read(
                bytes,
                line.positions,
                envelope.state_at,
            )?)),
            (Some("TRACE"), None) if names_status(line.span.of(bytes)) => Ok(Line::Status),
            (Some(kind), None) => Ok(Line::Said {
                express: concerns_no_record(kind),
            }),
        }
    }

    /// A record whose stream is known from its first bytes; `false` when the rest might say otherwise.
    fn known_record(
        &mut self,
        line: Indexed<'_>,
        route: &Route,
        data_at: usize,
        decoded: &mut Decoded,
    ) -> Result<bool, Malformed> {
        let place = self.place(route, line.chunk, decoded);
        let batch = &mut decoded.batches[place as usize].1;
        let close = read_data(line, route, data_at, batch)?;
        let bytes = line.chunk.bytes.as_slice();
        let tail = frame::read_tail(bytes, line.positions, close, line.span.end);
        let Some((meta, end)) = tail.inspect_err(|_| batch.pop_row())? else {
            batch.pop_row();
            return Ok(false);
        };
        finish_row(decoded, place, meta, end);
        Ok(true)
    }

    fn record(
        &mut self,
        line: Indexed<'_>,
        record: &Record,
        routes: &dyn Routes,
        decoded: &mut Decoded,
    ) -> Result<Line, Fault> {
        let bytes = line.chunk.bytes.as_slice();
        let Some(name) = record.stream.and_then(|span| text(span.of(bytes))) else {
            return Err(line.malformed("is a RECORD without a stream"));
        };
        let namespace = match record.namespace.map(|span| text(span.of(bytes))) {
            Some(None) => return Err(line.malformed("has a namespace that is not text")),
            Some(namespace) => namespace,
            None => None,
        };
        if record.data.is_none() && !record.data_is_null {
            return Err(line.malformed("is a RECORD without data"));
        }
        let route = routes
            .route(namespace.as_deref(), &name)
            .map_err(Fault::Refused)?;
        if record.known_before_data
            && let Some(data) = record.data
        {
            self.learn(
                &bytes[line.span.start as usize..=data.start as usize],
                &route,
                record.data_at,
            );
        }
        if route.projection.is_none() {
            self.count(route.stream, line.span.len() + 1);
            return Ok(Line::Done);
        }
        let place = self.place(&route, line.chunk, decoded);
        let batch = &mut decoded.batches[place as usize].1;
        match record.data {
            Some(_) => {
                read_data(line, &route, record.data_at, batch)?;
            }
            None => {
                batch.push_row(row(line.span, None));
            }
        }
        finish_row(decoded, place, record.meta, record.close);
        Ok(Line::Done)
    }

    /// The chunk's batch of a stream.
    fn place(&mut self, route: &Route, chunk: &Chunk, decoded: &mut Decoded) -> u32 {
        if self.places.len() <= route.stream {
            self.places.resize(route.stream + 1, None);
        }
        *self.places[route.stream].get_or_insert_with(|| {
            let columns = route
                .projection
                .as_ref()
                .map_or(0, |projection| projection.columns());
            let spare = self.spare.get_mut(route.stream).and_then(Option::take);
            let mut batch = match spare {
                Some(mut batch) => {
                    batch.reset(chunk.bytes.clone());
                    batch
                }
                None => Batch::new(chunk.bytes.clone(), columns),
            };
            batch.set_chunk(chunk.number);
            decoded.batches.push((route.stream, batch));
            decoded.batches.len() as u32 - 1
        })
    }

    fn learn(&mut self, prefix: &[u8], route: &Route, data_at: usize) {
        let known = self.prefixes.iter().any(|known| *known.bytes == *prefix);
        if prefix.len() <= PREFIX_BYTES_MAX && self.prefixes.len() < PREFIXES_MAX && !known {
            self.prefixes.push(Prefix {
                bytes: prefix.into(),
                route: route.clone(),
                data_at,
            });
        }
    }
}

/// Whether the line at `start` of a chunk that has not been decoded yet is express.
pub fn is_express(bytes: &[u8], start: usize) -> bool {
    let mut positions = Vec::new();
    let (scan, sound) = frame::index(bytes, start, &mut positions);
    let line = &bytes[start..scan.end];
    let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
    if sound.is_err() || first != Some(&b'{') {
        return false;
    }
    let Ok(envelope) = frame::read(bytes, &positions, scan.end as u32) else {
        return false;
    };
    let kind = envelope.kind.and_then(|span| text(span.of(bytes)));
    let status = kind.as_deref() == Some("TRACE") && names_status(line);
    envelope.record.is_none() && kind.as_deref().is_some_and(concerns_no_record) && !status
}

/// Whether a message of this type, unless it is the status of a stream, has no place among the records.
fn concerns_no_record(kind: &str) -> bool {
    matches!(kind, "LOG" | "CONTROL" | "TRACE")
}

/// Whether a TRACE may tell the status of a stream; its reader finds out.
fn names_status(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"STREAM_STATUS").is_some()
}

/// Whether a line spells some letter of a to z as an escape, as a key that names a stream would have to be
/// spelt to be overlooked; such a line is read in full.
fn spells_letters(line: &[u8]) -> bool {
    let escapes = memchr::memmem::find_iter(line, b"\\u00");
    escapes
        .into_iter()
        .any(|at| matches!(line.get(at + 4), Some(b'6' | b'7')))
}

/// Walks `data` into a new row. Returns the index of its closing brace.
fn read_data(
    line: Indexed<'_>,
    route: &Route,
    data_at: usize,
    batch: &mut Batch,
) -> Result<usize, Malformed> {
    let bytes = line.chunk.bytes.as_slice();
    let mut walker = Walker::new(bytes, line.positions, data_at);
    let start = walker.here();
    let id = batch.push_row(row(line.span, Some(Span { start, end: start })));
    let mut reader = Reader {
        bytes,
        walker: &mut walker,
        batch,
        row: id as u32,
        escaped: line.escaped,
        holder: 0,
    };
    let projection = route.projection.as_deref();
    let read = projection.map_or(Ok(0), |projection| reader.read(projection));
    let members = read.inspect_err(|_| batch.pop_row())?;
    if let Some(row) = batch.last_row() {
        row.data = Some(Span {
            start,
            end: walker.here() + 1,
        });
        row.members = members;
    }
    Ok(walker.at())
}

/// Completes the last row of a batch and gives it its place in the order.
fn finish_row(decoded: &mut Decoded, place: u32, meta: Option<Span>, close: u32) {
    let batch = &mut decoded.batches[place as usize].1;
    if let Some(row) = batch.last_row() {
        (row.meta, row.close) = (meta, close);
    }
    let row = (batch.rows().len() as u32).saturating_sub(1);
    decoded.items.push(Item::Row { batch: place, row });
}

fn row(line: Span, data: Option<Span>) -> Row {
    Row {
        line,
        data,
        meta: None,
        close: 0,
        members: 0,
        fate: Fate::Keep,
    }
}

/// The text of a raw JSON string.
fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    match Current::of(raw) {
        Current::Text(text) => Some(text),
        _ => None,
    }
}
