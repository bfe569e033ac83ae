//! Every figure of a small input, counted by hand.

use std::collections::BTreeMap;

use midflight::profile::form::{Measures, Order, PairProfile};

use super::{column, profiled, record, stream};

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "s", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "address": {"type": "object",
  "properties": {"city": {"type": "string"}}}}}, "supported_sync_modes": ["incremental"]}, "sync_mode": "incremental",
  "destination_sync_mode": "append", "primary_key": [["id"], ["address", "city"]], "cursor_field": ["at"]}]}"#;

const DATA: [&str; 6] = [
    r#"{"id":1,"at":"2024-01-01T00:00:00Z","n":1.50,"address":{"city":"Rome"},"items":[{"price":3},{"price":-4.25}]}"#,
    r#"{"id":2,"at":"2024-01-02T00:00:00Z","n":-2,"address":{"city":"Oslo"},"items":[]}"#,
    r#"{"id":2,"at":"2024-01-01T12:00:00Z","n":null,"address":{"city":"Oslo"},"flag":true}"#,
    r#"{"id":3,"at":"2999-01-01T00:00:00Z","n":0,"address":{"city":null},"flag":"true"}"#,
    r#"{"id":"4","at":null,"n":1e3,"address":null,"flag":false,"code":"AB-12"}"#,
    r#"{"id":5,"at":"2024-01-03","n":1.5,"address":{"city":"S\u00e3o P.+\n"},"code":"C-3"}"#,
];

fn counts<const N: usize>(pairs: [(&str, u64); N]) -> BTreeMap<String, u64> {
    pairs.map(|(name, count)| (name.to_owned(), count)).into()
}

fn total(path: &str) -> (Measures, u64, Option<u64>, Option<Order>, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = folder.path().join("catalog.json");
    std::fs::write(&catalog, CATALOG).expect("a file");
    let input: String = DATA.iter().map(|data| record("s", data)).collect();
    let profile = profiled(&input, &["--catalog", &catalog.display().to_string()]);
    let stream = stream(&profile, "s");
    assert_eq!((stream.records, &stream.slices[..]), (6, &[6][..]));
    assert_eq!(
        stream.bytes,
        DATA.iter().map(|data| data.len() as u64).sum::<u64>()
    );
    assert_eq!(stream.primary_key, ["id", "address.city"]);
    let key = stream.key.as_ref().expect("a key");
    assert_eq!((key.nulls, key.distinct, key.singletons), (2, 3, Some(2)));
    assert_eq!(stream.cursor.as_deref(), Some("at"));
    let cursor = stream.cursor_course.expect("a cursor");
    assert_eq!((cursor.nulls, cursor.backwards, cursor.future), (1, 2, 1));
    let column = column(stream, path);
    assert_eq!(column.slices, std::slice::from_ref(&column.total));
    (
        column.total.clone(),
        column.distinct,
        column.singletons,
        column.order,
        column.conflicts,
    )
}

#[test]
fn integers_and_what_is_none() {
    let (id, distinct, singletons, order, conflicts) = total("id");
    assert_eq!((id.present, id.nulls), (6, 0));
    assert_eq!(id.types, counts([("integer", 5), ("string", 1)]));
    assert_eq!(id.reads_as, counts([("integer", 1)]));
    assert_eq!(
        id.values,
        Some(counts([
            ("1", 1),
            ("2", 2),
            ("3", 1),
            ("\"4\"", 1),
            ("5", 1)
        ]))
    );
    assert_eq!((distinct, singletons, conflicts), (5, Some(4), 1));
    let numbers = id.numbers.expect("numbers");
    assert_eq!(
        (numbers.count, numbers.min, numbers.max, numbers.sum),
        (5, 1.0, 5.0, 13.0)
    );
    let order = order.expect("an order");
    assert_eq!((order.rises, order.repeats, order.falls), (3, 1, 0));
}

#[test]
fn numbers_as_they_are_spelt() {
    let (n, distinct, ..) = total("n");
    assert_eq!((n.present, n.nulls), (6, 1));
    assert_eq!(n.types, counts([("integer", 2), ("number", 3)]));
    let spelt = counts([("1.50", 1), ("-2", 1), ("0", 1), ("1e3", 1), ("1.5", 1)]);
    assert_eq!((n.values, distinct), (Some(spelt), 5));
    let numbers = n.numbers.expect("numbers");
    assert_eq!(
        (numbers.min, numbers.max, numbers.sum),
        (-2.0, 1000.0, 1001.0)
    );
    assert_eq!(
        (
            numbers.whole,
            numbers.zeros,
            numbers.negative,
            numbers.scale
        ),
        (3, 1, 1, 2)
    );
    assert_eq!(numbers.buckets.values().sum::<u64>(), 4);
    let (price, ..) = total("items[].price");
    let numbers = price.numbers.expect("numbers");
    assert_eq!((price.present, numbers.sum, numbers.scale), (2, -1.25, 2));
}

