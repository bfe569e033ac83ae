//! Rule files as one contract.

use sha2::{Digest, Sha256};

use super::{COLUMNS, COUNTS, EVIDENCE, FINGERPRINT, ON_FAIL, STATUS};
use crate::document::{Node, Value};
use crate::exchange::imported::node;
use crate::exchange::{sql, yaml};
use crate::plan::rules::{Literal, RuleFile, RuleForm, RuleSpec, Status, write};
use crate::protocol::catalog::{ConfiguredCatalog, ConfiguredStream};
use crate::schema::path::Path;
use crate::schema::{LogicalType, StreamSchema};

/// The contract of these files.
pub(in crate::exchange) fn export(
    files: &[RuleFile],
    catalog: Option<&ConfiguredCatalog>,
) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.stream.as_str()).collect();
    let hash = hex::encode(Sha256::digest(names.join("\n")));
    let mut rules = files.iter().flat_map(|file| &file.rules);
    let settled = rules.all(|rule| rule.status != Status::Proposed);
    let objects = files.iter().map(|file| object(file, catalog));
    yaml(&Node::map([
        ("apiVersion", Node::text("v3.1.0")),
        ("kind", Node::text("DataContract")),
        ("id", Node::text(format!("midflight-{}", &hash[..16]))),
        ("name", Node::text(format!("Rules of {}", names.join(", ")))),
        ("version", Node::text("1.0.0")),
        (
            "status",
            Node::text(if settled { "active" } else { "draft" }),
        ),
        ("schema", list(objects.collect())),
    ]))
}

fn list(nodes: Vec<Node>) -> Node {
    Value::List(nodes).into()
}

fn object(file: &RuleFile, catalog: Option<&ConfiguredCatalog>) -> Node {
    let full = file.stream.as_str();
    let declared = catalog.and_then(|catalog| {
        let mut streams = catalog.streams().iter();
        streams.find(|stream| {
            file.stream
                .matches(stream.namespace.as_deref(), &stream.name)
        })
    });
    let name = full.rsplit_once('.').map_or(full, |(_, name)| name);
    let mut entries = vec![
        ("name", Node::text(name)),
        ("physicalName", Node::text(full)),
        ("logicalType", Node::text("object")),
    ];
    let own = |rule: &&RuleSpec| column_of(rule).is_some();
    let properties = properties(file, declared);
    if !properties.is_empty() {
        entries.push(("properties", list(properties)));
    }
    let rules = file.rules.iter().filter(|rule| !own(rule));
    let quality: Vec<Node> = rules.map(|rule| quality(rule, None)).collect();
    if !quality.is_empty() {
        entries.push(("quality", list(quality)));
    }
    Node::map(entries)
}

/// The one top-level column that a rule speaks of.
fn column_of(rule: &RuleSpec) -> Option<&str> {
    match rule.columns.as_slice() {
        [column] => column.as_key(),
        _ => None,
    }
}

/// The columns that the catalog declares, then those that only rules name.
fn properties(file: &RuleFile, declared: Option<&ConfiguredStream>) -> Vec<Node> {
    let schema = declared.map(|stream| StreamSchema::from_json_schema(&stream.json_schema));
    let schema = schema.and_then(Result::ok);
    let mut columns: Vec<(String, Option<LogicalType>)> = schema
        .iter()
        .flat_map(StreamSchema::columns)
        .map(|(name, ty)| (name.to_owned(), Some(ty.clone())))
        .collect();
    for name in file.rules.iter().filter_map(column_of) {
        if !columns.iter().any(|(known, _)| known == name) {
            columns.push((name.to_owned(), None));
        }
    }
    let properties = columns.iter().map(|(name, ty)| {
        // The published schema takes a property without a type for a map.
        let word = ty.as_ref().map_or_else(|| told(file, name), logical);
        let mut entries = vec![
            ("name", Node::text(name)),
            ("logicalType", Node::text(word)),
        ];
        if let Some(at) = declared.and_then(|stream| key_place(stream, name)) {
            entries.push(("primaryKey", Value::Bool(true).into()));
            entries.push(("primaryKeyPosition", Value::Integer(at).into()));
        }
        let rules = file
            .rules
            .iter()
            .filter(|rule| column_of(rule) == Some(name));
        let quality: Vec<Node> = rules.map(|rule| quality(rule, Some(name))).collect();
        if !quality.is_empty() {
            entries.push(("quality", list(quality)));
        }
        Node::map(entries)
    });
    properties.collect()
}

fn key_place(stream: &ConfiguredStream, name: &str) -> Option<i64> {
    let key = match stream.primary_key.is_empty() {
        true => &stream.source_defined_primary_key,
        false => &stream.primary_key,
    };
    let at = key.iter().position(|part| part.as_slice() == [name])?;
    i64::try_from(at + 1).ok()
}

