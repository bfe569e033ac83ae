//! The arguments. Parsing does no work, so that `--help` can never fail.

mod audit;
mod destination;
mod drift;
mod health;
mod profile;
mod report;
mod rules;
mod suggest;
mod sync;
mod telling;
mod wrap;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::runtime::{Files, run};

pub(super) use audit::{Audit, AuditAction};
pub(super) use destination::{DestinationKept, DestinationUndo};
pub(super) use drift::{Dialect as DriftDialect, Drift};
pub(super) use health::{Health, RunHistory, Severity, WebhookFormat};
pub(super) use profile::Profile;
pub(super) use report::Report;
pub(super) use rules::{
    Exchanged, GateArguments, Rules, RulesAction, RulesApprove, RulesBacktest, RulesExport,
    RulesImport, RulesRetire, RulesTest, TrialCourse, TrialRows,
};
pub(super) use suggest::Suggest;
pub(super) use sync::Sync;
pub(super) use wrap::Wrap;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed while running: the input breaks the protocol, a mask cannot be applied, reading or writing failed
  2  usage or configuration
  3  a rule with `on_fail: fail`, a limit, or a change of a schema stopped the run
  4  a connector that runs beside midflight failed";

/// Cleans Airbyte records in flight: validates, finds and masks personal data, keeps every other byte.
#[derive(Debug, Parser)]
#[command(name = "midflight", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Pipe(Pipe),
    Sync(Box<Sync>),
    Wrap(Wrap),
    Destination(Destination),
    Batch(Batch),
    Check(Check),
    Explain(Explain),
    Profile(Profile),
    Catalog(Catalog),
    Drift(Drift),
    Health(Health),
    Reveal(Reveal),
    Serve(Serve),
    Models(Models),
    Report(Report),
    Rules(Rules),
    Audit(Audit),
    Suggest(Box<Suggest>),
    /// Prints the completions of a shell.
    #[command(
        after_help = "Example:\n  midflight completions bash > /etc/bash_completion.d/midflight"
    )]
    Completions {
        shell: Shell,
    },
}

/// The files a plan is made of.
#[derive(Debug, Args)]
pub(super) struct PlanFiles {
    /// The configuration. Without it, personal data is looked for in every text and redacted.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The configured catalog of the sync. Needed by stages that read SQL.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
}

impl PlanFiles {
    /// The same for the runtime.
    pub fn files(&self, observe: bool) -> Files {
        Files {
            config: self.config.clone(),
            catalog: self.catalog.clone(),
            observe,
            ..Files::default()
        }
    }
}

/// How a run is carried out, and where it is told.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// Leaves report.json in this directory, and adds to audit.jsonl, history.jsonl and lineage.jsonl there.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub history: RunHistory,
    /// Threads; one per core if not given.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub workers: usize,
    /// Shows no progress line.
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub metrics: telling::Metrics,
    /// Hands a chunk on after this many bytes instead of the default.
    #[arg(long, value_name = "BYTES", hide = true)]
    pub chunk_bytes: Option<usize>,
}

impl RunOptions {
    /// The same for the runtime.
    pub fn options(&self) -> run::Options {
        run::Options {
            report: self.report.clone(),
            workers: self.workers,
            chunk_bytes: self.chunk_bytes,
            progress: !self.no_progress,
            history: self.history.history.clone(),
            outside: true,
            metrics: self.metrics.scraped(),
        }
    }
}

/// Passes protocol messages from stdin to stdout and cleans the records on their way.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  source-faker read --config source.json --catalog catalog.json \\\n    | midflight pipe --config midflight.yaml --catalog catalog.json \\\n    | destination write --config destination.json --catalog catalog.json\n\nWithout a platform (docs/sync.md):\n  midflight catalog --config midflight.yaml --catalog catalog.json > rewritten.json\n  source-faker read --config source.json --catalog catalog.json \\\n    | midflight pipe --standalone --config midflight.yaml --catalog catalog.json \\\n    | destination write --config destination.json --catalog rewritten.json"
)]
pub(super) struct Pipe {
    #[command(flatten)]
    pub plan: PlanFiles,
    #[command(flatten)]
    pub run: RunOptions,
    /// Changes nothing and reports everything.
    #[arg(long)]
    pub observe: bool,
    /// Does what a platform does between a source and a destination: gives STATEs ids, passes RECORDs and STATEs alone,
    /// declares complete streams so at the end. All else goes to stderr.
    #[arg(long)]
    pub standalone: bool,
    /// Which streams are complete when a source that says no statuses ends: all, or none.
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "stated",
        requires = "standalone"
    )]
    pub source_complete: SourceComplete,
}

