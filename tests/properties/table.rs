//! Rows of a table are what a plain reading of the record says, whatever the schema and however it is written.

mod cells;
mod oracle;

use arrow::array::{Array, AsArray};
use midflight::protocol::frame::Span;
use midflight::protocol::scan::PADDING;
use midflight::schema::{Field, LogicalType as T};
use midflight::sink::table::{Builder, ColumnSpec, Layout, NumberAs, Origin, Table, TableSpec};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use super::budget::{Verdict, check};
use super::json::{Json, blank, key, number, shallow, spelt, string};
use super::must;

/// Names of declared columns; none is a key that [`key`] makes.
const NAMES: [&str; 7] = [
    "a1",
    "a2",
    "a long name of a column",
    "ä",
    "p.q",
    "q\"t",
    "z",
];

/// A table, and records for it.
#[derive(Debug, Clone)]
struct Case {
    spec: TableSpec,
    records: Vec<Json>,
}

fn ty() -> impl Strategy<Value = T> {
    let scalars = vec![
        T::String,
        T::Boolean,
        T::Integer,
        T::Number,
        T::Date,
        T::TimestampTz,
        T::Timestamp,
        T::TimeTz,
        T::Time,
        T::BigInteger,
        T::Binary,
        T::Json,
        T::SchemalessObject,
        T::Array(None),
        T::Object(Vec::new()),
    ];
    select(scalars).prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|item| T::Array(Some(Box::new(item)))),
            vec(inner, 1..5).prop_map(|types| {
                let fields = NAMES.iter().zip(types).map(|(name, ty)| Field {
                    name: (*name).to_owned(),
                    ty,
                    required: false,
                });
                T::Object(fields.collect())
            }),
        ]
    })
}

fn number_as() -> impl Strategy<Value = NumberAs> {
    let decimal = |precision, scale| NumberAs::Decimal { precision, scale };
    select(vec![
        NumberAs::default(),
        decimal(5, 2),
        decimal(38, 38),
        decimal(38, 0),
        NumberAs::Double,
        NumberAs::Text,
    ])
}

/// A value that mostly fits its type.
fn fitting(ty: &T) -> BoxedStrategy<Json> {
    let text = |text: String| Json::Scalar(format!("\"{text}\""));
    // Random text might read as a time, by chance: what is no time is one word here.
    let other = if ty.is_text_like() && !matches!(ty, T::String | T::Binary) {
        let odd = prop_oneof![
            Just("\"soon\"".to_owned()),
            Just("\"2023-02-29\"".to_owned()),
            number()
        ];
        odd.prop_map(Json::Scalar).boxed()
    } else {
        shallow().boxed()
    };
    let own = match ty {
        T::String | T::Binary => string().prop_map(Json::Scalar).boxed(),
        T::Boolean => select(vec!["true", "false"])
            .prop_map(|literal| Json::Scalar(literal.to_owned()))
            .boxed(),
        T::Integer | T::Number | T::BigInteger => number().prop_map(Json::Scalar).boxed(),
        T::Date => oracle::moment()
            .prop_map(move |moment| text(moment.format("%Y-%m-%d").to_string()))
            .boxed(),
        T::TimestampTz | T::Timestamp => oracle::moment()
            .prop_map(move |moment| text(moment.to_rfc3339()))
            .boxed(),
        T::TimeTz | T::Time => oracle::moment()
            .prop_map(move |moment| text(moment.format("%H:%M:%S%.f").to_string()))
            .boxed(),
        T::Array(Some(item)) => (vec(fitting(item), 0..4), blank())
            .prop_map(|(items, blank)| Json::Array(items, blank))
            .boxed(),
        T::Object(fields) if !fields.is_empty() => object(fields),
        _ => shallow().boxed(),
    };
    let null = Just(Json::Scalar("null".to_owned()));
    prop_oneof![8 => own, 1 => null, 1 => other].boxed()
}

