//! One folder of `fixtures/`: what a run is given, and everything it must leave.
//!
//! ```text
//! config.yaml catalog.json rules/     what the plan is made of; each may be missing
//! state/catalog.json                  the catalog of the run before
//! input.jsonl | input.recipe          what stdin gives
//! env                                 KEY=VALUE lines
//! args                                further arguments of `midflight pipe`
//! README.md                           what the case is about, where that is not plain
//! expected/                           stdout.jsonl | stdout.recipe, stderr, exit, report.json, state.json, rejects/
//! ```
//!
//! Only what no two runs share is levelled: seconds, the moment of our own TRACE, the run's name in the
//! reject store, how often an embedder was asked, the audit chain, and the program's version. `models/words` is there for every
//! case: an embedder whose vectors are the same on every machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::recipe::Recipe;
use super::{Ended, Program, midflight, root};

/// Larger outputs are expected as a recipe.
const STDOUT_BYTES_MAX: usize = 1 << 20;

/// A case and the files that lie in its folder.
pub struct Case {
    /// The folder below `fixtures/`.
    pub name: String,
    folder: PathBuf,
    pub input: Recipe,
}

/// Every file of `expected/`, by its path there.
pub type Files = BTreeMap<String, Vec<u8>>;

impl Case {
    /// Every case below `fixtures/`, in the order of their names.
    pub fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        collect(&root().join("fixtures"), "", &mut cases);
        cases
    }

    fn read(folder: &Path, name: &str) -> Option<Self> {
        let recipe = fs::read_to_string(folder.join("input.recipe")).ok();
        let input = match recipe {
            Some(text) => Recipe::parse(&text),
            None => Recipe::of(fs::read(folder.join("input.jsonl")).ok()?),
        };
        Some(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            input,
        })
    }

    /// The program on this case's files, which lie in `copy`.
    pub fn program(&self, copy: &Path, further: &[&str]) -> Program {
        let mut arguments = vec![
            "pipe".to_owned(),
            "--report".to_owned(),
            "report".to_owned(),
        ];
        for (option, file) in [("--config", "config.yaml"), ("--catalog", "catalog.json")] {
            if copy.join(file).exists() {
                arguments.extend([option.to_owned(), file.to_owned()]);
            }
        }
        let own = fs::read_to_string(self.folder.join("args")).unwrap_or_default();
        arguments.extend(
            own.split_whitespace()
                .chain(further.iter().copied())
                .map(str::to_owned),
        );
        let environment = fs::read_to_string(self.folder.join("env")).unwrap_or_default();
        let variables = environment.lines().filter_map(|line| line.split_once('='));
        variables.fold(
            midflight(&arguments).within(copy),
            |program, (name, value)| program.env(name, value),
        )
    }

    /// Runs the case in a folder of its own, and gives the folder and how it ended.
    pub fn run_in_copy(&self, further: &[&str]) -> (tempfile::TempDir, Ended) {
        let copy = tempfile::tempdir().expect("a folder");
        copy_files(&self.folder, copy.path());
        // What somebody's own run in the folder has set aside.
        let _ = fs::remove_dir_all(copy.path().join("rejects"));
        copy_files(
            &root().join("fixtures/models/words"),
            &copy.path().join("models/words"),
        );
        let ended = self
            .program(copy.path(), further)
            .feed(|stdin| self.input.write(stdin));
        (copy, ended)
    }

    /// Runs the case and gives the files it left, levelled.
    pub fn run(&self, further: &[&str]) -> Files {
        let (copy, ended) = self.run_in_copy(further);
        let Ended {
            code,
            stdout,
            stderr,
        } = ended;
        let mut files = Files::from([
            ("exit".to_owned(), format!("{code}\n").into_bytes()),
            ("stdout.jsonl".to_owned(), level_stdout(stdout)),
        ]);
        if !stderr.is_empty() {
            files.insert("stderr".to_owned(), stderr.into_bytes());
        }
        if let Ok(report) = fs::read_to_string(copy.path().join("report/report.json")) {
            files.insert("report.json".to_owned(), level_report(&report).into_bytes());
        }
        // The catalog that a later run is compared with.
        if let Ok(state) = fs::read(copy.path().join("state/catalog.json")) {
            files.insert("state.json".to_owned(), state);
        }
        for (name, bytes) in rejects(&copy.path().join("rejects")) {
            files.insert(name, bytes);
        }
        files
    }

    /// The files of `expected/`; a recipe there is what it makes.
    pub fn expected(&self) -> Files {
        let mut files = Files::new();
        read_files(&self.folder.join("expected"), "", &mut files);
        if let Some(recipe) = files.remove("stdout.recipe") {
            let recipe = Recipe::parse(&String::from_utf8(recipe).expect("a recipe is text"));
            files.insert("stdout.jsonl".to_owned(), recipe.bytes());
        }
        files
    }

    /// Makes `files` what is expected. A recipe is left for a person to change.
    pub fn bless(&self, files: &Files) {
        let expected = self.folder.join("expected");
        let recipe = fs::read(expected.join("stdout.recipe")).ok();
        let _ = fs::remove_dir_all(&expected);
        for (name, bytes) in files {
            let path = match &recipe {
                Some(_) if name == "stdout.jsonl" => continue,
                _ => expected.join(name),
            };
            assert!(
                bytes.len() <= STDOUT_BYTES_MAX,
                "{}: {name} is too large to be kept; write expected/stdout.recipe",
                self.name
            );
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        if let Some(recipe) = recipe {
            fs::write(expected.join("stdout.recipe"), recipe).expect("a file");
        }
    }
}

