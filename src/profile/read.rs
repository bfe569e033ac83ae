//! Chunks of lines become a [`Part`]: what one worker found in one job. Walks every record once, keeps no line.

use std::borrow::Cow;

use super::Settings;
use super::column::Broken;
use super::hash::of_number;
use super::part::{Part, StreamPart};
use super::trie::{Node, ROOT};
use crate::batch::{Current, unescape_onto};
use crate::decode::{Chunk, Stop};
use crate::error::{Error, ErrorKind};
use crate::protocol::frame::{self, Record, Span};
use crate::protocol::walk::{Key, Malformed, Next, Value, Walker};

/// Containers within containers that are looked into.
const DEPTH_MAX: usize = 32;

/// Longest prefix of a line that is remembered as naming a stream, and how many are remembered.
const PREFIX_BYTES_MAX: usize = 512;
const PREFIXES_MAX: usize = 256;

const NOT_JSON: &str = "has a value that is not JSON";
const BAD_ESCAPE: &str = "has a string with a broken escape";

/// Reads jobs; one per worker, keeps its memory.
#[derive(Debug, Default)]
pub struct Reader {
    positions: Vec<u32>,
    prefixes: Vec<Prefix>,
    /// The prefix that fitted last.
    last: usize,
    text: Vec<u8>,
}

/// The first bytes of a line that name its stream, up to the brace that opens `data`.
#[derive(Debug)]
struct Prefix {
    bytes: Box<[u8]>,
    stream: usize,
    /// Structural characters before that brace.
    data_at: usize,
}

/// One indexed line.
#[derive(Clone, Copy)]
struct Line<'a> {
    bytes: &'a [u8],
    span: Span,
    positions: &'a [u32],
    /// Some string may hold escapes.
    escaped: bool,
    /// Its place in the whole input.
    offset: u64,
}

impl Line<'_> {
    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed {
            at: self.span.start,
            what,
        }
    }
}

impl Reader {
    /// Adds the records of a chunk. A line that cannot be read ends the job.
    pub fn read(&mut self, settings: &Settings, chunk: &Chunk, part: &mut Part) {
        let bytes = chunk.bytes.as_slice();
        let mut at = 0;
        while at < chunk.len && part.stop.is_none() {
            let mut positions = std::mem::take(&mut self.positions);
            let (scan, sound) = frame::index(bytes, at, &mut positions);
            let line = Line {
                bytes,
                span: Span {
                    start: at as u32,
                    end: scan.end as u32,
                },
                positions: &positions,
                escaped: scan.escaped,
                offset: chunk.offset + at as u64,
            };
            // What does not begin with a brace is no message.
            let mut inside = line.span.of(bytes).iter();
            if inside.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
                && let Err(malformed) = sound.and_then(|()| self.message(settings, line, part))
            {
                part.stop = Some(stop(part.lines, malformed, at));
            }
            self.positions = positions;
            at = (scan.end + 1).min(chunk.len);
            part.lines += 1;
        }
        part.bytes += at as u64;
    }

    /// The streams of a worker have been forgotten.
    pub fn forget(&mut self) {
        self.prefixes.clear();
    }

    fn message(
        &mut self,
        settings: &Settings,
        line: Line<'_>,
        part: &mut Part,
    ) -> Result<(), Malformed> {
        let start = line.span.start as usize;
        let fits = |prefix: &Prefix| line.bytes[start..].starts_with(&prefix.bytes);
        if !self.prefixes.get(self.last).is_some_and(fits) {
            self.last = self.prefixes.iter().position(fits).unwrap_or(usize::MAX);
        }
        if let Some(prefix) = self.prefixes.get(self.last) {
            let (stream, data_at) = (prefix.stream, prefix.data_at);
            if let Some(data) = whole_data(line, data_at)? {
                return self.record(settings, line, data, data_at, (stream, part));
            }
        }
        let envelope = frame::read(line.bytes, line.positions, line.span.end)?;
        let kind = envelope.kind.and_then(|span| text(span.of(line.bytes)));
        match (kind.as_deref(), &envelope.record) {
            (Some("RECORD"), None) => Err(line.malformed("is a RECORD without a record")),
            (Some("RECORD"), Some(record)) => self.envelope(settings, line, record, part),
            (Some(_), Some(_)) => Err(line.malformed("holds a record under another type")),
            _ => Ok(()),
        }
    }