/// The type that a column seems to have by the rules about it.
fn told(file: &RuleFile, name: &str) -> &'static str {
    let rules = file
        .rules
        .iter()
        .filter(|rule| column_of(rule) == Some(name));
    let kind = |literal: &Literal| match literal {
        Literal::Bool(_) => "boolean",
        Literal::Integer(_) | Literal::Float(_) => "number",
        Literal::Text(_) => "string",
    };
    let mut told = rules.filter_map(|rule| match &rule.form {
        RuleForm::InSet(values) => values.first().map(kind),
        RuleForm::Range { min, max } => min.as_ref().or(max.as_ref()).map(kind),
        _ => None,
    });
    told.next().unwrap_or("string")
}

fn logical(ty: &LogicalType) -> &'static str {
    use LogicalType as T;
    match ty {
        T::String | T::Binary | T::BigInteger => "string",
        T::Boolean => "boolean",
        T::Integer => "integer",
        T::Number => "number",
        T::Date => "date",
        T::TimestampTz | T::Timestamp => "timestamp",
        T::TimeTz | T::Time => "time",
        T::Array(_) => "array",
        T::Object(_) | T::SchemalessObject | T::Json | T::Union(_) | T::Unknown => "object",
    }
}

/// A rule as one entry of `quality`.
fn quality(rule: &RuleSpec, property: Option<&str>) -> Node {
    let id: String = rule
        .id
        .chars()
        .map(|c| if c == '.' { '_' } else { c })
        .collect();
    let mut entries = vec![("id", Node::text(id)), ("name", Node::text(&rule.id))];
    entries.extend(demand(rule, property));
    entries.push(("mustBe", Value::Integer(0).into()));
    entries.push(("unit", Node::text("rows")));
    let severity = write::word(write::SEVERITIES, rule.severity);
    entries.push(("severity", Node::text(severity)));
    if let Some(dimension) = rule.dimension {
        let word = write::word(write::DIMENSIONS, dimension);
        entries.push(("dimension", Node::text(word)));
    }
    if let Some(description) = &rule.description {
        entries.push(("description", Node::text(description)));
    }
    entries.push(("customProperties", list(own(rule))));
    Node::map(entries)
}

/// What the standard has no word for.
fn own(rule: &RuleSpec) -> Vec<Node> {
    let property =
        |name: &str, value: Node| Node::map([("property", Node::text(name)), ("value", value)]);
    let columns = rule
        .columns
        .iter()
        .map(|column| Node::text(column.to_string()));
    let mut all = vec![
        property(FINGERPRINT, Node::text(rule.fingerprint())),
        property(STATUS, write::status(rule.standing().0)),
        property(
            ON_FAIL,
            Node::text(write::word(write::ON_FAIL, rule.on_fail)),
        ),
        property(COLUMNS, list(columns.collect())),
    ];
    if let Some(evidence) = &rule.evidence {
        all.push(property(EVIDENCE, evidence.clone()));
    }
    all
}

fn demand(rule: &RuleSpec, property: Option<&str>) -> Vec<(&'static str, Node)> {
    let library = |metric: &str| {
        vec![
            ("type", Node::text("library")),
            ("metric", Node::text(metric)),
        ]
    };
    let with = |metric: &str, arguments: Node| {
        let mut entries = library(metric);
        entries.push(("arguments", arguments));
        entries
    };
    match (&rule.form, property) {
        (RuleForm::NotNull, Some(_)) => library("nullValues"),
        (RuleForm::InSet(values), Some(_)) => {
            let values = values.iter().map(node).collect();
            with("invalidValues", Node::map([("validValues", list(values))]))
        }
        (RuleForm::Regex(pattern), Some(_)) => with(
            "invalidValues",
            Node::map([("pattern", Node::text(pattern))]),
        ),
        (RuleForm::UniqueInBatch, Some(_)) => library("duplicateValues"),
        (RuleForm::UniqueInBatch, None) => {
            let columns = rule
                .columns
                .iter()
                .map(|column| Node::text(column.to_string()));
            let columns = list(columns.collect());
            with("duplicateValues", Node::map([("properties", columns)]))
        }
        _ => {
            let query = format!("{COUNTS}NOT ({})", expression(rule));
            vec![("type", Node::text("sql")), ("query", Node::text(query))]
        }
    }
}

fn expression(rule: &RuleSpec) -> String {
    let not_later = |column: &Path| {
        format!(
            "TRY_CAST({} AS TIMESTAMP) <= CURRENT_TIMESTAMP",
            sql::name(column)
        )
    };
    rule.to_sql().unwrap_or_else(|| {
        let demands: Vec<_> = rule.columns.iter().map(not_later).collect();
        demands.join(" AND ")
    })
}
