//! midflight cleans Airbyte records on their way: one record's trip, and the modules in its order.
//!
//! ```text
//!  chunk of lines                                                    the same lines, only
//!  (bytes)                                                           touched values differ
//!     │                                                                      ▲
//!     ▼                                                                      │
//!  protocol ──► decode ──► Batch ──► stage, stage, … ──► sink::lines ──► window (arrival order)
//!     │         only the columns     filter check mask       │               │
//!     │         the plan reads       detect cast derive …    └► sink::reject │
//!     └─ STATE, TRACE, LOG keep their place; a STATE leaves with true counts ┘ checkpoint
//!
//!  staged files ──► runtime::staged ──► the same lines          sink::rows ──► sink::table ──► runtime::stage
//!                                                              (instead of sink::lines: Parquet, then a commit)
//! ```
//!
//! A module uses only modules to its left:
//!
//! `error · document · protocol · schema · batch · decode · model · detect · stage · sink · plan ·
//! checkpoint · window · pipeline · report · audit · profile · trial · suggest · drift · exchange ·
//! health · lineage · telemetry · page · runtime · cli`
//!
//! [`pipeline::process`] is the whole engine: a pure function from a chunk of lines to what leaves. Only
//! [`runtime`] and [`cli`] know files, processes and threads.

pub mod error;

// What things are.
pub mod document;
pub mod protocol;
pub mod schema;

// The trip.
pub mod batch;
pub mod decode;
pub mod detect;
pub mod model;
pub mod sink;
pub mod stage;

// Deciding and running.
pub mod checkpoint;
pub mod pipeline;
pub mod plan;
pub mod window;

// Telling.
pub mod audit;
pub mod report;

// The life of a rule.
pub mod drift;
pub mod exchange;
pub mod profile;
pub mod suggest;
pub mod trial;

// Who is told of a run.
pub mod health;
pub mod lineage;
pub mod page;
pub mod telemetry;

// Where it runs.
pub mod cli;
pub mod runtime;