    /// A record whose stream has to be read.
    fn envelope(
        &mut self,
        settings: &Settings,
        line: Line<'_>,
        record: &Record,
        part: &mut Part,
    ) -> Result<(), Malformed> {
        let bytes = line.bytes;
        let Some(name) = record.stream.and_then(|span| text(span.of(bytes))) else {
            return Err(line.malformed("is a RECORD without a stream"));
        };
        let namespace = match record.namespace.map(|span| text(span.of(bytes))) {
            Some(None) => return Err(line.malformed("has a namespace that is not text")),
            Some(namespace) => namespace,
            None => None,
        };
        let Some(stream) = part.stream(settings, namespace.as_deref(), &name) else {
            return Err(line.malformed("is of one stream too many"));
        };
        let Some(data) = record.data else {
            if !record.data_is_null {
                return Err(line.malformed("is a RECORD without data"));
            }
            part.meet(stream).records += 1;
            return Ok(());
        };
        if record.known_before_data {
            self.learn(
                &bytes[line.span.start as usize..=data.start as usize],
                stream,
                record.data_at,
            );
        }
        self.record(settings, line, data, record.data_at, (stream, part))
    }

    fn learn(&mut self, prefix: &[u8], stream: usize, data_at: usize) {
        let known = self.prefixes.iter().any(|known| *known.bytes == *prefix);
        if prefix.len() <= PREFIX_BYTES_MAX && self.prefixes.len() < PREFIXES_MAX && !known {
            self.prefixes.push(Prefix {
                bytes: prefix.into(),
                stream,
                data_at,
            });
        }
    }

    fn record(
        &mut self,
        settings: &Settings,
        line: Line<'_>,
        data: Span,
        data_at: usize,
        (stream, part): (usize, &mut Part),
    ) -> Result<(), Malformed> {
        let stream = part.meet(stream);
        stream.records += 1;
        stream.bytes += data.len() as u64;
        let place = of_number(line.offset);
        let sampled = stream.rows.begin(place);
        let mut walk = Walk {
            walker: Walker::new(line.bytes, line.positions, data_at),
            line,
            stream,
            text: &mut self.text,
            now: settings.now,
            sampled,
        };
        walk.object(ROOT, 0, sampled)?;
        stream.end_record();
        if settings.keeps_lines {
            stream
                .lines
                .offer(place, line.offset, line.span.of(line.bytes));
        }
        Ok(())
    }
}

/// The span of `data`, when nothing behind it can say whose record it is.
fn whole_data(line: Line<'_>, data_at: usize) -> Result<Option<Span>, Malformed> {
    let mut walker = Walker::new(line.bytes, line.positions, data_at);
    let start = walker.here();
    walker.skip()?;
    let span = Span {
        start,
        end: walker.here() + 1,
    };
    let tail = frame::read_tail(line.bytes, line.positions, walker.at(), line.span.end)?;
    Ok(tail.map(|_| span))
}

/// One record on its way into columns.
struct Walk<'a, 'p> {
    walker: Walker<'a>,
    line: Line<'a>,
    stream: &'p mut StreamPart,
    text: &'p mut Vec<u8>,
    now: i64,
    sampled: bool,
}

impl Walk<'_, '_> {
    fn object(&mut self, node: Node, depth: usize, plain: bool) -> Result<(), Malformed> {
        let mut guess = 0;
        while let Some(key) = self.walker.key()? {
            let child = self.child(node, key, &mut guess)?;
            self.value(child, depth, plain)?;
            if self.walker.next(b'}')? == Next::Closed {
                break;
            }
        }
        Ok(())
    }

