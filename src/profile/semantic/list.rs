//! The list of semantic types, read from `rules/semantic/types.yaml`.

use std::sync::OnceLock;

use regex_automata::meta::Regex;

use crate::document::{self, Fields, Node, Problems};
use crate::error::{Error, ErrorKind, Result};

const FILE: &str = "rules/semantic/types.yaml";
const TEXT: &str = include_str!("../../../rules/semantic/types.yaml");

/// What values a type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Any,
    Text,
    Number,
    Boolean,
    /// Dates and timestamps.
    Moment,
}

const OF: &[(&str, Of)] = &[
    ("any", Of::Any),
    ("text", Of::Text),
    ("number", Of::Number),
    ("boolean", Of::Boolean),
    ("moment", Of::Moment),
];

/// A type that columns may have.
#[derive(Debug)]
pub struct SemanticType {
    pub name: String,
    pub of: Of,
    /// Phrases in lower case.
    pub names: Vec<String>,
    /// Limits that every value satisfies.
    pub range: Option<(f64, f64)>,
    /// What every form of text holds.
    pub form: Option<Regex>,
    /// What every text reads as.
    pub reads_as: Option<String>,
    /// A pattern that is proposed for its values.
    pub regex: Option<String>,
}

/// All types, in the order of the file.
///
/// # Errors
/// `Internal` when the list that is built in is broken; a test reads it.
pub fn types() -> Result<&'static [SemanticType]> {
    static TYPES: OnceLock<Result<Vec<SemanticType>, String>> = OnceLock::new();
    let read = TYPES.get_or_init(|| {
        let mut problems = Problems::new();
        let types = parse(TEXT, &mut problems);
        match problems.iter().next() {
            None => Ok(types),
            Some(problem) => Err(problem.to_string()),
        }
    });
    read.as_deref()
        .map_err(|problem| Error::new(ErrorKind::Internal, problem.clone()))
}

fn parse(text: &str, problems: &mut Problems) -> Vec<SemanticType> {
    let Some(node) = document::parse(FILE, text, problems) else {
        return Vec::new();
    };
    let Some(mut fields) = Fields::of(&node, "the list of types", FILE, problems) else {
        return Vec::new();
    };
    fields.integer_within("version", 1..=1, problems);
    let listed = fields.require("types", problems);
    fields.finish(problems);
    let items = listed
        .and_then(|node| node.read_list(FILE, problems))
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| one(item, problems))
        .collect()
}

fn one(node: &Node, problems: &mut Problems) -> Option<SemanticType> {
    let mut fields = Fields::of(node, "the type", FILE, problems)?;
    let name = fields.require_text("name", problems);
    let of = fields.choice("of", OF, problems);
    let names = fields
        .require("names", problems)
        .and_then(|node| node.read_texts(FILE, problems));
    let range = fields.take("range").and_then(|node| limits(node, problems));
    let form = fields.take("form").and_then(|node| {
        let pattern = node.read_text(FILE, problems)?;
        let regex = Regex::new(pattern);
        if regex.is_err() {
            problems.push_at(FILE, node.at, "no regular expression");
        }
        regex.ok()
    });
    let reads_as = fields.text("reads_as", problems).map(str::to_owned);
    let regex = fields.take("demand").and_then(|node| {
        let mut fields = Fields::of(node, "`demand`", FILE, problems)?;
        let regex = fields.require_text("regex", problems);
        fields.finish(problems);
        regex.map(str::to_owned)
    });
    fields.finish(problems);
    Some(SemanticType {
        name: name?.to_owned(),
        of: of?,
        names: names?
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
        range,
        form,
        reads_as,
        regex,
    })
}

fn limits(node: &Node, problems: &mut Problems) -> Option<(f64, f64)> {
    let mut fields = Fields::of(node, "`range`", FILE, problems)?;
    let mut side = |name| fields.require(name, problems)?.read_number(FILE, problems);
    let (min, max) = (side("min"), side("max"));
    fields.finish(problems);
    Some((min?, max?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_is_built_in_can_be_read() {
        let types = types().expect("the list");
        assert!(types.len() > 60);
        let names: std::collections::BTreeSet<_> = types.iter().map(|of| &of.name).collect();
        assert_eq!(names.len(), types.len(), "a name stands once");
        for of in types {
            assert!(of.range.is_none_or(|(min, max)| min < max), "{}", of.name);
            assert!(
                of.names.iter().all(|name| *name == name.to_lowercase()),
                "{}",
                of.name
            );
            if let Some(regex) = &of.regex {
                assert!(Regex::new(regex).is_ok(), "{}", of.name);
            }
        }
    }

    #[test]
    fn mistakes_are_told() {
        let mut problems = Problems::new();
        let text =
            "version: 1\ntypes:\n  - {name: a, of: texts, names: [a], form: '('}\n  - {of: text}\n";
        assert!(parse(text, &mut problems).is_empty());
        problems.sort();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[0].contains("did you mean `text`?"));
    }
}
