//! `midflight report`: what a run left as one page. How it looks in a browser is tested in `real/page.rs`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Ended, KEY, midflight, root};

/// Names that somebody may have chosen to break a page.
pub const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style><script>alert(2)</script>",
    "</title>",
    "\u{202e}gnp.exe\u{202c}",
    "שלום עולם",
    "{{ 7*7 }}{% raw %}",
    "-->]]>",
    "\0\u{7}bell",
    "",
    "name\nwith\nlines",
];

/// A run of `fixtures/<case>` by the program, told in a folder.
pub fn run_of(case: &str, input: &[u8], report: &Path) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("fixtures").join(case), folder.path());
    let mut arguments = vec!["pipe", "--no-progress", "--report"];
    let report = report.display().to_string();
    arguments.push(&report);
    for (option, file) in [("--config", "config.yaml"), ("--catalog", "catalog.json")] {
        if folder.path().join(file).exists() {
            arguments.extend([option, file]);
        }
    }
    let program = midflight(&arguments).within(folder.path());
    program.env("MIDFLIGHT_KEY", KEY).run(input)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => {
                fs::create_dir_all(&to).expect("a folder");
                copy(&entry.path(), &to);
            }
            false => drop(fs::copy(entry.path(), to).expect("a copy")),
        }
    }
}

/// The input of a case.
pub fn input(case: &str) -> Vec<u8> {
    fs::read(root().join("fixtures").join(case).join("input.jsonl")).expect("an input")
}

/// Draws a folder.
pub fn draw(folder: &Path, further: &[&str]) -> Ended {
    let folder = folder.display().to_string();
    midflight(&[&["report", &folder], further].concat()).run("")
}

/// The page of a folder.
pub fn page(folder: &Path) -> String {
    let ended = draw(folder, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let path = folder.join("report.html");
    assert_eq!(ended.text().trim(), path.display().to_string());
    fs::read_to_string(path).expect("a page")
}

/// A report of streams of these names, each with everything a stream can have under these names.
pub fn hostile(names: &[&str]) -> Value {
    let by = |value: Value| -> Value {
        let all = names.iter().map(|name| ((*name).to_owned(), value.clone()));
        Value::Object(all.collect())
    };
    let column = json!({"decision": names[0], "confidence": 0.5, "pinned": false, "decided_after": 3, "unlike_sample": 1,
        "evidence": {"name": by(json!(0.2)), "values": 3, "with_findings": 1, "recognised": by(json!(1)), "tagged": {}}});
    let stream = json!({
        "read": 10, "emitted": 7, "filtered": 1, "rejected": 2, "bytes": 99, "name": names[0], "namespace": null,
        "findings": by(by(json!(3))), "violations": by(json!(1)), "reasons": by(by(json!(2))),
        "demoted": by(json!({"at_row": 5, "violations": 3, "rows": 5, "bound": 0.2})),
        "embedded": by(json!({"texts": 1, "vectors": 2})), "stage_seconds": by(json!(0.1)), "columns": by(column),
        "splits": [{"into": names[0], "by": names, "parts": [{"name": names[1], "fraction": 0.5}], "records": by(json!(4))}],
    });
    let many = names.len();
    let change = |name: &&str| json!({"stream": name, "class": name, "breaks_airbyte": true, "sentence": name, "answer": name});
    json!({
        "version": 1, "midflight": names[0], "observe": true, "outcome": "failed",
        "error": {"message": names.concat(), "hint": names[1], "exit_code": 3},
        "seconds": 1.5, "bytes": 5, "lines": 4, "foreign_lines": 1,
        "records": {"read": 10 * many, "emitted": 7 * many, "filtered": many, "rejected": 2 * many},
        "states": {"passed": 1, "counts_corrected": 0}, "streams": by(stream),
        "audit": {"records": 2, "head": names[0]}, "models": [{"name": names[0], "version": names[1], "sha256": by(json!("0"))}],
        "drift": {"first": false, "outcome": names[0], "changes": names.iter().map(change).collect::<Vec<_>>()},
    })
}

/// The files beside such a report.
pub fn hostile_folder(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, value: &Value| {
        fs::write(folder.path().join(name), value.to_string()).expect("a file")
    };
    write("report.json", &hostile(names));
    let freshness: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(0.5)))
        .collect();
    let anomaly = |name: &&str| {
        json!({"stream": name, "metric": name, "direction": name, "value": 1e9,
        "usual": {"low": 1, "high": 2, "median": 1}, "severity": name, "says": name})
    };
    write(
        "health.json",
        &json!({"version": 1, "run": names[0], "outcome": names[0], "freshness": freshness, "reliability": 0.5,
        "anomalies": names.iter().map(anomaly).collect::<Vec<_>>(),
        "failure": {"class": names[0], "origin": names[1], "cause": names[2], "next": names[3], "confidence": 0.7}}),
    );
    let mut history = String::new();
    for (at, name) in names.iter().cycle().take(20).enumerate() {
        let run = json!({"version": 1, "run": format!("{name}{at}"), "started": name, "seconds": 1, "command": name,
            "outcome": if at % 5 == 0 { name } else { "succeeded" }, "failure": {"class": name}, "bytes": 1,
            "records": {"read": 10, "emitted": 10, "filtered": 0, "rejected": 0}, "streams": {*name: {"read": 10, "findings": {*name: 1}}}});
        history.push_str(&format!("{run}\n"));
    }
    fs::write(folder.path().join("history.jsonl"), history).expect("a file");
    let field = json!({"inputFields": [{"namespace": "n", "name": "s", "field": "f", "transformations": [{"type": "DIRECT", "description": names[0], "masking": true}]}]});
    let fields: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), field.clone()))
        .collect();
    let outputs = names.iter().map(|name| json!({"namespace": "n", "name": name, "facets": {"columnLineage": {"fields": fields}}}));
    write(
        "lineage.jsonl",
        &json!({"eventType": "COMPLETE", "outputs": outputs.collect::<Vec<_>>()}),
    );
    folder
}

