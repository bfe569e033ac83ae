//! The arguments of `midflight drift`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Format;

/// Lists every change between two schemas, how bad it is, what is done about it, and the statements that follow.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  midflight drift --before state/catalog.json --now catalog.json\n  midflight drift --before profile.json --now catalog.json --profile-now profile.new.json --dialect postgres\n  midflight drift --before old.json --now new.json --policy hold --policy safe=evolve --format json\n\nExits with 0 where every change is accepted, with 3 where one waits for a person or fails."
)]
pub(in crate::cli) struct Drift {
    /// What held before: a catalog, or a profile.
    #[arg(long, value_name = "FILE")]
    pub before: PathBuf,
    /// The catalog as it is now.
    #[arg(long, value_name = "FILE")]
    pub now: PathBuf,
    /// A profile of the records as they are now: renames and personal data are told by values too.
    #[arg(long, value_name = "FILE")]
    pub profile_now: Option<PathBuf>,
    /// What is done, for all changes or for those of a class, as `hold` or `breaking=discard_value`; may be given
    /// several times. Classes are safe, risky, breaking, keys and personal; answers are evolve, hold, discard_value,
    /// discard_row and fail, for personal mask, drop, hold and fail.
    #[arg(long, value_name = "[CLASS=]ANSWER")]
    pub policy: Vec<String>,
    /// A configuration whose `drift:` says what is done, and whose stages say which columns are classified.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Prints the statements by which the tables of a destination follow.
    #[arg(long, value_enum, value_name = "DIALECT")]
    pub dialect: Option<Dialect>,
    /// The schema or data set of the tables; a stream's namespace if it is not given.
    #[arg(long, value_name = "NAME", requires = "dialect")]
    pub schema: Option<String>,
    /// What the names of the tables begin with.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "dialect"
    )]
    pub table_prefix: String,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The destinations that statements are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Dialect {
    Postgres,
    Snowflake,
    Bigquery,
    Duckdb,
}
