//! Every change between two schemas: what it is called, how bad it is, what follows. Each folder of `fixtures/drift`
//! is a case, and its statements are run against the databases in `real.rs`.
//!
//! `MIDFLIGHT_CASE=name` runs the cases whose name holds that text; `MIDFLIGHT_BLESS=1` makes what a run leaves the
//! new expectation, to be read before it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::case::{Files, differences};
use crate::support::{midflight, root};

/// The dialects, and how their scripts begin.
pub const DIALECTS: [(&str, &str); 4] = [
    ("postgres", "-- PostgreSQL\n"),
    ("snowflake", "-- Snowflake\n"),
    ("bigquery", "-- BigQuery\n"),
    ("duckdb", "-- DuckDB\n"),
];

/// The folders of cases, by name.
pub fn cases() -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(root().join("fixtures/drift")).expect("a folder");
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    folders
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .collect()
}

/// The program on a case's files: its exit code and what it prints.
pub fn run(folder: &Path, further: &[&str]) -> (i32, String) {
    let mut arguments: Vec<String> = ["drift", "--before", "before.json", "--now", "now.json"]
        .map(str::to_owned)
        .to_vec();
    for (option, file) in [
        ("--config", "config.yaml"),
        ("--profile-now", "profile_now.json"),
    ] {
        if folder.join(file).exists() {
            arguments.extend([option.to_owned(), file.to_owned()]);
        }
    }
    arguments.extend(further.iter().map(|argument| (*argument).to_owned()));
    let ended = midflight(&arguments).within(folder).run("");
    let output = String::from_utf8(ended.stdout).expect("text");
    assert!(
        ended.code == 0 || ended.code == 3,
        "{}: {}",
        folder.display(),
        ended.stderr
    );
    (ended.code, output)
}

/// The arguments that a case has of its own.
pub fn own(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("args")).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn left(folder: &Path) -> Files {
    let own = own(folder);
    // Where tables are only matters with a dialect.
    let plain: Vec<&str> = own.iter().map(String::as_str).collect();
    let placed = plain.contains(&"--schema");
    let general = if placed { &[][..] } else { &plain[..] };
    let (code, text) = run(folder, general);
    let json: Vec<&str> = general
        .iter()
        .copied()
        .chain(["--format", "json"])
        .collect();
    let (again, json) = run(folder, &json);
    assert_eq!(code, again, "{}", folder.display());
    let mut files = Files::from([
        ("exit".to_owned(), format!("{code}\n").into_bytes()),
        ("changes.txt".to_owned(), text.into_bytes()),
        ("changes.json".to_owned(), json.into_bytes()),
    ]);
    for (dialect, head) in DIALECTS {
        let arguments: Vec<&str> = plain
            .iter()
            .copied()
            .chain(["--dialect", dialect])
            .collect();
        let (_, text) = run(folder, &arguments);
        if let Some(at) = text.find(head) {
            files.insert(format!("{dialect}.sql"), text[at..].to_owned().into_bytes());
        }
    }
    files
}

