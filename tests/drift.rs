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
