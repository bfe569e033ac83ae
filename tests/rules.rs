//! The life of a rule on the command line: listed, tested, tried on rows, approved, enforced, demoted, retired.

mod demotion;
mod life;
mod schema;
mod staged;
mod wrong;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, midflight};

/// A file of rules about `users`, with a comment that must survive.
pub const RULES: &str = r#"# What users look like.
version: 1
stream: users
phase: enforced
rules:
  - id: age_range   # in years
    expr: age BETWEEN 0 AND 120
    columns: [age]
    on_fail: quarantine
    source: {kind: llm, model: qwen2.5, by: pipeline}
    tests:
      pass: [{age: 0}, {age: null}]
      fail: [{age: 121}]
  - id: state_known
    check: {in_set: [new, paid, sent]}
    columns: [state]
    on_fail: drop
  - id: state_there
    check: not_null
    columns: [state]
    on_fail: annotate
"#;

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "age": {"type": "integer"}, "state": {"type": "string"},
  "day": {"type": "string", "format": "date"}
}}, "supported_sync_modes": ["full_refresh"], "default_cursor_field": ["day"]}, "sync_mode": "incremental",
  "destination_sync_mode": "append"}]}"#;

const CONFIG: &str = "version: 1\nunlisted: pass\nstreams: {users: {rules: users.rules.yaml}}\nreject: {to: rejects}\n";

/// A folder with the rules, a catalog and a configuration.
fn folder(rules: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("users.rules.yaml", rules),
        ("catalog.json", CATALOG),
        ("midflight.yaml", CONFIG),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Messages about so many users, of whom those that `wrong` names have an impossible age.
fn messages(count: usize, wrong: impl Fn(usize) -> bool) -> String {
    let mut text =
        String::from("{\"type\":\"LOG\",\"log\":{\"level\":\"INFO\",\"message\":\"begin\"}}\n");
    for id in 0..count {
        let age = if wrong(id) {
            900 + id % 50
        } else {
            18 + id % 60
        };
        let state = ["new", "paid", "sent"][id % 3];
        let day = 1 + id * 14 / count.max(1);
        let _ = writeln!(
            text,
            r#"{{"type":"RECORD","record":{{"stream":"users","data":{{"id":{id},"age":{age},"state":"{state}","day":"2026-09-{day:02}"}},"emitted_at":1788220800000}}}}"#
        );
    }
    text
}

fn rules(folder: &Path, arguments: &[&str]) -> Ended {
    let arguments = [&["rules"], arguments].concat();
    midflight(&arguments).within(folder).run("")
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join("users.rules.yaml")).expect("a rule file")
}

fn json(ended: &Ended) -> Value {
    serde_json::from_slice(&ended.stdout).expect("JSON")
}

fn stdout(ended: &Ended) -> String {
    String::from_utf8(ended.stdout.clone()).expect("UTF-8")
}

/// The kinds and payloads of an audit log, which must hold.
fn audited(folder: &Path, name: &str) -> Vec<(String, Value)> {
    let verified = midflight(&["audit", "verify", name]).within(folder).run("");
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let text = fs::read_to_string(folder.join(name)).expect("an audit log");
    let records = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let kind = record["kind"].as_str().expect("a kind").to_owned();
        (kind, record["payload"].clone())
    });
    records.collect()
}
