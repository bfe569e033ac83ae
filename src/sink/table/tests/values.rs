//! What becomes of values, type by type.

use super::*;

const SIZE: &str = "DESTINATION_FIELD_SIZE_LIMITATION";
const CAST: &str = "DESTINATION_TYPECAST_ERROR";
const FORM: &str = "DESTINATION_SERIALIZATION_ERROR";

/// Pushes one record per case and compares what the column `x` shows, and the changes of `x`.
fn check(column: ColumnSpec, cases: &[(&str, &str, &str)]) {
    check_in(Layout::Midflight, column, cases);
}

fn check_in(layout: Layout, column: ColumnSpec, cases: &[(&str, &str, &str)]) {
    let lines: Vec<_> = cases
        .iter()
        .map(|(raw, ..)| record(&format!(r#"{{"x":{raw}}}"#)))
        .collect();
    let batch = batch_of(&spec(layout, vec![column]), &lines);
    let values = shown(named(&batch, "x"));
    let changes = changes(&batch);
    for (row, (raw, value, change)) in cases.iter().enumerate() {
        assert_eq!(values[row], *value, "{raw}");
        let told: Vec<_> = changes[row].iter().map(String::as_str).collect();
        let expected: Vec<_> = change.split(';').filter(|it| !it.is_empty()).collect();
        assert_eq!(told, expected, "{raw}");
    }
}

fn nulled(reason: &str) -> String {
    format!("x NULLED {reason}")
}

#[test]
fn text_is_unescaped_and_copied() {
    let cast = nulled(CAST);
    check(
        column("x", T::String),
        &[
            (r#""""#, "", ""),
            (r#""plain""#, "plain", ""),
            (r#""é😀""#, "é😀", ""),
            (r#""a\"b\\c\/\u0041\n""#, "a\"b\\c/A\n", ""),
            (r#""\ud83d\ude00""#, "😀", ""),
            (r#""\ud83d""#, "\u{FFFD}", ""),
            (r#""\x""#, "~", &cast),
            ("null", "~", ""),
            ("1", "~", &cast),
            ("true", "~", &cast),
            (r#"{"a":1}"#, "~", &cast),
            ("[1]", "~", &cast),
        ],
    );
    check(column("x", T::Binary), &[(r#""AAE=""#, "AAE=", "")]);
}

#[test]
fn integers_are_64_bits() {
    let (cast, size) = (nulled(CAST), nulled(SIZE));
    check(
        column("x", T::Integer),
        &[
            ("9223372036854775807", "9223372036854775807", ""),
            ("-9223372036854775808", "-9223372036854775808", ""),
            ("9223372036854775808", "~", &size),
            ("-0", "0", ""),
            ("1.0", "1", ""),
            ("1e3", "1000", ""),
            ("1.5", "~", &cast),
            (r#""7""#, "~", &cast),
            ("007", "~", &cast),
            ("NaN", "~", &cast),
            (" 7 ", "7", ""),
        ],
    );
    check(
        column("x", T::BigInteger),
        &[
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
                "",
            ),
            (r#""-99999999999999999999""#, "-99999999999999999999", ""),
            ("1.5", "~", &cast),
            ("true", "~", &cast),
        ],
    );
    check(
        column("x", T::Boolean),
        &[
            ("true", "true", ""),
            ("false", "false", ""),
            (r#""true""#, "~", &cast),
            ("1", "~", &cast),
            ("tru", "~", &cast),
        ],
    );
}

#[test]
fn numbers_are_stored_as_asked() {
    let (cast, size) = (nulled(CAST), nulled(SIZE));
    let cut = format!("x TRUNCATED {SIZE}");
    let tiny = "0.1234567890123456785";
    check(
        column("x", T::Number),
        &[
            ("12.50", "12.500000000000000000", ""),
            ("-0.0", "0.000000000000000000", ""),
            (
                "99999999999999999999.999999999999999999",
                "99999999999999999999.999999999999999999",
                "",
            ),
            ("100000000000000000000", "~", &size),
            (tiny, "0.123456789012345678", &cut),
            ("1e-19", "0.000000000000000000", &cut),
            (r#""1""#, "~", &cast),
            ("-", "~", &cast),
        ],
    );
    let as_number = |number| ColumnSpec {
        number,
        ..column("x", T::Number)
    };
    check(
        as_number(NumberAs::Double),
        &[
            ("0.1", "0.1", ""),
            ("1E3", "1000.0", ""),
            ("1e400", "~", &size),
            ("+1", "~", &cast),
        ],
    );
    check(
        as_number(NumberAs::Text),
        &[(tiny, tiny, ""), ("1E+3", "1E+3", ""), ("01", "~", &cast)],
    );
    let money = NumberAs::Decimal {
        precision: 5,
        scale: 2,
    };
    check(
        as_number(money),
        &[
            ("999.99", "999.99", ""),
            ("999.995", "~", &size),
            ("1.005", "1.00", &cut),
        ],
    );
}

#[test]
fn times_are_utc_microseconds() {
    let (cast, form) = (nulled(CAST), nulled(FORM));
    let cut = format!("x TRUNCATED {SIZE}");
    check(
        column("x", T::Date),
        &[
            (r#""2024-02-29""#, "2024-02-29", ""),
            (r#""2023-02-29""#, "~", &form),
            (r#""2024-02-29T10:00:00Z""#, "2024-02-29", &cut),
            (r#""0001-01-01 BC""#, "0000-01-01", ""),
            (r#""2024\u002d02-29""#, "2024-02-29", ""),
            ("20240229", "~", &cast),
        ],
    );
    check(
        column("x", T::TimestampTz),
        &[
            (r#""2024-02-29T10:00:00+02:00""#, "2024-02-29T08:00:00Z", ""),
            (
                r#""2024-02-29T10:00:00.1234567Z""#,
                "2024-02-29T10:00:00.123456Z",
                &cut,
            ),
            (
                r#""2024-02-29T10:00:00.123456000Z""#,
                "2024-02-29T10:00:00.123456Z",
                "",
            ),
            (r#""10000-01-01T00:00:00Z""#, "+10000-01-01T00:00:00Z", ""),
            (r#""44 BC""#, "~", &form),
            (r#""""#, "~", &form),
            ("1709200800", "~", &cast),
        ],
    );
    check(
        column("x", T::Timestamp),
        &[(r#""2024-02-29 10:00:00.5""#, "2024-02-29T10:00:00.500", "")],
    );
    check(
        column("x", T::TimeTz),
        &[
            (r#""01:00:00+02:00""#, "23:00:00", ""),
            (r#""25:00:00""#, "~", &form),
        ],
    );
    check(
        column("x", T::Time),
        &[(r#""10:00:00.0000001""#, "10:00:00", &cut)],
    );
}

#[test]
fn json_stays_as_it_is_written() {
    let cast = nulled(CAST);
    let any = [
        (r#"{ "a" : [1, 2.50] }"#, r#"{ "a" : [1, 2.50] }"#, ""),
        (r#""a\u0041""#, r#""a\u0041""#, ""),
        ("1.50", "1.50", ""),
        ("null", "~", ""),
        ("NaN", "~", cast.as_str()),
        (r#""\x""#, "~", &cast),
        (r#""a" "b""#, "~", &cast),
        (r#""\"\\""#, r#""\"\\""#, ""),
    ];
    check(column("x", T::Json), &any);
    check(column("x", T::Unknown), &any);
    check(column("x", T::union([T::Integer, T::String])), &any);
    check(
        column("x", T::SchemalessObject),
        &[("{}", "{}", ""), ("[]", "~", &cast), ("1", "~", &cast)],
    );
    check(
        column("x", T::Array(None)),
        &[("[1,null]", "[1,null]", ""), ("{}", "~", &cast)],
    );
    check(
        column("x", T::Object(Vec::new())),
        &[(r#"{"a":1}"#, r#"{"a":1}"#, "")],
    );
}

#[test]
fn arrays_and_objects_are_nested() {
    let list = |ty| T::Array(Some(Box::new(ty)));
    let cast = nulled(CAST);
    let item = format!("x[] NULLED {CAST}");
    check(
        column("x", list(T::Integer)),
        &[
            ("[1, null, 3]", "[1, ~, 3]", ""),
            ("[ ]", "[]", ""),
            ("null", "~", ""),
            (r#"["a","b",7]"#, "[~, ~, 7]", &item),
            ("{}", "~", &cast),
            (r#""[1]""#, "~", &cast),
        ],
    );
    check(
        column("x", list(list(T::String))),
        &[(r#"[["a"],[],null]"#, "[[a], [], ~]", "")],
    );
    let object = T::Object(vec![key("a", T::Integer), key("b", list(T::Boolean))]);
    let inner = format!("x.a NULLED {CAST};x.b[] NULLED {CAST}");
    check(
        column("x", object.clone()),
        &[
            (r#"{"a":1,"b":[true]}"#, "{a: 1, b: [true]}", ""),
            (r#"{"b":[false],"a":2}"#, "{a: 2, b: [false]}", ""),
            ("{}", "{a: ~, b: ~}", ""),
            (r#"{"a":"x","b":[1]}"#, "{a: ~, b: [~]}", &inner),
            (r#"{"a":1,"a":2,"\u0061":3}"#, "{a: 3, b: ~}", ""),
            ("[]", "~", &cast),
        ],
    );
    let deep = format!("x[].a NULLED {SIZE}");
    check(
        column("x", list(object)),
        &[
            (
                r#"[{"a":1},null,{"b":[]}]"#,
                "[{a: 1, b: ~}, ~, {a: ~, b: []}]",
                "",
            ),
            (r#"[{"a":1e30}]"#, "[{a: ~, b: ~}]", &deep),
        ],
    );
    let vector = ColumnSpec {
        vector: true,
        ..column("x", T::Array(None))
    };
    check(
        vector,
        &[
            ("[0.5,1,-2e-1]", "[0.5, 1.0, -0.2]", ""),
            ("[\"a\"]", "[~]", &item),
        ],
    );
}

#[test]
fn a_union_of_destination_s3_says_which_type_it_took() {
    let union = T::union([
        T::String,
        T::Integer,
        T::Date,
        T::Object(vec![key("a", T::String)]),
    ]);
    let form = nulled(FORM);
    let size = nulled(SIZE);
    check_in(
        Layout::Airbyte,
        column("x", union),
        &[
            (
                r#""x""#,
                "{type: string, string: x, integer: ~, date: ~, object: ~}",
                "",
            ),
            (
                r#""2024-02-29""#,
                "{type: date, string: ~, integer: ~, date: 2024-02-29, object: ~}",
                "",
            ),
            (
                "7.0",
                "{type: integer, string: ~, integer: 7, date: ~, object: ~}",
                "",
            ),
            (
                r#"{"a":"b","c":1}"#,
                "{type: object, string: ~, integer: ~, date: ~, object: {a: b}}",
                "",
            ),
            (
                "1e30",
                "{type: integer, string: ~, integer: ~, date: ~, object: ~}",
                &size,
            ),
            ("true", "~", &form),
            ("null", "~", ""),
        ],
    );
}

#[test]
fn a_union_of_dates_and_times_takes_what_a_text_is_spelt_as() {
    for options in [
        [T::Date, T::Timestamp, T::TimestampTz],
        [T::TimestampTz, T::Timestamp, T::Date],
    ] {
        let column = column("x", T::union(options));
        let spec = spec(Layout::Airbyte, vec![column]);
        for (text, expected) in [
            ("2024-02-29", "date"),
            ("2024-02-29T10:00:00", "timestamp_without_timezone"),
            ("2024-02-29T10:00:00.5", "timestamp_without_timezone"),
            ("2024-02-29T10:00:00Z", "timestamp_with_timezone"),
            ("2024-02-29 10:00-08", "timestamp_with_timezone"),
        ] {
            let batch = batch_of(&spec, &[record(&format!(r#"{{"x":"{text}"}}"#))]);
            let took = &shown(named(&batch, "x"))[0];
            assert!(
                took.contains(&format!("type: {expected},")),
                "{text} {took}"
            );
            assert_eq!(changes(&batch), [Vec::<String>::new()], "{text}");
        }
    }
    // A timestamp of which only the date has a place is read as one.
    let spec = spec(
        Layout::Airbyte,
        vec![column("x", T::union([T::Date, T::Integer]))],
    );
    let batch = batch_of(&spec, &[record(r#"{"x":"2024-02-29T10:00:00Z"}"#)]);
    assert_eq!(
        changes(&batch),
        [[format!("x TRUNCATED {SIZE}")]],
        "the time of day is lost"
    );
}

#[test]
fn absent_null_and_repeated_keys() {
    let columns = vec![
        column("a", T::Integer),
        column("b", T::String),
        column("c", T::Integer),
    ];
    let lines = [
        r#"{"a":1,"b":"x","c":3}"#,
        "{}",
        r#"{"c":3}"#,
        r#"{"b":"x","b":null}"#,
        r#"{"b":"x","a":"no","b":"y","a":5}"#,
        r#"{"c":"no"}"#,
    ];
    let batch = batch_of(&spec(Layout::Midflight, columns), &lines.map(record));
    assert_eq!(shown(named(&batch, "a")), ["1", "~", "~", "~", "5", "~"]);
    assert_eq!(shown(named(&batch, "b")), ["x", "~", "~", "~", "y", "~"]);
    assert_eq!(shown(named(&batch, "c")), ["3", "~", "3", "~", "~", "~"]);
    let told: Vec<_> = changes(&batch).iter().map(Vec::len).collect();
    assert_eq!(
        told,
        [0, 0, 0, 0, 0, 1],
        "of a repeated key only the last is judged"
    );
}

#[test]
fn undeclared_members_are_kept_by_nesting() {
    let address = T::Object(vec![
        key("city", T::String),
        key("geo", T::Object(vec![key("lat", T::Number)])),
    ]);
    let items = T::Array(Some(Box::new(T::Object(vec![key("sku", T::String)]))));
    let columns = vec![
        column("id", T::Integer),
        column("address", address),
        column("items", items),
        column("o", T::SchemalessObject),
    ];
    let cases = [
        (
            r#"{"id":1,"address":{"city":"x","geo":{"lat":1}},"items":[{"sku":"a"}],"o":{"p":1}}"#,
            "~",
        ),
        ("{}", "~"),
        (
            r#"{"new":{"a": [1]},"id":1,"other":"x\n"}"#,
            r#"{"new":{"a": [1]},"other":"x\n"}"#,
        ),
        (r#"{"address":{"zip4":"x"}}"#, r#"{"address":{"zip4":"x"}}"#),
        (
            r#"{"address":{"geo":{"lon":2,"lat":1,"alt":3},"zip":1},"n":1}"#,
            r#"{"n":1,"address":{"zip":1,"geo":{"lon":2,"alt":3}}}"#,
        ),
        (
            r#"{"items":[{"sku":"a"},{"sku":"b","qty":2}],"address":{"geo":{"b":1}}}"#,
            r#"{"address":{"geo":{"b":1}},"items":[{"sku":"a"},{"sku":"b","qty":2}]}"#,
        ),
        (r#"{"a":1,"b":2,"\u0061":3,"a":4}"#, r#"{"b":2,"a":4}"#),
        (r#"{"a":NaN,"b":01}"#, r#"{"a":"NaN","b":"01"}"#),
        (r#"{"a\"b":1}"#, r#"{"a\"b":1}"#),
        (r#"{"":null}"#, r#"{"":null}"#),
    ];
    let lines = cases.map(|(data, _)| record(data));
    let batch = batch_of(&spec(Layout::Midflight, columns), &lines);
    assert_eq!(
        shown(named(&batch, "_airbyte_extra")),
        cases.map(|(_, extra)| extra)
    );
    let many: String = (0..40).map(|i| format!(r#""k{}":{i},"#, i % 30)).collect();
    let many = record(&format!("{{{}}}", many.trim_end_matches(',')));
    let batch = batch_of(&spec(Layout::Midflight, Vec::new()), &[many]);
    let extra = &shown(named(&batch, "_airbyte_extra"))[0];
    assert_eq!(extra.matches(':').count(), 30);
    assert!(extra.contains(r#""k3":33"#) && extra.contains(r#""k29":29"#));
}
