//! The configuration file as plain data: read strictly, every problem at once.
//!
//! Says what was asked for and nothing about whether it can be done: columns, types and kinds of
//! personal data are checked when the plan is compiled against a catalog.

mod catalogue;
mod classify;
mod column;
mod drift;
mod embed;
mod health;
mod history;
mod lineage;
mod operator;
mod pattern;
mod read;
mod split;
mod stage;
mod stages;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

pub use catalogue::{CacheSpec, CatalogueFrom, CatalogueSpec, Server};
pub(super) use column::read_paths;
pub use drift::{ANSWERS, Answer, Class, DriftConfig, DriftPolicy, PERSONAL};
pub use health::{Alerts, HealthConfig, Occasion, Webhook, WebhookFormat};
pub use history::{HistoryConfig, Keep};
pub use lineage::{DatasetNames, LineageConfig};
pub(super) use pattern::matches_glob;
pub use pattern::{Rank, StreamPattern};
pub(super) use read::{read_fraction, read_name, read_pattern, read_sql, read_version};
pub(super) use stages::TYPES;

use read::{FOREIGN_LINES, Scope, UNLISTED};

use crate::document::{self, Fields, Position, Problems};
use crate::plan::keys::KeySource;
use crate::sink::spec::{PartSpec, TableOptions};
use crate::stage::spec::StageSpec;

/// The most streams of one configuration.
pub const STREAMS_MAX: usize = 1_000;
/// The most stages of one stream, each column of a `mask` counting as one.
pub const STAGES_MAX: usize = 200;
/// The longest SQL expression, in bytes.
pub const SQL_BYTES_MAX: usize = 10_000;
/// The most columns one stage or rule may name.
pub const COLUMNS_MAX: usize = 1_000;
/// The longest name or path, in bytes.
pub const NAME_BYTES_MAX: usize = 1_000;

/// A whole configuration file.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The version of the format; 1.
    pub version: u32,
    /// Where each key comes from, by its name.
    pub keys: BTreeMap<String, KeySource>,
    /// What happens to streams and columns the file does not name.
    pub unlisted: Unlisted,
    /// The streams in the order of the file.
    pub streams: Vec<StreamConfig>,
    /// Where rejected rows go; without it, what would be rejected stops the run.
    pub reject: Option<RejectConfig>,
    /// What happens to text lines that are not JSON.
    pub foreign_lines: ForeignLines,
    /// The longest line accepted, in bytes; `None` for the default of the reader.
    pub max_line_bytes: Option<u64>,
    /// The model that finds what has no form.
    pub tagger: TaggerChoice,
    /// How parts of a stage are written.
    pub stage: PartSpec,
    /// Who says what may be shown to a model.
    pub catalogue: Option<CatalogueSpec>,
    /// What happens when schemas are not those of the last run; without it, nothing is compared.
    pub drift: Option<DriftConfig>,
    /// Where runs leave what they did.
    pub history: Option<HistoryConfig>,
    /// Who is told of a run that is unusual or has failed.
    pub health: Option<HealthConfig>,
    /// What a run and its datasets are called where lineage is told.
    pub lineage: Option<LineageConfig>,
    /// A wrapped destination is told that streams are complete that replace earlier rows, though nobody said so.
    pub assume_complete: bool,
}

/// Which tagger searches texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TaggerChoice {
    /// The one built into the program.
    #[default]
    Builtin,
    /// None: only recognisers search.
    None,
    /// The model of a folder with a manifest, as written.
    Folder(PathBuf),
}

/// What happens to a stream or a column that the configuration does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// Personal data found in its text is replaced by placeholders.
    #[default]
    Redact,
    /// It passes as it is.
    Pass,
    /// It is left out.
    Drop,
    /// The run stops.
    Fail,
}

/// What happens to text lines among the messages that are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignLines {
    /// Only their size is told.
    #[default]
    Withhold,
    /// They are passed on as log messages.
    Show,
}

/// One entry of `streams`.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamConfig {
    /// Which streams it speaks of.
    pub pattern: StreamPattern,
    /// The rule file, as written.
    pub rules: Option<Spanned<PathBuf>>,
    /// What happens to columns without a stage; `None` for what the file says for all.
    pub unlisted: Option<Unlisted>,
    /// The stages in their order.
    pub stages: Vec<Spanned<StageSpec>>,
    /// How its rows are written to a stage.
    pub table: Option<Spanned<TableOptions>>,
    /// Where its name stands.
    pub at: Position,
}

/// A value with the place that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub at: Position,
}

