//! What leaves is the Airbyte protocol: every line of every run is valid by the protocol's own schema, every
//! STATE counts what left before it, and nothing but what the plan names is changed.
//!
//! The counting and comparing here is a second opinion: plain serde_json over what came out, sharing no
//! code with the engine.

pub mod recount;
mod schema;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{KEY, midflight, root};
use recount::{Recount, Unmasked};

/// A recorded read in `fixtures/` and the columns that its own configuration may change.
pub struct Recording {
    pub folder: &'static str,
    /// Stream and top-level column.
    pub changed: &'static [(&'static str, &'static str)],
}

pub const RECORDINGS: [Recording; 3] = [
    Recording {
        folder: "smoke-test",
        changed: &[
            ("basic_types", "name"),
            ("column_naming_edge_cases", "column.with.dots"),
            ("column_naming_edge_cases", "column with spaces"),
            ("column_naming_edge_cases", "column-with-dashes"),
            ("column_naming_edge_cases", "select"),
            ("column_naming_edge_cases", "from"),
            ("nested_json_objects", "metadata"),
            ("nested_json_objects", "nested_deep"),
            ("nested_json_objects", "items_array"),
            ("array_of_primitives", "string_array"),
            ("union_types", "string_or_integer"),
            ("union_types", "object_or_string"),
            ("large_decimals_and_numbers", "precise_decimal"),
            ("large_string_values", "large_value"),
            ("wide_table_50_columns", "col_048"),
            ("wide_table_50_columns", "col_049"),
            ("wide_table_50_columns", "col_001"),
            ("wide_table_50_columns", "first"),
            ("duplicate_primary_keys", "id"),
            ("null_handling", "nullable_string"),
            ("null_handling", "nullable_number"),
        ],
    },
    Recording {
        folder: "hardcoded-records",
        changed: &[
            ("customers", "email"),
            ("customers", "phone"),
            ("customers", "addresses"),
            ("customers", "default_address"),
            ("customers", "note"),
            ("customers", "first_name"),
            ("customers", "last_name"),
            ("products", "age"),
        ],
    },
    Recording {
        folder: "faker",
        changed: &[
            ("users", "email"),
            ("users", "telephone"),
            ("users", "name"),
            ("users", "address"),
        ],
    },
];

/// What a run is given instead of the folder's own configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Plan {
    /// The folder's own.
    Own,
    /// Nothing is changed.
    Pass,
    /// No configuration: personal data is redacted everywhere.
    Default,
    /// Nothing leaves.
    Drop,
}

impl Recording {
    fn input(&self) -> String {
        let path = root()
            .join("fixtures")
            .join(self.folder)
            .join("input.jsonl");
        std::fs::read_to_string(path).expect("a recorded read")
    }

    /// Runs a plan over `input` and gives stdout and the report.
    fn run(&self, plan: Plan, input: &str) -> (String, Value) {
        let copy = tempfile::tempdir().expect("a folder");
        let folder = root().join("fixtures").join(self.folder);
        for file in ["config.yaml", "catalog.json"] {
            std::fs::copy(folder.join(file), copy.path().join(file)).expect("a copy");
        }
        copy_rules(&folder.join("rules"), &copy.path().join("rules"));
        let policy = |word| {
            std::fs::write(
                copy.path().join("config.yaml"),
                format!("version: 1\nunlisted: {word}\n"),
            )
        };
        let mut arguments = vec![
            "pipe",
            "--no-progress",
            "--catalog",
            "catalog.json",
            "--report",
            "report",
        ];
        match plan {
            Plan::Own => {}
            Plan::Pass => policy("pass").expect("a configuration"),
            Plan::Drop => policy("drop").expect("a configuration"),
            Plan::Default => {}
        }
        if plan != Plan::Default {
            arguments.extend(["--config", "config.yaml"]);
        }
        let ended = midflight(&arguments)
            .within(copy.path())
            .env("MIDFLIGHT_KEY", KEY)
            .run(input);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (0, ""),
            "{} with {plan:?}",
            self.folder
        );
        let report = std::fs::read(copy.path().join("report/report.json")).expect("a report");
        let report = serde_json::from_slice(&report).expect("the report is JSON");
        (
            String::from_utf8(ended.stdout).expect("stdout is UTF-8"),
            report,
        )
    }

    fn may_change(&self, plan: Plan) -> impl Fn(&str, &str, &str) -> bool + '_ {
        move |stream, column, before| match plan {
            Plan::Pass | Plan::Drop => false,
            Plan::Own => self.changed.contains(&(stream, column)),
            // Redaction touches text alone.
            Plan::Default => before.contains('"'),
        }
    }
}

