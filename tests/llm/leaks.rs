//! Nothing of the data leaves: distinctive values are planted in every kind of column, the program profiles them, and
//! no request and no record may hold them in any spelling.

use serde_json::{Value, json};

use super::{completion, folder, rules, suggest};
use crate::canary::spellings_of;
use crate::support::server::{Asked, Server};

/// What is planted, with what it is.
const PLANTED: &[&str] = &[
    "Qx7Kestrel",
    "vole@canary-mail.example",
    "918273645546372",
    "81927.36455",
    "zorbanthquill",
    "王小明渊",
    "Wexcombe",
    "2031-07-19",
];

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "secret": {"type": "string"}, "mail": {"type": "string"}, "number": {"type": "integer"},
  "amount": {"type": "number"}, "group": {"type": "string"}, "city": {"type": "string"}, "cjk": {"type": "string"},
  "day": {"type": "string", "format": "date"}, "note": {"type": "string"},
  "scores": {"type": "object"}, "tags": {"type": "array", "items": {"type": "string"}}
}}}, "sync_mode": "full_refresh", "destination_sync_mode": "append", "primary_key": [["id"]]}]}"#;

/// Records with planted values: rare ones, and ones that every row shares.
fn records() -> String {
    let records = (0..400_u32).map(|id| {
        let rare = id % 40 == 0;
        let mut data = json!({
            "id": id,
            "secret": if rare { "Qx7Kestrel".to_owned() } else { format!("code{id}") },
            "mail": "vole@canary-mail.example",
            "number": 918_273_645_546_372_u64,
            "amount": 81_927.364_55,
            "group": if rare { "zorbanthquill" } else { "common" },
            "city": "Wexcombe",
            "cjk": if id % 2 == 0 { format!("王小明渊{id}") } else { format!("x {id}") },
            "day": "2031-07-19",
            "note": format!("A long text that Qx7Kestrel wrote about zorbanthquill, number {id}, to vole@canary-mail.example."),
            "scores": {"vole@canary-mail.example": id, format!("Qx7Kestrel{}", id % 50): 1},
            "tags": if rare { json!(["Qx7Kestrel", "zorbanthquill"]) } else { json!(["common"]) },
            "vole@canary-mail.example": true,
            "918273645546372": id,
        });
        data[format!("key of zorbanthquill {id}")] = json!(1);
        if rare {
            data["zorbanthquill"] = json!("x");
        }
        json!({"type": "RECORD", "record": {"stream": "users", "data": data, "emitted_at": 1}})
    });
    records.map(|message| format!("{message}\n")).collect()
}

fn holds_nothing_planted(what: &str, bytes: &[u8]) {
    let haystack = bytes.to_ascii_lowercase();
    for (spelling, needle) in spellings_of(PLANTED) {
        let found = haystack
            .windows(needle.len())
            .position(|part| part == needle);
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(120)..(at + 60).min(bytes.len())];
            panic!(
                "{what} holds a planted value ({spelling}): …{}…",
                String::from_utf8_lossy(around)
            );
        }
    }
}

/// The spellings are really looked for: the profile itself holds the values.
#[test]
#[should_panic(expected = "the profile holds a planted value (plain)")]
fn a_leak_would_be_found() {
    let folder = folder(CATALOG, &records());
    let profile = std::fs::read(folder.path().join("profile.json")).expect("a profile");
    holds_nothing_planted("the profile", &profile);
}

#[test]
fn no_request_and_no_record_holds_a_value() {
    let folder = folder(CATALOG, &records());
    let folder = folder.path();
    // Answers that fail bring every way in which a question is asked again.
    let server = Server::start(|number, _: &Asked| {
        let wrong = json!({
            "id": "users_x", "expr": "secreet = 1 AND number > 'a'", "check": null, "columns": ["number", "secreet"],
            "severity": "error", "on_fail": "annotate", "dimension": null, "description": "x",
            "tests": {"pass": [[{"column": "number", "value": 1}]], "fail": [[{"column": "number", "value": 2}]]},
        });
        match number {
            0 => completion(&rules(&[wrong])),
            1 => completion("nothing"),
            _ => completion(&rules(&[])),
        }
    });
    let ended = suggest(folder, &server.url, &["--without-catalogue"]).run("");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for request in &asked {
        holds_nothing_planted("the head of a request", request.head.as_bytes());
        holds_nothing_planted("a request", &request.bytes);
        // What the JSON of a message hides in its escapes is looked for as text too.
        for message in request.body["messages"].as_array().expect("messages") {
            holds_nothing_planted(
                "a message",
                message["content"].as_str().expect("text").as_bytes(),
            );
        }
    }
    holds_nothing_planted("stderr", ended.stderr.as_bytes());
    let log = std::fs::read(folder.join("rules/audit.jsonl")).expect("an audit log");
    holds_nothing_planted("the audit log", &log);
    // It is no empty description that holds nothing.
    let told: Value = super::described(&asked[0]);
    let names: Vec<_> = told["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| column["name"].as_str().expect("a name").to_owned())
        .collect();
    for name in ["id", "secret", "number", "amount", "note", "scores"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
}
