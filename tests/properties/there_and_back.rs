//! A catalog goes to the destination and comes back to the source: what was chosen of it is what leaves.

use std::collections::BTreeSet;

use midflight::document::Problems;
use midflight::plan::Plan;
use midflight::plan::chosen::Chosen;
use midflight::protocol::catalog::ConfiguredCatalog;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};

use super::budget::check;
use super::catalogs::{COLUMNS, stages};
use super::engine::{plan, sources};
use super::must;

/// Renames of keys and cursors, which nothing else touches.
const RENAMES: [&str; 4] = [
    "rename: {from: id, to: key}",
    "rename: {from: at, to: when}",
    "rename: {from: ref.no, to: number}",
    "rename: {from: ref, to: reference}",
];

/// Columns that may be taken away by whoever chooses, by their numbers.
fn taken() -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<usize> = (0..COLUMNS.len() + 2).collect();
    subsequence(all, 0..COLUMNS.len())
}

fn catalog() -> Value {
    let mut properties: Map<String, Value> = COLUMNS
        .iter()
        .map(|column| {
            let schema = serde_json::from_str(column.schema).expect("a schema");
            (column.name.to_owned(), schema)
        })
        .collect();
    for (name, schema) in [
        ("id", json!({"type": "integer"})),
        ("at", json!({"type": "string", "format": "date-time"})),
        (
            "ref",
            json!({"type": "object", "properties": {"no": {"type": "integer"}, "x": {}}}),
        ),
    ] {
        properties.insert(name.to_owned(), schema);
    }
    let stream = json!({
        "name": "s", "json_schema": {"type": "object", "properties": properties, "additionalProperties": false},
        "supported_sync_modes": ["full_refresh", "incremental"], "default_cursor_field": ["at"],
        "source_defined_primary_key": [["id"], ["ref", "no"]], "is_resumable": true,
    });
    let other = json!({"name": "other", "namespace": "n", "json_schema": {"properties": {"a": {"type": "string"}}}});
    let configured = |stream: Value, key: Value, cursor: Value| json!({"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append_dedup", "primary_key": key, "cursor_field": cursor});
    json!({"streams": [
        configured(stream, json!([["id"], ["ref", "no"]]), json!(["at"])),
        configured(other, json!([["a"]]), json!(["a"])),
    ]})
}

fn parse(catalog: &Value) -> ConfiguredCatalog {
    ConfiguredCatalog::parse(&catalog.to_string(), "catalog.json").expect("a catalog")
}

fn columns(catalog: &Value) -> &Map<String, Value> {
    let columns = catalog["streams"][0]["stream"]["json_schema"]["properties"].as_object();
    columns.expect("columns")
}

/// A plan that does not know the catalog yet, and the one that was led back.
fn led_back(
    config: &str,
    given: &Value,
    source: Option<&Value>,
) -> (Plan, Option<(ConfiguredCatalog, Chosen)>, bool) {
    let (mut sources, problems) = sources(config, None);
    sources.later = true;
    let first = Plan::compile(sources, problems).expect("a plan");
    let given = parse(given);
    let asks = first.asks_source(&given);
    let source = source.map(parse);
    let back = first.source_catalog(&given, source.as_ref());
    (first, back.ok(), asks)
}

#[test]
fn what_was_chosen_is_what_leaves() {
    let source = catalog();
    check(
        &(stages(), subsequence(RENAMES.to_vec(), 0..=4), taken()),
        |(stages, renames, taken)| {
            let stages: Vec<_> = stages.iter().chain(&renames).collect();
            let lines = stages.iter().map(|stage| format!("      - {stage}\n"));
            let config = format!(
                "version: 1\nkeys: {{k: {{env: KEY}}}}\nunlisted: pass\nstreams:\n  s:\n    stages:\n{}",
                lines.collect::<String>()
            );
            let whole = plan(&config, Some(&source.to_string()));
            let rewritten = whole.rewritten_catalog().expect("a catalog");
            let mut given = rewritten.clone();
            let names: Vec<String> = columns(&rewritten).keys().cloned().collect();
            let kept = ["id", "key", "at", "when", "ref", "reference"];
            let taken = taken.into_iter().filter_map(|at| names.get(at));
            let taken: BTreeSet<_> = taken
                .filter(|name| !kept.contains(&name.as_str()))
                .collect();
            let chosen = given["streams"][0]["stream"]["json_schema"]["properties"].as_object_mut();
            chosen
                .expect("columns")
                .retain(|name, _| !taken.contains(name));

            let (first, back, asks) = led_back(&config, &given, Some(&source));
            let (catalog, chosen) = back.expect("a catalog");
            // Whatever stages may name is declared as the source declares it.
            must(catalog.to_json() == source, || {
                format!("{config}{}", catalog.to_json())
            })?;
            let mut sources = first.into_sources();
            (sources.catalog, sources.chosen, sources.later) = (Some(catalog), Some(chosen), false);
            let compiled = Plan::compile(sources, Problems::new());
            let compiled =
                compiled.map_err(|error| TestCaseError::fail(format!("{error}\n{config}")))?;
            // The way there again gives what was chosen.
            let again = compiled.rewritten_catalog().expect("a catalog");
            let left: BTreeSet<_> = columns(&again).keys().collect();
            let wanted: BTreeSet<_> = columns(&given).keys().collect();
            must(left == wanted, || format!("{left:?} {wanted:?}\n{config}"))?;
            for (name, schema) in columns(&given) {
                must(columns(&again).get(name) == Some(schema), || {
                    format!("{name}\n{config}")
                })?;
            }
            for key in ["primary_key", "cursor_field"] {
                must(again["streams"][0][key] == given["streams"][0][key], || {
                    format!("{key}\n{config}")
                })?;
            }
            // The source is asked for what is chosen or read, as it declares it.
            let asked = compiled.asked_catalog().expect("a catalog");
            must(asked["streams"][1] == source["streams"][1], || {
                asked.to_string()
            })?;
            for (name, schema) in columns(&source) {
                let declared = columns(&asked).get(name);
                must(declared.is_none_or(|declared| declared == schema), || {
                    format!("{name}\n{config}")
                })?;
                let named = stages.iter().any(|stage| stage.contains(name));
                must(declared.is_some() || taken.contains(name), || {
                    format!("{name} is missing\n{config}")
                })?;
                must(declared.is_none() || named || !taken.contains(name), || {
                    format!("{name} is asked for\n{config}")
                })?;
            }
            // Where the source need not be asked, the catalog alone tells the same.
            if !asks && taken.is_empty() {
                let (_, back, _) = led_back(&config, &given, None);
                let (catalog, _) = back.expect("a catalog");
                must(catalog.to_json() == source, || {
                    format!("alone: {config}{}", catalog.to_json())
                })?;
            }
            Ok(())
        },
    );
}
