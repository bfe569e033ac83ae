//! What is on record: runs and what they were made of, in a chain that shows what was done to it.

mod catalogues;

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, midflight, root};

/// The files of a case that has rules, and its input.
fn case(name: &str) -> (TempDir, Vec<u8>) {
    let (from, folder) = (
        root().join("fixtures").join(name),
        tempfile::tempdir().expect("a folder"),
    );
    for file in ["config.yaml", "catalog.json"] {
        fs::copy(from.join(file), folder.path().join(file)).expect("a copy");
    }
    fs::create_dir(folder.path().join("rules")).expect("a folder");
    for entry in fs::read_dir(from.join("rules")).expect("rules").flatten() {
        fs::copy(
            entry.path(),
            folder.path().join("rules").join(entry.file_name()),
        )
        .expect("a copy");
    }
    let input = fs::read(from.join("input.jsonl")).expect("an input");
    (folder, input)
}

fn pipe(folder: &Path, input: &[u8]) -> Ended {
    let arguments = [
        "pipe",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
    ];
    midflight(&arguments).within(folder).run(input)
}

fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("report/audit.jsonl")).expect("an audit log");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn verify(folder: &Path, further: &[&str]) -> Ended {
    let arguments = [&["audit", "verify", "report/audit.jsonl"], further].concat();
    midflight(&arguments).within(folder).run("")
}

#[test]
fn runs_leave_what_they_were_made_of_and_how_they_ended() {
    let (folder, input) = case("check/assisted");
    let folder = folder.path();
    for _ in 0..2 {
        assert_eq!(pipe(folder, &input).code, 0);
    }
    let records = records(folder);
    let kinds: Vec<_> = records
        .iter()
        .map(|record| record["kind"].as_str().expect("text"))
        .collect();
    assert_eq!(
        kinds,
        ["run_started", "run_ended", "run_started", "run_ended"]
    );
    let (started, ended) = (&records[0]["payload"], &records[1]["payload"]);
    assert_eq!(started["command"], "pipe");
    assert_eq!(
        (&started["plan"], &started["plan"]),
        (&ended["plan"], &records[2]["payload"]["plan"])
    );
    let roles: Vec<_> = started["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| &file["role"])
        .collect();
    assert_eq!(roles, ["catalog", "config", "rules"]);
    let config = started["files"][1]["sha256"].as_str().expect("a hash");
    let bytes = fs::read(folder.join("config.yaml")).expect("a file");
    assert_eq!(
        config,
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes))
    );
    let rules = started["rules"][0]["rules"].as_array().expect("rules");
    assert!(!rules.is_empty());
    for rule in rules {
        assert_eq!(
            rule["fingerprint"].as_str().expect("a fingerprint").len(),
            64
        );
        assert!(
            rule["status"].is_string() && rule["action"].is_string(),
            "{rule}"
        );
    }
    assert_eq!(ended["outcome"], "succeeded");
    let report = fs::read(folder.join("report/report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["records"], records[3]["payload"]["records"]);
    assert_eq!(
        (&report["audit"]["records"], &report["audit"]["head"]),
        (&Value::from(4), &records[3]["hash"])
    );

    let head = report["audit"]["head"].as_str().expect("a hash");
    let verified = verify(
        folder,
        &["--head", head, "--records", "4", "--format", "json"],
    );
    assert_eq!((verified.code, verified.stderr.as_str()), (0, ""));
    let found: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!(
        (&found["holds"], &found["records"], &found["head"]),
        (&Value::from(true), &Value::from(4), &records[3]["hash"])
    );
}

#[test]
fn a_run_that_fails_says_so_on_record() {
    let (folder, input) = case("check/limit");
    assert_eq!(pipe(folder.path(), &input).code, 3);
    let records = records(folder.path());
    let ended = &records[1]["payload"];
    assert_eq!(
        (&ended["outcome"], &ended["error"]["exit_code"]),
        (&Value::from("failed"), &Value::from(3))
    );
}

#[test]
fn a_chain_that_was_tampered_with_is_told_by_line() {
    let (folder, input) = case("check/assisted");
    let folder = folder.path();
    for _ in 0..2 {
        assert_eq!(pipe(folder, &input).code, 0);
    }
    let path = folder.join("report/audit.jsonl");
    let whole = fs::read_to_string(&path).expect("an audit log");
    let lines: Vec<_> = whole.lines().collect();
    let written = |lines: &[&str]| fs::write(&path, lines.join("\n") + "\n").expect("written");
    let failed = |further: &[&str]| {
        let ended = verify(folder, further);
        assert_eq!(ended.code, 3, "{}", ended.text());
        assert!(
            ended.stderr.contains("the chain does not hold"),
            "{}",
            ended.stderr
        );
        ended.text().lines().next().expect("a fault").to_owned()
    };
    fs::write(&path, whole.replacen("\"succeeded\"", "\"failed\"", 1)).expect("written");
    assert_eq!(
        failed(&[]),
        "report/audit.jsonl: line 2: record 2 was changed"
    );
    written(&[lines[0], lines[2], lines[3]]);
    assert_eq!(
        failed(&[]),
        "report/audit.jsonl: line 2: record 2 is missing before this line"
    );
    written(&lines[..3]);
    assert_eq!(verify(folder, &[]).code, 0);
    let anchored = failed(&["--records", "4"]);
    assert_eq!(
        anchored,
        "report/audit.jsonl: line 3: the chain ends before the record it is to be compared with"
    );

    // A torn line stops the next run before it reads anything, until a person has it cut off.
    fs::write(&path, &whole[..whole.len() - 30]).expect("written");
    assert!(failed(&[]).contains("line 4: "));
    let refused = pipe(folder, &input);
    assert_eq!((refused.code, refused.stdout.len()), (1, 0));
    assert!(
        refused.stderr.contains("the last line is torn"),
        "{}",
        refused.stderr
    );
    let mended = midflight(&["audit", "mend", "report/audit.jsonl"])
        .within(folder)
        .run("");
    assert_eq!(mended.code, 0, "{}", mended.stderr);
    assert_eq!(pipe(folder, &input).code, 0);
    assert_eq!(verify(folder, &["--records", "6"]).code, 0);
}
