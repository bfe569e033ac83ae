//! The parts of a rule file, from nodes to plain data.

use std::collections::HashMap;

use super::{
    Approval, Dimension, Limits, OnFail, Phase, RULE_COLUMNS_MAX, RULES_MAX, RuleForm, RuleSpec,
    RuleTests, Severity, Status, TESTS_MAX, form,
};
use crate::document::{Fields, Node, Position, Problems, nearest};
use crate::plan::config::{read_fraction, read_name, read_paths, read_sql};
use crate::schema::path::Path;

pub(super) const PHASES: &[(&str, Phase)] = &[
    ("monitor", Phase::Monitor),
    ("assisted", Phase::Assisted),
    ("enforced", Phase::Enforced),
];

pub(super) const STATUSES: &[(&str, Status)] = &[
    ("proposed", Status::Proposed),
    ("approved", Status::Approved),
    ("enforced", Status::Enforced),
    ("retired", Status::Retired),
];

pub const ON_FAIL: &[(&str, OnFail)] = &[
    ("annotate", OnFail::Annotate),
    ("quarantine", OnFail::Quarantine),
    ("drop", OnFail::Drop),
    ("nullify", OnFail::Nullify),
    ("fail", OnFail::Fail),
];

pub const SEVERITIES: &[(&str, Severity)] = &[
    ("error", Severity::Error),
    ("warning", Severity::Warning),
    ("info", Severity::Info),
];

pub const DIMENSIONS: &[(&str, Dimension)] = &[
    ("accuracy", Dimension::Accuracy),
    ("completeness", Dimension::Completeness),
    ("conformity", Dimension::Conformity),
    ("consistency", Dimension::Consistency),
    ("coverage", Dimension::Coverage),
    ("timeliness", Dimension::Timeliness),
    ("uniqueness", Dimension::Uniqueness),
];

pub(super) fn read_limits(node: &Node, file: &str, problems: &mut Problems) -> Option<Limits> {
    let mut fields = Fields::of(node, "`limits`", file, problems)?;
    let max_quarantine_fraction = read_fraction(&mut fields, "max_quarantine_fraction", problems);
    let demote_above = read_fraction(&mut fields, "demote_above", problems);
    fields.finish(problems);
    Some(Limits {
        max_quarantine_fraction,
        demote_above,
    })
}

pub(super) fn read_rules(node: &Node, file: &str, problems: &mut Problems) -> Vec<RuleSpec> {
    let items = node.read_list(file, problems).unwrap_or_default();
    if let Some(item) = items.get(RULES_MAX) {
        problems.push_at(file, item.at, format!("more than {RULES_MAX} rules"));
    }
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let mut rules = Vec::new();
    for item in items.iter().take(RULES_MAX) {
        let Some(mut fields) = Fields::of(item, "the rule", file, problems) else {
            continue;
        };
        let id = fields
            .require("id", problems)
            .and_then(|node| read_id(node, file, problems));
        if let Some((id, at)) = id {
            if let Some(line) = lines.get(id) {
                let message = format!("the id `{id}` is taken by the rule on line {line}");
                problems.push_at(file, at, message);
            } else {
                lines.insert(id, at.line);
            }
        }
        rules.extend(read_rule(id.map(|(id, _)| id), fields, problems));
    }
    rules
}

fn read_id<'a>(node: &'a Node, file: &str, problems: &mut Problems) -> Option<(&'a str, Position)> {
    const ID_BYTES_MAX: usize = 100;
    let id = node.read_text(file, problems)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
        let message = format!("an id is 1 to {ID_BYTES_MAX} letters, digits, `_`, `-` and `.`");
        problems.push_at(file, node.at, message);
        return None;
    }
    Some((id, node.at))
}

