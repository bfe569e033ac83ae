//! The arguments of `midflight report`.

use std::path::PathBuf;

use clap::Args;

/// Draws what a run left in its report folder as one HTML page that needs nothing else.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight pipe --config midflight.yaml --report report < messages.jsonl > clean.jsonl\n  midflight report report && open report/report.html\n\nOf what is there are read: report.json, and history.jsonl, health.json, audit.jsonl, lineage.jsonl."
)]
pub(in crate::cli) struct Report {
    /// The directory that `--report` named.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The history of runs, if not DIR/history.jsonl: a file, a directory, or a URL with s3://, gs://, az:// or abfss://.
    #[arg(long, value_name = "FILE|URL")]
    pub history: Option<String>,
    /// Where the page goes, if not to DIR/report.html; `-` is stdout.
    #[arg(long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
}