#[test]
fn moments_texts_and_what_holds_them() {
    let (at, distinct, ..) = total("at");
    assert_eq!((at.present, at.nulls, distinct), (6, 1, 5));
    assert_eq!(
        at.reads_as,
        counts([("timestamp_with_timezone", 4), ("date", 1)])
    );
    let moments = at.moments.expect("moments");
    assert_eq!((moments.min, moments.count), (1_704_067_200.0, 5));
    let (city, ..) = total("address.city");
    assert_eq!((city.present, city.nulls), (5, 1));
    assert_eq!(city.shapes, Some(counts([("Aa+", 3), ("Aa+ A.\\+\n", 1)])));
    assert_eq!(city.characters.as_deref(), Some("\n +.OPRSelmosã"));
    let lengths = city.lengths.expect("lengths");
    assert_eq!((lengths.min, lengths.max, lengths.sum), (4.0, 8.0, 20.0));
    let (flag, ..) = total("flag");
    assert_eq!(flag.types, counts([("boolean", 2), ("string", 1)]));
    assert_eq!(flag.reads_as, counts([("boolean", 1)]));
    assert_eq!(
        flag.values,
        Some(counts([("true", 1), ("false", 1), ("\"true\"", 1)]))
    );
    let (address, distinct, ..) = total("address");
    assert_eq!((address.present, address.nulls, distinct), (6, 1, 0));
    assert_eq!(address.types, counts([("object", 5)]));
    let (items, ..) = total("items");
    assert_eq!((items.present, items.types), (2, counts([("array", 2)])));
    let (code, ..) = total("code");
    assert_eq!(code.shapes, Some(counts([("A+-9+", 1), ("A-9", 1)])));
}

/// A stream in which one column decides another, one is before another, and some are missing together.
fn tied() -> String {
    (0..400)
        .map(|n| {
            let country = ["it", "no", "us", "fr"][n % 4];
            let currency = ["eur", "nok", "usd", "eur"][n % 4];
            let (begin, end) = (n * 7 % 100, n * 7 % 100 + n % 13 + 1);
            let size = ["s", "m", "l"][n * n % 7 % 3];
            let both = if n % 5 == 0 { "null" } else { "\"x\"" };
            record(
                "t",
                &format!(
                    "{{\"country\":\"{country}\",\"currency\":\"{currency}\",\"begin\":{begin},\"end\":{end},\
                     \"size\":\"{size}\",\"low\":{},\"p\":{both},\"q\":{both}}}",
                    n as f64 / 1000.0
                ),
            )
        })
        .collect()
}

#[test]
fn facts_about_two_columns_are_those_that_chance_does_not_give() {
    let profile = profiled(&tied(), &[]);
    let stream = stream(&profile, "t");
    let found = |a: &str, b: &str| -> Option<&PairProfile> {
        stream.pairs.iter().find(|pair| pair.a == a && pair.b == b)
    };
    let money = found("country", "currency").expect("a fact");
    let together = money.total.together.as_ref().expect("combinations");
    assert_eq!(together["\"it\""], counts([("\"eur\"", 100)]));
    assert_eq!(together.values().map(BTreeMap::len).sum::<usize>(), 4);
    let decides = money.total.a_decides_b.expect("one decides the other");
    assert_eq!((decides.same, decides.other), (396, 0));
    assert!(money.total.b_decides_a.is_none(), "eur is of two countries");
    let span = found("begin", "end").expect("a fact");
    assert_eq!(
        (span.total.below, span.total.equal, span.total.above),
        (400, 0, 0)
    );
    let difference = span.total.difference.as_ref().expect("a difference");
    assert_eq!((difference.min, difference.max), (-13.0, -1.0));
    let nulls = found("p", "q").expect("a fact");
    assert_eq!(
        (
            nulls.total.both_null,
            nulls.total.a_null,
            nulls.total.b_null
        ),
        (80, 0, 0)
    );
    for (a, b) in [
        ("size", "country"),
        ("country", "size"),
        ("end", "low"),
        ("begin", "low"),
    ] {
        assert!(
            found(a, b).is_none(),
            "{a} and {b} have nothing to do with one another"
        );
    }
}
