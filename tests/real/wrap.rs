//! Real sources, run by midflight, driven by PyAirbyte: what arrives in its cache.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::venv::Venv;
use crate::support::{KEY, midflight, root};

/// What PyAirbyte told of one source.
struct Told(Value);

impl Told {
    /// The rows of a table after a read, from 0.
    fn rows(&self, read: usize, stream: &str) -> &[Value] {
        let rows = &self.0["reads"][read]["tables"][stream];
        rows.as_array()
            .unwrap_or_else(|| panic!("{stream}: {}", self.0))
    }

    fn records(&self, read: usize) -> u64 {
        self.0["reads"][read]["records"].as_u64().expect("a number")
    }
}

/// Drives a source, with `ours` as the text of our configuration, and takes all streams but some.
fn drive(folder: &Path, program: &Path, config: Value, ours: &str, left_out: &[&str]) -> Told {
    let mut config = config;
    config["midflight"] =
        json!({"config": ours, "secrets": [{"name": "SECRET_KEY", "value": KEY}]});
    std::fs::write(folder.join("config.json"), config.to_string()).expect("a file");
    let command = midflight(&["wrap", "--no-progress", "--"]).command();
    let words = command.get_args().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.collect();
    let script = format!(
        "#!/bin/sh\nORT_DYLIB_PATH='{}' exec '{}' {} '{}' \"$@\"\n",
        crate::support::onnxruntime().display(),
        command.get_program().to_string_lossy(),
        words.join(" "),
        program.display()
    );
    let wrapper = folder.join("wrapped");
    std::fs::write(&wrapper, script).expect("a script");
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).expect("rights");
    let name = program.file_name().expect("a name").to_string_lossy();
    let mut python = Command::new(Venv::of("source-smoke-test").python());
    python
        .arg(root().join("tests/python/wrapped.py"))
        .args([&*name, "./wrapped", "config.json", "cache.duckdb"])
        .args(left_out)
        .current_dir(folder)
        .env("AIRBYTE_OFFLINE_MODE", "1")
        .env("DO_NOT_TRACK", "1")
        .env("PYTHONWARNINGS", "ignore")
        .env("HOME", folder)
        .env("NO_COLOR", "1");
    let output = python
        .stdin(Stdio::null())
        .output()
        .expect("PyAirbyte starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    let line = told.lines().find_map(|line| line.strip_prefix("RESULT "));
    Told(serde_json::from_str(line.expect("a result")).expect("JSON"))
}

#[test]
fn users_of_faker_arrive_masked_and_only_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let ours = "\
version: 1
keys: {k: {env: SECRET_KEY}}
unlisted: pass
streams:
  users:
    stages:
      - mask: {column: email, with: hash, key: k}
      - mask: {column: age, with: generalize, range: 10}
      - rename: {from: name, to: first_name}
      - derive: {column: adult, sql: 'id % 2 = 0'}
      - drop: [telephone]
";
    let config = json!({"count": 40, "seed": 7, "parallelism": 1, "records_per_slice": 10, "always_updated": false});
    let program = Venv::of("source-faker").path("source-faker");
    let told = drive(folder.path(), &program, config, ours, &[]);
    let form = told.0["form"].as_array().expect("keys");
    assert!(form.contains(&json!("midflight")) && form.contains(&json!("count")));
    let columns = told.0["schemas"]["users"].as_array().expect("columns");
    for (column, there) in [
        ("first_name", true),
        ("adult", true),
        ("telephone", false),
        ("name", false),
    ] {
        assert_eq!(columns.contains(&json!(column)), there, "{column}");
    }
    let users = told.rows(0, "users");
    assert_eq!(users.len(), 40);
    for user in users {
        let email = user["email"].as_str().expect("a text");
        assert!(email.len() == 64 && email.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(user["first_name"].is_string() && user["adult"].is_boolean());
        assert!(
            user["age"].as_str().is_some_and(|age| age.contains('-')),
            "{}",
            user["age"]
        );
        assert!(user.get("telephone").is_none() && user.get("name").is_none());
    }
    // The second read goes on from the state of the first.
    assert_eq!((told.records(0), told.records(1)), (120, 0));
    assert_eq!(told.rows(1, "users"), users);
}

