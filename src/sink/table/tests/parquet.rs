//! What Parquet makes of the batches.

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::schema::printer::print_schema;
use bytes::Bytes;

use super::*;

/// The file's bytes and its schema as text.
fn written(batch: &RecordBatch) -> (Bytes, String) {
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).expect("a writer");
    writer.write(batch).expect("written");
    let metadata = writer.close().expect("closed");
    let mut text = Vec::new();
    let schema = metadata.file_metadata().schema_descr();
    print_schema(&mut text, schema.root_schema());
    (file.into(), String::from_utf8(text).expect("text"))
}

fn every_type() -> Vec<ColumnSpec> {
    let list = |ty| T::Array(Some(Box::new(ty)));
    vec![
        column("s", T::String),
        column("b", T::Boolean),
        column("i", T::Integer),
        column("n", T::Number),
        column("d", T::Date),
        column("tz", T::TimestampTz),
        column("ts", T::Timestamp),
        column("timez", T::TimeTz),
        column("time", T::Time),
        column("big", T::BigInteger),
        column("bin", T::Binary),
        column("any", T::Json),
        column("free", T::SchemalessObject),
        column("list", list(T::Integer)),
        column(
            "o",
            T::Object(vec![
                key("street", T::String),
                key("l", list(list(T::Date))),
            ]),
        ),
        column("u", T::union([T::Integer, T::String])),
    ]
}

const LINES: [&str; 4] = [
    r#"{"s":"é\n","b":true,"i":-1,"n":1.5,"d":"2024-02-29","tz":"2024-02-29T10:00:00Z","ts":"2024-02-29T10:00:00","timez":"10:00:00+01:00","time":"10:00:00","big":"1","bin":"AA==","any":[1],"free":{"a":1},"list":[1,null],"o":{"street":"x","l":[["2024-02-29",null],[]],"q":1},"u":7,"extra":1}"#,
    "{}",
    r#"{"s":null,"i":1e30,"u":"x","o":{},"list":[],"d":"-0001-01-01","tz":"20000-01-01T00:00:00Z"}"#,
    r#"{"o":null,"u":null,"n":"x"}"#,
];

#[test]
fn batches_come_back_from_parquet_as_they_were() {
    let vector = ColumnSpec {
        vector: true,
        ..column("v", T::Array(None))
    };
    for layout in [Layout::Midflight, Layout::Airbyte] {
        let mut columns = every_type();
        if layout == Layout::Midflight {
            columns.extend([vector.clone(), column("unknown", T::Unknown)]);
        }
        let batch = batch_of(&spec(layout, columns), &LINES.map(record));
        let (file, _) = written(&batch);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a reader");
        let mut reader = reader.build().expect("a reader");
        let read = reader.next().expect("a batch").expect("a batch");
        assert_eq!(read.schema(), batch.schema());
        assert_eq!(read, batch, "{layout:?}");
    }
}

#[test]
fn the_layout_of_destination_s3_has_its_parquet_types() {
    let batch = batch_of(&spec(Layout::Airbyte, every_type()), &LINES.map(record));
    let (_, schema) = written(&batch);
    let expected = include_str!("destination_s3.txt");
    assert_eq!(schema.trim(), expected.trim());
}

#[test]
fn our_own_layout_tells_times_in_utc_from_others() {
    let batch = batch_of(&spec(Layout::Midflight, every_type()), &LINES.map(record));
    let (_, schema) = written(&batch);
    for line in [
        "REQUIRED INT64 _airbyte_extracted_at (TIMESTAMP(MICROS,true));",
        "OPTIONAL FIXED_LEN_BYTE_ARRAY (16) n (DECIMAL(38,18));",
        "OPTIONAL INT64 tz (TIMESTAMP(MICROS,true));",
        "OPTIONAL INT64 ts (TIMESTAMP(MICROS,false));",
        "OPTIONAL INT64 timez (TIME(MICROS,true));",
        "OPTIONAL INT64 time (TIME(MICROS,false));",
        "OPTIONAL BYTE_ARRAY u (STRING);",
        "OPTIONAL BYTE_ARRAY _airbyte_extra (STRING);",
    ] {
        assert!(schema.contains(line), "{line}\n{schema}");
    }
}
