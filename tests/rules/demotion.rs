//! A rule that begins to fire far more often than its evidence allows: it is counted from there on, and nothing else
//! is, however the input was cut.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{RULES, audited, folder, messages, rules, text};
use crate::support::{Ended, midflight};

/// A folder whose rules have evidence; `age_range` is approved, `state_known` enforced.
fn approved(limits: &str) -> TempDir {
    let folder = folder(&format!("{RULES}{limits}"));
    let at = folder.path();
    fs::write(at.join("good.jsonl"), messages(5_000, |_| false)).expect("a file");
    let trial = [
        "backtest",
        "users.rules.yaml",
        "--data",
        "good.jsonl",
        "--catalog",
        "catalog.json",
        "--write",
    ];
    assert_eq!(rules(at, &trial).code, 0);
    let both = [
        "approve",
        "users.rules.yaml",
        "age_range",
        "state_known",
        "--by",
        "a.martin",
    ];
    assert_eq!(rules(at, &both).code, 0);
    let further = [
        "approve",
        "users.rules.yaml",
        "state_known",
        "--by",
        "a.martin",
        "--enforce",
    ];
    assert_eq!(rules(at, &further).code, 0);
    folder
}

fn pipe(at: &Path, input: &str, further: &[&str]) -> Ended {
    for left in ["rejects", "report"] {
        let _ = fs::remove_dir_all(at.join(left));
    }
    let arguments = [
        "pipe",
        "--config",
        "midflight.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
    ];
    midflight(&[&arguments[..], further].concat())
        .within(at)
        .run(input)
}

