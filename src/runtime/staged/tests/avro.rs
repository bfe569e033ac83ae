//! Avro: every type and packing, and damage.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_avro::compression::CompressionCodec;
use arrow_avro::writer::{WriterBuilder, format::AvroOcfFormat};

use super::*;
use LogicalType as T;

fn long(value: i64, into: &mut Vec<u8>) {
    let mut rest = (value << 1 ^ value >> 63).cast_unsigned();
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

fn sized(bytes: &[u8], into: &mut Vec<u8>) {
    long(bytes.len() as i64, into);
    into.extend_from_slice(bytes);
}

/// A container of these blocks, each a count and its bytes.
fn container(schema: &str, blocks: &[(i64, &[u8])]) -> Vec<u8> {
    let mut file = b"Obj\x01".to_vec();
    long(1, &mut file);
    sized(b"avro.schema", &mut file);
    sized(schema.as_bytes(), &mut file);
    long(0, &mut file);
    file.extend_from_slice(&[7; 16]);
    for (count, bytes) in blocks {
        long(*count, &mut file);
        sized(bytes, &mut file);
        file.extend_from_slice(&[7; 16]);
    }
    file
}

/// The value of the only field of one record.
fn value(ty: &str, bytes: &[u8], declared: Option<LogicalType>) -> String {
    let schema = format!(r#"{{"type":"record","name":"r","fields":[{{"name":"v","type":{ty}}}]}}"#);
    let staged = Staged::new("a.avro", &container(&schema, &[(1, bytes)]));
    let declared = declared.map(|ty| columns(&[("v", ty)]));
    let rows = staged.rows(declared.as_deref()).expect(ty);
    assert_eq!(rows.len(), 1);
    let row = rows[0].strip_prefix(r#"{"v":"#).expect("the column");
    row.split(r#"},"emitted_at""#)
        .next()
        .expect("its value")
        .to_owned()
}

#[test]
fn every_type_has_its_json() {
    let micros = |logical: &str| format!(r#"{{"type":"long","logicalType":"{logical}"}}"#);
    for (ty, bytes, declared, json) in [
        (r#""null""#, &b""[..], None, "null"),
        (r#""boolean""#, b"\x01", None, "true"),
        (r#""long""#, b"\x01", None, "-1"),
        (r#""int""#, b"\xfe\xff\xff\xff\x0f", None, "2147483647"),
        (r#""float""#, b"\xcd\xcc\xcc\x3d", None, "0.1"),
        (r#""double""#, b"\0\0\0\0\0\0\xf0\x7f", None, "null"),
        (r#""bytes""#, b"\x04\0\xff", None, r#""AP8=""#),
        (r#""string""#, b"\x04[]", None, r#""[]""#),
        (r#""string""#, b"\x04[]", Some(T::Array(None)), "[]"),
        (
            r#"{"type":"string","logicalType":"uuid"}"#,
            b"\x02A",
            None,
            r#""A""#,
        ),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            b"\x02",
            None,
            r#""1970-01-02""#,
        ),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            b"\x02",
            None,
            r#""00:00:00.001""#,
        ),
        (
            &micros("time-micros"),
            b"\x02",
            Some(T::TimeTz),
            r#""00:00:00.000001Z""#,
        ),
        (
            &micros("timestamp-micros"),
            b"\x01",
            None,
            r#""1969-12-31T23:59:59.999999Z""#,
        ),
        (
            &micros("timestamp-micros"),
            b"\0",
            Some(T::Timestamp),
            r#""1970-01-01T00:00:00""#,
        ),
        (
            &micros("local-timestamp-millis"),
            b"\x02",
            None,
            r#""1970-01-01T00:00:00.001""#,
        ),
        (&micros("unheard-of"), b"\x02", None, "1"),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#,
            b"\x02\xfb",
            None,
            "-0.05",
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#,
            b"\0",
            None,
            "0.00",
        ),
        (
            r#"{"type":"fixed","name":"f","size":3,"logicalType":"decimal","precision":4}"#,
            b"\x01\0\0",
            None,
            "65536",
        ),
        (
            r#"{"type":"fixed","name":"f","size":2}"#,
            b"\0\xff",
            None,
            r#""AP8=""#,
        ),
        (
            r#"{"type":"fixed","name":"f","size":12,"logicalType":"duration"}"#,
            b"\x01\0\0\0\x02\0\0\0\xdc\x05\0\0",
            None,
            r#""P1M2DT1.500S""#,
        ),
        (
            r#"{"type":"enum","name":"e","symbols":["A","B"]}"#,
            b"\x02",
            None,
            r#""B""#,
        ),
        (
            r#"{"type":"array","items":"long"}"#,
            b"\x02\x02\x01\x02\x04\0",
            None,
            "[1,2]",
        ),
        (
            r#"{"type":"map","values":"long"}"#,
            b"\x02\x02a\x02\0",
            None,
            r#"{"a":1}"#,
        ),
        (r#"["null","string"]"#, b"\0", None, "null"),
        (
            r#"["null","string"]"#,
            b"\x02\x04{}",
            Some(T::SchemalessObject),
            "{}",
        ),
        (r#"["null","long","string"]"#, b"\x02\x02", None, "1"),
        (
            r#"["null","long","string"]"#,
            b"\x04\x04{}",
            Some(T::union([T::Integer, T::String])),
            r#""{}""#,
        ),
        (
            r#"["null","long","string"]"#,
            b"\x04\x04{}",
            Some(T::union([T::Integer, T::SchemalessObject])),
            "{}",
        ),
        (
            r#"{"type":"record","name":"q","fields":[{"name":"a","type":"long"},{"name":"next","type":["null","q"]}]}"#,
            b"\x02\x02\x04\0",
            None,
            r#"{"a":1,"next":{"a":2,"next":null}}"#,
        ),
        (
            r#"{"type":"record","name":"q","fields":[{"name":"_airbyte_additional_properties","type":["null",{"type":"map","values":"string"}]},{"name":"b","type":"long"}]}"#,
            b"\x02\x02\x02x\x02y\0\x06",
            None,
            r#"{"x":"y","b":3}"#,
        ),
    ] {
        assert_eq!(value(ty, bytes, declared), json, "{ty}");
    }
}

#[test]
fn a_schema_tells_the_columns() {
    let schema = r#"{"type":"record","name":"r","namespace":"n","fields":[
        {"name":"_airbyte_raw_id","type":"string"},
        {"name":"_airbyte_extracted_at","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"id","type":["null","long"]},
        {"name":"u","type":["null","string","long"]},
        {"name":"o","type":["null",{"type":"record","name":"o","namespace":"x","fields":[{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}}]}]},
        {"name":"again","type":{"type":"array","items":"x.o"}}
    ]}"#;
    let mut record = b"\x02r".to_vec();
    long(1_700_000_000_000, &mut record);
    record.extend_from_slice(b"\x02\x0a\x04\x02\x02\0\x02\0\0");
    let staged = Staged::new("a.avro", &container(schema, &[(1, &record)]));
    let rows = staged.rows(None).expect("rows");
    assert_eq!(
        rows,
        [
            r#"{"id":5,"u":1,"o":{"t":"1970-01-01T00:00:00Z"},"again":[{"t":"1970-01-01T00:00:00Z"}]},"emitted_at":1700000000000,"_airbyte_raw_id":"r""#
        ]
    );
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
            "id integer",
            "u string or integer",
            "o object",
            "again array of object"
        ]
    );
}

#[test]
fn damage_is_an_error() {
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"v","type":"string"}]}"#;
    let good = container(schema, &[(2, b"\x02a\x02b"), (1, b"\x02c")]);
    let staged = Staged::new("a.avro", &good);
    assert_eq!(staged.part(&Part::Whole).expect("rows").1, [0, 1, 2]);
    let second = good.len() - 20;
    let head = good.len() - 20 - 22;
    for cut in 0..good.len() {
        // Between two blocks nothing says that there was more.
        if cut != second && cut != head {
            let wrong = Staged::new("a.avro", &good[..cut]).wrong(None);
            assert!(
                wrong == "is cut off" || wrong == "is no Avro file",
                "{cut}: {wrong}"
            );
        }
    }
    let of =
        |blocks: &[(i64, &[u8])]| Staged::new("a.avro", &container(schema, blocks)).wrong(None);
    assert_eq!(
        of(&[(1, b"\x02a\x02b")]),
        "row 2 starts behind bytes that belong to no record"
    );
    assert_eq!(of(&[(2, b"\x02a")]), "row 2 ends behind its block");
    assert_eq!(
        of(&[(1, b"\x02\xff")]),
        "row 1 has text that is not valid UTF-8"
    );
    assert_eq!(
        of(&[(-1, b"\x02a")]),
        "is damaged: a length in it cannot be"
    );
    assert_eq!(
        of(&[(i64::MAX, b"\x02a")]),
        "is damaged: a block counts more records than it can hold"
    );
    let mut marked = good.clone();
    marked[second - 1] = 8;
    assert_eq!(
        Staged::new("a.avro", &marked).wrong(None),
        "is damaged: the mark behind a block is another"
    );
    for (schema, wrong) in [
        (r#""string""#, "its schema is not that of a record"),
        ("{", "its schema is not JSON"),
        (
            r#"{"type":"record","name":"r","fields":[{"name":"v","type":"x"}]}"#,
            "its schema uses a type that it does not define",
        ),
        (
            r#"{"type":"record","name":"r","fields":[{"name":"_airbyte_data","type":"string"},{"name":"v","type":"string"}]}"#,
            "its schema has `_airbyte_data` beside columns of the record",
        ),
    ] {
        assert_eq!(
            Staged::new("a.avro", &container(schema, &[])).wrong(None),
            wrong
        );
    }
    // Many elements without a byte, and a list that contains itself.
    let nulls = r#"{"type":"record","name":"r","fields":[{"name":"v","type":{"type":"array","items":"null"}}]}"#;
    let mut many = Vec::new();
    long(i64::MAX, &mut many);
    let wrong = Staged::new("a.avro", &container(nulls, &[(1, &many)])).wrong(None);
    assert_eq!(wrong, "row 1 is longer than a line may be");
    let deep = r#"{"type":"record","name":"r","fields":[{"name":"v","type":["null","r"]}]}"#;
    let wrong = Staged::new("a.avro", &container(deep, &[(1, &[2; 100_000])])).wrong(None);
    assert_eq!(wrong, "row 1 nests too deep");
}

#[test]
fn packed_blocks_are_unpacked() {
    let texts = (0..5000u64).map(|row| format!("{:x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from_iter_values(0..5000))),
        ("t", Arc::new(StringArray::from_iter_values(texts))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let file = |codec| {
        let builder = WriterBuilder::new(batch.schema().as_ref().clone()).with_compression(codec);
        let mut writer = builder
            .build::<_, AvroOcfFormat>(Vec::new())
            .expect("a writer");
        for from in (0..5000).step_by(700) {
            writer
                .write(&batch.slice(from, 700.min(5000 - from)))
                .expect("rows");
        }
        writer.finish().expect("a file");
        writer.into_inner()
    };
    let plain = Staged::new("a.avro", &file(None)).rows(None).expect("rows");
    assert_eq!(plain.len(), 5000);
    assert_eq!(
        plain[1],
        r#"{"n":1,"t":"9e3779b97f4a7c15"},"emitted_at":MODIFIED"#
    );
    for codec in [
        CompressionCodec::Deflate,
        CompressionCodec::Snappy,
        CompressionCodec::ZStandard,
        CompressionCodec::Bzip2,
        CompressionCodec::Xz,
    ] {
        let bytes = file(Some(codec));
        assert_eq!(
            Staged::new("a.avro", &bytes).rows(None).expect("rows"),
            plain,
            "{codec:?}"
        );
        for step in 1..10 {
            let mut damaged = bytes.clone();
            let at = bytes.len() * step / 10;
            damaged[at] ^= 0x41;
            // What packs without a checksum may give other letters, but never too few rows.
            if let Ok(rows) = Staged::new("a.avro", &damaged).rows(None) {
                assert_eq!(rows.len(), 5000, "{codec:?} {at}");
            }
        }
    }
}
