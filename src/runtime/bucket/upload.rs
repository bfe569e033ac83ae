//! An object on its way: parts of one size go out while the next is being filled, and nothing is visible before
//! the end.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use tokio::task::JoinHandle;

use super::{Bucket, block_on, failed, network};
use crate::error::{Error, ErrorKind, Result};

/// Bytes of one part: stores allow 10,000 of them, so that an object may have 80 GB.
const PART_BYTES: usize = 8 << 20;

/// Parts that are on their way at once.
const PARTS: usize = 2;

/// How long is waited for a store to forget what was begun; it matters little, as nobody sees it.
const GIVE_UP: Duration = Duration::from_secs(5);

/// An object that is being written.
#[derive(Debug)]
pub struct Upload {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    bucket: Bucket,
    filling: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    going: VecDeque<JoinHandle<object_store::Result<()>>>,
    bytes: u64,
}

impl Upload {
    pub(super) fn new(objects: Arc<dyn ObjectStore>, path: Path, bucket: Bucket) -> Self {
        Self {
            objects,
            path,
            bucket,
            filling: Vec::new(),
            parts: None,
            going: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes held in memory, about.
    pub fn held(&self) -> usize {
        self.filling.capacity() + self.going.len() * PART_BYTES
    }

    /// Appends bytes; waits where more parts than two would be on their way.
    ///
    /// # Errors
    /// `Output` with the store's reason.
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = PART_BYTES - self.filling.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.filling.extend_from_slice(now);
            bytes = later;
            if self.filling.len() == PART_BYTES {
                let part = std::mem::replace(&mut self.filling, Vec::with_capacity(PART_BYTES));
                self.send(part.into())?;
            }
        }
        Ok(())
    }

    /// Makes the object visible, whole. A small one is written by one request.
    ///
    /// # Errors
    /// `Output` with the store's reason; then nothing is visible.
    pub fn finish(mut self) -> Result<()> {
        if self.parts.is_none() {
            let bytes = std::mem::take(&mut self.filling);
            return self.bucket.put(&self.path, bytes);
        }
        if !self.filling.is_empty() {
            let last = std::mem::take(&mut self.filling);
            self.send(last.into())?;
        }
        while !self.going.is_empty() {
            self.wait()?;
        }
        let Some(mut parts) = self.parts.take() else {
            return Ok(());
        };
        match block_on(parts.complete())? {
            Ok(_) => self.bucket.settle(&self.path),
            // An answer that was lost leaves nothing to complete; whoever reserved the name wrote the object.
            Err(error) => match self.bucket.head(&self.path) {
                Ok(Some(meta)) if meta.size == self.bytes => self.bucket.settle(&self.path),
                _ => {
                    self.parts = Some(parts);
                    Err(self.failed(&error))
                }
            },
        }
    }

    fn send(&mut self, part: Bytes) -> Result<()> {
        if self.parts.is_none() {
            let begun = block_on(self.objects.put_multipart(&self.path))?;
            self.parts = Some(begun.map_err(|error| self.failed(&error))?);
        }
        while self.going.len() >= PARTS {
            self.wait()?;
        }
        if let Some(parts) = &mut self.parts {
            let going = parts.put_part(part.into());
            self.going.push_back(network()?.spawn(going));
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let Some(first) = self.going.pop_front() else {
            return Ok(());
        };
        match block_on(first)? {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(Error::new(
                ErrorKind::Internal,
                "an upload's task ended early",
            )),
        }
    }

    fn failed(&self, error: &object_store::Error) -> Error {
        let place = self.bucket.url_of(&self.path);
        failed(ErrorKind::Output, &place, "written", error)
    }
}

impl Drop for Upload {
    /// What was begun and not finished is given up, as far as the store still listens.
    fn drop(&mut self) {
        self.going.drain(..).for_each(|part| part.abort());
        let Some(mut parts) = self.parts.take() else {
            return;
        };
        if self.bucket.deaf.load(Ordering::Relaxed) {
            return;
        }
        let abort = async { tokio::time::timeout(GIVE_UP, parts.abort()).await };
        if !matches!(block_on(abort), Ok(Ok(Ok(())))) {
            self.bucket.deaf.store(true, Ordering::Relaxed);
        }
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
