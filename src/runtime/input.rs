//! Whole lines from a file descriptor, as they arrive.

use std::os::fd::{AsFd, OwnedFd};
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
    chunk_bytes: usize,
    line_bytes_max: usize,
}

impl Lines {
    /// Reads from `input`; `line_bytes_max` and `chunk_bytes` fall back to the defaults.
    pub fn new(input: OwnedFd, line_bytes_max: Option<u64>, chunk_bytes: Option<usize>) -> Self {
        Self {
            input,
            carry: Vec::new(),
            ended: false,
            chunk_bytes: chunk_bytes.unwrap_or(CHUNK_BYTES).max(1),
            line_bytes_max: line_bytes_max
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(LINE_BYTES_MAX),
        }
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

    fn too_long(&self, bytes: usize) -> Error {
        let limit = self.line_bytes_max;
        let message = format!("a line is longer than {limit} bytes ({bytes} bytes of it have arrived)");
        Error::new(ErrorKind::Protocol, message)
            .hint("raise `max_line_bytes` in the configuration if such records are meant to pass")
    }
}

fn failed(error: Errno) -> Error {
    Error::new(ErrorKind::Input, "reading the input failed").because(std::io::Error::from(error))
}

impl Input for Lines {
    type Chunk = Chunk;

    fn read(&mut self, spare: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Chunk>> {
        if self.ended {
            return Ok(None);
        }
        let mut bytes = spare;
        bytes.clear();
        bytes.append(&mut self.carry);
        let mut searched = 0;
        let mut last = None;
        loop {
            if let Some(at) = memchr::memrchr(b'\n', &bytes[searched..]) {
                last = Some(searched + at + 1);
            }
            searched = bytes.len();
            let unfinished = bytes.len() - last.unwrap_or(0);
            if unfinished > self.line_bytes_max {
                return Err(self.too_long(unfinished));
            }
            if last.is_some() && bytes.len() >= self.chunk_bytes {
                break;
            }
            let wait = if last.is_some() { Timespec::default() } else { WAIT };
            if !self.ready(&wait)? {
                if last.is_some() {
                    break;
                }
                if stopped.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                continue;
            }
            if !self.fill(&mut bytes)? {
                self.ended = true;
                last = Some(bytes.len());
                break;
            }
        }
        let len = last.unwrap_or(0);
        if len == 0 {
            return Ok(None);
        }
        self.carry.extend_from_slice(&bytes[len..]);
        bytes.truncate(len);
        bytes.resize(len + PADDING, b'\n');
        Ok(Some(Chunk {
            bytes: Buffer::from_vec(bytes),
            len,
        }))
    }
}
