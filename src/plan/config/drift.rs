//! `drift:`, what a run does when the schema of a stream is not the one of the last run.
//!
//! ```yaml
//! drift:
//!   last: ./state/catalog.json
//!   policy: {default: hold, safe: evolve, risky: evolve}
//!   personal: mask
//!   streams:
//!     "crm.*": {policy: discard_value, personal: drop}
//! ```

use std::path::PathBuf;

use serde::Serialize;

use super::read::{read_file_path, read_pattern};
use super::{Rank, STREAMS_MAX, StreamPattern};
use crate::document::{Fields, Node, Problems, Value};

/// What the configuration says about changes of schemas.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftConfig {
    /// The file that keeps the catalog of the last run, as written.
    pub last: PathBuf,
    /// What holds for every stream.
    pub policy: DriftPolicy,
    /// What holds for some, in the order of the file.
    pub streams: Vec<(StreamPattern, DriftPolicy)>,
}

/// How bad a change of a stream's schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Whoever reads the table goes on as before.
    Safe,
    /// Whoever reads what is gone finds nothing.
    Risky,
    /// Whoever reads the table finds something else.
    Breaking,
    /// The primary key or the cursor is another: rows would be taken for others, or missed.
    Keys,
    /// Personal data may reach a place where nobody expects it.
    Governance,
}

/// What is done about a change, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is accepted.
    Evolve,
    /// The values that look personal are masked until somebody classifies the column.
    Mask,
    /// The values that the earlier schema does not allow are left out.
    DiscardValue,
    /// The rows that hold such values are rejected.
    DiscardRow,
    /// The run waits for a person.
    Hold,
    /// The run fails.
    Fail,
}

impl Answer {
    /// The word that the configuration has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Evolve => "evolve",
            Self::Mask => "mask",
            Self::DiscardValue => "discard_value",
            Self::DiscardRow => "discard_row",
            Self::Hold => "hold",
            Self::Fail => "fail",
        }
    }
}

/// What is done about changes of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftPolicy {
    pub safe: Answer,
    pub risky: Answer,
    pub breaking: Answer,
    pub keys: Answer,
    /// About a new column that looks personal.
    pub personal: Answer,
}

impl Default for DriftPolicy {
    fn default() -> Self {
        Self {
            safe: Answer::Evolve,
            risky: Answer::Evolve,
            breaking: Answer::Hold,
            keys: Answer::Hold,
            personal: Answer::Mask,
        }
    }
}

/// The words of a policy.
pub const ANSWERS: &[(&str, Answer)] = &[
    ("evolve", Answer::Evolve),
    ("hold", Answer::Hold),
    ("discard_value", Answer::DiscardValue),
    ("discard_row", Answer::DiscardRow),
    ("fail", Answer::Fail),
];

/// The words of `personal`.
pub const PERSONAL: &[(&str, Answer)] = &[
    ("mask", Answer::Mask),
    ("drop", Answer::DiscardValue),
    ("hold", Answer::Hold),
    ("fail", Answer::Fail),
];

impl DriftPolicy {
    /// What is done about a change of this class.
    pub fn answer(&self, class: Class) -> Answer {
        match class {
            Class::Safe => self.safe,
            Class::Risky => self.risky,
            Class::Breaking => self.breaking,
            Class::Keys => self.keys,
            Class::Governance => self.personal,
        }
    }

    /// The same answer for every class; what looks personal is answered apart.
    pub fn set_all(&mut self, answer: Answer) {
        (self.safe, self.risky) = (answer, answer);
        (self.breaking, self.keys) = (answer, answer);
    }

    /// Changes the answer to one class.
    pub fn set(&mut self, class: Class, answer: Answer) {
        *match class {
            Class::Safe => &mut self.safe,
            Class::Risky => &mut self.risky,
            Class::Breaking => &mut self.breaking,
            Class::Keys => &mut self.keys,
            Class::Governance => &mut self.personal,
        } = answer;
    }
}

impl DriftConfig {
    /// The policy of a stream: that of the most specific pattern, else what holds for all.
    pub fn policy_for(&self, namespace: Option<&str>, name: &str) -> DriftPolicy {
        let mut best: Option<(Rank, DriftPolicy)> = None;
        for (pattern, policy) in &self.streams {
            if let Some(rank) = pattern.rank(namespace, name)
                && best.is_none_or(|(other, _)| rank > other)
            {
                best = Some((rank, *policy));
            }
        }
        best.map_or(self.policy, |(_, policy)| policy)
    }
}

pub(super) fn read_drift(node: &Node, file: &str, problems: &mut Problems) -> Option<DriftConfig> {
    let mut fields = Fields::of(node, "`drift`", file, problems)?;
    let last = fields
        .require("last", problems)
        .and_then(|node| read_file_path(node, file, problems));
    let policy = read_answers(&mut fields, DriftPolicy::default(), problems);
    let streams = fields
        .take("streams")
        .map(|node| read_streams(node, policy, file, problems))
        .unwrap_or_default();
    fields.finish(problems);
    Some(DriftConfig {
        last: last?,
        policy,
        streams,
    })
}

