//! Whole lines from a file descriptor, as they arrive.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::buffer::Buffer;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::decode::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::scan::PADDING;
use crate::window::Input;

/// A chunk is handed on when it holds this much: enough to share out the cost of a chunk, small enough to
/// stay in a core's cache.
pub const CHUNK_BYTES: usize = 192 * 1024;

/// Longest line accepted unless the configuration says otherwise.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// How long to wait for input before looking whether the run has been stopped.
const WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Reads chunks of whole lines: what has arrived, without waiting for more than one line.
#[derive(Debug)]
pub struct Lines {
    input: OwnedFd,
    /// Bytes of a line that has not ended.
    carry: Vec<u8>,
    ended: bool,
    /// Told once the lines before it have been handed on.
    failed: Option<Error>,
    /// Bytes and chunks handed on.
    passed: u64,
    chunks: u64,
    chunk_bytes: usize,
    /// Chunks end behind the first line that fills them, whatever else has arrived.
    exact: bool,
    /// An empty chunk is handed on after every wait in which nothing arrives.
    beats: bool,
    /// Says that nobody needs what may still come.
    unneeded: Option<Arc<AtomicBool>>,
    /// Told that the input ended within a line.
    torn: Option<Arc<AtomicBool>>,
    line_bytes_max: usize,
}

impl Lines {
    /// Reads from `input`; `line_bytes_max` and `chunk_bytes` fall back to the defaults.
    pub fn new(input: OwnedFd, line_bytes_max: Option<u64>, chunk_bytes: Option<usize>) -> Self {
        Self {
            input,
            carry: Vec::new(),
            ended: false,
            failed: None,
            passed: 0,
            chunks: 0,
            exact: chunk_bytes.is_some(),
            beats: false,
            unneeded: None,
            torn: None,
            chunk_bytes: chunk_bytes.unwrap_or(CHUNK_BYTES).max(1),
            line_bytes_max: line_bytes_max
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(LINE_BYTES_MAX),
        }
    }

    /// Lets whoever takes the chunks look at the clock while nothing arrives: it is given empty ones.
    #[must_use]
    pub fn beating(mut self) -> Self {
        self.beats = true;
        self
    }

    /// Sets `torn` when the input ends within a line.
    #[must_use]
    pub fn telling(mut self, torn: Option<Arc<AtomicBool>>) -> Self {
        self.torn = torn;
        self
    }

    /// Ends where nothing has arrived and nobody needs what may still come.
    #[must_use]
    pub fn until(mut self, unneeded: Option<Arc<AtomicBool>>) -> Self {
        self.unneeded = unneeded;
        self
    }

    /// Chunks hold about so many bytes, if that much has arrived.
    #[must_use]
    pub fn of_bytes(mut self, bytes: usize) -> Self {
        if !self.exact {
            self.chunk_bytes = bytes;
        }
        self
    }

    /// Whether input stands ready, waiting for at most `wait`.
    fn ready(&self, wait: &Timespec) -> Result<bool> {
        let mut fds = [PollFd::new(&self.input, PollFlags::IN)];
        match rustix::event::poll(&mut fds, Some(wait)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Appends what one read gives; `false` at the end.
    fn fill(&self, bytes: &mut Vec<u8>) -> Result<bool> {
        let room = self.chunk_bytes.max(64 * 1024).max(bytes.len() / 2);
        bytes.reserve(room + PADDING);
        loop {
            match rustix::io::read(self.input.as_fd(), rustix::buffer::spare_capacity(bytes)) {
                Ok(count) => return Ok(count > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Where the first line of `bytes` that is too long starts. Whether a line passes must not depend on
    /// how it arrived, so finished lines are measured too.
    fn overlong(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() <= self.line_bytes_max {
            return None;
        }
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
        for end in ends {
            if end - start > self.line_bytes_max {
                return Some(start);
            }
            start = end + 1;
        }
        None
    }

    fn too_long(&self, start: usize) -> Error {
        let limit = self.line_bytes_max;
        let start = self.passed + start as u64;
        let message = format!("the line that starts at byte {start} is longer than {limit} bytes");
        Error::new(ErrorKind::Protocol, message)
            .hint("raise `max_line_bytes` in the configuration if such records are meant to pass")
    }

    /// The first `len` bytes as a chunk; the rest waits.
    fn chunk(&mut self, mut bytes: Vec<u8>, len: usize) -> Chunk {
        self.carry.extend_from_slice(&bytes[len..]);
        let offset = self.passed;
        self.passed += len as u64;
        bytes.truncate(len);
        bytes.resize(len + PADDING, b'\n');
        self.chunks += 1;
        Chunk {
            bytes: Buffer::from_vec(bytes),
            len,
            number: self.chunks - 1,
            offset,
        }
    }
}

fn failed(error: Errno) -> Error {
    Error::new(ErrorKind::Input, "reading the input failed").because(std::io::Error::from(error))
}

impl Input for Lines {
    type Chunk = Chunk;

    fn read(&mut self, spare: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Chunk>> {
        if let Some(error) = self.failed.take() {
            self.ended = true;
            self.carry.clear();
            return Err(error);
        }
        let mut bytes = spare;
        bytes.clear();
        bytes.append(&mut self.carry);
        let (mut searched, mut last) = (0, None);
        loop {
            if let Some(at) = memchr::memrchr(b'\n', &bytes[searched..]) {
                last = Some(searched + at + 1);
            }
            searched = bytes.len();
            if let Some(start) = self.overlong(&bytes) {
                let error = self.too_long(start);
                if start == 0 {
                    return Err(error);
                }
                self.failed = Some(error);
                return Ok(Some(self.chunk(bytes, start)));
            }
            if last.is_some() && bytes.len() >= self.chunk_bytes {
                break;
            }
            if self.ended {
                if let (Some(torn), false) =
                    (&self.torn, matches!(bytes.last(), None | Some(b'\n')))
                {
                    torn.store(true, Ordering::Relaxed);
                }
                last = Some(bytes.len());
                break;
            }
            let wait = if last.is_some() {
                Timespec::default()
            } else {
                WAIT
            };
            if !self.ready(&wait)? {
                if last.is_some() {
                    break;
                }
                let unneeded = self.unneeded.as_ref();
                if stopped.load(Ordering::Relaxed)
                    || unneeded.is_some_and(|unneeded| unneeded.load(Ordering::Relaxed))
                {
                    return Ok(None);
                }
                if self.beats {
                    return Ok(Some(self.chunk(bytes, 0)));
                }
                continue;
            }
            self.ended = !self.fill(&mut bytes)?;
        }
        let mut len = last.unwrap_or(0);
        if self.exact
            && let Some(at) = bytes
                .get(self.chunk_bytes - 1..)
                .and_then(|rest| memchr::memchr(b'\n', rest))
        {
            len = self.chunk_bytes + at;
        }
        Ok((len > 0).then(|| self.chunk(bytes, len)))
    }
}