fn report(at: &Path) -> Value {
    let text = fs::read_to_string(at.join("report/report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

/// From the 2,000th user on every other age is impossible, and every 4th state, so that both rules fire too often.
fn gone_bad() -> String {
    let text = messages(4_000, |id| id >= 2_000 && id % 2 == 0);
    let lines = text.lines().enumerate().map(|(line, text)| {
        let late = line > 2_500 && line % 4 == 1;
        let text = if late {
            text.replace("\"state\":\"", "\"state\":\"un")
        } else {
            text.to_owned()
        };
        text + "\n"
    });
    lines.collect()
}

#[test]
fn a_rule_that_fires_too_often_is_demoted_at_the_same_row_however_the_input_is_cut() {
    let folder = approved("limits: {demote_above: 0.002}\n");
    let at = folder.path();
    let input = gone_bad();
    let plain = pipe(at, &input, &["--workers", "1"]);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let told = report(at);
    let demoted = &told["streams"]["users"]["demoted"];
    let age = &demoted["age_range"];
    let (row, rows, violations) = (
        &age["at_row"],
        age["rows"].as_u64(),
        age["violations"].as_u64(),
    );
    assert_eq!((row.as_u64(), age["bound"].as_f64()), (rows, Some(0.002)));
    let rows = rows.expect("a count") as usize;
    assert!((2_000..2_040).contains(&rows), "{demoted}");
    // Every second row since the 2,000th was set aside until then, none afterwards.
    assert_eq!(violations, Some((rows as u64 - 2_000).div_ceil(2)));
    assert_eq!(told["streams"]["users"]["rejected"], json!(violations));
    assert_eq!(told["streams"]["users"]["violations"]["age_range"], 1_000);
    let state = demoted["state_known"]["violations"]
        .as_u64()
        .expect("the other too");
    assert_eq!(told["streams"]["users"]["filtered"], state);

    let lines: Vec<&str> = std::str::from_utf8(&plain.stdout)
        .expect("UTF-8")
        .lines()
        .collect();
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("\"WARN\""))
        .collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains(&format!(
            "the rule `age_range` is demoted behind record {rows}"
        )),
        "{}",
        warnings[0]
    );
    let place = lines
        .iter()
        .position(|line| line == warnings[0])
        .expect("a place");
    assert!(
        lines[place + 1].contains(&format!("\"id\":{rows},")),
        "{}",
        lines[place + 1]
    );
    let rejects = fs::read_to_string(only_file(&at.join("rejects"))).expect("rejects");
    assert_eq!(rejects.lines().count() as u64, violations.expect("a count"));

    let records = audited(at, "report/audit.jsonl");
    let kinds: Vec<_> = records.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["run_started", "rule_demoted", "rule_demoted", "run_ended"]
    );
    assert_eq!(
        (&records[1].1["rule"], &records[1].1["at_row"]),
        (&json!("age_range"), row)
    );

    for (workers, chunk) in [
        ("1", "1"),
        ("4", "700"),
        ("3", "30000"),
        ("2", "150000"),
        ("4", "5000"),
    ] {
        let cut = pipe(at, &input, &["--workers", workers, "--chunk-bytes", chunk]);
        assert_eq!(cut.code, 0, "{}", cut.stderr);
        assert!(
            cut.stdout == plain.stdout,
            "{workers} workers, chunks of {chunk} bytes"
        );
        let other = report(at);
        assert_eq!(other["streams"]["users"]["demoted"], *demoted);
        assert_eq!(other["records"], told["records"]);
    }
    assert!(
        text(at).contains("status: approved"),
        "a run changes no rule file"
    );
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn no_rule_is_demoted_that_nobody_asked_it_of() {
    let input = gone_bad();
    // Of the impossible ages those that no other rule drops.
    let ages = 625;
    let counted = |at: &Path, further: &[&str]| {
        let ended = pipe(at, &input, further);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let told = report(at);
        let users = &told["streams"]["users"];
        (users["demoted"].clone(), users["rejected"].clone())
    };
    // Without the limit rules stay what they are.
    let folder = approved("");
    assert_eq!(counted(folder.path(), &[]), (Value::Null, json!(ages)));
    // A rule without evidence for what it says now was approved by a person's word.
    let folder = approved("limits: {demote_above: 0.002}\n");
    let at = folder.path();
    let without: String = text(at)
        .lines()
        .filter(|line| !line.contains("fpr_upper95"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(at.join("users.rules.yaml"), without).expect("a file");
    assert_eq!(counted(at, &[]), (Value::Null, json!(ages)));
    // A run that only observes changes nothing, and says nothing on the way.
    let folder = approved("limits: {demote_above: 0.002}\n");
    let (demoted, _) = counted(folder.path(), &["--observe"]);
    assert_eq!(demoted, Value::Null);
}

#[test]
fn a_limit_on_rejects_still_stops_the_run() {
    let folder = approved("limits: {demote_above: 0.002, max_quarantine_fraction: 0.001}\n");
    let at = folder.path();
    let plain = pipe(at, &gone_bad(), &["--workers", "1"]);
    assert_eq!(plain.code, 3, "{}", plain.stderr);
    assert_eq!(report(at)["streams"]["users"]["demoted"], Value::Null);
    let cut = pipe(at, &gone_bad(), &["--workers", "4", "--chunk-bytes", "900"]);
    let body = |ended: &Ended| {
        let text = String::from_utf8(ended.stdout.clone()).expect("UTF-8");
        let lines = text.lines().filter(|line| !line.contains("TRACE"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((cut.code, body(&cut)), (3, body(&plain)));
}

#[test]
fn a_destination_demotes_at_the_same_row() {
    let folder = approved("limits: {demote_above: 0.002}\n");
    let at = folder.path();
    let input = gone_bad();
    assert_eq!(pipe(at, &input, &[]).code, 0);
    let piped = report(at);
    let plan = fs::read_to_string(at.join("midflight.yaml")).expect("a file");
    let config = json!({"stage": at.join("stage").display().to_string(), "config": plan});
    fs::write(at.join("destination.json"), config.to_string()).expect("a file");
    let arguments = [
        "destination",
        "write",
        "--config",
        "destination.json",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
    ];
    let loaded = midflight(&arguments).within(at).run(&input);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    let told = report(at);
    let users = |report: &Value| report["streams"]["users"].clone();
    assert_eq!(users(&told)["demoted"], users(&piped)["demoted"]);
    assert_eq!(told["records"], piped["records"]);
    let said = String::from_utf8(loaded.stdout).expect("UTF-8");
    assert_eq!(
        said.matches("is demoted behind record").count(),
        2,
        "{said}"
    );
}
