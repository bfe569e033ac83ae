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
    ///
    /// # Errors
    /// None that [`Table::compile`] has not told.
    pub fn new(table: &Table, origin: Origin) -> Result<Self> {
        let spec = table.spec();
        let data = match spec.flatten {
            true => Data::Fields(table.fields()?),
            false => Data::Whole(Text::new()),
        };
        let extra = spec.flatten && spec.layout == Layout::Midflight;
        Ok(Self {
            table: table.clone(),
            origin,
            rows: 0,
            held: 0,
            row_bytes: 64 + 8 * spec.columns.len(),
            positions: Vec::new(),
            raw_ids: Text::new(),
            extracted_at: Vec::new(),
            generation_ids: Vec::new(),
            notes: Notes {
                changes: Changes::new(),
                extra: extra.then(Extra::new),
            },
            data,
        })
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
        let line = without_newline(bytes, line)?;
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
        let emitted_at = emitted_at(line.raw(envelope.emitted_at), self.table.spec().layout)?;
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
        self.extracted_at.push(emitted_at);
        self.generation_ids
            .push(generation_id.unwrap_or(self.origin.generation_id));
        match line.text(line.raw(envelope.raw_id)) {
            Some(id) => self.raw_ids.push(id.as_bytes()),
            None => self.raw_ids.push(&raw_id(span.of(bytes), offset)),
        }
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that the rows take, about.
    pub fn bytes(&self) -> usize {
        self.held
    }

    /// The rows as one batch; starts anew.
    ///
    /// # Errors
    /// `Internal` when the columns do not fit one another.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        (self.rows, self.held) = (0, 0);
        self.batch().map_err(|error| {
            let message = "the columns of a batch do not fit; this is a defect of midflight";
            Error::new(ErrorKind::Internal, message).because(error)
        })
    }

    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let extracted_at = std::mem::take(&mut self.extracted_at);
        let extracted_at: ArrayRef = match self.table.spec().layout {
            Layout::Midflight => {
                Arc::new(TimestampMicrosecondArray::from(extracted_at).with_timezone("UTC"))
            }
            Layout::Airbyte => Arc::new(Int64Array::from(extracted_at)),
        };
        let generation_ids = std::mem::take(&mut self.generation_ids);
        let mut columns = vec![
            self.raw_ids.finish(&mut whole())?,
            extracted_at,
            self.notes.changes.finish(self.origin.sync_id)?,
            Arc::new(Int64Array::from(generation_ids)),
        ];
        match &mut self.data {
            Data::Fields(object) => {
                for field in &mut object.fields {
                    columns.push(field.finish()?);
                }
            }
            Data::Whole(text) => columns.push(text.finish(&mut whole())?),
        }
        if let Some(extra) = &mut self.notes.extra {
            columns.push(extra.finish()?);
        }
        RecordBatch::try_new(Arc::clone(self.table.schema()), columns)
    }

    /// Forgets what a broken line left behind.
    fn truncate(&mut self) {
        self.raw_ids.truncate(self.rows);
        self.extracted_at.truncate(self.rows);
        self.generation_ids.truncate(self.rows);
        self.notes.changes.truncate(self.rows);
        if let Some(extra) = &mut self.notes.extra {
            extra.truncate(self.rows);
        }
        match &mut self.data {
            Data::Fields(object) => object.truncate(self.rows),
            Data::Whole(text) => text.truncate(self.rows),
        }
    }
}

/// The time of extraction in the unit of the layout, from milliseconds.
fn emitted_at(raw: &[u8], layout: Layout) -> Result<i64, Fault> {
    let scale = match layout {
        Layout::Midflight => 3,
        Layout::Airbyte => 0,
    };
    let millis = Literal::of(raw).ok_or(Fault::What("has no `emitted_at`"))?;
    // Some sources count parts of a millisecond.
    let time = millis.scaled(DIGITS_MAX, scale);
    let time = time.and_then(|(time, _)| i64::try_from(time).ok());
    time.ok_or(Fault::What("has an `emitted_at` that is no time"))
}

/// The line without its newline.
fn without_newline(bytes: &[u8], line: Span) -> Result<Span> {
    let end = line.end as usize;
    if line.start >= line.end || bytes.len() < end + PADDING {
        let message =
            "a line stands too close to the end of its bytes; this is a defect of midflight";
        return Err(Error::new(ErrorKind::Internal, message));
    }
    let newline = u32::from(bytes[end - 1] == b'\n');
    Ok(Span {
        start: line.start,
        end: line.end - newline,
    })
}
