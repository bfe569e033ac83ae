//! What a connector beside us says: its lines, one by one, as they come.

use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;

use super::Voice;
use crate::error::{Error, ErrorKind, Result};
use crate::health::Origin;
use crate::runtime::connector::each_line;
use crate::runtime::health::Ear;
use crate::runtime::input::Lines;
use crate::window::Input;

/// Gives every line of a destination's stdout to `hear`, without its newline, and an empty one now and then while
/// nothing comes, until its end or until it is `over` and quiet: what it has started may hold its stdout. What it says must be read to the end, or it could not go on; so lines are taken, and not given, after
/// the first error.
///
/// # Errors
/// The first of `hear`; `Child` when a line is too long.
pub(in crate::runtime) fn listen(
    stdout: OwnedFd,
    line_bytes_max: Option<u64>,
    over: impl Fn() -> bool,
    mut hear: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let rest = stdout.try_clone();
    let mut lines = Lines::new(stdout, line_bytes_max, None).beating();
    let never = AtomicBool::new(false);
    let mut ended = Ok(());
    loop {
        match lines.read(Vec::new(), &never) {
            Ok(None) => return ended,
            Ok(Some(chunk)) if chunk.len == 0 && over() => return ended,
            Ok(Some(chunk)) if ended.is_ok() => {
                let bytes = &chunk.bytes.as_slice()[..chunk.len];
                ended = match bytes.is_empty() {
                    true => hear(b""),
                    false => bytes
                        .split(|byte| *byte == b'\n')
                        .filter(|line| !line.is_empty())
                        .try_for_each(&mut hear),
                };
            }
            Ok(Some(_)) => {}
            Err(error) => {
                drain(rest.map(std::fs::File::from).ok());
                let message = "what the destination says cannot be read";
                return ended.and(Err(Error::new(ErrorKind::Child, message).because(error)));
            }
        }
    }
}

fn drain(from: Option<std::fs::File>) {
    // It only has to be gone.
    let _ = from.map(|mut from| std::io::copy(&mut from, &mut std::io::sink()));
}

/// Shows what a connector writes to its stderr until it ends, and lets it be heard.
pub(in crate::runtime) fn show(
    stderr: OwnedFd,
    (who, origin): (&str, Origin),
    voice: &Voice,
    ear: &Ear,
) {
    each_line(stderr, |line| {
        ear.text(origin, &String::from_utf8_lossy(line));
        voice.stderr(who, line);
    });
}
