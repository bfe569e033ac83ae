//! Staged files in an S3 bucket, against moto's server.

use std::collections::BTreeMap;

use midflight::error::{ErrorKind, Result};
use midflight::protocol::state::Descriptor;
use midflight::runtime::bucket::Bucket;
use midflight::runtime::staged::{Object, Part, Pattern, divide, find, list, open};

use super::bucket::Moto;
use crate::support::root;

fn rows(bucket: &Bucket, object: &Object, stream: &Descriptor, parts: &[Part]) -> Result<Vec<u64>> {
    let mut offsets = Vec::new();
    for part in parts {
        let mut reader = open(bucket, object, part, stream, None)?;
        let mut lines = Vec::new();
        while reader.read(&mut lines, 64 << 10)? {
            offsets.extend_from_slice(reader.offsets());
            lines.clear();
        }
    }
    Ok(offsets)
}

#[test]
fn objects_are_read_by_ranges_and_only_as_they_were_listed() {
    let moto = Moto::start();
    moto.ask("PUT", "/staged");
    let options = [
        ("aws_endpoint", format!("http://{}", moto.address)),
        ("aws_access_key_id", "testing".to_owned()),
        ("aws_secret_access_key", "testing".to_owned()),
        ("aws_region", "us-east-1".to_owned()),
        ("aws_allow_http", "true".to_owned()),
    ];
    let options: BTreeMap<_, _> = options
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let pattern = Pattern::parse("s3://staged/in/**/*.{jsonl,parquet}").expect("a pattern");
    let bucket = Bucket::open(pattern.place(), &options).expect("a bucket");
    // Three ranges and a rest.
    let lines: String = (0..400_000)
        .map(|number| format!("{{\"number\":{number},\"ü\":\"+ %25\"}}\n"))
        .collect();
    let parquet =
        std::fs::read(root().join("fixtures/staged/parquet-none/a.parquet")).expect("a file");
    for (key, bytes) in [
        ("public/us+ers ü/a%25.jsonl", lines.as_bytes()),
        ("public/orders/a.parquet", &parquet),
        ("public/orders/a.csv", b"a\n1\n"),
        ("_midflight/a.jsonl", b"{}\n"),
    ] {
        let path = bucket.path(key).expect("a path");
        bucket.put(&path, bytes.to_vec()).expect("an object");
    }
    let found = list(&bucket, &pattern, None).expect("a list");
    let streams: Vec<_> = found.iter().map(|(_, stream)| stream.to_string()).collect();
    assert_eq!(streams, ["public.orders", "public.us+ers ü"]);
    let (orders, stream) = &found[0];
    assert_eq!(
        rows(&bucket, orders, stream, &[Part::Whole]).expect("rows"),
        [0, 1]
    );
    let (users, stream) = &found[1];
    assert_eq!(users.url, "s3://staged/in/public/us+ers ü/a%25.jsonl");
    let whole = rows(&bucket, users, stream, &[Part::Whole]).expect("rows");
    assert_eq!(whole.len(), 400_000);
    let parts = divide(&bucket, users, 3 << 20).expect("parts");
    assert!(parts.len() > 3);
    assert_eq!(rows(&bucket, users, stream, &parts).expect("rows"), whole);

    bucket
        .put(&users.path, lines.replace('+', "-"))
        .expect("an object");
    let error = rows(&bucket, users, stream, &parts).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(
        error
            .to_string()
            .contains("it has changed since it was listed"),
        "{error}"
    );
    let (again, _) = find(&bucket, &pattern, &users.path)
        .expect("an answer")
        .expect("an object");
    assert!(again.tag != users.tag);
    assert_eq!(
        rows(&bucket, &again, stream, &[Part::Whole])
            .expect("rows")
            .len(),
        400_000
    );
}
