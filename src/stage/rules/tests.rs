//! Rules judged row by row, and their own tests.

use std::sync::Arc;

use arrow::array::{Int64Array, StringViewArray};
use serde_json::{Map, Value, json};

use super::*;

fn resolve(path: &Path) -> Result<DataType, String> {
    use arrow::datatypes::TimeUnit::Microsecond;
    Ok(match path.to_string().as_str() {
        "age" | "n" => DataType::Int64,
        "email" | "address.city" => DataType::Utf8View,
        "born" => DataType::Date32,
        "price" => DataType::Float64,
        "active" => DataType::Boolean,
        "seen" => DataType::Timestamp(Microsecond, Some("+00:00".into())),
        other => return Err(format!("there is no column `{other}`")),
    })
}

fn rule(id: &str, sql: &str) -> RuleInput {
    RuleInput {
        id: id.to_owned(),
        sql: sql.to_owned(),
        columns: Vec::new(),
        severity: Severity::Error,
        action: Action::Quarantine,
        fingerprint: format!("fingerprint of {id}"),
    }
}

fn judge(
    rules: &Rules,
    ages: &[Option<i64>],
    emails: &[Option<&str>],
    mismatched: &BooleanBuffer,
) -> Vec<(usize, Vec<(usize, &'static str)>)> {
    let column = |index: usize| -> ArrayRef {
        match rules.columns()[index].as_key() {
            Some("age") => Arc::new(Int64Array::from(ages.to_vec())),
            _ => Arc::new(StringViewArray::from(emails.to_vec())),
        }
    };
    let of_age =
        |index: usize| (rules.columns()[index].as_key() == Some("age")).then_some(mismatched);
    let verdicts = rules
        .evaluate(&column, &of_age, ages.len())
        .expect("verdicts");
    assert_eq!(verdicts.is_clean(), verdicts.rows().is_empty());
    let by_row: Vec<(usize, Vec<(usize, &'static str)>)> = verdicts
        .by_row()
        .map(|(row, failures)| {
            (
                row,
                failures.iter().map(|f| (f.rule, f.reason.code())).collect(),
            )
        })
        .collect();
    for index in 0..rules.rules().len() {
        let count = by_row
            .iter()
            .flat_map(|(_, failures)| failures)
            .filter(|(rule, _)| *rule == index)
            .count();
        assert_eq!(verdicts.count(index), count as u64);
    }
    by_row
}

#[test]
fn every_failed_rule_of_a_row_is_recorded_with_its_reason() {
    let rules = Rules::compile(
        vec![
            rule("range", "age BETWEEN 0 AND 120"),
            rule("division", "10 / age > 0"),
            rule("email", "email LIKE '%@%'"),
            RuleInput {
                action: Action::Ignore,
                ..rule("off", "price > 1")
            },
        ],
        &resolve,
    )
    .expect("rules");
    let paths: Vec<String> = rules.columns().iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        ["age", "email"],
        "a rule that does not run reads nothing"
    );
    let mismatched: BooleanBuffer = [false, false, false, true, false].into_iter().collect();
    let ages = [Some(5), Some(500), Some(0), None, None];
    let emails = [Some("a@b"), Some("x"), Some("a@b"), Some("x"), None];
    assert_eq!(
        judge(&rules, &ages, &emails, &mismatched),
        [
            (1, vec![(0, "violated"), (1, "violated"), (2, "violated")]),
            (2, vec![(1, "evaluation_error")]),
            (
                3,
                vec![(0, "type_mismatch"), (1, "type_mismatch"), (2, "violated")]
            ),
        ],
        "NULL passes"
    );
    assert_eq!(
        judge(&rules, &ages[..1], &emails[..1], &mismatched.slice(0, 1)),
        []
    );
}

#[test]
fn the_problems_of_all_rules_come_at_once_with_their_ids() {
    let gone = RuleInput {
        columns: vec![Path::key("gone")],
        ..rule("gone", "age > 1")
    };
    let problems = Rules::compile(
        vec![
            rule("a", "agee > 1"),
            rule("b", "age > 1"),
            rule("c", "age + 1"),
            rule("d", "age >"),
            rule("e", ""),
            gone,
        ],
        &resolve,
    )
    .expect_err("problems");
    let found: Vec<(&str, bool)> = problems
        .iter()
        .map(|(id, problem)| (id.as_str(), problem.line == 1))
        .collect();
    assert_eq!(
        found,
        [
            ("a", true),
            ("c", true),
            ("d", true),
            ("e", true),
            ("gone", true)
        ]
    );
}

fn rows(rows: &[Value]) -> Vec<Map<String, Value>> {
    rows.iter()
        .map(|row| row.as_object().expect("an object").clone())
        .collect()
}

#[test]
fn examples_are_tested() {
    let check =
        |rule: &RuleInput, pass: &[Value], fail: &[Value]| -> Vec<(usize, Expected, String)> {
            run_tests(rule, &rows(pass), &rows(fail), &resolve)
                .into_iter()
                .map(|failure| (failure.index, failure.expected, failure.reason))
                .collect()
        };
    let range = rule("range", "age BETWEEN 0 AND 120");
    let good = check(
        &range,
        &[
            json!({"age": 0}),
            json!({"age": 120}),
            json!({"age": null}),
            json!({}),
        ],
        &[
            json!({"age": -1}),
            serde_json::from_str(r#"{"age": 12345678901234567890123}"#).expect("JSON"),
        ],
    );
    assert_eq!(good, []);
    let bad = check(
        &range,
        &[json!({"age": 1}), json!({"age": 500}), json!({"age": "5"})],
        &[json!({"age": 5}), json!({"age": "x"})],
    );
    assert_eq!(
        bad,
        [
            (1, Expected::Pass, "violated".to_owned()),
            (2, Expected::Pass, "type_mismatch".to_owned()),
            (0, Expected::Fail, "passed".to_owned()),
            (
                1,
                Expected::Fail,
                "failed as `type_mismatch`, not by the rule itself".to_owned()
            ),
        ]
    );
    for (sql, pass, fail) in [
        (
            "address.city <> ''",
            json!({"address": {"city": "Oslo"}}),
            json!({"address.city": ""}),
        ),
        (
            "born < DATE '2020-01-01'",
            json!({"born": "1999-12-31"}),
            json!({"born": "2020-01-01"}),
        ),
        (
            "seen > '2020-01-01'",
            json!({"seen": "2020-01-01T00:00:01Z"}),
            json!({"seen": "2019-12-31T23:59:59+00:00"}),
        ),
        (
            "price > 0.5 AND active",
            json!({"price": 1, "active": true}),
            json!({"price": 0.25, "active": true}),
        ),
    ] {
        assert_eq!(check(&rule("r", sql), &[pass], &[fail]), [], "{sql}");
    }
    let ignored = RuleInput {
        action: Action::Ignore,
        ..range
    };
    assert_eq!(
        check(&ignored, &[], &[json!({"age": 5})]).len(),
        1,
        "a proposed rule is tested too"
    );
    let broken = check(&rule("broken", "agee > 1"), &[json!({"age": 1})], &[]);
    assert!(
        broken[0]
            .2
            .contains("does not compile: 1:1: there is no column `agee`"),
        "{broken:?}"
    );
}
