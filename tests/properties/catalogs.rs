//! The catalog that the destination is given accepts every value that the destination is given.

use midflight::schema::{LogicalType, StreamSchema, kind_of};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::budget::{Verdict, check};
use super::engine::{Way, plan, run};
use super::{must, shown, strict};

/// A column: its schema, values that fit it, and the stages that may stand on it.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) schema: &'static str,
    values: &'static [&'static str],
    stages: &'static [&'static str],
}

pub(super) const COLUMNS: [Column; 10] = [
    Column {
        name: "name",
        schema: r#"{"type":"string"}"#,
        values: &[
            r#""Ada Lovelace""#,
            r#""""#,
            r#""\u0041\n""#,
            r#""12""#,
            r#""日本""#,
        ],
        stages: &[
            "mask: {column: name, with: redact}",
            "mask: {column: name, with: partial}",
            "mask: {column: name, with: hash, key: k}",
            "mask: {column: name, with: token, key: k}",
            "mask: {column: name, with: pseudonym, key: k, kind: NAME}",
            "mask: {column: name, with: generalize, prefix: 1}",
            "mask: {column: name, with: encrypt, key: k}",
            "mask: {column: name, with: nullify}",
            "cast: {column: name, to: integer, on_error: 'null'}",
            "cast: {column: name, to: number, on_error: 'null'}",
            "detect: {columns: [name], kinds: all, with: redact}",
            "rename: {from: name, to: full name}",
            "drop: [name]",
            "derive: {column: shout, sql: 'upper(name)'}",
        ],
    },
    Column {
        name: "age",
        schema: r#"{"type":["null","integer"]}"#,
        values: &["0", "-1", "41", "9007199254740993"],
        stages: &[
            "mask: {column: age, with: redact}",
            "mask: {column: age, with: hash, key: k}",
            "mask: {column: age, with: token, key: k}",
            "mask: {column: age, with: generalize, range: 10}",
            "mask: {column: age, with: nullify}",
            "cast: {column: age, to: string, on_error: fail}",
            "cast: {column: age, to: number, on_error: fail}",
            "derive: {column: double, sql: 'age * 2.5'}",
            "derive: {column: grown, sql: 'age >= 18'}",
            "derive: {column: next, sql: 'age + 1'}",
            "filter: 'age > 0'",
        ],
    },
    Column {
        name: "score",
        schema: r#"{"type":"number"}"#,
        values: &["0", "1.10", "-3E2", "0.1"],
        stages: &[
            "mask: {column: score, with: partial}",
            "mask: {column: score, with: generalize, range: 5}",
            "cast: {column: score, to: integer, on_error: 'null'}",
            "cast: {column: score, to: string, on_error: 'null'}",
        ],
    },
    Column {
        name: "active",
        schema: r#"{"type":"boolean"}"#,
        values: &["true", "false"],
        stages: &[
            "mask: {column: active, with: hash, key: k}",
            "mask: {column: active, with: encrypt, key: k}",
            "cast: {column: active, to: string, on_error: fail}",
        ],
    },
    Column {
        name: "born",
        schema: r#"{"type":"string","format":"date"}"#,
        values: &[r#""1815-12-10""#, r#""2000-02-29""#],
        stages: &[
            "mask: {column: born, with: shift_date, key: k, days: 30}",
            "mask: {column: born, with: generalize, to: month}",
            "mask: {column: born, with: generalize, to: year}",
            "mask: {column: born, with: redact}",
            "cast: {column: born, to: timestamp_without_timezone, on_error: fail}",
        ],
    },
    Column {
        name: "seen",
        schema: r#"{"type":"string","format":"date-time","airbyte_type":"timestamp_with_timezone"}"#,
        values: &[
            r#""2024-01-15T10:30:00Z""#,
            r#""2024-01-15T10:30:00.123456+05:30""#,
        ],
        stages: &[
            "mask: {column: seen, with: shift_date, key: k, days: 3, subject: name}",
            "mask: {column: seen, with: generalize, to: year}",
            "cast: {column: seen, to: date, on_error: fail}",
        ],
    },
    Column {
        name: "address",
        schema: r#"{"type":"object","properties":{"street":{"type":"string"},"number":{"type":"integer"}}}"#,
        values: &[
            r#"{"street":"Main","number":1}"#,
            "{}",
            r#"{ "street" : "x" , "extra" : [1] }"#,
        ],
        stages: &[
            "mask: {column: address, with: redact}",
            "mask: {column: address.street, with: hash, key: k}",
            "mask: {column: address.number, with: generalize, range: 10}",
            "mask: {column: address, with: nullify}",
            "drop: [address.street]",
            "rename: {from: address.street, to: road}",
        ],
    },
    Column {
        name: "tags",
        schema: r#"{"type":"array","items":{"type":"integer"}}"#,
        values: &["[]", "[1,2]", "[ 3 ]"],
        stages: &[
            "mask: {column: 'tags[]', with: redact}",
            "mask: {column: tags, with: redact}",
        ],
    },
    Column {
        name: "either",
        schema: r#"{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"object","properties":{"a":{"type":"string"}}}]}"#,
        values: &[r#""x""#, "7", r#"{"a":"b"}"#],
        stages: &[
            "mask: {column: either, with: redact}",
            "mask: {column: either.a, with: redact}",
        ],
    },
    Column {
        name: "big",
        schema: r#"{"type":"string","airbyte_type":"big_integer"}"#,
        values: &[r#""123456789012345678901234567890""#, r#""-5""#],
        stages: &[
            "mask: {column: big, with: hash, key: k}",
            "mask: {column: big, with: token, key: k}",
        ],
    },
];

/// One stage each for some columns, in any order.
pub(super) fn stages() -> impl Strategy<Value = Vec<&'static str>> {
    let chosen = subsequence((0..COLUMNS.len()).collect::<Vec<_>>(), 1..COLUMNS.len());
    let chosen = chosen.prop_flat_map(|columns| {
        columns
            .into_iter()
            .map(|column| select(COLUMNS[column].stages))
            .collect::<Vec<_>>()
    });
    chosen.prop_shuffle().prop_map(fitting)
}

/// A stage that names a column which an earlier one took away would rightly be refused.
fn fitting(mut stages: Vec<&'static str>) -> Vec<&'static str> {
    let subject = stages.iter().position(|stage| stage.contains("subject"));
    if let Some(at) = subject {
        let first = stages.remove(at);
        stages.insert(0, first);
    }
    stages
}

/// Members of a record: every column present, null or absent.
fn record() -> impl Strategy<Value = String> {
    let values: Vec<_> = COLUMNS
        .iter()
        .map(|column| {
            let value = prop_oneof![8 => select(column.values), 1 => Just("null")];
            option::weighted(0.9, value)
                .prop_map(|value| value.map(|value| format!("\"{}\":{value}", column.name)))
        })
        .collect();
    values.prop_map(|members| {
        let members: Vec<_> = members.into_iter().flatten().collect();
        format!("{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"s\",\"data\":{{{}}},\"emitted_at\":1}}}}\n", members.join(","))
    })
}

fn catalog() -> String {
    let properties: serde_json::Map<_, _> = COLUMNS
        .iter()
        .map(|column| {
            (
                column.name.to_owned(),
                serde_json::from_str(column.schema).expect("a schema"),
            )
        })
        .collect();
    let stream = json!({"name": "s", "json_schema": {"type": "object", "properties": properties}, "supported_sync_modes": ["full_refresh"]});
    json!({"streams": [{"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}).to_string()
}

#[test]
fn the_rewritten_catalog_accepts_what_leaves() {
    let catalog = catalog();
    check(&(stages(), vec(record(), 1..8)), |(stages, records)| {
        let stages: Vec<_> = stages
            .iter()
            .map(|stage| format!("      - {stage}\n"))
            .collect();
        let config = format!(
            "version: 1\nkeys: {{k: {{env: KEY}}}}\nunlisted: pass\nstreams:\n  s:\n    stages:\n{}",
            stages.concat()
        );
        let plan = plan(&config, Some(&catalog));
        let rewritten = plan
            .rewritten_catalog()
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let schema = &rewritten["streams"][0]["stream"]["json_schema"];
        let run = run(&plan, records.concat().as_bytes(), &Way::plain());
        must(run.failed.is_none(), || format!("{config}{:?}", run.failed))?;
        let body = shown(run.body());
        for line in body.lines() {
            accepted(schema, line)
                .map_err(|why| TestCaseError::fail(format!("{why}\n{line}\n{config}{schema}")))?;
        }
        Ok(())
    });
}

fn accepted(schema: &Value, line: &str) -> Result<(), String> {
    let schema = StreamSchema::from_json_schema(schema).map_err(|error| error.to_string())?;
    let told = |error: serde_json::Error| error.to_string();
    for record in strict::all(line, "record").map_err(told)? {
        for data in strict::all(record, "data").map_err(told)? {
            for (name, value) in strict::members(data).map_err(told)?.0 {
                let name = name.unwrap_or_default();
                let declared = schema.columns().find(|(column, _)| *column == name);
                let (_, ty) = declared.ok_or_else(|| format!("`{name}` is not declared"))?;
                fits(ty, value.get(), &name)?;
            }
        }
    }
    Ok(())
}

/// Whether a value has its declared type, and all that is declared inside it too.
fn fits(ty: &LogicalType, value: &str, place: &str) -> Result<(), String> {
    let kind = kind_of(value.as_bytes()).ok_or_else(|| format!("`{place}` holds no JSON"))?;
    if !ty.accepts(kind) {
        return Err(format!("`{place}` is {kind} and declared {ty}"));
    }
    let members = strict::members(value).map_err(|error| error.to_string())?.0;
    for (name, value) in members {
        match (ty, name) {
            (LogicalType::Object(fields), Some(name)) => {
                if let Some(field) = fields.iter().find(|field| field.name == name) {
                    fits(&field.ty, value.get(), &format!("{place}.{name}"))?;
                }
            }
            (LogicalType::Array(Some(item)), None) => {
                fits(item, value.get(), &format!("{place}[]"))?
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn the_judge_of_types_can_fail() -> Result<(), String> {
    let schema: Value = serde_json::from_str(&catalog()).map_err(|error| error.to_string())?;
    let schema = &schema["streams"][0]["stream"]["json_schema"];
    let line = |member: &str| format!("{{\"record\":{{\"data\":{{{member}}}}}}}");
    accepted(
        schema,
        &line(r#""age":null,"tags":[1],"address":{"number":2}"#),
    )?;
    for wrong in [
        r#""age":"x""#,
        r#""unknown":1"#,
        r#""tags":["x"]"#,
        r#""address":{"number":"2"}"#,
    ] {
        let verdict: Verdict = accepted(schema, &line(wrong)).map_err(TestCaseError::fail);
        assert!(verdict.is_err(), "{wrong}");
    }
    Ok(())
}
