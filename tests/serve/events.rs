//! Every folder of `fixtures/events/`: a request as its sender makes it, what it is answered, which objects it is about.
//!
//! ```text
//! event.json      the body
//! headers.json    its headers, where they matter
//! expected.json   the status, the answer, and the objects that are processed
//! ```

use std::collections::BTreeMap;
use std::fs;

use midflight::runtime::serve::Settings;
use serde_json::{Value, json};

use super::server::{Answer, Server};
use crate::support::root;

#[test]
fn every_sender_is_understood() {
    let folder = root().join("fixtures/events");
    let bless = std::env::var_os("MIDFLIGHT_BLESS").is_some();
    let mut names: Vec<_> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    assert!(names.len() > 50, "the fixtures are there");
    let mut wrong = Vec::new();
    for name in names {
        let read = |file: &str| fs::read_to_string(folder.join(&name).join(file));
        let found = answered(
            &read("event.json").expect("an event"),
            read("headers.json").ok(),
        );
        if bless {
            let text = serde_json::to_string_pretty(&found).expect("JSON");
            fs::write(folder.join(&name).join("expected.json"), text + "\n").expect("a file");
            continue;
        }
        let expected = read("expected.json").ok();
        let expected = expected.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if expected.as_ref() != Some(&found) {
            wrong.push(format!("{name}: {found:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn answered(event: &str, headers: Option<String>) -> Value {
    let settings = Settings {
        output: vec!["s3a://raw/clean/".to_owned()],
        workers: 1,
        ..Settings::default()
    };
    let server = Server::start(&settings);
    let headers: BTreeMap<String, String> = headers.map_or_else(BTreeMap::new, |text| {
        serde_json::from_str(&text).expect("headers")
    });
    let mut request = server.post(event);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = Answer::of(request.send().expect("an answer"));
    let seen = server.script.seen();
    let seen = seen.iter().map(|object| {
        json!({"url": object.url, "size": object.size, "version": object.version, "sequencer": object.sequencer})
    });
    json!({"status": answer.status, "answer": answer.body, "processed": seen.collect::<Vec<_>>()})
}
