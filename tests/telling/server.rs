//! Events on their way to a server: soon, with the key, and never in the way of records.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::lineage::{Schemas, folder, pipe, records};
use crate::support::server::{Asked, Reply, Server};

/// A server that takes what it is given after a while.
fn taking(status: u16, wait: Duration) -> Server {
    Server::start(move |_, _: &Asked| {
        std::thread::sleep(wait);
        Reply {
            status,
            ..Reply::default()
        }
    })
}

#[test]
fn a_server_is_told_of_start_and_end() {
    let (server, folder) = (taking(201, Duration::ZERO), folder());
    let ended = pipe(folder.path())
        .env("OPENLINEAGE_URL", server.root())
        .env("OPENLINEAGE_API_KEY", "Qx7Secret")
        .env("OPENLINEAGE_NAMESPACE", "unused")
        .run(records());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(!ended.text().contains("WARN"), "{}", ended.text());
    let asked = server.asked();
    let types: Vec<_> = asked
        .iter()
        .map(|one| one.body["eventType"].clone())
        .collect();
    assert_eq!(types, [json!("START"), json!("COMPLETE")]);
    let schemas = Schemas::load();
    for one in &asked {
        assert!(
            one.head.starts_with("POST /api/v1/lineage HTTP/1.1\r\n"),
            "{}",
            one.head
        );
        assert!(
            one.head.contains("authorization: Bearer Qx7Secret\r\n"),
            "{}",
            one.head
        );
        assert_eq!(schemas.faults(&one.body), Vec::<String>::new());
    }
    let left = fs::read_to_string(folder.path().join("report/lineage.jsonl")).expect("events");
    let sent: Vec<String> = asked
        .iter()
        .map(|one| String::from_utf8(one.bytes.clone()).expect("text"))
        .collect();
    assert_eq!(left, format!("{}\n", sent.join("\n")));
    assert!(!left.contains("Qx7Secret"));
}

#[test]
fn the_long_names_choose_endpoint_and_compression() {
    let (server, folder) = (taking(200, Duration::ZERO), folder());
    let ended = pipe(folder.path())
        .env("OPENLINEAGE__TRANSPORT__TYPE", "http")
        .env(
            "OPENLINEAGE__TRANSPORT__URL",
            &format!("{}/openapi/openlineage/", server.root()),
        )
        .env("OPENLINEAGE__TRANSPORT__COMPRESSION", "gzip")
        .run(records());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for one in asked {
        assert!(
            one.head
                .starts_with("POST /openapi/openlineage/api/v1/lineage "),
            "{}",
            one.head
        );
        assert!(
            one.head.contains("content-encoding: gzip\r\n"),
            "{}",
            one.head
        );
        let event: Value =
            serde_json::from_reader(GzDecoder::new(one.bytes.as_slice())).expect("JSON");
        assert_eq!(event["job"]["name"], "nightly");
    }
}

/// The first record comes out while the server still thinks about START, and the end does not wait for it long.
#[test]
fn a_slow_server_keeps_no_record_and_no_run() {
    let (server, folder) = (taking(200, Duration::from_secs(60)), folder());
    let mut command = pipe(folder.path())
        .env("OPENLINEAGE_URL", server.root())
        .command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let begun = Instant::now();
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    stdin.write_all(records().as_bytes()).expect("written");
    let first = lines
        .by_ref()
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("RECORD")));
    assert!(first.is_some());
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let closing = Instant::now();
    drop(stdin);
    let rest: Vec<String> = lines.map(|line| line.expect("a line")).collect();
    assert!(child.wait().expect("an end").success());
    assert!(
        closing.elapsed() < Duration::from_secs(15),
        "{:?}",
        closing.elapsed()
    );
    let told = rest.join("\n");
    assert!(
        told.contains("did not take the events within 10 seconds")
            || told.contains("gives no answer in time"),
        "{told}"
    );
}

#[test]
fn a_server_that_is_down_or_refuses_is_a_note_that_quotes_no_secret() {
    let folder = folder();
    let refusing = taking(400, Duration::ZERO);
    let urls = [
        "http://ann:Qx7Secret@127.0.0.1:9/?token=Qx7Secret".to_owned(),
        format!("{}/?token=Qx7Secret", refusing.root()),
        "Qx7Secret".to_owned(),
    ];
    let says = [
        "cannot be reached",
        "answers 400",
        "the address of the server is none",
    ];
    for (url, says) in urls.iter().zip(says) {
        let ended = pipe(folder.path())
            .env("OPENLINEAGE_URL", url)
            .env("OPENLINEAGE__TRANSPORT__RETRY__TOTAL", "1")
            .env("OPENLINEAGE_API_KEY", "Qx7Secret")
            .run(records());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{url}");
        let told: Vec<&str> = ended
            .text()
            .lines()
            .filter(|line| line.contains("lineage:"))
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("\"WARN\"") && told[0].contains(says),
            "{told:?}"
        );
        assert!(
            !ended.text().contains("Qx7Secret") && !ended.text().contains("token"),
            "{told:?}"
        );
    }
}

#[test]
fn files_and_stderr_take_events_too() {
    let folder = folder();
    let ended = pipe(folder.path())
        .env("OPENLINEAGE__TRANSPORT__TYPE", "composite")
        .env("OPENLINEAGE__TRANSPORT__TRANSPORTS", r#"[{"type":"console"},{"type":"file","log_file_path":"ol/all.jsonl","append":true},{"type":"file","log_file_path":"ol/each"},{"type":"kafka"}]"#)
        .run(records());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 2, "{}", ended.stderr);
    let all = fs::read_to_string(folder.path().join("ol/all.jsonl")).expect("events");
    assert_eq!(all, ended.stderr);
    let each = fs::read_dir(folder.path().join("ol"))
        .expect("a folder")
        .count();
    assert_eq!(each, 3, "one file for all, and one for each");
    assert!(
        ended.text().contains("the transport `kafka` is not known"),
        "{}",
        ended.text()
    );
}

#[test]
fn nobody_is_told_where_that_is_forbidden() {
    let (server, folder) = (taking(200, Duration::ZERO), folder());
    let ended = pipe(folder.path())
        .env("OPENLINEAGE_URL", server.root())
        .env("OPENLINEAGE_DISABLED", "true")
        .run(records());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(server.asked().len(), 0);
    let explained = crate::support::midflight(&[
        "explain",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--sample",
        "in",
    ])
    .within(folder.path())
    .env("MIDFLIGHT_KEY", crate::support::KEY)
    .env("OPENLINEAGE_URL", server.root());
    fs::write(folder.path().join("in"), records()).expect("a file");
    let explained = explained.run("");
    assert_eq!(
        (explained.code, server.asked().len()),
        (0, 0),
        "{}",
        explained.stderr
    );
}
