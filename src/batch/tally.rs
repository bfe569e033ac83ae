//! What stages count while they work on a batch; names and numbers only, never values.

use serde::Serialize;

use super::{ColumnId, CursorTally};

/// What stages counted, by column and kind.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tally {
    entries: Vec<(ColumnId, String, u64)>,
    violations: Vec<u64>,
    embedded: Vec<(String, Embedded)>,
    strangers: Vec<(usize, usize, u64)>,
    cursor: Option<CursorTally>,
}

/// What an `embed` stage made.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Embedded {
    /// Records with a text.
    pub texts: u64,
    /// Vectors made of them.
    pub vectors: u64,
}

impl Embedded {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.texts += other.texts;
        self.vectors += other.vectors;
    }
}

impl Tally {
    /// Counts findings of a kind in a column.
    pub fn find(&mut self, column: ColumnId, kind: &str, count: u64) {
        let same = |entry: &&mut (ColumnId, String, u64)| entry.0 == column && entry.1 == kind;
        match self.entries.iter_mut().find(same) {
            Some(entry) => entry.2 += count,
            None => self.entries.push((column, kind.to_owned(), count)),
        }
    }

    /// Counts violations of the stream's rule number `rule`.
    pub fn violate(&mut self, rule: usize, count: u64) {
        if self.violations.len() <= rule {
            self.violations.resize(rule + 1, 0);
        }
        self.violations[rule] += count;
    }

    /// Findings: column, kind, count.
    pub fn findings(&self) -> impl Iterator<Item = (ColumnId, &str, u64)> {
        self.entries.iter().map(|(c, k, n)| (*c, k.as_str(), *n))
    }

    /// Counts texts and vectors of a column or second stream.
    pub fn embed(&mut self, name: &str, texts: u64, vectors: u64) {
        let more = Embedded { texts, vectors };
        match self.embedded.iter_mut().find(|(known, _)| known == name) {
            Some((_, embedded)) => embedded.add(more),
            None => self.embedded.push((name.to_owned(), more)),
        }
    }

    /// What was embedded, by the column or stream it went into.
    pub fn embedded(&self) -> &[(String, Embedded)] {
        &self.embedded
    }

    /// Counts a value that was unlike the sample of its column, both by the number that the stage of this number among
    /// those that search has for it.
    pub fn meet_stranger(&mut self, stage: usize, column: usize) {
        let same = |entry: &&mut (usize, usize, u64)| (entry.0, entry.1) == (stage, column);
        match self.strangers.iter_mut().find(same) {
            Some(entry) => entry.2 += 1,
            None => self.strangers.push((stage, column, 1)),
        }
    }

    /// Values unlike their column's sample: stage, column, count.
    pub fn strangers(&self) -> &[(usize, usize, u64)] {
        &self.strangers
    }

    /// Notes what the stream's cursor holds.
    pub fn follow_cursor(&mut self, cursor: CursorTally) {
        self.cursor = Some(cursor);
    }

    /// What the stream's cursor holds, where somebody wants to know.
    pub fn cursor(&self) -> Option<&CursorTally> {
        self.cursor.as_ref()
    }

    /// Violations per rule.
    pub fn violations(&self) -> &[u64] {
        &self.violations
    }
}
