//! How often `classify` agrees with a person, on the records of `fixtures/classify` as they are expected to leave.
//!
//! That they do leave so is what `cases` proves; here only the answers are counted.

use serde::Deserialize;
use serde_json::Value;

use crate::support::root;

/// The least share of right answers.
const SHARE_MIN: f64 = 0.85;

#[derive(Deserialize)]
struct Message {
    record: Option<Record>,
}

#[derive(Deserialize)]
struct Record {
    data: Value,
}

/// The labels and the answers in `into` of every record of a case that holds a text.
fn answers(case: &str, into: &str) -> Vec<(Value, Value)> {
    let path = root().join(format!("fixtures/classify/{case}/expected/stdout.jsonl"));
    let text = std::fs::read_to_string(path).expect("a case");
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Message>(line).expect("JSON"));
    let records = messages.filter_map(|message| message.record);
    let pairs = records.map(|mut record| (record.data["label"].take(), record.data[into].take()));
    pairs.collect()
}

fn agrees(case: &str, into: &str) {
    let answers = answers(case, into);
    let (blank, labelled): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(label, _)| label.is_null());
    assert!(
        labelled.len() >= 30,
        "{case}: {} labelled records",
        labelled.len()
    );
    assert!(
        blank.iter().all(|(_, answer)| answer.is_null()),
        "{case}: blank texts have no category"
    );
    let wrong: Vec<_> = labelled
        .iter()
        .filter(|(label, answer)| label != answer)
        .collect();
    let share = 1.0 - wrong.len() as f64 / labelled.len() as f64;
    assert!(
        share >= SHARE_MIN,
        "{case}: {share:.3} right; label and answer differ in {wrong:?}"
    );
}

#[test]
fn topics_of_tickets_agree_with_a_person() {
    agrees("tickets", "topic");
}

#[test]
fn categories_of_products_agree_with_a_person() {
    agrees("products", "category");
}
