//! The Open Data Contract Standard 3.1: quality of objects and their properties.
//!
//! A rule about one column is a property's, another one the object's. Nulls, sets, patterns and duplicates are the
//! standard's own metrics; everything else is a query that counts the rows that fail.

mod export;
mod import;

pub(super) use export::export;
pub(super) use import::import;

/// What the query of a rule begins with; behind it stands `NOT (…)`.
const COUNTS: &str = "SELECT COUNT(*) FROM {object} WHERE ";

/// Names of custom properties.
const FINGERPRINT: &str = "midflightFingerprint";
const STATUS: &str = "midflightStatus";
const ON_FAIL: &str = "midflightOnFail";
const COLUMNS: &str = "midflightColumns";
const EVIDENCE: &str = "midflightEvidence";
