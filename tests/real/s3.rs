//! Batches between buckets of S3, against moto's server.

use super::bucket::Moto;
use super::cloud::{Cloud, course, destination, summary};

impl Moto {
    /// A server with the buckets `raw` and `clean`.
    pub fn cloud(&self) -> Cloud {
        for bucket in ["/raw", "/clean"] {
            self.ask("PUT", bucket);
        }
        let endpoint = format!("http://{}", self.address);
        let options = [
            ("aws_endpoint", endpoint.as_str()),
            ("aws_access_key_id", "testing"),
            ("aws_secret_access_key", "testing"),
            ("aws_region", "us-east-1"),
            ("aws_allow_http", "true"),
        ];
        Cloud::of("s3", &options)
    }
}

#[test]
fn a_batch_between_buckets_of_s3_is_gone_on_with() {
    course(&Moto::start().cloud());
}

#[test]
fn a_destination_in_a_bucket_of_s3() {
    destination(&Moto::start().cloud());
}

#[test]
fn only_newer_objects_are_read_and_never_those_of_the_stage() {
    let moto = Moto::start();
    let cloud = moto.cloud();
    let folder = tempfile::tempdir().expect("a folder");
    cloud.put("airbyte/users/old.jsonl", &["old"]);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let between = chrono::Utc::now() - chrono::Duration::milliseconds(1_000);
    let since = between.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    cloud.put("airbyte/users/new.jsonl", &["new"]);
    let further = ["--since", since.as_str()];
    let newer = summary(&cloud.batch("clean/stage", folder.path(), &further).run(""));
    assert_eq!(newer["objects"], 1, "{newer}");
    assert_eq!(cloud.ids("clean/stage"), ["new"]);
    let all = summary(&cloud.batch("clean/stage", folder.path(), &[]).run(""));
    assert_eq!(
        (&all["objects"], &all["done_before"]),
        (&2.into(), &1.into())
    );
    assert_eq!(cloud.ids("clean/stage"), ["new", "old"]);
    let from = [
        "--from",
        "s3a://raw/airbyte",
        "--to",
        "s3://raw/airbyte/users/clean",
    ];
    let arguments = [&["batch", "--config", "midflight.yaml"], &from[..]].concat();
    let ended = cloud.program(&arguments).within(folder.path()).run("");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("would read what it writes"),
        "{}",
        ended.stderr
    );
}