/// An object with some of these keys, at times twice or spelt with escapes, and others.
fn object(fields: &[Field]) -> BoxedStrategy<Json> {
    let fields: Vec<_> = fields
        .iter()
        .map(|field| (field.name.clone(), fitting(&field.ty)))
        .collect();
    let declared = any::<(Index, u8, bool)>().prop_flat_map(move |(which, escaped, plain)| {
        let (name, value) = &fields[which.index(fields.len())];
        let escaped = if plain { 0 } else { escaped };
        (Just(spelt(name, escaped)), value.clone())
    });
    let member = prop_oneof![5 => declared, 1 => (key(), shallow())];
    (vec(member, 0..8), blank())
        .prop_map(|(members, blank)| Json::Object(members, blank))
        .boxed()
}

fn case() -> impl Strategy<Value = Case> {
    let column = (ty(), number_as());
    let layout = select(vec![Layout::Midflight, Layout::Midflight, Layout::Airbyte]);
    (layout, vec(column, 1..6)).prop_flat_map(|(layout, columns)| {
        let columns = NAMES
            .iter()
            .zip(columns)
            .map(|(name, (ty, number))| ColumnSpec {
                name: (*name).to_owned(),
                ty,
                number,
                vector: false,
                notes: Vec::new(),
            });
        let spec = TableSpec {
            layout,
            columns: columns.collect(),
            flatten: true,
        };
        let fields: Vec<_> = oracle::fields(&spec);
        vec(object(&fields), 1..5).prop_map(move |records| Case {
            spec: spec.clone(),
            records,
        })
    })
}

#[test]
fn a_row_is_what_a_plain_reading_of_the_record_says() {
    check(&case(), |case| {
        let table = Table::compile(&case.spec).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let origin = Origin {
            generation_id: 1,
            sync_id: 2,
        };
        let mut builder = Builder::new(&table, origin);
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for record in &case.records {
            let start = bytes.len() as u32;
            let data = record.text();
            let line = format!(r#"{{"type":"RECORD","record":{{"data":{data},"emitted_at":7}}}}"#);
            bytes.extend_from_slice(line.as_bytes());
            let end = bytes.len() as u32;
            lines.push(Span { start, end });
            bytes.push(b'\n');
        }
        bytes.resize(bytes.len() + PADDING, b'\n');
        for line in lines {
            let pushed = builder.push(&bytes, line, line.start.into());
            pushed.map_err(|e| TestCaseError::fail(e.to_string()))?;
        }
        let batch = builder
            .finish()
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        for (row, record) in case.records.iter().enumerate() {
            compare(&case.spec, &batch, row, record)?;
        }
        Ok(())
    });
}

fn compare(
    spec: &TableSpec,
    batch: &arrow::array::RecordBatch,
    row: usize,
    record: &Json,
) -> Verdict {
    let expected = oracle::row(spec, record);
    for (at, value) in expected.values.iter().enumerate() {
        let found = cells::cell(batch.column(4 + at), row);
        must(found == *value, || {
            format!("column {at} of row {row} is {found}, not {value}")
        })?;
    }
    let meta = batch.column(2).as_struct();
    let changes = cells::cell(meta.column(1), row);
    let told: Vec<_> = expected
        .changes
        .iter()
        .map(|change| {
            serde_json::json!({
                "field": change.0, "change": change.1, "reason": change.2
            })
        })
        .collect();
    must(changes == Value::Array(told.clone()), || {
        format!("row {row} tells {changes}, not {told:?}")
    })?;
    if spec.layout == Layout::Midflight {
        let extra = batch.column(batch.num_columns() - 1).as_string::<i32>();
        let extra = extra.is_valid(row).then(|| extra.value(row));
        must(extra == expected.extra.as_deref(), || {
            format!("row {row} keeps {extra:?}, not {:?}", expected.extra)
        })?;
    }
    Ok(())
}
