//! Reads a connector's output ahead of the engine: what concerns no record leaves at once, the rest waits for its turn.
//!
//! A chunk may take long, in a model above all, and meanwhile nobody would see that a token was renewed or that
//! something failed. How far is read ahead is bounded; a connector that is further ahead than that waits.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::buffer::Buffer;

use super::child::{Child, spawn};
use super::own::Own;
use crate::decode::{Chunk, is_express};
use crate::error::Result;
use crate::protocol::scan::PADDING;
use crate::protocol::trace;
use crate::runtime::input::{CHUNK_BYTES, Lines};
use crate::runtime::outlet::Outlet;
use crate::window::Input;

/// Bytes that may wait for the engine, beside one line that may be longer.
const AHEAD_BYTES: usize = 8 << 20;

/// How long to wait before looking whether the run has been stopped.
const WAIT: Duration = Duration::from_millis(200);

/// Words of the lines that leave at once. Few records hold them.
const WORDS: [&[u8]; 3] = [b"\"LOG\"", b"\"TRACE\"", b"\"CONTROL\""];

/// Chunks that were read ahead.
pub struct Ahead {
    shared: Arc<Shared>,
    chunks: u64,
    passed: u64,
}

/// The thread that reads ahead.
#[derive(Debug)]
pub struct Reader(JoinHandle<()>);

impl Reader {
    /// Waits until it has read and written its last line.
    pub fn join(self) {
        // A panic of it has ended the chunks, and with them the run.
        let _ = self.0.join();
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Nobody takes chunks any more.
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Nothing follows, or this error does.
    ended: Option<Result<()>>,
}

/// What a reader works with.
struct Reading {
    lines: Lines,
    output: Outlet,
    own: Arc<Own>,
    child: Child,
    shared: Arc<Shared>,
    /// Chunks are as the input was cut, for tests.
    exact: bool,
}

/// Starts to read a connector's output. LOG, CONTROL and TRACE lines are written to `output` where they are read.
///
/// # Errors
/// `Internal` when the system allows no thread.
pub fn start(
    stdout: OwnedFd,
    child: &Child,
    own: &Arc<Own>,
    output: &Outlet,
    (line_bytes_max, chunk_bytes): (Option<u64>, Option<usize>),
) -> Result<(Ahead, Reader)> {
    let shared = Arc::new(Shared::default());
    let reading = Reading {
        lines: Lines::new(stdout, line_bytes_max, chunk_bytes),
        output: output.clone(),
        own: Arc::clone(own),
        child: child.clone(),
        shared: Arc::clone(&shared),
        exact: chunk_bytes.is_some(),
    };
    let reader = spawn("ahead", move || reading.run())?;
    let ahead = Ahead {
        shared,
        chunks: 0,
        passed: 0,
    };
    Ok((ahead, Reader(reader)))
}

impl Input for Ahead {
    type Chunk = Chunk;

    fn read(&mut self, _: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Chunk>> {
        let mut queue = self.shared.queue();
        let mut bytes = loop {
            if let Some(bytes) = queue.chunks.pop_front() {
                break bytes;
            }
            match queue.ended.take() {
                Some(Err(error)) => return Err(error),
                Some(Ok(())) => {
                    queue.ended = Some(Ok(()));
                    return Ok(None);
                }
                None if stopped.load(Ordering::Relaxed) => return Ok(None),
                None => queue = self.shared.wait(queue),
            }
        };
        queue.bytes -= bytes.len();
        drop(queue);
        self.shared.changed.notify_all();
        let len = bytes.len();
        bytes.resize(len + PADDING, b'\n');
        let chunk = Chunk {
            bytes: Buffer::from_vec(bytes),
            len,
            number: self.chunks,
            offset: self.passed,
        };
        self.chunks += 1;
        self.passed += len as u64;
        Ok(Some(chunk))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, for a while.
    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        let waited = self.changed.wait_timeout(queue, WAIT);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Adds lines behind those that wait; what is short joins them, so that a chunk never costs more than it holds.
    /// Gives memory to use.
    fn push(&self, bytes: Vec<u8>, exact: bool) -> Vec<u8> {
        let mut queue = self.queue();
        while queue.bytes > AHEAD_BYTES && !self.is_closed() {
            queue = self.wait(queue);
        }
        queue.bytes += bytes.len();
        let spare = match queue.chunks.back_mut() {
            Some(last) if !exact && last.len() + bytes.len() <= CHUNK_BYTES => {
                last.extend_from_slice(&bytes);
                bytes
            }
            _ => {
                queue.chunks.push_back(bytes);
                Vec::new()
            }
        };
        drop(queue);
        self.changed.notify_all();
        spare
    }

    fn end(&self, how: Result<()>) {
        self.queue().ended.get_or_insert(how);
        self.changed.notify_all();
    }
}

impl Reading {
    fn run(mut self) {
        // Also when this thread panics, somebody waits for its end.
        struct Ending(Arc<Shared>);
        impl Drop for Ending {
            fn drop(&mut self) {
                let message = "the thread that reads ahead panicked; this is a defect of midflight";
                let error = crate::error::Error::new(crate::error::ErrorKind::Internal, message);
                self.0.end(Err(error));
            }
        }
        let ending = Ending(Arc::clone(&self.shared));
        let read = self.chunks();
        ending.0.end(read);
    }

    fn chunks(&mut self) -> Result<()> {
        let mut spare = Vec::new();
        while let Some(chunk) = self.lines.read(spare, &self.shared.closed)? {
            self.express(&chunk)?;
            let len = chunk.len;
            let mut bytes = chunk.bytes.into_vec().unwrap_or_default();
            bytes.truncate(len);
            // Only the end of the input lacks a newline.
            if bytes.last() != Some(&b'\n') && self.is_torn() {
                let kept = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
                let message = format!(
                    "midflight: the connector ended inside of a line; its {} bytes are left out",
                    bytes.len() - kept
                );
                self.output.say(trace::log("WARN", &message).as_bytes())?;
                bytes.truncate(kept);
            }
            spare = self.shared.push(bytes, self.exact);
            if self.shared.is_closed() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the lines that leave at once.
    fn express(&self, chunk: &Chunk) -> Result<()> {
        let bytes = chunk.bytes.as_slice();
        let lines = &bytes[..chunk.len];
        let mut starts: Vec<usize> = Vec::new();
        for word in WORDS {
            for at in memchr::memmem::find_iter(lines, word) {
                starts.push(memchr::memrchr(b'\n', &lines[..at]).map_or(0, |at| at + 1));
            }
        }
        starts.sort_unstable();
        starts.dedup();
        for start in starts {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            if !is_express(bytes, start) {
                continue;
            }
            let line = String::from_utf8_lossy(&bytes[start..end]);
            let line = self.own.restore(&line).unwrap_or(line.into_owned());
            self.output.say(format!("{line}\n").as_bytes())?;
        }
        Ok(())
    }

    /// Whether a line without newline is what a connector left that failed in the middle of it.
    fn is_torn(&self) -> bool {
        while !self.shared.is_closed() {
            match self.child.ended() {
                Ok(None) => std::thread::sleep(WAIT / 20),
                Ok(Some(ending)) => return !ending.is_success(),
                Err(_) => return true,
            }
        }
        true
    }
}
