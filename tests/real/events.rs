//! Events over HTTP, to the program, about objects in a real store.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::azure::Azurite;
use super::bucket::Moto;
use super::cloud::{Cloud, MASKS, PATIENCE};
use super::gcs::Google;
use crate::serve::server::{client, record};
use crate::support::stage;

const SECRET: &str = "correct horse battery";

/// Headers of an event.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// `midflight serve`, until the test ends.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(cloud: &Cloud) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("an address").to_string();
        drop(port);
        let (to, allow) = (cloud.url("clean/stage"), cloud.url("raw/airbyte"));
        let arguments = [
            &[
                "serve",
                "--listen",
                &address,
                "--secret-env",
                "SECRET",
                "--to",
                &to,
            ][..],
            &["--allow", &allow, "--workers", "2"],
        ];
        let program = cloud.program(&arguments.concat()).env("SECRET", SECRET);
        let mut command = program.env("MIDFLIGHT_CONFIG_YAML", MASKS).command();
        let child = command.stderr(Stdio::null()).spawn().expect("it starts");
        let serving = Self {
            child,
            url: format!("http://{address}/"),
        };
        let start = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(start.elapsed() < PATIENCE, "it does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        serving
    }

    /// The status of the answer, and that of every object.
    fn send(&self, event: &Value, headers: Headers<'_>) -> (u16, Vec<String>) {
        let request = client().post(format!("{}?code={}", self.url, SECRET.replace(' ', "%20")));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let answer = request
            .timeout(PATIENCE)
            .body(event.to_string())
            .send()
            .expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().expect("a body")).expect("JSON");
        let objects = body["objects"].as_array().cloned().unwrap_or_default();
        let text = |object: &Value| object["status"].as_str().expect("a status").to_owned();
        (status, objects.iter().map(text).collect())
    }

    /// Every event is committed when it comes first, and was when it comes again.
    fn is_done_once(&self, cloud: &Cloud, events: &[(&str, Value, Headers<'_>)]) {
        let mut expected = Vec::new();
        for (name, event, headers) in events {
            assert_eq!(
                self.send(event, headers),
                (200, vec!["done".to_owned()]),
                "{name}"
            );
            assert_eq!(
                self.send(event, headers),
                (200, vec!["already".to_owned()]),
                "{name}"
            );
            expected.push((*name).to_owned());
            expected.sort();
            assert_eq!(cloud.ids("clean/stage"), expected);
        }
    }

    /// Ends it as a platform does.
    fn stop(mut self) {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(told.is_ok_and(|status| status.success()));
        let ended = self.child.wait().expect("an end");
        assert_eq!(ended.code(), Some(0));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One object for each event, named after it, with one row.
fn put(cloud: &Cloud, names: &[&str]) {
    for name in names {
        cloud.put(&format!("airbyte/users/{name} +ü.jsonl"), &[name]);
    }
}

#[test]
fn senders_of_s3_over_http() {
    let moto = Moto::start();
    let cloud = moto.cloud();
    put(&cloud, &["direct", "sns", "eventbridge", "minio"]);
    let serving = Serving::start(&cloud);
    let spelt = |name: &str| format!("airbyte/users/{name}+%2B%C3%BC.jsonl");
    let direct = json!({"Records": [record(&spelt("direct"), "e", "01")]});
    let sns = json!({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:1:staged",
        "Message": json!({"Records": [record(&spelt("sns"), "e", "01")]}).to_string()});
    let bridge = json!({"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": {
        "bucket": {"name": "raw"}, "object": {"key": "airbyte/users/eventbridge +ü.jsonl", "size": 5, "etag": "e", "sequencer": "01"}}});
    let mut minio = record(&spelt("minio").replace('/', "%2F"), "e", "01");
    minio["eventSource"] = "minio:s3".into();
    minio["eventName"] = "s3:ObjectCreated:Put".into();
    let minio = json!({"EventName": "s3:ObjectCreated:Put", "Key": "raw/airbyte/users/minio +ü.jsonl", "Records": [minio]});
    let sns_headers = [
        ("x-amz-sns-message-type", "Notification"),
        ("content-type", "text/plain; charset=UTF-8"),
    ];
    serving.is_done_once(
        &cloud,
        &[
            ("direct", direct, &[]),
            ("sns", sns, &sns_headers),
            ("eventbridge", bridge, &[]),
            ("minio", minio, &[]),
        ],
    );
    let gone = json!({"Records": [record("airbyte/users/gone.jsonl", "e", "01")]});
    assert_eq!(serving.send(&gone, &[]), (200, vec!["skipped".to_owned()]));
    serving.stop();
    let clean = cloud.bucket("clean/stage");
    assert_eq!(stage::objects(&clean), stage::parts(&clean, "users"));
}

#[test]
fn servers_beside_one_another_agree_on_the_newest_version() {
    let moto = Moto::start();
    let cloud = moto.cloud();
    let servers = [Serving::start(&cloud), Serving::start(&cloud)];
    let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": "raw"}, "object": {"key": "airbyte/users/a.jsonl", "size": 5}}}]});
    std::thread::scope(|scope| {
        for version in 0..6 {
            cloud.put("airbyte/users/a.jsonl", &[&format!("version-{version}")]);
            let (server, event) = (&servers[version % 2], &event);
            scope.spawn(move || {
                let mut answer = server.send(event, &[]);
                // An object that changed while it was read is asked for again.
                while answer.0 == 503 {
                    answer = server.send(event, &[]);
                }
                assert_eq!(answer.0, 200, "{answer:?}");
            });
            std::thread::sleep(std::time::Duration::from_millis(120));
        }
    });
    assert_eq!(cloud.ids("clean/stage"), ["version-5"]);
    servers.into_iter().for_each(Serving::stop);
    let clean = cloud.bucket("clean/stage");
    assert_eq!(stage::objects(&clean), stage::parts(&clean, "users"));
}

#[test]
fn both_schemas_of_event_grid() {
    let azurite = Azurite::start();
    let cloud = azurite.cloud();
    put(&cloud, &["grid", "cloudevent"]);
    let serving = Serving::start(&cloud);
    let data = |name: &str| {
        let url = azurite.blob(&format!("raw/airbyte/users/{name}%20+%C3%BC.jsonl"));
        json!({"api": "PutBlob", "contentLength": 40, "blobType": "BlockBlob", "url": url, "eTag": "0x1", "sequencer": "0000000000000442"})
    };
    let grid = json!([{"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": "s", "data": data("grid"), "dataVersion": ""}]);
    let cloudevent = json!({"specversion": "1.0", "id": "2", "type": "Microsoft.Storage.BlobCreated", "source": "s", "data": data("cloudevent")});
    let validation = json!([{"id": "0", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "code"}}]);
    assert_eq!(
        serving
            .send(&validation, &[("aeg-event-type", "SubscriptionValidation")])
            .0,
        200
    );
    serving.is_done_once(
        &cloud,
        &[
            (
                "grid",
                grid,
                &[
                    ("aeg-event-type", "Notification"),
                    ("content-type", "application/json"),
                ],
            ),
            (
                "cloudevent",
                cloudevent,
                &[(
                    "content-type",
                    "application/cloudevents+json; charset=utf-8",
                )],
            ),
        ],
    );
    serving.stop();
}

#[test]
fn eventarc_and_pubsub() {
    let google = Google::start();
    let cloud = google.cloud();
    put(&cloud, &["binary", "structured", "pubsub"]);
    let serving = Serving::start(&cloud);
    let resource = |name: &str| {
        let key = format!("airbyte/users/{name} +ü.jsonl");
        let generation = google.generation(&format!("raw/{key}")).to_string();
        json!({"kind": "storage#object", "name": key, "bucket": "raw", "generation": generation, "size": "40"})
    };
    let kind = "google.cloud.storage.object.v1.finalized";
    let structured = json!({"specversion": "1.0", "id": "1", "source": "//storage.googleapis.com/projects/_/buckets/raw", "type": kind, "data": resource("structured")});
    let object = resource("pubsub");
    let pubsub = json!({"subscription": "projects/example/subscriptions/staged", "message": {"messageId": "1", "attributes": {
        "bucketId": "raw", "objectId": object["name"], "objectGeneration": object["generation"], "eventType": "OBJECT_FINALIZE"}}});
    let binary_headers = [
        ("ce-id", "1"),
        ("ce-specversion", "1.0"),
        ("ce-source", "s"),
        ("ce-type", kind),
        ("content-type", "application/json"),
    ];
    serving.is_done_once(
        &cloud,
        &[
            ("binary", resource("binary"), &binary_headers),
            (
                "structured",
                structured,
                &[("content-type", "application/cloudevents+json")],
            ),
            ("pubsub", pubsub, &[("content-type", "application/json")]),
        ],
    );
    serving.stop();
}
