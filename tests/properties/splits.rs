//! Where a split puts records: by their key alone, whatever stands around them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::engine::{Way, plan, run};

const CUSTOMERS: usize = 5_000;
const RECORDS: usize = 20_000;

fn config(salt: &str) -> String {
    let split = format!(
        "{{by: customer, into: part, fractions: {{train: 0.8, validation: 0.1, test: 0.1}}, salt: '{salt}'}}"
    );
    format!("{{version: 1, unlisted: pass, streams: {{s: {{stages: [split: {split}]}}}}}}")
}

/// Lines of records, each of the customer that its number says, in another order for every stride.
fn lines(records: usize, stride: usize) -> String {
    (0..records)
        .map(|at| at * stride % records)
        .map(|id| {
            let customer = id.wrapping_mul(2_654_435_761) % CUSTOMERS;
            format!(
                "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"s\",\"data\":{{\"id\":{id},\"customer\":{customer}}},\"emitted_at\":1}}}}\n"
            )
        })
        .collect()
}

/// The part of every record, by its id, and that no customer is in two.
fn parts(salt: &str, input: &str, way: &Way) -> BTreeMap<u64, String> {
    let run = run(&plan(&config(salt), None), input.as_bytes(), way);
    assert!(run.failed.is_none(), "{:?}", run.failed);
    let mut customers = BTreeMap::new();
    let body = String::from_utf8_lossy(run.body()).into_owned();
    body.lines()
        .map(|line| {
            let data = serde_json::from_str::<Value>(line).expect("JSON")["record"]["data"].take();
            let part = data["part"].as_str().expect("a part").to_owned();
            let customer = data["customer"].to_string();
            let first = customers.entry(customer).or_insert_with(|| part.clone());
            assert_eq!(*first, part, "a customer stands in two parts");
            (data["id"].as_u64().expect("an id"), part)
        })
        .collect()
}

#[test]
fn more_records_in_another_order_and_other_pieces_move_nobody() {
    let before = parts("2026-11", &lines(RECORDS / 2, 1), &Way::plain());
    assert_eq!(before.len(), RECORDS / 2);
    let cut = Way {
        workers: 3,
        chunk_bytes: Some(300),
        writes: vec![7, 1000, 64],
    };
    // 7919 is prime to the number of records, so every one comes once.
    let after = parts("2026-11", &lines(RECORDS, 7919), &cut);
    assert_eq!(after.len(), RECORDS);
    assert!(before.iter().all(|(id, part)| after[id] == *part));
}

#[test]
fn the_parts_are_as_large_as_asked_and_another_salt_deals_anew() {
    let (one, other) = ["2026-11", "2026-12"]
        .map(|salt| parts(salt, &lines(CUSTOMERS, 1), &Way::plain()))
        .into();
    // Each customer has one record here: the multiplier is prime to their number.
    let near = |count: usize, chance: f64| {
        let mean = CUSTOMERS as f64 * chance;
        (count as f64 - mean).abs() < 4.5 * (mean * (1.0 - chance)).sqrt()
    };
    for parts in [&one, &other] {
        for (name, fraction) in [("train", 0.8), ("validation", 0.1), ("test", 0.1)] {
            let count = parts.values().filter(|part| *part == name).count();
            assert!(near(count, fraction), "{name}: {count}");
        }
    }
    let same = one.iter().filter(|(id, part)| other[id] == **part).count();
    assert!(near(same, 0.64 + 0.01 + 0.01), "{same} stayed");
}
