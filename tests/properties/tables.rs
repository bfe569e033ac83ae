//! Columns hold what a strict reader finds in the record, and changes tell of what they cannot hold; Parquet gives the
//! same rows back.

use std::collections::BTreeSet;

use arrow::array::{Array, RecordBatch, StructArray, cast::AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use midflight::protocol::frame::Span;
use midflight::protocol::scan::PADDING;
use midflight::schema::{Field, LogicalType as T};
use midflight::sink::table::{Builder, ColumnSpec, Layout, NumberAs, Origin, Table, TableSpec};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::budget::{Verdict, check};
use super::json::{Json, blank, key, number, shallow, spelt, string};
use super::must;
use super::oracle::{Cell, Oracle, canonical, undeclared};
use super::strict::{self, unreadable};

/// The cell of a row.
fn cell(ty: &T, array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row).to_owned();
            match ty {
                T::Array(None) | T::SchemalessObject | T::Json => Cell::Json(canonical(&text)),
                _ => Cell::Text(text),
            }
        }
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int64 => Cell::Whole(array.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(..) => {
            Cell::Decimal(array.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::Float64 => Cell::Double(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Date32 => Cell::Whole(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Time64(_) => {
            Cell::Whole(array.as_primitive::<Time64MicrosecondType>().value(row))
        }
        DataType::Timestamp(..) => {
            Cell::Whole(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::List(_) => {
            let T::Array(Some(item)) = ty else {
                panic!("a list of {ty:?}");
            };
            let items = array.as_list::<i32>().value(row);
            Cell::List((0..items.len()).map(|at| cell(item, &items, at)).collect())
        }
        DataType::Struct(_) => {
            let T::Object(fields) = ty else {
                panic!("a struct of {ty:?}");
            };
            let columns = array.as_struct().columns();
            let cells = fields.iter().zip(columns);
            Cell::Object(cells.map(|(field, of)| cell(&field.ty, of, row)).collect())
        }
        other => panic!("a column of {other}"),
    }
}

fn changes(meta: &StructArray, row: usize) -> BTreeSet<(String, String, String)> {
    let changes = meta.column(1).as_list::<i32>().value(row);
    let parts = changes.as_struct();
    let text = |part: usize, at| parts.column(part).as_string::<i32>().value(at).to_owned();
    (0..parts.len())
        .map(|at| (text(0, at), text(1, at), text(2, at)))
        .collect()
}

const KEYS: [&str; 10] = [
    "email", "address", "items", "id", "a.b", "日", "a\"b", "stream", "data", "Email",
];

fn fields(ty: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = Vec<Field>> {
    subsequence(KEYS.to_vec(), 1..5).prop_flat_map(move |keys| {
        let types = vec(ty.clone(), keys.len());
        types.prop_map(move |types| {
            let fields = keys.iter().zip(types);
            let field = |(name, ty): (&&str, T)| Field {
                name: (*name).to_owned(),
                ty,
                required: false,
            };
            fields.map(field).collect()
        })
    })
}

fn ty() -> BoxedStrategy<T> {
    let leaf = select(vec![
        T::String,
        T::Boolean,
        T::Integer,
        T::Number,
        T::Date,
        T::Timestamp,
        T::TimestampTz,
        T::Time,
        T::TimeTz,
        T::Array(None),
        T::SchemalessObject,
        T::Json,
    ]);
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|item| T::Array(Some(Box::new(item)))),
            fields(inner).prop_map(T::Object),
        ]
    })
    .boxed()
}

fn moments() -> impl Strategy<Value = String> {
    let date = (1..9999_i32, 1..13_u8, 1..31_u8)
        .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let clock = (0..25_u8, 0..61_u8, 0..61_u8, "(\\.[0-9]{1,9})?")
        .prop_map(|(hour, minute, second, more)| format!("{hour:02}:{minute:02}:{second:02}{more}"))
        .prop_filter("chrono knows leap seconds", |text| !text.contains(":60"));
    let zone = select(vec!["", "Z", "+02:00", "-11:30", "+00:00"]);
    prop_oneof![
        date.clone(),
        (clock.clone(), zone.clone()).prop_map(|(clock, zone)| format!("{clock}{zone}")),
        (date, clock, zone).prop_map(|(date, clock, zone)| format!("{date}T{clock}{zone}")),
        select(vec!["soon", "", "2024-02-30", "12"]).prop_map(str::to_owned),
    ]
}

/// A value, mostly of a type.
fn value(ty: &T) -> BoxedStrategy<Json> {
    let scalar = |text: String| Json::Scalar(text);
    let fitting = match ty {
        T::String => string().prop_map(scalar).boxed(),
        T::Boolean => select(vec!["true", "false"])
            .prop_map(|it| Json::Scalar(it.to_owned()))
            .boxed(),
        T::Integer | T::Number => number().prop_map(scalar).boxed(),
        T::Date | T::Timestamp | T::TimestampTz | T::Time | T::TimeTz => moments()
            .prop_map(|text| Json::Scalar(format!("\"{text}\"")))
            .boxed(),
        T::Array(Some(item)) => (vec(value(item), 0..4), blank())
            .prop_map(|(items, blank)| Json::Array(items, blank))
            .boxed(),
        T::Object(fields) => object(fields),
        _ => shallow().boxed(),
    };
    prop_oneof![6 => fitting, 1 => shallow(), 1 => Just(Json::Scalar("null".to_owned()))].boxed()
}

/// An object with most of its fields, some of them twice, and members that nothing declares.
fn object(fields: &[Field]) -> BoxedStrategy<Json> {
    let members: Vec<_> = fields
        .iter()
        .map(|field| {
            let (name, times) = (
                field.name.clone(),
                prop_oneof![1 => Just(0..1_usize), 5 => Just(1..2), 1 => Just(2..3)],
            );
            let value = value(&field.ty);
            times.prop_flat_map(move |times| {
                let name = name.clone();
                let key = prop_oneof![4 => Just(0), 1 => any::<u8>()]
                    .prop_map(move |escaped| spelt(&name, escaped));
                vec((key, value.clone()), times)
            })
        })
        .collect();
    let extra = prop_oneof![3 => Just(0..1_usize), 1 => Just(1..4)]
        .prop_flat_map(|times| vec((key(), shallow()), times));
    (members, extra, blank())
        .prop_map(|(members, extra, blank)| {
            (
                members
                    .concat()
                    .into_iter()
                    .chain(extra)
                    .collect::<Vec<_>>(),
                blank,
            )
        })
        .prop_flat_map(|(members, blank)| (Just(members).prop_shuffle(), Just(blank)))
        .prop_map(|(members, blank)| Json::Object(members, blank))
        .boxed()
}

type Case = (Vec<Field>, Vec<Json>, NumberAs, bool);

fn case() -> impl Strategy<Value = Case> {
    let number = select(vec![
        NumberAs::default(),
        NumberAs::Decimal {
            precision: 10,
            scale: 2,
        },
        NumberAs::Decimal {
            precision: 38,
            scale: 0,
        },
        NumberAs::Decimal {
            precision: 18,
            scale: 18,
        },
        NumberAs::Double,
        NumberAs::Text,
    ]);
    (fields(ty()), number, any::<bool>()).prop_flat_map(|(fields, number, airbyte)| {
        let records = vec(object(&fields), 1..8);
        (Just(fields), records, Just(number), Just(airbyte))
    })
}

/// The rows of lines, in two batches.
fn batch(table: &Table, lines: &[String]) -> Result<RecordBatch, TestCaseError> {
    let failed = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
    let mut builder = Builder::new(
        table,
        Origin {
            generation_id: 1,
            sync_id: 2,
        },
    );
    let mut batches = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut bytes = line.clone().into_bytes();
        let end = bytes.len() as u32;
        bytes.resize(bytes.len() + PADDING, b'\n');
        let span = Span { start: 0, end };
        builder
            .push(&bytes, span, at as u64)
            .map_err(|error| failed(&error))?;
        if at == 2 {
            batches.push(builder.finish().map_err(|error| failed(&error))?);
        }
    }
    batches.push(builder.finish().map_err(|error| failed(&error))?);
    concat_batches(table.schema(), &batches).map_err(|error| failed(&error))
}

fn through_parquet(batch: &RecordBatch) -> Result<RecordBatch, parquet::errors::ParquetError> {
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None)?;
    writer.write(batch)?;
    writer.close()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file))?.build()?;
    let read = reader.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&batch.schema(), &read)?)
}

