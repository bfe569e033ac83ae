//! Rule files as text: whole new ones, and edits of those there are.
//!
//! What is written reads back as what was given. The keys of a rule stand in one order, so that reviews
//! show what changed and nothing else.

use super::read::{PHASES, STATUSES};
use super::{Approval, Limits, Literal, Phase, RuleForm, RuleSpec, Status};
use crate::document::write::{Layout, entry, entry_here};
use crate::document::{Key, Node, Value};
use crate::plan::config::TYPES;
use crate::schema::path::Path;

pub use super::edit::{Change, append, set, set_all};
pub use super::read::{DIMENSIONS, ON_FAIL, SEVERITIES};

/// The keys of a rule in the order in which they stand.
pub(super) const ORDER: &[&str] = &[
    "id",
    "expr",
    "check",
    "columns",
    "severity",
    "on_fail",
    "status",
    "dimension",
    "description",
    "source",
    "evidence",
    "approved",
    "tests",
];

/// The text of a whole new rule file.
pub fn file(stream: &str, phase: Phase, rules: &[RuleSpec], limits: &Limits) -> String {
    let mut out = String::new();
    entry(
        &mut out,
        0,
        "version",
        &Value::Integer(1).into(),
        Layout::Fit,
    );
    entry(&mut out, 0, "stream", &Node::text(stream), Layout::Fit);
    entry(
        &mut out,
        0,
        "phase",
        &Node::text(word(PHASES, phase)),
        Layout::Fit,
    );
    out.push('\n');
    let rules: Vec<_> = rules.iter().map(node).collect();
    write_rules(&mut out, 2, &rules);
    let limits = limits_node(limits);
    if !matches!(&limits.value, Value::Map(entries) if entries.is_empty()) {
        out.push('\n');
        entry(&mut out, 0, "limits", &limits, Layout::Open);
    }
    out
}

/// The rule as it stands in a file.
pub fn node(rule: &RuleSpec) -> Node {
    let mut entries = vec![("id", Node::text(&rule.id))];
    entries.push(match &rule.form {
        RuleForm::Expr(sql) => ("expr", Node::text(sql)),
        form => ("check", check(form)),
    });
    entries.push(("columns", columns(&rule.columns)));
    entries.push(("severity", Node::text(word(SEVERITIES, rule.severity))));
    entries.push(("on_fail", Node::text(word(ON_FAIL, rule.on_fail))));
    entries.push(("status", status(rule.status)));
    if let Some(dimension) = rule.dimension {
        entries.push(("dimension", Node::text(word(DIMENSIONS, dimension))));
    }
    if let Some(description) = &rule.description {
        entries.push(("description", Node::text(description)));
    }
    let data = [("source", &rule.source), ("evidence", &rule.evidence)];
    entries.extend(
        data.into_iter()
            .filter_map(|(key, node)| Some((key, node.clone()?))),
    );
    if let Some(approval) = &rule.approved {
        entries.push(("approved", approved(approval)));
    }
    let tests = [("pass", &rule.tests.pass), ("fail", &rule.tests.fail)];
    let tests: Vec<_> = (tests.into_iter())
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(key, rows)| (key, Node::from(Value::List(rows.clone()))))
        .collect();
    if !tests.is_empty() {
        entries.push(("tests", Node::map(tests)));
    }
    Node::map(entries)
}

/// A status as it stands in a file.
pub fn status(status: Status) -> Node {
    Node::text(word(STATUSES, status))
}

/// An approval as it stands in a file.
pub fn approved(approval: &Approval) -> Node {
    let entries = [
        ("by", Some(&approval.by)),
        ("at", Some(&approval.at)),
        ("note", approval.note.as_ref()),
        ("fingerprint", approval.fingerprint.as_ref()),
    ];
    Node::map(
        entries
            .into_iter()
            .filter_map(|(key, text)| Some((key, Node::text(text?)))),
    )
}

/// The word that a file has for a meaning.
pub fn word<T: PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    let found = words.iter().find(|(_, other)| *other == meaning);
    found.map_or("", |(word, _)| word)
}

fn columns(columns: &[Path]) -> Node {
    Value::List(
        columns
            .iter()
            .map(|path| Node::text(path.to_string()))
            .collect(),
    )
    .into()
}

fn check(form: &RuleForm) -> Node {
    let limit = |key: &'static str, value: Option<Node>| value.map(|value| (key, value));
    let count = |characters: u64| Value::Integer(characters.try_into().unwrap_or(i64::MAX)).into();
    let settings = match form {
        RuleForm::Expr(sql) => Node::text(sql),
        RuleForm::NotNull | RuleForm::UniqueInBatch | RuleForm::NotInFuture => {
            return Node::text(form.name());
        }
        RuleForm::InSet(values) => Value::List(values.iter().map(literal).collect()).into(),
        RuleForm::Range { min, max } => Node::map(
            [
                limit("min", min.as_ref().map(literal)),
                limit("max", max.as_ref().map(literal)),
            ]
            .into_iter()
            .flatten(),
        ),
        RuleForm::Length { min, max } => Node::map(
            [limit("min", min.map(count)), limit("max", max.map(count))]
                .into_iter()
                .flatten(),
        ),
        RuleForm::Regex(pattern) => Node::text(pattern),
        RuleForm::Type(to) => Node::text(word(TYPES, *to)),
    };
    Node::map([(form.name(), settings)])
}

