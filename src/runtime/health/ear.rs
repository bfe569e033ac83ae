//! What a run hears, shared by whoever reads from a connector.

use std::sync::{Arc, Mutex, PoisonError};

use crate::health::{Heard, Origin};

/// A handle on what one run has heard.
#[derive(Debug, Clone, Default)]
pub struct Ear(Arc<Mutex<Heard>>);

impl Ear {
    /// Hears a message that is neither a record nor a state, by its line.
    pub fn line(&self, origin: Origin, line: &[u8]) {
        self.with(|heard| heard.hear_line(origin, line));
    }

    /// Hears a line of a connector's stderr.
    pub fn text(&self, origin: Origin, text: &str) {
        self.with(|heard| heard.hear_text(origin, text));
    }

    /// Hears how a connector ended: its exit code, 128 and more for a signal.
    pub fn exit(&self, origin: Origin, code: i32) {
        self.with(|heard| heard.hear_exit(origin, code));
    }

    /// What was heard so far.
    pub fn with<T>(&self, what: impl FnOnce(&mut Heard) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
