//! Who is told of a run: lineage, traces and metrics are what their standards say, say what the report says, and hold
//! no values; nobody who does not listen keeps a run from its end.

mod lineage;
mod server;
