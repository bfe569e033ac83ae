//! A bucket that calls a function that is the program, all of it ministack's: the program is packed, started and
//! called as by Lambda.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::cloud::{Cloud, MASKS, PATIENCE};
use super::venv::Venv;
use crate::support::{onnxruntime, root};

struct Ministack(Child);

impl Drop for Ministack {
    fn drop(&mut self) {
        // It ends the functions that it started.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let start = Instant::now();
        while self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            if start.elapsed() > Duration::from_secs(10) {
                let _ = self.0.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_bucket_calls_the_program() {
    let venv = Venv::of("ministack");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = venv.program("ministack");
    command
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", address.port().to_string())
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = Ministack(command.spawn().expect("a server"));
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < PATIENCE, "ministack does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    let endpoint = format!("http://{address}");
    let cloud = Cloud::of(
        "s3",
        &[
            ("aws_endpoint", &endpoint),
            ("aws_access_key_id", "test"),
            ("aws_secret_access_key", "testsecret"),
            ("aws_region", "us-east-1"),
            ("aws_allow_http", "true"),
        ],
    );
    let program = folder.path().join("bootstrap");
    let mut strip = Command::new("strip");
    strip
        .arg("-o")
        .arg(&program)
        .arg(env!("CARGO_BIN_EXE_midflight"));
    assert!(
        strip.status().is_ok_and(|status| status.success()),
        "binutils strips the program"
    );
    let mut variables = json!({
        "MIDFLIGHT_CONFIG_YAML": MASKS, "MIDFLIGHT_TO": "s3://clean/stage", "MIDFLIGHT_ALLOW": "s3://raw/airbyte",
        "ORT_DYLIB_PATH": onnxruntime(),
    });
    for (name, value) in &cloud.environment {
        variables[name] = value.as_str().into();
    }
    let mut setup = Command::new(venv.python());
    setup
        .arg(root().join("tests/python/function.py"))
        .arg(&endpoint)
        .arg(&program)
        .arg(variables.to_string());
    assert!(
        setup.status().is_ok_and(|status| status.success()),
        "the function is made"
    );

    let mut expected: Vec<String> = Vec::new();
    for (name, what) in [("cold +ü", "a"), ("warm", "b"), ("warm", "c")] {
        let start = Instant::now();
        cloud.put(&format!("airbyte/users/{name}.jsonl"), &[what]);
        expected.retain(|id| id != "b" || what != "c");
        expected.push(what.to_owned());
        while cloud.ids("clean/stage") != expected {
            assert!(start.elapsed() < PATIENCE, "{what} is not committed");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    cloud.put("elsewhere/users/x.jsonl", &["x"]);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(cloud.ids("clean/stage"), expected);
}
