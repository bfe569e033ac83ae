//! How far a batch is, how fast, and how long it will take, on stderr when that is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::Totals;

/// Redraws per second.
const RATE_HZ: u8 = 5;

/// The progress line; nothing when nobody looks.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shows progress over so many bytes if `wanted` and stderr is a terminal.
    pub fn new(wanted: bool, bytes: u64) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let target = ProgressDrawTarget::stderr_with_hz(RATE_HZ);
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let style = ProgressStyle::with_template(
            "{elapsed_precise} {bar:24} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left  {msg}",
        );
        Self(style.ok().map(|style| bar.with_style(style)))
    }

    /// Bytes that need not be read.
    pub fn skip(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(bar.length().unwrap_or(0).saturating_sub(bytes));
        }
    }

    /// Bytes have been read.
    pub fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
        }
    }

    /// Shows the totals so far.
    pub fn tell(&self, totals: &Totals) {
        if let Some(bar) = &self.0 {
            bar.set_message(totals.sentence());
        }
    }

    /// Leaves the last line standing.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.abandon();
        }
    }
}
