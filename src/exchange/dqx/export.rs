//! Rule files as one list of checks.

use crate::document::{Node, Value};
use crate::exchange::imported::node;
use crate::exchange::{sql, yaml};
use crate::plan::rules::{Literal, RuleFile, RuleForm, RuleSpec, write};
use crate::schema::path::{Path, Segment};
use crate::stage::rules::Severity;
use crate::stage::spec::CastType;

/// The checks of these files.
pub(in crate::exchange) fn export(files: &[RuleFile]) -> String {
    let checks = files.iter().flat_map(|file| {
        let rules = file.rules.iter();
        rules.map(|rule| check(rule, file.stream.as_str()))
    });
    yaml(&Value::List(checks.collect()).into())
}

fn check(rule: &RuleSpec, stream: &str) -> Node {
    let criticality = match rule.severity {
        Severity::Error => "error",
        Severity::Warning | Severity::Info => "warn",
    };
    Node::map([
        ("name", Node::text(&rule.id)),
        ("criticality", Node::text(criticality)),
        ("check", demand(rule)),
        ("user_metadata", metadata(rule, stream)),
    ])
}

fn metadata(rule: &RuleSpec, stream: &str) -> Node {
    let mut entries = vec![
        ("stream", Node::text(stream)),
        ("fingerprint", Node::text(rule.fingerprint())),
        ("status", write::status(rule.standing().0)),
        (
            "on_fail",
            Node::text(write::word(write::ON_FAIL, rule.on_fail)),
        ),
        (
            "severity",
            Node::text(write::word(write::SEVERITIES, rule.severity)),
        ),
    ];
    if let Some(dimension) = rule.dimension {
        let word = write::word(write::DIMENSIONS, dimension);
        entries.push(("dimension", Node::text(word)));
    }
    if let Some(description) = &rule.description {
        entries.push(("description", Node::text(description)));
    }
    Node::map(entries)
}

/// A column as Spark names it.
pub(super) fn name(path: &Path) -> String {
    let names = path.segments().iter().map(|segment| match segment {
        Segment::Key(name) if is_plain(name) => name.clone(),
        Segment::Key(name) => format!("`{}`", name.replace('`', "``")),
        Segment::Items | Segment::Any => String::new(),
    });
    names.collect::<Vec<_>>().join(".")
}

fn is_plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(letter)
}

fn demand(rule: &RuleSpec) -> Node {
    let list = |nodes: Vec<Node>| Node::from(Value::List(nodes));
    let names = || {
        let names = rule.columns.iter().map(|column| Node::text(name(column)));
        list(names.collect())
    };
    if rule.form == RuleForm::UniqueInBatch {
        return Node::map([
            ("function", Node::text("is_unique")),
            ("arguments", Node::map([("columns", names())])),
        ]);
    }
    let Some((function, mut arguments)) = function(&rule.form) else {
        let expression = sql::to_spark(&rule.to_sql().unwrap_or_default());
        let arguments = Node::map([("expression", Node::text(expression)), ("columns", names())]);
        return Node::map([
            ("function", Node::text("sql_expression")),
            ("arguments", arguments),
        ]);
    };
    // One column stands among the arguments; several are a check for each.
    let mut entries = vec![("function", Node::text(function))];
    match rule.columns.as_slice() {
        [column] => arguments.insert(0, ("column", Node::text(name(column)))),
        _ => entries.push(("for_each_column", names())),
    }
    if !arguments.is_empty() {
        entries.push(("arguments", Node::map(arguments)));
    }
    Node::map(entries)
}

/// The function that demands the same of each column, and its arguments.
fn function(form: &RuleForm) -> Option<(&'static str, Vec<(&'static str, Node)>)> {
    let number = |literal: &Option<Literal>| match literal {
        Some(literal @ (Literal::Integer(_) | Literal::Float(_))) => Some(node(literal)),
        // A text would be read as an expression.
        _ => None,
    };
    match form {
        RuleForm::NotNull => Some(("is_not_null", Vec::new())),
        RuleForm::InSet(values) => {
            let values = values.iter().map(node).collect();
            Some(("is_in_list", vec![("allowed", Value::List(values).into())]))
        }
        RuleForm::Range { min, max: None } => {
            Some(("is_not_less_than", vec![("limit", number(min)?)]))
        }
        RuleForm::Range { min: None, max } => {
            Some(("is_not_greater_than", vec![("limit", number(max)?)]))
        }
        RuleForm::Range { min, max } => Some((
            "is_in_range",
            vec![("min_limit", number(min)?), ("max_limit", number(max)?)],
        )),
        RuleForm::Regex(pattern) => Some(("regex_match", vec![("regex", Node::text(pattern))])),
        RuleForm::Type(CastType::Date) => Some(("is_valid_date", Vec::new())),
        RuleForm::Type(CastType::TimestampWithTimezone) => Some(("is_valid_timestamp", Vec::new())),
        RuleForm::NotInFuture => Some(("is_not_in_future", Vec::new())),
        RuleForm::Expr(_)
        | RuleForm::Length { .. }
        | RuleForm::Type(_)
        | RuleForm::UniqueInBatch => None,
    }
}