fn copy_rules(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else {
        return;
    };
    std::fs::create_dir_all(to).expect("a folder");
    for entry in entries {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// Every recording under every plan: recording, plan, input, output, report.
fn every_run(mut check: impl FnMut(&Recording, Plan, &str, &str, &Value)) {
    for recording in &RECORDINGS {
        let input = recording.input();
        for plan in [Plan::Own, Plan::Pass, Plan::Default, Plan::Drop] {
            let (output, report) = recording.run(plan, &input);
            check(recording, plan, &input, &output, &report);
        }
    }
}

#[test]
fn every_line_is_a_message_of_the_protocol() {
    let schema = schema::messages();
    every_run(|recording, plan, _, output, _| {
        for line in output.lines() {
            let faults = schema::faults(&schema, line);
            assert!(
                faults.is_empty(),
                "{} with {plan:?}: {faults:?} in {line:.300}",
                recording.folder
            );
        }
    });
}

#[test]
fn every_line_of_a_failure_is_a_message_of_the_protocol() {
    let schema = schema::messages();
    for input in [
        "{\"type\":\"RECORD\",\"record\":{\"stream\":\"a\",\"data\":{\"email\":\"x@example.org\"",
        "not a message\n{\"type\":\"STATE\"}\n",
        "\u{feff}{\"type\":\"STATE\",\"state\":{\"type\":\"STREAM\"}}\n",
    ] {
        let ended = midflight(&["pipe", "--no-progress"]).run(input);
        assert_ne!(ended.code, 101, "{}", ended.stderr);
        for line in ended.text().lines() {
            assert_eq!(
                schema::faults(&schema, line),
                Vec::<String>::new(),
                "{line}"
            );
        }
    }
}

#[test]
fn every_state_counts_the_records_before_it() {
    every_run(|recording, plan, _, output, _| {
        let recount = Recount::of(output);
        assert_eq!(
            recount.wrong,
            Vec::<String>::new(),
            "{} with {plan:?}",
            recording.folder
        );
    });
}

#[test]
fn global_and_legacy_states_count_the_records_of_all_streams() {
    let recording = &RECORDINGS[2];
    let global = |state: &Value| {
        let descriptors = ["products", "users", "purchases"]
            .map(|name| json!({"stream_descriptor": {"name": name}, "stream_state": {}}));
        json!({"type": "GLOBAL", "id": state["id"], "global": {"shared_state": {}, "stream_states": descriptors}})
    };
    let legacy = |_: &Value| json!({"data": {"cursor": 1}});
    for rewrite in [&global as &dyn Fn(&Value) -> Value, &legacy] {
        let input: String = recording
            .input()
            .lines()
            .map(|line| with_state(line, rewrite) + "\n")
            .collect();
        let (output, _) = recording.run(Plan::Own, &input);
        let recount = Recount::of(&output);
        assert_eq!(recount.wrong, Vec::<String>::new());
        assert!(recount.states > 3, "{} states", recount.states);
    }
}

/// The line with another state, when it is a STATE.
fn with_state(line: &str, rewrite: &dyn Fn(&Value) -> Value) -> String {
    let mut message: Value = serde_json::from_str(line).expect("a recorded message");
    if message["type"] != "STATE" {
        return line.to_owned();
    }
    message["state"] = rewrite(&message["state"]);
    message.to_string()
}

#[test]
fn every_record_read_is_accounted_for() {
    every_run(|recording, plan, input, output, report| {
        let (read, emitted) = (Recount::of(input).records, Recount::of(output).records);
        let none = 0;
        for (stream, &records) in &read {
            let counts = &report["streams"][stream];
            let [told, left, filtered, rejected] = ["read", "emitted", "filtered", "rejected"]
                .map(|name| counts[name].as_u64().expect("a count"));
            let place = format!("{} with {plan:?}: {stream}", recording.folder);
            assert_eq!(told, records, "{place}");
            assert_eq!(left, *emitted.get(stream).unwrap_or(&none), "{place}");
            assert_eq!(told, left + filtered + rejected, "{place}");
            assert!(plan != Plan::Pass || left == told, "{place}");
            assert!(plan != Plan::Drop || left == 0, "{place}");
        }
    });
}

#[test]
fn what_the_plan_does_not_name_keeps_its_text() {
    every_run(|recording, plan, input, output, _| {
        let unmasked = Unmasked::compare(input, output, recording.may_change(plan));
        assert_eq!(
            unmasked.wrong,
            Vec::<String>::new(),
            "{} with {plan:?}",
            recording.folder
        );
        let expected = match plan {
            Plan::Drop | Plan::Pass => unmasked.changed == 0,
            Plan::Own => unmasked.changed > 0,
            Plan::Default => true,
        };
        assert!(
            expected,
            "{} with {plan:?}: {} values changed",
            recording.folder, unmasked.changed
        );
    });
}
