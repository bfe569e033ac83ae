//! What watched rules found in a batch, row by row: who counts in the order of the input needs more than sums.

/// The findings of one stream's watched rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// Demotions that were known when the rows were judged.
    pub version: u64,
    /// Rows that were not judged, ascending.
    pub passed_over: Vec<u32>,
    /// Row and place of the watched rule that it violates, in the order of the rows.
    pub violations: Vec<(u32, u32)>,
}
