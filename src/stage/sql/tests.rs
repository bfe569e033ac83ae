//! What expressions may be, what they give, and where their problems are told.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    Array, BooleanArray, Decimal256Array, Float64Array, Int64Array, StringViewArray,
};
use arrow::datatypes::{Decimal256Type, TimeUnit::Microsecond, i256};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;

/// The stream of these tests.
fn columns(path: &Path) -> Result<DataType, String> {
    Ok(match path.to_string().as_str() {
        "name" | "email" | "address.city" | "\"a.b\"" | "a b" | "user" | "date" | "createdAt"
        | "user.name" => DataType::Utf8View,
        "id" | "age" | "n" => DataType::Int64,
        "price" => DataType::Float64,
        "active" => DataType::Boolean,
        "born" => DataType::Date32,
        "seen" => DataType::Timestamp(Microsecond, None),
        "updated" => DataType::Timestamp(Microsecond, Some("+00:00".into())),
        "opens" => DataType::Time64(Microsecond),
        "big" => WIDE_INTEGER,
        other => return Err(format!("there is no column `{other}`")),
    })
}

fn compile(sql: &str) -> Expression {
    Expression::compile(sql, &columns).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"))
}

fn refused(sql: &str) -> Vec<SqlProblem> {
    Expression::compile(sql, &columns)
        .err()
        .unwrap_or_else(|| panic!("{sql} was accepted"))
}

/// The values as text, `-` for NULL and `!` for a row that failed.
fn shown(evaluated: &Evaluated) -> Vec<String> {
    let options = FormatOptions::default();
    let format = ArrayFormatter::try_new(evaluated.values.as_ref(), &options).expect("a format");
    let nulls = evaluated.values.logical_nulls();
    (0..evaluated.values.len())
        .map(|row| {
            if evaluated.failed.contains(&(row as u32)) {
                assert!(
                    nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)),
                    "a failed row has no value"
                );
                "!".to_owned()
            } else if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                "-".to_owned()
            } else {
                format.value(row).to_string()
            }
        })
        .collect()
}

fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn wide(values: &[Option<&str>]) -> ArrayRef {
    let values = values
        .iter()
        .map(|v| v.map(|v| i256::from_string(v).expect("an integer")));
    Arc::new(
        values
            .collect::<Decimal256Array>()
            .with_data_type(WIDE_INTEGER),
    )
}

/// Evaluates over columns given by name.
fn evaluate(sql: &str, given: &[(&str, ArrayRef)]) -> Vec<String> {
    let expression = compile(sql);
    let rows = given.first().map_or(1, |(_, array)| array.len());
    let arrays: Vec<ArrayRef> = expression
        .columns()
        .iter()
        .map(|path| {
            let name = path.to_string();
            let found = given.iter().find(|(column, _)| *column == name);
            Arc::clone(&found.unwrap_or_else(|| panic!("{name} is not given")).1)
        })
        .collect();
    shown(&expression.evaluate(&arrays, rows).expect("an evaluation"))
}

