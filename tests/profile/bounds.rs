//! What is too much turns a thing to nothing and never grows; what is broken is an error with its line.

use super::{column, profiled, record, run, stream};

fn one_column(values: impl Iterator<Item = String>) -> midflight::profile::form::ColumnProfile {
    let input: String = values
        .map(|value| record("s", &format!("{{\"c\":{value}}}")))
        .collect();
    column(stream(&profiled(&input, &[]), "s"), "c").clone()
}

#[test]
fn values_are_listed_up_to_a_thousand() {
    let exact = one_column((0..3_000).map(|n| (n % 1_000).to_string()));
    let values = exact.total.values.expect("all values");
    assert_eq!(
        (values.len(), exact.distinct, exact.singletons),
        (1_000, 1_000, Some(0))
    );
    assert_eq!(values["7"], 3);
    let many = one_column((0..3_003).map(|n| (n % 1_001).to_string()));
    assert!(many.total.values.is_none());
    assert!(
        many.slices.iter().all(|slice| slice.values.is_none()),
        "nor does a slice list them"
    );
    assert!((950..1_050).contains(&many.distinct), "{}", many.distinct);
    assert_eq!(many.singletons, Some(0));
    let unique = one_column((0..5_000).map(|n| format!("\"u{n}\"")));
    assert_eq!(unique.singletons, Some(unique.distinct));
    assert!(
        (4_750..5_250).contains(&unique.distinct),
        "{}",
        unique.distinct
    );
    let long = one_column(["\"a\"".to_owned(), format!("\"{}\"", "b".repeat(129))].into_iter());
    assert!(long.total.values.is_none());
    assert_eq!(long.distinct, 2);
}

#[test]
fn forms_and_characters_are_bounded() {
    let shapes = |count: usize| {
        one_column(
            (0..count).map(|n| format!("\"{}\"", "a.".repeat(n % 30) + &"-1".repeat(n / 30))),
        )
    };
    assert_eq!(shapes(40).total.shapes.map(|shapes| shapes.len()), Some(40));
    assert_eq!(shapes(90).total.shapes, None);
    let long = one_column([format!("\"{}\"", "a b".repeat(40))].into_iter());
    assert_eq!(long.total.shapes, None);
    assert_eq!(long.total.characters.as_deref(), Some(" ab"));
    let characters = |count: u32| {
        one_column(
            (0..count)
                .filter_map(|n| char::from_u32(0x4e00 + n))
                .map(|c| format!("\"{c}\"")),
        )
    };
    assert_eq!(
        characters(128)
            .total
            .characters
            .map(|kept| kept.chars().count()),
        Some(128)
    );
    assert_eq!(characters(129).total.characters, None);
}

#[test]
fn columns_are_bounded_however_many_keys_there_are() {
    let input: String = (0..3_000)
        .map(|n| {
            record(
                "s",
                &format!("{{\"id\":{n},\"map\":{{\"k{n}\":1,\"l{n}\":[{{\"x\":2}}]}}}}"),
            )
        })
        .collect();
    let one = run(&input, &["--workers", "1"]);
    let many = run(&input, &["--workers", "4"]);
    assert_eq!(one.text(), many.text());
    let profile = profiled(&input, &[]);
    let stream = stream(&profile, "s");
    assert_eq!(stream.columns.len(), 1_000);
    assert_eq!(column(stream, "id").total.present, 3_000);
    assert_eq!(
        stream.left_out
            + stream
                .columns
                .iter()
                .map(|column| column.total.present)
                .sum::<u64>(),
        3_000 * 6,
        "what is left out is counted"
    );
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let profile = profiled(&record("s", &deep), &[]);
    assert_eq!(profile.streams[0].columns.len(), 33);
}

#[test]
fn broken_lines_are_errors_with_their_number() {
    let good = record("s", "{\"a\":1}");
    for (bad, told) in [
        (
            "{\"type\":\"RECORD\",\"record\":{\"stream\":\"s\",\"data\":{\"a\":1}\n",
            "braces or brackets",
        ),
        (&record("s", "{\"a\":None}"), "a value that is not JSON"),
        (&record("s", "{\"a\":1.2.3}"), "a value that is not JSON"),
        (&record("s", "{\"a\":\"\\x\"}"), "a broken escape"),
        (&record("s", "{\"a\" 1}"), "without a key or colon"),
        (&record("s", "[1]"), "`data` that is not an object"),
        ("{\"type\":\"RECORD\"}\n", "a RECORD without a record"),
    ] {
        let input = good.repeat(2_000) + bad + &good;
        for workers in ["1", "3"] {
            let ended = run(&input, &["--workers", workers]);
            assert_eq!((ended.code, ended.text()), (1, ""), "{bad}");
            assert!(
                ended.stderr.contains("line 2001: the line "),
                "{}",
                ended.stderr
            );
            assert!(ended.stderr.contains(told), "{}", ended.stderr);
        }
    }
}

#[test]
fn what_is_no_record_is_passed_over() {
    let input = format!(
        "a banner\n\n{}{{\"type\":\"STATE\",\"state\":{{\"type\":\"GLOBAL\"}}}}\n{{\"x\":1}}\n{}",
        record("s", "{\"a\":1}"),
        "{\"record\":{\"data\":{\"a\":2},\"stream\":\"s\",\"namespace\":\"n\",\"emitted_at\":1},\"type\":\"RECORD\"}"
    );
    let profile = profiled(&input, &[]);
    let names: Vec<_> = profile
        .streams
        .iter()
        .map(|stream| {
            (
                stream.namespace.as_deref(),
                stream.name.as_str(),
                stream.records,
            )
        })
        .collect();
    assert_eq!(names, [(None, "s", 1), (Some("n"), "s", 1)]);
    assert!(profiled("", &[]).streams.is_empty());
    assert_eq!(profiled(&record("s", "null"), &[]).streams[0].records, 1);
}

#[test]
fn a_namespace_behind_the_data_counts() {
    let plain = record("s", "{\"a\":1}");
    let named = "{\"type\":\"RECORD\",\"record\":{\"stream\":\"s\",\"data\":{\"a\":2},\"namespace\":\"n\"}}\n";
    let profile = profiled(&[plain.repeat(3).as_str(), named, &plain].concat(), &[]);
    let counted: Vec<u64> = profile
        .streams
        .iter()
        .map(|stream| stream.records)
        .collect();
    assert_eq!(counted, [4, 1]);
}
