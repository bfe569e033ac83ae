//! What a user chose of a catalog that a plan rewrites: not everything that the stages work on is to leave.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::state::Descriptor;

/// A choice of streams and columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Columns that are not to leave, by the names that they would leave with.
    pub left_out: BTreeMap<Descriptor, Vec<String>>,
    /// Streams whose second streams were not chosen.
    pub without_second: BTreeSet<Descriptor>,
    /// Every stream that could be chosen, where that is known.
    pub offered: Option<Vec<Descriptor>>,
}
