//! What has changed between two schemas, how bad that is, and the statements that follow it.
//!
//! ```text
//!  catalog or profile, before ┐
//!                             ├─► shape ─► compare ─► changes ─► decide ─► edits of the plan
//!  catalog, now ──────────────┘                          │         │
//!                                                        ▼         ▼
//!                                                 ddl: statements  accept: the catalog to compare with next time
//! ```
//!
//! Everything here is a function of its arguments; where catalogs are kept is the business of `runtime`.

mod accept;
mod change;
mod classified;
mod compare;
pub mod ddl;
mod decide;
mod measured;
mod personal;
mod relation;
mod rename;
mod seen;
mod shape;
mod table;

pub use accept::accepted;
pub use change::{Change, Kind, Personal, Witness};
pub use classified::clear;
pub use compare::compare;
pub use decide::{Decision, decide, edits};
pub use shape::Shape;
pub use table::{Told, to_json, to_text};
