//! What was decided, by whom and on what evidence: records in a chain, each holding the hash of the one before it.
//!
//! ```text
//! {"at":"…","hash":"…","kind":"llm_call","payload":{…},"previous":"…","seq":7}
//!              │                                          └ the `hash` of record 6
//!              └ SHA-256 of the line without `hash`
//! ```
//!
//! A line that was changed, dropped, inserted or moved breaks the chain where it stood. Only the end can go missing
//! unnoticed; the hash of the last record, kept elsewhere, is the anchor against that. Records hold names, counts,
//! hashes and codes, never values of cells, keys, prompts' payloads or answers.

mod chain;
mod json;
mod record;
pub mod run;
mod verify;

pub use chain::{Head, LINE_BYTES_MAX, Link, START, seal};
pub use json::canonical;
pub use record::{Kind, Record};
pub use verify::{Anchor, FAULTS_MAX, Fault, FaultKind, Verified, Verifier};
