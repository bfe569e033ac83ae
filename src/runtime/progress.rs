//! One line on stderr while a run goes on, when stderr is a terminal, and while something is fetched.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::manifest::{Registry, Source};
use crate::report::Totals;

/// Redraws per second.
const RATE_HZ: u8 = 5;

/// The progress line; nothing when nobody looks.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
    /// STATEs that are kept, where they are.
    kept: Option<Arc<AtomicU64>>,
}

impl Progress {
    /// Shows progress if `wanted` and stderr is a terminal.
    pub fn new(wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self {
                bar: None,
                kept: None,
            };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(RATE_HZ));
        let style = ProgressStyle::with_template("{elapsed_precise} {bytes} {bytes_per_sec} {msg}");
        Self {
            bar: style.ok().map(|style| bar.with_style(style)),
            kept: None,
        }
    }

    /// Shows how many STATEs are kept, too.
    pub fn count(&mut self, kept: Arc<AtomicU64>) {
        self.kept = Some(kept);
    }

    /// Does what writes to stderr while the line is out of the way.
    pub fn aside(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows the totals so far.
    pub fn tick(&self, totals: &Totals) {
        if let Some(bar) = &self.bar {
            bar.set_position(totals.bytes);
            let kept = self.kept.as_ref().map(|kept| kept.load(Ordering::Relaxed));
            let kept = kept.map(|kept| format!("; {kept} states kept"));
            bar.set_message(totals.sentence() + &kept.unwrap_or_default());
        }
    }

    /// Leaves the last line standing.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

/// The fetching of a package: a bar on a terminal, one line elsewhere.
#[derive(Debug)]
pub struct Fetching(Option<ProgressBar>);

impl Fetching {
    /// Says what is being fetched, and from where.
    pub fn begin(source: &Source) -> Self {
        let registry = match source.registry {
            Registry::Pypi => "PyPI",
            Registry::Npm => "npm",
        };
        let what = format!(
            "fetching {} {} from {registry}",
            source.package, source.version
        );
        if !std::io::stderr().is_terminal() {
            // Nobody needs to hear of it where stderr is closed.
            let _ = writeln!(
                std::io::stderr(),
                "midflight: {what} ({})",
                DecimalBytes(source.bytes)
            );
            return Self(None);
        }
        let target = ProgressDrawTarget::stderr_with_hz(RATE_HZ);
        let bar = ProgressBar::with_draw_target(Some(source.bytes), target);
        let style =
            ProgressStyle::with_template("{msg} {bar:24} {decimal_bytes} of {decimal_total_bytes}");
        Self(
            style
                .ok()
                .map(|style| bar.with_style(style).with_message(what)),
        )
    }

    /// Shows how much has arrived.
    pub fn at(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
