//! One line on stderr while a run goes on, when stderr is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::Totals;

/// Redraws per second.
const RATE_HZ: u8 = 5;

/// The progress line; nothing when nobody looks.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shows progress if `wanted` and stderr is a terminal.
    pub fn new(wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(RATE_HZ));
        let style = ProgressStyle::with_template("{elapsed_precise} {bytes} {bytes_per_sec} {msg}");
        Self(style.ok().map(|style| bar.with_style(style)))
    }

    /// Shows the totals so far.
    pub fn tick(&self, totals: &Totals) {
        if let Some(bar) = &self.0 {
            bar.set_position(totals.bytes);
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
