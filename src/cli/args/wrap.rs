//! The arguments of `midflight wrap`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::RunOptions;

/// Is an Airbyte source that runs another one, and cleans the records on their way out of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight wrap --config midflight.yaml -- source-faker read --config source.json --catalog catalog.json\n\nIn an image: AIRBYTE_ENTRYPOINT=\"/usr/local/bin/midflight wrap -- python /airbyte/integration_code/main.py\"\n\nThe source's configuration may hold the key `midflight`: {\"config\": \"the text of a midflight.yaml\", \"secrets\":\n[{\"name\": …, \"value\": …}]}. `spec` asks for it, and the source itself never sees it.\n\nThe exit code of a source that failed is ours too."
)]
pub(in crate::cli) struct Wrap {
    /// The configuration. With it the form only asks for secrets, and cannot change what happens to the records.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the source's own `discover` printed. Without it `read` asks the source where columns are removed or change
    /// their type.
    #[arg(long, value_name = "FILE")]
    pub source_catalog: Option<PathBuf>,
    /// Changes nothing and reports everything.
    #[arg(long)]
    pub observe: bool,
    /// How long the source may take to end once it was asked to.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub grace: u64,
    #[command(flatten)]
    pub run: RunOptions,
    /// The source's own command, and behind it spec, check, discover or read with Airbyte's arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