/// What differs, line by line; nothing when the files are the same.
pub fn differences(expected: &Files, found: &Files) -> String {
    const LINES_MAX: usize = 6;
    let mut told = String::new();
    for name in expected
        .keys()
        .chain(found.keys().filter(|name| !expected.contains_key(*name)))
    {
        let (Some(wanted), Some(had)) = (expected.get(name), found.get(name)) else {
            let what = if found.contains_key(name) {
                "is not expected"
            } else {
                "is missing"
            };
            told += &format!("  {name} {what}\n{}", excerpt(found.get(name)));
            continue;
        };
        let lines = |bytes: &[u8]| -> Vec<String> {
            bytes
                .split(|byte| *byte == b'\n')
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect()
        };
        if wanted == had {
            continue;
        }
        let (wanted, had) = (lines(wanted), lines(had));
        let pairs = (0..wanted.len().max(had.len())).map(|at| (at, wanted.get(at), had.get(at)));
        for (at, wanted, had) in pairs
            .filter(|(_, wanted, had)| wanted != had)
            .take(LINES_MAX)
        {
            told += &format!("  {name}, line {}\n", at + 1);
            let (from, end) = ("(nothing)".to_owned(), "(nothing)".to_owned());
            let (wanted, had) = (wanted.unwrap_or(&from), had.unwrap_or(&end));
            told += &format!(
                "    expected {}\n    found    {}\n",
                around(wanted, had),
                around(had, wanted)
            );
        }
    }
    told
}

/// The part of a line where it begins to differ from another.
fn around(line: &str, other: &str) -> String {
    let same = line
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(80);
    let part: String = line.chars().skip(from).take(240).collect();
    format!("{}{part}", if from > 0 { "…" } else { "" })
}

fn excerpt(bytes: Option<&Vec<u8>>) -> String {
    let text = bytes
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .unwrap_or_default();
    text.lines()
        .take(6)
        .map(|line| format!("    {}\n", around(line, "")))
        .collect()
}

fn collect(folder: &Path, name: &str, cases: &mut Vec<Case>) {
    for (entry, path) in sorted(folder) {
        let name = if name.is_empty() {
            entry
        } else {
            format!("{name}/{entry}")
        };
        if !path.is_dir() {
            continue;
        }
        match Case::read(&path, &name) {
            Some(case) => cases.push(case),
            None => collect(&path, &name, cases),
        }
    }
}

fn sorted(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .collect()
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for (name, path) in sorted(from) {
        if path.is_dir() && name != "expected" {
            copy_files(&path, &to.join(&name));
        } else if path.is_file() && !name.starts_with("input.") {
            fs::copy(&path, to.join(&name)).expect("a copy");
        }
    }
}

