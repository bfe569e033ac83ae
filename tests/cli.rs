//! The command line: help, exit codes, problems with their places, and results in both formats.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, KEY, Program, midflight};

const COMMANDS: &[&str] = &[
    "pipe",
    "sync",
    "destination",
    "wrap",
    "check",
    "explain",
    "health",
    "profile",
    "catalog",
    "reveal",
    "serve",
    "models",
    "audit",
    "report",
    "suggest",
    "rules",
    "rules",
    "suggest",
    "completions",
];

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "email": {"type": "string"}, "age": {"type": "integer"}, "old": {"type": "string"},
  "address": {"type": "object", "properties": {"street": {"type": "string"}, "zip": {"type": "string"}}}
}}, "supported_sync_modes": ["full_refresh"]}, "sync_mode": "full_refresh", "destination_sync_mode": "append",
  "primary_key": [["id"]]}]}"#;

const CONFIG: &str = r#"
version: 1
keys: {main: {env: MIDFLIGHT_KEY}}
unlisted: pass
streams:
  users:
    stages:
      - filter: "age >= 18"
      - mask: {column: id, with: hash}
      - rename: {from: email, to: mail}
      - mask: {column: mail, with: token}
      - derive: {column: grown, sql: "age >= 21"}
      - drop: [old, address.zip]
      - mask: {column: age, with: generalize, range: 10}
"#;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn whole() -> TempDir {
    folder(&[("midflight.yaml", CONFIG), ("catalog.json", CATALOG)])
}

fn planned(command: &str, further: &[&str], within: &Path) -> Program {
    let files = ["--config", "midflight.yaml", "--catalog", "catalog.json"];
    let arguments: Vec<_> = [&[command], &files[..], further].concat();
    midflight(&arguments)
        .within(within)
        .env("MIDFLIGHT_KEY", KEY)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_slice(&ended.stdout).expect("stdout is JSON")
}

#[test]
fn help_of_every_command_has_an_example() {
    for command in COMMANDS {
        let ended = midflight(&[command, "--help"]).run("");
        let text = ended.text();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command}");
        assert!(
            text.contains("Example") && text.contains(&format!("midflight {command}")),
            "{command}: {text}"
        );
    }
}

