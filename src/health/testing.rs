//! Runs for tests.

use super::Entry;
use super::entry::{Counts, HeardEntry, Outcome};

/// A run that went well on a day, at noon and without streams.
pub fn daily(day: usize) -> Entry {
    let date = chrono::DateTime::from_timestamp(1_767_225_600 + day as i64 * 86_400 + 43_200, 0);
    Entry {
        version: 1,
        run: format!("run-{day:03}"),
        started: date.expect("a date").to_rfc3339(),
        seconds: 10.0,
        command: "pipe".to_owned(),
        outcome: Outcome::Succeeded,
        observe: false,
        failure: None,
        records: Counts::default(),
        bytes: 0,
        streams: Default::default(),
        heard: HeardEntry::default(),
    }
}