fn holds((fields, records, number, airbyte): Case) -> Verdict {
    let layout = if airbyte {
        Layout::Airbyte
    } else {
        Layout::Midflight
    };
    let columns = fields.iter().map(|field| ColumnSpec {
        name: field.name.clone(),
        ty: field.ty.clone(),
        number,
        vector: false,
        notes: Vec::new(),
    });
    let spec = TableSpec {
        layout,
        columns: columns.collect(),
        flatten: true,
    };
    let table = match Table::compile(&spec) {
        Ok(table) => table,
        // `日` and `a"b` are each one `_` away from another key.
        Err(error) => return must(airbyte, || error.to_string()),
    };
    let lines: Vec<_> = records
        .iter()
        .map(|record| {
            let data = record.text();
            format!(r#"{{"type":"RECORD","record":{{"stream":"s","data":{data},"emitted_at":1}}}}"#)
        })
        .collect();
    let batch = batch(&table, &lines)?;
    let read = through_parquet(&batch).map_err(|error| TestCaseError::fail(error.to_string()))?;
    must(batch == read, || format!("{batch:?}\nis read as\n{read:?}"))?;
    for (row, record) in records.iter().enumerate() {
        let raw = record.text();
        strict::members(&raw).map_err(|error| unreadable(&error))?;
        let number = if airbyte { NumberAs::Double } else { number };
        let mut oracle = Oracle::of(number);
        let expected = oracle.object(&fields, &raw, &[]);
        let found: Vec<_> = fields
            .iter()
            .enumerate()
            .map(|(at, field)| cell(&field.ty, batch.column(4 + at), row))
            .collect();
        must(found == expected, || {
            format!("row {row}: found {found:?}\nbut expected {expected:?}")
        })?;
        let told = changes(batch.column(2).as_struct(), row);
        let expected: BTreeSet<_> = oracle
            .changes
            .iter()
            .map(|(path, change, reason)| {
                (path.clone(), (*change).to_owned(), (*reason).to_owned())
            })
            .collect();
        must(told == expected, || {
            format!("row {row}: told {told:?}\nbut expected {expected:?}")
        })?;
        if !airbyte {
            let extra = batch.column(4 + fields.len()).as_string::<i32>();
            let found = extra.is_valid(row).then(|| extra.value(row));
            let found = found.map(|text| {
                strict::members(text).map_err(|error| unreadable(&error))?;
                Ok::<_, TestCaseError>(canonical(text))
            });
            let (found, expected) = (found.transpose()?, undeclared(&fields, &raw));
            must(found == expected, || {
                format!("row {row}: kept {found:?}\nbut expected {expected:?}")
            })?;
        }
    }
    Ok(())
}

#[test]
fn columns_hold_what_a_strict_reader_finds() {
    check(&case(), holds);
}
