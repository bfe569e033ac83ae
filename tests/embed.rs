//! `embed` behind an endpoint and with a cache: real sockets, real files, the program as a user runs it.

mod server;

use std::path::{Path, PathBuf};

use midflight::model::{Embedder, LazyEmbedder};
use midflight::runtime::models::Models;
use serde_json::{Value, json};

use crate::support::{Ended, Program, midflight, root};
use server::{Answer, Asked, Server, vector, vectors};

const KEY: &str = "sk-very-secret";

/// A run of one stage over these texts, in `folder`.
fn program(folder: &Path, stage: &str) -> Program {
    let config = format!(
        "version: 1\nunlisted: pass\nstreams:\n  tickets:\n    stages:\n      - embed: {stage}\n"
    );
    std::fs::write(folder.join("config.yaml"), config).expect("a configuration");
    let properties = json!({"id": {"type": "integer"}, "text": {"type": "string"}});
    let catalog = json!({"streams": [{
        "stream": {"name": "tickets", "json_schema": {"type": "object", "properties": properties}},
        "sync_mode": "incremental", "destination_sync_mode": "append_dedup", "primary_key": [["id"]],
    }]});
    std::fs::write(folder.join("catalog.json"), catalog.to_string()).expect("a catalog");
    let arguments = [
        "pipe",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
        "--workers",
        "1",
    ];
    midflight(&arguments).within(folder).env("THE_KEY", KEY)
}

fn records(texts: &[&str]) -> String {
    let records = texts.iter().enumerate().map(|(id, text)| {
        let data = json!({"id": id, "text": text});
        json!({"type": "RECORD", "record": {"stream": "tickets", "data": data, "emitted_at": 1}})
    });
    let state = json!({"type": "STATE", "state": {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": "tickets"}, "stream_state": {}},
        "sourceStats": {"recordCount": texts.len() as f64},
    }});
    records
        .chain([state])
        .map(|message| format!("{message}\n"))
        .collect()
}

/// The column `v` of every record that left.
fn left(ended: &Ended) -> Vec<Value> {
    let messages = ended
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let records = messages.filter(|message| message["type"] == "RECORD");
    records
        .map(|message| message["record"]["data"]["v"].clone())
        .collect()
}