#[test]
fn allowed_expressions_have_a_type_and_a_canonical_text() {
    for (sql, canonical, data_type) in [
        (
            "age  between 0 AND\n120",
            "age BETWEEN 0 AND 120",
            "Boolean",
        ),
        ("\"age\">0 -- why", "age > 0", "Boolean"),
        ("address.city = 'Oslo'", "address.city = 'Oslo'", "Boolean"),
        ("\"a.b\" || \"a b\"", "\"a.b\" || \"a b\"", "Utf8View"),
        ("`a b` = 'x'", "\"a b\" = 'x'", "Boolean"),
        (
            "user.name = user",
            "\"user\".\"name\" = \"user\"",
            "Boolean",
        ),
        ("date > '2020'", "\"date\" > '2020'", "Boolean"),
        ("UPPER(email)", "upper(email)", "Utf8View"),
        ("length(email)", "length(email)", "Int64"),
        ("position('@' in email)", "POSITION('@' IN email)", "Int64"),
        (
            "substring(email from 2 for 3)",
            "SUBSTRING(email FROM 2 FOR 3)",
            "Utf8View",
        ),
        (
            "extract(year from born)",
            "EXTRACT(YEAR FROM born)",
            "Int64",
        ),
        (
            "trim(both 'x' from email)",
            "TRIM(BOTH 'x' FROM email)",
            "Utf8View",
        ),
        ("cast(email as bigint)", "CAST(email AS BIGINT)", "Int64"),
        ("email::date", "email::DATE", "Date32"),
        (
            "try_cast(email as int) > 3",
            "TRY_CAST(email AS INT) > 3",
            "Boolean",
        ),
        (
            "cast(price as decimal(10,2))",
            "CAST(price AS DECIMAL(10,2))",
            "Decimal256(76, 2)",
        ),
        (
            "seen + interval '1 day' > updated",
            "seen + INTERVAL '1 day' > updated",
            "Boolean",
        ),
        (
            "seen at time zone 'Europe/Paris'",
            "seen AT TIME ZONE 'Europe/Paris'",
            "Timestamp(µs, \"+00:00\")",
        ),
        (
            "date_trunc('month', updated)",
            "date_trunc('month', updated)",
            "Timestamp(µs, \"+00:00\")",
        ),
        (
            "to_timestamp(email)",
            "to_timestamp(email)",
            "Timestamp(µs)",
        ),
        ("opens > time '12:00'", "opens > TIME '12:00'", "Boolean"),
        (
            "case when age > 3 then 'a' end",
            "CASE WHEN age > 3 THEN 'a' END",
            "Utf8View",
        ),
        (
            "email ~* '^a' or email not ilike '%x%'",
            "email ~* '^a' OR email NOT ILIKE '%x%'",
            "Boolean",
        ),
        (
            "age in (1, 2) and age is distinct from n",
            "age IN (1, 2) AND age IS DISTINCT FROM n",
            "Boolean",
        ),
        ("id / 2", "\"id\" / 2", "Int64"),
        ("-9223372036854775808", "-9223372036854775808", "Int64"),
        ("greatest(age, n, 3)", "greatest(age, n, 3)", "Int64"),
        ("NULL", "NULL", "Boolean"),
    ] {
        let expression = compile(sql);
        assert_eq!(expression.canonical(), canonical, "{sql}");
        assert_eq!(expression.data_type().to_string(), data_type, "{sql}");
        let again = compile(&expression.canonical());
        assert_eq!(
            again.canonical(),
            canonical,
            "{sql}: the canonical text means the same"
        );
        assert_eq!(again.columns(), expression.columns(), "{sql}");
    }
}

#[test]
fn columns_are_paths_in_the_order_of_their_appearance() {
    let expression = compile("address.city = email OR \"a.b\" = address.city OR user.name = 'x'");
    let paths: Vec<String> = expression
        .columns()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(paths, ["address.city", "email", "\"a.b\"", "user.name"]);
    assert_eq!(expression.columns()[0].segments().len(), 2);
    assert_eq!(expression.columns()[2].segments().len(), 1);
}

