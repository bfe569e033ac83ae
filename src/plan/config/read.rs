//! The parts of a configuration file, from nodes to plain data, and the readers that rule files share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::pattern::PATTERN_BYTES_MAX;
use super::{
    ForeignLines, NAME_BYTES_MAX, RejectConfig, SQL_BYTES_MAX, STREAMS_MAX, Spanned, StreamConfig,
    StreamPattern, TaggerChoice, Unlisted, stages,
};
use crate::document::{Fields, Key, Node, Position, Problems, Value, nearest};
use crate::plan::keys::KeySource;

pub(super) const UNLISTED: &[(&str, Unlisted)] = &[
    ("redact", Unlisted::Redact),
    ("pass", Unlisted::Pass),
    ("drop", Unlisted::Drop),
    ("fail", Unlisted::Fail),
];

pub(super) const FOREIGN_LINES: &[(&str, ForeignLines)] = &[
    ("withhold", ForeignLines::Withhold),
    ("show", ForeignLines::Show),
];

/// What the stages of every stream are read with.
pub(super) struct Scope<'a> {
    pub(super) file: &'a str,
    /// The names under `keys`, those with a wrong source included.
    pub(super) keys: Vec<&'a str>,
}

/// Reads `version`, which must be 1.
pub(in crate::plan) fn read_version(fields: &mut Fields<'_>, problems: &mut Problems) -> u32 {
    let file = fields.file();
    if let Some(node) = fields.require("version", problems)
        && let Some(version) = node.read_integer(file, problems)
        && version != 1
    {
        let message = format!("version {version} of the format is not known");
        problems.push_hint(file, node.at, message, "write `version: 1`");
    }
    1
}

