//! What concerns no record does not wait for records.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::support::server::Server;

/// An endpoint for vectors that answers once it is let go.
fn held_back() -> (Server, Arc<AtomicBool>) {
    let go = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&go);
    let server = Server::start(move |_, asked| {
        while !gone.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let texts = asked.body["input"].as_array().expect("texts").len();
        let data: Vec<Value> = (0..texts)
            .map(|index| json!({"index": index, "embedding": [1.0, 2.0]}))
            .collect();
        (200, "", json!({"data": data}))
    });
    (server, go)
}

const STATUS: &str = r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"status":"COMPLETE","stream_descriptor":{"name":"users"}}}}"#;
const STATE: &str = r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"upto":1}},"sourceStats":{"recordCount":1.0}}}"#;
const CONTROL: &str = r#"{"type":"CONTROL","x":1.10,"control":{"type":"CONNECTOR_CONFIG","emitted_at":1.50,"connectorConfig":{"config":{"n":1.50,"token":"new"}}}}"#;
const ERROR: &str =
    r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"limited"}}}"#;
const LOG: &str = r#"{"log":{"level":"INFO","message":"said"},"type":"LOG"}"#;

#[test]
fn messages_overtake_a_chunk_that_is_being_worked_on() {
    let (server, go) = held_back();
    let users = stream(
        "users",
        &[("id", "integer"), ("text", "string"), ("v", "array")],
    );
    // Words of messages inside of records are no messages.
    let record = json!({"type": "RECORD", "record": {"stream": "users", "data": {"id": 1, "text": "\"LOG\" \"CONTROL\""}, "emitted_at": 1}});
    let source = Source::playing(json!({"read": [
        {"say": record}, {"sleep": 0.3}, {"say": STATUS}, {"say": STATE}, {"say": CONTROL}, {"say": ERROR}, {"say": LOG},
    ]}));
    source.configured(&format!(
        "version: 1\nunlisted: pass\nstreams: {{users: {{stages: [{{embed: {{text: '{{{{text}}}}', into: v, model: {{endpoint: '{}', name: m, dimensions: 2}}}}}}]}}}}\n",
        server.url
    ));
    source.write("catalog.json", &configured(&[users]).to_string());
    let mut command = source
        .reading(&["--workers", "1", "--report", "report"])
        .command();
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("a line");
    let mut early: Vec<String> = (0..4).map(|_| next()).collect();
    early.retain(|line| !line.contains("plan midflight.config"));
    let config: Value =
        serde_json::from_str(&std::fs::read_to_string(source.path("config.json")).expect("a file"))
            .expect("JSON");
    let restored = format!(
        r#"{{"n":1.50,"token":"new","midflight":{}}}"#,
        config["midflight"]
    );
    let control = CONTROL.replace(r#"{"n":1.50,"token":"new"}"#, &restored);
    assert_eq!(early, [control.as_str(), ERROR, LOG]);
    go.store(true, Ordering::Relaxed);
    let late: Vec<String> = lines.map(|line| line.expect("a line")).collect();
    assert!(late[0].contains(r#""v":[1.0,2.0]"#), "{late:?}");
    assert_eq!(late[1..3], [STATUS, STATE]);
    assert!(
        late[3].contains("1 read") || late[3].contains("records"),
        "{late:?}"
    );
    assert_eq!(late.len(), 4, "nothing is said twice: {late:?}");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

#[test]
fn lines_stay_whole_whoever_writes_them() {
    let mut play = Vec::new();
    for number in 0..300 {
        let pad = "x".repeat(number * 37 % 3_000);
        play.push(json!({"say": json!({"type": "RECORD", "record": {"stream": "users", "data": {"id": number, "text": pad}, "emitted_at": 1}})}));
        play.push(json!({"say": json!({"type": "LOG", "log": {"level": "INFO", "message": format!("{number}")}})}));
    }
    let source = Source::playing(json!({"read": play}));
    source.configured("version: 1\nunlisted: pass\n");
    source.write(
        "catalog.json",
        &configured(&[stream("users", &[("id", "integer"), ("text", "string")])]).to_string(),
    );
    for options in [
        &["--workers", "2"][..],
        &["--chunk-bytes", "1000"],
        &["--workers", "1", "--chunk-bytes", "1"],
    ] {
        let ended = source.reading(options).run("");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let messages = lines(ended.text());
        let ids: Vec<_> = of_type(&messages, "RECORD")
            .iter()
            .map(|message| message["record"]["data"]["id"].as_u64())
            .collect();
        assert_eq!(ids, (0..300).map(Some).collect::<Vec<_>>());
        let said: Vec<_> = of_type(&messages, "LOG")
            .iter()
            .filter_map(|message| message["log"]["message"].as_str()?.parse::<u64>().ok())
            .collect();
        assert_eq!(said, (0..300).collect::<Vec<_>>());
    }
}