fn read_rule(
    id: Option<&str>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<RuleSpec> {
    let (file, at) = (fields.file(), fields.at());
    let form = read_form(&mut fields, problems);
    let columns = read_columns(&mut fields, problems);
    let severity = fields.choice("severity", SEVERITIES, problems);
    // What happens to a row is never a default.
    let on_fail = fields
        .require("on_fail", problems)
        .and_then(|node| node.read_choice(ON_FAIL, file, problems));
    let status = fields.choice("status", STATUSES, problems);
    let dimension = fields.choice("dimension", DIMENSIONS, problems);
    let description = fields
        .take("description")
        .and_then(|node| read_name(node, "the description", file, problems));
    let source = fields.take("source").cloned();
    let evidence = fields.take("evidence").cloned();
    let approved = fields
        .take("approved")
        .and_then(|node| read_approval(node, file, problems));
    let tests = fields
        .take("tests")
        .map(|node| read_tests(node, columns.as_deref(), file, problems));
    fields.finish(problems);
    Some(RuleSpec {
        id: id?.to_owned(),
        form: form?,
        columns: columns?,
        severity: severity.unwrap_or_default(),
        on_fail: on_fail?,
        status: status.unwrap_or_default(),
        dimension,
        description: description.map(str::to_owned),
        source,
        evidence,
        approved,
        tests: tests.unwrap_or_default(),
        at,
    })
}

fn read_form(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<RuleForm> {
    let file = fields.file();
    match (fields.take("expr"), fields.take("check")) {
        (Some(node), None) => read_sql(node, file, problems).map(RuleForm::Expr),
        (None, Some(node)) => form::read_check(node, file, problems),
        (None, None) => {
            let message = "the rule needs the key `expr` or `check`";
            problems.push_at(file, fields.at(), message);
            None
        }
        (Some(_), Some(node)) => {
            problems.push_at(file, node.at, "`expr` and `check` exclude each other");
            None
        }
    }
}

fn read_columns(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Vec<Path>> {
    let file = fields.file();
    let node = fields.require("columns", problems)?;
    let columns = read_paths(node, file, problems)?;
    let mut fits = true;
    if columns.len() > RULE_COLUMNS_MAX {
        let message = format!("more than {RULE_COLUMNS_MAX} columns in one rule");
        problems.push_at(file, node.at, message);
        fits = false;
    }
    for column in columns.iter().filter(|column| !column.is_scalar()) {
        let message =
            format!("`{column}` names several values, and a rule sees one of each column");
        problems.push_at(file, node.at, message);
        fits = false;
    }
    (fits && !columns.is_empty()).then_some(columns)
}

fn read_approval(node: &Node, file: &str, problems: &mut Problems) -> Option<Approval> {
    let mut fields = Fields::of(node, "`approved`", file, problems)?;
    let mut required = |name| {
        fields
            .require(name, problems)
            .and_then(|node| read_name(node, &format!("`{name}`"), file, problems))
            .map(str::to_owned)
    };
    let (by, at) = (required("by"), required("at"));
    let note = fields.text("note", problems).map(str::to_owned);
    let fingerprint = fields
        .take("fingerprint")
        .and_then(|node| read_fingerprint(node, file, problems));
    fields.finish(problems);
    Some(Approval {
        by: by?,
        at: at?,
        note,
        fingerprint,
    })
}

fn read_fingerprint(node: &Node, file: &str, problems: &mut Problems) -> Option<String> {
    let text = node.read_text(file, problems)?;
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        problems.push_at(file, node.at, "a fingerprint is 64 hex digits");
        return None;
    }
    Some(hex.to_ascii_lowercase())
}

fn read_tests(
    node: &Node,
    columns: Option<&[Path]>,
    file: &str,
    problems: &mut Problems,
) -> RuleTests {
    let Some(mut fields) = Fields::of(node, "`tests`", file, problems) else {
        return RuleTests::default();
    };
    let mut rows = |name| {
        fields
            .take(name)
            .map(|node| read_rows(node, columns, file, problems))
            .unwrap_or_default()
    };
    let (pass, fail) = (rows("pass"), rows("fail"));
    fields.finish(problems);
    RuleTests { pass, fail }
}

fn read_rows(
    node: &Node,
    columns: Option<&[Path]>,
    file: &str,
    problems: &mut Problems,
) -> Vec<Node> {
    let items = node.read_list(file, problems).unwrap_or_default();
    if let Some(item) = items.get(TESTS_MAX) {
        problems.push_at(file, item.at, format!("more than {TESTS_MAX} tests"));
    }
    let mut rows = Vec::new();
    for item in items.iter().take(TESTS_MAX) {
        let Some(cells) = item.read_map(file, problems) else {
            continue;
        };
        for (key, _) in cells {
            let Some(columns) = columns else { break };
            let mut names = columns.iter().filter_map(Path::top);
            if names.clone().all(|name| name != key.name) {
                let message = format!("the test names `{}`, no column of the rule", key.name);
                match nearest(&key.name, &mut names) {
                    Some(near) => {
                        let hint = format!("did you mean `{near}`?");
                        problems.push_hint(file, key.at, message, hint);
                    }
                    None => problems.push_at(file, key.at, message),
                }
            }
        }
        rows.push(item.clone());
    }
    rows
}
