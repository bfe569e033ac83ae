//! Metrics for Prometheus: served while a run goes on, read once more when it is over.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use super::lineage::{folder, records};
use crate::support::{KEY, midflight};

/// A run whose metrics can be asked for.
pub struct Scraped {
    pub child: Child,
    stdin: Option<ChildStdin>,
    address: String,
}

impl Scraped {
    /// A pipe in a folder with the plan's files, with more arguments.
    pub fn start(folder: &Path, further: &[&str]) -> Self {
        let arguments = [
            &[
                "pipe",
                "--config",
                "config.yaml",
                "--catalog",
                "catalog.json",
                "--report",
                "report",
                "--metrics",
                ":0",
            ],
            further,
        ]
        .concat();
        let program = midflight(&arguments)
            .within(folder)
            .env("MIDFLIGHT_KEY", KEY);
        let mut command = program.command();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        stderr.read_line(&mut line).expect("a line");
        let address = line
            .trim()
            .strip_prefix("midflight: metrics at http://")
            .and_then(|rest| rest.strip_suffix("/metrics"))
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            address,
        }
    }

    pub fn feed(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("an input");
        stdin.write_all(text.as_bytes()).expect("written");
        stdin.flush().expect("written");
    }

    /// Ends the input.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// The head and body of an answer; `None` when nobody listens.
    pub fn get(&self, path: &str) -> Option<(String, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.to_owned(), body.to_owned()))
    }

    /// The metrics, once they say this.
    pub fn wait_for(&self, line: &str) -> String {
        let begun = Instant::now();
        loop {
            let (head, body) = self.get("/metrics").expect("an answer");
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            assert!(
                head.to_lowercase()
                    .contains("content-type: text/plain; version=0.0.4"),
                "{head}"
            );
            if body.lines().any(|told| told == line) {
                return body;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "no `{line}` in\n{body}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn counts_are_served_during_and_after_a_run() {
    let folder = folder();
    let mut run = Scraped::start(folder.path(), &["--metrics-linger", "60"]);
    run.wait_for("midflight_run_status{status=\"running\"} 1");
    run.feed(&records());
    run.wait_for("midflight_records_read_total{stream=\"crm.users\"} 3");
    // The counts of a chunk that is not the first of its tenth of a second come with the next, or with the end.
    run.close();
    let last = run.wait_for("midflight_run_status{status=\"succeeded\"} 1");
    for line in [
        "midflight_records_emitted_total{stream=\"crm.users\"} 2",
        "midflight_records_filtered_total{stream=\"crm.users\"} 1",
        "midflight_findings_total{stream=\"crm.users\",kind=\"EMAIL\"} 3",
        "midflight_violations_total{stream=\"crm.users\",rule=\"age_range\"} 1",
        "# TYPE midflight_stage_seconds_total counter",
    ] {
        assert!(
            last.lines().any(|told| told == line),
            "no `{line}` in\n{last}"
        );
    }
    let read = Instant::now();
    assert!(run.child.wait().expect("an end").success());
    assert!(
        read.elapsed() < Duration::from_secs(10),
        "it waited on for {:?}",
        read.elapsed()
    );
    assert!(!last.to_lowercase().contains("qx7"));
}

#[test]
fn health_is_told_and_nothing_else_is_there() {
    let folder = folder();
    let mut run = Scraped::start(folder.path(), &[]);
    let (head, body) = run.get("/healthz").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "{\"status\":\"running\"}\n");
    let (head, _) = run.get("/").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    run.close();
    assert!(run.child.wait().expect("an end").success());
    assert!(run.get("/metrics").is_none(), "nobody listens any more");
}

#[test]
fn an_address_that_cannot_be_had_is_told_before_the_run() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = held.local_addr().expect("an address").to_string();
    let folder = folder();
    let run = |arguments: &[&str]| {
        let all = [
            &[
                "pipe",
                "--config",
                "config.yaml",
                "--catalog",
                "catalog.json",
                "--report",
                "report",
            ],
            arguments,
        ]
        .concat();
        midflight(&all)
            .within(folder.path())
            .env("MIDFLIGHT_KEY", KEY)
            .run(records())
    };
    let ended = run(&["--metrics", &taken]);
    drop(held);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nobody can listen at"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("hint: choose an address of this machine"),
        "{}",
        ended.stderr
    );
    assert!(!ended.text().contains("RECORD") && !folder.path().join("report").exists());
    for wrong in ["nonsense", "127.0.0.1", "127.0.0.1:99999", "a b:1"] {
        let ended = run(&["--metrics", wrong]);
        assert_eq!(ended.code, 2, "{wrong}: {}", ended.stderr);
        assert!(ended.stderr.contains("is no address"), "{}", ended.stderr);
    }
    let ended = run(&["--metrics-linger", "5"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}
