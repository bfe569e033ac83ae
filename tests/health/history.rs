//! Runs leave a history: at once, torn, in a folder, the same for any chunks, and never with a value of a record.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, Program, midflight};

const CATALOG: &str = r#"{"streams": [
  {"stream": {"name": "users", "namespace": "crm", "json_schema": {"type": "object", "properties": {
    "id": {"type": "integer"}, "email": {"type": "string"}, "meta": {"type": "object", "properties": {
      "seen": {"type": "string", "format": "date-time"}}}}}, "supported_sync_modes": ["incremental"]},
   "sync_mode": "incremental", "cursor_field": ["meta", "seen"], "destination_sync_mode": "append"},
  {"stream": {"name": "events", "json_schema": {"type": "object", "properties": {"no": {"type": "integer"}}},
    "supported_sync_modes": ["incremental"]},
   "sync_mode": "incremental", "cursor_field": ["no"], "destination_sync_mode": "append"}]}"#;

/// Somebody's name that must not be told anywhere.
const CANARY: &str = "Zwiebelfisch";

fn record(stream: &str, data: &str) -> String {
    let namespace = if stream == "users" {
        r#""namespace":"crm","#
    } else {
        ""
    };
    format!(
        r#"{{"type":"RECORD","record":{{"stream":"{stream}",{namespace}"emitted_at":1,"data":{data}}}}}"#
    )
}

fn state(stream: &str, count: u32) -> String {
    let namespace = if stream == "users" {
        r#","namespace":"crm""#
    } else {
        ""
    };
    format!(
        r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"{stream}"{namespace}}},"stream_state":{{}}}},"sourceStats":{{"recordCount":{count}.0}}}}}}"#
    )
}

