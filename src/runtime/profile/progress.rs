//! How far a profile is, on stderr when that is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Redraws per second.
const RATE_HZ: u8 = 5;

/// The progress line; nothing when nobody looks.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shows progress if `wanted` and stderr is a terminal; over so many bytes, where that is known.
    pub fn new(wanted: bool, bytes: Option<u64>) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr_with_hz(RATE_HZ));
        let style = ProgressStyle::with_template(match bytes {
            Some(_) => {
                "{elapsed_precise} {bar:24} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left  {msg}"
            }
            None => "{elapsed_precise} {bytes} {bytes_per_sec}  {msg}",
        });
        Self(style.ok().map(|style| bar.with_style(style)))
    }

    /// Shows what was read so far.
    pub fn tick(&self, bytes: u64, records: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
            bar.set_message(format!("{records} records"));
        }
    }

    /// Leaves the last line standing.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.abandon();
        }
    }
}
