//! Parquet, by row groups. Of each column a window of bytes is in memory, and a batch of rows.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use bytes::{Buf, Bytes};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::cell::{Cell, Member, cell};
use super::envelope::{self, Envelope, Own, Tail};
use super::list::Object;
use super::ranges::Fetch;
use super::value::Out;
use super::{Columns, Part, Rows, columns};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;
use crate::schema::LogicalType;

/// What is read of the end at first: most footers fit.
const FOOTER: u64 = 64 << 10;

/// Longest footer.
const FOOTER_MAX: u64 = 256 << 20;

/// Bytes of all columns' windows together, and bounds of one.
const WINDOWS: u64 = 64 << 20;
const WINDOW: Range<u64> = 64 << 10..4 << 20;

/// Bytes of a batch, about, before it is written, and most rows.
const BATCH: u64 = 8 << 20;
const ROWS: u64 = 4096;

/// The end of a file: its schema, and where everything lies.
pub struct Footer {
    fetch: Fetch,
    url: String,
    metadata: Arc<ParquetMetaData>,
}

impl Footer {
    /// Reads it.
    ///
    /// # Errors
    /// `Input` when it cannot be read; `Protocol` when it is none.
    pub fn read(bucket: &Bucket, object: &Object) -> Result<Self> {
        let wrong = |what: &str| Error::new(ErrorKind::Protocol, format!("{}: {what}", object.url));
        let (fetch, size) = (Fetch::new(bucket, object), object.size);
        if size < 12 {
            return Err(wrong("is no Parquet file"));
        }
        let mut tail = fetch.get(size.saturating_sub(FOOTER)..size)?;
        let end = tail.slice(tail.len() - 8..);
        match &end[4..] {
            b"PAR1" => {}
            b"PARE" => return Err(wrong("is encrypted, and there is no key for it")),
            _ => return Err(wrong("is no Parquet file, or cut off")),
        }
        let length = u64::from(end.slice(..4).get_u32_le());
        if length > FOOTER_MAX || length + 12 > size {
            return Err(wrong("has a footer that is damaged"));
        }
        if length + 8 > tail.len() as u64 {
            tail = fetch.get(size - 8 - length..size)?;
        }
        let end = tail.len() - 8;
        let bytes = &tail[end - length as usize..end];
        let read = calm(|| ParquetMetaDataReader::decode_metadata(bytes));
        let metadata = read
            .and_then(std::result::Result::ok)
            .ok_or_else(|| wrong("has a footer that is damaged"))?;
        Ok(Self {
            fetch,
            url: object.url.clone(),
            metadata: Arc::new(metadata),
        })
    }

    /// Bytes of each row group in the file.
    pub fn group_bytes(&self) -> Vec<u64> {
        let bytes = |group: &parquet::file::metadata::RowGroupMetaData| {
            u64::try_from(group.compressed_size()).unwrap_or(0)
        };
        self.metadata.row_groups().iter().map(bytes).collect()
    }

    /// Rows of these groups, and their bytes once they are unpacked.
    fn weight(&self, groups: Range<usize>) -> (u64, u64) {
        let groups = self.metadata.row_groups().get(groups).unwrap_or_default();
        let sum = |of: fn(&parquet::file::metadata::RowGroupMetaData) -> i64| {
            groups.iter().fold(0u64, |sum, group| {
                sum.saturating_add(u64::try_from(of(group)).unwrap_or(0))
            })
        };
        (
            sum(|group| group.num_rows()),
            sum(|group| group.total_byte_size()),
        )
    }
}

/// Runs what may panic on damaged bytes.
fn calm<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Reads the rows of row groups.
pub struct Groups {
    url: String,
    batches: ParquetRecordBatchReader,
    pages: Pages,
    declared: Option<Columns>,
    columns: Option<Columns>,
    batch: Option<Batch>,
    tail: Tail,
    /// Place in the object of the next row, and behind the last one of the part.
    row: u64,
    end: u64,
}

