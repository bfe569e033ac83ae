//! What a plan does because schemas are not those of the last run, and what a run has to tell about it.
//!
//! Made where catalogs are compared; here it is plain data that is compiled and printed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::error::ErrorKind;
use crate::protocol::state::Descriptor;
use crate::schema::LogicalType;
use crate::schema::path::Path;

/// What was found when the catalog was compared with the last run's, and what follows from it.
#[derive(Debug, Clone, Default)]
pub struct Drifted {
    /// What is done to the records of a stream before its own stages.
    pub edits: BTreeMap<Descriptor, Vec<Edit>>,
    /// A sentence for each change.
    pub told: Vec<String>,
    /// The same for programs.
    pub report: Value,
    /// Why no record may be read.
    pub refusal: Option<Refusal>,
    /// What becomes the last run's catalog if this run succeeds.
    pub accepted: Option<Accepted>,
}

/// Why a run does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: ErrorKind,
    pub message: String,
    pub hint: String,
}

/// The catalog as it was accepted, and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub file: PathBuf,
    /// What the file held when it was read; `None` where there was none.
    pub before: Option<String>,
    pub now: String,
}

/// One thing done to records because of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Every record of the stream is left out.
    Discard,
    /// The values are replaced by a placeholder.
    Redact(Path),
    /// The column is left out.
    Remove(Path),
    /// Rows in which the column has a value are rejected; in the others it is left out.
    RejectWhereGiven(Path),
    /// Rows in which the column has no value are rejected.
    RejectWhereMissing(Path),
    /// The column keeps an earlier type: values that do not fit it become null, or their rows are rejected.
    Keep {
        path: Path,
        ty: LogicalType,
        misfit: Misfit,
    },
}

/// What becomes of a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    Null,
    Reject,
}