fn read_files(folder: &Path, name: &str, files: &mut Files) {
    for (entry, path) in sorted(folder) {
        let name = if name.is_empty() {
            entry
        } else {
            format!("{name}/{entry}")
        };
        if path.is_dir() {
            read_files(&path, &name, files);
        } else {
            files.insert(name, fs::read(&path).expect("a file"));
        }
    }
}

/// The reject store: one file per stream, its run's name left out.
fn rejects(folder: &Path) -> Files {
    let mut files = Files::new();
    read_files(folder, "rejects", &mut files);
    let mut streams = Files::new();
    for (name, bytes) in files {
        let (stream, run) = name.rsplit_once('/').expect("a folder per stream");
        assert!(run.ends_with("Z.jsonl"), "{name}: the run is in the name");
        let earlier = streams.insert(format!("{stream}.jsonl"), bytes);
        assert!(earlier.is_none(), "{name}: one file per stream and run");
    }
    streams
}

/// Sets the moment of our own TRACE ERROR to 0 and takes the version out of our own LOG.
fn level_stdout(stdout: Vec<u8>) -> Vec<u8> {
    const TRACE: &str = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":"#;
    let greeting = format!("midflight {}: plan ", env!("CARGO_PKG_VERSION"));
    if stdout.len() > STDOUT_BYTES_MAX {
        return level_large(stdout, &greeting);
    }
    let lines = stdout.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let Ok(text) = std::str::from_utf8(line) else {
            return line.to_vec();
        };
        match text.strip_prefix(TRACE) {
            Some(rest) if rest.contains(r#""error":{"message":"midflight: "#) => {
                let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
                format!("{TRACE}0{rest}").into_bytes()
            }
            _ => text
                .replacen(&greeting, "midflight VERSION: plan ", 1)
                .into_bytes(),
        }
    });
    lines.collect::<Vec<_>>().concat()
}

/// The same for an output too large to go through line by line: only its ends hold lines of our own.
fn level_large(mut stdout: Vec<u8>, greeting: &str) -> Vec<u8> {
    let first = stdout
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let text =
        String::from_utf8_lossy(&stdout[..first]).replacen(greeting, "midflight VERSION: plan ", 1);
    stdout.splice(..first, text.into_bytes());
    stdout
}

/// Sets every time in a report to 0.
fn level_report(text: &str) -> String {
    let mut report: Value = serde_json::from_str(text).expect("the report is JSON");
    report["seconds"] = Value::from(0);
    report["midflight"] = Value::from("VERSION");
    let audit = report
        .as_object_mut()
        .and_then(|report| report.remove("audit"));
    assert!(
        audit.is_some(),
        "the report names the end of the audit chain"
    );
    let models = report.get_mut("models").and_then(Value::as_array_mut);
    for model in models.into_iter().flatten() {
        model["sha256"] = Value::from("SHA256");
        model["version"] = Value::from("VERSION");
    }
    let embedders = report.get_mut("embedders").and_then(Value::as_array_mut);
    for embedder in embedders.into_iter().flatten() {
        // Two workers may both make what one would have remembered.
        for count in ["texts", "remembered", "made"] {
            embedder[count] = Value::from(0);
        }
    }
    for stream in report["streams"]
        .as_object_mut()
        .expect("streams")
        .values_mut()
    {
        for seconds in stream["stage_seconds"]
            .as_object_mut()
            .expect("stages")
            .values_mut()
        {
            *seconds = Value::from(0);
        }
    }
    format!("{report:#}\n")
}

#[test]
fn differences_name_the_file_the_line_and_both_sides() {
    let files = |text: &str| Files::from([("stdout.jsonl".to_owned(), text.into())]);
    assert_eq!(differences(&files("a\nb\n"), &files("a\nb\n")), "");
    let told = differences(&files("a\nb\n"), &files("a\nc\n"));
    assert_eq!(
        told,
        "  stdout.jsonl, line 2\n    expected b\n    found    c\n"
    );
    assert_eq!(
        differences(&files("a"), &Files::new()),
        "  stdout.jsonl is missing\n"
    );
}
