//! The history of runs: lines of a file, or one object each below a directory or a bucket's prefix.
//!
//! Runs that end at once take turns in a file; objects have names of their own, which begin with when the run started.
//! What is read is bounded: the last runs, and nothing that is no entry.

mod file;
mod objects;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bucket::Bucket;
use crate::error::Result;
use crate::health::Entry;
use crate::plan::config::Keep;

/// The name of the file in the directory of a run's report.
pub const FILE: &str = "history.jsonl";

/// Runs that are looked at, at most.
pub const RUNS: usize = 400;

/// Bytes of one entry.
const ENTRY_BYTES_MAX: usize = 4 << 20;

/// Where the history of runs is.
#[derive(Debug)]
pub enum History {
    File(PathBuf),
    Objects(Bucket),
}

impl History {
    /// The history at a place: a URL, a directory (which exists, or is told by its slash or by having no suffix), or
    /// a file.
    ///
    /// # Errors
    /// `Config` when it is no place.
    pub fn open(to: &str) -> Result<Self> {
        let path = Path::new(to);
        let folder = to.contains("://")
            || to.ends_with('/')
            || path.is_dir()
            || (path.extension().is_none() && !path.is_file());
        Ok(match folder {
            true => Self::Objects(Bucket::open(to, &BTreeMap::new())?),
            false => Self::File(path.to_owned()),
        })
    }

    /// Adds a run, and forgets those that need not be kept.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub fn append(&self, entry: &Entry, keep: Option<Keep>) -> Result<()> {
        match self {
            Self::File(path) => file::append(path, entry, keep),
            Self::Objects(bucket) => objects::append(bucket, entry, keep),
        }
    }

    /// The last runs, the oldest first. What is no entry is passed over: a line that was torn, another version's.
    ///
    /// # Errors
    /// `Input` when there is no history, or it cannot be read.
    pub fn last(&self, runs: usize) -> Result<Vec<Entry>> {
        let mut entries = match self {
            Self::File(path) => file::last(path, runs)?,
            Self::Objects(bucket) => objects::last(bucket, runs)?,
        };
        entries.sort_by(|one, two| {
            let moment = |entry: &Entry| entry.moment().unwrap_or_default();
            let order = moment(one).total_cmp(&moment(two));
            order.then_with(|| one.run.cmp(&two.run))
        });
        Ok(entries)
    }
}

/// Whether an entry is too old to be kept, when a run started at `now`, in seconds since 1970.
fn is_past(keep: Option<Keep>, moment: f64, now: f64) -> bool {
    matches!(keep, Some(Keep::Days(days)) if moment < now - f64::from(days) * 86_400.0)
}
