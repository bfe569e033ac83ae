//! Jobs: runs of chunks whose bounds depend on the bytes of the input alone.
//!
//! Jobs grow with what was read before them, so that a small input has several and a large one not too many.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;

use arrow::buffer::Buffer;

use crate::decode::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Settings;
use crate::protocol::scan::PADDING;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::Bucket;
use crate::runtime::input::Lines;
use crate::runtime::staged::{self, Columns, Object, Part, Pattern, Reader};
use crate::window::Input;

/// Bytes of a chunk: small enough to stay in a core's cache.
const CHUNK_BYTES: usize = 64 << 10;

/// Chunks of a job.
const JOB_CHUNKS_MAX: u64 = 32;

/// How much smaller than everything before it a job is.
const SHARE: u64 = 16;

/// Chunks of the job that begins at this byte.
fn chunks(offset: u64) -> u64 {
    (offset / SHARE / CHUNK_BYTES as u64).clamp(1, JOB_CHUNKS_MAX)
}

/// Lines as a chunk.
pub fn chunk(mut lines: Vec<u8>, number: u64, offset: u64) -> Chunk {
    let len = lines.len();
    lines.resize(len + PADDING, b'\n');
    Chunk {
        bytes: Buffer::from_vec(lines),
        len,
        number,
        offset,
    }
}

/// Messages as jobs.
#[derive(Debug)]
pub struct Jobs {
    lines: Lines,
    passed: u64,
}

impl Jobs {
    /// Reads from `input`.
    pub fn new(input: OwnedFd, chunk_bytes: Option<usize>) -> Self {
        Self {
            lines: Lines::new(input, None, Some(chunk_bytes.unwrap_or(CHUNK_BYTES))),
            passed: 0,
        }
    }
}

impl Input for Jobs {
    type Chunk = Vec<Chunk>;

    fn read(&mut self, _: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Vec<Chunk>>> {
        let mut job: Vec<Chunk> = Vec::new();
        for _ in 0..chunks(self.passed) {
            match self.lines.read(Vec::new(), stopped)? {
                Some(chunk) => job.push(chunk),
                None => break,
            }
        }
        self.passed += job.iter().map(|chunk| chunk.len as u64).sum::<u64>();
        Ok((!job.is_empty() && !super::is_stopped(stopped)).then_some(job))
    }
}

/// Staged files as jobs, in the order of their keys.
pub struct Files {
    objects: std::vec::IntoIter<(Bucket, Object, Descriptor)>,
    columns: BTreeMap<Descriptor, Columns>,
    /// The file that is being read, and its URL.
    open: Option<(Reader, String)>,
    passed: u64,
}

impl Files {
    /// Lists what the patterns find. Types are what the catalog declares.
    ///
    /// # Errors
    /// `Usage` when nothing is found; what the store says.
    pub fn list(patterns: &[Pattern], settings: &Settings) -> Result<Self> {
        let mut objects = Vec::new();
        for pattern in patterns {
            let bucket = Bucket::open(pattern.place(), &BTreeMap::new())?;
            let found = staged::list(&bucket, pattern, None)?;
            if found.is_empty() {
                let message = format!("there are no staged files at {}", bucket.url());
                return Err(Error::new(ErrorKind::Usage, message)
                    .hint("give a prefix, or a glob as `s3://bucket/stage/**/*.jsonl.gz`"));
            }
            objects.extend(
                found
                    .into_iter()
                    .map(|(object, stream)| (bucket.clone(), object, stream)),
            );
        }
        let mut columns = BTreeMap::new();
        for (_, _, stream) in &objects {
            if let Some(schema) = &settings.facts(stream).schema {
                let declared = schema
                    .columns()
                    .map(|(name, ty)| (name.to_owned(), ty.clone()));
                columns.insert(stream.clone(), declared.collect());
            }
        }
        Ok(Self {
            objects: objects.into_iter(),
            columns,
            open: None,
            passed: 0,
        })
    }

    /// The next lines; nothing at the end.
    fn lines(&mut self, target: usize) -> Result<Vec<u8>> {
        loop {
            if let Some((reader, _)) = &mut self.open {
                let mut lines = Vec::with_capacity(target + target / 4);
                if reader.read(&mut lines, target)? {
                    return Ok(lines);
                }
                self.open = None;
            }
            let Some((bucket, object, stream)) = self.objects.next() else {
                return Ok(Vec::new());
            };
            let columns = self.columns.get(&stream).map(Vec::as_slice);
            let reader = staged::open(&bucket, &object, &Part::Whole, &stream, columns)?;
            self.open = Some((reader, object.url));
        }
    }
}

impl Input for Files {
    type Chunk = Vec<Chunk>;

    fn read(&mut self, _: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Vec<Chunk>>> {
        let mut job = Vec::new();
        for _ in 0..chunks(self.passed) {
            let lines = self.lines(CHUNK_BYTES)?;
            if lines.is_empty() || super::is_stopped(stopped) {
                break;
            }
            let chunk = chunk(lines, 0, self.passed);
            self.passed += chunk.len as u64;
            job.push(chunk);
        }
        Ok((!job.is_empty()).then_some(job))
    }
}