/// Two segments of each stream; of `users` the second lies before the first.
fn messages() -> String {
    let mut lines = Vec::new();
    for (day, seen) in [(1, "2024-03-02"), (2, "2024-03-03"), (3, "2024-03-01")] {
        lines.push(record(
            "users",
            &format!(r#"{{"id":{day},"email":"{CANARY}{day}@example.com","meta":{{"seen":"{seen}T00:00:00Z"}}}}"#),
        ));
        if day == 2 {
            lines.push(state("users", 2));
        }
    }
    lines.push(record("users", r#"{"id":4,"meta":{"seen":null}}"#));
    lines.push(record("users", r#"{"id":5,"meta":{}}"#));
    lines.push(record(
        "users",
        r#"{"id":6,"meta":{"seen":"2999-01-01T00:00:00Z"}}"#,
    ));
    lines.push(state("users", 4));
    for no in [7, 8, 9] {
        lines.push(record("events", &format!(r#"{{"no":{no}}}"#)));
    }
    lines.push(state("events", 3));
    lines.push(format!(
        r#"{{"type":"LOG","log":{{"level":"ERROR","message":"password authentication failed for user \"{CANARY}\""}}}}"#
    ));
    lines.join("\n") + "\n"
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("catalog.json"), CATALOG).expect("a catalog");
    fs::write(
        folder.path().join("plain.yaml"),
        "version: 1\nunlisted: pass\n",
    )
    .expect("a file");
    folder
}

fn pipe(within: &Path, further: &[&str]) -> Program {
    let given = [
        "pipe",
        "--config",
        "plain.yaml",
        "--catalog",
        "catalog.json",
        "--no-progress",
    ];
    midflight(&[&given[..], further].concat()).within(within)
}

fn entries(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a history");
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn plain(ended: &Ended) -> String {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.text().to_owned()
}

#[test]
fn an_entry_tells_counts_and_cursors_and_no_value() {
    let folder = folder();
    let told = plain(&pipe(folder.path(), &["--history", "runs.jsonl"]).run(messages()));
    let without = plain(&pipe(folder.path(), &[]).run(messages()));
    assert_eq!(told, without, "the output is the same without a history");
    let text = fs::read_to_string(folder.path().join("runs.jsonl")).expect("a history");
    for value in [CANARY, "2024", "2999", "example.com"] {
        assert!(!text.contains(value), "{value} in {text}");
    }
    let entry = &entries(&folder.path().join("runs.jsonl"))[0];
    assert_eq!(
        (&entry["version"], &entry["command"]),
        (&1.into(), &"pipe".into())
    );
    assert_eq!(
        entry["records"],
        serde_json::json!({"read": 9, "emitted": 9, "filtered": 0, "rejected": 0})
    );
    assert_eq!(entry["heard"]["classes"], serde_json::json!({"auth": 1}));
    let cursor = &entry["streams"]["crm.users"]["cursor"];
    for (key, expected) in [
        ("rows", 6),
        ("nulls", 1),
        ("missing", 1),
        ("future", 1),
        ("backwards", 1),
    ] {
        assert_eq!(cursor[key], expected, "{key} of {cursor}");
    }
    assert_eq!(cursor["column"], "meta.seen");
    let age = cursor["age"].as_f64().expect("an age");
    assert!(age > 365.0 * 86_400.0, "{age}");
    let cursor = &entry["streams"]["events"]["cursor"];
    assert_eq!(
        (&cursor["kind"], &cursor["age"]),
        (&"number".into(), &Value::Null)
    );
    assert!(
        cursor["tag"].as_u64().is_some_and(|tag| tag < 16),
        "{cursor}"
    );
}

#[test]
fn chunks_and_workers_change_neither_output_nor_history() {
    let folder = folder();
    let mut first: Option<(String, Value)> = None;
    for (number, further) in [
        &["--workers", "1"][..],
        &["--workers", "4", "--chunk-bytes", "1"],
        &["--workers", "2", "--chunk-bytes", "300"],
        &["--workers", "3", "--chunk-bytes", "777"],
    ]
    .iter()
    .enumerate()
    {
        let name = format!("{number}.jsonl");
        let ended =
            pipe(folder.path(), &[&["--history", &name], *further].concat()).run(messages());
        let output = plain(&ended);
        let mut entry = entries(&folder.path().join(&name)).remove(0);
        for key in ["run", "started", "seconds"] {
            entry[key] = Value::Null;
        }
        for stream in ["crm.users", "events"] {
            entry["streams"][stream]["seconds"] = Value::Null;
            // It depends on when the run started.
            entry["streams"][stream]["cursor"]["age"] = Value::Null;
        }
        let found = (output, entry);
        match &first {
            None => first = Some(found),
            Some(first) => assert_eq!(first, &found, "{further:?}"),
        }
    }
}

#[test]
fn runs_that_end_at_once_leave_whole_lines() {
    let folder = folder();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3 {
                    plain(&pipe(folder.path(), &["--history", "runs.jsonl"]).run(messages()));
                }
            });
        }
    });
    let text = fs::read_to_string(folder.path().join("runs.jsonl")).expect("a history");
    assert_eq!(text.lines().count(), 12);
    assert_eq!(entries(&folder.path().join("runs.jsonl")).len(), 12);
}

#[test]
fn a_torn_line_is_passed_over_and_the_next_one_is_whole() {
    let folder = folder();
    let path = folder.path().join("runs.jsonl");
    let run = || plain(&pipe(folder.path(), &["--history", "runs.jsonl"]).run(messages()));
    run();
    let whole = fs::read_to_string(&path).expect("a history");
    fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).expect("written");
    run();
    assert_eq!(entries(&path).len(), 2);
    let ended = midflight(&["health", "--history", "runs.jsonl", "--format", "json"])
        .within(folder.path())
        .run("");
    let health: Value = serde_json::from_str(&plain(&ended)).expect("JSON");
    assert_eq!(health["runs"], 1);
}

#[test]
fn a_folder_holds_an_object_for_each_run_and_only_those_that_are_kept() {
    let folder = folder();
    let config = "version: 1\nunlisted: pass\nhistory: {to: ./runs, keep: 20 runs}\n";
    fs::write(folder.path().join("kept.yaml"), config).expect("a file");
    let run = || {
        let given = ["pipe", "--config", "kept.yaml", "--catalog", "catalog.json"];
        plain(&midflight(&given).within(folder.path()).run(""));
    };
    run();
    let old = fs::read_dir(folder.path().join("runs"))
        .expect("a folder")
        .next();
    let old = old.expect("an object").expect("an object").path();
    let text = fs::read_to_string(&old).expect("an entry");
    for day in 1..25 {
        let name = format!("202001{day:02}T000000.000Z-{day}.json");
        fs::write(folder.path().join("runs").join(name), &text).expect("written");
    }
    fs::write(folder.path().join("runs/other.json"), "{}").expect("written");
    run();
    let mut names: Vec<_> = fs::read_dir(folder.path().join("runs"))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 21, "{names:?}");
    assert!(
        names.contains(&"other.json".to_owned()),
        "somebody else's stays"
    );
    assert!(!names.contains(&"20200101T000000.000Z-1.json".to_owned()));
}

#[test]
fn a_file_forgets_what_need_not_be_kept() {
    let folder = folder();
    let config = "version: 1\nunlisted: pass\nhistory: {to: ./runs.jsonl, keep: 30 days}\n";
    fs::write(folder.path().join("kept.yaml"), config).expect("a file");
    let run = || {
        let given = ["pipe", "--config", "kept.yaml", "--catalog", "catalog.json"];
        plain(&midflight(&given).within(folder.path()).run(""));
    };
    run();
    let path = folder.path().join("runs.jsonl");
    let now = fs::read_to_string(&path).expect("a history");
    let mut old: Value = serde_json::from_str(&now).expect("an entry");
    old["started"] = "2020-01-01T00:00:00.000Z".into();
    fs::write(&path, format!("{old}\n{old}\n{old}\n{now}")).expect("written");
    run();
    let left = entries(&path);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        left.iter()
            .all(|entry| entry["started"] != "2020-01-01T00:00:00.000Z")
    );
}

