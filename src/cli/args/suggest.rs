//! The arguments of `midflight suggest`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, GateArguments, TrialCourse, TrialRows};

/// Proposes rules from profiles. They are written as `proposed`: they count, and change nothing until a person approves.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  midflight suggest --profile profile.json --catalog catalog.json --data messages.jsonl --rules rules/\n  midflight suggest --profile profile.json --rules rules/ --catalogue ai.yaml \\\n    --llm-url http://127.0.0.1:11434/v1 --llm-model qwen2.5:7b\n\ndocs/governance.md says what leaves the process."
)]
pub(in crate::cli) struct Suggest {
    /// Profiles, as `midflight profile` writes them.
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "evaluate")]
    pub profile: Vec<PathBuf>,
    /// The folder of rule files. Rules of a stream are added to its file; a new file is called after the stream.
    #[arg(long, value_name = "DIR", conflicts_with = "into")]
    pub rules: Option<PathBuf>,
    /// The rule file to which the rules are added, or a new one. Without a place they are printed only.
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
    /// The configured catalog, for types that the profile lacks.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// Rows that proposals are tried on first: what fires on them, or adds nothing, is dropped; the rest has evidence.
    #[command(flatten)]
    pub rows: TrialRows,
    #[command(flatten)]
    pub gate: GateArguments,
    #[command(flatten)]
    pub course: TrialCourse,
    /// Changes no rule file.
    #[arg(long)]
    pub dry_run: bool,
    /// The log of what was sent, answered and proposed; else audit.jsonl beside the rules.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    #[command(flatten)]
    pub llm: Llm,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A language model that proposes rules too.
#[derive(Debug, Args)]
pub(in crate::cli) struct Llm {
    /// An OpenAI-compatible endpoint: what stands before /chat/completions.
    #[arg(
        long,
        value_name = "URL",
        requires = "llm_model",
        help_heading = "Language model"
    )]
    pub llm_url: Option<String>,
    /// The model's name there.
    #[arg(
        long,
        value_name = "NAME",
        requires = "llm_url",
        help_heading = "Language model"
    )]
    pub llm_model: Option<String>,
    /// The environment variable that holds the key.
    #[arg(
        long,
        value_name = "NAME",
        requires = "llm_url",
        help_heading = "Language model"
    )]
    pub llm_key_env: Option<String>,
    /// Who runs it, as a word for records.
    #[arg(
        long,
        value_name = "WORD",
        requires = "llm_url",
        help_heading = "Language model"
    )]
    pub llm_provider: Option<String>,
    /// How long an answer is waited for.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        help_heading = "Language model"
    )]
    pub llm_timeout: u64,
    /// Tokens that the run may take, of questions and answers together.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200_000,
        help_heading = "Language model"
    )]
    pub token_budget: u64,
    /// The prompt, with its version or an alias of the registry.
    #[arg(long, value_name = "NAME", default_value = crate::suggest::llm::prompt::DEFAULT, help_heading = "Language model")]
    pub prompt: String,
    /// A folder of prompts with its registry.yaml, instead of those that come with the program.
    #[arg(long, value_name = "DIR", help_heading = "Language model")]
    pub prompts: Option<PathBuf>,
    /// Files that say which streams and columns may be described; the first that knows a stream answers.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Language model")]
    pub catalogue: Vec<PathBuf>,
    /// The configuration whose `catalogue:` says so.
    #[arg(
        long,
        short,
        value_name = "FILE",
        conflicts_with = "catalogue",
        help_heading = "Language model"
    )]
    pub config: Option<PathBuf>,
    /// Describes streams though no catalogue says that they may be; goes on record as your decision.
    #[arg(long, conflicts_with_all = ["catalogue", "config"], help_heading = "Language model")]
    pub without_catalogue: bool,
    /// Prints what would be sent, and sends nothing.
    #[arg(long, help_heading = "Language model")]
    pub show_payload: bool,
    /// Runs the evaluation of a prompt against the model and prints its score; exit code 3 below 1.
    #[arg(long, value_name = "FILE", requires = "llm_url", conflicts_with_all = ["profile", "rules", "into"], help_heading = "Language model")]
    pub evaluate: Option<PathBuf>,
}
