//! Takes lines, gives batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::error::ArrowError;

use super::changes::Changes;
use super::column::Notes;
use super::envelope::{self, Data};
use super::extra::Extra;
use super::line::Line;
use super::number::{self, DIGITS_MAX, Literal};
use super::raw_id::raw_id;
use super::text::{Text, whole};
use super::{Layout, Origin, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::frame::{self, Span};
use crate::protocol::scan::PADDING;
use crate::protocol::walk::Malformed;

/// Bytes that a batch may hold: the text of a column is counted in 31 bits.
const BYTES_MAX: usize = 1 << 30;

/// Collects the rows of one stream in one worker.
#[derive(Debug)]
pub struct Builder {
    table: Table,
    origin: Origin,
    rows: usize,
    /// About the bytes that the rows take.
    held: usize,
    /// Bytes that a row takes whatever it holds.
    row_bytes: usize,
    positions: Vec<u32>,
    raw_ids: Text,
    extracted_at: Vec<i64>,
    generation_ids: Vec<i64>,
    notes: Notes,
    data: Data,
}

/// Why a line became no row.
enum Fault {
    Malformed(Malformed),
    What(&'static str),
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Builder {
    /// An empty builder for this table.
    pub fn new(table: &Table, origin: Origin) -> Self {
        let data = match table.fields() {
            Some(object) => Data::Fields(object),
            None => Data::Whole(Text::new()),
        };
        let keeps_extra = matches!(data, Data::Fields(_)) && table.layout() == Layout::Midflight;
        Self {
            table: table.clone(),
            origin,
            rows: 0,
            held: 0,
            row_bytes: 64 + 8 * table.schema().fields().len(),
            positions: Vec::new(),
            raw_ids: Text::new(),
            extracted_at: Vec::new(),
            generation_ids: Vec::new(),
            notes: Notes {
                changes: Changes::new(),
                extra: keeps_extra.then(Extra::new),
            },
            data,
        }
    }

    /// Appends the record of one RECORD message.
    ///
    /// `line` is the line's place in `bytes`, with or without its newline; at least [`PADDING`] further bytes
    /// stand behind it, of which the first is a newline. `offset` is the line's first byte in the run's input,
    /// and part of the row's id. Keys `_airbyte_raw_id` (text) and `_airbyte_generation_id` (an integer) of the
    /// record object itself are kept instead of our own.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] where the line is no record of whole JSON, [`ErrorKind::Limit`] where the batch
    /// would pass 1 GiB and must be finished first. The rows before stay as they were.
    pub fn push(&mut self, bytes: &[u8], line: Span, offset: u64) -> Result<()> {
        let line = checked(bytes, line)?;
        if self.held + 2 * line.len() > BYTES_MAX {
            let message = "a batch of rows has passed 1 GiB";
            return Err(Error::new(ErrorKind::Limit, message));
        }
        match self.append(bytes, line, offset) {
            Ok(()) => {
                self.rows += 1;
                self.held += self.row_bytes + line.len();
                Ok(())
            }
            Err(fault) => {
                self.truncate();
                let what = match fault {
                    Fault::Malformed(malformed) => malformed.what,
                    Fault::What(what) => what,
                };
                let message = format!("the line at byte {offset} {what}");
                Err(Error::new(ErrorKind::Protocol, message))
            }
        }
    }

    fn append(&mut self, bytes: &[u8], span: Span, offset: u64) -> Result<(), Fault> {
        let (scan, sound) = frame::index(bytes, span.start as usize, &mut self.positions);
        sound?;
        if scan.end != span.end as usize {
            return Err(Fault::What("holds a newline"));
        }
        let line = Line {
            bytes,
            positions: &self.positions,
            escaped: scan.escaped,
        };
        let envelope = envelope::read(&line, &mut self.data, &mut self.notes)?;
        let extracted_at = extracted_at(self.table.layout(), line.raw(envelope.emitted_at))?;
        let generation_id = number::integer(line.raw(envelope.generation_id));
        let before = self.notes.changes.bytes();
        if !envelope.meta.is_absent() {
            self.notes.changes.read(&line, envelope.meta)?;
        }
        match &mut self.data {
            Data::Fields(object) => object.spill(&line, &mut self.notes)?,
            Data::Whole(text) => text.push(line.raw(envelope.data)),
        }
        self.notes.changes.close();
        if let Some(extra) = &mut self.notes.extra {
            extra.close();
        }
        self.held += self.notes.changes.bytes() - before;
        self.extracted_at.push(extracted_at);
        self.generation_ids
            .push(generation_id.unwrap_or(self.origin.generation_id));
        match line.text(line.raw(envelope.raw_id)) {
            Some(id) => self.raw_ids.push(id.as_bytes()),
            None => self.raw_ids.push(&raw_id(span.of(bytes), offset)),
        }
        Ok(())
    }

    /// Rows since the last batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// About the bytes that the rows take.
    pub fn bytes(&self) -> usize {
        self.held
    }

    /// Gives the rows as a batch and starts anew; without rows, an empty one.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where the columns do not fit each other.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let columns = self.columns().and_then(|columns| {
            let schema = self.table.schema().clone();
            RecordBatch::try_new(schema, columns)
        });
        (self.rows, self.held) = (0, 0);
        columns.map_err(|error| {
            let message = "the rows of a table do not make a batch";
            Error::new(ErrorKind::Internal, message).because(error)
        })
    }

    fn columns(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let room = || Vec::with_capacity(self.rows);
        let extracted_at = std::mem::replace(&mut self.extracted_at, room());
        let generation_ids = std::mem::replace(&mut self.generation_ids, room());
        let extracted_at: ArrayRef = match self.table.layout() {
            Layout::Midflight => {
                Arc::new(TimestampMicrosecondArray::from(extracted_at).with_timezone("UTC"))
            }
            Layout::Airbyte => Arc::new(Int64Array::from(extracted_at)),
        };
        let mut columns = vec![
            self.raw_ids.finish(&mut whole())?,
            extracted_at,
            self.notes.changes.finish(self.origin.sync_id)?,
            Arc::new(Int64Array::from(generation_ids)),
        ];
        match &mut self.data {
            Data::Whole(text) => columns.push(text.finish(&mut whole())?),
            Data::Fields(object) => {
                for field in &mut object.fields {
                    columns.push(field.finish()?);
                }
            }
        }
        if let Some(extra) = &mut self.notes.extra {
            columns.push(extra.finish()?);
        }
        Ok(columns)
    }

    /// Takes back what a line left that became no row.
    #[cold]
    fn truncate(&mut self) {
        let rows = self.rows;
        self.raw_ids.truncate(rows);
        self.extracted_at.truncate(rows);
        self.generation_ids.truncate(rows);
        self.notes.changes.truncate(rows);
        if let Some(extra) = &mut self.notes.extra {
            extra.truncate(rows);
        }
        match &mut self.data {
            Data::Fields(object) => object.truncate(rows),
            Data::Whole(text) => text.truncate(rows),
        }
    }
}

