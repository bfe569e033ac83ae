//! Who is told of a run: lineage, traces and metrics are what their standards say, say what the report says, and hold
//! no values; nobody who does not listen keeps a run from its end.

pub mod lineage;
pub mod metrics;
mod otlp;
mod server;
