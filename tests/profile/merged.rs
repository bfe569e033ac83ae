//! A profile of the whole is the profile of its parts, however they are read.

use std::fs;
use std::path::Path;

use midflight::profile::form::Profile;
use midflight::profile::merge;

use serde_json::Value;

use super::{column, profiled, record, run, stream, valid, varied};
use crate::support::midflight;

#[test]
fn workers_and_the_way_the_input_arrives_change_nothing() {
    let input = varied(6_000);
    let one = run(&input, &["--workers", "1"]);
    assert_eq!(one.code, 0, "{}", one.stderr);
    for workers in ["2", "5"] {
        let many = run(&input, &["--workers", workers]);
        assert_eq!(many.text(), one.text(), "{workers} workers");
    }
    let arguments = ["profile", "--no-models", "--workers", "3"];
    let pieces = midflight(&arguments).feed(|stdin| {
        let mut sizes = [1, 77, 8_000, 65_536, 300_001].iter().cycle();
        let mut rest = input.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(*sizes.next().unwrap_or(&1)));
            stdin.write_all(piece)?;
            rest = behind;
        }
        Ok(())
    });
    assert_eq!(pieces.text(), one.text(), "in pieces");
    let slow = midflight(&arguments).feed(|stdin| {
        // Every piece ends inside a line, and is read before the next one comes.
        for piece in input.as_bytes().chunks(200_003) {
            stdin.write_all(piece)?;
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        Ok(())
    });
    assert_eq!(slow.text(), one.text(), "slowly");
    let profile = valid(one.text());
    let slices = &stream(&profile, "orders").slices;
    assert!(slices.len() > 2, "{slices:?}");
}

#[test]
fn long_streams_have_eight_to_sixteen_slices_that_add_up() {
    for records in [9_000, 30_000, 70_000] {
        let input: String = (0..records)
            .map(|n| record("s", &format!("{{\"n\":{n}}}")))
            .collect();
        let profile = profiled(&input, &[]);
        let stream = stream(&profile, "s");
        let slices = stream.slices.len();
        assert!((4..=16).contains(&slices), "{records}: {slices}");
        assert!(records < 30_000 || slices >= 8, "{records}: {slices}");
        let n = column(stream, "n");
        assert_eq!(stream.slices.iter().sum::<u64>(), records);
        let present: Vec<u64> = n.slices.iter().map(|slice| slice.present).collect();
        assert_eq!(
            present, stream.slices,
            "each slice measures its own records"
        );
        let order = n.order.expect("an order");
        assert_eq!(
            (order.rises, order.repeats, order.falls),
            (records - 1, 0, 0)
        );
        let mut before = -1.0;
        for slice in &n.slices {
            let numbers = slice.numbers.as_ref().expect("numbers");
            assert_eq!(numbers.min, before + 1.0, "slices follow one another");
            before = numbers.max;
        }
    }
}

/// What must be equal however the input was cut: all but slices, and what is compared with its neighbour.
pub fn whole(mut profile: Profile) -> Profile {
    for stream in &mut profile.streams {
        stream.slices.clear();
        stream.pairs.clear();
        stream
            .columns
            .sort_by(|one, other| one.path.cmp(&other.path));
        for column in &mut stream.columns {
            column.slices.clear();
            column.order = None;
            if !column.personal.is_empty() {
                // Hashes of personal data are not written down, so this cannot be told of two profiles.
                column.singletons = None;
            }
            let total = &mut column.total;
            let sums = [&mut total.numbers, &mut total.moments, &mut total.lengths];
            for numbers in sums.into_iter().flatten() {
                // A sum that was written down is rounded.
                let largest = numbers.min.abs().max(numbers.max.abs()).max(1.0);
                numbers.sum = (numbers.sum / largest * 1e6).round();
            }
        }
    }
    profile
}

pub fn json(profile: Profile) -> Value {
    serde_json::to_value(profile).expect("JSON")
}