#[test]
fn refused_text_says_where_and_why() {
    for (sql, line, column, message) in [
        ("", 1, 1, "is empty"),
        ("-- nothing", 1, 1, "is empty"),
        ("SELECT 1", 1, 1, "starts a statement"),
        ("age > ", 1, 1, "the text ends"),
        ("age > 1 email", 1, 9, "`email` follows the end"),
        ("age > 1;", 1, 8, "`;` follows the end"),
        ("email = 'x", 1, 9, "unterminated string"),
        ("age IN ()", 1, 9, "found `)`"),
        ("age > (SELECT 1)", 1, 8, "subqueries"),
        ("age IN (SELECT 1)", 1, 1, "subqueries"),
        ("EXISTS (SELECT 1)", 1, 9, "subqueries"),
        (
            "age > 1 AND\n  count(*) > 3",
            2,
            3,
            "`count` looks at several rows",
        ),
        ("row_number() OVER ()", 1, 1, "window functions"),
        ("upper(DISTINCT email)", 1, 1, "no clauses"),
        ("updated < now()", 1, 11, "from outside the row"),
        ("born < current_date", 1, 8, "from outside the row"),
        ("random() < 0.5", 1, 1, "from outside the row"),
        ("email = uuid()", 1, 9, "from outside the row"),
        ("uper(email) = 'X'", 1, 1, "there is no function `uper`"),
        ("s.upper(email)", 1, 1, "there is no function `s.upper`"),
        ("email = $1", 1, 9, "placeholders"),
        ("email = ?", 1, 9, "placeholders"),
        ("*", 1, 1, "found `*`"),
        ("@x = 1", 1, 1, "variables"),
        ("email -> 'x'", 1, 1, "the operator `->`"),
        ("email = ANY(ARRAY['x'])", 1, 1, "ANY and ALL"),
        ("[1, 2]", 1, 2, "lists"),
        ("email[1] = 'x'", 1, 1, "elements of a list"),
        ("age::INT[]", 1, 1, "the type INT[]"),
        ("struct(age)", 1, 1, "nested value"),
        ("repeat(email, 1000000)", 1, 1, "arbitrarily long"),
        ("lpad(email, age)", 1, 1, "a written length"),
        ("X'00'", 1, 1, "this kind of literal"),
        ("email RLIKE 'x'", 1, 1, "RLIKE"),
        ("nme = 'x'", 1, 1, "there is no column `nme`"),
        (
            "age > 1 AND\n\tNAME = 'x'",
            2,
            2,
            "there is no column `NAME`",
        ),
        ("email = \"x\"", 1, 9, "there is no column `x`"),
        (
            "age > 1 + active",
            1,
            7,
            "`+` cannot be applied to Int64 and Boolean",
        ),
        (
            "age > 1 AND active > 5",
            1,
            13,
            "`>` cannot be applied to Boolean and Int64",
        ),
        (
            "email + 1",
            1,
            1,
            "`+` cannot be applied to Utf8View and Int64",
        ),
        ("age = 1/0", 1, 7, "divide by zero"),
        ("date_part('foo', born) = 1", 1, 1, "'foo' not supported"),
        (
            "age > 0 AND email ~ '('",
            1,
            13,
            "no regular expression: unclosed group",
        ),
        ("upper(email, email)", 1, 1, "expects 1 argument"),
        ("seen - seen", 1, 1, "no column can hold"),
    ] {
        let problems = refused(sql);
        let first = &problems[0];
        assert!(first.message.contains(message), "{sql}: {first}");
        assert_eq!((first.line, first.column), (line, column), "{sql}: {first}");
    }
}

#[test]
fn hints_tell_the_way_out_and_all_problems_come_at_once() {
    for (sql, hint) in [
        ("NAME = 'x'", "write `name`"),
        ("email = \"x\"", "text is written in single quotes"),
        ("uper(email)", "did you mean `upper`?"),
        ("max(age, n)", "greatest"),
        ("email RLIKE 'x'", "~"),
        ("order.x = = 3", "double quotes"),
    ] {
        let problem = refused(sql).remove(0);
        assert!(
            problem.hint.as_deref().is_some_and(|h| h.contains(hint)),
            "{sql}: {problem}"
        );
    }
    assert_eq!(refused("uper(nme) AND count(*) > 0 OR now() > 1").len(), 3);
    assert_eq!(refused("nme = 1 AND nme = 2 AND oge = 3").len(), 2);
}

#[test]
fn a_condition_is_boolean() {
    assert!(compile("age > 1").boolean().is_ok());
    assert!(compile("NULL").boolean().is_ok());
    let problem = compile("age + 1").boolean().expect_err("a number");
    assert!(problem.message.contains("gives Int64"), "{problem}");
}

#[test]
fn length_and_depth_have_limits_that_nothing_gets_past() {
    let ok = [
        format!("{}age{} > 1", "(".repeat(95), ")".repeat(95)),
        format!("{}active", "NOT ".repeat(95)),
        format!("age{} > 1", " + 1".repeat(90)),
        format!("{}email{} = 'x'", "upper(".repeat(90), ")".repeat(90)),
        format!("age IN ({}1)", "1, ".repeat(3_000)),
    ];
    for sql in &ok {
        compile(sql);
    }
    let deep = [
        "(".repeat(9_999),
        "[".repeat(9_999),
        format!("{}age{} > 1", "(".repeat(150), ")".repeat(150)),
        format!("{}active", "NOT ".repeat(2_000)),
        format!("{}age", "- ".repeat(4_000)),
        format!("age{} > 1", " + 1".repeat(2_000)),
        format!("active{}", " OR active".repeat(900)),
        format!("{}1", "CASE WHEN active THEN ".repeat(400)),
        format!("{}active", "CASE ".repeat(1_900)),
        format!("CAST(age AS {}INT", "ARRAY<".repeat(1_600)),
        format!("CAST(age AS {}INT", "STRUCT<a ".repeat(1_100)),
        "interval ".repeat(1_100),
        "date ".repeat(1_900),
        "a.".repeat(4_900),
        "x ".repeat(20_000),
    ];
    for sql in &deep {
        let start = Instant::now();
        assert!(!refused(sql).is_empty());
        assert!(
            start.elapsed().as_secs() < 5,
            "{} took {:?}",
            &sql[..20],
            start.elapsed()
        );
    }
}

