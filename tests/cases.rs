//! Every folder of `fixtures/` is a case: the program is run on it and must leave what `expected/` says,
//! to the byte, however the input is cut and however many workers there are.
//!
//! `MIDFLIGHT_CASE=name` runs the cases whose name holds that text; `MIDFLIGHT_BLESS=1` makes what a run
//! leaves the new expectation, to be read before it is committed.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::Value;

use crate::support::case::{Case, Files, differences};

/// How every case is run. The first is the one that is blessed.
const WAYS: &[(&str, &[&str])] = &[
    ("one worker", &["--workers", "1"]),
    (
        "two workers, a line or two a chunk",
        &["--workers", "2", "--chunk-bytes", "200"],
    ),
];

#[test]
fn every_folder_leaves_what_it_says() {
    let wanted = std::env::var("MIDFLIGHT_CASE").unwrap_or_default();
    let bless = std::env::var_os("MIDFLIGHT_BLESS").is_some();
    let mut cases = Case::all();
    cases.retain(|case| case.name.contains(&wanted));
    assert!(!cases.is_empty(), "no case is called {wanted}");
    let queue = Mutex::new(cases.into_iter());
    let failures = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().expect("no panic").next() else {
                        return;
                    };
                    let told = check(&case, bless);
                    if !told.is_empty() {
                        failures
                            .lock()
                            .expect("no panic")
                            .insert(format!("{}\n{told}", case.name));
                    }
                }
            });
        }
    });
    let failures: Vec<_> = failures
        .into_inner()
        .expect("no panic")
        .into_iter()
        .collect();
    assert!(
        failures.is_empty(),
        "{} cases differ\n\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn check(case: &Case, bless: bool) -> String {
    let mut told = String::new();
    let mut first = None;
    for (way, arguments) in WAYS {
        let files = case.run(arguments);
        let mut differ = account(&files);
        match &first {
            None if bless => case.bless(&files),
            None => differ += &differences(&case.expected(), &files),
            Some(first) => differ += &differences(first, &files),
        }
        if !differ.is_empty() {
            told += &format!(" with {way}:\n{differ}");
        }
        // A plan that is refused has read no input, so there is nothing to cut otherwise.
        let refused = files["exit"] == b"2\n";
        first.get_or_insert(files);
        if refused {
            break;
        }
    }
    told
}

/// How our own TRACE ERROR begins, levelled.
const OUR_TRACE: &[u8] =
    br#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":0,"error":{"message":"midflight: "#;

#[derive(Deserialize)]
struct Message {
    r#type: String,
}

/// What must hold of every run, whatever the case: no record unaccounted for, and a failure is told once
/// to the destination, once to the operator and once in the report.
fn account(files: &Files) -> String {
    let mut told = String::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            told += &format!("  {what}\n");
        }
    };
    let text = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes));
    let exit = text("exit").unwrap_or_default();
    let succeeded = exit == "0\n";
    must(
        succeeded != files.contains_key("stderr"),
        "stderr speaks exactly when the run fails",
    );
    let Some(report) = text("report.json") else {
        must(exit == "2\n", "a run without a report has not started");
        must(
            files["stdout.jsonl"].is_empty(),
            "a run that has not started is silent",
        );
        return told;
    };
    let report: Value = serde_json::from_str(&report).expect("the report is JSON");
    let mut sums = [0; 4];
    let mut chunks = 0;
    for (name, stream) in report["streams"].as_object().expect("streams") {
        let counts = ["read", "emitted", "filtered", "rejected"]
            .map(|count| stream[count].as_u64().expect("a count"));
        let [read, emitted, filtered, rejected] = counts;
        must(
            read == emitted + filtered + rejected,
            &format!("{name}: every record read is accounted for"),
        );
        sums.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
        chunks += stream["chunks"].as_u64().unwrap_or(0);
        if !report["observe"].as_bool().expect("a flag") {
            let stored = files.get(&format!("rejects/{name}.jsonl"));
            let stored =
                stored.map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count() as u64);
            must(
                stored.is_none_or(|stored| stored == rejected),
                "every rejected record is stored",
            );
        }
    }
    let lines: Vec<_> = files["stdout.jsonl"].split(|byte| *byte == b'\n').collect();
    let records = lines.iter().filter(|line| is_record(line)).count() as u64;
    must(
        records == sums[1] + chunks || report["observe"] == true,
        "as many records leave as are reported",
    );
    let traces: Vec<_> = (0..lines.len())
        .filter(|&at| lines[at].starts_with(OUR_TRACE))
        .collect();
    must(
        traces.len() == usize::from(!succeeded),
        "a failure is told once as a TRACE ERROR",
    );
    must(
        traces.iter().all(|&at| at + 2 == lines.len()),
        "nothing leaves behind the TRACE ERROR",
    );
    must(
        report["outcome"] == if succeeded { "succeeded" } else { "failed" },
        "the report knows the outcome",
    );
    told
}

fn is_record(line: &[u8]) -> bool {
    const PARSED_BYTES_MAX: usize = 1 << 20;
    let parsed = (line.len() <= PARSED_BYTES_MAX).then(|| serde_json::from_slice::<Message>(line));
    match parsed {
        Some(Ok(message)) => message.r#type == "RECORD",
        // Some cases pass what no other reader would parse.
        _ => {
            line.starts_with(br#"{"type""#)
                && line.windows(8).take(40).any(|part| part == br#""RECORD""#)
        }
    }
}
