//! Parquet: types, unions, row groups, and damage.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::builder::{Int64Builder, MapBuilder, StringBuilder};
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, i256};

use super::*;
use LogicalType as T;

fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch")
}

fn named(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field = |name: &str, array: &ArrayRef| Field::new(name, array.data_type().clone(), true);
    batch(
        columns
            .into_iter()
            .map(|(name, array)| (field(name, &array), array))
            .collect(),
    )
}

fn file(batch: &RecordBatch, group_rows: usize) -> Vec<u8> {
    let level = ZstdLevel::try_new(1).expect("a level");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(group_rows))
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(batch).expect("rows");
    writer.into_inner().expect("a file")
}

fn rows(batch: &RecordBatch, declared: Option<&Columns>) -> Vec<String> {
    let staged = Staged::new("a.parquet", &file(batch, 1000));
    staged.rows(declared.map(Vec::as_slice)).expect("rows")
}

fn ones<A: Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

#[test]
fn values_keep_their_digits() {
    let d256 =
        i256::from_string("-12345678901234567890123456789012345678901234567890").expect("digits");
    let table: Vec<(&str, ArrayRef, &str, Option<LogicalType>)> = vec![
        (
            "i",
            ones(Int64Array::from(vec![i64::MIN])),
            "-9223372036854775808",
            Some(T::Integer),
        ),
        (
            "u",
            ones(UInt64Array::from(vec![u64::MAX])),
            "18446744073709551615",
            Some(T::Integer),
        ),
        (
            "f",
            ones(Float64Array::from(vec![0.1 + 0.2])),
            "0.30000000000000004",
            Some(T::Number),
        ),
        (
            "g",
            ones(Float32Array::from(vec![0.1])),
            "0.1",
            Some(T::Number),
        ),
        (
            "b",
            ones(BooleanArray::from(vec![true])),
            "true",
            Some(T::Boolean),
        ),
        (
            "s",
            ones(StringArray::from(vec!["a\"é\n"])),
            r#""a\"é\n""#,
            Some(T::String),
        ),
        (
            "v",
            ones(StringViewArray::from(vec!["a string that is not short"])),
            r#""a string that is not short""#,
            Some(T::String),
        ),
        (
            "l",
            ones(BinaryArray::from(vec![&b"\0\xff"[..]])),
            r#""AP8=""#,
            Some(T::Binary),
        ),
        (
            "d",
            ones(Date32Array::from(vec![19_723])),
            r#""2024-01-01""#,
            Some(T::Date),
        ),
        (
            "t",
            ones(Time64MicrosecondArray::from(vec![1_500_000])),
            r#""00:00:01.500""#,
            Some(T::Time),
        ),
        (
            "ts",
            ones(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")),
            r#""1970-01-01T00:00:00.000001Z""#,
            Some(T::TimestampTz),
        ),
        (
            "tn",
            ones(TimestampMillisecondArray::from(vec![-1])),
            r#""1969-12-31T23:59:59.999""#,
            Some(T::Timestamp),
        ),
        (
            "dec",
            ones(
                Decimal128Array::from(vec![-5])
                    .with_precision_and_scale(10, 2)
                    .expect("a decimal"),
            ),
            "-0.05",
            Some(T::Number),
        ),
        (
            "big",
            ones(
                Decimal256Array::from(vec![d256])
                    .with_precision_and_scale(60, 10)
                    .expect("a decimal"),
            ),
            "-1234567890123456789012345678901234567890.1234567890",
            Some(T::Number),
        ),
        (
            "dict",
            ones(DictionaryArray::<Int32Type>::from_iter(["x"])),
            r#""x""#,
            Some(T::String),
        ),
        (
            "n",
            ones(Int64Array::from(vec![None])),
            "null",
            Some(T::Integer),
        ),
    ];
    let columns = table
        .iter()
        .map(|(name, array, _, _)| (*name, Arc::clone(array)))
        .collect();
    let staged = Staged::new("a.parquet", &file(&named(columns), 10));
    let members: Vec<_> = table
        .iter()
        .map(|(name, _, json, _)| format!("\"{name}\":{json}"))
        .collect();
    let row = format!("{{{}}},\"emitted_at\":MODIFIED", members.join(","));
    assert_eq!(staged.rows(None).expect("rows"), [row]);
    let told = staged
        .open(&Part::Whole, None)
        .expect("a reader")
        .columns()
        .expect("columns");
    for ((name, ty), (expected, _, _, logical)) in told.iter().zip(&table) {
        assert_eq!((name.as_str(), Some(ty)), (*expected, logical.as_ref()));
    }
}

#[test]
fn what_json_cannot_hold_becomes_null_and_is_told() {
    let meta: Fields = vec![Field::new("sync_id", DataType::Int64, true)].into();
    let meta = StructArray::new(meta, vec![ones(Int64Array::from(vec![7, 8]))], None);
    let numbers = Float64Array::from(vec![f64::NAN, 1.0]);
    let lists = ListArray::new(
        Arc::new(Field::new("item", DataType::Float32, true)),
        OffsetBuffer::new(vec![0, 2, 2].into()),
        ones(Float32Array::from(vec![f32::INFINITY, 0.5])),
        None,
    );
    let batch = named(vec![
        ("n", ones(numbers)),
        ("_airbyte_meta", ones(meta)),
        ("l", ones(lists)),
    ]);
    assert_eq!(
        rows(&batch, None),
        [
            r#"{"n":null,"l":[null,0.5]},"emitted_at":MODIFIED,"meta":{"sync_id":7,"changes":[{"field":"n","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"},{"field":"l","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#,
            r#"{"n":1.0,"l":[]},"emitted_at":MODIFIED,"meta":{"sync_id":8}"#,
        ]
    );
}

#[test]
fn airbytes_columns_are_taken_whatever_their_type() {
    let text = |text: &str| ones(StringArray::from(vec![text]));
    for (columns, row) in [
        (
            vec![
                ("_airbyte_raw_id", text("r")),
                ("_airbyte_extracted_at", ones(Int64Array::from(vec![5]))),
                ("_airbyte_meta", text(r#"{"changes":[]}"#)),
                ("_airbyte_generation_id", ones(Int64Array::from(vec![3]))),
                ("_airbyte_data", text(r#"{"a": 1}"#)),
            ],
            r#"{"a": 1},"emitted_at":5,"meta":{"changes":[]},"_airbyte_raw_id":"r","_airbyte_generation_id":3"#,
        ),
        (
            vec![
                ("_airbyte_ab_id", text("r")),
                (
                    "_airbyte_emitted_at",
                    ones(TimestampMicrosecondArray::from(vec![1_500]).with_timezone("UTC")),
                ),
                ("a", text("x")),
            ],
            r#"{"a":"x"},"emitted_at":1,"_airbyte_raw_id":"r""#,
        ),
    ] {
        assert_eq!(rows(&named(columns), None), [row]);
    }
    let wrong = |columns| Staged::new("a.parquet", &file(&named(columns), 10)).wrong(None);
    assert_eq!(
        wrong(vec![("_airbyte_data", text("[]"))]),
        "row 1 has an `_airbyte_data` that is no object"
    );
    assert_eq!(
        wrong(vec![("_airbyte_data", text("{}")), ("a", text("x"))]),
        "has `_airbyte_data` beside columns of the record"
    );
}

/// `{type, string, integer}` of three values.
fn union() -> StructArray {
    let fields: Fields = vec![
        Field::new("type", DataType::Utf8, true),
        Field::new("string", DataType::Utf8, true),
        Field::new("integer", DataType::Int64, true),
    ]
    .into();
    StructArray::new(
        fields,
        vec![
            ones(StringArray::from(vec![
                Some("string"),
                Some("integer"),
                None,
                Some("passport"),
            ])),
            ones(StringArray::from(vec![
                Some(r#"{"a":1}"#),
                None,
                None,
                Some("x"),
            ])),
            ones(Int64Array::from(vec![None, Some(2), None, None])),
        ],
        Some(NullBuffer::from(vec![true, true, false, true])),
    )
}

#[test]
fn a_struct_that_stands_for_a_union_is_its_value() {
    let batch = named(vec![("u", ones(union()))]);
    let own = r#"{"type":"passport","string":"x","integer":null}"#;
    let values = |declared: Option<LogicalType>| {
        let declared = declared.map(|ty| columns(&[("u", ty)]));
        let rows = rows(&batch, declared.as_ref());
        let value = |row: &String| {
            row.replace(r#"{"u":"#, "")
                .replace(r#"},"emitted_at":MODIFIED"#, "")
        };
        rows.iter().map(value).collect::<Vec<_>>()
    };
    assert_eq!(values(None), [r#""{\"a\":1}""#, "2", "null", own]);
    assert_eq!(
        values(Some(T::union([T::Integer, T::String]))),
        [r#""{\"a\":1}""#, "2", "null", own]
    );
    assert_eq!(
        values(Some(T::union([T::Integer, T::SchemalessObject]))),
        [r#"{"a":1}"#, "2", "null", own]
    );
    let object = values(Some(T::SchemalessObject));
    assert_eq!(object[1], r#"{"type":"integer","string":null,"integer":2}"#);
    let staged = Staged::new("a.parquet", &file(&batch, 10));
    let told = staged.open(&Part::Whole, None).expect("a reader").columns();
    assert_eq!(
        told,
        Some(columns(&[("u", T::union([T::String, T::Integer]))]))
    );
}

#[test]
fn nested_values_and_text_that_is_json() {
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k\"");
    map.values().append_value(1);
    map.append(true).expect("a map");
    let mut further = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    further.keys().append_value("x");
    further.values().append_value("y");
    further.append(true).expect("a map");
    let inner: Fields = vec![
        Field::new("j", DataType::Utf8, true),
        Field::new(
            "t",
            DataType::Timestamp(
                arrow::datatypes::TimeUnit::Millisecond,
                Some("+00:00".into()),
            ),
            true,
        ),
    ]
    .into();
    let inner = StructArray::new(
        inner,
        vec![
            ones(StringArray::from(vec!["[1]"])),
            ones(TimestampMillisecondArray::from(vec![0]).with_timezone("+00:00")),
        ],
        None,
    );
    let marked = |name: &str, mark: &str| {
        let mark = std::collections::HashMap::from([("airbyte_type".to_owned(), mark.to_owned())]);
        Field::new(name, DataType::Utf8, true).with_metadata(mark)
    };
    let text = |text: &str| ones(StringArray::from(vec![text]));
    let plain =
        |name: &str, array: ArrayRef| (Field::new(name, array.data_type().clone(), true), array);
    let batch = batch(vec![
        plain("map", ones(map.finish())),
        plain("o", ones(inner)),
        (marked("m", "object"), text(r#"{"a":[]}"#)),
        plain("p", text(r#"{"a":[]}"#)),
        plain("_airbyte_additional_properties", ones(further.finish())),
    ]);
    assert_eq!(
        rows(&batch, None),
        [
            r#"{"map":{"k\"":1},"o":{"j":"[1]","t":"1970-01-01T00:00:00Z"},"m":{"a":[]},"p":"{\"a\":[]}","x":"y"},"emitted_at":MODIFIED"#
        ]
    );
    let key = |name: &str, ty| crate::schema::Field {
        name: name.to_owned(),
        ty,
        required: false,
    };
    let declared = columns(&[
        (
            "o",
            T::Object(vec![key("j", T::Array(None)), key("t", T::Timestamp)]),
        ),
        ("m", T::String),
        ("p", T::Json),
    ]);
    assert_eq!(
        rows(&batch, Some(&declared)),
        [
            r#"{"map":{"k\"":1},"o":{"j":[1],"t":"1970-01-01T00:00:00"},"m":"{\"a\":[]}","p":{"a":[]},"x":"y"},"emitted_at":MODIFIED"#
        ]
    );
    let staged = Staged::new("a.parquet", &file(&batch, 10));
    let told = staged
        .open(&Part::Whole, None)
        .expect("a reader")
        .columns()
        .expect("columns");
    let told: Vec<_> = told
        .iter()
        .map(|(name, ty)| format!("{name} {ty}"))
        .collect();
    assert_eq!(
        told,
        [
            "map object without declared keys",
            "o object",
            "m object without declared keys",
            "p string"
        ]
    );
}

fn many() -> RecordBatch {
    let texts =
        (0..20_000).map(|row: u64| format!("{:x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    named(vec![
        ("n", ones(Int64Array::from_iter_values(0..20_000))),
        ("t", ones(StringArray::from_iter_values(texts))),
    ])
}

#[test]
fn row_groups_are_the_whole() {
    let staged = Staged::new("a.parquet", &file(&many(), 1500));
    let whole = staged.part(&Part::Whole).expect("the whole");
    assert_eq!(whole.1, (0..20_000).collect::<Vec<_>>());
    for part_bytes in [1, 50_000, 100_000, 1 << 30] {
        let parts = divide(&staged.bucket, &staged.object, part_bytes).expect("parts");
        let mut together = (Vec::new(), Vec::new());
        for part in &parts {
            let (lines, offsets) = staged.part(part).expect("a part");
            together.0.extend(lines);
            together.1.extend(offsets);
        }
        assert!(together == whole, "{part_bytes}");
        match part_bytes {
            1 => assert_eq!(parts.len(), 14),
            50_000 => assert!(parts.len() > 2 && parts.len() < 14),
            _ => {}
        }
    }
}

#[test]
fn damage_is_an_error() {
    let bytes = file(&many().slice(0, 3000), 1000);
    let good = Staged::new("a.parquet", &bytes)
        .part(&Part::Whole)
        .expect("the whole")
        .0;
    for cut in [0, 8, 11, 100, bytes.len() / 2, bytes.len() - 1] {
        let wrong = Staged::new("a.parquet", &bytes[..cut]).wrong(None);
        assert!(wrong.starts_with("is no Parquet file"), "{cut}: {wrong}");
    }
    let mut refused = 0;
    for step in 0..60 {
        let mut damaged = bytes.clone();
        let at = bytes.len() * step / 60;
        damaged[at] ^= 0x41;
        match Staged::new("a.parquet", &damaged).part(&Part::Whole) {
            Ok((lines, _)) => assert_eq!(lines.len(), good.len(), "{at}"),
            Err(error) => {
                refused += 1;
                assert_eq!(error.kind(), crate::error::ErrorKind::Protocol, "{error}");
            }
        }
    }
    // This writer leaves no checksums: what only makes other letters passes.
    assert!(refused > 5, "{refused}");
}
