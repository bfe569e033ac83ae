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

/// Drives a source, with `ours` as the text of our configuration.
fn drive(folder: &Path, program: &Path, config: Value, ours: &str) -> Told {
    let mut config = config;
    config["midflight"] =
        json!({"config": ours, "secrets": [{"name": "SECRET_KEY", "value": KEY}]});
    std::fs::write(folder.join("config.json"), config.to_string()).expect("a file");
    let command = midflight(&["wrap", "--no-progress", "--report", "report", "--"]).command();
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
    let told = drive(folder.path(), &program, config, ours);
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
    // The second read goes on from the state of the first: only products, which have no state, may come again.
    assert!(told.records(0) >= 140, "{}", told.records(0));
    assert_eq!(told.rows(1, "users"), users);
    assert_eq!(
        told.rows(1, "purchases").len(),
        told.rows(0, "purchases").len()
    );
    assert!(told.records(1) <= 100, "{}", told.records(1));
}

#[test]
fn edge_cases_arrive_as_they_do_without_us() {
    let folder = tempfile::tempdir().expect("a folder");
    let ours = "\
version: 1
keys: {k: {env: SECRET_KEY}}
unlisted: pass
streams:
  basic_types:
    stages: [{mask: {column: string_val, with: redact}}]
  '*':
    unlisted: pass
    stages: []
";
    let config = json!({"all_fast_streams": true, "all_slow_streams": false});
    let program = Venv::of("source-smoke-test").path("source-smoke-test");
    let told = drive(folder.path(), &program, config, ours);
    let streams = told.0["streams"].as_array().expect("streams");
    assert!(streams.len() >= 19, "{streams:?}");
    println_counts(&told);
}

fn println_counts(_: &Told) {}

#[test]
fn a_file_arrives_masked_through_an_old_connector() {
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
    let told = drive(folder.path(), &program, config, ours);
    for read in [0, 1] {
        let rows = told.rows(read, "people");
        let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("email"), ["<EMAIL>", "<EMAIL>"]);
        assert_eq!(of("nick"), ["Ada", "Bob"]);
        assert_eq!(of("older"), [json!(37.0), json!(41.0)]);
    }
}
