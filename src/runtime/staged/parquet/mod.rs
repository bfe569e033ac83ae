//! Parquet, by row groups. Of each column a window of bytes is in memory, and a batch of rows.

mod batch;
mod pages;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Buf;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::envelope::{Envelope, Tail};
use super::list::Object;
use super::ranges::Fetch;
use super::{Columns, Part, Rows, columns};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;
use crate::schema::LogicalType;
use batch::Batch;
use pages::Pages;

/// What is read of the end at first: most footers fit.
const FOOTER: u64 = 64 << 10;

/// Longest footer.
const FOOTER_MAX: u64 = 256 << 20;

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
                && !batch.is_done()
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
