//! What is known of a stream's columns, and what the configuration fixes of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::decision::{Decision, Verdict, decide};
use super::evidence::{Evidence, Seen};
use super::shape::Shape;
use super::{CHECKPOINTS, COLUMNS_MAX, RECORDS};

/// What a name says: kinds, with their probabilities.
pub type Said = Arc<[(u16, f32)]>;

/// A column's name and what it says, worked out once.
#[derive(Debug, Clone)]
pub struct Place {
    /// The path, as reports name it.
    pub path: Arc<str>,
    /// The words of the name, for the tagger.
    pub words: Arc<str>,
    pub said: Said,
    /// What the configuration fixes.
    pub pinned: Option<Decision>,
}

/// A column's decisions that the configuration fixes, by path.
#[derive(Debug, Clone, Default)]
pub struct Pins(BTreeMap<String, Decision>);

impl Pins {
    /// Fixes a column.
    pub fn set(&mut self, path: &str, decision: Decision) {
        self.0.insert(path.replace("[]", ""), decision);
    }

    /// What is fixed for a column, by its whole path or, where only its end is known, by that.
    pub fn of(&self, path: &str) -> Option<Decision> {
        let path = path.replace("[]", "");
        let exact = self.0.get(&path).copied();
        let ends = |pinned: &&String| {
            let rest = pinned.strip_suffix(path.as_str());
            path.contains('.') && rest.is_some_and(|rest| rest.ends_with('.'))
        };
        exact.or_else(|| {
            let pinned = self.0.keys().find(ends)?;
            self.0.get(pinned).copied()
        })
    }
}

/// A column that has been met in the sample.
#[derive(Debug, Clone)]
pub struct Known {
    pub place: Arc<Place>,
    pub evidence: Evidence,
    pub verdict: Verdict,
}

/// The columns of a stream, after some of its records.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    records: u64,
    columns: Vec<Known>,
    index: HashMap<Arc<str>, usize>,
}

impl Knowledge {
    /// Nothing more is learned.
    pub fn is_settled(&self) -> bool {
        self.records >= RECORDS
    }

    /// Records until the columns are judged again.
    pub fn stretch(&self) -> Option<u64> {
        let next = CHECKPOINTS
            .iter()
            .find(|&&checkpoint| checkpoint > self.records)?;
        Some(next - self.records)
    }

    /// The number of a column.
    pub fn find(&self, path: &str) -> Option<usize> {
        self.index.get(path).copied()
    }

    /// The number of a column that may be new.
    pub fn meet(&mut self, place: &Arc<Place>) -> Option<usize> {
        if let Some(known) = self.find(&place.path) {
            return Some(known);
        }
        if self.columns.len() >= COLUMNS_MAX {
            return None;
        }
        let pinned = |decision| Verdict {
            decision,
            confidence: 1.0,
            records: 0,
        };
        self.columns.push(Known {
            place: Arc::clone(place),
            evidence: Evidence::default(),
            verdict: place.pinned.map_or(Verdict::OPEN, pinned),
        });
        self.index
            .insert(Arc::clone(&place.path), self.columns.len() - 1);
        Some(self.columns.len() - 1)
    }

    /// A column.
    pub fn column(&self, column: usize) -> Option<&Known> {
        self.columns.get(column)
    }

    /// All columns, in the order in which they were met.
    pub fn columns(&self) -> &[Known] {
        &self.columns
    }

    /// Adds a value to a column's sample.
    pub fn learn(&mut self, column: usize, text: &str, shape: Shape, seen: Seen) {
        if let Some(known) = self.columns.get_mut(column) {
            known.evidence.add(text, shape, seen);
        }
    }

    /// Records have been learned from; at a checkpoint, judges what is undecided.
    pub fn advance(&mut self, records: u64) {
        self.records += records;
        if !CHECKPOINTS.contains(&self.records) {
            return;
        }
        for known in &mut self.columns {
            if known.verdict.decision == Decision::Undecided && known.place.pinned.is_none() {
                known.verdict = decide(&known.evidence, &known.place.said, self.records);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_hold_for_paths_and_their_ends() {
        let mut pins = Pins::default();
        pins.set("address.city", Decision::Clean);
        pins.set("contacts[].person.name", Decision::Personal(2));
        for (path, expected) in [
            ("address.city", Some(Decision::Clean)),
            ("contacts[].person.name", Some(Decision::Personal(2))),
            ("person.name", Some(Decision::Personal(2))),
            ("name", None),
            ("city", None),
        ] {
            assert_eq!(pins.of(path), expected, "{path}");
        }
    }
}