#[test]
fn every_folder_has_the_changes_and_statements_it_says() {
    let wanted = std::env::var("MIDFLIGHT_CASE").unwrap_or_default();
    let bless = std::env::var_os("MIDFLIGHT_BLESS").is_some();
    let mut failures = String::new();
    for (name, folder) in cases() {
        if !name.contains(&wanted) {
            continue;
        }
        let found = left(&folder);
        let expected = folder.join("expected");
        if bless {
            let _ = fs::remove_dir_all(&expected);
            fs::create_dir_all(&expected).expect("a folder");
            for (file, bytes) in &found {
                fs::write(expected.join(file), bytes).expect("a file");
            }
            continue;
        }
        let mut told = Files::new();
        for entry in fs::read_dir(&expected).into_iter().flatten().flatten() {
            let bytes = fs::read(entry.path()).expect("a file");
            told.insert(entry.file_name().to_string_lossy().into_owned(), bytes);
        }
        let differ = differences(&told, &found);
        if !differ.is_empty() {
            failures += &format!("{name}\n{differ}");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_kind_of_change_occurs_in_some_case() {
    let mut missing = vec![
        "stream_added",
        "stream_removed",
        "column_added",
        "column_removed",
        "column_renamed",
        "type_widened",
        "type_narrowed",
        "type_changed",
        "became_nullable",
        "became_required",
        "key_changed",
        "cursor_changed",
    ];
    for folder in cases().into_values() {
        let text = fs::read_to_string(folder.join("expected/changes.json")).expect("expected");
        missing.retain(|kind| !text.contains(&format!("\"change\": \"{kind}\"")));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// What is wrong with the arguments or the files is told with the way out.
#[test]
fn wrong_arguments_are_told_with_the_way_out() {
    let folder = root().join("fixtures/drift/none");
    for (arguments, told) in [
        (
            &[
                "--before",
                "before.json",
                "--now",
                "now.json",
                "--policy",
                "brekaing=hold",
            ][..],
            "did you mean `breaking`?",
        ),
        (
            &[
                "--before",
                "before.json",
                "--now",
                "now.json",
                "--policy",
                "personal=evolve",
            ],
            "valid are mask, drop, hold, fail",
        ),
        (
            &["--before", "README.md", "--now", "now.json"],
            "README.md:1:1",
        ),
        (
            &[
                "--before",
                "before.json",
                "--now",
                "now.json",
                "--profile-now",
                "now.json",
            ],
            "this is no profile",
        ),
        (
            &["--before", "nowhere.json", "--now", "now.json"],
            "cannot be read",
        ),
    ] {
        let all: Vec<String> = ["drift"]
            .iter()
            .chain(arguments)
            .map(|a| (*a).to_owned())
            .collect();
        let ended = midflight(&all).within(&folder).run("");
        assert!(
            ended.code == 1 || ended.code == 2,
            "{arguments:?}: {}",
            ended.code
        );
        assert!(
            ended.stderr.contains(told),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}

const BEFORE: &str = r#"{"streams":[{"stream":{"name":"users","json_schema":{"type":"object","properties":{"id":{"type":"integer"}}}},"sync_mode":"full_refresh","destination_sync_mode":"append"}]}"#;

/// A catalog that differs: the type of `id`, or a column that looks personal.
fn later(change: &str) -> String {
    match change {
        "family" => BEFORE.replace(r#"{"type":"integer"}"#, r#"{"type":"string"}"#),
        _ => BEFORE.replace(r#"{"id":"#, r#"{"email":{"type":"string"},"id":"#),
    }
}

fn record(data: &str) -> String {
    format!(r#"{{"type":"RECORD","record":{{"stream":"users","emitted_at":1,"data":{data}}}}}"#)
        + "\n"
}

/// A destination holds before it claims anything; what it accepts it remembers, with report and audit.
#[test]
fn a_destination_compares_before_it_claims_its_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let last = path("state/catalog.json");
    let config = format!(
        "version: 1\nunlisted: pass\ntagger: none\ndrift: {{last: {}}}\n",
        last.display()
    );
    let settings = serde_json::json!({"stage": path("stage"), "config": config});
    fs::write(path("destination.json"), settings.to_string()).expect("settings");
    let write = |catalog: &str, data: &str| {
        fs::write(path("catalog.json"), catalog).expect("a catalog");
        let arguments = [
            "destination",
            "write",
            "--config",
            "destination.json",
            "--catalog",
            "catalog.json",
            "--report",
            "report",
            "--no-progress",
        ];
        midflight(&arguments)
            .within(folder.path())
            .run(record(data))
    };
    let first = write(BEFORE, r#"{"id":1}"#);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let kept = fs::read_to_string(&last).expect("the last catalog");
    let claims = || fs::read_dir(path("stage")).expect("a stage").count();
    let before = claims();
    let held = write(&later("family"), r#"{"id":"1"}"#);
    assert_eq!(held.code, 3, "{}", held.stderr);
    assert!(
        held.text().contains(r#""failure_type":"config_error""#),
        "{}",
        held.text()
    );
    assert_eq!(
        (fs::read_to_string(&last).ok(), claims()),
        (Some(kept.clone()), before)
    );
    let report = fs::read_to_string(path("report/report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["drift"]["outcome"], "held");
    assert_eq!(report["drift"]["changes"][0]["change"], "type_changed");
    let audit = fs::read_to_string(path("report/audit.jsonl")).expect("an audit");
    assert_eq!(audit.matches("drift_decided").count(), 1, "{audit}");
    let masked = write(&later("personal"), r#"{"id":2,"email":"ann@example.com"}"#);
    assert_eq!(masked.code, 0, "{}", masked.stderr);
    assert!(
        masked
            .text()
            .contains("schema drift: stream `users`: column `email`")
    );
    for file in walk(&path("stage")) {
        let bytes = fs::read(&file).expect("a file");
        let leaks = bytes.windows(15).any(|part| part == b"ann@example.com");
        assert!(!leaks, "{}", file.display());
    }
    let after = fs::read_to_string(&last).expect("the last catalog");
    assert!(!after.contains("email"), "what is masked stays new");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path().is_dir() {
            true => files.extend(walk(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files
}

/// A batch compares the catalog it is given, and does not begin with one told from files.
#[test]
fn a_batch_compares_the_catalog_that_it_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("raw/users")).expect("a folder");
    fs::write(path("raw/users/1.jsonl"), "{\"id\":1}\n").expect("a file");
    fs::write(
        path("midflight.yaml"),
        "version: 1\nunlisted: pass\ntagger: none\ndrift: {last: state/catalog.json}\n",
    )
    .expect("a configuration");
    let batch = |to: &str, catalog: Option<&str>| {
        let mut arguments = vec![
            "batch",
            "--config",
            "midflight.yaml",
            "--from",
            "raw",
            "--to",
            to,
            "--no-progress",
        ];
        if let Some(catalog) = catalog {
            fs::write(path("catalog.json"), catalog).expect("a catalog");
            arguments.extend(["--catalog", "catalog.json"]);
        }
        midflight(&arguments).within(folder.path()).run("")
    };
    let bare = batch("clean", None);
    assert_eq!(bare.code, 2);
    assert!(bare.stderr.contains("this run has none"), "{}", bare.stderr);
    assert!(!path("clean").exists(), "nothing was begun");
    assert_eq!(batch("clean", Some(BEFORE)).code, 0);
    let told = batch("other", Some(&later("personal")));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.text().starts_with("schema drift: stream `users`"),
        "{}",
        told.text()
    );
    let held = batch("third", Some(&later("family")));
    assert_eq!(
        (held.code, path("third").exists()),
        (3, false),
        "{}",
        held.stderr
    );
    // A server that would have nothing to compare does not start.
    let served = midflight(&[
        "serve",
        "--config",
        "midflight.yaml",
        "--to",
        "clean",
        "--no-auth",
    ]);
    let served = served.within(folder.path()).run("");
    assert_eq!(served.code, 2, "{}", served.stderr);
}
