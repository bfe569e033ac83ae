//! Rules that go out to other tools and come back: what is written is what those tools take, and a rule keeps its
//! fingerprint where their words allow it. `MIDFLIGHT_BLESS=1` makes what is written the new expectation.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use midflight::document::Problems;
use midflight::plan::rules::RuleFile;

use crate::real::venv::Venv;
use crate::support::{Ended, midflight, root};

fn folder() -> std::path::PathBuf {
    root().join("fixtures/exchange")
}

fn rules(within: &Path, arguments: &[&str]) -> Ended {
    let all: Vec<&str> = std::iter::once("rules")
        .chain(arguments.iter().copied())
        .collect();
    midflight(&all).within(within).run("")
}

/// Compares with a file, or makes it anew.
fn expect(path: &Path, found: &str) {
    if std::env::var_os("MIDFLIGHT_BLESS").is_some() {
        fs::write(path, found).expect("a file");
    }
    let expected = fs::read_to_string(path).expect("an expectation");
    assert_eq!(found, expected, "{}", path.display());
}

fn read(text: &str) -> RuleFile {
    let mut problems = Problems::new();
    let file = RuleFile::parse("rules.yaml", text, &mut problems);
    assert!(problems.is_empty(), "{problems}\n{text}");
    file.expect("a rule file")
}

