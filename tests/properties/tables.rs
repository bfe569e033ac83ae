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
use midflight::schema::path::{Path, Segment};
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
use super::strict::{self, unreadable};

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Text(String),
    /// JSON text, in one form for all ways to write it.
    Json(String),
    Bool(bool),
    Whole(i64),
    Decimal(i128),
    /// The bits of a double.
    Double(u64),
    List(Vec<Cell>),
    Object(Vec<Cell>),
}

type Change = (String, &'static str, &'static str);

const SIZE: &str = "DESTINATION_FIELD_SIZE_LIMITATION";
const TYPE: &str = "DESTINATION_TYPECAST_ERROR";
const FORM: &str = "DESTINATION_SERIALIZATION_ERROR";

/// Works out what columns must hold.
struct Oracle {
    number: NumberAs,
    changes: BTreeSet<Change>,
}

impl Oracle {
    fn object(&mut self, fields: &[Field], raw: &str, path: &[Segment]) -> Vec<Cell> {
        let cell = |field: &Field| {
            let path = [path, &[Segment::Key(field.name.clone())]].concat();
            let found = strict::all(raw, &field.name).expect("strict JSON");
            found
                .last()
                .map_or(Cell::Null, |raw| self.cell(&field.ty, raw, &path))
        };
        fields.iter().map(cell).collect()
    }

    fn cell(&mut self, ty: &T, raw: &str, path: &[Segment]) -> Cell {
        let told = |path: &[Segment]| Path::new(path.to_vec()).expect("steps").to_string();
        let (value, change) = match raw {
            "null" => return Cell::Null,
            _ => self.value(ty, raw, path),
        };
        if let Some(reason) = change {
            let what = match value {
                None => "NULLED",
                Some(_) => "TRUNCATED",
            };
            self.changes.insert((told(path), what, reason));
        }
        value.unwrap_or(Cell::Null)
    }

    fn value(
        &mut self,
        ty: &T,
        raw: &str,
        path: &[Segment],
    ) -> (Option<Cell>, Option<&'static str>) {
        let kept = |value: Option<Cell>| {
            let change = value.is_none().then_some(TYPE);
            (value, change)
        };
        let json = |takes: bool| kept(takes.then(|| Cell::Json(canonical(raw))));
        match ty {
            T::String => kept(text(raw).map(Cell::Text)),
            T::Boolean => kept(raw.parse().ok().map(Cell::Bool)),
            T::Integer => match Digits::of(raw).map(|digits| digits.whole()) {
                None | Some(None) => kept(None),
                Some(Some(Err(()))) => (None, Some(SIZE)),
                Some(Some(Ok(whole))) => kept(Some(Cell::Whole(whole))),
            },
            T::Number => match Digits::of(raw) {
                None => kept(None),
                Some(digits) => digits.number(raw, self.number),
            },
            T::Date | T::Timestamp | T::TimestampTz | T::Time | T::TimeTz => {
                let Some(text) = text(raw) else {
                    return kept(None);
                };
                match moment(ty, &text) {
                    Some((value, false)) => (Some(Cell::Whole(value)), None),
                    Some((value, true)) => (Some(Cell::Whole(value)), Some(SIZE)),
                    None => (None, Some(FORM)),
                }
            }
            T::Array(Some(item)) if raw.starts_with('[') => {
                let path = [path, &[Segment::Items]].concat();
                let items = strict::members(raw).expect("strict JSON").0;
                let cells = items
                    .iter()
                    .map(|(_, raw)| self.cell(item, raw.get(), &path));
                (Some(Cell::List(cells.collect())), None)
            }
            T::Object(fields) if raw.starts_with('{') => {
                (Some(Cell::Object(self.object(fields, raw, path))), None)
            }
            T::Array(None) => json(raw.starts_with('[')),
            T::SchemalessObject => json(raw.starts_with('{')),
            T::Json => json(true),
            _ => kept(None),
        }
    }
}

/// What a string reads; half of a surrogate pair as U+FFFD.
fn text(raw: &str) -> Option<String> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut units: Vec<u16> = Vec::new();
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let plain = match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let (hex, behind) = rest.as_str().split_at(4);
                    units.push(u16::from_str_radix(hex, 16).ok()?);
                    rest = behind.chars();
                    continue;
                }
                other => other,
            },
            other => other,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
    }
    Some(String::from_utf16_lossy(&units))
}

/// The decimal digits of a number, its point behind the first `point` of them.
struct Digits {
    negative: bool,
    digits: Vec<u8>,
    point: i128,
}

impl Digits {
    /// Reads a number that is JSON.
    fn of(raw: &str) -> Option<Self> {
        let negative = raw.starts_with('-');
        let plain = raw.trim_start_matches('-');
        if !plain.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let lower = plain.to_ascii_lowercase();
        let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let zeros = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').bytes().map(|byte| byte - b'0');
        let exponent: i128 = exponent.parse().expect("a small exponent");
        Some(Self {
            negative,
            digits: digits.collect(),
            point: whole.len() as i128 + exponent - zeros as i128,
        })
    }

    /// The digits before a place behind the point, and those after it.
    fn cut(&self, scale: i128) -> (Vec<u8>, Vec<u8>) {
        let keep = self.point + scale;
        if self.digits.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let mut before = self.digits.clone();
        if keep < 0 {
            return (Vec::new(), [&[0], &before[..]].concat());
        }
        let keep = usize::try_from(keep).expect("small");
        if keep >= before.len() {
            before.resize(keep, 0);
            return (before, Vec::new());
        }
        let after = before.split_off(keep);
        (before, after)
    }