#[test]
fn help_lists_every_command_and_the_exit_codes() {
    let ended = midflight(&["--help"]).run("");
    assert_eq!(ended.code, 0);
    for word in COMMANDS
        .iter()
        .chain(&["Exit codes", "  0  ", "  1  ", "  2  ", "  3  "])
    {
        assert!(ended.text().contains(word), "{word}");
    }
    let version = midflight(&["--version"]).run("");
    assert_eq!(
        version.text(),
        format!("midflight {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_arguments_exit_with_2_and_say_so_on_stderr() {
    for arguments in [
        &[][..],
        &["pip"],
        &["pipe", "--cofnig", "x"],
        &["pipe", "--workers", "many"],
        &["check", "--format", "xml"],
        &["reveal"],
        &["reveal", "--env", "A", "--file", "b"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--listen", "0.0.0.0:0"],
        &["serve", "--no-auth", "--secret-env", "A"],
        &["serve", "--secret-env", "A", "--secret-file", "b"],
        &["models"],
        &["models", "pull"],
        &["models", "pull", "--all", "pii"],
        &["models", "list", "--format", "xml"],
        &["completions"],
        &["completions", "cmd.exe"],
    ] {
        let ended = midflight(arguments).run("");
        assert_eq!((ended.code, ended.text()), (2, ""), "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    assert!(
        midflight(&["pip"]).run("").stderr.contains("pipe"),
        "the nearest command is named"
    );
}

#[test]
fn files_that_are_not_there_exit_with_2_and_their_name() {
    for arguments in [
        ["pipe", "--config", "nowhere.yaml"],
        ["check", "--catalog", "nowhere.json"],
    ] {
        let ended = midflight(&arguments).run("{}\n");
        assert_eq!((ended.code, ended.text()), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains(arguments[2]), "{}", ended.stderr);
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_once_with_its_place() {
    let config = "version: 1\nunlited: pass\nstreams:\n  users:\n    stages:\n      - mask: {colum: email, with: redact}\n      - filtr: 'id > 1'\n";
    let files = folder(&[("midflight.yaml", config), ("catalog.json", CATALOG)]);
    let expected = [
        "midflight.yaml:2:1: unknown key `unlited`; did you mean `unlisted`?",
        "midflight.yaml:6:15: the stage `mask` needs the key `column`",
        "midflight.yaml:6:16: unknown key `colum`; did you mean `column`?",
        "midflight.yaml:7:9: unknown stage `filtr`; did you mean `filter`?",
    ];
    let ended = planned("check", &[], files.path()).run("");
    assert_eq!((ended.code, ended.text()), (2, ""));
    assert_eq!(ended.stderr, format!("error: {}\n", expected.join("\n")));

    let ended = planned("check", &["--format", "json"], files.path()).run("");
    assert_eq!(
        (ended.code, &json(&ended)["problems"]),
        (2, &Value::from(expected.to_vec()))
    );
    for command in ["pipe", "explain", "catalog"] {
        let ended = planned(command, &[], files.path()).run("");
        assert_eq!((ended.code, ended.text()), (2, ""), "{command}");
        assert!(
            expected
                .iter()
                .all(|problem| ended.stderr.contains(problem)),
            "{command}"
        );
    }
}

#[test]
fn a_plan_without_problems_is_checked_in_both_formats() {
    let files = whole();
    let ended = planned("check", &[], files.path()).run("");
    assert_eq!(
        (ended.code, ended.text()),
        (0, "midflight.yaml: no problems\n")
    );
    let ended = planned("check", &["--format", "json"], files.path()).run("");
    let checked = json(&ended);
    assert_eq!(
        (ended.code, &checked["problems"]),
        (0, &Value::Array(vec![]))
    );
    assert_eq!(checked["file"], "midflight.yaml");
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_plan_is_explained_in_both_formats() {
    let files = whole();
    let text = planned("explain", &[], files.path()).run("");
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    for line in [
        "plan midflight.yaml\n",
        "streams and columns it does not name: pass\n",
        "stream users (by `users`)\n",
        "      1.  filter\n",
        "      5.  derive grown\n",
        "  column  mail <- email (",
        "  column  grown <- age (",
    ] {
        assert!(text.text().contains(line), "{line:?} in {}", text.text());
    }
    let told = json(&planned("explain", &["--format", "json"], files.path()).run(""));
    let stream = &told["streams"][0];
    assert_eq!(
        (&told["unlisted"], &stream["name"]),
        (&Value::from("pass"), &Value::from("users"))
    );
    assert_eq!(stream["stages"].as_array().map(Vec::len), Some(7));
    assert_eq!(stream["copied"], false);
    let lineage = stream["lineage"].as_array().expect("lineage");
    let mail = lineage
        .iter()
        .find(|line| line["column"] == "mail")
        .expect("mail");
    assert_eq!(
        (&mail["inputs"], &mail["masking"]),
        (&serde_json::json!(["email"]), &Value::Bool(true))
    );
}

#[test]
fn a_split_is_explained_so_that_it_can_be_repeated() {
    let stages = [
        "{by: [id, email], into: part, fractions: {train: 0.8, test: 0.2}, salt: '2026-11', missing: none}",
        "{by_time: old, into: era, until: {past: '2026-01-01T01:00:00+01:00'}, rest: present}",
    ]
    .map(|split| format!("      - split: {split}\n"))
    .concat();
    let config = format!("version: 1\nstreams:\n  users:\n    stages:\n{stages}");
    let files = folder(&[("midflight.yaml", &config), ("catalog.json", CATALOG)]);
    let text = planned("explain", &[], files.path()).run("");
    for line in [
        "  split   part: train 0.8, test 0.2 of id and email (SHA-256, salt \"2026-11\"), none where it is missing\n",
        "  split   era: past before 2026-01-01T00:00:00Z, then present, by old\n",
        "  column  part <- id, email (split part)\n",
    ] {
        assert!(text.text().contains(line), "{line:?} in {}", text.text());
    }
    let told = json(&planned("explain", &["--format", "json"], files.path()).run(""));
    let splits = &told["streams"][0]["splits"];
    assert_eq!(
        (&splits[0]["salt"], &splits[1]["parts"][0]["before"]),
        (
            &Value::from("2026-11"),
            &Value::from("2026-01-01T00:00:00Z")
        )
    );
    let catalog = json(&planned("catalog", &[], files.path()).run(""));
    assert_eq!(
        catalog["streams"][0]["stream"]["json_schema"]["properties"]["part"].to_string(),
        r#"{"type":["null","string"],"enum":["train","test","none",null]}"#
    );
}

#[test]
fn without_a_configuration_the_plan_is_the_default_one() {
    let ended = midflight(&["explain"]).run("");
    assert_eq!(ended.code, 0);
    assert!(
        ended
            .text()
            .starts_with("plan default (redact personal data everywhere)\n"),
        "{}",
        ended.text()
    );
}

/// The types that a rewritten catalog declares are those that records have, column by column.
#[test]
fn the_rewritten_catalog_describes_the_records() {
    let files = whole();
    let ended = planned("catalog", &[], files.path()).run("");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let catalog = json(&ended);
    let stream = &catalog["streams"][0];
    assert_eq!(
        stream["primary_key"],
        serde_json::json!([["id"]]),
        "the key keeps its name"
    );
    let properties = stream["stream"]["json_schema"]["properties"]
        .as_object()
        .expect("properties");
    let input = r#"{"type":"RECORD","record":{"stream":"users","data":{"id":7,"email":"a@example.com","age":34,"old":"x","address":{"street":"s","zip":"z"}},"emitted_at":1}}"#;
    let ended = planned("pipe", &[], files.path()).run(format!("{input}\n"));
    let record = ended
        .text()
        .lines()
        .find(|line| line.contains("RECORD"))
        .expect("a record");
    let record: Value = serde_json::from_str(record).expect("JSON");
    let data = record["record"]["data"].as_object().expect("data");
    let names = |map: &serde_json::Map<String, Value>| {
        let mut names: Vec<_> = map.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(properties), names(data));
    for (name, value) in data {
        let declared = properties[name]["type"].to_string();
        let found = match value {
            Value::String(_) => "string",
            Value::Number(_) => "integer",
            Value::Bool(_) => "boolean",
            Value::Object(_) => "object",
            other => panic!("{name} is {other}"),
        };
        assert!(
            declared.contains(found),
            "{name} is declared {declared} and is {found}"
        );
    }
    assert_eq!(
        names(data["address"].as_object().expect("address")),
        ["street"]
    );
    let address = properties["address"]["properties"]
        .as_object()
        .expect("address");
    assert_eq!(names(address), ["street"]);
}

#[test]
fn without_a_plan_the_catalog_is_what_it_was() {
    let files = folder(&[
        ("midflight.yaml", "version: 1\nunlisted: pass\n"),
        ("catalog.json", CATALOG),
    ]);
    let ended = planned("catalog", &[], files.path()).run("");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let before: Value = serde_json::from_str(CATALOG).expect("JSON");
    assert_eq!(json(&ended), before);
}

#[test]
fn completions_know_every_command_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = midflight(&["completions", shell]).run("");
        assert_eq!(ended.code, 0, "{shell}");
        assert!(
            COMMANDS
                .iter()
                .all(|command| ended.text().contains(command)),
            "{shell}"
        );
    }
}

/// What the reversible operators write is what `reveal` reads back.
#[test]
fn masked_values_are_revealed_with_their_key_and_no_other() {
    for (with, further, values) in [
        (
            "with: token",
            &[][..],
            &["ann@example.com", "Zoë \u{1F600}", "7", ""][..],
        ),
        (
            "with: encrypt",
            &[],
            &["ann@example.com", "Zoë \u{1F600}", "7"],
        ),
        (
            "with: fpe",
            &["--fpe", "digits"],
            &["4111-1111-1111-1111", "0123456789"],
        ),
        (
            "with: fpe, alphabet: letters",
            &["--fpe", "letters"],
            &["Annabel Lee", "abcdefgh"],
        ),
    ] {
        let config = format!(
            "version: 1\nkeys: {{main: {{env: MIDFLIGHT_KEY}}}}\nunlisted: pass\nstreams:\n  users:\n    stages:\n      - mask: {{column: email, {with}}}\n"
        );
        let files = folder(&[("midflight.yaml", &config), ("catalog.json", CATALOG)]);
        let records: String = values
            .iter()
            .map(|value| {
                let data = serde_json::json!({ "email": value });
                format!(
                    "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"users\",\"data\":{data}}}}}\n"
                )
            })
            .collect();
        let ended = planned("pipe", &[], files.path()).run(&records);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let masked: Vec<String> = ended
            .text()
            .lines()
            .filter(|line| line.contains("RECORD"))
            .map(masked_email)
            .collect();
        assert_eq!(masked.len(), values.len());
        assert!(
            masked
                .iter()
                .zip(values)
                .all(|(masked, value)| masked != value || value.is_empty()),
            "{with}"
        );

        let arguments = [&["reveal", "--env", "MIDFLIGHT_KEY"], further].concat();
        let lines: String = masked.iter().map(|value| format!("{value}\n")).collect();
        let ended = midflight(&arguments).env("MIDFLIGHT_KEY", KEY).run(&lines);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(
            ended.text().lines().collect::<Vec<_>>(),
            values.to_vec(),
            "{with}"
        );

        let other = KEY.replace("00", "ff");
        let ended = midflight(&arguments)
            .env("MIDFLIGHT_KEY", &other)
            .run(&lines);
        assert!(
            values
                .iter()
                .all(|value| value.is_empty() || !ended.text().contains(value)),
            "{with}"
        );
    }
}

fn masked_email(line: &str) -> String {
    let record: Value = serde_json::from_str(line).expect("JSON");
    record["record"]["data"]["email"]
        .as_str()
        .expect("text")
        .to_owned()
}

#[test]
fn what_is_no_masked_value_is_not_repeated() {
    let ended = midflight(&["reveal", "--env", "MIDFLIGHT_KEY"])
        .env("MIDFLIGHT_KEY", KEY)
        .run("tok_AQcanary\n");
    assert_eq!((ended.code, ended.text()), (1, ""));
    assert!(
        ended.stderr.contains("line 1") && !ended.stderr.contains("canary"),
        "{}",
        ended.stderr
    );
    let ended = midflight(&["reveal", "--env", "MIDFLIGHT_KEY"]).run("");
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("`MIDFLIGHT_KEY` is not set"),
        "{}",
        ended.stderr
    );
}

#[test]
fn no_colour_reaches_what_is_no_terminal() {
    for program in [
        midflight(&["pip"]),
        midflight(&["check", "--config", "nowhere.yaml"]),
        midflight(&["--help"]),
    ] {
        for program in [program.clone(), program.env("NO_COLOR", "1")] {
            let ended = program.run("");
            assert!(!ended.text().contains('\u{1b}') && !ended.stderr.contains('\u{1b}'));
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_fails_the_run() {
    let files = folder(&[("taken", "a file, not a folder")]);
    let line = "{\"type\":\"LOG\",\"log\":{\"level\":\"INFO\",\"message\":\"x\"}}\n";
    fs::create_dir_all(files.path().join("folder/report.json")).expect("a folder");
    for (report, told) in [
        (
            "taken",
            "the audit log taken/audit.jsonl: it cannot be written",
        ),
        ("folder", "folder/report.json cannot be written"),
    ] {
        let ended = midflight(&["pipe", "--report", report])
            .within(files.path())
            .run(line);
        assert_eq!(ended.code, 1);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

#[test]
fn a_full_disk_fails_the_run() {
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut command = midflight(&["pipe"]).command();
    let output = command
        .stdin(std::process::Stdio::null())
        .stdout(full)
        .output()
        .expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("writing the output failed: No space left on device"),
        "{told}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_run_soon() {
    use std::io::{Read, Write};
    let mut command = midflight(&["pipe"]).command();
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut greeting = [0; 40];
    stdout.read_exact(&mut greeting).expect("the greeting");
    drop(stdout);
    let mut stdin = child.stdin.take().expect("a pipe");
    let line = "{\"type\":\"LOG\",\"log\":{\"level\":\"INFO\",\"message\":\"x\"}}\n".repeat(1000);
    let written = (0..10_000)
        .take_while(|_| stdin.write_all(line.as_bytes()).is_ok())
        .count();
    assert!(
        written < 10_000,
        "it goes on reading though nobody reads what it writes"
    );
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("the reader of the output went away"),
        "{told}"
    );
}
