//! What was read from another tool's file: rules, and what could not become one.

use std::collections::HashSet;

use super::Format;
use super::sql;
use crate::document::{Node, Position, Problems, Value};
use crate::plan::rules::{
    Dimension, Literal, OnFail, RuleForm, RuleSpec, RuleTests, Status, write,
};
use crate::schema::path::Path;
use crate::stage::rules::Severity;

/// The most values of a set, as in a rule file.
const SET_VALUES_MAX: usize = 1_000;

/// Rules, and what is no rule about one row.
#[derive(Debug)]
pub struct Imported {
    pub format: Format,
    pub rules: Vec<RuleSpec>,
    /// What was left out, each with its place and the reason.
    pub refused: Problems,
    file: String,
    hash: String,
    ids: HashSet<String>,
}

/// A rule as it was found, before it has its id.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    /// What it is called there, or would be called.
    pub name: String,
    pub form: RuleForm,
    pub columns: Vec<Path>,
    pub severity: Severity,
    pub on_fail: Option<OnFail>,
    pub dimension: Option<&'a str>,
    pub description: Option<&'a str>,
    pub at: Position,
}

impl Imported {
    pub(super) fn new(format: Format, file: &str, hash: &str) -> Self {
        Self {
            format,
            rules: Vec::new(),
            refused: Problems::new(),
            file: file.to_owned(),
            hash: hash.to_owned(),
            ids: HashSet::new(),
        }
    }

    /// Leaves something out.
    pub(super) fn refuse(&mut self, at: Position, message: String, hint: &str) {
        match hint {
            "" => self.refused.push_at(&self.file, at, message),
            hint => self.refused.push_hint(&self.file, at, message, hint),
        }
    }

    /// Adds a rule, proposed, under an id of its own.
    pub(super) fn add(&mut self, found: Found<'_>) {
        let Found { at, .. } = found;
        if let Some(why) = unfit(&found) {
            return self.refuse(at, format!("`{}`: {why}", found.name), "");
        }
        let id = self.id(&found.name);
        let source = [
            ("kind", "import"),
            ("format", self.format.name()),
            ("file", self.hash.as_str()),
            ("name", found.name.as_str()),
        ];
        // What happens to a row is decided by a person; until then the mildest that the severity suggests.
        let on_fail = found.on_fail.unwrap_or(match found.severity {
            Severity::Error => OnFail::Quarantine,
            _ => OnFail::Annotate,
        });
        let dimension = found.dimension.and_then(dimension);
        self.rules.push(RuleSpec {
            id,
            form: found.form,
            columns: found.columns,
            severity: found.severity,
            on_fail,
            status: Status::Proposed,
            dimension,
            description: found.description.map(|text| cut(text).to_owned()),
            source: Some(Node::map(source.map(|(key, text)| (key, Node::text(text))))),
            evidence: None,
            approved: None,
            tests: RuleTests::default(),
            at,
        });
    }

    /// An id that no other rule has, of the letters that ids may have.
    fn id(&mut self, name: &str) -> String {
        const BYTES_MAX: usize = 90;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let mut id: String = name
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .take(BYTES_MAX)
            .collect();
        if id.is_empty() {
            "rule".clone_into(&mut id);
        }
        let first = id.clone();
        let mut number = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{first}_{number}");
            number += 1;
        }
        id
    }
}

/// Why a form cannot stand in a rule file.
fn unfit(found: &Found<'_>) -> Option<String> {
    if found.columns.is_empty() {
        return Some("it names no column".to_owned());
    }
    if let Some(column) = found.columns.iter().find(|column| !column.is_scalar()) {
        return Some(format!(
            "`{column}` names several values, and a rule sees one of each column"
        ));
    }
    match &found.form {
        RuleForm::Expr(sql) => sql::columns(sql).err(),
        RuleForm::InSet(values) if values.is_empty() || values.len() > SET_VALUES_MAX => {
            Some(format!("a set has 1 to {SET_VALUES_MAX} values"))
        }
        RuleForm::InSet(values) => {
            let kind = |value: &Literal| match value {
                Literal::Bool(_) => 0,
                Literal::Integer(_) | Literal::Float(_) => 1,
                Literal::Text(_) => 2,
            };
            let first = values.first().map(kind);
            let mixed = values.iter().any(|value| Some(kind(value)) != first);
            mixed.then(|| "the values of a set are of one kind".to_owned())
        }
        _ => None,
    }
}

fn cut(text: &str) -> &str {
    const BYTES_MAX: usize = 1_000;
    let mut end = text.len().min(BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim()
}

fn dimension(word: &str) -> Option<Dimension> {
    let found = write::DIMENSIONS.iter().find(|(name, _)| *name == word);
    found.map(|(_, dimension)| *dimension)
}

/// What a rule asks for, by its word in a rule file.
pub(super) fn on_fail(word: Option<&str>) -> Option<OnFail> {
    let found = write::ON_FAIL.iter().find(|(name, _)| Some(*name) == word);
    found.map(|(_, on_fail)| *on_fail)
}

/// How bad a violation is, by the words of several tools.
pub(super) fn severity(word: Option<&str>) -> Severity {
    let word = word.unwrap_or("error").to_lowercase();
    match word.as_str() {
        "warning" | "warn" | "medium" | "moderate" => Severity::Warning,
        "info" | "information" | "low" | "minor" => Severity::Info,
        _ => Severity::Error,
    }
}

/// The text of a key, if it is text.
pub(super) fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.get(key)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The list of a key; nothing where there is none.
pub(super) fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    match node.get(key).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// A value as a rule has it; `None` for null, lists and maps.
pub(super) fn literal(node: &Node) -> Option<Literal> {
    Some(match &node.value {
        Value::Bool(flag) => Literal::Bool(*flag),
        Value::Integer(number) => Literal::Integer(*number),
        Value::Float(number) if number.is_finite() => Literal::Float(*number),
        Value::Text(text) => Literal::Text(text.clone()),
        _ => return None,
    })
}

/// The same the other way.
pub(super) fn node(literal: &Literal) -> Node {
    match literal {
        Literal::Bool(flag) => Value::Bool(*flag),
        Literal::Integer(number) => Value::Integer(*number),
        Literal::Float(number) => Value::Float(*number),
        Literal::Text(text) => Value::Text(text.clone()),
    }
    .into()
}