/// The rules of the file of every form, exported.
fn exported(format: &str) -> String {
    let folder = folder().join("every-form");
    let mut arguments = vec!["export", "--format", format, "users.rules.yaml"];
    if format == "odcs" {
        arguments.extend(["--catalog", "catalog.json"]);
    }
    let ended = rules(&folder, &arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.text().to_owned()
}

fn fingerprints(file: &RuleFile) -> BTreeMap<String, String> {
    let rules = file.rules.iter();
    rules
        .map(|rule| (rule.id.clone(), rule.fingerprint()))
        .collect()
}

#[test]
fn every_form_goes_out_and_comes_back_with_its_fingerprint() {
    let text = fs::read_to_string(folder().join("every-form/users.rules.yaml")).expect("rules");
    let own = fingerprints(&read(&text));
    for (format, file) in [("odcs", "contract.yaml"), ("dqx", "checks.yml")] {
        let out = exported(format);
        expect(&folder().join("every-form").join(file), &out);
        let copy = tempfile::tempdir().expect("a folder");
        fs::write(copy.path().join(file), &out).expect("a file");
        let import = ["import", "--from", file, "--stream", "crm.users"];
        // Uniqueness is about many rows, and the way back is refused.
        let ended = rules(copy.path(), &import);
        assert_eq!(ended.code, 2, "{format}");
        assert_eq!(
            ended.stderr.matches("about many rows").count(),
            2,
            "{}",
            ended.stderr
        );
        let ended = rules(copy.path(), &[&import[..], &["--skip"]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let back = fingerprints(&read(ended.text()));
        assert_eq!(back.len(), own.len() - 2, "{format}");
        for (id, fingerprint) in &back {
            assert_eq!(Some(fingerprint), own.get(id), "{format}: {id}");
        }
        let back = read(ended.text());
        assert!(back.rules.iter().all(|rule| rule.approved.is_none()));
        let source = back.rules[0].source.as_ref().expect("a source").to_json();
        assert_eq!(source["kind"], "import");
        assert_eq!(source["format"], format);
        assert!(
            source["file"]
                .as_str()
                .is_some_and(|hash| hash.starts_with("sha256:"))
        );
    }
}

#[test]
fn what_others_write_is_read_or_refused_with_a_reason() {
    for (case, file) in [("contract", "contract.yaml"), ("checks", "checks.yml")] {
        let folder = folder().join(case);
        let import = ["import", "--from", file, "--stream", "users"];
        let strict = rules(&folder, &import);
        assert_eq!((strict.code, strict.text()), (2, ""));
        expect(&folder.join("refused"), &strict.stderr);
        let ended = rules(&folder, &[&import[..], &["--skip"]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        expect(&folder.join("users.rules.yaml"), ended.text());
        // What was imported is a rule file whose expressions can be planned.
        let ended = rules(&folder, &["test", "users.rules.yaml"]);
        assert_eq!(ended.code, 0, "{}{}", ended.text(), ended.stderr);
    }
}

#[test]
fn imported_rules_join_a_file_that_is_there() {
    let copy = tempfile::tempdir().expect("a folder");
    let contract = fs::read_to_string(folder().join("contract/contract.yaml")).expect("a file");
    fs::write(copy.path().join("contract.yaml"), contract).expect("a file");
    let into = [
        "import",
        "--from",
        "contract.yaml",
        "--stream",
        "users",
        "--skip",
        "--into",
        "users.rules.yaml",
    ];
    let once = rules(copy.path(), &into);
    assert_eq!(once.code, 0, "{}", once.stderr);
    let text = fs::read_to_string(copy.path().join("users.rules.yaml")).expect("a file");
    let first = read(&text).rules.len();
    let twice = rules(copy.path(), &into);
    assert_eq!(twice.code, 0, "{}", twice.stderr);
    let again = fs::read_to_string(copy.path().join("users.rules.yaml")).expect("a file");
    assert!(again.starts_with(&text), "what was there keeps its bytes");
    assert_eq!(read(&again).rules.len(), 2 * first);
    let wrong = rules(
        copy.path(),
        &[
            "import",
            "--from",
            "contract.yaml",
            "--stream",
            "other",
            "--into",
            "users.rules.yaml",
        ],
    );
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("is written for `users`"),
        "{}",
        wrong.stderr
    );
    for (stream, file, told) in [
        ("nobody", "contract.yaml", "there are: other, users"),
        ("users", "users.rules.yaml", "neither a data contract"),
    ] {
        let ended = rules(copy.path(), &["import", "--from", file, "--stream", stream]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

/// Feeds a Python script of an environment, and gives what it prints.
fn python(venv: &str, script: &str, input: &str) -> String {
    let mut python = Venv::of(venv).program("python");
    let running = python
        .arg("-c")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut running = running.spawn().expect("python starts");
    let mut stdin = running.stdin.take().expect("stdin");
    stdin.write_all(input.as_bytes()).expect("input");
    drop(stdin);
    let output = running.wait_with_output().expect("python ends");
    assert!(output.status.success(), "the script ends well");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn contracts_are_of_the_published_schema() {
    const SCHEMA: &str = "import importlib.resources, sys; sys.stdin.read(); \
        print(importlib.resources.files('open_data_contract_standard').joinpath('schema.json').read_text())";
    // Their own reader takes the contract too.
    const MODEL: &str = "import sys; from open_data_contract_standard.model import OpenDataContractStandard as C; \
        print(C.from_string(sys.stdin.read()).schema_[0].name)";
    let schema: Value = serde_json::from_str(&python("odcs", SCHEMA, "")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let contract = exported("odcs");
    let mut problems = Problems::new();
    let document = midflight::document::parse("contract", &contract, &mut problems).expect("YAML");
    let mut document = document.to_json();
    let bare = rules(
        &folder().join("every-form"),
        &["export", "--format", "odcs", "users.rules.yaml"],
    );
    let bare = midflight::document::parse("contract", bare.text(), &mut problems).expect("YAML");
    assert!(validator.is_valid(&bare.to_json()), "without a catalog too");
    let errors: Vec<_> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The check itself can fail.
    document["schema"][0]["quality"][0]["dimension"] = json!("beauty");
    assert!(!validator.is_valid(&document));
    assert_eq!(python("odcs", MODEL, &contract).trim(), "users");
}

#[test]
fn checks_are_taken_by_dqx() {
    const VALIDATE: &str = "import json, sys, yaml\nfrom databricks.labs.dqx.engine import DQEngine\n\
        for text in json.load(sys.stdin):\n  checks = yaml.safe_load(text)\n  \
        print(len(checks), DQEngine.validate_checks(checks).to_string())";
    let checks = exported("dqx");
    // The check itself can fail.
    let wrong = checks.replace("min_limit", "lowest");
    let told = python("dqx", VALIDATE, &json!([checks, wrong]).to_string());
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told[0], "20 No errors found", "{told:?}");
    assert!(told[1].contains("Unexpected argument 'lowest'"), "{told:?}");
}
