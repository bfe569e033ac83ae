//! The rows of a trial as chunks of lines, in the order of the input.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use arrow::buffer::Buffer;

use super::schemas::Schemas;
use crate::decode::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::scan::PADDING;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::Bucket;
use crate::runtime::input::{CHUNK_BYTES, Lines};
use crate::runtime::staged::{self, Columns, Object, Part, Pattern, Reader};
use crate::window::Input;

/// Where rows come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Messages of the protocol on stdin.
    Stdin,
    /// The same in a file.
    File(PathBuf),
    /// Staged files, in the order of their keys.
    Staged(Pattern),
}

/// Chunks of lines, one after the other.
#[derive(Debug)]
pub(super) struct Chunks {
    from: From,
    /// Chunks that were looked at already.
    waiting: VecDeque<Chunk>,
    number: u64,
}

#[derive(Debug)]
enum From {
    Messages(Lines),
    Staged(Staged),
}

#[derive(Debug)]
struct Staged {
    bucket: Bucket,
    objects: VecDeque<(Object, Descriptor)>,
    open: Option<Reader>,
}

impl Chunks {
    pub fn open(source: &Source) -> Result<Self> {
        let messages = |input: OwnedFd| From::Messages(Lines::new(input, None, None));
        let from = match source {
            Source::Stdin => {
                let stdin = std::io::stdin().as_fd().try_clone_to_owned();
                messages(stdin.map_err(|error| {
                    Error::new(ErrorKind::Input, "stdin cannot be read").because(error)
                })?)
            }
            Source::File(path) => {
                let file = std::fs::File::open(path).map_err(|error| {
                    let message = format!("{} cannot be opened", path.display());
                    Error::new(ErrorKind::Input, message).because(error)
                })?;
                messages(file.into())
            }
            Source::Staged(pattern) => {
                let bucket = Bucket::open(pattern.place(), &std::collections::BTreeMap::new())?;
                let objects: VecDeque<_> = staged::list(&bucket, pattern, None)?.into();
                if objects.is_empty() {
                    let message = format!("there are no staged files at {}", bucket.url());
                    return Err(Error::new(ErrorKind::Usage, message)
                        .hint("give a prefix, or a glob as `s3://bucket/stage/**/*.jsonl.gz`"));
                }
                From::Staged(Staged {
                    bucket,
                    objects,
                    open: None,
                })
            }
        };
        Ok(Self {
            from,
            waiting: VecDeque::new(),
            number: 0,
        })
    }

    /// The next chunk; nothing at the end. What text in a staged file means is told by `schemas`.
    pub fn next(&mut self, schemas: &Schemas) -> Result<Option<Chunk>> {
        if let Some(chunk) = self.waiting.pop_front() {
            return Ok(Some(chunk));
        }
        match &mut self.from {
            From::Messages(lines) => lines.read(Vec::new(), &AtomicBool::new(false)),
            From::Staged(staged) => {
                let lines = staged.read(schemas)?;
                Ok(lines.map(|lines| {
                    self.number += 1;
                    chunk(lines, self.number - 1)
                }))
            }
        }
    }

    /// The first messages, up to about `bytes` of them, which [`Self::next`] gives all the same; nothing of staged
    /// files, which are asked for [their columns](Self::columns).
    pub fn look(&mut self, bytes: usize) -> Result<impl Iterator<Item = &[u8]>> {
        let mut seen = 0;
        while let From::Messages(lines) = &mut self.from
            && seen < bytes
            && let Some(chunk) = lines.read(Vec::new(), &AtomicBool::new(false))?
        {
            seen += chunk.len;
            self.waiting.push_back(chunk);
        }
        let chunks = self.waiting.iter();
        Ok(chunks
            .flat_map(|chunk| chunk.bytes.as_slice()[..chunk.len].split(|byte| *byte == b'\n')))
    }

    /// The streams of staged files.
    pub fn streams(&self) -> Vec<Descriptor> {
        let From::Staged(staged) = &self.from else {
            return Vec::new();
        };
        let mut streams: Vec<_> = staged
            .objects
            .iter()
            .map(|(_, stream)| stream.clone())
            .collect();
        streams.sort();
        streams.dedup();
        streams
    }

    /// The columns of a stream of staged files, as the first of them that has any tells.
    pub fn columns(&self, stream: &Descriptor, bytes: usize) -> Result<Columns> {
        let From::Staged(Staged {
            bucket, objects, ..
        }) = &self.from
        else {
            return Ok(Columns::new());
        };
        for (object, _) in objects.iter().filter(|(_, of)| of == stream) {
            let mut reader = staged::open(bucket, object, &Part::Whole, stream, None)?;
            let columns = match reader.columns() {
                Some(columns) => columns,
                None => {
                    let mut lines = Vec::new();
                    reader.read(&mut lines, bytes)?;
                    staged::infer_columns(&lines)?
                }
            };
            if !columns.is_empty() {
                return Ok(columns);
            }
        }
        Ok(Columns::new())
    }
}

impl Staged {
    fn read(&mut self, schemas: &Schemas) -> Result<Option<Vec<u8>>> {
        loop {
            let reader = match &mut self.open {
                Some(reader) => reader,
                None => {
                    let Some((object, stream)) = self.objects.pop_front() else {
                        return Ok(None);
                    };
                    if !schemas.is_wanted(&stream) {
                        continue;
                    }
                    let columns = schemas.columns(&stream);
                    let reader = staged::open(
                        &self.bucket,
                        &object,
                        &Part::Whole,
                        &stream,
                        columns.as_deref(),
                    )?;
                    self.open.insert(reader)
                }
            };
            let mut lines = Vec::new();
            if reader.read(&mut lines, CHUNK_BYTES)? {
                return Ok(Some(lines));
            }
            self.open = None;
        }
    }
}

/// Lines as a chunk.
pub(super) fn chunk(mut lines: Vec<u8>, number: u64) -> Chunk {
    let len = lines.len();
    lines.resize(len + PADDING, b'\n');
    Chunk {
        bytes: Buffer::from_vec(lines),
        len,
        number,
        offset: 0,
    }
}
