//! The built-in tagger, as the program uses it: what it says of a text depends on that text alone.

use std::fmt::Write;
use std::sync::Arc;

use midflight::model::{LazyTagger, Question, Tag, Tagger};
use midflight::runtime::models::Models;

use crate::properties::engine::{Way, plan, run};
use crate::support::onnxruntime;

fn tagger() -> LazyTagger {
    // The library is found in the cache, to which this fetches it.
    onnxruntime();
    let models = Models::standard();
    let manifest = models.manifest("pii").expect("a manifest");
    LazyTagger::new(manifest, Arc::new(models))
}

const GIVEN: &[&str] = &[
    "Olivia", "Jürgen", "María", "Chiara", "Pieter", "Casey", "Łukasz", "Anaïs",
];
const FAMILY: &[&str] = &[
    "Bergström",
    "Müller",
    "García",
    "Rossi",
    "de Vries",
    "Brown",
    "O'Brien",
];
const NOTES: &[&str] = &[
    "met {} in Berlin and talked about the new order",
    "refund was sent, {} is happy now",
    "please call {} back before Friday, the parcel is still missing",
    "no answer",
    "the customer asked twice why the blue box was broken when it came",
];

fn name(number: usize) -> String {
    let given = GIVEN[number * 5 % GIVEN.len()];
    format!("{given} {}", FAMILY[number * 3 % FAMILY.len()])
}

fn note(number: usize) -> String {
    NOTES[number % NOTES.len()].replace("{}", &name(number / 3))
}

#[test]
fn what_is_said_of_a_text_does_not_depend_on_the_texts_beside_it() {
    let texts: Vec<(String, String)> = (0..60)
        .map(|number| match number % 3 {
            0 => ("full name".to_owned(), name(number)),
            1 => ("note".to_owned(), note(number)),
            _ => ("product".to_owned(), format!("Chair No {number} in oak")),
        })
        .collect();
    let questions: Vec<Question<'_>> = texts
        .iter()
        .map(|(name, text)| Question { name, text })
        .collect();
    let together = tagger().tag(&questions).expect("tags");
    let alone = tagger();
    let one_by_one: Vec<Arc<[Tag]>> = questions
        .iter()
        .map(|question| alone.tag(&[*question]).expect("tags")[0].clone())
        .collect();
    // To the last bit of the confidence.
    assert_eq!(together, one_by_one);
    assert!(together.iter().filter(|tags| !tags.is_empty()).count() >= 20);
}

#[test]
fn names_are_found_at_their_bytes_however_long_the_text_is() {
    let mut text = String::new();
    let mut places = Vec::new();
    for number in 0..120 {
        let name = name(number);
        text += "Then, as “agreed” – on the phone – ";
        places.push(text.len()..text.len() + name.len());
        let _ = write!(text, "{name} asked for another date. ");
    }
    let question = Question {
        name: "note",
        text: &text,
    };
    let tags = tagger().tag(&[question]).expect("tags");
    let covered = |place: &std::ops::Range<usize>| {
        let inside = |tag: &&Tag| tag.start < place.end && tag.end > place.start;
        let bytes: usize = tags[0]
            .iter()
            .filter(inside)
            .map(|tag| tag.end.min(place.end) - tag.start.max(place.start))
            .sum();
        bytes * 2 >= place.len()
    };
    let found = places.iter().filter(|place| covered(place)).count();
    assert!(found >= 110, "{found} of {} names", places.len());
    let inside = |tag: &Tag| {
        places
            .iter()
            .any(|place| tag.start >= place.start && tag.end <= place.end)
    };
    let stray = tags[0].iter().filter(|tag| !inside(tag)).count();
    assert!(stray <= 12, "{stray} tags are beside the names");
}

#[test]
fn a_value_of_several_pieces_is_masked_throughout() {
    onnxruntime();
    let mut text = String::new();
    for number in 0..500 {
        let _ = write!(
            text,
            "Then {} asked for another date by phone. ",
            name(number)
        );
    }
    let data = serde_json::json!({ "note": text });
    let record = serde_json::json!({"type": "RECORD", "record": {"stream": "s", "data": data, "emitted_at": 1}});
    let run = run(
        &plan("version: 1", None),
        format!("{record}\n").as_bytes(),
        &Way::plain(),
    );
    assert!(run.failed.is_none());
    let body = String::from_utf8_lossy(run.body()).into_owned();
    let left = FAMILY
        .iter()
        .map(|name| body.matches(name).count())
        .sum::<usize>();
    assert!(left <= 40, "{left} surnames of 500 are left");
    assert_eq!(body.matches("asked for another date").count(), 500);
}

#[test]
fn what_leaves_does_not_depend_on_chunks_or_workers() {
    onnxruntime();
    let mut input = String::new();
    for number in 0..400 {
        let stream = ["people", "tickets"][number / 7 % 2];
        let status = ["open", "closed", "on hold"][number % 3];
        let team = ["north", "south"][number % 2];
        let data = serde_json::json!({
            "id": number, "name": name(number), "mail": format!("u{number}@example.com"),
            "note": note(number), "status": status,
            "owner": {"name": name(number / 2), "team": team},
            "tags": [format!("t{}", number % 5), GIVEN[number % GIVEN.len()]],
        });
        let record = serde_json::json!({"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}});
        let _ = writeln!(input, "{record}");
    }
    let run = |way: &Way| run(&plan("version: 1", None), input.as_bytes(), way);
    let plain = run(&Way::plain());
    assert!(plain.failed.is_none());
    let masked = String::from_utf8_lossy(plain.body())
        .matches("<PERSON>")
        .count();
    assert!(masked >= 600, "{masked} names");
    for (workers, chunk_bytes) in [
        (1, Some(700)),
        (2, Some(3_000)),
        (4, Some(300)),
        (4, None),
        (2, Some(1)),
    ] {
        let way = Way {
            workers,
            chunk_bytes,
            ..Way::plain()
        };
        assert!(run(&way).body() == plain.body(), "{way:?}");
    }
}