/// What makes a stream complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SourceComplete {
    /// The end of the source, unless it says statuses. Whether it ended well must be known from elsewhere.
    Always,
    /// The source's own word for it.
    Stated,
}

/// Is an Airbyte destination: loads clean rows into a directory or bucket.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  source-faker read --config source.json --catalog catalog.json \\\n    | midflight destination write --config destination.json --catalog catalog.json"
)]
pub(super) struct Destination {
    #[command(subcommand)]
    pub action: DestinationAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum DestinationAction {
    /// Prints what its configuration may hold.
    #[command(after_help = "Example:\n  midflight destination spec")]
    Spec,
    /// Writes an object where the rows would go, reads it and deletes it.
    #[command(after_help = "Example:\n  midflight destination check --config destination.json")]
    Check {
        /// The destination's configuration, as Airbyte keeps it: `{\"stage\": \"s3://bucket/stage\"}`.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    Write(DestinationWrite),
    Kept(DestinationKept),
    Undo(DestinationUndo),
}

/// Loads the messages of stdin; a STATE is given back on stdout once the rows before it are durable.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight destination write --config destination.json --catalog catalog.json < messages.jsonl"
)]
pub(super) struct DestinationWrite {
    /// The destination's configuration, as Airbyte keeps it: `{\"stage\": \"s3://bucket/stage\"}`.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The configured catalog of the sync.
    #[arg(long, value_name = "FILE")]
    pub catalog: PathBuf,
    #[command(flatten)]
    pub run: RunOptions,
    /// Makes the run all or nothing under this name: repeated with the same input, it counts once.
    #[arg(long = "run", value_name = "NAME")]
    pub name: Option<String>,
}

/// Takes staged files through the same stages, into another stage. What is done is not done again; what has changed
/// replaces its rows.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight batch --config midflight.yaml --from s3://raw/stage --to s3://clean/stage\n  midflight batch --from './stage/**/*.jsonl.gz' --to ./clean --stream users"
)]
pub(super) struct Batch {
    #[command(flatten)]
    pub plan: PlanFiles,
    /// A directory, a URL with s3://, gs://, az:// or abfss://, or a glob below one.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The directory or URL of the stage.
    #[arg(long, value_name = "URL")]
    pub to: String,
    #[command(flatten)]
    pub naming: FileNaming,
    /// Passes over files whose names do not say what they are.
    #[arg(long)]
    pub skip_unknown: bool,
    /// Only objects written after this moment, as 2026-08-21T04:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    #[command(flatten)]
    pub run: RunOptions,
    /// Changes nothing and reports everything.
    #[arg(long)]
    pub observe: bool,
    /// Bytes of a large object that one worker takes.
    #[arg(long, value_name = "BYTES", hide = true)]
    pub share_bytes: Option<u64>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What staged files are, and whose records they hold.
#[derive(Debug, Clone, Args)]
pub(super) struct FileNaming {
    /// All files hold records of this stream. Otherwise folders say so: `<namespace>/<stream>/…` or `<stream>/…`.
    #[arg(long, value_name = "NAME", conflicts_with = "path_pattern")]
    pub stream: Option<String>,
    /// The namespace of that stream.
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub namespace: Option<String>,
    /// How keys below the prefix begin, with ${NAMESPACE}, ${STREAM_NAME}, ${YEAR} and the other variables.
    #[arg(long, value_name = "PATTERN")]
    pub path_pattern: Option<String>,
    /// What every file is, whatever its name says.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub input_format: Option<InputFormat>,
}

/// The formats of staged files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    Jsonl,
    Csv,
    Avro,
    Parquet,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// Reports every problem of a configuration at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight check --config midflight.yaml --catalog catalog.json"
)]
pub(super) struct Check {
    #[command(flatten)]
    pub plan: PlanFiles,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Prints the plan: what is read, what happens to it, and where every column comes from.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight explain --config midflight.yaml --catalog catalog.json --sample messages.jsonl"
)]
pub(super) struct Explain {
    #[command(flatten)]
    pub plan: PlanFiles,
    /// Messages of the source, to show what is decided about their columns and why. Nothing is passed on.
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Prints the configured catalog as the destination must see it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight catalog --config midflight.yaml --catalog catalog.json > destination_catalog.json"
)]
pub(super) struct Catalog {
    #[command(flatten)]
    pub plan: PlanFiles,
}

