//! A real source and a real destination, with midflight between them.
//!
//! The connectors come from PyPI at pinned versions and run offline. `-- --skip real::` leaves these tests
//! out.

mod azure;
pub mod bucket;
mod chain;
mod cloud;
mod drift;
mod events;
mod faults;
mod function;
mod gcs;
mod kill;
mod ministack;
mod page;
mod postgres;
mod readers;
mod rules;
mod s3;
mod staged;
mod sync;
mod telling;
pub mod venv;
mod wrap;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::protocol::RECORDINGS;
use crate::protocol::recount::{Recount, Unmasked};
use crate::support::{KEY, midflight, root};
use venv::Venv;

const MASKS: &str = "\
version: 1
keys: {k: {env: MIDFLIGHT_KEY}}
unlisted: pass
streams:
  users:
    stages:
      - mask: {column: email, with: hash, key: k}
      - mask: {column: telephone, with: redact}
      - mask: {column: address, with: redact}
";

/// The columns of `users` that [`MASKS`] masks.
const MASKED: [&str; 3] = ["email", "telephone", "address"];

/// `source-faker read` of this many users.
fn faker(folder: &Path, users: u64) -> Command {
    let config = json!({"count": users, "seed": 42, "records_per_slice": 1000, "always_updated": true, "parallelism": 1});
    std::fs::write(folder.join("source.json"), config.to_string()).expect("a configuration");
    std::fs::copy(
        root().join("fixtures/faker/catalog.json"),
        folder.join("catalog.json"),
    )
    .expect("a catalog");
    std::fs::write(folder.join("midflight.yaml"), MASKS).expect("a configuration");
    let mut source = Venv::of("source-faker").program("source-faker");
    source
        .args([
            "read",
            "--config",
            "source.json",
            "--catalog",
            "catalog.json",
        ])
        .current_dir(folder);
    source
}

fn pipe(folder: &Path, further: &[&str]) -> Command {
    let arguments = [
        &["pipe", "--no-progress", "--catalog", "catalog.json"],
        further,
    ]
    .concat();
    midflight(&arguments)
        .within(folder)
        .env("MIDFLIGHT_KEY", KEY)
        .command()
}

/// The records of a stream.
fn records(text: &str, stream: &str) -> Vec<Value> {
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a message"));
    let mut records: Vec<_> = messages
        .filter(|message| message["record"]["stream"] == stream)
        .collect();
    records
        .iter_mut()
        .map(|message| message["record"]["data"].take())
        .collect()
}

fn states(text: &str) -> Vec<Value> {
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a message"));
    messages
        .filter(|message| message["type"] == "STATE")
        .collect()
}

/// Every text of a value.
fn texts<'a>(value: &'a Value, out: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => drop(out.insert(text)),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(members) => members.values().for_each(|member| texts(member, out)),
        _ => {}
    }
}

#[test]
fn masked_columns_of_twenty_thousand_users_leave_no_raw_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut commands = [
        faker(folder, 20_000),
        pipe(
            folder,
            &["--config", "midflight.yaml", "--report", "report"],
        ),
    ];
    let [came, left] = &chain::run(&mut commands)[..] else {
        panic!("two processes");
    };
    let plain = &chain::run(&mut [faker(folder, 20_000)])[0];
    let (raw, masked) = (records(plain, "users"), records(left, "users"));
    assert_eq!((raw.len(), masked.len()), (20_000, 20_000));

    let mut left_texts = BTreeSet::new();
    masked.iter().for_each(|user| texts(user, &mut left_texts));
    let (mut unmasked, mut secret) = (
        BTreeSet::from(["<PHONE>", "<STREET_ADDRESS>"]),
        BTreeSet::new(),
    );
    // A read says when it ran, so both reads say what may leave.
    let sent = records(came, "users");
    for (column, value) in raw
        .iter()
        .chain(&sent)
        .flat_map(|user| user.as_object().expect("an object"))
    {
        texts(
            value,
            if MASKED.contains(&column.as_str()) {
                &mut secret
            } else {
                &mut unmasked
            },
        );
    }
    unmasked.extend(masked.iter().filter_map(|user| user["email"].as_str()));
    assert!(
        secret.len() > 40_000,
        "{} values are to be masked",
        secret.len()
    );
    let known = left_texts.is_subset(&unmasked);
    assert!(
        known,
        "{} texts come from masked columns",
        left_texts.difference(&unmasked).count()
    );
    let mut hashes = BTreeMap::new();
    for (before, after) in raw.iter().zip(&masked) {
        for column in ["email", "telephone"] {
            let value = before[column].as_str().expect("a text");
            assert!(
                !left_texts.contains(value),
                "a raw {column} of user {}",
                before["id"]
            );
        }
        let hash = after["email"].as_str().expect("a text");
        assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(
            *hashes.entry(before["email"].as_str()).or_insert(hash),
            hash,
            "one hash for one address"
        );
        assert_eq!(
            (&after["telephone"], &after["address"]),
            (&json!("<PHONE>"), &json!("<STREET_ADDRESS>"))
        );
    }
    assert_eq!(
        hashes.values().collect::<BTreeSet<_>>().len(),
        hashes.len(),
        "a hash for each address"
    );
    let users = left
        .lines()
        .filter(|line| line.contains("\"stream\":\"users\""));
    assert!(users.clone().count() >= 20_000 && users.clone().all(|line| !line.contains('@')));
    let may_change =
        |stream: &str, column: &str, _: &str| stream == "users" && MASKED.contains(&column);
    let compared = Unmasked::compare(came, left, may_change);
    assert_eq!((compared.wrong, compared.changed), (Vec::new(), 60_000));
    let recount = Recount::of(left);
    assert_eq!(
        (recount.wrong, recount.records),
        (Vec::new(), Recount::of(came).records)
    );
    let report = std::fs::read(folder.join("report/report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("the report is JSON");
    assert_eq!(report["records"]["read"], report["records"]["emitted"]);
}

#[test]
fn edge_cases_pass_through_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let recording = &RECORDINGS[0];
    for file in ["catalog.json", "config.yaml"] {
        let from = root().join("fixtures").join(recording.folder).join(file);
        std::fs::copy(from, folder.join(file)).expect("a copy");
    }
    let config = json!({"all_fast_streams": true, "all_slow_streams": true, "large_batch_record_count": 1000});
    std::fs::write(folder.join("source.json"), config.to_string()).expect("a configuration");
    let venv = Venv::of("source-smoke-test");
    let plans: [(&[&str], bool); 2] = [(&["--config", "config.yaml"], true), (&[], false)];
    for (plan, own) in plans {
        let mut source = venv.program("source-smoke-test");
        source
            .args([
                "read",
                "--config",
                "source.json",
                "--catalog",
                "catalog.json",
            ])
            .current_dir(folder);
        let [came, left] = &chain::run(&mut [source, pipe(folder, plan)])[..] else {
            panic!("two processes");
        };
        let may_change = |stream: &str, column: &str, before: &str| match own {
            true => recording.changed.contains(&(stream, column)),
            false => before.contains('"'),
        };
        let compared = Unmasked::compare(came, left, may_change);
        assert_eq!(compared.wrong, Vec::<String>::new(), "{plan:?}");
        assert!(compared.changed > 0 || !own);
        let (read, emitted) = (Recount::of(came).records, Recount::of(left).records);
        assert_eq!(read.len(), 21, "every stream but the empty one has records");
        for (stream, records) in &read {
            let missing = match stream.as_str() {
                "duplicate_primary_keys" | "sparse_records" if own => 2,
                _ => 0,
            };
            assert_eq!(
                emitted.get(stream).copied().unwrap_or(0) + missing,
                *records,
                "{stream} with {plan:?}"
            );
        }
        let complete = left
            .lines()
            .filter(|line| line.contains("\"COMPLETE\""))
            .count();
        assert_eq!(complete, 22, "every stream is told to be complete");
    }
}

