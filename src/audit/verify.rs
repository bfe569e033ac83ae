//! Reads a chain line by line and says where it does not hold.

use std::fmt;

use serde::Serialize;

use super::{Head, Link, START};

/// The most faults kept; the rest are counted.
pub const FAULTS_MAX: usize = 100;

/// What is known of a chain from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchor {
    /// The hash of a record that must be there.
    pub head: Option<String>,
    /// At least this many records must be there.
    pub records: Option<u64>,
}

/// One place at which a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; the number of lines for what is missing at the end.
    pub line: u64,
    pub kind: FaultKind,
}

/// What is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum FaultKind {
    /// The line is no record in its one spelling.
    Unreadable,
    /// The line ends without a newline: whoever wrote it was stopped.
    Torn { bytes: u64 },
    /// The line is another than its hash was made of.
    Changed { seq: u64 },
    /// Records before this line are not where they belong.
    Missing { from: u64, to: u64 },
    /// The record was moved here, repeated or inserted.
    Misplaced { seq: u64 },
    /// The record was not made behind the one before it: one of the two was put in.
    Detached { seq: u64 },
    /// The chain ends before the record that is known from elsewhere.
    Shortened,
}

/// What was found in a whole chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its end; of the last record in its place where there are faults.
    pub head: Head,
    pub lines: u64,
    /// The first of them.
    pub faults: Vec<Fault>,
    /// Faults beyond [`FAULTS_MAX`].
    pub left_out: u64,
}

/// Goes along a chain.
#[derive(Debug)]
pub struct Verifier {
    anchor: Anchor,
    anchored: bool,
    seq: u64,
    /// The hash that the next record must name; `None` behind a line that cannot be read.
    hash: Option<String>,
    head: Head,
    lines: u64,
    faults: Vec<Fault>,
    left_out: u64,
}

impl Verifier {
    /// At the beginning of a chain.
    pub fn new(anchor: Anchor) -> Self {
        Self {
            anchored: anchor.head.is_none(),
            anchor,
            seq: 0,
            hash: Some(START.to_owned()),
            head: Head::default(),
            lines: 0,
            faults: Vec::new(),
            left_out: 0,
        }
    }

    /// The next line, without its newline.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        let Some(link) = Link::read(line) else {
            self.fault(FaultKind::Unreadable);
            self.hash = None;
            return;
        };
        let seq = link.seq;
        if !link.is_whole() {
            self.fault(FaultKind::Changed { seq });
        }
        if seq <= self.seq {
            self.fault(FaultKind::Misplaced { seq });
            return;
        }
        // A line that cannot be read stood for one record.
        let next = self.seq + 1 + u64::from(self.hash.is_none());
        if seq > next {
            self.fault(FaultKind::Missing {
                from: next,
                to: seq - 1,
            });
        } else if self
            .hash
            .as_ref()
            .is_some_and(|hash| *hash != link.previous)
        {
            self.fault(FaultKind::Detached { seq });
        }
        self.anchored |= link.is_whole() && self.anchor.head.as_ref() == Some(&link.hash);
        self.seq = seq;
        self.head = link.head();
        self.hash = Some(link.hash);
    }

    /// What stands behind the last newline.
    pub fn torn(&mut self, bytes: u64) {
        self.lines += 1;
        self.fault(FaultKind::Torn { bytes });
    }

    /// The end of the file.
    pub fn finish(mut self) -> Verified {
        let few = self.anchor.records.is_some_and(|least| self.seq < least);
        if few || !self.anchored {
            self.fault(FaultKind::Shortened);
        }
        Verified {
            head: self.head,
            lines: self.lines,
            faults: self.faults,
            left_out: self.left_out,
        }
    }

    fn fault(&mut self, kind: FaultKind) {
        if self.faults.len() < FAULTS_MAX {
            let line = self.lines;
            self.faults.push(Fault { line, kind });
        } else {
            self.left_out += 1;
        }
    }
}

impl Verified {
    /// Whether the chain holds.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }
}

/// `line 7: record 7 was changed`
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: ", self.line)?;
        match &self.kind {
            FaultKind::Unreadable => write!(out, "this is no record"),
            FaultKind::Torn { bytes } => write!(
                out,
                "{bytes} bytes without a newline: a run was stopped while it wrote a record"
            ),
            FaultKind::Changed { seq } => write!(out, "record {seq} was changed"),
            FaultKind::Missing { from, to } if from == to => {
                write!(out, "record {from} is missing before this line")
            }
            FaultKind::Missing { from, to } => {
                write!(out, "records {from} to {to} are missing before this line")
            }
            FaultKind::Misplaced { seq } => {
                write!(out, "record {seq} was moved here, repeated or inserted")
            }
            FaultKind::Detached { seq } => write!(
                out,
                "record {seq} was not written behind the record before it: one of them was put in"
            ),
            FaultKind::Shortened => {
                write!(
                    out,
                    "the chain ends before the record it is to be compared with"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
