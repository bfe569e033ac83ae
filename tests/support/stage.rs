//! What a reader of a stage sees: the rows of the parts that its list names.

use std::collections::BTreeMap;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use midflight::runtime::bucket::Bucket;
use midflight::runtime::stage::Stage;
use midflight::runtime::stage::entry::Name;
use midflight::sink::spec::PartSpec;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// A row: texts by column, without those that are null.
pub type Row = BTreeMap<String, String>;

/// The list of a stream, as `users` or `shop/users`; `None` before the first commit.
pub fn list(bucket: &Bucket, stream: &str) -> Option<Value> {
    let name = match stream.contains('/') {
        true => stream.to_owned(),
        false => format!("_/{stream}"),
    };
    let path = bucket.path(&format!("_midflight/streams/{name}.json"));
    let text = bucket.get(&path.expect("a path")).expect("an answer")?;
    Some(serde_json::from_slice(&text).expect("a list"))
}

/// Keys of the parts that readers see.
pub fn parts(bucket: &Bucket, stream: &str) -> Vec<String> {
    let list = list(bucket, stream).unwrap_or_default();
    let parts = list["parts"].as_array().cloned().unwrap_or_default();
    let path = |part: &Value| part["path"].as_str().expect("a path").to_owned();
    parts.iter().map(path).collect()
}

/// The rows that the log knows of. Behind a kill it may know more than the list of a stream.
pub fn committed(bucket: &Bucket, stream: &str) -> u64 {
    let stage = Stage::open(bucket.clone(), PartSpec::default(), "").expect("a stage");
    let name = Name {
        namespace: None,
        name: stream.to_owned(),
    };
    stage.view(|view| view.visible(&name).map(|part| part.rows).sum())
}

/// The rows that readers see. A part that goes away meanwhile was replaced, and the list says by what.
pub fn rows(bucket: &Bucket, stream: &str) -> Vec<Row> {
    let read = |part: &String| bucket.get(&bucket.path(part).expect("a path"));
    for _ in 0..100 {
        let parts: Option<Vec<_>> = parts(bucket, stream)
            .iter()
            .map(|part| read(part).expect("an answer"))
            .collect();
        if let Some(parts) = parts {
            return parts.into_iter().flat_map(rows_of).collect();
        }
    }
    panic!("the list names parts that are not there");
}

fn rows_of(part: bytes::Bytes) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(part).expect("Parquet");
    let options = FormatOptions::default();
    let mut found = Vec::new();
    for rows in reader.build().expect("a reader") {
        let rows = rows.expect("rows");
        let schema = rows.schema();
        for row in 0..rows.num_rows() {
            let columns = schema.fields().iter().zip(rows.columns());
            let set = columns.filter(|(_, column)| column.is_valid(row));
            let text = |(field, column): (
                &std::sync::Arc<arrow::datatypes::Field>,
                &arrow::array::ArrayRef,
            )| {
                let format = ArrayFormatter::try_new(column, &options).expect("texts");
                (field.name().clone(), format.value(row).to_string())
            };
            found.push(set.map(text).collect());
        }
    }
    found
}

/// The values of a column, sorted.
pub fn column(bucket: &Bucket, stream: &str, name: &str) -> Vec<String> {
    let rows = rows(bucket, stream).into_iter();
    let mut values: Vec<String> = rows.filter_map(|mut row| row.remove(name)).collect();
    values.sort();
    values
}

/// The parts that lie there, seen or not.
pub fn objects(bucket: &Bucket) -> Vec<String> {
    let root = bucket.path("").expect("a path");
    let found = bucket.list(&root).expect("a list");
    let keys = found.iter().filter_map(|meta| bucket.key(&meta.location));
    let parts = keys.filter(|key| !key.starts_with("_midflight/"));
    let mut parts: Vec<String> = parts.map(str::to_owned).collect();
    parts.sort();
    parts
}
