//! The arguments of `midflight health`, and where runs leave their history.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Format;

/// Where a run leaves what it did.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunHistory {
    /// Adds what the run did to this history: a file of JSON lines, a directory, or a URL with s3://, gs://, az:// or
    /// abfss://. Without it, where the configuration says; else history.jsonl beside the report.
    #[arg(long, value_name = "FILE|URL")]
    pub history: Option<String>,
}

/// Tells what is unusual about a run, how fresh its streams are, how reliable runs have been, and why it failed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  midflight health --history runs.jsonl\n  midflight health --history s3://bucket/history --format json --fail-on warning\n\nExits with 0, and with 3 when the run failed or has an anomaly at or above `--fail-on`."
)]
pub(in crate::cli) struct Health {
    /// The history: a file of JSON lines, a directory, or a URL.
    #[arg(long, value_name = "FILE|URL")]
    pub history: String,
    /// The run to look at: its id, or the beginning of it, or `last`.
    #[arg(long, value_name = "ID", default_value = "last")]
    pub run: String,
    /// Exits with 3 when the run failed, or something at least this bad was found.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Leaves health.json in this directory.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Sends what was found to the address in this environment variable.
    #[arg(long, value_name = "VARIABLE")]
    pub webhook_env: Option<String>,
    /// What is sent.
    #[arg(long, value_enum, default_value_t = WebhookFormat::Generic, requires = "webhook_env")]
    pub webhook_format: WebhookFormat,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How bad an anomaly is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Severity {
    Notice,
    Warning,
    Critical,
}

/// What is sent to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WebhookFormat {
    Generic,
    Slack,
}
