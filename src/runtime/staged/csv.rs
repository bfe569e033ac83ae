//! CSV under a row of names. An empty field is null, whatever its column's type: destination-s3 writes null so, and
//! quotes do not tell it from empty text. Without declared types everything else is text.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Rows;
use super::envelope::{self, Envelope, Own, Tail};
use super::lines::LINE_BYTES_MAX;
use super::unpack::{self, Text};
use super::value::{self, Out};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{JsonKind, LogicalType, kind_of};

/// Read as the last row of every file; a quote that is still open there swallows it.
const END: &[u8] = b"\0end of the file\0";

/// Reads the rows of a file.
pub struct Table {
    url: String,
    rows: csv::Reader<Bounded>,
    row: csv::ByteRecord,
    columns: Vec<Column>,
    tail: Tail,
    /// Bytes that a row may still have.
    left: Arc<AtomicU64>,
}

struct Column {
    /// `"name":`
    key: Vec<u8>,
    kind: Kind,
}

/// What a field is.
enum Kind {
    Own(Own),
    Text,
    Integer,
    Number,
    Boolean,
    Json(LogicalType),
}

impl Table {
    /// Reads the row of names.
    pub fn new(
        url: String,
        text: Text,
        declared: Option<&[(String, LogicalType)]>,
    ) -> Result<Self> {
        let left = Arc::new(AtomicU64::new(LINE_BYTES_MAX as u64));
        let bounded = Bounded {
            text,
            left: Arc::clone(&left),
            end: None,
        };
        let rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(64 << 10)
            .from_reader(bounded);
        let mut table = Self {
            url,
            rows,
            row: csv::ByteRecord::new(),
            columns: Vec::new(),
            tail: Tail::default(),
            left,
        };
        if table.advance()? {
            table.columns = table.names(declared)?;
        }
        Ok(table)
    }

    fn names(&self, declared: Option<&[(String, LogicalType)]>) -> Result<Vec<Column>> {
        let mut seen = std::collections::HashSet::new();
        let mut columns = Vec::with_capacity(self.row.len());
        for name in &self.row {
            let name = self.utf8(name)?;
            if !seen.insert(name) {
                return Err(self.wrong("names a column twice"));
            }
            let mut key = Vec::new();
            value::string(&mut key, name);
            key.push(b':');
            let ty = declared.and_then(|declared| {
                let (_, ty) = declared.iter().find(|(known, _)| known == name)?;
                Some(ty)
            });
            let kind = match Own::of(name.as_bytes()) {
                Some(own) => Kind::Own(own),
                None => kind(ty),
            };
            columns.push(Column { key, kind });
        }
        let has_data = columns
            .iter()
            .any(|column| matches!(column.kind, Kind::Own(Own::Data)));
        let own = columns
            .iter()
            .all(|column| matches!(column.kind, Kind::Own(_)));
        if has_data && !own {
            return Err(self.wrong("names `_airbyte_data` beside columns of the record"));
        }
        Ok(columns)
    }

    /// Reads the next row; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        self.left.store(LINE_BYTES_MAX as u64, Ordering::Relaxed);
        let read = self.rows.read_byte_record(&mut self.row);
        match read.map_err(csv::Error::into_kind) {
            Ok(true) if self.row.len() == 1 && &self.row[0] == END => Ok(false),
            Ok(true)
                if self
                    .row
                    .iter()
                    .next_back()
                    .is_some_and(|last| last.ends_with(END)) =>
            {
                Err(self.wrong("ends inside a quoted field: the file is cut off"))
            }
            Ok(true) => Ok(true),
            Ok(false) => Err(self.wrong("is cut off")),
            Err(csv::ErrorKind::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(self.wrong(&format!("is longer than {LINE_BYTES_MAX} bytes")))
            }
            Err(csv::ErrorKind::Io(error)) => Err(unpack::broken(&self.url, error)),
            Err(_) => Err(self.wrong("cannot be read")),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        let line = self.row.position().map_or(1, csv::Position::line);
        let message = format!("{}: the row on line {line} {what}", self.url);
        Error::new(ErrorKind::Protocol, message)
    }

