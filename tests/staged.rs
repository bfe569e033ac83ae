//! Staged files as the writers that people use leave them, in `fixtures/staged`: each folder holds one, the rows that it
//! must give, and the schema of its stream where that says more than the file. `tests/python/staged_files.py` made
//! them.

use std::collections::BTreeMap;
use std::path::Path;

use midflight::runtime::bucket::Bucket;
use midflight::runtime::staged::{Naming, Object, Part, Pattern, list, open};
use midflight::schema::{LogicalType, StreamSchema};

use crate::support::root;

type Columns = Vec<(String, LogicalType)>;

fn columns(folder: &Path) -> Option<Columns> {
    let text = std::fs::read_to_string(folder.join("schema.json")).ok()?;
    let schema = serde_json::from_str(&text).expect("a schema");
    let schema = StreamSchema::from_json_schema(&schema).expect("a schema");
    let column = |(name, ty): (&str, &LogicalType)| (name.to_owned(), ty.clone());
    Some(schema.columns().map(column).collect())
}

/// The rows of a file, each without the stream in front of it.
fn rows(
    bucket: &Bucket,
    found: &(Object, midflight::protocol::state::Descriptor),
    columns: Option<&Columns>,
) -> Result<String, midflight::error::Error> {
    let (object, stream) = found;
    let columns = columns.map(Vec::as_slice);
    let mut reader = open(bucket, object, &Part::Whole, stream, columns)?;
    let mut lines = Vec::new();
    while reader.read(&mut lines, 1)? {}
    let head = format!(
        r#"{{"type":"RECORD","record":{{"stream":"{}","data":"#,
        stream.name
    );
    let modified = object.modified.timestamp_millis().to_string();
    let text = String::from_utf8(lines).expect("UTF-8");
    let rows = text.lines().map(|line| {
        let row = line.strip_prefix(&head).expect("the head of a record");
        row.strip_suffix("}}")
            .expect("its end")
            .replace(&modified, "MODIFIED")
            + "\n"
    });
    Ok(rows.collect())
}

#[test]
fn files_of_every_writer_give_their_rows() {
    let place = root().join("fixtures/staged");
    let text = place.to_string_lossy().into_owned();
    let bucket = Bucket::open(&text, &BTreeMap::new()).expect("a bucket");
    let pattern = Pattern::parse(&format!(
        "{text}/*/*.{{jsonl,csv,avro,parquet}}{{,.gz,.zst}}"
    ));
    let found = list(&bucket, &pattern.expect("a pattern"), None).expect("a list");
    let mut read = 0;
    for found in &found {
        let folder = place.join(&found.1.name);
        if found.0.url.ends_with("rows.jsonl") {
            continue;
        }
        let expected = std::fs::read_to_string(folder.join("rows.jsonl")).expect("rows");
        let rows = rows(&bucket, found, columns(&folder).as_ref()).expect(&found.0.url);
        assert_eq!(rows, expected, "{}", found.0.url);
        read += 1;
    }
    assert!(read >= 17, "{read}");
}

#[test]
fn a_page_whose_checksum_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes =
        std::fs::read(root().join("fixtures/staged/parquet-none/a.parquet")).expect("a file");
    let name = b"K\xc3\xb6ln";
    let at = bytes
        .windows(name.len())
        .position(|window| window == name)
        .expect("a value");
    let mut damaged = bytes;
    damaged[at] = b'M';
    std::fs::write(folder.path().join("a.parquet"), damaged).expect("a file");
    let place = folder.path().to_string_lossy().into_owned();
    let bucket = Bucket::open(&place, &BTreeMap::new()).expect("a bucket");
    let stream = midflight::protocol::state::Descriptor {
        namespace: None,
        name: "s".to_owned(),
    };
    let pattern = Pattern::parse(&place)
        .expect("a pattern")
        .named(Naming::Fixed(stream));
    let found = list(&bucket, &pattern, None).expect("a list");
    let error = rows(&bucket, &found[0], None).expect_err("an error");
    assert!(
        error.to_string().ends_with("its pages cannot be read"),
        "{error}"
    );
}
