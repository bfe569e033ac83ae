//! The published schema of rule files says yes and no where the program does.

use std::fs;
use std::path::Path;

use midflight::document::{Problems, parse};
use midflight::plan::rules::RuleFile;
use serde_json::Value;

use super::RULES;
use crate::support::root;

fn validator() -> jsonschema::Validator {
    let text = fs::read_to_string(root().join("schemas/rules.schema.json")).expect("a schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// What the schema says of a text, and what the program says.
fn judged(validator: &jsonschema::Validator, text: &str) -> (bool, bool) {
    let mut problems = Problems::new();
    let node = parse("r.yaml", text, &mut problems).expect("YAML");
    RuleFile::parse("r.yaml", text, &mut problems);
    (validator.is_valid(&node.to_json()), problems.is_empty())
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path
            .parent()
            .is_some_and(|folder| folder.ends_with("rules"))
            && path
                .extension()
                .is_some_and(|extension| extension == "yaml")
        {
            found.push(fs::read_to_string(path).expect("text"));
        }
    }
}

#[test]
fn rule_files_that_are_read_fit_the_schema() {
    let validator = validator();
    let mut files = vec![RULES.to_owned()];
    collect(&root().join("fixtures"), &mut files);
    let right = files.iter().filter(|text| text.contains("\nrules:"));
    let mut count = 0;
    for text in right {
        let (schema, program) = judged(&validator, text);
        assert!(schema || !program, "{text}");
        count += usize::from(program);
    }
    assert!(count > 3, "the fixtures have rule files");
    let docs = fs::read_to_string(root().join("docs/rules.md")).expect("docs");
    let example = docs
        .split("```yaml\n")
        .find(|block| block.starts_with("# rules/"))
        .expect("an example");
    let example = example
        .split("```")
        .next()
        .unwrap_or_default()
        .replace("9c1f…", &"9c1f".repeat(16));
    assert_eq!(judged(&validator, &example), (true, true), "{example}");
}

#[test]
fn what_is_refused_does_not_fit_the_schema() {
    let validator = validator();
    for (from, to) in [
        ("version: 1", "version: 2"),
        ("stream: users", "streams: users"),
        ("phase: enforced", "phase: live"),
        ("on_fail: drop", "on_fail: delete"),
        ("    on_fail: drop\n", ""),
        ("columns: [age]", "columns: []"),
        ("id: state_known", "id: state known"),
        ("check: not_null", "check: not_nul"),
        ("check: not_null", "check: {range: {}}"),
        ("check: not_null", "check: {type: string}"),
        ("check: not_null", "check: not_null\n    expr: state"),
        ("check: not_null", "check: not_null\n    status: aproved"),
        (
            "check: not_null",
            "check: not_null\n    approved: {by: ann}",
        ),
        ("check: not_null", "check: not_null\n    tests: {pass: [1]}"),
        ("rules:\n", "limits: {demote_above: 2}\nrules:\n"),
    ] {
        assert!(RULES.contains(from), "{from}");
        assert_eq!(
            judged(&validator, &RULES.replacen(from, to, 1)),
            (false, false),
            "{to}"
        );
    }
}
