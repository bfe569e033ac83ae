//! The stage `embed`, as written.

use std::path::PathBuf;

use super::column::read_column_name;
use super::read::{Scope, bounded, read_file_path, read_name};
use super::{NAME_BYTES_MAX, SQL_BYTES_MAX};
use crate::document::{Fields, Node, Problems, Value};
use crate::model::embedding::{Choice, Endpoint, Secret, Wanted};
use crate::stage::embed::cut::{CHUNK, Size};
use crate::stage::embed::template::Template;
use crate::stage::spec::{EmbedInto, EmbedSpec, StageSpec};

/// The words of `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Vector,
    Chunks,
    Stream,
}

const OUTPUTS: &[(&str, Output)] = &[
    ("vector", Output::Vector),
    ("chunks", Output::Chunks),
    ("stream", Output::Stream),
];

/// The most tokens of a chunk; no model reads more.
const TOKENS_MAX: i64 = 8_192;
/// What an endpoint's model reads at once unless told otherwise.
const ENDPOINT_TOKENS: usize = 8_000;
/// The most numbers in a vector.
const DIMENSIONS_MAX: i64 = 16_384;

/// Reads the settings of an `embed`.
pub(super) fn read(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let file = scope.file;
    let Some(mut fields) = Fields::of(node, "the stage `embed`", file, problems) else {
        return Vec::new();
    };
    let text = fields
        .require("text", problems)
        .and_then(|node| read_template(node, file, problems));
    let output = match fields.take("output") {
        None => Some(Output::Vector),
        Some(node) => node.read_choice(OUTPUTS, file, problems),
    };
    let into = fields.take("into");
    let chunk = fields
        .take("chunk")
        .map(|node| read_size(node, file, problems));
    let model = match fields.take("model") {
        None => Some(Choice::Named("default".to_owned())),
        Some(node) => read_model(node, file, problems),
    };
    let cache = fields
        .take("cache")
        .map(|node| read_name(node, "the cache", file, problems));
    let before_masking = fields.boolean("before_masking", problems).unwrap_or(false);
    let at = fields.at();
    fields.finish(problems);
    let into = match (output, into) {
        (Some(Output::Stream), Some(node)) => {
            let message = "`into` names a column, and with `output: stream` there is none";
            let hint = "leave it out; the second stream is called like the first, with `_chunks`";
            problems.push_hint(file, node.at, message, hint);
            None
        }
        (Some(Output::Stream), None) => Some(EmbedInto::Stream),
        (Some(_), None) => {
            problems.push_at(file, at, "the stage `embed` needs the key `into`");
            None
        }
        (Some(Output::Vector), Some(node)) => {
            read_column_name(node, file, problems).map(EmbedInto::Vector)
        }
        (Some(Output::Chunks), Some(node)) => {
            read_column_name(node, file, problems).map(EmbedInto::Chunks)
        }
        (None, _) => None,
    };
    let chunk = match chunk {
        None => Some(None),
        Some(size) => size.map(Some),
    };
    let cache = match cache {
        None => Some(None),
        Some(cache) => cache.map(|cache| Some(cache.to_owned())),
    };
    match (text, into, chunk, model, cache) {
        (Some(text), Some(into), Some(chunk), Some(model), Some(cache)) => {
            let wanted = Wanted { model, cache };
            vec![StageSpec::Embed(Box::new(EmbedSpec {
                text,
                into,
                chunk,
                wanted,
                before_masking,
            }))]
        }
        _ => Vec::new(),
    }
}

pub(super) fn read_template(node: &Node, file: &str, problems: &mut Problems) -> Option<Template> {
    let text = node.read_text(file, problems)?;
    let text = bounded(text, node.at, "the text", SQL_BYTES_MAX, file, problems)?;
    text.parse()
        .map_err(|error| {
            let hint = "name columns in double braces, as \"{{title}}\\n{{notes}}\"";
            problems.push_hint(file, node.at, format!("`text` {error}"), hint);
        })
        .ok()
}