fn report(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("report/report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn stage(server: &str, more: &str) -> String {
    format!(
        "{{text: \"{{{{text}}}}\", into: v, model: {{endpoint: \"{server}\", name: m, dimensions: 2, key: {{env: THE_KEY}}}}{more}}}"
    )
}

/// Neither texts nor the key may stand in what a run says about itself.
fn silent(folder: &Path, ended: &Ended, texts: &[&str]) {
    let own = ended
        .text()
        .lines()
        .filter(|line| !line.starts_with(r#"{"type":"RECORD""#));
    let told: String = own.chain([ended.stderr.as_str()]).collect();
    let told = told + &report(folder).to_string();
    for secret in texts.iter().chain([&KEY]) {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

/// No record and no STATE has left.
fn nothing_left(ended: &Ended) {
    for kind in ["RECORD", "STATE"] {
        let head = format!("{{\"type\":\"{kind}\"");
        assert!(
            !ended.text().lines().any(|line| line.starts_with(&head)),
            "{}",
            ended.text()
        );
    }
    assert!(
        ended.text().contains(r#""type":"ERROR""#),
        "{}",
        ended.text()
    );
}

#[test]
fn an_endpoint_that_is_busy_is_asked_again() {
    let server = Server::start(|before, asked| match before {
        0 => (
            429,
            "retry-after: 0\r\n",
            json!({"error": {"code": "rate_limit_exceeded"}}),
        ),
        1 => (503, "", Value::Null),
        _ => vectors(asked),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let texts = [
        "The parcel is late",
        "Where is my refund",
        "The parcel is late",
    ];
    let ended = program(folder.path(), &stage(&server.url, "")).run(records(&texts));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let expected: Vec<Value> = texts.iter().map(|text| json!(vector(text))).collect();
    assert_eq!(left(&ended), expected);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    let last = &asked[2];
    // A text that comes twice is sent once.
    assert_eq!(last.texts(), texts[..2]);
    assert!(
        last.head.starts_with("POST /v1/embeddings HTTP/1.1\r\n"),
        "{}",
        last.head
    );
    let bearer = format!("authorization: bearer {KEY}\r\n");
    assert!(
        last.head.to_ascii_lowercase().contains(&bearer),
        "{}",
        last.head
    );
    assert_eq!(
        (&last.body["model"], last.body.get("dimensions")),
        (&json!("m"), None)
    );
    silent(folder.path(), &ended, &texts);
}

#[test]
fn requests_are_bounded_and_answers_put_in_order() {
    let server = Server::start(|_, asked| vectors(asked));
    let folder = tempfile::tempdir().expect("a folder");
    let texts: Vec<String> = (0..150)
        .map(|number| format!("text {number} {}", "e".repeat(number)))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ended = program(folder.path(), &stage(&server.url, "")).run(records(&texts));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let expected: Vec<Value> = texts.iter().map(|text| json!(vector(text))).collect();
    assert_eq!(left(&ended), expected);
    assert!(server.asked().iter().all(|asked| asked.texts().len() <= 64));
}

#[test]
fn a_text_longer_than_the_model_reads_is_sent_in_parts() {
    let server = Server::start(|_, asked| vectors(asked));
    let folder = tempfile::tempdir().expect("a folder");
    let stage = stage(&server.url, "").replace(
        "dimensions: 2",
        "dimensions: 2, max_tokens: 16, shorten: true",
    );
    let long = "The parcel is late and I want my money back. ".repeat(4);
    let ended = program(folder.path(), &stage).run(records(&[&long]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = server.asked();
    assert!(
        asked[0].texts().len() > 3 && asked[0].body["dimensions"] == 2,
        "{asked:?}"
    );
    assert_eq!(left(&ended)[0].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_failure_of_the_endpoint_lets_nothing_through() {
    let answer = |body: Value| move |_: usize, _: &Asked| -> Answer { (200, "", body.clone()) };
    let refusal = |_: usize, _: &Asked| -> Answer {
        (
            401,
            "",
            json!({"error": {"code": "invalid_api_key", "message": KEY}}),
        )
    };
    let three = json!({"data": [{"index": 0, "embedding": [1, 2, 3]}]});
    let cases: [(Server, i32, &str); 5] = [
        (Server::start(refusal), 2, "answers 401 (invalid_api_key)"),
        (Server::start(answer(three)), 2, "3 dimensions instead of 2"),
        (
            Server::start(answer(json!({"data": []}))),
            2,
            "fewer vectors",
        ),
        (
            Server::start(answer(json!("My card is lost"))),
            2,
            "something else than vectors",
        ),
        (
            Server::start(|_, _| (302, "location: http://127.0.0.1:1/\r\n", Value::Null)),
            2,
            "answers 302",
        ),
    ];
    let texts = ["My card is lost"];
    for (server, code, says) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let ended = program(folder.path(), &stage(&server.url, "")).run(records(&texts));
        assert_eq!(ended.code, code, "{says}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_eq!(server.asked().len(), 1, "{says}");
        nothing_left(&ended);
        silent(folder.path(), &ended, &texts);
    }
}

#[test]
fn an_endpoint_that_is_not_there_ends_the_run_after_some_tries() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", port.local_addr().expect("an address"));
    drop(port);
    let folder = tempfile::tempdir().expect("a folder");
    let ended = program(folder.path(), &stage(&url, "")).run(records(&["My card is lost"]));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("cannot be reached"),
        "{}",
        ended.stderr
    );
    assert!(ended.text().contains("transient_error"), "{}", ended.text());
    nothing_left(&ended);
}

#[test]
fn a_later_sync_embeds_only_what_has_changed() {
    let server = Server::start(|_, asked| vectors(asked));
    let folder = tempfile::tempdir().expect("a folder");
    let program = program(folder.path(), &stage(&server.url, ", cache: ./vectors"));
    let asked =
        |server: &Server| -> Vec<String> { server.asked().iter().flat_map(Asked::texts).collect() };
    let first = program.run(records(&["one", "two", "three"]));
    assert_eq!(
        (first.code, asked(&server).len()),
        (0, 3),
        "{}",
        first.stderr
    );
    let again = program.run(records(&["one", "two", "three"]));
    assert_eq!((again.stdout, asked(&server).len()), (first.stdout, 0));
    let counts = &report(folder.path())["embedders"][0];
    assert_eq!(
        (&counts["from_cache"], &counts["made"]),
        (&json!(3), &json!(0))
    );
    let changed = program.run(records(&["one", "two", "three, changed", "four"]));
    assert_eq!(
        (changed.code, asked(&server)),
        (0, vec!["three, changed".to_owned(), "four".to_owned()])
    );
    assert_eq!(left(&changed)[2], json!(vector("three, changed")));
    let entries = entries(&folder.path().join("vectors"));
    assert_eq!(entries.len(), 5);
    for entry in &entries[..2] {
        std::fs::write(entry, "damaged").expect("damage");
    }
    let mended = program.run(records(&["one", "two", "three, changed", "four", "three"]));
    assert_eq!(
        (mended.code, asked(&server).len()),
        (0, 2),
        "{}",
        mended.stderr
    );
    assert_eq!(left(&mended)[..4], left(&changed)[..]);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(entries(&path)),
            path if path.ends_with("about.txt") => {}
            path => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn what_cannot_work_is_told_before_any_record_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("vectors"), "a file").expect("a file");
    let words = root().join("fixtures/models/words");
    let stage = |model: &Path, more: &str| {
        format!(
            "{{text: \"{{{{text}}}}\", into: v, model: \"{}\"{more}}}",
            model.display()
        )
    };
    let refused =
        program(folder.path(), &stage(&words, ", cache: ./vectors")).run(records(&["one"]));
    assert!(
        refused.stderr.contains("`./vectors` cannot be written"),
        "{}",
        refused.stderr
    );
    assert_eq!((refused.code, refused.text()), (1, ""));
    let damaged = folder.path().join("damaged");
    std::fs::create_dir(&damaged).expect("a folder");
    for file in ["manifest.yaml", "model.onnx", "tokenizer.json"] {
        std::fs::copy(words.join(file), damaged.join(file)).expect("a copy");
    }
    std::fs::write(damaged.join("model.onnx"), vec![0; 1868]).expect("damage");
    let refused = program(folder.path(), &stage(&damaged, "")).run(records(&["one"]));
    assert!(
        refused
            .stderr
            .contains("is not the file that its manifest describes"),
        "{}",
        refused.stderr
    );
    assert_eq!((refused.code, refused.text()), (2, ""));
}

#[test]
fn the_built_in_model_gives_its_reference_vectors() {
    let folder = root().join("tests/reference/embeddings");
    let texts = std::fs::read_to_string(folder.join("texts.jsonl")).expect("texts");
    let texts: Vec<Value> = texts
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let reference = std::fs::read(folder.join("default.f32")).expect("vectors");
    let reference: Vec<f32> = reference
        .as_chunks()
        .0
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect();
    let models = Models::standard();
    let manifest = models.manifest("default").expect("a manifest");
    let dimensions = manifest.dimensions;
    let embedder = LazyEmbedder::new(manifest, std::sync::Arc::new(models));
    // The reference cuts longer texts, the engine reads them in windows.
    let chosen: Vec<usize> = (0..texts.len())
        .filter(|&at| texts[at]["tokens"].as_u64().expect("a count") <= 256)
        .collect();
    let text = |at: usize| texts[at]["text"].as_str().expect("a text");
    let all: Vec<&str> = chosen.iter().map(|&at| text(at)).collect();
    let vectors = embedder.embed(&all).expect("vectors");
    assert!(chosen.len() > 50);
    for (&at, vector) in chosen.iter().zip(&vectors) {
        let expected = &reference[at * dimensions..(at + 1) * dimensions];
        let pairs = vector.iter().zip(expected);
        let most = pairs
            .map(|(one, other)| (one - other).abs())
            .fold(0.0, f32::max);
        assert!(most <= 1e-5, "text {at}: {most}");
        assert_eq!(
            embedder.embed(&[text(at)]).expect("a vector")[0],
            *vector,
            "text {at} alone"
        );
    }
    let long: Vec<&str> = (0..texts.len())
        .filter(|at| !chosen.contains(at))
        .map(text)
        .collect();
    for vector in embedder.embed(&long).expect("vectors") {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
}

#[test]
fn the_catalog_declares_columns_and_the_second_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = root().join("fixtures/models/words");
    let stage = format!(
        "{{text: \"{{{{text}}}}\", model: \"{}\", output: stream}}",
        words.display()
    );
    let _ = program(folder.path(), &stage);
    let arguments = [
        "catalog",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
    ];
    let ended = midflight(&arguments).within(folder.path()).run("");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let catalog: Value = serde_json::from_str(ended.text()).expect("JSON");
    let expected = json!({
        "stream": {
            "name": "tickets_chunks",
            "json_schema": {"type": "object", "properties": {
                "id": {"type": "string"},
                "tickets_id": {"type": "integer"},
                "n": {"type": "integer"},
                "of": {"type": "integer"},
                "text": {"type": "string"},
                "embedding": {"type": "array", "items": {"type": "number"}},
            }},
            "source_defined_primary_key": [["id"]],
            "source_defined_cursor": true,
        },
        "sync_mode": "incremental",
        "destination_sync_mode": "append_dedup",
        "primary_key": [["id"]],
    });
    assert_eq!(catalog["streams"][1], expected);
    assert_eq!(catalog["streams"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_text_past_its_bound_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = root().join("fixtures/models/words");
    let stage = format!(
        "{{text: \"{{{{text}}}}\", into: v, model: \"{}\"}}",
        words.display()
    );
    let long = "late ".repeat(900_000);
    let ended = program(folder.path(), &stage).run(records(&["late", &long]));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("more than 4194304"),
        "{}",
        ended.stderr
    );
    // What stands before it has left, and no STATE says that the rest has.
    assert_eq!(left(&ended).len(), 1);
    assert!(!ended.text().contains(r#"{"type":"STATE""#));
}