/// The line without its newline, if it stands in `bytes` as [`Builder::push`] wants it.
fn checked(bytes: &[u8], line: Span) -> Result<Span> {
    let inside = bytes.get(line.start as usize..line.end as usize);
    let end = match inside {
        Some([.., b'\n']) => line.end - 1,
        _ => line.end,
    };
    let behind = bytes.get(end as usize..).unwrap_or_default();
    if inside.is_none() || behind.len() < PADDING || behind[0] != b'\n' {
        let message = "a line for a table is not followed by what its scan needs";
        return Err(Error::new(ErrorKind::Internal, message));
    }
    let start = line.start;
    Ok(Span { start, end })
}

/// The value of `_airbyte_extracted_at`: `emitted_at`, in milliseconds or, in our own layout, microseconds.
fn extracted_at(layout: Layout, emitted_at: &[u8]) -> Result<i64, Fault> {
    let scale = match layout {
        Layout::Airbyte => 0,
        Layout::Midflight => 3,
    };
    // Some sources count parts of a millisecond.
    let time = Literal::of(emitted_at).and_then(|it| it.scaled(DIGITS_MAX, scale));
    let time = time.and_then(|(time, _)| i64::try_from(time).ok());
    time.ok_or(Fault::What("has no `emitted_at` in milliseconds"))
}
