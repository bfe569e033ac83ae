//! The arguments of `midflight audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

/// Verifies the chain of records that runs, suggestions and approvals leave.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  midflight audit verify report/audit.jsonl")]
pub(in crate::cli) struct Audit {
    #[command(subcommand)]
    pub action: AuditAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditAction {
    /// Finds records that were changed, dropped, inserted or moved. Prints the number of records and the hash of
    /// the last; keep those elsewhere, and give them the next time, so that a missing end is found too.
    #[command(
        after_help = "Example:\n  midflight audit verify report/audit.jsonl --records 12\n\nExit code 3 when the chain does not hold."
    )]
    Verify {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The hash of a record that must be there, as an earlier `verify` or a report told it.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
        /// At least this many records must be there.
        #[arg(long, value_name = "N")]
        records: Option<u64>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Cuts off a torn last line, which a run that was killed may leave, and adds a record of that.
    #[command(after_help = "Example:\n  midflight audit mend report/audit.jsonl")]
    Mend {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
