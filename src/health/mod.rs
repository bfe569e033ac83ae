//! Health from what passes by: what a run leaves in the history, what it heard of failures, what is unusual about it.
//!
//! ```text
//!  a run's totals, what it heard ──► Entry ──► the history
//!  the history ──► anomaly (streams, metrics, cursors) ─┐
//!              ──► freshness, reliability ──────────────┼──► Health ──► health.json, text, a webhook's body
//!  messages ──► failures (classes as data) ─► Heard ────┘
//! ```
//!
//! Pure: knows neither files nor the clock. Nothing here holds a value of a record, or the text of a message.

pub mod anomaly;
pub mod entry;
pub mod failures;
pub mod freshness;
pub mod heard;
pub mod reliability;
mod report;
#[cfg(test)]
mod testing;

pub use entry::{Entry, HISTORY_VERSION};
pub use heard::{Heard, Origin};
pub use report::{Diagnosis, Health};
