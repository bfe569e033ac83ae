//! `midflight profile`: exact figures, bounds, personal data, and that nothing depends on workers or on how the input
//! arrives.

mod bounds;
mod figures;
mod merged;
mod property;
mod real;

use jsonschema::{Draft, Validator};
use midflight::profile::form::{ColumnProfile, Profile, StreamProfile};
use serde_json::Value;

use crate::support::{Ended, midflight, root};

/// A RECORD message.
fn record(stream: &str, data: &str) -> String {
    format!(
        "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"{stream}\",\"data\":{data},\"emitted_at\":1}}}}\n"
    )
}

/// Profiles messages, without models, and proves the result against the published schema.
fn profiled(input: &str, further: &[&str]) -> Profile {
    let ended = run(input, further);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    valid(ended.text())
}

fn run(input: &str, further: &[&str]) -> Ended {
    midflight(&[&["profile", "--no-models", "--no-progress"], further].concat()).run(input)
}

/// A profile that the published schema allows.
fn valid(text: &str) -> Profile {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let faults: Vec<String> = schema()
        .iter_errors(&value)
        .map(|error| format!("{} breaks {}", error.instance_path(), error.schema_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    serde_json::from_value(value).expect("a profile")
}

fn schema() -> Validator {
    let text =
        std::fs::read_to_string(root().join("schemas/profile.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .build(&schema)
        .expect("a schema")
}

fn stream<'a>(profile: &'a Profile, name: &str) -> &'a StreamProfile {
    let mut streams = profile.streams.iter();
    streams.find(|stream| stream.name == name).expect(name)
}

fn column<'a>(stream: &'a StreamProfile, path: &str) -> &'a ColumnProfile {
    let mut columns = stream.columns.iter();
    columns.find(|column| column.path == path).expect(path)
}

/// Messages of a stream with columns of every kind, by a generator that always gives the same.
fn varied(records: u64) -> String {
    let mut seed = 7_u64;
    let mut next = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    (0..records)
        .map(|id| {
            let price = next(100_000) as f64 / 100.0;
            let day = next(28) + 1;
            let state = ["open", "paid", "sent"][next(3) as usize];
            let paid = match state {
                "open" => "null".to_owned(),
                _ => format!("\"2024-03-{day:02}T10:00:00Z\""),
            };
            let tags: Vec<String> = (0..next(3)).map(|_| format!("\"t{}\"", next(2_000))).collect();
            record(
                if next(4) == 0 { "carts" } else { "orders" },
                &format!(
                    "{{\"id\":{id},\"price\":{price},\"state\":\"{state}\",\"ordered\":\"2024-02-{day:02}\",\"paid\":{paid},\
                     \"at\":{{\"zip\":\"{:05}\",\"n\":{}}},\"tags\":[{}],\"note\":\"{} \\u00e9\\n{}\"}}",
                    next(90_000),
                    next(9),
                    tags.join(","),
                    next(1 << 30),
                    "x".repeat(next(200) as usize),
                ),
            )
        })
        .collect()
}