/// Turns tokens, encrypted values and format-preserving values from stdin, one per line, back.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  echo tok_AQ… | MIDFLIGHT_KEY=… midflight reveal --env MIDFLIGHT_KEY"
)]
pub(super) struct Reveal {
    /// The environment variable that holds the key.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "file",
        required_unless_present = "file"
    )]
    pub env: Option<String>,
    /// The file that holds the key.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The values were made by `fpe` over this alphabet.
    #[arg(long, value_enum, value_name = "ALPHABET")]
    pub fpe: Option<FpeAlphabet>,
}

/// Answers events of buckets over HTTP; inside AWS Lambda it speaks the Lambda runtime API.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example:\n  MIDFLIGHT_SECRET=… midflight serve --config midflight.yaml --listen 0.0.0.0:8080 \\\n    --secret-env MIDFLIGHT_SECRET --allow s3://raw/airbyte\n\nPOST / takes an event, GET /healthz says that the server lives. docs/serverless.md sets up the clouds."
)]
pub(super) struct Serve {
    /// The configuration. Else MIDFLIGHT_CONFIG names it, or MIDFLIGHT_CONFIG_YAML holds it.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The catalog of the objects' streams; else MIDFLIGHT_CATALOG names it. Without it a stream has the columns of
    /// its first object.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// The directory or URL of the stage. Else MIDFLIGHT_TO names it.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    #[command(flatten)]
    pub naming: FileNaming,
    /// Where to listen. If not given: 0.0.0.0:$PORT where PORT is set, else 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The environment variable that holds the secret of those who send events.
    #[arg(long, value_name = "NAME", conflicts_with = "secret_file")]
    pub secret_env: Option<String>,
    /// The file that holds that secret.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Asks nobody for a secret, though others than this machine may reach the server.
    #[arg(long, conflicts_with_all = ["secret_env", "secret_file"])]
    pub no_auth: bool,
    /// Processes only objects below this URL, from which on folders tell streams; may be given several times. Else
    /// MIDFLIGHT_ALLOW names such URLs, with commas between them.
    #[arg(long, value_name = "URL")]
    pub allow: Vec<String>,
    /// Confirms subscriptions of SNS instead of telling how.
    #[arg(long)]
    pub confirm_sns: bool,
    /// Objects processed at once; else MIDFLIGHT_WORKERS says how many, or one per core.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub workers: usize,
    /// Objects that may wait; what comes then is answered with 429.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub queue: usize,
    /// Answers a request after this long with 503, though its work goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = 540)]
    pub answer_within: u64,
    /// Ends this long after SIGTERM, even if work is not finished.
    #[arg(long, value_name = "SECONDS", default_value_t = 9)]
    pub stop_within: u64,
}

/// Lists, fetches and verifies the models, and ONNX Runtime, which runs them.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight models pull --all && midflight models verify\n\nA run fetches what it needs by itself, once. MIDFLIGHT_OFFLINE=1 forbids it."
)]
pub(super) struct Models {
    #[command(subcommand)]
    pub action: ModelsAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ModelsAction {
    /// Prints every model: task, size, licence, and where it is.
    #[command(after_help = "Example:\n  midflight models list")]
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Fetches models, or ONNX Runtime, unless they are here and whole.
    #[command(after_help = "Example:\n  midflight models pull onnxruntime")]
    Pull {
        /// Models, `onnxruntime`, or folders with a manifest.yaml.
        #[arg(value_name = "NAME", required_unless_present = "all")]
        names: Vec<String>,
        /// Everything there is.
        #[arg(long, conflicts_with = "names")]
        all: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Compares every file with its hash, loads ONNX Runtime and runs every model once.
    #[command(after_help = "Example:\n  midflight models verify")]
    Verify {
        /// Models, `onnxruntime`, or folders with a manifest.yaml; everything that is here if not given.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// The alphabets of `fpe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FpeAlphabet {
    Digits,
    Letters,
    Alphanumeric,
}