pub(super) fn key_names(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(key, _)| key.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn read_keys(
    node: &Node,
    file: &str,
    problems: &mut Problems,
) -> BTreeMap<String, KeySource> {
    let entries = node.read_map(file, problems).unwrap_or_default();
    entries
        .iter()
        .filter_map(|(key, node)| Some((key.name.clone(), read_key(key, node, file, problems)?)))
        .collect()
}

fn read_key(key: &Key, node: &Node, file: &str, problems: &mut Problems) -> Option<KeySource> {
    const FORMS: &str = "write `{env: NAME}` or `{file: path}`";
    if !matches!(node.value, Value::Map(_)) {
        let message = format!(
            "the key `{}` must not stand in the configuration itself",
            key.name
        );
        problems.push_hint(file, node.at, message, FORMS);
        return None;
    }
    let what = format!("the key `{}`", key.name);
    let mut fields = Fields::of(node, &what, file, problems)?;
    let (env, path) = (fields.take("env"), fields.take("file"));
    fields.finish(problems);
    match (env, path) {
        (Some(node), None) => {
            let name = read_name(node, "the name of a variable", file, problems)?;
            Some(KeySource::Env(name.to_owned()))
        }
        (None, Some(node)) => Some(KeySource::File(read_file_path(node, file, problems)?)),
        _ => {
            let message = format!("{what} comes from one place");
            problems.push_hint(file, node.at, message, FORMS);
            None
        }
    }
}

pub(super) fn read_streams(
    node: &Node,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Vec<StreamConfig> {
    if node.value == Value::Null {
        return Vec::new();
    }
    let entries = node.read_map(scope.file, problems).unwrap_or_default();
    if let Some((key, _)) = entries.get(STREAMS_MAX) {
        let message = format!("more than {STREAMS_MAX} streams");
        problems.push_hint(scope.file, key.at, message, "name several with one glob");
    }
    entries
        .iter()
        .take(STREAMS_MAX)
        .filter_map(|(key, node)| read_stream(key, node, scope, problems))
        .collect()
}

fn read_stream(
    key: &Key,
    node: &Node,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Option<StreamConfig> {
    let file = scope.file;
    let pattern = read_pattern(&key.name, key.at, file, problems);
    let mut stream = StreamConfig {
        pattern: StreamPattern::new(&key.name),
        rules: None,
        unlisted: None,
        stages: Vec::new(),
        table: None,
        at: key.at,
    };
    // A stream with nothing to say about it is listed all the same, and copied.
    let what = format!("the stream `{}`", key.name);
    if node.value != Value::Null
        && let Some(mut fields) = Fields::of(node, &what, file, problems)
    {
        stream.rules = fields.take("rules").and_then(|node| {
            let value = read_file_path(node, file, problems)?;
            Some(Spanned { value, at: node.at })
        });
        stream.unlisted = fields.choice("unlisted", UNLISTED, problems);
        stream.stages = fields
            .take("stages")
            .map(|node| stages::read(node, scope, problems))
            .unwrap_or_default();
        stream.table = fields.take("table").map(|node| Spanned {
            value: super::stage::read_table(node, file, problems),
            at: node.at,
        });
        fields.finish(problems);
        stages::refuse_odd_checks(&stream, file, problems);
    }
    pattern.map(|pattern| StreamConfig { pattern, ..stream })
}

/// A stream's name or glob; problems are its being empty or too long.
pub(in crate::plan) fn read_pattern(
    text: &str,
    at: Position,
    file: &str,
    problems: &mut Problems,
) -> Option<StreamPattern> {
    let message = match text.len() {
        0 => "a stream's name is empty".to_owned(),
        1..=PATTERN_BYTES_MAX => return Some(StreamPattern::new(text)),
        _ => format!("a stream's name is longer than {} bytes", PATTERN_BYTES_MAX),
    };
    problems.push_at(file, at, message);
    None
}

/// `default`, `none`, or the folder of a model.
pub(super) fn read_tagger(node: &Node, file: &str, problems: &mut Problems) -> TaggerChoice {
    match node.read_text(file, problems) {
        None | Some("default") => TaggerChoice::Builtin,
        Some("none") => TaggerChoice::None,
        Some(name) => {
            let near = nearest(name, ["default", "none"].into_iter());
            if let Some(near) = near.filter(|_| !name.contains('/')) {
                let message = format!("`{name}` is no tagger and no folder's path");
                problems.push_hint(file, node.at, message, format!("did you mean `{near}`?"));
            }
            TaggerChoice::Folder(PathBuf::from(name))
        }
    }
}

pub(super) fn read_reject(
    node: &Node,
    file: &str,
    problems: &mut Problems,
) -> Option<RejectConfig> {
    let mut fields = Fields::of(node, "`reject`", file, problems)?;
    let to = fields
        .require("to", problems)
        .and_then(|node| read_file_path(node, file, problems));
    let max_fraction = read_fraction(&mut fields, "max_fraction", problems);
    fields.finish(problems);
    Some(RejectConfig {
        to: to?,
        max_fraction,
    })
}

/// A number from 0 to 1 that may be left out.
pub(in crate::plan) fn read_fraction(
    fields: &mut Fields<'_>,
    name: &'static str,
    problems: &mut Problems,
) -> Option<f64> {
    let file = fields.file();
    let node = fields.take(name)?;
    let number = node.read_number(file, problems)?;
    if !(0.0..=1.0).contains(&number) {
        let message = format!("`{name}` must lie between 0 and 1");
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(number)
}

/// Text that is neither empty nor longer than [`NAME_BYTES_MAX`].
pub(in crate::plan) fn read_name<'a>(
    node: &'a Node,
    what: &str,
    file: &str,
    problems: &mut Problems,
) -> Option<&'a str> {
    let text = node.read_text(file, problems)?;
    bounded(text, node.at, what, NAME_BYTES_MAX, file, problems)
}

/// An SQL expression: text that is neither blank nor longer than [`SQL_BYTES_MAX`].
pub(in crate::plan) fn read_sql(
    node: &Node,
    file: &str,
    problems: &mut Problems,
) -> Option<String> {
    let text = node.read_text(file, problems)?;
    let sql = bounded(
        text,
        node.at,
        "the SQL expression",
        SQL_BYTES_MAX,
        file,
        problems,
    )?;
    Some(sql.to_owned())
}

pub(super) fn bounded<'a>(
    text: &'a str,
    at: Position,
    what: &str,
    bytes_max: usize,
    file: &str,
    problems: &mut Problems,
) -> Option<&'a str> {
    let message = if text.trim().is_empty() {
        format!("{what} is empty")
    } else if text.len() > bytes_max {
        format!("{what} is longer than {bytes_max} bytes")
    } else {
        return Some(text);
    };
    problems.push_at(file, at, message);
    None
}

pub(super) fn read_file_path(node: &Node, file: &str, problems: &mut Problems) -> Option<PathBuf> {
    read_name(node, "the path", file, problems).map(PathBuf::from)
}