#[test]
fn edge_cases_arrive_whatever_they_are_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let ours = "\
version: 1
keys: {k: {env: SECRET_KEY}}
unlisted: pass
streams:
  basic_types:
    stages: [{mask: {column: name, with: redact}}, {rename: {from: amount, to: total}}, {derive: {column: twice, sql: 'total * 2'}}]
  wide_table_50_columns:
    stages: [{drop: [col_049]}, {rename: {from: col_001, to: first}}]
  column_naming_edge_cases:
    stages: [{mask: {column: '\"column.with.dots\"', with: hash, key: k}}, {mask: {column: select, with: nullify}}]
  nested_json_objects:
    stages: [{mask: {column: nested_deep.level1.level2.value, with: redact}}]
";
    let config = json!({"all_fast_streams": true, "all_slow_streams": false});
    let program = Venv::of("source-smoke-test").path("source-smoke-test");
    // The cache itself cannot hold numbers as large as those.
    let left_out = ["special_number_values"];
    let told = drive(folder.path(), &program, config, ours, &left_out);
    let streams = told.0["streams"].as_array().expect("streams");
    assert!(streams.len() >= 21, "{streams:?}");
    let columns = |stream: &str| {
        told.0["schemas"][stream]
            .as_array()
            .expect("columns")
            .clone()
    };
    assert!(columns("basic_types").contains(&json!("twice")));
    assert!(!columns("wide_table_50_columns").contains(&json!("col_049")));
    for read in [0, 1] {
        for row in told.rows(read, "basic_types") {
            assert_eq!(row["name"], "<REDACTED>", "{row}");
            let (total, twice) = (row["total"].as_f64(), row["twice"].as_f64());
            assert_eq!(total.map(|total| total * 2.0), twice, "{row}");
        }
        for row in told.rows(read, "wide_table_50_columns") {
            let columns = row.as_object().expect("a row");
            assert!(columns.contains_key("first"), "{row}");
            assert!(!columns.contains_key("col_049") && !columns.contains_key("col_001"));
        }
        for row in told.rows(read, "column_naming_edge_cases") {
            assert_eq!(
                row["column_with_dots"].as_str().map(str::len),
                Some(64),
                "{row}"
            );
            assert!(row["select"].is_null());
        }
        let nested = told.rows(read, "nested_json_objects").iter();
        let nested: Vec<String> = nested.map(|row| row["nested_deep"].to_string()).collect();
        assert!(nested.iter().any(|text| text.contains("<")), "{nested:?}");
        assert!(!told.rows(read, "unicode_and_special_strings").is_empty());
    }
}

#[test]
fn a_file_arrives_masked() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people.csv");
    std::fs::write(
        &file,
        "id,name,email,age\n1,Ada,ada@example.com,36\n2,Bob,bob@example.com,40\n",
    )
    .expect("a file");
    let config = json!({"format": "csv", "url": file, "provider": {"storage": "local"}, "dataset_name": "people"});
    let program = Venv::of("source-file").path("source-file");
    let ours = "version: 1\nunlisted: pass\nstreams: {people: {stages: [{mask: {column: email, with: redact}}, {rename: {from: name, to: nick}}, {derive: {column: older, sql: 'age + 1'}}]}}\n";
    let told = drive(folder.path(), &program, config, ours, &[]);
    for read in [0, 1] {
        let rows = told.rows(read, "people");
        let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("email"), ["<EMAIL>", "<EMAIL>"]);
        assert_eq!(of("nick"), ["Ada", "Bob"]);
        assert_eq!(of("older"), [json!(37.0), json!(41.0)]);
    }
}