#[test]
fn a_history_that_cannot_be_written_is_a_note() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").expect("a file");
    let ended = pipe(folder.path(), &["--history", "file/runs.jsonl"]).run(messages());
    let told = plain(&ended);
    let note = told.lines().last().unwrap_or_default();
    assert!(
        note.contains(r#""level":"WARN""#) && note.contains("cannot be written"),
        "{note}"
    );
}

#[test]
fn a_source_that_tells_an_error_failed_though_the_pipe_went_well() {
    let folder = folder();
    let trace = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"HTTP Status Code: 401. Error: Unauthorized. Please ensure you are authenticated correctly.","failure_type":"config_error"}}}"#;
    plain(
        &pipe(folder.path(), &["--history", "runs.jsonl"]).run(format!("{}{trace}\n", messages())),
    );
    let ended = midflight(&[
        "health",
        "--history",
        "runs.jsonl",
        "--fail-on",
        "critical",
        "--report",
        "out",
    ])
    .within(folder.path())
    .run("");
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(
        ended.text().contains("failure: auth at the source"),
        "{}",
        ended.text()
    );
    let health = fs::read(folder.path().join("out/health.json")).expect("health.json");
    let health: Value = serde_json::from_slice(&health).expect("JSON");
    assert_eq!(health["failure"]["class"], "auth");
    assert_eq!(health["outcome"], "failed");
}

#[test]
fn wrong_histories_are_told_with_the_way_out() {
    let folder = folder();
    fs::write(folder.path().join("empty.jsonl"), "no entry\n").expect("a file");
    plain(&pipe(folder.path(), &["--history", "runs.jsonl"]).run(""));
    for (arguments, code, said) in [
        (&["--history", "nowhere.jsonl"][..], 1, "cannot be read"),
        (&["--history", "empty.jsonl"], 2, "holds no run"),
        (
            &["--history", "runs.jsonl", "--run", "zz"],
            2,
            "begins with `zz`",
        ),
        (
            &["--history", "ftp://x/y"],
            2,
            "is no place that can be opened",
        ),
        (
            &["--history", "runs.jsonl", "--webhook-env", "NOT_SET"],
            2,
            "`NOT_SET` is not set",
        ),
        (
            &["--history", "runs.jsonl", "--fail-on", "bad"],
            2,
            "possible values",
        ),
    ] {
        let ended = midflight(&[&["health"], arguments].concat())
            .within(folder.path())
            .run("");
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(said),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}