#[test]
fn null_is_neither_true_nor_false() {
    let age = ints(&[Some(5), Some(500), None]);
    for (sql, want) in [
        ("age BETWEEN 0 AND 120", ["true", "false", "-"]),
        ("NOT (age BETWEEN 0 AND 120)", ["false", "true", "-"]),
        ("age > 10 OR age IS NULL", ["false", "true", "true"]),
        ("age IN (5, NULL)", ["true", "-", "-"]),
        ("age NOT IN (5, NULL)", ["false", "-", "-"]),
        ("age IS NOT DISTINCT FROM 5", ["true", "false", "false"]),
        ("coalesce(age, 0) + 1", ["6", "501", "1"]),
        ("nullif(age, 5)", ["-", "500", "-"]),
        ("NULL", ["-", "-", "-"]),
        ("age = NULL", ["-", "-", "-"]),
    ] {
        assert_eq!(evaluate(sql, &[("age", Arc::clone(&age))]), want, "{sql}");
    }
    let mask = compile("NULL").evaluate_mask(&[], 2).expect("a mask");
    assert_eq!(mask.values, BooleanArray::new_null(2));
    assert!(
        compile("1").evaluate_mask(&[], 2).is_err(),
        "a number is no condition"
    );
}

#[test]
fn types_meet_as_in_datafusion() {
    let name = texts(&[Some("5"), Some("05"), Some("abc"), None]);
    assert_eq!(
        evaluate("name || 1", &[("name", Arc::clone(&name))]),
        ["51", "051", "abc1", "-"]
    );
    assert_eq!(
        evaluate("TRY_CAST(name AS BIGINT)", &[("name", Arc::clone(&name))]),
        ["5", "5", "-", "-"]
    );
    assert_eq!(
        evaluate("CAST(name AS BIGINT)", &[("name", Arc::clone(&name))]),
        ["5", "5", "!", "-"]
    );
    let updated = arrow::array::TimestampMicrosecondArray::from(vec![
        Some(0),
        Some(253_402_300_799_000_000),
        Some(-62_135_596_800_000_000),
        None,
    ])
    .with_timezone("+00:00");
    let updated: ArrayRef = Arc::new(updated);
    for (sql, want) in [
        ("updated > '2000-01-01'", ["false", "true", "false", "-"]),
        (
            "updated > TIMESTAMP '2000-01-01T00:00:00Z'",
            ["false", "true", "false", "-"],
        ),
        (
            "updated > CAST('2000-01-01' AS TIMESTAMP)",
            ["false", "true", "false", "-"],
        ),
        ("EXTRACT(year FROM updated)", ["1970", "9999", "1", "-"]),
        (
            "updated + INTERVAL '1 day' > updated",
            ["true", "true", "true", "-"],
        ),
        (
            "CAST(updated AS DATE) = DATE '1970-01-01'",
            ["true", "false", "false", "-"],
        ),
    ] {
        assert_eq!(
            evaluate(sql, &[("updated", Arc::clone(&updated))]),
            want,
            "{sql}"
        );
    }
    let price: ArrayRef = Arc::new(Float64Array::from(vec![1.239, -2.5]));
    assert_eq!(
        evaluate(
            "CAST(price AS DECIMAL(10,2))",
            &[("price", Arc::clone(&price))]
        ),
        ["1.24", "-2.50"]
    );
    assert_eq!(
        evaluate("round(price)", &[("price", price)]),
        ["1.0", "-3.0"]
    );
}