fn read_streams(
    node: &Node,
    policy: DriftPolicy,
    file: &str,
    problems: &mut Problems,
) -> Vec<(StreamPattern, DriftPolicy)> {
    let entries = node.read_map(file, problems).unwrap_or_default();
    if let Some((key, _)) = entries.get(STREAMS_MAX) {
        problems.push_at(file, key.at, format!("more than {STREAMS_MAX} streams"));
    }
    let mut streams = Vec::new();
    for (key, node) in entries.iter().take(STREAMS_MAX) {
        let pattern = read_pattern(&key.name, key.at, file, problems);
        let what = format!("the stream `{}`", key.name);
        let Some(mut fields) = Fields::of(node, &what, file, problems) else {
            continue;
        };
        let policy = read_answers(&mut fields, policy, problems);
        fields.finish(problems);
        streams.extend(pattern.map(|pattern| (pattern, policy)));
    }
    streams
}

/// Reads `policy` and `personal` over what would hold without them.
fn read_answers(
    fields: &mut Fields<'_>,
    mut policy: DriftPolicy,
    problems: &mut Problems,
) -> DriftPolicy {
    let file = fields.file();
    match fields.take("policy") {
        None => {}
        Some(node) if matches!(node.value, Value::Text(_)) => {
            if let Some(answer) = node.read_choice(ANSWERS, file, problems) {
                policy.set_all(answer);
            }
        }
        Some(node) => read_classes(node, &mut policy, file, problems),
    }
    if let Some(answer) = fields.choice("personal", PERSONAL, problems) {
        policy.personal = answer;
    }
    policy
}

fn read_classes(node: &Node, policy: &mut DriftPolicy, file: &str, problems: &mut Problems) {
    let Some(mut fields) = Fields::of(node, "`policy`", file, problems) else {
        return;
    };
    if let Some(answer) = fields.choice("default", ANSWERS, problems) {
        policy.set_all(answer);
    }
    for (name, class) in [
        ("safe", Class::Safe),
        ("risky", Class::Risky),
        ("breaking", Class::Breaking),
        ("keys", Class::Keys),
    ] {
        if let Some(answer) = fields.choice(name, ANSWERS, problems) {
            policy.set(class, answer);
        }
    }
    fields.finish_with(problems, |name| {
        let personal = matches!(name, "governance" | "personal");
        personal
            .then(|| "what looks personal is answered by `personal`, beside `policy`".to_owned())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn read(text: &str) -> (Option<DriftConfig>, Vec<String>) {
        let mut problems = Problems::new();
        let node = parse("f", text, &mut problems).expect("well-formed");
        let drift = read_drift(&node, "f", &mut problems);
        problems.sort();
        (drift, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_most_specific_policy_holds() {
        let (drift, problems) = read(
            "last: ./state/catalog.json\n\
             policy: {default: fail, safe: evolve}\n\
             personal: drop\n\
             streams:\n  users: {policy: discard_row}\n  \"u*\": {policy: {keys: hold}, personal: mask}\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let drift = drift.expect("a configuration");
        assert_eq!(drift.last, PathBuf::from("./state/catalog.json"));
        let of = |name: &str| {
            let policy = drift.policy_for(None, name);
            [
                policy.safe,
                policy.risky,
                policy.breaking,
                policy.keys,
                policy.personal,
            ]
            .map(Answer::word)
        };
        assert_eq!(
            of("orders"),
            ["evolve", "fail", "fail", "fail", "discard_value"]
        );
        assert_eq!(
            of("users"),
            [
                "discard_row",
                "discard_row",
                "discard_row",
                "discard_row",
                "discard_value"
            ]
        );
        assert_eq!(of("units"), ["evolve", "fail", "fail", "hold", "mask"]);
        let (plain, _) = read("last: a");
        assert_eq!(
            plain.expect("a configuration").policy,
            DriftPolicy::default()
        );
    }

    #[test]
    fn wrong_words_are_told_with_the_way_out() {
        for (text, expected) in [
            ("{}", &["f:1:1: `drift` needs the key `last`"][..]),
            (
                "{last: a, policy: keep}",
                &[
                    "f:1:19: unknown word `keep`; valid are `evolve`, `hold`, `discard_value`, `discard_row` and `fail`",
                ],
            ),
            (
                "{last: a, policy: {personal: mask, brekaing: hold}}",
                &[
                    "f:1:20: what looks personal is answered by `personal`, beside `policy`",
                    "f:1:36: unknown key `brekaing`; did you mean `breaking`?",
                ],
            ),
            (
                "{last: a, personal: evolve}",
                &["f:1:21: unknown word `evolve`; valid are `mask`, `drop`, `hold` and `fail`"],
            ),
            (
                "{last: a, streams: {'': {}}}",
                &["f:1:21: a stream's name is empty"],
            ),
        ] {
            let (_, problems) = read(text);
            assert_eq!(problems, expected, "{text}");
        }
    }
}