#[test]
fn a_page_tells_what_the_report_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run_of("faker", &input("faker"), folder.path()).code, 0);
    let html = page(folder.path());
    for part in [
        "<html lang=\"en\">",
        "Succeeded",
        "60&nbsp;read",
        "= 57&nbsp;emitted",
        "+ 1&nbsp;filtered",
        "+ 2&nbsp;rejected",
        "adds up",
        "users_adult",
        "quarantine",
        "93.3 %",
        "address.street_name",
        "masked by name",
        "03 mask email",
        "violated",
        "in an unbroken chain",
        "rules&#x2f;users.rules.yaml",
        "STREAM",
    ] {
        let there = html.contains(part);
        assert_eq!(there, part != "STREAM", "{part}");
    }
    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("report.json")).expect("a report"))
            .expect("JSON");
    assert_eq!(
        report["streams"]["users"]["reasons"],
        json!({"users_adult": {"violated": 2}})
    );
    assert!(html.contains(report["audit"]["head"].as_str().expect("a hash")));
    // Nothing of the records.
    let input = String::from_utf8(input("faker")).expect("text");
    let addresses = input.split('"').filter(|text| text.contains('@'));
    assert!(addresses.clone().count() >= 30);
    for address in addresses {
        assert!(!html.contains(address));
    }
    assert_eq!(
        html,
        page(folder.path()),
        "the same files give the same bytes"
    );
}

