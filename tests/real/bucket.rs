//! The cache of embeddings in an S3 bucket, against moto's server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::venv::Venv;
use crate::support::{Ended, midflight, root};

/// A server that ends with the test.
pub struct Moto {
    child: Child,
    pub address: String,
}

impl Moto {
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("an address");
        drop(port);
        let mut command = Venv::of("moto").program("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("a server");
        let moto = Self {
            child,
            address: address.to_string(),
        };
        let start = Instant::now();
        while TcpStream::connect(&moto.address).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(240),
                "moto does not start"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        moto
    }

    /// The answer to a request without body.
    pub fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let credential = "AWS4-HMAC-SHA256 Credential=testing/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: {credential}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", self.address).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn vectors_are_kept_in_a_bucket() {
    let moto = Moto::start();
    moto.ask("PUT", "/vectors");
    let folder = tempfile::tempdir().expect("a folder");
    let words = root().join("fixtures/models/words");
    let config = |bucket: &str| {
        let stage = format!(
            "{{text: \"{{{{text}}}}\", into: v, model: \"{}\", cache: \"s3://{bucket}/midflight/one\"}}",
            words.display()
        );
        format!(
            "version: 1\nunlisted: pass\nstreams:\n  tickets:\n    stages:\n      - embed: {stage}\n"
        )
    };
    let run = |bucket: &str, texts: &[&str]| -> (Ended, Value) {
        std::fs::write(folder.path().join("config.yaml"), config(bucket)).expect("a configuration");
        let records = texts.iter().map(|text| {
            let message = json!({"type": "RECORD", "record": {"stream": "tickets", "data": {"text": text}, "emitted_at": 1}});
            format!("{message}\n")
        });
        let arguments = ["pipe", "--config", "config.yaml", "--report", "report"];
        let ended = midflight(&arguments)
            .within(folder.path())
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT", &format!("http://{}", moto.address))
            .env("AWS_ALLOW_HTTP", "true")
            .run(records.collect::<String>());
        let report = std::fs::read(folder.path().join("report/report.json")).unwrap_or_default();
        let report: Value = serde_json::from_slice(&report).unwrap_or_default();
        (ended, report["embedders"][0].clone())
    };
    let (first, counts) = run("vectors", &["one", "two"]);
    assert_eq!(
        (first.code, &counts["made"]),
        (0, &json!(2)),
        "{}",
        first.stderr
    );
    let (second, counts) = run("vectors", &["one", "two", "three"]);
    assert_eq!(
        (second.code, &counts["made"], &counts["from_cache"]),
        (0, &json!(1), &json!(2))
    );
    let names = moto.ask("GET", "/vectors?list-type=2&prefix=midflight/one/");
    assert_eq!(names.matches("<Key>").count(), 4, "{names}");
    let (refused, _) = run("no-such-bucket", &["one"]);
    assert!(
        refused.code == 1
            && refused
                .stderr
                .contains("cannot be written: there is no such bucket"),
        "{}",
        refused.stderr
    );
    assert_eq!(refused.text(), "");
}