    fn utf8<'f>(&self, field: &'f [u8]) -> Result<&'f str> {
        simdutf8::basic::from_utf8(field).map_err(|_| self.wrong("is not valid UTF-8"))
    }

    fn write(&mut self, envelope: &Envelope, lines: &mut Vec<u8>) -> Result<()> {
        if self.row.len() != self.columns.len() {
            let (found, named) = (self.row.len(), self.columns.len());
            return Err(self.wrong(&format!("has {found} fields, the row of names {named}")));
        }
        let mut tail = std::mem::take(&mut self.tail);
        tail.clear();
        envelope.begin(lines);
        let mut whole = None;
        let begin = lines.len();
        lines.push(b'{');
        for (column, field) in self.columns.iter().zip(&self.row) {
            let field = self.utf8(field)?;
            match &column.kind {
                Kind::Own(Own::Data) => whole = Some(field),
                Kind::Own(own) => {
                    set(&mut tail, *own, field).map_err(|what| self.wrong(what))?;
                }
                kind => {
                    if lines.len() > begin + 1 {
                        lines.push(b',');
                    }
                    lines.extend_from_slice(&column.key);
                    write(kind, field, lines);
                }
            }
        }
        lines.push(b'}');
        if let Some(text) = whole {
            lines.truncate(begin);
            match envelope::object(text.as_bytes()) {
                Some(data) => lines.extend_from_slice(&data),
                None if text.is_empty() => lines.extend_from_slice(b"null"),
                None => return Err(self.wrong("has an `_airbyte_data` that is no object")),
            }
        }
        envelope.end(lines, &tail, &[]);
        self.tail = tail;
        Ok(())
    }
}

impl Rows for Table {
    fn next(&mut self, envelope: &Envelope, lines: &mut Vec<u8>) -> Result<Option<u64>> {
        if self.columns.is_empty() || !self.advance()? {
            return Ok(None);
        }
        self.write(envelope, lines)?;
        Ok(self.row.position().map(csv::Position::byte))
    }
}

fn kind(ty: Option<&LogicalType>) -> Kind {
    match ty {
        Some(LogicalType::Integer) => Kind::Integer,
        Some(LogicalType::Number) => Kind::Number,
        Some(LogicalType::Boolean) => Kind::Boolean,
        ty => match value::json_text(ty) {
            Some(ty) => Kind::Json(ty.clone()),
            None => Kind::Text,
        },
    }
}

/// Writes a field; one that is not what its column says is text, which the column's reader finds.
fn write(kind: &Kind, field: &str, lines: &mut Vec<u8>) {
    if field.is_empty() {
        return lines.extend_from_slice(b"null");
    }
    let number = || {
        let number = envelope::one_line(field.as_bytes()).filter(|json| json.len() == field.len());
        number.and_then(|json| kind_of(&json))
    };
    let verbatim = match kind {
        Kind::Integer | Kind::Number => {
            matches!(number(), Some(JsonKind::Integer | JsonKind::Number))
        }
        Kind::Boolean => matches!(field, "true" | "false"),
        _ => false,
    };
    let ty = match kind {
        Kind::Json(ty) => Some(ty),
        _ => None,
    };
    let mut out = Out {
        json: lines,
        lost: false,
    };
    if verbatim {
        out.raw(field.as_bytes());
    } else {
        out.text_or_json(field, ty);
    }
}

fn set(tail: &mut Tail, own: Own, field: &str) -> std::result::Result<(), &'static str> {
    if field.is_empty() {
        return Ok(());
    }
    match own {
        Own::RawId | Own::ExtractedAt => {
            let mut quoted = Vec::new();
            value::string(&mut quoted, field);
            tail.set(own, &quoted)
        }
        _ => tail.set(own, field.as_bytes()),
    }
}

/// Text in which no row is longer than it may be, with [`END`] behind it.
struct Bounded {
    text: Text,
    left: Arc<AtomicU64>,
    /// What is left of the end, once it has come.
    end: Option<&'static [u8]>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.end.is_none() {
            let read = self.text.read(into)?;
            if read > 0 {
                let left = self.left.load(Ordering::Relaxed);
                let left = left.checked_sub(read as u64);
                let left = left.ok_or(io::ErrorKind::FileTooLarge)?;
                self.left.store(left, Ordering::Relaxed);
                return Ok(read);
            }
        }
        let end = self.end.get_or_insert(b"\n\0end of the file\0");
        end.read(into)
    }
}
