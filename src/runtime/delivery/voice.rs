//! Who is told what is no record: people at a terminal, or the platform that started us.

use std::io::{IoSlice, Write};
use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::protocol::said::{self, Said};
use crate::runtime::outlet::Outlet;
use crate::runtime::progress::Progress;

/// Longest line of a connector's stderr that is shown whole, in bytes.
const STDERR_BYTES_MAX: usize = 64 << 10;

/// Where lines go that are not for a destination. Clones speak to the same.
#[derive(Debug, Clone)]
pub(in crate::runtime) enum Voice {
    /// stderr, as text, above the progress line once there is one.
    People(Arc<OnceLock<Progress>>),
    /// Lines of the protocol, one at a time.
    Platform(Outlet),
}

impl Voice {
    /// People who look at stderr.
    pub(in crate::runtime) fn people() -> Self {
        Self::People(Arc::new(OnceLock::new()))
    }

    /// A platform that reads what is written here.
    pub(in crate::runtime) fn platform(output: &Outlet) -> Self {
        Self::Platform(output.clone())
    }

    /// Whether people are spoken to.
    pub(in crate::runtime) fn is_people(&self) -> bool {
        matches!(self, Self::People(_))
    }

    /// Speaks above this progress line from now on.
    pub(in crate::runtime) fn above(&self, progress: &Progress) {
        if let Self::People(above) = self {
            let _ = above.set(progress.clone());
        }
    }

    /// Says a line of ours.
    pub(in crate::runtime) fn own(&self, line: &str) {
        match self {
            Self::People(_) => self.tell("midflight", &said::read(line.as_bytes())),
            // A platform that is gone cannot be told.
            Self::Platform(_) => drop(self.pass(line.trim_end().as_bytes())),
        }
    }

    /// Says what a connector said, to people.
    pub(in crate::runtime) fn tell(&self, who: &str, said: &Said) {
        match said {
            Said::Text { level, text } => {
                let text = text.strip_prefix("midflight: ").unwrap_or(text);
                self.lines(who, &format!("{level} "), text);
            }
            Said::Error(text) => self.lines(who, "ERROR ", text),
            Said::Status { stream, status } => {
                self.lines(who, "", &format!("stream `{stream}` {status}"));
            }
            // Its configuration holds secrets.
            Said::Config => self.lines(
                who,
                "WARN ",
                "asks for another configuration of itself, which is not kept",
            ),
            Said::Nothing | Said::Foreign => {}
        }
    }

    /// Says a line that a connector wrote to its stderr.
    pub(in crate::runtime) fn stderr(&self, who: &str, line: &[u8]) {
        let line = &line[..line.len().min(STDERR_BYTES_MAX)];
        self.lines(who, "", &said::shown(&String::from_utf8_lossy(line)));
    }

    fn lines(&self, who: &str, before: &str, text: &str) {
        let Self::People(above) = self else {
            return;
        };
        let mut told = String::new();
        for line in text.lines() {
            told.push_str(&format!("{who}: {before}{line}\n"));
        }
        let print = || {
            // Nobody needs to hear of it where stderr is closed.
            let _ = std::io::stderr().lock().write_all(told.as_bytes());
        };
        match above.get() {
            Some(progress) => progress.aside(print),
            None => print(),
        }
    }

    /// Writes a line of the protocol, without its newline, to the platform.
    ///
    /// # Errors
    /// What the output says.
    pub(in crate::runtime) fn pass(&self, line: &[u8]) -> Result<()> {
        let Self::Platform(out) = self else {
            return Ok(());
        };
        out.lines(&mut [IoSlice::new(line), IoSlice::new(b"\n")])
    }
}