#[test]
fn a_run_that_failed_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(
        run_of("check/limit", &input("check/limit"), folder.path()).code,
        3
    );
    let history = fs::read_to_string(folder.path().join("history.jsonl")).expect("a history");
    let told: Value = serde_json::from_str(&history).expect("one run");
    let health = json!({"version": 1, "run": told["run"], "outcome": "failed", "freshness": {"users": 0.4}, "reliability": 0.9, "anomalies": [],
        "failure": {"class": "schema_change", "origin": "source", "cause": "a table was rebuilt", "next": "look at the catalog", "confidence": 0.8}});
    fs::write(folder.path().join("health.json"), health.to_string()).expect("a file");
    let html = page(folder.path());
    for part in [
        "Failed",
        "1 of 4 records rejected",
        "Hint:",
        "exit code</span> 3",
        "a table was rebuilt",
        "look at the catalog",
        "schema change",
        "0.40",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn names_from_outside_stay_text() {
    let long = "x".repeat(1_000);
    let names: Vec<&str> = HOSTILE.iter().copied().chain([long.as_str()]).collect();
    let folder = hostile_folder(&names);
    let html = page(folder.path());
    assert_eq!(html.matches("<script").count(), 1, "our own");
    assert_eq!(html.matches("</script").count(), 1);
    assert_eq!(html.matches("</style").count(), 1);
    for part in ["<img", "onmouseover='", "\u{202e}", "\0"] {
        assert!(!html.contains(part), "{part:?}");
    }
    let cut = format!("{}…", "x".repeat(200));
    for part in [
        &cut,
        "&lt;script&gt;alert(1)",
        "\\u{202e}gnp.exe",
        "{{ 7*7 }}",
        "שלום",
        "(empty)",
    ] {
        assert!(html.contains(part), "{part:?}");
    }
    assert!(html.contains("default-src &#x27;none&#x27;"));
    assert!(!html.contains("unsafe-inline") && !html.contains(" style=\""));
}

#[test]
fn a_thousand_streams_of_a_hundred_columns_make_a_page_that_can_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let kinds = [
        "EMAIL",
        "PERSON",
        "PHONE",
        "IBAN",
        "CITY",
        "STATE",
        "TAX_ID",
        "IP_ADDRESS",
        "POSTCODE",
        "masked",
    ];
    let column = |number: usize| {
        let kind = kinds[number % 9];
        (
            format!("column_{number:03}"),
            json!({"decision": kind, "confidence": 0.9, "decided_after": 32,
            "evidence": {"name": {kind: 0.9}, "values": 200, "with_findings": 190, "recognised": {kind: 180}}}),
        )
    };
    let columns: Value = (0..100).map(column).collect();
    let findings: Value = (0..100)
        .map(|number| {
            (
                format!("column_{number:03}"),
                json!({kinds[number % 10]: number + 1, "CITY": 5}),
            )
        })
        .collect();
    let stages: Value = (0..20)
        .map(|number| (format!("{number:02} mask column_{number:03}"), json!(0.1)))
        .collect();
    let stream = |number: usize| {
        (
            format!("crm.table_{number:04}"),
            json!({"read": number, "emitted": number, "filtered": 0, "rejected": 0, "bytes": number * 100,
            "findings": findings, "violations": {"a": 1, "b": 2}, "columns": columns, "stage_seconds": stages}),
        )
    };
    let streams: Value = (0..1_000).map(stream).collect();
    let records = json!({"read": 499_500, "emitted": 499_500, "filtered": 0, "rejected": 0});
    let report = json!({"version": 1, "outcome": "succeeded", "seconds": 60, "records": records, "streams": streams});
    fs::write(folder.path().join("report.json"), report.to_string()).expect("a file");
    let html = page(folder.path());
    assert!(html.len() < 4 << 20, "{} bytes", html.len());
    assert_eq!(
        html.matches("<tr data-name=").count(),
        1_000,
        "every stream has its row"
    );
    assert!(html.contains("and 800 more streams") && html.contains("more columns"));
}

