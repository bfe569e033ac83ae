//! One record of a batch: its places in the chunk and its fate.

use crate::protocol::frame::Span;

/// A record.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The line without its newline.
    pub line: Span,
    /// The object `data`; `None` when it is null.
    pub data: Option<Span>,
    /// The value of `meta`, if the record has one.
    pub meta: Option<Span>,
    /// Closing brace of `record`.
    pub close: u32,
    /// Members of `data`.
    pub members: u32,
    /// What shall become of the record.
    pub fate: Fate,
}

/// The three ways a record can leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Keep,
    Filtered,
    Rejected,
}

/// Why a record was rejected. Names and codes only, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub row: usize,
    /// The rule's id, or the stage that could not be applied.
    pub rule: String,
    pub fingerprint: Option<String>,
    pub severity: &'static str,
    /// `violated`, `type_mismatch`, `evaluation_error`, …
    pub code: &'static str,
}

/// A field that became null on the way, for `meta.changes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub row: usize,
    pub field: String,
}
