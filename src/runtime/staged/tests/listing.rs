//! Listing: order, streams, and files of no known kind.

use chrono::{Duration, Utc};

use super::*;

fn bucket(files: &[&str]) -> (tempfile::TempDir, String, Bucket) {
    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, "{}\n").expect("a file");
    }
    let place = folder.path().to_string_lossy().into_owned();
    let bucket = Bucket::open(&place, &BTreeMap::new()).expect("a bucket");
    (folder, place, bucket)
}

fn found(bucket: &Bucket, pattern: &Pattern) -> Vec<String> {
    let found = list(bucket, pattern, None).expect("a list");
    let told = |(object, stream): &(Object, Descriptor)| {
        let key = bucket.key(&object.path).unwrap_or(object.name());
        format!("{key} {stream}")
    };
    found.iter().map(told).collect()
}

#[test]
fn objects_are_found_in_order_with_their_streams() {
    let (_folder, place, bucket) = bucket(&[
        "public/users/b.jsonl",
        "public/users/a.csv.gz",
        "public/orders/day=1/a.parquet",
        "events/x.avro",
        "_midflight/log/1.json",
        "public/users/_SUCCESS",
        "public/users/.a.csv.crc",
    ]);
    let pattern = Pattern::parse(&place).expect("a pattern");
    assert_eq!(
        found(&bucket, &pattern),
        [
            "events/x.avro events",
            "public/orders/day=1/a.parquet public.orders",
            "public/users/a.csv.gz public.users",
            "public/users/b.jsonl public.users",
        ]
    );
    let glob = Pattern::parse(&format!("{place}/**/*.{{csv.gz,avro}}")).expect("a pattern");
    assert_eq!(
        found(&bucket, &glob),
        ["events/x.avro events", "public/users/a.csv.gz public.users"]
    );
    let later = list(&bucket, &pattern, Some(Utc::now() + Duration::hours(1)));
    assert!(later.expect("a list").is_empty());
    let earlier = list(&bucket, &pattern, Some(Utc::now() - Duration::hours(1)));
    assert_eq!(earlier.expect("a list").len(), 4);
    let (object, _) = list(&bucket, &pattern, None).expect("a list").remove(0);
    let since = list(&bucket, &glob, Some(object.modified)).expect("a list");
    assert!(
        since.iter().all(|(other, _)| other.path != object.path),
        "strictly after"
    );
}

#[test]
fn one_object_may_be_meant() {
    let (_folder, place, _) = bucket(&["users/a.jsonl"]);
    let place = format!("{place}/users/a.jsonl");
    let bucket = Bucket::open(&place, &BTreeMap::new()).expect("a bucket");
    let stream = Descriptor {
        namespace: None,
        name: "users".to_owned(),
    };
    let pattern = Pattern::parse(&place)
        .expect("a pattern")
        .named(Naming::Fixed(stream));
    assert_eq!(found(&bucket, &pattern), ["a.jsonl users"]);
}

#[test]
fn an_event_names_an_object() {
    let (folder, place, bucket) = bucket(&["public/users/a.jsonl", "_midflight/a.jsonl"]);
    let pattern = Pattern::parse(&place).expect("a pattern");
    let find =
        |key: &str| find(&bucket, &pattern, &bucket.path(key).expect("a path")).expect("an answer");
    assert!(find("public/users/a.jsonl").is_some_and(|(object, _)| object.size == 3));
    assert!(find("public/users/gone.jsonl").is_none());
    assert!(find("_midflight/a.jsonl").is_none());
    drop(folder);
}

#[test]
fn files_of_no_known_kind_are_told() {
    let (_folder, place, bucket) = bucket(&["s/a.xml", "s/a.jsonl"]);
    let pattern = Pattern::parse(&place).expect("a pattern");
    let error = list(&bucket, &pattern, None).expect_err("an error");
    assert!(error.to_string().contains("s/a.xml"), "{error}");
    assert!(
        error
            .advice()
            .is_some_and(|advice| advice.contains(".ndjson"))
    );
    assert_eq!(
        found(&bucket, &pattern.clone().skipping_unknown()),
        ["s/a.jsonl s"]
    );
    let all = pattern.formatted(Format::JsonLines);
    assert_eq!(found(&bucket, &all), ["s/a.jsonl s", "s/a.xml s"]);
    let (_folder, place, bucket) = self::bucket(&["a.jsonl"]);
    let error = list(&bucket, &Pattern::parse(&place).expect("a pattern"), None);
    assert!(
        error
            .expect_err("an error")
            .to_string()
            .contains("no folder says")
    );
}
