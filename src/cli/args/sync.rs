//! `midflight sync`

use std::path::PathBuf;

use clap::Args;

use super::{Format, RunOptions};

/// Runs a source and a destination, cleans the records between them, and keeps the states.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight sync --source source-faker --source-config source.json \\\n    --destination 'docker run -i -v /syncs:/syncs airbyte/destination-x' --destination-config /syncs/destination.json \\\n    --catalog catalog.json --state state.json --config midflight.yaml --work /syncs\n\ndocs/sync.md has more, and what happens when something fails."
)]
pub(crate) struct Sync {
    /// The source's command, without `read`; words and quotes as in a shell.
    #[arg(long, value_name = "COMMAND")]
    pub source: String,
    /// The destination's command, without `write`.
    #[arg(long, value_name = "COMMAND")]
    pub destination: String,
    /// The source's own configuration.
    #[arg(long, value_name = "FILE")]
    pub source_config: PathBuf,
    /// The destination's own configuration.
    #[arg(long, value_name = "FILE")]
    pub destination_config: PathBuf,
    /// The configured catalog. The destination is given it as the records are when they arrive.
    #[arg(long, value_name = "FILE")]
    pub catalog: PathBuf,
    /// The state file. It is made by the first run; two more files of its name lie beside it.
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// The configuration. Without it, personal data is looked for in every text and redacted.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Takes over a state file that was kept for another command.
    #[arg(long)]
    pub adopt_state: bool,
    /// Temporary files go below this folder: catalogs and states, for connectors in containers that see only some folders.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    #[command(flatten)]
    pub run: RunOptions,
    /// Changes nothing and reports everything.
    #[arg(long)]
    pub observe: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
