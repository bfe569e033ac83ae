//! A bucket of some cloud on this machine: what the program is told about it, and the same bucket for the test.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use midflight::runtime::bucket::Bucket;
use serde_json::Value;

use crate::support::{Ended, Program, midflight, stage};

/// Longer than anything takes that is not broken, on a machine that has much to do.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Masks one column, so that a row tells whether it went through the plan.
pub const MASKS: &str = "\
version: 1
unlisted: pass
streams:
  users:
    stages:
      - mask: {column: email, with: redact}
stage: {part_bytes: 65536}
";

/// Small objects of a batch.
const SMALL: u64 = 60;

/// A store with the containers `raw` and `clean`.
pub struct Cloud {
    /// `s3`, `gs` or `az`.
    pub scheme: &'static str,
    /// What the test's own client needs.
    pub options: BTreeMap<String, String>,
    /// What the program finds in its environment.
    pub environment: Vec<(String, String)>,
}

impl Cloud {
    /// A store whose settings are the same as options and, in upper case, in the environment.
    pub fn of(scheme: &'static str, options: &[(&str, &str)]) -> Self {
        let options: BTreeMap<String, String> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let upper = |(name, value): (&String, &String)| (name.to_uppercase(), value.clone());
        Self {
            scheme,
            environment: options.iter().map(upper).collect(),
            options,
        }
    }

    pub fn url(&self, place: &str) -> String {
        format!("{}://{place}", self.scheme)
    }

    pub fn bucket(&self, place: &str) -> Bucket {
        Bucket::open(&self.url(place), &self.options).expect("a bucket")
    }

    /// Writes an object; its rows are those of [`users`].
    pub fn put(&self, key: &str, ids: &[&str]) {
        let bucket = self.bucket("raw");
        let path = bucket.path(key).expect("a path");
        bucket.put(&path, users(ids)).expect("an object");
    }

    /// The ids of the rows in a stage, and that all of them are masked.
    pub fn ids(&self, place: &str) -> Vec<String> {
        let rows = stage::rows(&self.bucket(place), "users");
        for row in &rows {
            assert_eq!(row["email"], "<EMAIL>", "{row:?}");
        }
        let mut ids: Vec<String> = rows
            .into_iter()
            .map(|mut row| row.remove("id").expect("an id"))
            .collect();
        ids.sort();
        ids
    }

    /// The program with these arguments and the settings of the store.
    pub fn program(&self, arguments: &[&str]) -> Program {
        let program = midflight(arguments);
        let set = |program: Program, (name, value): &(String, String)| program.env(name, value);
        self.environment.iter().fold(program, set)
    }

    /// A batch from `raw/airbyte` to a stage.
    pub fn batch(&self, to: &str, folder: &std::path::Path, further: &[&str]) -> Program {
        std::fs::write(folder.join("midflight.yaml"), MASKS).expect("a file");
        let (from, to) = (self.url("raw/airbyte"), self.url(to));
        let arguments = [
            &[
                "batch",
                "--config",
                "midflight.yaml",
                "--from",
                &from,
                "--to",
                &to,
            ][..],
            &["--format", "json", "--no-progress"],
            further,
        ];
        self.program(&arguments.concat()).within(folder)
    }

    /// Commits in the log of a stage, without those that only end or sweep.
    pub fn commits(&self, place: &str) -> usize {
        let bucket = self.bucket(place);
        let folder = bucket.path("_midflight/log").expect("a path");
        let found = bucket.list(&folder).expect("a list");
        let with_parts = |meta: &&midflight::runtime::bucket::ObjectMeta| {
            let text = bucket.get(&meta.location).expect("an answer");
            let entry: Value = serde_json::from_slice(&text.expect("an entry")).expect("JSON");
            entry["parts"].is_array()
        };
        found.iter().filter(with_parts).count()
    }

    /// Kills a batch once it has committed something.
    pub fn kill_behind_a_commit(&self, place: &str, mut child: Child) {
        let start = Instant::now();
        while self.commits(place) < 2 {
            assert!(start.elapsed() < PATIENCE, "nothing is committed");
            let ended = child.try_wait().expect("a process");
            assert!(ended.is_none(), "it is too fast to be killed: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("a process");
        child.wait().expect("an end");
    }
}

/// Lines of users with these ids and an address each.
pub fn users(ids: &[&str]) -> String {
    let line = |id: &&str| format!("{{\"id\":\"{id}\",\"email\":\"{id}@example.com\"}}\n");
    ids.iter().map(line).collect()
}

/// Ids of so many users: `prefix-00000` and so on.
pub fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|id| format!("{prefix}-{id:05}")).collect()
}