fn read_size(node: &Node, file: &str, problems: &mut Problems) -> Option<Size> {
    let mut fields = Fields::of(node, "`chunk`", file, problems)?;
    let count = |number: Option<i64>, default| match number {
        None => default,
        Some(number) => usize::try_from(number).unwrap_or(default),
    };
    let tokens = count(
        fields.integer_within("tokens", 8..=TOKENS_MAX, problems),
        CHUNK.tokens,
    );
    let given = fields.integer_within("overlap", 0..=TOKENS_MAX, problems);
    let overlap = count(given, CHUNK.overlap.min(tokens / 10));
    fields.finish(problems);
    if overlap > tokens / 2 {
        let message = format!("an `overlap` of {overlap} is more than half of {tokens} `tokens`");
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(Size { tokens, overlap })
}

/// A name, a folder (told by its slash or dot), or an endpoint.
pub(super) fn read_model(node: &Node, file: &str, problems: &mut Problems) -> Option<Choice> {
    if matches!(node.value, Value::Map(_)) {
        return read_endpoint(node, file, problems).map(Choice::Endpoint);
    }
    let name = read_name(node, "the model", file, problems)?;
    Some(match name.contains(['/', '\\']) || name.starts_with('.') {
        true => Choice::Folder(PathBuf::from(name)),
        false => Choice::Named(name.to_owned()),
    })
}

fn read_endpoint(node: &Node, file: &str, problems: &mut Problems) -> Option<Endpoint> {
    let mut fields = Fields::of(node, "the model", file, problems)?;
    let url = fields
        .require("endpoint", problems)
        .and_then(|node| read_url(node, "endpoint", file, problems));
    let name = fields
        .require("name", problems)
        .and_then(|node| read_name(node, "the model's name", file, problems));
    let dimensions = fields
        .require("dimensions", problems)
        .and_then(|_| fields.integer_within("dimensions", 1..=DIMENSIONS_MAX, problems));
    let shorten = fields.boolean("shorten", problems).unwrap_or(false);
    let max_tokens = fields.integer_within("max_tokens", 16..=1 << 20, problems);
    let key = fields
        .take("key")
        .map(|node| read_secret(node, file, problems));
    fields.finish(problems);
    let key = match key {
        None => None,
        Some(key) => Some(key?),
    };
    Some(Endpoint {
        url: url?,
        name: name?.to_owned(),
        dimensions: usize::try_from(dimensions?).ok()?,
        shorten,
        max_tokens: max_tokens
            .and_then(|tokens| usize::try_from(tokens).ok())
            .unwrap_or(ENDPOINT_TOKENS),
        key,
    })
}

/// An address without a user, password or parameters; `key` is what it stands under.
pub(super) fn read_url(
    node: &Node,
    key: &str,
    file: &str,
    problems: &mut Problems,
) -> Option<String> {
    let url = read_name(node, "the address", file, problems)?.trim_end_matches('/');
    // A password in an address would end in reports.
    let plain = !url.contains(['@', '?', '#']);
    if plain && (url.starts_with("http://") || url.starts_with("https://")) {
        return Some(url.to_owned());
    }
    let hint = "write it as \"https://host/v1\", without user, password or parameters";
    problems.push_hint(file, node.at, format!("`{key}` is no plain address"), hint);
    None
}

pub(super) fn read_secret(node: &Node, file: &str, problems: &mut Problems) -> Option<Secret> {
    const FORMS: &str = "write `{env: NAME}` or `{file: path}`";
    if !matches!(node.value, Value::Map(_)) {
        let message = "the key must not stand in the configuration itself";
        problems.push_hint(file, node.at, message, FORMS);
        return None;
    }
    let mut fields = Fields::of(node, "`key`", file, problems)?;
    let (env, path) = (fields.take("env"), fields.take("file"));
    fields.finish(problems);
    match (env, path) {
        (Some(node), None) => {
            let name = bounded(
                node.read_text(file, problems)?,
                node.at,
                "the name of a variable",
                NAME_BYTES_MAX,
                file,
                problems,
            )?;
            Some(Secret::Env(name.to_owned()))
        }
        (None, Some(node)) => read_file_path(node, file, problems).map(Secret::File),
        _ => {
            problems.push_hint(file, node.at, "the key comes from one place", FORMS);
            None
        }
    }
}
