//! A line's envelope: what it is, whose record it is, and where its `data` stands. Values are not read.

use super::scan::{self, Scan};
use super::walk::{Key, Malformed, Next, Value, Walker};

/// Half-open byte range in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The bytes of the span.
    #[inline]
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start as usize..self.end as usize]
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the span holds nothing.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// The envelope of a message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Envelope {
    /// The text of `type` with its quotes; `None` when there is none.
    pub kind: Option<Span>,
    /// The payload of a RECORD.
    pub record: Option<Record>,
    /// The value of `state`.
    pub state: Option<Span>,
    /// Index of the opening brace of `state`.
    pub state_at: usize,
}

/// The payload of a RECORD message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    /// The text of `stream` with its quotes.
    pub stream: Option<Span>,
    /// The text of `namespace` with its quotes; `None` for null and for absent.
    pub namespace: Option<Span>,
    /// The object `data`.
    pub data: Option<Span>,
    /// Index of its opening brace.
    pub data_at: usize,
    /// `data` is null.
    pub data_is_null: bool,
    /// The value of `meta`.
    pub meta: Option<Span>,
    /// Closing brace of `record`.
    pub close: u32,
    /// Everything that decides the stream stands before `data`.
    pub known_before_data: bool,
}

/// Reads the envelope of an indexed line. Keys that decide what a line is may stand only once.
///
/// # Errors
/// [`Malformed`] where the line is not one JSON object, or is ambiguous.
pub fn read(bytes: &[u8], positions: &[u32], end: u32) -> Result<Envelope, Malformed> {
    let mut walker = Walker::new(bytes, positions, 0);
    let mut envelope = Envelope::default();
    let mut typed_first = false;
    while let Some(key) = walker.key()? {
        let value = walker.value()?;
        match key_text(bytes, &walker, key)? {
            b"type" => {
                once(&walker, envelope.kind.is_none())?;
                let span = pass(&mut walker, value)?;
                envelope.kind = Some(span);
                typed_first = envelope.record.is_none();
            }
            b"record" => {
                once(&walker, envelope.record.is_none())?;
                envelope.record = match value {
                    Value::Object { .. } => Some(record(bytes, &mut walker)?),
                    _ => return Err(walker.malformed("has a `record` that is not an object")),
                };
                walker.leave()?;
            }
            b"state" => {
                once(&walker, envelope.state.is_none())?;
                envelope.state_at = walker.at();
                envelope.state = Some(pass(&mut walker, value)?);
            }
            _ => {
                pass(&mut walker, value)?;
            }
        }
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    if let Some(record) = &mut envelope.record {
        record.known_before_data &= typed_first;
    }
    ended(bytes, &walker, positions, end)?;
    Ok(envelope)
}

/// Reads what follows `data` when the stream is known from the bytes before it: the rest of `record` and of
/// the envelope. `Ok(None)` when a key there could say otherwise.
pub fn read_tail(
    bytes: &[u8],
    positions: &[u32],
    close_of_data: usize,
    end: u32,
) -> Result<Option<(Option<Span>, u32)>, Malformed> {
    let mut walker = Walker::new(bytes, positions, close_of_data);
    walker.leave()?;
    let mut meta = None;
    let mut close = 0;
    for inside_record in [true, false] {
        while walker.next(b'}')? == Next::More {
            let Some(key) = walker.key()? else {
                return Err(walker.malformed("has a comma before a closing brace"));
            };
            let value = walker.value()?;
            let text = &bytes[key.start as usize..key.end as usize];
            let decides = match text {
                b"type" | b"record" | b"state" => !inside_record,
                b"stream" | b"namespace" | b"data" => inside_record,
                _ => text.contains(&b'\\'),
            };
            if decides || inside_record && text == b"meta" && meta.is_some() {
                return Ok(None);
            }
            let span = pass(&mut walker, value)?;
            if inside_record && text == b"meta" {
                meta = Some(span);
            }
        }
        if inside_record {
            close = walker.here();
            walker.leave()?;
        }
    }
    ended(bytes, &walker, positions, end)?;
    Ok(Some((meta, close)))
}

/// The value of `emitted_at` in the RECORD whose line begins at `start`, if it has one.
pub fn emitted_at(bytes: &[u8], start: usize) -> Option<Span> {
    let mut positions = Vec::new();
    index(bytes, start, &mut positions).1.ok()?;
    let mut walker = Walker::new(bytes, &positions, 0);
    let inner = member(bytes, &mut walker, b"record")?;
    matches!(inner, Value::Object { .. }).then_some(())?;
    let value = member(bytes, &mut walker, b"emitted_at")?;
    pass(&mut walker, value).ok()
}

/// The value of the member of this name in the object that the walker stands on.
fn member(bytes: &[u8], walker: &mut Walker<'_>, name: &[u8]) -> Option<Value> {
    while let Some(key) = walker.key().ok()? {
        let value = walker.value().ok()?;
        if &bytes[key.start as usize..key.end as usize] == name {
            return Some(value);
        }
        pass(walker, value).ok()?;
        if walker.next(b'}').ok()? == Next::Closed {
            break;
        }
    }
    None
}

fn record(bytes: &[u8], walker: &mut Walker<'_>) -> Result<Record, Malformed> {
    let mut record = Record::default();
    let mut namespaces = 0;
    while let Some(key) = walker.key()? {
        let value = walker.value()?;
        match key_text(bytes, walker, key)? {
            b"stream" => {
                once(walker, record.stream.is_none())?;
                record.stream = Some(pass(walker, value)?);
                record.known_before_data = record.data.is_none();
            }
            b"namespace" => {
                namespaces += 1;
                once(walker, namespaces == 1)?;
                let span = pass(walker, value)?;
                record.namespace = (span.of(bytes) != b"null").then_some(span);
                record.known_before_data &= record.data.is_none();
            }
            b"data" => {
                once(walker, record.data.is_none() && !record.data_is_null)?;
                record.data_at = walker.at();
                let object = matches!(value, Value::Object { .. });
                let span = pass(walker, value)?;
                record.data_is_null = span.of(bytes) == b"null";
                if !object && !record.data_is_null {
                    return Err(walker.malformed("has a `data` that is not an object"));
                }
                record.data = object.then_some(span);
            }
            b"meta" => {
                once(walker, record.meta.is_none())?;
                record.meta = Some(pass(walker, value)?);
            }
            _ => {
                pass(walker, value)?;
            }
        }
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    record.close = walker.here();
    Ok(record)
}

/// Passes a value up to the separator behind it.
///
/// # Errors
/// [`Malformed`] where it does not end.
pub fn pass(walker: &mut Walker<'_>, value: Value) -> Result<Span, Malformed> {
    match value {
        Value::Scalar { start, end } => Ok(Span { start, end }),
        Value::Object { start } | Value::Array { start } => {
            walker.skip()?;
            let end = walker.here() + 1;
            walker.leave()?;
            Ok(Span { start, end })
        }
    }
}

/// The keys that decide what a line is and whose record it is.
const DECISIVE: [&str; 7] = [
    "type",
    "record",
    "state",
    "stream",
    "namespace",
    "data",
    "meta",
];

/// The bytes of an envelope's key. One of ours may not be spelt with escapes: readers differ on those.
#[inline]
fn key_text<'a>(bytes: &'a [u8], walker: &Walker<'_>, key: Key) -> Result<&'a [u8], Malformed> {
    let text = &bytes[key.start as usize..key.end as usize];
    if text.contains(&b'\\') {
        let quoted = &bytes[key.start as usize - 1..=key.end as usize];
        let plain = serde_json::from_slice::<String>(quoted);
        if plain.map_or(true, |plain| DECISIVE.contains(&plain.as_str())) {
            return Err(walker.malformed("spells a key of the envelope with escapes"));
        }
    }
    Ok(text)
}

fn once(walker: &Walker<'_>, first: bool) -> Result<(), Malformed> {
    if first {
        Ok(())
    } else {
        Err(walker.malformed("names a key of the envelope twice"))
    }
}

/// The walker stands on the last closing brace and nothing but blanks follows.
fn ended(bytes: &[u8], walker: &Walker<'_>, positions: &[u32], end: u32) -> Result<(), Malformed> {
    let rest = &bytes[walker.here() as usize + 1..end as usize];
    if walker.at() + 1 == positions.len() && rest.iter().all(u8::is_ascii_whitespace) {
        Ok(())
    } else {
        Err(walker.malformed("goes on behind its closing brace"))
    }
}

/// Indexes the line at `start` and checks what can be checked without reading it.
///
/// # Errors
/// [`Malformed`] for lexical faults and invalid UTF-8.
pub fn index(
    bytes: &[u8],
    start: usize,
    positions: &mut Vec<u32>,
) -> (Scan, Result<(), Malformed>) {
    positions.clear();
    let scan = scan::index(bytes, start, positions);
    (scan, sound(bytes, start, &scan))
}

/// Whether a scanned line is free of lexical faults and valid UTF-8.
///
/// # Errors
/// [`Malformed`] if not.
pub fn sound(bytes: &[u8], start: usize, scan: &Scan) -> Result<(), Malformed> {
    if let Some(fault) = scan.fault {
        return Err(Malformed::fault(fault, scan.end));
    }
    let line = &bytes[start..scan.end];
    // The quick check says only whether; where is asked for once it has failed.
    if scan.non_ascii
        && simdutf8::basic::from_utf8(line).is_err()
        && let Err(error) = simdutf8::compat::from_utf8(line)
    {
        return Err(Malformed {
            at: (start + error.valid_up_to()) as u32,
            what: "is not valid UTF-8",
        });
    }
    Ok(())
}