/// Where rejected rows go, and how many are too many.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectConfig {
    /// The directory, as written.
    pub to: PathBuf,
    /// The fraction of a stream's rows above which the run stops, from 0 to 1.
    pub max_fraction: Option<f64>,
}

impl Config {
    /// Reads the text of a configuration; `file` is its name in messages. `None` when it is no map at
    /// all; otherwise what could be understood, which counts only if `problems` stays empty.
    pub fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Self> {
        let node = document::parse(file, text, problems)?;
        let mut fields = Fields::of(&node, "the configuration", file, problems)?;
        let version = read::read_version(&mut fields, problems);
        let keys = fields.take("keys");
        let scope = Scope {
            file,
            keys: keys.map(read::key_names).unwrap_or_default(),
        };
        let config = Self {
            version,
            keys: keys
                .map(|node| read::read_keys(node, file, problems))
                .unwrap_or_default(),
            unlisted: fields
                .choice("unlisted", UNLISTED, problems)
                .unwrap_or_default(),
            streams: fields
                .take("streams")
                .map(|node| read::read_streams(node, &scope, problems))
                .unwrap_or_default(),
            reject: fields
                .take("reject")
                .and_then(|node| read::read_reject(node, file, problems)),
            foreign_lines: fields
                .choice("foreign_lines", FOREIGN_LINES, problems)
                .unwrap_or_default(),
            // Below 1 KiB no message fits; above 1 GiB a single line would defeat every other bound.
            max_line_bytes: fields
                .integer_within("max_line_bytes", 1 << 10..=1 << 30, problems)
                .and_then(|bytes| u64::try_from(bytes).ok()),
            tagger: fields
                .take("tagger")
                .map(|node| read::read_tagger(node, file, problems))
                .unwrap_or_default(),
            stage: fields
                .take("stage")
                .map(|node| stage::read_stage(node, file, problems))
                .unwrap_or_default(),
            catalogue: fields
                .take("catalogue")
                .and_then(|node| catalogue::read(node, file, problems)),
            drift: fields
                .take("drift")
                .and_then(|node| drift::read_drift(node, file, problems)),
            history: fields
                .take("history")
                .and_then(|node| history::read(node, file, problems)),
            health: fields
                .take("health")
                .and_then(|node| health::read(node, file, problems)),
            lineage: fields
                .take("lineage")
                .and_then(|node| lineage::read_lineage(node, file, problems)),
            assume_complete: fields
                .boolean("assume_complete", problems)
                .unwrap_or_default(),
        };
        fields.finish(problems);
        pattern::refuse_ties(&config.streams, file, problems);
        Some(config)
    }

    /// What holds without a configuration file: personal data in every stream is redacted.
    pub fn default_plan() -> Self {
        Self {
            version: 1,
            keys: BTreeMap::new(),
            unlisted: Unlisted::Redact,
            streams: Vec::new(),
            reject: None,
            foreign_lines: ForeignLines::Withhold,
            max_line_bytes: None,
            tagger: TaggerChoice::Builtin,
            stage: PartSpec::default(),
            catalogue: None,
            drift: None,
            history: None,
            health: None,
            lineage: None,
            assume_complete: false,
        }
    }

