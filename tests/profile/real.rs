//! The profile of what a real source wrote, with and without models, and what it keeps of personal data.

use std::fs;

use midflight::profile::form::{Measures, Profile};

use super::{column, profiled, stream, valid};
use crate::support::{midflight, root};

fn faker() -> String {
    fs::read_to_string(root().join("fixtures/faker/input.jsonl")).expect("the recorded read")
}

const CATALOG: &str = "fixtures/faker/catalog.json";

#[test]
fn a_recorded_read_is_what_it_is() {
    let profile = profiled(&faker(), &["--catalog", CATALOG]);
    let names: Vec<_> = profile
        .streams
        .iter()
        .map(|stream| (stream.name.as_str(), stream.records))
        .collect();
    assert_eq!(names, [("products", 10), ("purchases", 20), ("users", 30)]);
    assert!(
        profile.notes[0].contains("no models, as asked"),
        "{:?}",
        profile.notes
    );
    let users = stream(&profile, "users");
    assert_eq!(
        (users.primary_key.join(","), users.cursor.as_deref()),
        ("id".to_owned(), Some("updated_at"))
    );
    assert_eq!(
        users.key.as_ref().map(|key| (key.nulls, key.singletons)),
        Some((0, Some(30)))
    );
    let height = column(users, "height");
    assert_eq!(height.total.reads_as.get("number"), Some(&30));
    assert_eq!(
        column(users, "created_at").declared.as_deref(),
        Some("timestamp_with_timezone")
    );
    assert_eq!(column(users, "created_at").conflicts, 0);
    let email = column(users, "email");
    assert_eq!(
        email
            .personal
            .first()
            .map(|found| (found.kind.as_str(), found.decided)),
        Some(("EMAIL", true))
    );
}

/// Texts of a column's values, as they stand in the input.
fn texts(input: &str, column: &str) -> Vec<String> {
    let values = input.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["record"]["data"][column].as_str()?.to_owned())
    });
    values.collect()
}

fn hides(measures: &Measures) -> bool {
    let ends = |numbers: &Option<midflight::profile::form::Numbers>| {
        numbers
            .as_ref()
            .is_none_or(|numbers| (numbers.min, numbers.max, numbers.sum) == (0.0, 0.0, 0.0))
    };
    measures.values.is_none()
        && measures.characters.is_none()
        && ends(&measures.numbers)
        && ends(&measures.moments)
}

#[test]
fn nothing_of_personal_data_is_kept_but_counts() {
    let input = faker();
    let ended = midflight(&["profile", "--no-models", "--catalog", CATALOG]).run(&input);
    for name in ["email", "telephone"] {
        let values = texts(&input, name);
        assert_eq!(values.len(), 30);
        for value in values {
            assert!(
                !ended.text().contains(&value),
                "a value of {name} is in the profile"
            );
        }
    }
    let profile = valid(ended.text());
    let hidden: Vec<_> = profile
        .streams
        .iter()
        .flat_map(|stream| &stream.columns)
        .filter(|column| column.personal.iter().any(|found| found.decided))
        .collect();
    assert!(hidden.len() >= 4);
    for column in hidden {
        assert!(
            hides(&column.total) && column.slices.iter().all(hides),
            "{}",
            column.path
        );
        assert!(
            column.sample.is_empty() && column.distinct > 0,
            "{}",
            column.path
        );
    }
}

#[test]
fn names_are_found_by_models() {
    let ended = midflight(&["profile", "--catalog", CATALOG]).run(faker());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let profile = valid(ended.text());
    assert!(profile.notes.is_empty(), "{:?}", profile.notes);
    let name = column(stream(&profile, "users"), "name");
    assert_eq!(
        name.personal
            .first()
            .map(|found| (found.kind.as_str(), found.decided)),
        Some(("PERSON", true))
    );
    assert!(hides(&name.total));
}

#[test]
fn without_onnx_runtime_recognisers_work_alone_and_a_note_says_so() {
    let program = midflight(&["profile", "--catalog", CATALOG])
        .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    let ended = program.env("MIDFLIGHT_OFFLINE", "1").run(faker());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let profile: Profile = valid(ended.text());
    assert!(
        profile.notes[0].contains("was not looked for"),
        "{:?}",
        profile.notes
    );
    assert!(column(stream(&profile, "users"), "email").personal[0].decided);
}

#[test]
fn a_table_is_for_people_and_progress_for_terminals() {
    let ended = midflight(&[
        "profile",
        "--no-models",
        "--catalog",
        CATALOG,
        "--format",
        "text",
    ])
    .run(faker());
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "stderr is no terminal"
    );
    let text = ended.text();
    assert!(
        text.contains("stream users: 30 records in 1 slices"),
        "{text}"
    );
    assert!(text.contains("personal: EMAIL"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