pub fn texts(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// What a batch says it did.
pub fn summary(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str(ended.text()).expect("a summary")
}

/// Many small objects and a large one into a stage: killed in the middle, gone on with, changed, done once.
pub fn course(cloud: &Cloud) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut expected = Vec::new();
    for object in 0..SMALL {
        let ids = ids(&format!("small{object:02}"), 5);
        cloud.put(&format!("airbyte/users/{object:02} +ü.jsonl"), &texts(&ids));
        expected.extend(ids);
    }
    let large = ids("large", 20_000);
    cloud.put("airbyte/users/large.jsonl", &texts(&large));
    expected.extend(large);
    expected.sort();
    let shares = ["--share-bytes", "100000", "--workers", "2"];

    let killed = cloud.batch("clean/stage", folder, &shares).command();
    let child = { killed }.spawn().expect("it starts");
    cloud.kill_behind_a_commit("clean/stage", child);
    let seen = cloud.ids("clean/stage");
    assert!(
        !seen.is_empty() && seen.len() < expected.len(),
        "{}",
        seen.len()
    );
    let committed = stage::committed(&cloud.bucket("clean/stage"), "users");

    let again = summary(&cloud.batch("clean/stage", folder, &shares).run(""));
    assert_eq!(again["objects"], SMALL + 1);
    assert_eq!(
        again["records"]["read"],
        expected.len() as u64 - committed,
        "only what was not committed is read: {again}"
    );
    assert!(cloud.ids("clean/stage") == expected, "every row once");
    let clean = cloud.bucket("clean/stage");
    assert_eq!(
        stage::objects(&clean),
        stage::parts(&clean, "users"),
        "nothing is left behind"
    );

    cloud.put("airbyte/users/07 +ü.jsonl", &["changed"]);
    let changed = summary(&cloud.batch("clean/stage", folder, &shares).run(""));
    assert_eq!(
        (&changed["done_before"], &changed["records"]["read"]),
        (&SMALL.into(), &1.into())
    );
    expected.retain(|id| !id.starts_with("small07"));
    expected.insert(0, "changed".to_owned());
    assert!(
        cloud.ids("clean/stage") == expected,
        "the rows of before are gone"
    );
    let nothing = summary(&cloud.batch("clean/stage", folder, &shares).run(""));
    assert_eq!(
        (&nothing["done_before"], &nothing["bytes"]),
        (&(SMALL + 1).into(), &0.into())
    );
}

/// `destination check` and `write`, with a part of more than one piece.
pub fn destination(cloud: &Cloud) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // Random enough not to be compressed below the 8 MiB of a piece.
    let config = "version: 1\nunlisted: pass\nstage: {compression: none}\n";
    let settings = serde_json::json!({"stage": cloud.url("clean/destination"), "config": config});
    std::fs::write(folder.join("destination.json"), settings.to_string()).expect("a file");
    let schema = serde_json::json!({"type": "object", "properties": {"id": {"type": "string"}, "text": {"type": "string"}}});
    let catalog = serde_json::json!({"streams": [{
        "stream": {"name": "users", "json_schema": schema, "supported_sync_modes": ["full_refresh"]},
        "sync_mode": "full_refresh", "destination_sync_mode": "append",
        "generation_id": 1, "minimum_generation_id": 0, "sync_id": 1,
    }]});
    std::fs::write(folder.join("catalog.json"), catalog.to_string()).expect("a file");
    let check = ["destination", "check", "--config", "destination.json"];
    let ended = cloud.program(&check).within(folder).run("");
    assert!(
        ended.text().contains("SUCCEEDED"),
        "{}{}",
        ended.text(),
        ended.stderr
    );
    let arguments = [
        "destination",
        "write",
        "--config",
        "destination.json",
        "--catalog",
        "catalog.json",
        "--no-progress",
    ];
    let rows = 400;
    let mut number = 1_u64;
    let mut messages = String::new();
    for id in 0..rows {
        let mut text = String::new();
        while text.len() < 30_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:x}", number >> 16));
        }
        let record = serde_json::json!({"type": "RECORD", "record": {"stream": "users", "emitted_at": 1, "data": {"id": format!("{id:03}"), "text": text}}});
        messages.push_str(&format!("{record}\n"));
    }
    let state = serde_json::json!({"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "users"}, "stream_state": {"at": 1}}}});
    messages.push_str(&format!("{state}\n"));
    let status = serde_json::json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1, "stream_status": {"stream_descriptor": {"name": "users"}, "status": "COMPLETE"}}});
    messages.push_str(&format!("{status}\n"));
    let ended = cloud.program(&arguments).within(folder).run(&messages);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.text().contains("\"STATE\""), "{}", ended.text());
    let clean = cloud.bucket("clean/destination");
    assert_eq!(stage::column(&clean, "users", "id").len(), rows);
    let list = stage::list(&clean, "users").expect("a list");
    let largest = list["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .filter_map(|part| part["bytes"].as_u64())
        .max();
    assert!(largest > Some(10 << 20), "one of several pieces: {list}");
}