#[test]
fn what_cannot_be_drawn_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |text: Option<&str>| {
        if let Some(text) = text {
            fs::write(folder.path().join("report.json"), text).expect("a file");
        }
        let ended = draw(folder.path(), &[]);
        assert_eq!((ended.code, ended.text()), (1, ""));
        assert!(!folder.path().join("report.html").exists());
        ended.stderr
    };
    let none = told(None);
    assert!(
        none.contains("holds no report.json") && none.contains("pipe --report DIR"),
        "{none}"
    );
    assert!(told(Some("{\"version\": 1, \"outc")).contains("ends before it is whole"));
    assert!(told(Some("a secret")).contains("is not JSON (line 1, column 1)"));
    assert!(told(Some("{\"version\": 1}")).contains("lacks `outcome`"));
    let later = told(Some("{\"version\": 7, \"outcome\": 1}"));
    assert!(
        later.contains("of version 7; this midflight reads version 1")
            && later.contains("later midflight"),
        "{later}"
    );
    let wrong = told(Some("{\"version\": 1, \"outcome\": [\"a secret\"]}"));
    assert!(
        wrong.contains("something else than expected (line 1, column") && !wrong.contains("secret"),
        "{wrong}"
    );
    let nowhere = draw(&folder.path().join("nowhere"), &[]);
    assert!(
        nowhere.code == 1 && nowhere.stderr.contains("is not there"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn what_lies_beside_the_report_may_be_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run_of("faker", &input("faker"), folder.path()).code, 0);
    for (name, text) in [
        ("health.json", "{"),
        ("history.jsonl", "torn {\n{\"version\":9}\n"),
        ("lineage.jsonl", "{}\n[]\n"),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let log = folder.path().join("audit.jsonl");
    let changed = fs::read_to_string(&log)
        .expect("a log")
        .replace("\"pipe\"", "\"batch\"");
    fs::write(&log, changed).expect("a file");
    let ended = draw(folder.path(), &["--out", "-"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended.text().contains("audit.jsonl does not hold") && ended.text().contains("Succeeded")
    );
    assert!(
        ended.stderr.contains("health.json ends before it is whole")
            && ended.stderr.contains("2 entries"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_history_may_be_lines_or_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("report.json"),
        hostile(&["a", "b"]).to_string(),
    )
    .expect("a file");
    let objects = folder.path().join("runs");
    fs::create_dir(&objects).expect("a folder");
    let mut lines = String::new();
    for number in 0..70 {
        let run = json!({"version": 1, "run": format!("r{number:02}"), "started": format!("2026-11-01T10:{:02}:{:02}Z", number / 60, number % 60),
            "outcome": if number == 65 { "failed" } else { "succeeded" }, "seconds": 1.5,
            "records": {"read": if number == 60 { 9_000 } else { 1_000 + number }, "emitted": 0, "filtered": 0, "rejected": 0}});
        lines.push_str(&format!("{run}\n"));
        let pretty = serde_json::to_string_pretty(&run).expect("JSON");
        fs::write(
            objects.join(format!(
                "20261101T{:06}.000Z-r{number:02}.json",
                100_000 + number
            )),
            pretty,
        )
        .expect("a file");
    }
    let file = folder.path().join("runs.jsonl");
    fs::write(&file, lines).expect("a file");
    let drawn = |place: &Path| {
        let place = place.display().to_string();
        let ended = draw(folder.path(), &["--history", &place, "--out", "-"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        ended.text().to_owned()
    };
    let html = drawn(&file);
    assert!(
        html.contains("Quality over the last 60 runs")
            && html.contains("unusual (1)")
            && html.contains("failed (1)")
    );
    assert!(html.contains("10 earlier runs are not shown"));
    assert!(drawn(&objects).contains("Quality over the last 60 runs"));
    let ended = draw(folder.path(), &["--history", "nowhere.jsonl"]);
    assert!(
        ended.code == 1
            && ended
                .stderr
                .contains("the history nowhere.jsonl is not there"),
        "{}",
        ended.stderr
    );
}
