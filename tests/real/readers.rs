//! What a stage holds, as DuckDB, pyarrow and Polars read it: recorded reads of real sources, and streams of every type
//! with values at the ends of their ranges, compared field by field with the messages that were loaded.
//!
//! The readers come from PyPI at pinned versions; `tests/python/readers.py` works out what they must find from the
//! catalog and the messages alone.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use super::venv::Venv;
use crate::support::{midflight, root};

/// How the streams of `fixtures/readers/typed` store their numbers.
const TABLES: &str = "\
streams:
  public.every_type:
    unlisted: pass
    table: {numbers: {price: 'decimal(10, 2)', ratio: double, written: text}}
";

const READERS: [&str; 3] = ["duckdb", "polars", "pyarrow"];

fn numbers() -> Value {
    json!({"every_type": {"price": "decimal(10,2)", "ratio": "double", "written": "text"}})
}

/// A sync into a stage of its own.
struct Loaded {
    folder: tempfile::TempDir,
    catalog: PathBuf,
    messages: PathBuf,
}

impl Loaded {
    /// Loads a fixture's messages.
    fn of(fixture: &Path, messages: &str, layout: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let stage = folder.path().join("stage");
        let config = format!(
            "version: 1\nunlisted: pass\ntagger: none\nstage: {{layout: {layout}}}\n{more}"
        );
        let settings = folder.path().join("destination.json");
        let text = json!({"stage": stage, "config": config}).to_string();
        std::fs::write(&settings, text).expect("settings");
        let loaded = Self {
            folder,
            catalog: fixture.join("catalog.json"),
            messages: fixture.join(messages),
        };
        let arguments = [
            "destination",
            "write",
            "--no-progress",
            "--config",
            &settings.to_string_lossy(),
            "--catalog",
            &loaded.catalog.to_string_lossy(),
            // Many batches, so that values stand in more than one.
            "--chunk-bytes",
            "5000",
        ]
        .map(str::to_owned);
        let input = std::fs::read(&loaded.messages).expect("messages");
        let ended = midflight(&arguments).run(input);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        loaded
    }

    fn read(&self, messages: &Path, layout: &str, numbers: &Value, names: &str) -> Output {
        let mut readers = Venv::of("readers").program("python");
        readers
            .arg(root().join("tests/python/readers.py"))
            .args([&self.folder.path().join("stage"), &self.catalog])
            .arg(messages)
            .args([layout, &numbers.to_string(), names]);
        readers.output().expect("the readers start")
    }

    /// What the readers compared.
    fn compared(&self, layout: &str, numbers: &Value) -> Value {
        let output = self.read(&self.messages, layout, numbers, &READERS.join(","));
        assert!(output.status.success(), "the readers found a difference");
        serde_json::from_slice(&output.stdout).expect("a summary")
    }
}

/// Checks a fixture, and that so many streams and rows and, by each reader, fields were compared.
fn check(loaded: &Loaded, layout: &str, numbers: &Value, streams: u64, rows: u64, fields: u64) {
    let summary = loaded.compared(layout, numbers);
    #[expect(
        clippy::print_stdout,
        reason = "shown with --nocapture, and by a test that fails"
    )]
    {
        println!("{layout}: {summary}");
    }
    assert_eq!(
        (&summary["streams"], &summary["rows"]),
        (&json!(streams), &json!(rows))
    );
    for reader in READERS {
        let compared = summary["fields"][reader].as_u64().expect("a number");
        assert!(compared >= fields, "{reader} compared {compared} fields");
    }
}

#[test]
fn recorded_reads_are_what_duckdb_pyarrow_and_polars_find() {
    for (recording, streams, rows, fields) in [
        ("faker", 3, 60, 1_100),
        ("smoke-test", 22, 159, 1_300),
        ("hardcoded-records", 3, 29, 550),
    ] {
        for layout in ["midflight", "airbyte"] {
            let fixture = root().join("fixtures").join(recording);
            let loaded = Loaded::of(&fixture, "input.jsonl", layout, "");
            check(&loaded, layout, &json!({}), streams, rows, fields);
        }
    }
}

#[test]
fn every_type_is_what_duckdb_pyarrow_and_polars_find() {
    let fixture = root().join("fixtures/readers/typed");
    for layout in ["midflight", "airbyte"] {
        let loaded = Loaded::of(&fixture, "messages.jsonl", layout, TABLES);
        check(&loaded, layout, &numbers(), 5, 57, 950);
    }
    // Types that destination-s3 has no place for.
    let fixture = root().join("fixtures/readers/untyped");
    let loaded = Loaded::of(&fixture, "messages.jsonl", "midflight", "");
    check(&loaded, "midflight", &json!({}), 1, 14, 150);
}

#[test]
fn readers_that_find_anything_else_fail() {
    let fixture = root().join("fixtures/readers/typed");
    let loaded = Loaded::of(&fixture, "messages.jsonl", "midflight", TABLES);
    let text = std::fs::read_to_string(&loaded.messages).expect("messages");
    let changed = loaded.folder.path().join("changed.jsonl");
    let changes = [
        // The last digit of an integer, and of a decimal.
        ("456789,\"exact\"", "456788,\"exact\""),
        (".123456789012345678", ".123456789012345677"),
        // A microsecond, and an offset.
        ("012+02:00\",\"local\"", "013+02:00\",\"local\""),
        ("012+02:00\",\"local\"", "012+03:00\",\"local\""),
        // Inside of an array of objects, of JSON text, and of what is not declared.
        ("\"since\":\"1999-12-31\"", "\"since\":\"1999-12-30\""),
        ("\"a\":1.10", "\"a\":1.1"),
        ("\"deep\":[1,2.50]", "\"deep\":[1,2.5]"),
        // A null, and a change that the record came with.
        ("\"b\",null,\"\"]", "\"b\",\"\",\"\"]"),
        ("SOURCE_RETRIEVAL_ERROR", "SOURCE_SERIALIZATION_ERROR"),
    ];
    // Every reader by itself sees some of them.
    for ((before, after), reader) in changes.into_iter().zip(READERS.into_iter().cycle()) {
        let other = text.replacen(before, after, 1);
        assert!(other != text, "{before}");
        std::fs::write(&changed, other).expect("messages");
        let output = loaded.read(&changed, "midflight", &numbers(), reader);
        assert!(
            !output.status.success(),
            "{reader}: {before} became {after}"
        );
    }
    let mut records = text.lines().filter(|line| line.contains("RECORD"));
    let last = records.next_back().expect("a record");
    std::fs::write(&changed, format!("{text}{last}\n")).expect("messages");
    let output = loaded.read(&changed, "midflight", &numbers(), "duckdb");
    assert!(!output.status.success(), "a row more");
}
