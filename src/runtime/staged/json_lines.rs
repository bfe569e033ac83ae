//! JSON Lines: a record a line, with Airbyte's columns beside it or around it, or without them.
//!
//! A record's bytes stay what they are. Values are not looked at: what is no JSON inside a column is found by
//! whoever reads the column.

use std::ops::Range;

use super::envelope::{self, Envelope, Own, Tail};
use super::lines::{Broken, LINE_BYTES_MAX, Lines};
use super::unpack::{self, Text};
use super::{Part, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::frame::{self, Span};
use crate::protocol::walk::{Key, Malformed, Next, Value, Walker};

/// The mark that some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads the lines of a part.
pub struct JsonLines {
    url: String,
    lines: Lines<Text>,
    positions: Vec<u32>,
    tail: Tail,
    /// Where lines of the next part start.
    end: u64,
    /// Number of the line, where they are counted from the first.
    number: Option<u64>,
}

/// Where the record stands in a line.
enum Data {
    /// An object, or null.
    Value(Span),
    /// JSON text in a string.
    Text(Span),
    /// Members of the line itself, in runs.
    Members,
}

impl JsonLines {
    /// Reads the lines that start in `part` from the text behind [`unpack::open`].
    pub fn new(url: String, text: Text, part: &Part) -> Result<Self> {
        let bytes = match part {
            Part::Bytes(range) => range.clone(),
            _ => 0..u64::MAX,
        };
        let Range { start, end } = bytes;
        let mut reader = Self {
            url,
            lines: Lines::new(text, start.saturating_sub(1)),
            positions: Vec::new(),
            tail: Tail::default(),
            end,
            number: (end == u64::MAX).then_some(0),
        };
        // The byte before the part tells whether a line starts with it.
        if start > 0 {
            let skipped = reader.lines.skip_line();
            skipped.map_err(|broken| reader.broken(broken))?;
        }
        Ok(reader)
    }

    fn broken(&self, broken: Broken) -> Error {
        match broken {
            Broken::Read(error) => unpack::broken(&self.url, error),
            Broken::TooLong(at) => {
                let message = format!(
                    "{}: the line that starts at byte {at} is longer than {LINE_BYTES_MAX} bytes",
                    self.url
                );
                Error::new(ErrorKind::Protocol, message)
            }
        }
    }

    fn wrong(&self, start: usize, what: &str) -> Error {
        let url = &self.url;
        let message = match self.number {
            Some(number) => format!("{url}: line {number} {what}"),
            None => format!(
                "{url}: the line that starts at byte {} {what}",
                self.lines.offset(start)
            ),
        };
        Error::new(ErrorKind::Protocol, message)
    }

    /// Writes the record of the line at `start`; `false` when it is blank.
    fn write(&mut self, start: usize, envelope: &Envelope, out: &mut Vec<u8>) -> Result<bool> {
        let bytes = self.lines.bytes();
        let (scan, sound) = frame::index(bytes, start, &mut self.positions);
        self.tail.clear();
        let line = Span {
            start: start as u32,
            end: scan.end as u32,
        };
        let text = line.of(bytes);
        if text.len() > LINE_BYTES_MAX {
            return Err(self.broken(Broken::TooLong(self.lines.offset(start))));
        }
        let written = if text.iter().all(u8::is_ascii_whitespace) {
            Ok(false)
        } else {
            let into = (envelope, &mut *out);
            sound
                .map_err(|malformed| malformed.what)
                .and_then(|()| record(bytes, &self.positions, line, &mut self.tail, into))
                .map(|()| true)
        };
        let written = written.map_err(|what| self.wrong(start, what));
        self.lines.pass(scan.end);
        written
    }
}

impl Rows for JsonLines {
    fn next(&mut self, envelope: &Envelope, out: &mut Vec<u8>) -> Result<Option<u64>> {
        loop {
            let start = match self.lines.next() {
                Ok(Some(start)) => start,
                Ok(None) => return Ok(None),
                Err(broken) => return Err(self.broken(broken)),
            };
            let offset = self.lines.offset(start);
            if offset >= self.end {
                return Ok(None);
            }
            self.number = self.number.map(|number| number + 1);
            let mark = offset == 0 && self.lines.bytes()[start..].starts_with(BYTE_ORDER_MARK);
            let start = start + if mark { BYTE_ORDER_MARK.len() } else { 0 };
            if self.write(start, envelope, out)? {
                return Ok(Some(offset));
            }
        }
    }
}

type What = &'static str;

const NOT_AN_OBJECT: What = "is not one JSON object";

/// Writes the record of an indexed line.
fn record(
    bytes: &[u8],
    positions: &[u32],
    line: Span,
    tail: &mut Tail,
    (envelope, out): (&Envelope, &mut Vec<u8>),
) -> Result<(), What> {
    let first = positions.first().map_or(line.end, |first| *first);
    let before = Span { end: first, ..line };
    if bytes[first as usize] != b'{' || !blank(before.of(bytes)) {
        return Err(NOT_AN_OBJECT);
    }
    let mut runs = Runs::default();
    let mut walker = Walker::new(bytes, positions, 0);
    let data = members(bytes, &mut walker, tail, &mut runs).map_err(|malformed| malformed.what)?;
    let close = walker.here();
    let behind = Span {
        start: close + 1,
        ..line
    };
    if walker.at() + 1 != positions.len() || !blank(behind.of(bytes)) {
        return Err("goes on behind its closing brace");
    }
    envelope.begin(out);
    match data {
        Data::Value(span) => out.extend_from_slice(span.of(bytes)),
        Data::Text(span) => out.extend_from_slice(&envelope::record(span.of(bytes))?),
        // Nothing was left out: the object as it is.
        Data::Members if !runs.gaps => {
            out.extend_from_slice(
                Span {
                    start: first,
                    end: close + 1,
                }
                .of(bytes),
            );
        }
        Data::Members => runs.write(bytes, out),
    }
    envelope.end(out, tail, &[]);
    Ok(())
}

const BAD_DATA: What = "has an `_airbyte_data` that is no object";

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// Walks the members of a line; ends on its closing brace.
fn members(
    bytes: &[u8],
    walker: &mut Walker<'_>,
    tail: &mut Tail,
    runs: &mut Runs,
) -> Result<Data, Malformed> {
    let mut data = None;
    while let Some(key) = walker.key()? {
        let value = walker.value()?;
        let scalar = matches!(value, Value::Scalar { .. });
        let span = frame::pass(walker, value)?;
        match own(bytes, key) {
            None => runs.push(key.start - 1, span.end),
            Some(own) => {
                runs.gap();
                if own == Own::Data {
                    let raw = span.of(bytes);
                    let value = match raw.first() {
                        Some(b'"') => Data::Text(span),
                        Some(b'{') if !scalar => Data::Value(span),
                        _ if raw == b"null" => Data::Value(span),
                        _ => return Err(walker.malformed(BAD_DATA)),
                    };
                    if data.replace(value).is_some() {
                        return Err(walker.malformed("has `_airbyte_data` twice"));
                    }
                } else {
                    tail.set(own, span.of(bytes))
                        .map_err(|what| walker.malformed(what))?;
                }
            }
        }
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    match data {
        Some(_) if !runs.spans.is_empty() => {
            Err(walker.malformed("has `_airbyte_data` beside columns of its own"))
        }
        Some(data) => Ok(data),
        None => Ok(Data::Members),
    }
}

/// Which column of Airbyte a key names, however it is spelt.
fn own(bytes: &[u8], key: Key) -> Option<Own> {
    let text = &bytes[key.start as usize..key.end as usize];
    if text.contains(&b'\\') {
        let quoted = &bytes[key.start as usize - 1..=key.end as usize];
        let plain: String = serde_json::from_slice(quoted).ok()?;
        return Own::of(plain.as_bytes());
    }
    Own::of(text)
}

/// Members that are the record's own, those that stand beside each other in one piece.
#[derive(Default)]
struct Runs {
    spans: Vec<Span>,
    /// The last of them may go on.
    open: bool,
    /// Something was left out.
    gaps: bool,
}

impl Runs {
    fn push(&mut self, start: u32, end: u32) {
        match self.spans.last_mut().filter(|_| self.open) {
            Some(run) => run.end = end,
            None => self.spans.push(Span { start, end }),
        }
        self.open = true;
    }

    fn gap(&mut self) {
        self.open = false;
        self.gaps = true;
    }

    fn write(&self, bytes: &[u8], out: &mut Vec<u8>) {
        out.push(b'{');
        for (number, run) in self.spans.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(run.of(bytes));
        }
        out.push(b'}');
    }
}