    /// The whole number; an error where it has more than 64 bits, nothing where it is none.
    fn whole(&self) -> Option<Result<i64, ()>> {
        let (before, after) = self.cut(0);
        if !after.is_empty() {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        let digits: String = before.iter().map(ToString::to_string).collect();
        let digits = if digits.is_empty() { "0" } else { &digits };
        Some(format!("{sign}{digits}").parse().map_err(|_| ()))
    }

    fn number(&self, raw: &str, form: NumberAs) -> (Option<Cell>, Option<&'static str>) {
        match form {
            NumberAs::Text => (Some(Cell::Text(raw.to_owned())), None),
            NumberAs::Double => {
                let double: f64 = raw.parse().expect("a number");
                match double.is_finite() {
                    true => (Some(Cell::Double(double.to_bits())), None),
                    false => (None, Some(SIZE)),
                }
            }
            NumberAs::Decimal { precision, scale } => {
                let (before, after) = self.cut(scale.into());
                if before.len() > precision.into() {
                    return (None, Some(SIZE));
                }
                let mut value: i128 = before.iter().fold(0, |all, &it| all * 10 + i128::from(it));
                let half = match after.split_first() {
                    Some((5, rest)) if rest.iter().all(|&digit| digit == 0) => value % 2 != 0,
                    Some((&first, _)) => first >= 5,
                    None => false,
                };
                value += i128::from(half);
                if value >= 10_i128.pow(precision.into()) {
                    return (None, Some(SIZE));
                }
                let signed = if self.negative { -value } else { value };
                let lost = after.iter().any(|&digit| digit != 0);
                (Some(Cell::Decimal(signed)), lost.then_some(SIZE))
            }
        }
    }
}

/// What chrono reads of texts as [`moments`] writes them, and whether some of it has no place.
fn moment(ty: &T, text: &str) -> Option<(i64, bool)> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
    let zoned = format!("1970-01-01T{text}");
    let stamp = DateTime::parse_from_rfc3339(text).map(|it| it.naive_utc());
    let stamp = stamp.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"));
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let stamp = stamp.ok().or_else(|| date.ok()?.and_hms_opt(0, 0, 0));
    Some(match ty {
        T::Date => {
            let stamp = stamp?;
            let days = stamp.date().signed_duration_since(NaiveDate::default());
            let whole = stamp.time() == NaiveTime::default();
            (days.num_days(), !whole)
        }
        T::Timestamp | T::TimestampTz => {
            let stamp = stamp?.and_utc();
            (stamp.timestamp_micros(), stamp.nanosecond() % 1000 != 0)
        }
        _ => {
            let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f");
            let zoned = DateTime::parse_from_rfc3339(&zoned).map(|it| it.naive_utc().time());
            let time = time.or(zoned).ok()?;
            let seconds = i64::from(time.num_seconds_from_midnight());
            let micros = i64::from(time.nanosecond() / 1000);
            (seconds * 1_000_000 + micros, time.nanosecond() % 1000 != 0)
        }
    })
}

/// JSON in one form: keys sorted, of repeated ones the last, strings spelt one way, numbers as they are.
fn canonical(raw: &str) -> String {
    let members = strict::members(raw).expect("strict JSON").0;
    if raw.starts_with('[') {
        let items: Vec<_> = members
            .iter()
            .map(|(_, raw)| canonical(raw.get()))
            .collect();
        return format!("[{}]", items.join(","));
    }
    if raw.starts_with('{') {
        let last: std::collections::BTreeMap<_, _> = members
            .iter()
            .map(|(key, raw)| (key.as_deref().unwrap_or_default(), canonical(raw.get())))
            .collect();
        let members: Vec<_> = last
            .iter()
            .map(|(key, raw)| format!("{key:?}:{raw}"))
            .collect();
        return format!("{{{}}}", members.join(","));
    }
    strict::string(raw).map_or_else(|| raw.to_owned(), |text| format!("{text:?}"))
}

/// The undeclared members of an object in canonical form; nothing when there are none.
fn undeclared(fields: &[Field], raw: &str) -> Option<String> {
    let members = strict::members(raw).expect("strict JSON").0;
    let mut found = std::collections::BTreeMap::new();
    for (key, raw) in &members {
        let (key, raw) = (key.as_deref().expect("a key"), raw.get());
        let below = match fields.iter().find(|field| field.name == key) {
            None => Some(canonical(raw)),
            Some(field) => match &field.ty {
                T::Object(fields) if raw.starts_with('{') => undeclared(fields, raw),
                T::Array(Some(item)) if raw.starts_with('[') => {
                    strays(item, raw).then(|| canonical(raw))
                }
                _ => None,
            },
        };
        match below {
            Some(below) => drop(found.insert(key, below)),
            None => drop(found.remove(key)),
        }
    }
    let members: Vec<_> = found
        .iter()
        .map(|(key, raw)| format!("{key:?}:{raw}"))
        .collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

fn strays(item: &T, raw: &str) -> bool {
    let members = strict::members(raw).expect("strict JSON").0;
    members.iter().any(|(_, raw)| match item {
        T::Object(fields) if raw.get().starts_with('{') => undeclared(fields, raw.get()).is_some(),
        T::Array(Some(item)) if raw.get().starts_with('[') => strays(item, raw.get()),
        _ => false,
    })
}

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
        let mut oracle = Oracle {
            number,
            changes: BTreeSet::new(),
        };
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