#[test]
fn a_row_that_fails_costs_itself_alone() {
    let n: Vec<Option<i64>> = (0..300).map(|i| (i % 7 != 3).then_some(i % 5)).collect();
    let age: Vec<Option<i64>> = (0..300).map(Some).collect();
    let expression = compile("age / n");
    let got = expression
        .evaluate(&[ints(&age), ints(&n)], 300)
        .expect("an evaluation");
    let want: Vec<String> = (0..300)
        .map(|i| match n[i as usize] {
            None => "-".to_owned(),
            Some(0) => "!".to_owned(),
            Some(n) => (i / n).to_string(),
        })
        .collect();
    assert_eq!(shown(&got), want);
    assert!(got.failed.is_sorted());
    let guarded = [
        ("n", ints(&[Some(0), Some(2), None])),
        ("age", ints(&[Some(8), Some(8), Some(8)])),
    ];
    assert_eq!(
        evaluate("n <> 0 AND age / n = 4", &guarded),
        ["false", "true", "-"]
    );
    assert_eq!(
        evaluate("CASE WHEN n <> 0 THEN age / n END", &guarded),
        ["-", "4", "-"]
    );
    assert_eq!(evaluate("age / n", &guarded), ["!", "4", "-"]);
    let largest = [("n", ints(&[Some(i64::MAX), Some(1)]))];
    assert_eq!(evaluate("n + 1", &largest), ["!", "2"]);
    let debug = format!("{got:?} {expression:?}");
    assert!(!debug.contains("299"), "{debug}");
}

#[test]
fn a_row_has_one_value_whatever_its_batch() {
    let n: Vec<Option<i64>> = (0..40).map(|i| (i % 7 != 3).then_some(i % 3)).collect();
    let name: Vec<Option<&str>> = (0..40)
        .map(|i| [Some("7"), Some("x"), None][i % 3])
        .collect();
    for sql in [
        "n <> 0 AND 6 / n > 2",
        "6 / n > 2 OR n = 0",
        "CAST(name AS INT) + n",
        "n IN (1, 6 / n)",
    ] {
        let expression = compile(sql);
        let arrays = |range: std::ops::Range<usize>| -> Vec<ArrayRef> {
            expression
                .columns()
                .iter()
                .map(|path| match path.as_key() {
                    Some("n") => ints(&n[range.clone()]),
                    _ => texts(&name[range.clone()]),
                })
                .collect()
        };
        let whole = shown(
            &expression
                .evaluate(&arrays(0..40), 40)
                .expect("an evaluation"),
        );
        for size in [1, 3, 16] {
            let mut parts = Vec::new();
            for start in (0..40).step_by(size) {
                let end = (start + size).min(40);
                parts.extend(shown(
                    &expression
                        .evaluate(&arrays(start..end), end - start)
                        .expect("an evaluation"),
                ));
            }
            assert_eq!(parts, whole, "{sql} in parts of {size}");
        }
    }
}