    /// The entry that speaks of a stream: the most specific pattern that matches. `namespace.name` in
    /// full comes before the name alone, and that before the glob with the most literal characters.
    pub fn stream_for(&self, namespace: Option<&str>, name: &str) -> Option<&StreamConfig> {
        let mut best: Option<(Rank, &StreamConfig)> = None;
        for stream in &self.streams {
            if let Some(rank) = stream.pattern.rank(namespace, name)
                && best.is_none_or(|(other, _)| rank > other)
            {
                best = Some((rank, stream));
            }
        }
        best.map(|(_, stream)| stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Config>, Vec<String>) {
        let mut problems = Problems::new();
        let config = Config::parse("midflight.yaml", text, &mut problems);
        problems.sort();
        (config, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_whole_file_is_read() {
        let (config, problems) = read(
            r#"
version: 1
keys:
  pseudonyms: {env: MIDFLIGHT_KEY}
  backup: {file: keys/backup.key}
unlisted: drop
foreign_lines: show
max_line_bytes: 1048576
streams:
  users:
    rules: rules/users.rules.yaml
    unlisted: pass
    stages:
      - filter: "country <> 'XX'"
      - mask: {column: email, with: hash, key: pseudonyms}
      - mask: {column: "address.street", with: redact}
      - detect: {columns: [notes, "messages[].text"], kinds: all, with: redact}
  "crm.orders":
reject: {to: ./rejects, max_fraction: 0.05}
"#,
        );
        assert_eq!(problems, Vec::<String>::new());
        let config = config.expect("a configuration");
        assert_eq!(
            config.keys["pseudonyms"],
            KeySource::Env("MIDFLIGHT_KEY".to_owned())
        );
        assert_eq!(
            config.keys["backup"],
            KeySource::File(PathBuf::from("keys/backup.key"))
        );
        assert_eq!(config.unlisted, Unlisted::Drop);
        assert_eq!(config.foreign_lines, ForeignLines::Show);
        assert_eq!(config.max_line_bytes, Some(1 << 20));
        assert_eq!(
            config.reject,
            Some(RejectConfig {
                to: PathBuf::from("./rejects"),
                max_fraction: Some(0.05)
            })
        );
        let [users, orders] = config.streams.as_slice() else {
            panic!("two streams")
        };
        assert_eq!(
            (users.pattern.as_str(), users.at),
            (
                "users",
                Position {
                    line: 10,
                    column: 3
                }
            )
        );
        let rules = users.rules.as_ref().expect("rules");
        assert_eq!(
            (rules.value.to_str(), rules.at),
            (
                Some("rules/users.rules.yaml"),
                Position {
                    line: 11,
                    column: 12
                }
            )
        );
        assert_eq!(users.unlisted, Some(Unlisted::Pass));
        let lines: Vec<_> = users.stages.iter().map(|stage| stage.at.line).collect();
        assert_eq!(lines, [14, 15, 16, 17]);
        assert_eq!((orders.stages.len(), orders.unlisted), (0, None));
    }

    #[test]
    fn defaults_are_the_safe_ones() {
        let (config, problems) = read("version: 1");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(config, Some(Config::default_plan()));
        assert_eq!(Config::default_plan().unlisted, Unlisted::Redact);
        assert_eq!(Config::default_plan().foreign_lines, ForeignLines::Withhold);
    }

    #[test]
    fn wrong_files_are_told_with_the_way_out() {
        for (text, expected) in [
            ("", &["midflight.yaml: the file is empty"][..]),
            ("- a", &["midflight.yaml:1:1: expected a map, found a list"]),
            (
                "{}",
                &["midflight.yaml:1:1: the configuration needs the key `version`"],
            ),
            (
                "version: 2",
                &["midflight.yaml:1:10: version 2 of the format is not known; write `version: 1`"],
            ),
            (
                "version: '1'",
                &["midflight.yaml:1:10: expected an integer, found text"],
            ),
            (
                "version: 1\nsteams: {}",
                &["midflight.yaml:2:1: unknown key `steams`; did you mean `streams`?"],
            ),
            (
                "version: 1\nsinks: {}",
                &[
                    "midflight.yaml:2:1: unknown key `sinks`; the keys of the configuration are `version`, `keys`, `unlisted`, `streams`, `reject`, `foreign_lines`, `max_line_bytes`, `tagger`, `stage`, `catalogue`, `drift`, `history`, `health`, `lineage` and `assume_complete`",
                ],
            ),
            (
                "version: 1\nkeys: {k: 0011223344}",
                &[
                    "midflight.yaml:2:11: the key `k` must not stand in the configuration itself; write `{env: NAME}` or `{file: path}`",
                ],
            ),
            (
                "version: 1\nkeys: {k: {env: A, file: b}, l: {}, m: {evn: A}}",
                &[
                    "midflight.yaml:2:11: the key `k` comes from one place; write `{env: NAME}` or `{file: path}`",
                    "midflight.yaml:2:33: the key `l` comes from one place; write `{env: NAME}` or `{file: path}`",
                    "midflight.yaml:2:40: the key `m` comes from one place; write `{env: NAME}` or `{file: path}`",
                    "midflight.yaml:2:41: unknown key `evn`; did you mean `env`?",
                ],
            ),
            (
                "version: 1\nunlisted: mask",
                &[
                    "midflight.yaml:2:11: unknown word `mask`; valid are `redact`, `pass`, `drop` and `fail`",
                ],
            ),
            (
                "version: 1\ntagger: defualt",
                &[
                    "midflight.yaml:2:9: `defualt` is no tagger and no folder's path; did you mean `default`?",
                ],
            ),
            (
                "version: 1\nforeign_lines: hide",
                &["midflight.yaml:2:16: unknown word `hide`; valid are `withhold` and `show`"],
            ),
            (
                "version: 1\nmax_line_bytes: 64",
                &["midflight.yaml:2:17: `max_line_bytes` must lie between 1024 and 1073741824"],
            ),
            (
                "version: 1\nstreams: [users]",
                &["midflight.yaml:2:10: expected a map, found a list"],
            ),
            (
                "version: 1\nstreams: {'': {}}",
                &["midflight.yaml:2:11: a stream's name is empty"],
            ),
            (
                "version: 1\nstreams: {users: redact}",
                &["midflight.yaml:2:18: expected a map, found text"],
            ),
            (
                "version: 1\nstreams: {users: {stage: []}}",
                &["midflight.yaml:2:19: unknown key `stage`; did you mean `stages`?"],
            ),
            (
                "version: 1\nstreams: {users: {stages: [check]}}",
                &[
                    "midflight.yaml:2:28: `check` has no rules to check; name a rule file with the stream's `rules:`",
                ],
            ),
            (
                "version: 1\nstreams:\n  users: {}\n  users: {}",
                &["midflight.yaml:4:3: the key `users` stands on line 3 already"],
            ),
            (
                "version: 1\nreject: {max_fraction: 5}",
                &[
                    "midflight.yaml:2:9: `reject` needs the key `to`",
                    "midflight.yaml:2:24: `max_fraction` must lie between 0 and 1",
                ],
            ),
            (
                "version: 1\nreject: ./rejects",
                &["midflight.yaml:2:9: expected a map, found text"],
            ),
        ] {
            assert_eq!(read(text).1, expected, "{text}");
        }
    }

    #[test]
    fn one_pass_tells_every_problem_of_a_file() {
        let (_, problems) = read(
            r#"version: 3
keys:
  main: correct horse battery staple
  other: {env: KEY, flie: k}
unlised: redact
streams:
  users:
    rule: users.yaml
    stages:
      - fliter: "a > 1"
      - mask: {colum: email, with: hash, key: mian}
      - mask: {column: a..b, with: redact, keep_first: 1}
      - embed: {text: "a", into: v, model: default}
      - cast: {column: age, to: integer, on_error: skip}
      - detect: {columns: [notes, 7], kinds: all, with: redcat}
      - mask:
        column: phone
  "u?": {}
  "?u": []
  orders:
    stages: [check]
  orders: {}
reject: {to: [], max_fraction: lots}
"#,
        );
        assert_eq!(
            problems,
            [
                "midflight.yaml:1:10: version 3 of the format is not known; write `version: 1`",
                "midflight.yaml:3:9: the key `main` must not stand in the configuration itself; write `{env: NAME}` or `{file: path}`",
                "midflight.yaml:4:21: unknown key `flie`; did you mean `file`?",
                "midflight.yaml:5:1: unknown key `unlised`; did you mean `unlisted`?",
                "midflight.yaml:8:5: unknown key `rule`; did you mean `rules`?",
                "midflight.yaml:10:9: unknown stage `fliter`; did you mean `filter`?",
                "midflight.yaml:11:15: the stage `mask` needs the key `column`",
                "midflight.yaml:11:16: unknown key `colum`; did you mean `column`?",
                "midflight.yaml:11:47: `key` names no declared key; did you mean `main`?",
                "midflight.yaml:12:24: `a..b` is no path of a column: a path segment is empty",
                "midflight.yaml:12:44: `keep_first` belongs to `partial`, not to `redact`",
                "midflight.yaml:13:23: `text` names no column; name columns in double braces, as \"{{title}}\\n{{notes}}\"",
                "midflight.yaml:14:52: unknown word `skip`; valid are `null`, `reject` and `fail`",
                "midflight.yaml:15:35: expected text, found an integer; quote it to make it text",
                "midflight.yaml:15:57: unknown word `redcat`; did you mean `redact`?",
                "midflight.yaml:16:9: a stage is one key with its settings below it; indent the settings under `mask`",
                "midflight.yaml:19:3: `?u` and `u?` on line 18 can match the same stream, and neither is more specific; give one of them more literal characters",
                "midflight.yaml:19:9: expected a map, found a list",
                "midflight.yaml:21:14: `check` has no rules to check; name a rule file with the stream's `rules:`",
                "midflight.yaml:22:3: the key `orders` stands on line 20 already",
                "midflight.yaml:23:14: expected text, found a list",
                "midflight.yaml:23:32: expected a number, found text",
            ]
        );
        assert!(!problems.join("").contains("horse"));
    }

    #[test]
    fn streams_have_a_limit() {
        let streams: String = (0..=STREAMS_MAX).map(|i| format!("s{i}: , ")).collect();
        let (config, problems) = read(&format!("version: 1\nstreams: {{{streams}}}"));
        assert_eq!(config.map(|c| c.streams.len()), Some(STREAMS_MAX));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].ends_with("more than 1000 streams; name several with one glob"));
    }
}
