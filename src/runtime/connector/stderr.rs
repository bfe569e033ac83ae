//! What a connector says on its stderr, line by line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;

/// Bytes of a line that are taken at once; a longer one comes in parts.
const BYTES_MAX: u64 = 64 << 10;

/// Gives every line, with its newline, to `hear` until the last who holds the other end is gone.
pub fn each_line(stderr: OwnedFd, mut hear: impl FnMut(&[u8])) {
    let mut lines = BufReader::new(File::from(stderr));
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut part = lines.by_ref().take(BYTES_MAX);
        match part.read_until(b'\n', &mut line) {
            Ok(1..) => hear(&line),
            _ => return,
        }
    }
}
