//! The arguments of `midflight rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{FileNaming, Format};

/// The life of rules: what there is, whether it makes sense, what it does to real rows, who approved it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight rules test rules/*.rules.yaml --catalog catalog.json\n  midflight rules backtest rules/users.rules.yaml --data messages.jsonl --write\n  midflight rules approve rules/users.rules.yaml users_age_range --by a.martin\n\ndocs/rules.md tells the whole life of a rule."
)]
pub(in crate::cli) struct Rules {
    #[command(subcommand)]
    pub action: RulesAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RulesAction {
    /// Prints every rule: what it demands, how far it has come, what it may do, the evidence for it.
    #[command(after_help = "Example:\n  midflight rules list rules/*.rules.yaml")]
    List {
        /// Rule files.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    Test(RulesTest),
    Backtest(RulesBacktest),
    Approve(RulesApprove),
    Retire(RulesRetire),
}

/// Whether rules make sense: they parse, their columns are there, their own tests pass.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight rules test rules/*.rules.yaml --catalog catalog.json --config midflight.yaml\n\nWithout a catalog, columns have the types of the values in a rule's own tests.\nExit code 3 when a rule falls short, 2 when a file cannot be read."
)]
pub(in crate::cli) struct RulesTest {
    /// Rule files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The configured catalog of the sync.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// The configuration that names the rule files: rules about columns that are masked before are found.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Tries rules on real rows, in the order of time, and on rows with errors put into them.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight rules backtest rules/users.rules.yaml --data messages.jsonl --catalog catalog.json --write\n  midflight rules backtest rules/users.rules.yaml --from 's3://raw/users/**/*.jsonl.gz' --stream users\n\nWithout --data and --from, messages are read from stdin.\nExit code 3 when a rule falls short."
)]
pub(in crate::cli) struct RulesBacktest {
    /// Rule files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub rows: TrialRows,
    /// The configured catalog of the sync. Without it the types of columns are told from the first rows.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    #[command(flatten)]
    pub gate: GateArguments,
    #[command(flatten)]
    pub course: TrialCourse,
    /// Writes the evidence into the rule files; everything else of them keeps its bytes.
    #[arg(long)]
    pub write: bool,
    /// Where a trial whose evidence is written is put on record; audit.jsonl beside the rule file if not given.
    #[arg(long, value_name = "FILE", requires = "write")]
    pub audit: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Rows that rules are tried on.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct TrialRows {
    /// Messages of a source, as it wrote them.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub data: Option<PathBuf>,
    /// Staged files: a directory, a URL with s3://, gs://, az:// or abfss://, or a glob below one.
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    #[command(flatten)]
    pub naming: FileNaming,
    /// Passes over files whose names do not say what they are.
    #[arg(long, requires = "from")]
    pub skip_unknown: bool,
}

/// How rules are tried.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct TrialCourse {
    /// At least so many stretches of the input are looked at each by itself.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=50))]
    pub folds: u16,
    /// What errors are drawn with; the same seed gives the same errors.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u32,
}

/// What evidence must show.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct GateArguments {
    /// The share of rows that may violate a rule, as an upper bound at 95 %.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001, value_parser = share)]
    pub tolerance: f64,
    /// Fewer rows are not enough evidence.
    #[arg(long, value_name = "N", default_value_t = 4_000)]
    pub min_rows: u64,
}

/// Approves rules on valid evidence, by a person's word.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight rules approve rules/users.rules.yaml users_age_range --by a.martin --note 'confirmed with CRM owner'\n  midflight rules approve rules/users.rules.yaml users_age_range --by a.martin --enforce\n\nExit code 3 when something speaks against it; then nothing is written."
)]
pub(in crate::cli) struct RulesApprove {
    /// The rule file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The rules.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Who approves.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The step from approved to enforced: the rule may do what its `on_fail` asks for.
    #[arg(long)]
    pub enforce: bool,
    /// Asks for no evidence; the note says why.
    #[arg(long, requires = "note")]
    pub without_evidence: bool,
    #[command(flatten)]
    pub gate: GateArguments,
    /// The configured catalog of the sync, for the rules' own tests.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// Where the approval is put on record; audit.jsonl beside the rule file if not given.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Takes rules out of use.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight rules retire rules/users.rules.yaml users_height --by a.martin --note 'the column is gone'"
)]
pub(in crate::cli) struct RulesRetire {
    /// The rule file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The rules.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Who decides.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub note: String,
    /// Where the decision is put on record; audit.jsonl beside the rule file if not given.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    match share {
        Some(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("a share lies between 0 and 1, as 0.001".to_owned()),
    }
}
