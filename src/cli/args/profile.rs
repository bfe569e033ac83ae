//! The arguments of `midflight profile`.

use std::path::PathBuf;

use clap::Args;

use super::{FileNaming, Format};

/// Measures what the values of every column are like, from messages on stdin or from staged files.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  source-faker read --config source.json --catalog catalog.json \\\n    | midflight profile --catalog catalog.json --out profile.json\n  midflight profile --from s3://raw/stage --out profile.json\n  midflight profile --merge profile.json --out profile.json < today.jsonl\n\ndocs/profile.md says what each number means."
)]
pub(in crate::cli) struct Profile {
    /// The configured catalog: primary keys, cursors, declared types.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// The configuration whose stages look for personal data. Without it, every text is searched.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Staged files instead of messages: a directory, a URL with s3://, gs://, az:// or abfss://, or a glob below one;
    /// may be given several times.
    #[arg(long, value_name = "URL")]
    pub from: Vec<String>,
    #[command(flatten)]
    pub naming: FileNaming,
    /// An earlier profile, to which this one is added: its slices come first.
    #[arg(long, value_name = "FILE")]
    pub merge: Option<PathBuf>,
    /// Writes the profile here, as JSON. Otherwise it is printed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Finds personal data by its form alone, without models.
    #[arg(long)]
    pub no_models: bool,
    /// Threads; one per core if not given.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub workers: usize,
    /// Shows no progress line.
    #[arg(long)]
    pub no_progress: bool,
    /// What is printed: the profile itself, or a table of it. With --out, nothing is printed unless this is given.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Cuts chunks at this many bytes instead of the default.
    #[arg(long, value_name = "BYTES", hide = true)]
    pub chunk_bytes: Option<usize>,
}