/// Where two documents differ.
pub fn differences(place: &str, one: &Value, other: &Value) -> Vec<String> {
    let pairs: Vec<(String, &Value, &Value)> = match (one, other) {
        (Value::Object(one), Value::Object(other)) => one
            .keys()
            .chain(other.keys())
            .map(|key| {
                (
                    key.clone(),
                    one.get(key).unwrap_or(&Value::Null),
                    other.get(key).unwrap_or(&Value::Null),
                )
            })
            .collect(),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let numbered = one.iter().zip(other).enumerate();
            numbered
                .map(|(at, (one, other))| (at.to_string(), one, other))
                .collect()
        }
        (one, other) if one == other => return Vec::new(),
        _ => return vec![format!("{place}: {one} and {other}")],
    };
    let inner = pairs.into_iter().filter(|(_, one, other)| one != other);
    inner
        .flat_map(|(key, one, other)| differences(&format!("{place}/{key}"), one, other))
        .collect()
}

#[test]
fn merged_profiles_are_the_profile_of_all() {
    let input = varied(4_000);
    let lines: Vec<&str> = input.split_inclusive('\n').collect();
    let together = profiled(&input, &[]);
    for cuts in [vec![20], vec![37, 60], vec![900, 2_500, 3_980]] {
        let mut parts = Vec::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([lines.len()]) {
            parts.push(profiled(&lines[from..to].concat(), &[]));
            from = to;
        }
        let slices: usize = parts
            .iter()
            .map(|part| stream(part, "orders").slices.len())
            .sum();
        let merged = parts.into_iter().reduce(merge::merge).expect("a part");
        assert_eq!(
            stream(&merged, "orders").slices.len(),
            slices,
            "slices are appended"
        );
        let found = differences("", &json(whole(merged)), &json(whole(together.clone())));
        assert!(found.is_empty(), "{cuts:?}: {found:?}");
    }
}

#[test]
fn an_earlier_profile_is_merged_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("profile.json");
    let day = |at: u64| record("s", &format!("{{\"id\":{at},\"day\":\"d{at}\"}}"));
    let out = path.display().to_string();
    let first = run(&day(1), &["--out", &out]);
    assert_eq!((first.code, first.text()), (0, ""), "{}", first.stderr);
    for at in 2..=3 {
        let ended = run(&day(at), &["--merge", &out, "--out", &out]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let profile = valid(&fs::read_to_string(&path).expect("a profile"));
    let stream = stream(&profile, "s");
    assert_eq!((stream.records, &stream.slices[..]), (3, &[1, 1, 1][..]));
    assert_eq!(column(stream, "day").distinct, 3);
    for (text, told) in [
        ("{}", "this is no profile"),
        (
            r#"{"version":1,"midflight":"","streams":[{"name":"s","records":99007199254740992,"bytes":1,"slices":[],"columns":[]}]}"#,
            "greater than 2^53",
        ),
        (
            "{\"version\":9,\"midflight\":\"\",\"streams\":[]}",
            "of version 9",
        ),
    ] {
        fs::write(&path, text).expect("a file");
        let ended = run("", &["--merge", &out]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

#[test]
fn staged_files_are_profiled_like_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    put(
        "raw/users/1.jsonl",
        "{\"id\":1,\"n\":\"a\"}\n{\"id\":2,\"n\":\"b\"}\n",
    );
    put("raw/users/2.jsonl", "{\"id\":3,\"n\":\"a\"}\n");
    put("csv/people.csv", "id,n\n7,x\n8,y\n");
    let arguments = [
        "profile",
        "--no-models",
        "--from",
        "raw",
        "--from",
        "raw/users/*.jsonl",
    ];
    let twice = midflight(&arguments).within(folder.path()).run("");
    assert_ne!(
        twice.code, 0,
        "the second place has no folder that names the stream"
    );
    let both = midflight(&arguments[..4]).within(folder.path()).run("");
    assert_eq!(both.code, 0, "{}", both.stderr);
    let profile = valid(both.text());
    let users = stream(&profile, "users");
    assert_eq!((users.records, column(users, "n").distinct), (3, 2));
    let arguments = [
        "profile",
        "--no-models",
        "--from",
        "csv/people.csv",
        "--stream",
        "people",
    ];
    let csv = midflight(&arguments).within(folder.path()).run("");
    assert_eq!(csv.code, 0, "{}", csv.stderr);
    assert_eq!(stream(&valid(csv.text()), "people").records, 2);
    let none = midflight(&["profile", "--from", "nothing"])
        .within(folder.path())
        .run("");
    assert_eq!(none.code, 2, "{}", none.stderr);
}
