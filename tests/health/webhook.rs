//! A webhook against a server that answers, is slow, fails or redirects. Its address is told nowhere.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Ended, midflight};

/// What makes the address a secret.
const SECRET: &str = "T00-sEcReT-path";

/// A server that gives this answer to every request after a while, and passes on what it was sent.
fn server(answer: &'static str, wait: Duration) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/{SECRET}",
        listener.local_addr().expect("an address")
    );
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(request) = request(&stream) else {
                continue;
            };
            if sender.send(request).is_err() {
                return;
            }
            std::thread::sleep(wait);
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    (url, received)
}

/// The first line and the body.
fn request(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, String::from_utf8(body).ok()?))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// A run whose source told an error, with a webhook of this format.
fn run(url: &str, settings: &str, input: &str) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        "version: 1\nunlisted: pass\nhistory: {{to: ./runs.jsonl}}\nhealth: {{webhook: {{url: {{env: ALERTS}}, {settings}}}}}\n"
    );
    fs::write(folder.path().join("c.yaml"), config).expect("a file");
    midflight(&["pipe", "--config", "c.yaml"])
        .within(folder.path())
        .env("ALERTS", url)
        .run(input)
}

const FAILED: &str = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"rate limit exceeded for Zwiebelfisch"}}}
"#;

fn received(received: &Receiver<(String, String)>) -> Option<(String, Value)> {
    let (first, body) = received.recv_timeout(Duration::from_millis(200)).ok()?;
    assert!(!body.contains("Zwiebelfisch"), "{body}");
    Some((first, serde_json::from_str(&body).expect("JSON")))
}

#[test]
fn a_run_tells_who_wants_to_know() {
    for (settings, input, told) in [
        ("format: generic", FAILED, true),
        ("on: failure", FAILED, true),
        ("on: failure", "", false),
        ("on: anomaly", "", false),
        ("on: always", "", true),
    ] {
        let (url, requests) = server(OK, Duration::ZERO);
        let ended = run(&url, settings, input);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let sent = received(&requests);
        assert_eq!(sent.is_some(), told, "{settings}");
        if let Some((first, health)) = sent {
            assert!(first.starts_with(&format!("POST /{SECRET} ")), "{first}");
            assert_eq!(health["version"], 1);
            let class = if input.is_empty() {
                Value::Null
            } else {
                "rate_limit".into()
            };
            assert_eq!(health["failure"]["class"], class);
        }
        assert!(!ended.text().contains(SECRET) && !ended.stderr.contains(SECRET));
    }
}

#[test]
fn slack_gets_blocks() {
    let (url, requests) = server(OK, Duration::ZERO);
    run(&url, "format: slack", FAILED);
    let (_, message) = received(&requests).expect("a message");
    assert_eq!(message["text"], "midflight pipe: a run failed");
    let kinds: Vec<_> = message["blocks"]
        .as_array()
        .expect("blocks")
        .iter()
        .map(|block| block["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["header", "section", "context"]);
}

#[test]
fn who_does_not_take_it_is_a_note_that_names_no_address() {
    let (redirected_to, elsewhere) = server(OK, Duration::ZERO);
    let redirect: &'static str = Box::leak(
        format!("HTTP/1.1 302 Found\r\nlocation: {redirected_to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_boxed_str(),
    );
    let failing = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let refusing = "HTTP/1.1 404 No\r\ncontent-length: 9\r\nconnection: close\r\n\r\nno_secret";
    for (answer, wait, said, tries) in [
        (redirect, 0, "the webhook answers 302", 1),
        (refusing, 0, "the webhook answers 404", 1),
        (failing, 0, "the webhook answers 500", 3),
        (OK, 6_000, "the webhook gives no answer in time", 3),
    ] {
        let (url, requests) = server(answer, Duration::from_millis(wait));
        let since = Instant::now();
        let ended = run(&url, "on: always", "");
        assert_eq!(ended.code, 0, "the run itself went well: {}", ended.stderr);
        assert!(since.elapsed() < Duration::from_secs(40));
        let text = ended.text();
        let note = text.lines().last().unwrap_or_default();
        assert!(
            note.contains(r#""level":"WARN""#) && note.contains(said),
            "{said}: {note}"
        );
        assert!(
            !text.contains(SECRET) && !text.contains("127.0.0.1"),
            "{text}"
        );
        let sent = std::iter::from_fn(|| received(&requests)).count();
        // A server that is slow takes one after the other.
        assert!(sent == tries || wait > 0, "{said}: {sent}");
    }
    assert!(elsewhere.try_recv().is_err(), "nothing follows a redirect");
}

#[test]
fn addresses_that_are_none_are_told_without_themselves() {
    for (url, said) in [
        (
            "ftp://hooks.example.com/T00-sEcReT-path",
            "none of http:// or https://",
        ),
        ("T00-sEcReT-path", "none of http:// or https://"),
        (
            "http://127.0.0.1:1/T00-sEcReT-path",
            "the webhook cannot be reached",
        ),
        ("", "it is empty"),
    ] {
        let ended = run(url, "on: always", "");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let text = ended.text();
        assert!(
            text.contains(said) && !text.contains(SECRET),
            "{url}: {text}"
        );
    }
}

#[test]
fn the_command_sends_what_it_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let within = |arguments: &[&str]| midflight(arguments).within(folder.path());
    assert_eq!(within(&["pipe", "--history", "runs.jsonl"]).run("").code, 0);
    let (url, requests) = server(OK, Duration::ZERO);
    let ended = within(&[
        "health",
        "--history",
        "runs.jsonl",
        "--webhook-env",
        "ALERTS",
        "--webhook-format",
        "slack",
    ])
    .env("ALERTS", &url)
    .run("");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (_, message) = received(&requests).expect("a message");
    assert_eq!(message["text"], "midflight pipe: a run went well");
}
