//! What the values of streams are like, measured: one pass, bounded memory, mergeable.
//!
//! ```text
//!  job: some chunks ──► read ──► Part ──► window (arrival order) ──► Gather ──► form::Profile
//!                       trie, column      one part per job           stream, whole, pairs
//! ```
//!
//! Whatever is counted adds up without rounding and in any order, and jobs are cut at bytes of the input; so a profile
//! does not depend on workers, or on how the input arrives. What is compared with its neighbour (`course`) is joined
//! in the order of jobs. [`form`] is what is written and read again, [`merge`] joins two of them.

mod column;
mod course;
mod distinct;
mod exact;
pub mod form;
mod gather;
mod hash;
mod measured;
pub mod merge;
mod number;
mod pairs;
mod part;
mod personal;
mod read;
mod rows;
pub mod semantic;
mod stream;
mod sum;
mod table;
mod text;
mod trie;
mod whole;

use std::collections::HashMap;
use std::sync::Arc;

use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::state::Descriptor;
use crate::schema::StreamSchema;
use crate::schema::path::{Path, Segment};

pub use gather::{Gather, Lines};
pub use part::Part;
pub use personal::leave_out;
pub use read::Reader;
pub use sum::{bucket_of, middle_of};

/// What is known before the first record.
#[derive(Debug, Default)]
pub struct Settings {
    /// The moment of the run, in microseconds since 1970-01-01T00:00:00Z: what is later lies in the future.
    pub now: i64,
    /// Lines are kept to look for personal data.
    pub keeps_lines: bool,
    facts: HashMap<Descriptor, Arc<Facts>>,
    unknown: Arc<Facts>,
}

/// What the catalog says of a stream.
#[derive(Debug, Default)]
pub struct Facts {
    /// Paths, as they are written.
    pub primary_key: Vec<String>,
    pub cursor: Option<String>,
    pub schema: Option<StreamSchema>,
}

impl Settings {
    /// What a catalog says, at a moment.
    ///
    /// # Errors
    /// `Catalog` when a schema cannot be read.
    pub fn new(catalog: Option<&ConfiguredCatalog>, now: i64) -> crate::error::Result<Self> {
        let mut facts = HashMap::new();
        for stream in catalog.iter().flat_map(|catalog| catalog.streams()) {
            let descriptor = Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            };
            let key = match stream.primary_key.is_empty() {
                true => &stream.source_defined_primary_key,
                false => &stream.primary_key,
            };
            let cursor = match stream.cursor_field.is_empty() {
                true => &stream.default_cursor_field,
                false => &stream.cursor_field,
            };
            let known = Facts {
                primary_key: key.iter().filter_map(|names| path(names)).collect(),
                cursor: path(cursor),
                schema: Some(StreamSchema::from_json_schema(&stream.json_schema)?),
            };
            facts.insert(descriptor, Arc::new(known));
        }
        Ok(Self {
            now,
            keeps_lines: true,
            facts,
            unknown: Arc::default(),
        })
    }

    /// What is known of a stream.
    pub fn facts(&self, stream: &Descriptor) -> Arc<Facts> {
        Arc::clone(self.facts.get(stream).unwrap_or(&self.unknown))
    }
}

fn path(names: &[String]) -> Option<String> {
    let steps = names.iter().map(|name| Segment::Key(name.clone()));
    Path::new(steps.collect()).map(|path| path.to_string())
}