/// A literal as it stands in a file.
pub fn literal(value: &Literal) -> Node {
    Node::from(match value {
        Literal::Bool(flag) => Value::Bool(*flag),
        Literal::Integer(number) => Value::Integer(*number),
        Literal::Float(number) => Value::Float(*number),
        Literal::Text(text) => Value::Text(text.clone()),
    })
}

fn limits_node(limits: &Limits) -> Node {
    let fraction = |fraction: f64| Node::from(Value::Float(fraction));
    let limits = [
        ("max_quarantine_fraction", limits.max_quarantine_fraction),
        ("demote_above", limits.demote_above),
    ];
    Node::map((limits.into_iter()).filter_map(|(key, limit)| Some((key, fraction(limit?)))))
}

/// Adds `rules:` with its list, the dashes `indent` columns in.
pub(super) fn write_rules(out: &mut String, indent: usize, rules: &[Node]) {
    if rules.is_empty() {
        out.push_str("rules: []\n");
        return;
    }
    out.push_str("rules:\n");
    for (i, rule) in rules.iter().enumerate() {
        out.push_str(if i > 0 { "\n" } else { "" });
        write_rule(out, indent, rule);
    }
}

/// Adds a rule as an item of a list whose dashes stand `indent` columns in.
pub(super) fn write_rule(out: &mut String, indent: usize, rule: &Node) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str("- ");
    write_keys(out, indent + 2, rule);
}

/// Adds the keys of a rule, the first where the line has begun already.
pub(super) fn write_keys(out: &mut String, indent: usize, rule: &Node) {
    for (i, (Key { name, .. }, node)) in entries(rule).into_iter().enumerate() {
        if i == 0 {
            entry_here(out, indent, name, node, layout(name));
        } else {
            entry(out, indent, name, node, layout(name));
        }
    }
}

/// The entries of a rule in the order in which they stand.
fn entries(rule: &Node) -> Vec<&(Key, Node)> {
    let Value::Map(entries) = &rule.value else {
        return Vec::new();
    };
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| rank(&key.name));
    entries
}

/// Where a key of a rule stands among its keys.
pub(super) fn rank(key: &str) -> usize {
    let found = ORDER.iter().position(|known| *known == key);
    found.unwrap_or(ORDER.len())
}

/// How the value of a key of a rule is laid out.
pub(super) fn layout(key: &str) -> Layout {
    match key {
        "evidence" | "tests" => Layout::Open,
        _ => Layout::Fit,
    }
}

#[cfg(test)]
mod tests {
    use super::super::RuleFile;
    use super::*;
    use crate::document::Problems;

    fn read(text: &str) -> RuleFile {
        let mut problems = Problems::new();
        let file = RuleFile::parse("r.yaml", text, &mut problems);
        assert!(problems.is_empty(), "{problems}\n{text}");
        file.expect("a rule file")
    }

    #[test]
    fn a_file_is_written_as_people_write_it() {
        let text = r#"version: 1
stream: users
phase: monitor

rules:
  - id: users_age_range
    expr: age BETWEEN 0 AND 120
    columns: [age]
    severity: error
    on_fail: quarantine
    status: approved
    dimension: conformity
    description: Age in whole years.
    source: {kind: llm, prompt: rule-suggest@3, model: qwen2.5-7b-instruct, profile: sha256:9c1f}
    evidence:
      window: 2026-09-01/2026-09-14
      rows: 60000
      violations: 3
      fpr_upper95: 0.000147
      caught: {wrong_unit: 1.0, outlier: 0.97}
    approved: {by: a.martin, at: 2026-09-15, note: confirmed with CRM owner}
    tests:
      pass: [{age: 0}, {age: 120}, {age: null}]
      fail: [{age: -1}, {age: 1200}]

  - id: users_state
    check: {in_set: ['on', off-line, '12']}
    columns: [state]
    severity: warning
    on_fail: annotate
    status: proposed

limits:
  max_quarantine_fraction: 0.05
"#;
        let rules = read(text);
        let stream = rules.stream.as_str();
        assert_eq!(file(stream, rules.phase, &rules.rules, &rules.limits), text);
        let none = file("a: b", Phase::Enforced, &[], &Limits::default());
        assert_eq!(
            none,
            "version: 1\nstream: 'a: b'\nphase: enforced\n\nrules: []\n"
        );
        assert_eq!(read(&none).phase, Phase::Enforced);
    }

    #[test]
    fn every_check_reads_back() {
        for check in [
            "not_null",
            "{in_set: [1, 2.5]}",
            "{in_set: [true, false]}",
            "{range: {min: 0, max: 1e300}}",
            "{range: {max: 2030-01-01}}",
            "{length: {min: 1, max: 3}}",
            "{regex: '^[A-Z]''s: #$'}",
            "{type: timestamp_with_timezone}",
            "unique_in_batch",
            "not_in_future",
        ] {
            let text = format!(
                "version: 1\nstream: s\nrules:\n  - {{id: a, check: {check}, columns: 'a.\"b.c\"', on_fail: drop}}\n"
            );
            let mut first = read(&text);
            let again = file("s", Phase::Monitor, &first.rules, &first.limits);
            let mut second = read(&again);
            let rules = [&mut first.rules[0], &mut second.rules[0]];
            let [one, two] = rules.map(|rule| {
                rule.at = crate::document::Position { line: 0, column: 0 };
                rule.clone()
            });
            assert_eq!(one, two, "{again}");
        }
    }
}
