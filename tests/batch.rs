//! `midflight batch` over files of this machine: what is done once, what is done again, and what then becomes of
//! the rows of before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use midflight::error::ErrorKind;
use midflight::runtime::Files;
use midflight::runtime::batch::{Ended, Options, Single};
use midflight::runtime::bucket::Bucket;
use serde_json::Value;

use crate::support::{midflight, stage};

/// A folder of staged files and a stage.
struct Place {
    folder: tempfile::TempDir,
    config: String,
}

impl Place {
    fn new(config: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            config: format!("version: 1\nunlisted: pass\n{config}"),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn stage(&self) -> Bucket {
        let place = self.path().join("clean").display().to_string();
        Bucket::open(&place, &BTreeMap::new()).expect("a place")
    }

    /// Writes a file of `users` with a row for each of these.
    fn put(&self, name: &str, ids: &[&str]) {
        let path: PathBuf = self.path().join("raw").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let line = |id: &&str| format!("{{\"id\":\"{id}\",\"file\":\"{name}\"}}\n");
        std::fs::write(path, ids.iter().map(line).collect::<String>()).expect("a file");
    }

    fn run(&self, further: &[&str]) -> Value {
        std::fs::write(self.path().join("config.yaml"), &self.config).expect("a file");
        let workers: &[&str] = match further.contains(&"--workers") {
            true => &[],
            false => &["--workers", "2"],
        };
        let arguments: [&[&str]; 4] = [
            &["batch", "--config", "config.yaml", "--from", "raw"],
            &["--to", "clean", "--format", "json"],
            workers,
            further,
        ];
        let arguments = arguments.concat();
        let ended = midflight(&arguments).within(self.path()).run("");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        serde_json::from_str(ended.text()).expect("a summary")
    }

    fn ids(&self) -> Vec<String> {
        stage::column(&self.stage(), "users", "id")
    }
}

/// Objects found, and those that were done before.
fn counts(summary: &Value) -> (u64, u64) {
    let of = |name: &str| summary[name].as_u64().expect("a number");
    (of("objects"), of("done_before"))
}

#[test]
fn a_changed_file_replaces_its_rows_and_nothing_else_is_read() {
    let sorted = "streams:\n  users:\n    table: {sort_by: [id]}\n";
    let folders = "streams:\n  users:\n    table: {partition_by: [file]}\n";
    for config in ["", sorted, folders] {
        let place = Place::new(config);
        place.put("users/a.jsonl", &["a1", "x2"]);
        place.put("users/b.jsonl", &["b1", "b2", "z3"]);
        place.put("users/c.jsonl", &["c1"]);
        assert_eq!(counts(&place.run(&["--workers", "1"])), (3, 0));
        let before = stage::parts(&place.stage(), "users");
        assert_eq!(place.ids(), ["a1", "b1", "b2", "c1", "x2", "z3"]);
        place.put("users/b.jsonl", &["b1", "new", "newer", "newest"]);
        // What stands in a part with it need not be there any more.
        std::fs::remove_file(place.path().join("raw/users/c.jsonl")).expect("a file");
        let summary = place.run(&[]);
        assert_eq!(counts(&summary), (2, 1), "{config}");
        assert_eq!(summary["records"]["read"], 4, "{config}");
        let expected = ["a1", "b1", "c1", "new", "newer", "newest", "x2"];
        assert_eq!(place.ids(), expected, "{config}");
        let parts = stage::parts(&place.stage(), "users");
        assert!(parts != before);
        assert_eq!(
            stage::objects(&place.stage()),
            parts,
            "nothing else lies there"
        );
        // Once more, in a part that took the place of another.
        place.put("users/a.jsonl", &["a1"]);
        assert_eq!(counts(&place.run(&[])), (2, 1));
        assert_eq!(place.ids(), ["a1", "b1", "c1", "new", "newer", "newest"]);
        assert_eq!(
            stage::objects(&place.stage()),
            stage::parts(&place.stage(), "users")
        );
        assert_eq!(counts(&place.run(&[])), (2, 2));
    }
}

#[test]
fn a_file_without_rows_leaves_none_of_before() {
    let place = Place::new("");
    place.put("users/a.jsonl", &["a1"]);
    place.run(&[]);
    place.put("users/a.jsonl", &[]);
    assert_eq!(counts(&place.run(&[])), (1, 0));
    assert_eq!(place.ids(), [] as [&str; 0]);
    assert_eq!(stage::objects(&place.stage()), [] as [&str; 0]);
    assert_eq!(counts(&place.run(&[])), (1, 1));
}

#[test]
fn another_configuration_does_everything_again() {
    let mut place = Place::new("");
    let files: Vec<String> = (0..40)
        .map(|file| format!("users/{file:02}.jsonl"))
        .collect();
    for file in &files {
        place.put(file, &["1", "2"]);
    }
    place.run(&[]);
    place.config += "streams:\n  users:\n    stages:\n      - mask: {column: id, with: redact}\n";
    let summary = place.run(&["--workers", "3"]);
    assert_eq!(counts(&summary), (40, 0));
    let redacted = place.ids();
    assert_eq!(redacted.len(), 80);
    assert!(
        redacted.iter().all(|id| id.starts_with('<')),
        "{redacted:?}"
    );
    assert_eq!(
        stage::objects(&place.stage()),
        stage::parts(&place.stage(), "users")
    );
}

#[test]
fn shares_of_a_large_file_are_replaced_with_it_and_in_another_division() {
    let place = Place::new("stage: {part_bytes: 65536}\n");
    let ids: Vec<String> = (0..4_000).map(|id| format!("{id:06}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    place.put("users/large.jsonl", &ids);
    place.put("users/small.jsonl", &["small"]);
    let shares = ["--share-bytes", "20000"];
    place.run(&shares);
    assert_eq!(place.ids().len(), 4_001);
    // The same bytes, divided otherwise, are not there twice.
    place.run(&["--share-bytes", "70000"]);
    assert_eq!(place.ids().len(), 4_001);
    place.put("users/large.jsonl", &ids[..3_000]);
    assert_eq!(counts(&place.run(&shares)), (2, 1));
    let mut expected = ids[..3_000].to_vec();
    expected.push("small");
    assert_eq!(place.ids(), expected);
    assert_eq!(counts(&place.run(&shares)), (2, 2));
}

#[test]
fn a_further_stream_does_nothing_again() {
    let place = Place::new("");
    place.put("users/a.jsonl", &["a1"]);
    place.run(&[]);
    place.put("orders/a.jsonl", &["o1"]);
    assert_eq!(counts(&place.run(&[])), (2, 1));
    assert_eq!(place.ids(), ["a1"]);
    assert_eq!(stage::column(&place.stage(), "orders", "id"), ["o1"]);
}

#[test]
fn a_file_is_of_one_stream() {
    let place = Place::new("");
    place.put("users/a.jsonl", &["a1"]);
    place.run(&[]);
    place.run(&["--stream", "people"]);
    assert_eq!(place.ids(), [] as [&str; 0]);
    assert_eq!(stage::column(&place.stage(), "people", "id"), ["a1"]);
}

#[test]
fn a_stage_is_neither_read_nor_within_what_is_read() {
    let place = Place::new("");
    place.put("users/a.jsonl", &["a1"]);
    for (from, to) in [("raw", "raw/clean"), ("raw/users", "raw"), ("raw", "raw")] {
        let arguments = ["batch", "--from", from, "--to", to];
        let ended = midflight(&arguments).within(place.path()).run("");
        assert_eq!(ended.code, 2, "{from} {to}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("would read what it writes"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn single_files_are_held_to_the_limits_of_a_run_and_say_nothing_about_one_another() {
    let place = Place::new("");
    let config = format!(
        "version: 1\nunlisted: pass\nreject: {{to: {}, max_fraction: 0.4}}\nstreams:\n  users:\n    stages:\n      - split: {{by_time: at, into: era, until: {{old: 2026-01-01}}, rest: new}}\n",
        place.path().join("rejects").display()
    );
    let files = Files {
        text: Some(("a test".to_owned(), config)),
        ..Files::default()
    };
    let options = Options {
        to: place.path().join("clean").display().to_string(),
        ..Options::default()
    };
    let raw = place.path().join("raw").display().to_string();
    let single = Single::new(files, options, vec![raw.clone()]).expect("a plan");
    std::fs::create_dir_all(place.path().join("raw/users")).expect("a folder");
    let process = |name: &str, text: &str| {
        let path = format!("{raw}/users/{name}");
        std::fs::write(&path, text).expect("a file");
        single.process(&path).map_err(|error| error.kind())
    };
    let (good, bad) = ("{\"id\":\"1\",\"at\":\"2026-02-01\"}\n", "{\"id\":\"2\"}\n");
    assert_eq!(
        process("empty.jsonl", "\n"),
        Ok(Ended::Committed { rows: 0 })
    );
    let half = [good, bad].concat();
    assert_eq!(process("half.jsonl", &half), Err(ErrorKind::Limit));
    assert_eq!(place.ids(), [] as [&str; 0]);
    let third = [good, good, bad].concat();
    assert_eq!(
        process("third.jsonl", &third),
        Ok(Ended::Committed { rows: 2 })
    );
    assert_eq!(process("third.jsonl", &third).map(|_| ()), Ok(()));
    assert_eq!(place.ids(), ["1", "1"]);
    single.end().expect("an end");
}

#[test]
fn a_csv_is_read_to_its_end() {
    let place = Place::new("streams: {users: {stages: []}}");
    std::fs::create_dir_all(place.path().join("raw/users")).expect("a folder");
    let rows: String = (0..9_000)
        .map(|id| format!("u{id},{}\n", "x".repeat(40)))
        .collect();
    std::fs::write(
        place.path().join("raw/users/a.csv"),
        format!("id,note\n{rows}"),
    )
    .expect("a file");
    assert_eq!(counts(&place.run(&[])), (1, 0));
    assert_eq!(place.ids().len(), 9_000);
}