impl Groups {
    pub fn open(
        bucket: &Bucket,
        object: &Object,
        part: &Part,
        declared: Option<&[(String, LogicalType)]>,
    ) -> Result<Self> {
        let footer = Footer::read(bucket, object)?;
        let count = footer.metadata.num_row_groups();
        let groups = match part {
            Part::RowGroups(groups) if groups.end <= count => groups.clone(),
            Part::RowGroups(_) => {
                let message = format!("{}: has only {count} row groups", object.url);
                return Err(Error::new(ErrorKind::Input, message));
            }
            _ => 0..count,
        };
        let before = footer.weight(0..groups.start).0;
        let (rows, bytes) = footer.weight(groups.clone());
        let batch = (BATCH / (bytes / rows.max(1)).max(1)).clamp(1, ROWS);
        let pages = Pages::new(&footer, groups.clone());
        let open = || -> std::result::Result<_, ParquetError> {
            let options = ArrowReaderOptions::new();
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(&footer.metadata), options)?;
            let columns = columns::of(metadata.schema());
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(pages.clone(), metadata)
                    .with_row_groups(groups.collect())
                    .with_batch_size(batch as usize);
            Ok((builder.build()?, columns))
        };
        let (batches, columns) = match calm(open) {
            Some(Ok(opened)) => opened,
            failed => {
                return Err(pages.broken(&footer.url, failed.and_then(std::result::Result::err)));
            }
        };
        Ok(Self {
            url: footer.url,
            batches,
            pages,
            declared: declared.map(<[_]>::to_vec),
            columns,
            batch: None,
            tail: Tail::default(),
            row: before,
            end: before + rows,
        })
    }

    fn advance(&mut self) -> Result<bool> {
        let read = calm(|| self.batches.next());
        let batch = match read {
            Some(Some(Ok(batch))) => batch,
            Some(None) if self.row == self.end => return Ok(false),
            _ => {
                let error = self.pages.broken(&self.url, None);
                return Err(error);
            }
        };
        let declared = self.declared.as_deref();
        let batch = Batch::new(&batch, declared).map_err(|what| self.wrong(&what))?;
        self.batch = Some(batch);
        Ok(true)
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("{}: {what}", self.url))
    }
}

impl Rows for Groups {
    fn next(&mut self, envelope: &Envelope, lines: &mut Vec<u8>) -> Result<Option<u64>> {
        loop {
            if let Some(batch) = &mut self.batch
                && batch.next < batch.rows
            {
                let row = self.row;
                let written = batch.write(envelope, lines, &mut self.tail);
                written.map_err(|what| self.wrong(&format!("row {} {what}", row + 1)))?;
                self.row += 1;
                return Ok(Some(row));
            }
            self.batch = None;
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    fn columns(&self) -> Option<Columns> {
        self.columns.clone()
    }
}

/// Rows in memory, with the writers of their columns.
struct Batch {
    rows: usize,
    next: usize,
    own: Vec<(Own, Cell)>,
    /// Columns of the record, with their names.
    members: Vec<(String, Member)>,
    raw: Vec<u8>,
}

impl Batch {
    fn new(
        batch: &RecordBatch,
        declared: Option<&[(String, LogicalType)]>,
    ) -> std::result::Result<Self, String> {
        let mut own = Vec::new();
        let mut members = Vec::new();
        let schema = batch.schema();
        let record = LogicalType::Object(Vec::new());
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let unknown = || {
                let ty = field.data_type();
                format!(
                    "column `{}` has the type {ty}, which is not known",
                    field.name()
                )
            };
            match Own::of(field.name().as_bytes()) {
                Some(kind) => {
                    // An object stays one, whatever its keys are called.
                    let ty = matches!(kind, Own::Data | Own::Meta).then_some(&record);
                    own.push((kind, cell(column, field, ty).ok_or_else(unknown)?));
                }
                None => {
                    let ty = declared.and_then(|declared| {
                        let (_, ty) = declared.iter().find(|(name, _)| name == field.name())?;
                        Some(ty)
                    });
                    let column = Member::new(column, field, ty).ok_or_else(unknown)?;
                    members.push((field.name().clone(), column));
                }
            }
        }
        if !members.is_empty() && own.iter().any(|(own, _)| *own == Own::Data) {
            return Err("has `_airbyte_data` beside columns of the record".to_owned());
        }
        Ok(Self {
            rows: batch.num_rows(),
            next: 0,
            own,
            members,
            raw: Vec::new(),
        })
    }

    fn write(
        &mut self,
        envelope: &Envelope,
        lines: &mut Vec<u8>,
        tail: &mut Tail,
    ) -> std::result::Result<(), &'static str> {
        let row = self.next;
        self.next += 1;
        tail.clear();
        envelope.begin(lines);
        let mut lost = Vec::new();
        let mut whole = false;
        for (own, write) in &self.own {
            self.raw.clear();
            let mut out = Out {
                json: &mut self.raw,
                lost: false,
            };
            write(row, &mut out);
            if *own == Own::Data {
                whole = true;
                lines.extend_from_slice(&envelope::record(&self.raw)?);
            } else {
                tail.set(*own, &self.raw)?;
            }
        }
        if !whole {
            let mut first = true;
            lines.push(b'{');
            for (name, column) in &self.members {
                let mut out = Out {
                    json: lines,
                    lost: false,
                };
                column.write(row, &mut out, &mut first);
                if out.lost {
                    lost.push(name.as_str());
                }
            }
            lines.push(b'}');
        }
        envelope.end(lines, tail, &lost);
        Ok(())
    }
}

