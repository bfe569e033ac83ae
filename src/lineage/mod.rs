//! Runs as OpenLineage events: what was read, what was made of it, and how good it was.
//!
//! A run tells of itself twice: [`Story::begun`] before its first record, [`Story::ended`] after its last. Both are made
//! of the plan and of counts, so no value of a record can be in them. Events are plain data here; who is sent them is
//! the business of `runtime`.
//!
//! ```text
//!  plan ──► columns: which column is made of which ─┐
//!  plan ──► schema: columns of both sides           ├─► dataset ─► event
//!  totals ─► quality, tags: counts and kinds        ┘     ▲
//!  configuration, places ─► names ────────────────────────┘
//! ```

mod columns;
mod dataset;
mod event;
mod facet;
mod names;
mod quality;
mod schema;
mod story;
mod tags;

pub use event::{EventType, PRODUCER, RunEvent};
pub use facet::JobRef;
pub use names::{Called, Names, Place, Places};
pub use story::{Parent, Story};
