//! Which of two events of one key is the later one.
//!
//! Senders give each event of a key a sequencer. They compare as text once the shorter is filled up with zeros, as
//! S3 says; Azure's compare as text, and a generation of GCS is written with all its digits. What is remembered is
//! bounded: of keys that were forgotten, the store itself must say what is newest.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

/// Keys that are remembered, at most.
const KEYS: usize = 10_000;

/// The latest event that was processed, by key.
#[derive(Debug, Default)]
pub(super) struct Latest {
    sequencers: HashMap<String, String>,
    /// The keys as they came, the oldest first.
    keys: VecDeque<String>,
}

impl Latest {
    /// Whether a later event of this key was processed.
    pub fn overtaken(&self, key: &str, sequencer: Option<&str>) -> bool {
        match (self.sequencers.get(key), sequencer) {
            (Some(latest), Some(sequencer)) => compare(sequencer, latest).is_lt(),
            _ => false,
        }
    }

    /// Remembers that this event was processed.
    pub fn note(&mut self, key: &str, sequencer: Option<&str>) {
        let Some(sequencer) = sequencer else { return };
        if let Some(latest) = self.sequencers.get_mut(key) {
            if compare(latest, sequencer).is_lt() {
                sequencer.clone_into(latest);
            }
            return;
        }
        if self.keys.len() == KEYS
            && let Some(oldest) = self.keys.pop_front()
        {
            self.sequencers.remove(&oldest);
        }
        self.keys.push_back(key.to_owned());
        self.sequencers.insert(key.to_owned(), sequencer.to_owned());
    }
}

fn compare(one: &str, other: &str) -> Ordering {
    let length = one.len().max(other.len());
    let filled = |text: &str| format!("{text:0<length$}");
    filled(one).cmp(&filled(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_event_is_overtaken() {
        let mut latest = Latest::default();
        assert!(!latest.overtaken("k", Some("0055")));
        latest.note("k", Some("0055AED6"));
        assert!(latest.overtaken("k", Some("0055")));
        assert!(latest.overtaken("k", Some("0054FF")));
        for same_or_later in [
            Some("0055AED6"),
            Some("0055AED600"),
            Some("0055AED601"),
            None,
        ] {
            assert!(!latest.overtaken("k", same_or_later), "{same_or_later:?}");
        }
        assert!(!latest.overtaken("other", Some("0000")));
        latest.note("k", Some("0001"));
        assert!(latest.overtaken("k", Some("0055")), "the latest stays");
    }

    #[test]
    fn the_oldest_keys_are_forgotten() {
        let mut latest = Latest::default();
        for key in 0..=KEYS {
            latest.note(&key.to_string(), Some("5"));
        }
        assert!(!latest.overtaken("0", Some("4")));
        assert!(latest.overtaken("1", Some("4")));
        assert_eq!(latest.sequencers.len(), KEYS);
    }
}
