//! The program as a function of Lambda: the runtime API is on this machine, the buckets are moto's.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::bucket::Moto;
use super::cloud::{Cloud, MASKS};
use crate::serve::lambda::{FAILED, Function, MINUTE, OK, failures, message};
use crate::serve::server::record;
use crate::support::{onnxruntime, stage};

/// The program as Lambda starts it: by the name `bootstrap`, without arguments.
fn bootstrap(cloud: &Cloud, folder: &Path) -> Function {
    let program = folder.join("bootstrap");
    if !program.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_midflight"), &program).expect("a link");
    }
    let mut command = Command::new(program);
    command.env_clear().env("ORT_DYLIB_PATH", onnxruntime());
    start(command, cloud)
}

fn start(mut command: Command, cloud: &Cloud) -> Function {
    let environment = cloud.environment.iter();
    command
        .envs(environment.map(|(name, value)| (name, value)))
        .env("MIDFLIGHT_CONFIG_YAML", MASKS)
        .env("MIDFLIGHT_TO", cloud.url("clean/stage"))
        .env("MIDFLIGHT_ALLOW", cloud.url("raw/airbyte"))
        .env("MIDFLIGHT_WORKERS", "2");
    Function::of(command)
}

/// What S3 says about an object as it is now.
fn written(cloud: &Cloud, name: &str, sequencer: &str) -> Value {
    let bucket = cloud.bucket("raw");
    let key = format!("airbyte/users/{name}");
    let meta = bucket.head(&bucket.path(&key).expect("a path"));
    let tag = meta.expect("an answer").expect("an object").e_tag;
    record(&key, tag.expect("a tag").trim_matches('"'), sequencer)
}

fn event(records: &[Value]) -> Value {
    json!({ "Records": records })
}

fn statuses(body: &Value) -> Vec<&str> {
    let objects = body["objects"].as_array().expect("objects");
    objects
        .iter()
        .filter_map(|object| object["status"].as_str())
        .collect()
}

#[test]
fn events_of_s3_are_committed_once() {
    let moto = Moto::start();
    let cloud = moto.cloud();
    let folder = tempfile::tempdir().expect("a folder");
    let function = bootstrap(&cloud, folder.path());
    cloud.put("airbyte/users/a.jsonl", &["a1", "a2"]);
    let first = event(&[written(&cloud, "a.jsonl", "01")]);
    let cold = function.invoke(&first, MINUTE);
    assert_eq!(
        (cold.path.as_str(), &cold.body["objects"][0]["rows"]),
        (OK, &json!(2)),
        "{cold:?}"
    );
    assert_eq!(statuses(&function.invoke(&first, MINUTE).body), ["already"]);

    // What is broken fails, and nothing else.
    let raw = cloud.bucket("raw");
    let broken = raw.path("airbyte/users/broken.parquet").expect("a path");
    raw.put(&broken, "no Parquet at all").expect("an object");
    cloud.put("airbyte/users/b.jsonl", &["b1"]);
    let both = [
        written(&cloud, "b.jsonl", "01"),
        written(&cloud, "broken.parquet", "01"),
    ];
    let failed = function.invoke(&event(&both), MINUTE);
    assert_eq!(
        (failed.path.as_str(), &failed.body["errorType"]),
        (FAILED, &json!("midflight.Poison")),
        "{failed:?}"
    );
    let told = failed.body["errorMessage"].as_str().expect("a message");
    assert!(
        told.contains("broken.parquet") && !told.contains("b.jsonl"),
        "{told}"
    );
    let elsewhere = event(&[record("other/users/a.jsonl", "e", "01")]);
    assert_eq!(
        function.invoke(&elsewhere, MINUTE).body["errorType"],
        "midflight.Poison"
    );
    assert_eq!(cloud.ids("clean/stage"), ["a1", "a2", "b1"]);

    // A new version replaces the old one, however late the event of that comes.
    let late = written(&cloud, "a.jsonl", "01");
    cloud.put("airbyte/users/a.jsonl", &["a3"]);
    let newer = event(&[written(&cloud, "a.jsonl", "02")]);
    assert_eq!(statuses(&function.invoke(&newer, MINUTE).body), ["done"]);
    assert_eq!(
        statuses(
            &function
                .invoke(&event(std::slice::from_ref(&late)), MINUTE)
                .body
        ),
        ["superseded"]
    );
    let another = bootstrap(&cloud, folder.path());
    assert_eq!(
        statuses(&another.invoke(&event(&[late]), MINUTE).body),
        ["already"]
    );
    assert_eq!(statuses(&another.invoke(&newer, MINUTE).body), ["already"]);
    assert_eq!(cloud.ids("clean/stage"), ["a3", "b1"]);
    // An event whose object has changed since stands for the object as it is.
    cloud.put("airbyte/users/c.jsonl", &["c1"]);
    let before = event(&[written(&cloud, "c.jsonl", "01")]);
    cloud.put("airbyte/users/c.jsonl", &["c2"]);
    assert_eq!(statuses(&another.invoke(&before, MINUTE).body), ["done"]);
    let now = event(&[written(&cloud, "c.jsonl", "02")]);
    assert_eq!(statuses(&function.invoke(&now, MINUTE).body), ["already"]);
    assert_eq!(cloud.ids("clean/stage"), ["a3", "b1", "c2"]);
    let clean = cloud.bucket("clean/stage");
    assert_eq!(stage::objects(&clean), stage::parts(&clean, "users"));
    // What a batch finds later was done already.
    let batch = cloud.batch("clean/stage", folder.path(), &["--input-format", "jsonl"]);
    raw.delete(vec![broken]).expect("gone");
    let summary = super::cloud::summary(&batch.run(""));
    assert_eq!(
        (&summary["objects"], &summary["done_before"]),
        (&json!(3), &json!(3)),
        "{summary}"
    );
}

#[test]
fn a_queue_gets_back_what_failed() {
    let moto = Moto::start();
    let cloud = moto.cloud();
    let function = start(cloud.program(&["serve"]).command(), &cloud);
    let raw = cloud.bucket("raw");
    let broken = raw.path("airbyte/users/broken.jsonl").expect("a path");
    raw.put(&broken, "{\"id\": 1}\n{\"id\": ")
        .expect("an object");
    let mut messages = Vec::new();
    for name in ["a", "b", "c"] {
        cloud.put(&format!("airbyte/users/{name}.jsonl"), &[name]);
        let event = event(&[written(&cloud, &format!("{name}.jsonl"), "01")]);
        messages.push(message(name, &event));
    }
    messages.push(message(
        "broken",
        &event(&[written(&cloud, "broken.jsonl", "01")]),
    ));
    messages.push(message(
        "test",
        &json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
    ));
    let twice = messages[0].clone();
    messages.push(twice);
    for _ in ["cold", "warm"] {
        let told = function.invoke(&json!({ "Records": messages }), MINUTE);
        assert_eq!((told.path.as_str(), told.body), (OK, failures(&["broken"])));
        assert_eq!(cloud.ids("clean/stage"), ["a", "b", "c"]);
    }
    cloud.put("airbyte/users/broken.jsonl", &["mended"]);
    let told = function.invoke(&json!({"Records": [messages[3]]}), MINUTE);
    assert_eq!(told.body, failures(&[]));
    assert_eq!(cloud.ids("clean/stage"), ["a", "b", "c", "mended"]);
}