    /// The column under a key; `None` when there are too many.
    #[inline]
    fn child(
        &mut self,
        node: Node,
        key: Key,
        guess: &mut usize,
    ) -> Result<Option<Node>, Malformed> {
        let bytes = self.line.bytes;
        let name = &bytes[key.start as usize..key.end as usize];
        if self.line.escaped && memchr::memchr(b'\\', name).is_some() {
            self.text.clear();
            if !unescape_onto(name, self.text) {
                return Err(self.walker.malformed("has a key with a broken escape"));
            }
            return Ok(met(self.stream, node, self.text, guess));
        }
        Ok(match self.stream.trie.key(node, name, guess) {
            Some(child) if self.stream.columns[child as usize].met => Some(child),
            _ => met(self.stream, node, name, guess),
        })
    }

    #[inline]
    fn value(&mut self, node: Option<Node>, depth: usize, plain: bool) -> Result<(), Malformed> {
        match (self.walker.value()?, node) {
            (Value::Scalar { start, end }, Some(node)) => {
                let raw = &self.line.bytes[start as usize..end as usize];
                self.scalar(node, raw, plain)
            }
            (Value::Scalar { .. }, None) => Ok(()),
            (value, Some(node)) if depth < DEPTH_MAX => {
                let object = matches!(value, Value::Object { .. });
                self.stream.columns[node as usize].container(object);
                match object {
                    true => self.object(node, depth + 1, plain)?,
                    false => self.array(node, depth + 1)?,
                }
                self.walker.leave()
            }
            (value, node) => {
                if let Some(node) = node {
                    let object = matches!(value, Value::Object { .. });
                    self.stream.columns[node as usize].container(object);
                }
                self.walker.skip()?;
                self.walker.leave()
            }
        }
    }

    fn array(&mut self, node: Node, depth: usize) -> Result<(), Malformed> {
        if self.walker.empty_array()? {
            return Ok(());
        }
        let items = match self.stream.trie.items(node) {
            Some(items) if self.stream.columns[items as usize].met => Some(items),
            known => self.stream.met(known, |trie| trie.add_items(node)),
        };
        loop {
            self.value(items, depth, false)?;
            if self.walker.next(b']')? == Next::Closed {
                return Ok(());
            }
        }
    }

    #[inline]
    fn scalar(&mut self, node: Node, raw: &[u8], plain: bool) -> Result<(), Malformed> {
        let column = &mut self.stream.columns[node as usize];
        let found = match raw {
            b"null" => {
                column.null();
                return Ok(());
            }
            [b'"', inner @ .., b'"'] => {
                let text = match self.line.escaped && memchr::memchr(b'\\', inner).is_some() {
                    false => inner,
                    true => {
                        self.text.clear();
                        if !unescape_onto(inner, self.text) {
                            return Err(self.walker.malformed(BAD_ESCAPE));
                        }
                        self.text.as_slice()
                    }
                };
                // SAFETY: the whole line was proved to be UTF-8, quotes and backslashes are single bytes of it, and
                // what escapes stand for is written as UTF-8.
                Ok(column.text(unsafe { std::str::from_utf8_unchecked(text) }, self.now))
            }
            _ => column.literal(raw, self.now),
        };
        let (cell, hash) = found.map_err(|Broken| self.walker.malformed(NOT_JSON))?;
        if let Some(key) = column.key_part {
            self.stream.key.put(key, hash);
        }
        if plain && self.sampled {
            self.stream.rows.put(node, cell);
        }
        Ok(())
    }
}

/// A column that is met for the first time in a job; `None` when there are too many.
#[cold]
fn met(stream: &mut StreamPart, node: Node, key: &[u8], guess: &mut usize) -> Option<Node> {
    let known = stream.trie.key(node, key, guess);
    stream.met(known, |trie| trie.add_key(node, key, guess))
}

/// The text of a raw JSON string.
fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    match Current::of(raw) {
        Current::Text(text) => Some(text),
        _ => None,
    }
}

fn stop(line: u64, Malformed { at, what }: Malformed, line_start: usize) -> Stop {
    let byte = (at as usize).saturating_sub(line_start) + 1;
    let error = Error::new(
        ErrorKind::Protocol,
        format!("the line {what} (byte {byte})"),
    )
    .hint("no profile is written of an input that cannot be read to its end");
    Stop { line, error }
}
