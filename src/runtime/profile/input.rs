//! Jobs: runs of whole lines whose bounds depend on the bytes of the input alone, not on how it arrives.
//!
//! Jobs grow with what was read before them, so that a small input has several and a large one not too many.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::buffer::Buffer;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::decode::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Settings;
use crate::protocol::scan::PADDING;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::Bucket;
use crate::runtime::input::LINE_BYTES_MAX;
use crate::runtime::staged::{self, Columns, Object, Part, Pattern, Reader};
use crate::window::Input;

/// Bytes of the first jobs, and of a job at most.
const JOB_BYTES_MIN: usize = 64 << 10;
const JOB_BYTES_MAX: usize = 2 << 20;

/// How much smaller than everything before it a job is.
const SHARE: u64 = 16;

/// What is read at once.
const READ_BYTES: usize = 256 << 10;

/// How long to wait for input before looking whether the run has been stopped.
const WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Bytes of the job that begins here.
fn size(offset: u64) -> usize {
    usize::try_from(offset / SHARE).map_or(JOB_BYTES_MAX, |bytes| {
        bytes.clamp(JOB_BYTES_MIN, JOB_BYTES_MAX)
    })
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

/// Messages as jobs: each ends behind the first line that fills it.
#[derive(Debug)]
pub struct Jobs {
    input: OwnedFd,
    /// What was read behind the last job.
    carry: Vec<u8>,
    ended: bool,
    passed: u64,
    /// Bytes of every job, for tests.
    fixed: Option<usize>,
}

impl Jobs {
    /// Reads from `input`.
    pub fn new(input: OwnedFd, fixed: Option<usize>) -> Self {
        Self {
            input,
            carry: Vec::new(),
            ended: false,
            passed: 0,
            fixed,
        }
    }

    /// Appends what one read gives. `false` when the run has been stopped.
    fn fill(&mut self, bytes: &mut Vec<u8>, stopped: &AtomicBool) -> Result<bool> {
        loop {
            let mut fds = [PollFd::new(&self.input, PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&WAIT)) {
                Ok(0) | Err(Errno::INTR) if stopped.load(Ordering::Relaxed) => return Ok(false),
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(failed(error)),
            }
            // No more than this, whatever a spare buffer could hold: what is read ahead is copied, and would grow.
            let before = bytes.len();
            bytes.resize(before + READ_BYTES, 0);
            let count = rustix::io::read(self.input.as_fd(), &mut bytes[before..]);
            bytes.truncate(before + count.unwrap_or(0));
            match count {
                Ok(count) => {
                    self.ended = count == 0;
                    return Ok(true);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// The first `len` bytes as a job; the rest waits.
    fn cut(&mut self, mut bytes: Vec<u8>, len: usize) -> Result<Option<Chunk>> {
        let last = memchr::memrchr(b'\n', &bytes[..len.saturating_sub(1)]).map_or(0, |at| at + 1);
        if len - last > LINE_BYTES_MAX {
            return Err(self.too_long(last));
        }
        self.carry.clear();
        self.carry.extend_from_slice(&bytes[len..]);
        bytes.truncate(len);
        let job = chunk(bytes, 0, self.passed);
        self.passed += len as u64;
        Ok((len > 0).then_some(job))
    }

    fn too_long(&self, start: usize) -> Error {
        let start = self.passed + start as u64;
        let message =
            format!("the line that starts at byte {start} is longer than {LINE_BYTES_MAX} bytes");
        Error::new(ErrorKind::Protocol, message)
    }
}

fn failed(error: Errno) -> Error {
    Error::new(ErrorKind::Input, "reading the input failed").because(std::io::Error::from(error))
}

impl Input for Jobs {
    type Chunk = Chunk;

    fn read(&mut self, spare: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Chunk>> {
        let target = self.fixed.unwrap_or_else(|| size(self.passed)).max(1);
        let mut bytes = spare;
        bytes.clear();
        bytes.append(&mut self.carry);
        let mut searched = target - 1;
        loop {
            let found = bytes
                .get(searched..)
                .and_then(|rest| memchr::memchr(b'\n', rest));
            if let Some(at) = found {
                return self.cut(bytes, searched + at + 1);
            }
            searched = searched.max(bytes.len());
            if self.ended {
                let len = bytes.len();
                return self.cut(bytes, len);
            }
            if bytes.len() > target + LINE_BYTES_MAX {
                return Err(self.too_long(target));
            }
            if !self.fill(&mut bytes, stopped)? {
                return Ok(None);
            }
        }
    }
}

/// Staged files as jobs, in the order of their keys.
pub struct Files {
    objects: std::vec::IntoIter<(Bucket, Object, Descriptor)>,
    columns: BTreeMap<Descriptor, Columns>,
    /// The file that is being read.
    open: Option<Reader>,
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

    /// Appends the next lines; nothing at the end.
    fn lines(&mut self, lines: &mut Vec<u8>, target: usize) -> Result<()> {
        loop {
            if let Some(reader) = &mut self.open {
                let before = lines.len();
                let some = reader.read(lines, target)?;
                // Fewer bytes than asked for: that was the end, and a file is not read on behind it.
                if lines.len() - before < target {
                    self.open = None;
                }
                if some {
                    return Ok(());
                }
            }
            let Some((bucket, object, stream)) = self.objects.next() else {
                return Ok(());
            };
            let columns = self.columns.get(&stream).map(Vec::as_slice);
            self.open = Some(staged::open(
                &bucket,
                &object,
                &Part::Whole,
                &stream,
                columns,
            )?);
        }
    }
}

impl Input for Files {
    type Chunk = Chunk;

    fn read(&mut self, _: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Chunk>> {
        let target = size(self.passed);
        let mut job = Vec::new();
        while job.len() < target && !stopped.load(Ordering::Relaxed) {
            let before = job.len();
            self.lines(&mut job, target - before)?;
            if job.len() == before {
                break;
            }
        }
        let job = chunk(job, 0, self.passed);
        self.passed += job.len as u64;
        Ok((job.len > 0).then_some(job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_ahead_than_one_read_whatever_a_spare_buffer_holds() {
        use std::io::Write;
        let mut file = tempfile::tempfile().expect("a file");
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..8_000 {
            file.write_all(&line).expect("a line");
        }
        std::io::Seek::rewind(&mut file).expect("the beginning");
        let mut jobs = Jobs::new(OwnedFd::from(file), None);
        let (stopped, mut bytes) = (AtomicBool::new(false), 0);
        while let Some(job) = jobs
            .read(Vec::with_capacity(32 << 20), &stopped)
            .expect("a job")
        {
            bytes += job.len;
            assert!(
                jobs.carry.len() <= READ_BYTES,
                "{} bytes wait",
                jobs.carry.len()
            );
        }
        assert_eq!(bytes, 8_000_000);
    }
}