#[test]
fn a_destination_stores_masked_values_and_returns_every_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let venv = Venv::of("destination-ailake");
    let scripts = root().join("tests/python");
    let embed = format!(
        "{} {}",
        venv.python().display(),
        scripts.join("embed.py").display()
    );
    let config = json!({
        "table_base_path": folder.join("lake"), "embed_mode": "cmd", "embed_cmd": embed, "embedding_dim": 4,
        "text_field": "email", "extra_columns": ["telephone", "address", "name"],
    });
    std::fs::write(folder.join("destination.json"), config.to_string()).expect("a configuration");
    let source = faker(folder, 2_000);
    let rewritten = midflight(&[
        "catalog",
        "--config",
        "midflight.yaml",
        "--catalog",
        "catalog.json",
    ]);
    let rewritten = rewritten.within(folder).env("MIDFLIGHT_KEY", KEY).run("");
    assert_eq!((rewritten.code, rewritten.stderr.as_str()), (0, ""));
    std::fs::write(folder.join("rewritten.json"), &rewritten.stdout).expect("a catalog");
    let mut destination = venv.program("airbyte-destination-ailake");
    destination
        .args([
            "write",
            "--config",
            "destination.json",
            "--catalog",
            "rewritten.json",
        ])
        .current_dir(folder);
    let [_, left, returned] = &chain::run(&mut [
        source,
        pipe(folder, &["--config", "midflight.yaml"]),
        destination,
    ])[..] else {
        panic!("three processes");
    };
    assert_eq!(
        states(returned),
        states(left),
        "every state comes back, in order and unchanged"
    );
    assert!(states(left).len() >= 4);

    let mut reader = Command::new(venv.python());
    reader
        .arg(scripts.join("read_parquet.py"))
        .arg(folder.join("lake"));
    let rows = &chain::run(&mut [reader])[0];
    let rows: Vec<Value> = rows
        .lines()
        .map(|row| serde_json::from_str(row).expect("a row"))
        .collect();
    let mut stored: Vec<_> = rows
        .iter()
        .filter(|row| row["table"] == "users")
        .map(|row| &row["row"])
        .collect();
    let mut sent = records(left, "users");
    assert_eq!((stored.len(), sent.len()), (2_000, 2_000));
    stored.sort_by_key(|row| row["text"].to_string());
    sent.sort_by_key(|user| user["email"].to_string());
    for (row, user) in stored.iter().zip(&sent) {
        assert_eq!(row["text"], user["email"]);
        assert_eq!(
            (&row["telephone"], &row["address"]),
            (&json!("<PHONE>"), &json!("<STREET_ADDRESS>"))
        );
    }
    let all: BTreeMap<_, usize> = rows.iter().fold(BTreeMap::new(), |mut all, row| {
        *all.entry(row["table"].as_str().expect("a table").to_owned())
            .or_default() += 1;
        all
    });
    let emitted = Recount::of(left).records;
    let emitted: BTreeMap<_, _> = emitted
        .into_iter()
        .map(|(stream, count)| (stream, usize::try_from(count).expect("a count")))
        .collect();
    assert_eq!(all, emitted, "every record of every stream is stored");
}
