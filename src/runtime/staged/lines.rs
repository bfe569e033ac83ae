//! Whole lines of a text, and at which byte each starts.

use std::io::Read;

use crate::protocol::scan::PADDING;

/// Longest line.
pub const LINE_BYTES_MAX: usize = if cfg!(test) { 1 << 20 } else { 64 << 20 };

/// What is read at once.
const STEP: usize = 256 << 10;

/// Why there is no further line.
#[derive(Debug)]
pub enum Broken {
    Read(std::io::Error),
    /// The line that starts here is too long.
    TooLong(u64),
}

/// Reads line after line.
pub struct Lines<R> {
    input: R,
    /// The text that is held, and behind it [`PADDING`] newlines.
    bytes: Vec<u8>,
    /// Bytes of text.
    filled: usize,
    /// Where the next line starts, and where the last one that is whole ends.
    at: usize,
    whole: usize,
    /// Offset of the first byte that is held.
    base: u64,
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Reads from `input`, whose first byte has the offset `base`.
    pub fn new(input: R, base: u64) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            filled: 0,
            at: 0,
            whole: 0,
            base,
            ended: false,
        }
    }

    /// What is held: lines, and newlines behind them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Offset of a byte that is held.
    pub fn offset(&self, at: usize) -> u64 {
        self.base + at as u64
    }

    /// Where the next line starts in [`Self::bytes`]; `None` at the end. It ends at the next newline.
    pub fn next(&mut self) -> Result<Option<usize>, Broken> {
        while self.at >= self.whole {
            if self.ended {
                return Ok(None);
            }
            self.fill()?;
        }
        Ok(Some(self.at))
    }

    /// Passes the line that ends at the newline `end`.
    pub fn pass(&mut self, end: usize) {
        self.at = end + 1;
    }

    /// Passes what is left of a line, however long it is.
    pub fn skip_line(&mut self) -> Result<(), Broken> {
        loop {
            let held = &self.bytes[self.at.min(self.filled)..self.filled];
            if let Some(end) = memchr::memchr(b'\n', held) {
                self.at += end + 1;
                return Ok(());
            }
            self.at = self.filled;
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Reads on, and looks how far lines are whole.
    fn fill(&mut self) -> Result<(), Broken> {
        let kept = self.at.min(self.filled);
        self.bytes.truncate(self.filled);
        self.bytes.drain(..kept);
        self.base += kept as u64;
        self.filled -= kept;
        (self.at, self.whole) = (0, 0);
        if self.filled > LINE_BYTES_MAX {
            return Err(Broken::TooLong(self.base));
        }
        self.bytes.resize(self.filled + STEP, 0);
        let read = loop {
            match self.input.read(&mut self.bytes[self.filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.map_err(Broken::Read),
            }
        };
        // On an error nothing more may be taken for text.
        let read = read.inspect_err(|_| self.ended = true)?;
        let from = self.filled;
        self.filled += read;
        self.ended = read == 0;
        let last = memchr::memrchr(b'\n', &self.bytes[from..self.filled]);
        self.whole = match last {
            _ if self.ended => self.filled,
            Some(last) => from + last + 1,
            None => 0,
        };
        self.bytes.truncate(self.filled);
        self.bytes.resize(self.filled + PADDING, b'\n');
        Ok(())
    }
}