/// The bytes of columns, a window of each.
#[derive(Clone)]
struct Pages {
    fetch: Fetch,
    /// Where the columns lie, by their start, each with its number among the columns.
    chunks: Arc<Vec<(Range<u64>, usize)>>,
    window: u64,
    held: Arc<Mutex<HashMap<usize, (u64, Bytes)>>>,
    /// Why a read failed.
    failed: Arc<Mutex<Option<Error>>>,
}

impl Pages {
    fn new(footer: &Footer, groups: Range<usize>) -> Self {
        let mut chunks = Vec::new();
        let groups = footer.metadata.row_groups().get(groups).unwrap_or_default();
        for group in groups {
            for (number, column) in group.columns().iter().enumerate() {
                let first = column
                    .dictionary_page_offset()
                    .map_or(column.data_page_offset(), |dictionary| {
                        dictionary.min(column.data_page_offset())
                    });
                let start = u64::try_from(first).unwrap_or(0);
                let length = u64::try_from(column.compressed_size()).unwrap_or(0);
                chunks.push((start..start.saturating_add(length), number));
            }
        }
        chunks.sort_by_key(|(range, _)| range.start);
        let columns = groups.first().map_or(1, |group| group.num_columns().max(1));
        Self {
            fetch: footer.fetch.clone(),
            chunks: Arc::new(chunks),
            window: (WINDOWS / columns as u64).clamp(WINDOW.start, WINDOW.end),
            held: Arc::default(),
            failed: Arc::default(),
        }
    }

    /// The bytes from `start` on that are held, at least `length` of them.
    fn from(&self, start: u64, length: u64) -> std::result::Result<Bytes, ParquetError> {
        let size = self.fetch.size();
        let end = start.saturating_add(length);
        if end > size {
            return Err(ParquetError::EOF("a page lies behind the end".to_owned()));
        }
        let place = self
            .chunks
            .partition_point(|(range, _)| range.start <= start);
        let chunk = place
            .checked_sub(1)
            .and_then(|place| self.chunks.get(place));
        let Some((range, number)) = chunk.filter(|(range, _)| start < range.end) else {
            return self.get(start..end);
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, bytes)) = held.get(number)
            && *from <= start
            && end <= from + bytes.len() as u64
            && start < from + bytes.len() as u64
        {
            return Ok(bytes.slice((start - from) as usize..));
        }
        held.remove(number);
        let window = end.max(range.end.min(start.saturating_add(self.window)));
        let bytes = self.get(start..window.min(size))?;
        held.insert(*number, (start, bytes.clone()));
        Ok(bytes)
    }

    fn get(&self, range: Range<u64>) -> std::result::Result<Bytes, ParquetError> {
        self.fetch.get(range).map_err(|error| {
            let told = ParquetError::General(error.message().to_owned());
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            told
        })
    }

    /// Why a file cannot be read: the store's reason, or that it is damaged. What the reader says of a value is not
    /// told; what it cannot do is.
    fn broken(&self, url: &str, error: Option<ParquetError>) -> Error {
        let failed = self
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        failed.unwrap_or_else(|| {
            let what = match error {
                Some(ParquetError::NYI(what)) => format!("cannot be read: {what}"),
                _ => "is damaged: its pages cannot be read".to_owned(),
            };
            Error::new(ErrorKind::Protocol, format!("{url}: {what}"))
        })
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.fetch.size()
    }
}

impl ChunkReader for Pages {
    type T = Page;

    fn get_read(&self, start: u64) -> std::result::Result<Page, ParquetError> {
        Ok(Page {
            pages: self.clone(),
            at: start,
            ready: Bytes::new(),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> std::result::Result<Bytes, ParquetError> {
        Ok(self.from(start, length as u64)?.slice(..length))
    }
}

/// Reads the head of a page, whose length nobody knows before.
struct Page {
    pages: Pages,
    at: u64,
    ready: Bytes,
}

impl Read for Page {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() && self.at < self.pages.fetch.size() {
            self.ready = self.pages.from(self.at, 1).map_err(io::Error::other)?;
            self.at += self.ready.len() as u64;
        }
        let count = into.len().min(self.ready.len());
        self.ready.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
