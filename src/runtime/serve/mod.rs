//! Answers events of buckets: over HTTP ([`http`]), and inside AWS Lambda through its runtime API ([`lambda`]).
//!
//! ```text
//!  request ──► auth ──► event ──► pool ──► Process ──► answer
//!  invocation ──────────►│        one processing per (place, version), a bounded queue
//!                      Staged
//! ```
//!
//! Every trigger is reduced to [`Staged`] objects. What is done to one is behind [`Process`]; it blocks, and runs on
//! threads of the pool. Events are delivered at least once and in any order, so processing the same object twice
//! must be harmless: the pool only spares the work where it can see the repetition.

mod answer;
pub mod auth;
pub mod event;
pub mod http;
pub mod lambda;
mod log;
mod metrics;
mod order;
mod place;
pub mod pool;
mod reprocess;
mod settings;
mod sns;

use crate::error::Result;

pub use log::Log;
pub use place::Guard;
pub use settings::{Configuration, Settings, configuration, listen, listener};

/// An object that an event speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Staged {
    /// `s3://bucket/key`, `gs://bucket/key`, `abfss://container@account.dfs…/key`; the key as the store has it,
    /// nothing in it is encoded.
    pub url: String,
    /// Its bytes, where the event says so.
    pub size: Option<u64>,
    /// The etag without quotes (S3, Azure) or the generation (GCS).
    pub version: Option<String>,
    /// Tells which of two events of one key is the later one.
    pub sequencer: Option<String>,
}

/// What is done to an object. Calls block and come from several threads at once.
pub trait Process: Send + Sync {
    /// Processes an object. Doing it again, also at the same time elsewhere, must be harmless.
    ///
    /// # Errors
    /// The kind says whether the event is delivered again ([`crate::error::ErrorKind::outcome`]).
    fn process(&self, object: &Staged) -> Result<Outcome>;
}

/// How the processing of an object ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was processed; `rows` were written.
    Done { rows: u64 },
    /// It had been processed before.
    Already,
    /// There is nothing to do, for this reason.
    Skipped(&'static str),
}
