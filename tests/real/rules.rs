//! The life of rules on a real source: measured, proposed, tried, approved, and enforced on a later read in which one
//! record in a hundred is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{chain, faker};
use crate::support::{Ended, midflight};

/// Users that the rules are made from, and users of the later read.
const FIRST: usize = 20_000;
const LATER: usize = 10_000;

/// One record in so many is made wrong.
const EVERY: usize = 100;

/// A way to be wrong, and whether a rule about one row can see it.
type Wrong = (&'static str, fn(&mut Value), bool);

const WRONGS: &[Wrong] = &[
    ("missing e-mail", |user| user["email"] = Value::Null, true),
    (
        "age in months",
        |user| user["age"] = json!(user["age"].as_u64().unwrap_or(40) * 12),
        true,
    ),
    (
        "age with a fraction",
        |user| user["age"] = json!(33.5),
        true,
    ),
    (
        "unknown degree",
        |user| user["academic_degree"] = json!("Bachelro"),
        true,
    ),
    (
        "stray characters",
        |user| user["telephone"] = json!(format!("#{}?", user["telephone"].as_str().unwrap_or(""))),
        true,
    ),
    (
        "broken encoding",
        |user| user["nationality"] = json!("CuraÃ§aoan"),
        true,
    ),
    (
        "e-mail without @",
        |user| user["email"] = json!(user["email"].as_str().unwrap_or("").replace('@', " at ")),
        true,
    ),
    (
        "no date",
        |user| user["created_at"] = json!("0000-00-00"),
        true,
    ),
    (
        "weight in grams",
        |user| user["weight"] = json!(user["weight"].as_u64().unwrap_or(70) * 1000),
        true,
    ),
    (
        "another blood type",
        |user| {
            user["blood_type"] = json!(if user["blood_type"] == "A+" {
                "B-"
            } else {
                "A+"
            })
        },
        false,
    ),
];

fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let ended = midflight(arguments).within(folder).run("");
    assert_eq!(
        ended.code,
        0,
        "{arguments:?}\n{}{}",
        ended.text(),
        ended.stderr
    );
    ended
}

#[test]
fn rules_of_an_earlier_read_find_what_is_wrong_in_a_later_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let read = &chain::run(&mut [faker(folder, (FIRST + LATER) as u64)])[0];
    let users: Vec<&str> = read
        .lines()
        .filter(|line| line.contains("\"stream\":\"users\""))
        .collect();
    assert_eq!(users.len(), FIRST + LATER);
    fs::write(folder.join("first.jsonl"), users[..FIRST].join("\n") + "\n").expect("a file");

    // Measured and proposed; what fires on these rows or adds nothing is dropped at once.
    let ended = midflight(&[
        "profile",
        "--catalog",
        "catalog.json",
        "--out",
        "profile.json",
        "--no-progress",
    ])
    .within(folder)
    .run(users[..FIRST].join("\n") + "\n");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let rules = "rules/users.rules.yaml";
    run(
        folder,
        &[
            "suggest",
            "--profile",
            "profile.json",
            "--catalog",
            "catalog.json",
            "--data",
            "first.jsonl",
            "--rules",
            "rules",
        ],
    );
    let listed = run(folder, &["rules", "list", rules, "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert!(listed.len() >= 25, "{} rules", listed.len());
    assert!(
        listed
            .iter()
            .all(|rule| rule["status"] == "proposed" && rule["may"] == "count")
    );

    // Tried once more, as in a pull request, and approved by a person.
    run(
        folder,
        &["rules", "test", rules, "--catalog", "catalog.json"],
    );
    run(
        folder,
        &[
            "rules",
            "backtest",
            rules,
            "--data",
            "first.jsonl",
            "--catalog",
            "catalog.json",
            "--write",
        ],
    );
    let ids: Vec<&str> = listed
        .iter()
        .map(|rule| rule["rule"].as_str().expect("an id"))
        .collect();
    let approve = [
        &["rules", "approve", rules][..],
        &ids,
        &["--by", "a.martin", "--catalog", "catalog.json"],
    ]
    .concat();
    run(folder, &approve);
    run(folder, &[&approve[..], &["--enforce"]].concat());
    let text = fs::read_to_string(folder.join(rules)).expect("rules");
    assert!(
        text.contains("phase: monitor"),
        "a person raises the ceiling"
    );
    fs::write(
        folder.join(rules),
        text.replace("phase: monitor", "phase: enforced"),
    )
    .expect("rules");
    run(folder, &["audit", "verify", "rules/audit.jsonl"]);

    let (sent, wrong) = later(&users[FIRST..]);
    fs::write(
        folder.join("midflight.yaml"),
        "version: 1\nunlisted: pass\nstreams:\n  users:\n    rules: rules/users.rules.yaml\nreject: {to: rejects}\n",
    )
    .expect("a configuration");
    let ended = midflight(&[
        "pipe",
        "--config",
        "midflight.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
        "--no-progress",
    ])
    .within(folder)
    .run(sent);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    judge(&ended, &wrong);
}

/// The later read, in which some records are wrong, and which these are by their ids.
fn later(users: &[&str]) -> (String, BTreeMap<u64, &'static Wrong>) {
    let (mut sent, mut wrong) = (String::new(), BTreeMap::new());
    for (at, line) in users.iter().enumerate() {
        if at % EVERY != EVERY / 2 {
            sent.push_str(line);
        } else {
            let kind = &WRONGS[at / EVERY % WRONGS.len()];
            let mut message: Value = serde_json::from_str(line).expect("a message");
            let user = &mut message["record"]["data"];
            (kind.1)(user);
            wrong.insert(user["id"].as_u64().expect("an id"), kind);
            sent.push_str(&message.to_string());
        }
        sent.push('\n');
    }
    (sent, wrong)
}

fn judge(ended: &Ended, wrong: &BTreeMap<u64, &'static Wrong>) {
    let records = super::records(ended.text(), "users");
    let passed: BTreeSet<u64> = records
        .iter()
        .filter_map(|user| user["id"].as_u64())
        .collect();
    let told: BTreeSet<u64> = (records.iter())
        .filter(|user| {
            user["_dq"]
                .as_array()
                .is_some_and(|failures| !failures.is_empty())
        })
        .filter_map(|user| user["id"].as_u64())
        .collect();
    let all = (FIRST as u64 + 1)..=((FIRST + LATER) as u64);
    let clean_rejected = all
        .clone()
        .filter(|id| !passed.contains(id) && !wrong.contains_key(id))
        .count();
    let clean_told = told.iter().filter(|id| !wrong.contains_key(id)).count();
    let mut by_kind: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for (id, (name, ..)) in wrong {
        let (of, rejected, annotated) = by_kind.entry(name).or_default();
        *of += 1;
        *rejected += u64::from(!passed.contains(id));
        *annotated += u64::from(told.contains(id));
    }
    assert_eq!(wrong.len(), LATER / EVERY);
    assert_eq!(
        (clean_rejected, clean_told),
        (0, 0),
        "clean records that were rejected, annotated: {by_kind:?}"
    );
    for (name, _, visible) in WRONGS {
        let (of, rejected, annotated) = by_kind[name];
        assert!(of >= 5);
        match visible {
            true => assert_eq!(rejected + annotated, of, "{name}: {by_kind:?}"),
            false => assert_eq!(rejected + annotated, 0, "{name} is a value like any other"),
        }
    }
}
