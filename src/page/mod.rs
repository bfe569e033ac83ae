//! The report of a run as one HTML page that needs nothing else: no network, no font, no script to be read.
//!
//! [`Sources`] (the texts of the files of a report folder) become a [`Page`] (every text and shape that is shown), and
//! that becomes HTML. Names come from outside: the template engine escapes them all, and nothing is marked as safe but the
//! style sheet and the script that this program brings, which the page's own policy names by their hashes.

mod draw;
mod html;
mod read;
mod view;
mod words;

pub use read::history::RUNS_MAX;
pub use view::Page;

/// The texts of what a run left, and of its history.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    pub report: String,
    /// Lines, one run each.
    pub history: Option<String>,
    pub health: Option<String>,
    pub audit: Option<AuditLog>,
    /// Lines, one event each.
    pub lineage: Option<String>,
    /// What a reader should know of how these were read.
    pub notes: Vec<String>,
}

/// What lies beside the report as `audit.jsonl`.
#[derive(Debug, Clone)]
pub struct AuditLog {
    /// The lines of the latest run, or all.
    pub latest: String,
    pub chain: Chain,
}

/// What became of checking the chain of the audit log.
#[derive(Debug, Clone, Copy)]
pub struct Chain {
    pub records: u64,
    pub faults: usize,
    /// Whether it holds the record that the report names.
    pub has_head: bool,
}
