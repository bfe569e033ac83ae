//! `midflight destination kept` and `undo`

use std::path::PathBuf;

use clap::Args;

use super::Format;

/// Lists what a stage has of each stream: the rows that are seen, and those that they replaced, if they are kept.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  midflight destination kept --config destination.json")]
pub(crate) struct DestinationKept {
    /// The destination's configuration, as Airbyte keeps it: `{"stage": "s3://bucket/stage"}`.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Brings back what a sync replaced, for a source that failed and looked like a good one. Run again, it undoes itself.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight destination undo --config destination.json --stream users\n\nOnly syncs that are told no generations keep what they replace, until the next sync. A sync that is writing one of the\nstreams meanwhile is over."
)]
pub(crate) struct DestinationUndo {
    /// The destination's configuration, as Airbyte keeps it: `{"stage": "s3://bucket/stage"}`.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// `namespace.name`, or the name; may be given several times. Without it, all streams of which something is kept.
    #[arg(long, value_name = "STREAM")]
    pub stream: Vec<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
