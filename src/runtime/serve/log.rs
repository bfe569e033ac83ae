//! What a server tells whoever runs it: one line of JSON each, as the clouds' logs read them.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde_json::json;

/// Where lines go. Clones write to the same place.
#[derive(Clone)]
pub struct Log(Arc<Mutex<dyn Write + Send>>);

impl Log {
    /// Lines to stderr.
    pub fn stderr() -> Self {
        Self::to(std::io::stderr())
    }

    /// Lines to this writer.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    /// Tells what happens in the course of things.
    pub(super) fn info(&self, message: &str) {
        self.write("INFO", message);
    }

    /// Tells what somebody should look at.
    pub(super) fn warn(&self, message: &str) {
        self.write("WARNING", message);
    }

    fn write(&self, severity: &str, message: &str) {
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = json!({"time": time, "severity": severity, "message": message});
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that is gone cannot be told.
        let _ = writeln!(writer, "{line}").and_then(|()| writer.flush());
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Log")
    }
}
