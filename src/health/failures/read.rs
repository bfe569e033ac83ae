//! From the nodes of a file of signatures to plain data, every problem at once.

use super::library::compile;
use super::{Class, Finding};
use crate::document::{Fields, Node, Position, Problems};

/// One file.
#[derive(Debug)]
pub(super) struct File {
    pub class: Class,
    pub cause: String,
    pub next: String,
    pub signatures: Vec<Signature>,
}

/// One way in which failures of a class are told.
#[derive(Debug)]
pub(super) struct Signature {
    pub id: String,
    pub class: Class,
    pub patterns: Vec<String>,
    /// Exit codes; 128 and more for signals.
    pub exits: Vec<i64>,
    pub confidence: f32,
    pub cause: String,
    pub next: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "examples are read to be run as tests")
    )]
    pub finds: Vec<String>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "examples are read to be run as tests")
    )]
    pub ignores: Vec<String>,
    pub at: Position,
}

impl Signature {
    pub fn finding(&'static self) -> Finding {
        Finding {
            class: self.class,
            signature: &self.id,
            confidence: self.confidence,
        }
    }
}

pub(super) fn file(root: &Node, file: &str, problems: &mut Problems) -> Option<File> {
    let mut fields = Fields::of(root, "a file of failures", file, problems)?;
    if fields.integer("version", problems) != Some(1) {
        problems.push_at(file, fields.at(), "a file of failures needs `version: 1`");
    }
    let class = fields
        .require("class", problems)
        .and_then(|node| node.read_choice(Class::ALL, file, problems));
    let cause = fields.require_text("cause", problems).unwrap_or_default();
    let next = fields.require_text("next", problems).unwrap_or_default();
    let list = fields
        .require("signatures", problems)
        .and_then(|node| node.read_list(file, problems))
        .unwrap_or_default();
    fields.finish(problems);
    // Problems of signatures are told even where the class has one.
    let of = class.unwrap_or(Class::Unknown);
    let signatures = list
        .iter()
        .filter_map(|node| signature(node, of, file, problems));
    Some(File {
        signatures: signatures.collect(),
        class: class?,
        cause: cause.to_owned(),
        next: next.to_owned(),
    })
}

fn signature(node: &Node, class: Class, file: &str, problems: &mut Problems) -> Option<Signature> {
    let mut fields = Fields::of(node, "a signature", file, problems)?;
    let id = fields.require_text("id", problems);
    let patterns = texts("matches", &mut fields, problems);
    for (pattern, at) in &patterns {
        if compile(&[pattern]).is_none() {
            problems.push_at(file, *at, "the pattern cannot be read");
        }
    }
    let exits = fields
        .take("exits")
        .map(|node| integers(node, file, problems));
    let confidence = fields.number("confidence", problems);
    if confidence.is_none_or(|number| !(0.0..=1.0).contains(&number)) {
        let message = "`confidence` must lie between 0 and 1";
        problems.push_at(file, fields.at(), message);
    }
    let cause = fields.require_text("cause", problems);
    let next = fields.require_text("next", problems);
    let exits = exits.unwrap_or_default();
    let mut examples = |name: &'static str, fields: &mut Fields<'_>| -> Vec<String> {
        if !patterns.is_empty() {
            fields.require(name, problems);
        }
        let found = texts(name, fields, problems);
        found.into_iter().map(|(text, _)| text.to_owned()).collect()
    };
    let finds = examples("finds", &mut fields);
    let ignores = examples("ignores", &mut fields);
    if patterns.is_empty() && exits.is_empty() {
        let message = "a signature needs `matches` or `exits`";
        problems.push_at(file, fields.at(), message);
    }
    let at = fields.at();
    fields.finish(problems);
    #[expect(clippy::cast_possible_truncation, reason = "a fraction")]
    let confidence = confidence? as f32;
    Some(Signature {
        id: id?.to_owned(),
        class,
        patterns: patterns
            .iter()
            .map(|(text, _)| (*text).to_owned())
            .collect(),
        exits,
        confidence,
        cause: cause?.to_owned(),
        next: next?.to_owned(),
        finds,
        ignores,
        at,
    })
}

fn texts<'a>(
    name: &'static str,
    fields: &mut Fields<'a>,
    problems: &mut Problems,
) -> Vec<(&'a str, Position)> {
    fields.texts(name, problems).unwrap_or_default()
}

fn integers(node: &Node, file: &str, problems: &mut Problems) -> Vec<i64> {
    let list = node.read_list(file, problems).unwrap_or_default();
    list.iter()
        .filter_map(|node| node.read_integer(file, problems))
        .collect()
}
