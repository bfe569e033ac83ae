//! The bytes of columns: of each a window is in memory.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::super::ranges::Fetch;
use super::Footer;
use crate::error::{Error, ErrorKind};

/// Bytes of all columns' windows together, and bounds of one.
const WINDOWS: u64 = 64 << 20;
const WINDOW: Range<u64> = 64 << 10..4 << 20;

/// The bytes of columns, a window of each.
#[derive(Clone)]
pub struct Pages {
    fetch: Fetch,
    /// Where the columns lie, by their start, each with its number among the columns.
    chunks: Arc<Vec<(Range<u64>, usize)>>,
    window: u64,
    held: Arc<Mutex<HashMap<usize, (u64, Bytes)>>>,
    /// Why a read failed.
    failed: Arc<Mutex<Option<Error>>>,
}

impl Pages {
    pub fn new(footer: &Footer, groups: Range<usize>) -> Self {
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
    pub fn broken(&self, url: &str, error: Option<ParquetError>) -> Error {
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
pub struct Page {
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
