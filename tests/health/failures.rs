//! How often the class of a recorded failure is right, beside counting plain words.
#![expect(
    clippy::print_stdout,
    reason = "the tables of fixtures/failures/README.md are printed"
)]

use std::collections::BTreeMap;
use std::fs;

use midflight::health::failures::Library;

use crate::support::root;

struct Case {
    name: String,
    class: String,
    text: String,
}

/// The cases of one half, or those that were found elsewhere.
fn cases(set: &str) -> Vec<Case> {
    let folder = root().join("fixtures/failures").join(set);
    let mut cases: Vec<Case> = fs::read_dir(&folder)
        .expect("a folder")
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(entry.path()).expect("a case");
            let (head, said) = text.split_once("text: |2\n").expect("a text");
            let class = head.lines().find_map(|line| line.strip_prefix("class: "));
            let lines: Vec<&str> = said
                .lines()
                .map(|line| line.strip_prefix("  ").unwrap_or(line))
                .collect();
            Case {
                name,
                class: class.expect("a class").to_owned(),
                text: lines.join("\n"),
            }
        })
        .collect();
    cases.sort_by(|one, two| one.name.cmp(&two.name));
    cases
}

/// The words that somebody would look for without a library.
const WORDS: &[(&str, &[&str])] = &[
    (
        "rate_limit",
        &["rate limit", "too many requests", "429", "throttl"],
    ),
    ("quota", &["quota", "limit exceeded", "billing", "payment"]),
    (
        "auth",
        &["auth", "password", "token", "credential", "401", "login"],
    ),
    (
        "permission",
        &["permission", "denied", "forbidden", "403", "privilege"],
    ),
    ("timeout", &["timeout", "timed out"]),
    ("memory", &["memory", "oom", "killed", "heap"]),
    ("disk", &["disk", "space left", "read-only"]),
    ("conflict", &["lock", "conflict"]),
    ("schema", &["schema", "column", "table", "relation"]),
    (
        "destination",
        &["constraint", "violates", "too long", "broken pipe"],
    ),
    (
        "outage",
        &["500", "502", "503", "unavailable", "internal server error"],
    ),
    (
        "network",
        &["connection", "host", "network", "ssl", "dns", "socket"],
    ),
    (
        "source_data",
        &["json", "parse", "decode", "invalid", "format"],
    ),
    (
        "configuration",
        &["config", "required", "not found", "does not exist", "url"],
    ),
    ("internal", &["exception", "error"]),
];

/// The class whose words a text holds most of; of equal ones the first.
fn by_words(text: &str) -> &'static str {
    let text = text.to_lowercase();
    let mut best = ("unknown", 0);
    for (class, words) in WORDS {
        let count = words.iter().filter(|word| text.contains(**word)).count();
        if count > best.1 {
            best = (class, count);
        }
    }
    best.0
}

fn by_library(text: &str) -> &'static str {
    let library = Library::builtin().expect("the built-in files are whole");
    let found = library.classify(text.as_bytes());
    found.map_or("unknown", |found| found.class.as_str())
}

/// Right, and all, by class; and what is wrong.
fn tried(
    cases: &[Case],
    classify: fn(&str) -> &'static str,
) -> (BTreeMap<&str, (u32, u32)>, Vec<String>) {
    let mut by_class: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases {
        let found = classify(&case.text);
        let counts = by_class.entry(&case.class).or_default();
        counts.1 += 1;
        match found == case.class {
            true => counts.0 += 1,
            false => wrong.push(format!("{} is {}, found {found}", case.name, case.class)),
        }
    }
    (by_class, wrong)
}

fn share(counts: &BTreeMap<&str, (u32, u32)>) -> f64 {
    let (right, all) = counts
        .values()
        .fold((0, 0), |(right, all), of| (right + of.0, all + of.1));
    f64::from(right) / f64::from(all)
}

#[test]
fn classes_of_recorded_failures_are_right() {
    for (set, least) in [
        ("made", 0.95),
        ("held", 0.85),
        ("found", 0.90),
        ("fresh", 0.60),
    ] {
        let cases = cases(set);
        let (ours, wrong) = tried(&cases, by_library);
        let (words, _) = tried(&cases, by_words);
        let mut table = format!(
            "{set}: {} cases\n| class | cases | signatures | words |\n|---|---|---|---|\n",
            cases.len()
        );
        for (class, (right, all)) in &ours {
            let plain = words.get(class).map_or(0, |counts| counts.0);
            table += &format!("| {class} | {all} | {right} | {plain} |\n");
        }
        table += &format!(
            "| all | {} | {:.1} % | {:.1} % |",
            cases.len(),
            share(&ours) * 100.0,
            share(&words) * 100.0
        );
        println!("{table}\n");
        // The half that nobody has looked at stays so.
        let told = match set {
            "made" | "found" => wrong.join("\n"),
            _ => format!("{} are wrong", wrong.len()),
        };
        println!("{told}\n");
        assert!(share(&ours) >= least, "{set}: {:.3}\n{told}", share(&ours));
        assert!(share(&ours) > share(&words), "{set}: words are as good");
    }
}

/// What a message quotes must not reach anybody by way of its class.
#[test]
fn advice_never_quotes_a_message() {
    let library = Library::builtin().expect("the built-in files are whole");
    for set in ["made", "held", "found", "fresh"] {
        for case in cases(set) {
            let Some(found) = library.classify(case.text.as_bytes()) else {
                continue;
            };
            let advice = library
                .advice(found.class.as_str(), found.signature)
                .expect("advice");
            assert!(!advice.cause.is_empty() && !advice.next.is_empty() && advice.cause != "todo");
        }
    }
}