#[test]
fn integers_beyond_64_bits_mean_the_same() {
    const HUGE: &str = "1234567890123456789012345";
    let narrow = ints(&[Some(7), Some(i64::MAX), None]);
    let wide = wide(&[Some("7"), Some(HUGE), None]);
    for (sql, on_narrow, on_wide) in [
        (
            "id > 9223372036854775807",
            ["false", "false", "-"],
            ["false", "true", "-"],
        ),
        (
            "id > 9223372036854775808",
            ["false", "false", "-"],
            ["false", "true", "-"],
        ),
        (
            "id >= 9223372036854775807",
            ["false", "true", "-"],
            ["false", "true", "-"],
        ),
        (
            "id = 1234567890123456789012345",
            ["false", "false", "-"],
            ["false", "true", "-"],
        ),
        (
            "id = 1234567890123456789012346",
            ["false", "false", "-"],
            ["false", "false", "-"],
        ),
        (
            "id > -1234567890123456789012345",
            ["true", "true", "-"],
            ["true", "true", "-"],
        ),
        (
            "id IN (7, 8)",
            ["true", "false", "-"],
            ["true", "false", "-"],
        ),
        (
            "id BETWEEN 0 AND 10",
            ["true", "false", "-"],
            ["true", "false", "-"],
        ),
        (
            "id / 2 / 2",
            ["1", "2305843009213693951", "-"],
            ["1", "308641972530864197253086", "-"],
        ),
        ("id / 2 = 3", ["true", "false", "-"], ["true", "false", "-"]),
        (
            "-id / 2",
            ["-3", "-4611686018427387903", "-"],
            ["-3", "-617283945061728394506172", "-"],
        ),
        ("id % 10", ["7", "7", "-"], ["7", "5", "-"]),
        (
            "id * 1",
            ["7", "9223372036854775807", "-"],
            ["7", HUGE, "-"],
        ),
        (
            "CAST(id AS VARCHAR)",
            ["7", "9223372036854775807", "-"],
            ["7", HUGE, "-"],
        ),
        (
            "CASE WHEN id > 5 THEN 1 ELSE 0 END",
            ["1", "1", "0"],
            ["1", "1", "0"],
        ),
        (
            "coalesce(id, 0)",
            ["7", "9223372036854775807", "0"],
            ["7", HUGE, "0"],
        ),
        ("id > 1.5", ["true", "true", "-"], ["true", "true", "-"]),
        ("id & 7", ["7", "7", "-"], ["7", "!", "-"]),
        (
            "CAST(id AS BIGINT)",
            ["7", "9223372036854775807", "-"],
            ["7", "!", "-"],
        ),
        (
            "TRY_CAST(id AS BIGINT)",
            ["7", "9223372036854775807", "-"],
            ["7", "-", "-"],
        ),
        ("chr(id)", ["\u{7}", "!", "-"], ["\u{7}", "!", "-"]),
        (
            "left('0123456789', id)",
            ["0123456", "0123456789", "-"],
            ["0123456", "!", "-"],
        ),
        (
            "id IS NULL",
            ["false", "false", "true"],
            ["false", "false", "true"],
        ),
    ] {
        assert_eq!(
            evaluate(sql, &[("id", Arc::clone(&narrow))]),
            on_narrow,
            "{sql}"
        );
        assert_eq!(
            evaluate(sql, &[("id", Arc::clone(&wide))]),
            on_wide,
            "{sql}, wide"
        );
    }
    let n = ints(&[Some(7), Some(7), Some(7)]);
    let mixed = [("id", Arc::clone(&wide)), ("n", n)];
    assert_eq!(evaluate("id = n", &mixed), ["true", "false", "-"]);
    assert_eq!(
        evaluate("id / n", &mixed),
        ["1", "176366841446208112716049", "-"]
    );
    let value = wide.as_primitive::<Decimal256Type>().value(1);
    assert_eq!(value.to_string(), HUGE);
}

#[test]
fn patterns_are_compiled_once_and_match_like_datafusion() {
    let name = texts(&[Some("a@b.c"), Some("A@B.C"), Some("x\ny"), None]);
    for (sql, want) in [
        ("name ~ '^[a-z]+@'", ["true", "false", "false", "-"]),
        ("name ~* '^[a-z]+@'", ["true", "true", "false", "-"]),
        ("name !~ '@'", ["false", "false", "true", "-"]),
        ("name !~* 'B'", ["false", "false", "true", "-"]),
        ("regexp_like(name, '^a')", ["true", "false", "false", "-"]),
        (
            "regexp_like(name, '^a', 'i')",
            ["true", "true", "false", "-"],
        ),
        ("name LIKE '_@_._'", ["true", "true", "false", "-"]),
        ("name LIKE 'x_y'", ["false", "false", "true", "-"]),
        ("name ILIKE '%b.%'", ["true", "true", "false", "-"]),
        ("name NOT ILIKE '%b.%'", ["false", "false", "true", "-"]),
        (
            "name LIKE 'a!@%' ESCAPE '!'",
            ["true", "false", "false", "-"],
        ),
        ("name ~ name", ["true", "true", "true", "-"]),
        ("name ~ '' ", ["true", "true", "true", "-"]),
    ] {
        assert_eq!(evaluate(sql, &[("name", Arc::clone(&name))]), want, "{sql}");
    }
}

#[test]
fn wrong_columns_are_an_internal_error() {
    let expression = compile("age > 1");
    for columns in [
        vec![],
        vec![texts(&[Some("x")])],
        vec![ints(&[Some(1), Some(2)])],
    ] {
        let error = expression.evaluate(&columns, 1).expect_err("wrong columns");
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
    let empty = expression.evaluate(&[ints(&[])], 0).expect("no rows");
    assert_eq!(empty.values.len(), 0);
}
