//! An object's bytes in order, fetched range by range, one range ahead of what is read.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;

use super::list::Object;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;

/// Bytes fetched at once; two ranges of a reader are in memory, and the one that is read.
const RANGE: u64 = if cfg!(test) { 16 << 10 } else { 4 << 20 };

/// Bytes fetched at once behind the end of a part, where only the rest of its last line is wanted.
const TAIL: u64 = if cfg!(test) { 1 << 10 } else { 256 << 10 };

/// Fetches ranges of one version of an object.
#[derive(Debug, Clone)]
pub struct Fetch {
    bucket: Bucket,
    object: Object,
}

impl Fetch {
    pub fn new(bucket: &Bucket, object: &Object) -> Self {
        Self {
            bucket: bucket.clone(),
            object: object.clone(),
        }
    }

    pub fn size(&self) -> u64 {
        self.object.size
    }

    /// These bytes, all of them.
    ///
    /// # Errors
    /// `Input` when they cannot be read, or the object is no longer the one that was listed.
    pub fn get(&self, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let object = &self.object;
        let wanted = range.end - range.start;
        let last = range.end == object.size;
        let tag = object.etag.as_deref();
        let bytes = self.bucket.get_range(&object.path, range, tag)?;
        if bytes.len() as u64 != wanted || last && tag.is_none() && self.has_changed()? {
            let message = format!("{} has changed since it was listed", object.url);
            return Err(Error::new(ErrorKind::Input, message));
        }
        Ok(bytes)
    }

    /// For stores without tags: size and time must be what they were.
    fn has_changed(&self) -> Result<bool> {
        let meta = self.bucket.head(&self.object.path)?;
        let same = |size, modified| size == self.object.size && modified == self.object.modified;
        Ok(!meta.is_some_and(|meta| same(meta.size, meta.last_modified)))
    }
}

/// Reads from one place of an object to its end.
#[derive(Debug)]
pub struct Ranges {
    current: Bytes,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// What fits in one range is fetched when it is asked for.
    Once(Box<Fetch>, Range<u64>),
    Ahead(Receiver<Result<Bytes>>),
    Ended,
}

impl Ranges {
    /// Reads from `start`; behind `part_end` in small steps, as hardly anything there is asked for.
    ///
    /// # Errors
    /// `Internal` when no thread can be started.
    pub fn new(fetch: Fetch, start: u64, part_end: u64) -> Result<Self> {
        let size = fetch.size();
        let source = if size.saturating_sub(start) <= RANGE {
            Source::Once(Box::new(fetch), start.min(size)..size)
        } else {
            Source::Ahead(ahead(fetch, start, part_end.min(size))?)
        };
        Ok(Self {
            current: Bytes::new(),
            source,
        })
    }

    fn next(&mut self) -> Result<Bytes> {
        match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Once(fetch, range) => fetch.get(range),
            Source::Ahead(ranges) => match ranges.recv() {
                Ok(range) => {
                    self.source = Source::Ahead(ranges);
                    range
                }
                Err(_) => Ok(Bytes::new()),
            },
            Source::Ended => Ok(Bytes::new()),
        }
    }
}

/// A thread that always holds the next range ready. It ends when nobody listens any more.
fn ahead(fetch: Fetch, start: u64, part_end: u64) -> Result<Receiver<Result<Bytes>>> {
    let (ready, ranges) = sync_channel(0);
    let work = move || {
        let mut at = start;
        while at < fetch.size() {
            let end = if at < part_end {
                part_end.min(at + RANGE)
            } else {
                fetch.size().min(at + TAIL)
            };
            let range = fetch.get(at..end);
            let failed = range.is_err();
            if ready.send(range).is_err() || failed {
                return;
            }
            at = end;
        }
    };
    let started = std::thread::Builder::new()
        .name("read-ahead".to_owned())
        .spawn(work);
    match started {
        Ok(_) => Ok(ranges),
        Err(error) => {
            Err(Error::new(ErrorKind::Internal, "no thread can be started").because(error))
        }
    }
}

impl BufRead for Ranges {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_empty() {
            self.current = self.next().map_err(io::Error::other)?;
        }
        Ok(&self.current)
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.current.len());
        let _ = self.current.split_to(count);
    }
}

impl Read for Ranges {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(into.len());
        into[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}
