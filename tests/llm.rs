//! `midflight suggest` with a language model: a server on this machine that answers well, badly, late or not at all,
//! real profiles made by the program, and every byte that leaves it.

mod leaks;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::server::{Asked, Reply, Server};
use crate::support::{Ended, Program, midflight};

const KEY: &str = "sk-very-secret-key";

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "age": {"type": "integer"}, "plan": {"type": "string"},
  "created_at": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
  "updated_at": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
  "email": {"type": "string"}
}}}, "sync_mode": "full_refresh", "destination_sync_mode": "append", "primary_key": [["id"]]}]}"#;

const ALLOWED: &str = "version: 1\nstreams:\n  users: {ai: allow, columns: {email: deny}}\n";

/// Records of users that a profile is made of.
fn users() -> String {
    so_many_users(600)
}

fn so_many_users(count: u32) -> String {
    let users = (0..count).map(|id| {
        let plan = ["free", "team", "enterprise"][id as usize % 3];
        let (day, hour) = (1 + id * 7 % 28, id % 12);
        let data = json!({
            "id": id, "age": 18 + id % 60, "plan": plan, "email": format!("person{id}@example.org"),
            "created_at": format!("2025-03-{day:02}T08:00:00Z"), "updated_at": format!("2025-03-{day:02}T{:02}:30:00Z", 9 + hour),
        });
        json!({"type": "RECORD", "record": {"stream": "users", "data": data, "emitted_at": 1}})
    });
    users.map(|message| format!("{message}\n")).collect()
}

/// A folder with a catalog, a profile that the program made of `records`, and a catalogue.
fn folder(catalog: &str, records: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("catalog.json"), catalog).expect("a catalog");
    std::fs::write(folder.path().join("ai.yaml"), ALLOWED).expect("a catalogue");
    let arguments = [
        "profile",
        "--catalog",
        "catalog.json",
        "--no-models",
        "--out",
        "profile.json",
    ];
    let made = midflight(&arguments).within(folder.path()).run(records);
    assert_eq!(made.code, 0, "{}", made.stderr);
    folder
}

fn suggest(folder: &Path, url: &str, further: &[&str]) -> Program {
    let arguments = [
        &["suggest", "--profile", "profile.json", "--rules", "rules"][..],
        &[
            "--llm-url",
            url,
            "--llm-model",
            "test-model",
            "--llm-key-env",
            "THE_KEY",
        ],
        further,
    ];
    midflight(&arguments.concat())
        .within(folder)
        .env("THE_KEY", KEY)
}

fn allowed(folder: &Path, url: &str, further: &[&str]) -> Ended {
    let further = [&["--catalogue", "ai.yaml"], further].concat();
    suggest(folder, url, &further).run("")
}

/// A completion with this text.
fn completion(text: &str) -> Reply {
    let body = json!({
        "id": "x", "object": "chat.completion", "model": "test-model-2026",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020},
    });
    (200, "", body).into()
}

fn refusal(status: u16, headers: &'static str, message: &str) -> Reply {
    let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
    (status, headers, body).into()
}

/// A rule as a model answers it.
fn rule(id: &str, expr: &str, columns: &[&str], pass: Value, fail: Value) -> Value {
    json!({
        "id": id, "expr": expr, "check": null, "columns": columns, "severity": "error", "on_fail": "quarantine",
        "dimension": "conformity", "description": "Because it is so.",
        "tests": {"pass": [pass], "fail": [fail]},
    })
}

fn age() -> Value {
    rule(
        "users_age",
        "age BETWEEN 0 AND 130",
        &["age"],
        json!([{"column": "age", "value": 30}]),
        json!([{"column": "age", "value": 700}]),
    )
}

fn order() -> Value {
    rule(
        "users_order",
        "updated_at >= created_at",
        &["updated_at", "created_at"],
        json!([{"column": "created_at", "value": "2025-01-01T00:00:00Z"}, {"column": "updated_at", "value": "2025-01-02T00:00:00Z"}]),
        json!([{"column": "created_at", "value": "2025-01-02T00:00:00Z"}, {"column": "updated_at", "value": "2025-01-01T00:00:00Z"}]),
    )
}

fn rules(rules: &[Value]) -> String {
    json!({"rules": rules}).to_string()
}

/// The ids of the rules in the file that was written, those of the language model alone.
fn written(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("rules/users.rules.yaml")).unwrap_or_default();
    let mut problems = midflight::document::Problems::new();
    let file = midflight::plan::rules::RuleFile::parse("users", &text, &mut problems);
    assert!(text.is_empty() || problems.is_empty(), "{problems}\n{text}");
    let rules = file.map(|file| file.rules).unwrap_or_default();
    let of_model = |rule: &&midflight::plan::rules::RuleSpec| {
        midflight::runtime::suggest::source(rule) == "llm"
    };
    rules
        .iter()
        .filter(of_model)
        .map(|rule| rule.id.clone())
        .collect()
}

/// The payloads of the audit's records of a kind.
fn recorded(folder: &Path, kind: &str) -> Vec<Value> {
    let verified = midflight(&["audit", "verify", "rules/audit.jsonl"])
        .within(folder)
        .run("");
    assert_eq!(verified.code, 0, "{}", verified.text());
    let text = std::fs::read_to_string(folder.join("rules/audit.jsonl")).expect("an audit log");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines
        .filter(|line| line["kind"] == kind)
        .map(|line| line["payload"].clone())
        .collect()
}

/// The description of a stream in a request.
fn described(asked: &Asked) -> Value {
    let messages = asked.body["messages"].as_array().expect("messages");
    let user = messages[1]["content"].as_str().expect("a text");
    serde_json::from_str(user).expect("the description is JSON")
}

#[test]
fn rules_of_a_model_are_checked_written_and_on_record() {
    let folder = folder(CATALOG, &users());
    let folder = folder.path();
    let server = Server::start(|_, _: &Asked| completion(&rules(&[age(), order()])));
    let ended = allowed(folder, &server.url, &["--llm-provider", "here"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    assert_eq!(written(folder), ["users_age", "users_order"]);
    let text = std::fs::read_to_string(folder.join("rules/users.rules.yaml")).expect("a file");
    assert!(
        text.contains("prompt: rule-suggest@1") && text.contains("status: proposed"),
        "{text}"
    );

    let asked = server.asked();
    let [asked] = asked.as_slice() else {
        panic!("one request")
    };
    assert!(
        asked.head.starts_with("POST /v1/chat/completions "),
        "{}",
        asked.head
    );
    assert!(
        asked.head.contains(&format!("authorization: Bearer {KEY}")),
        "{}",
        asked.head
    );
    let format = &asked.body["response_format"];
    assert_eq!(
        (&format["type"], &format["json_schema"]["strict"]),
        (&json!("json_schema"), &json!(true))
    );
    assert_eq!(
        (&asked.body["temperature"], &asked.body["max_tokens"]),
        (&json!(0.0), &json!(6000))
    );
    assert!(asked.body["seed"].is_number());
    let told = described(asked);
    let column = |name: &str| {
        told["columns"]
            .as_array()
            .expect("columns")
            .iter()
            .find(|column| column["name"] == name)
            .cloned()
            .expect(name)
    };
    assert_eq!(
        column("plan")["values"],
        json!(["enterprise", "free", "team"])
    );
    assert_eq!(
        column("email"),
        json!({"name": "email", "type": "string"}),
        "a denied column has a name and a type"
    );
    assert!(
        told["facts"].to_string().contains("updated_at"),
        "{}",
        told["facts"]
    );

    let [call] = &recorded(folder, "llm_call")[..] else {
        panic!("one call")
    };
    assert_eq!(call["gen_ai.provider.name"], "here");
    assert_eq!(call["gen_ai.response.model"], "test-model-2026");
    assert_eq!(
        (
            &call["gen_ai.usage.input_tokens"],
            &call["gen_ai.usage.output_tokens"]
        ),
        (&json!(900), &json!(120))
    );
    assert_eq!(call["gen_ai.response.finish_reasons"], json!(["stop"]));
    assert_eq!(call["verdict"], json!({"accepted": 2, "refused": {}}));
    assert_eq!(call["prompt"]["sha256"].as_str().map(str::len), Some(64));
    let before = &recorded(folder, "preflight")[0];
    assert_eq!(
        (
            &before["catalogue"]["decision"],
            &before["payload"]["sha256"]
        ),
        (&json!("allow"), &call["payload"]["sha256"])
    );
    let log = std::fs::read_to_string(folder.join("rules/audit.jsonl")).expect("an audit log");
    assert!(
        !log.contains(KEY) && !log.contains("Because it is so"),
        "no content on record"
    );

    // What is there is not proposed again, whatever became of it.
    let retired = text.replacen("status: proposed", "status: retired", 1);
    std::fs::write(folder.join("rules/users.rules.yaml"), &retired).expect("written");
    let ended = allowed(folder, &server.url, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        std::fs::read_to_string(folder.join("rules/users.rules.yaml")).expect("a file"),
        retired
    );
}

#[test]
fn what_is_wrong_is_told_to_the_model_which_may_correct_it() {
    let folder = folder(CATALOG, &users());
    let folder = folder.path();
    let invented = rule(
        "users_zip",
        "zip > 0",
        &["zip"],
        json!([{"column": "zip", "value": 1}]),
        json!([{"column": "zip", "value": 0}]),
    );
    let mut wrong = age();
    wrong["expr"] = json!("age BETWEEN 0 AND 13");
    let mut unsafe_sql = age();
    (unsafe_sql["id"], unsafe_sql["expr"]) = (json!("users_now"), json!("age < (SELECT 1)"));
    let first = rules(&[invented, wrong, unsafe_sql, order()]);
    let server = Server::start(move |number, _: &Asked| match number {
        0 => completion(&first),
        _ => completion(&format!(
            "<think>a {{</think>```json\n{}\n```",
            rules(&[age()])
        )),
    });
    let ended = allowed(folder, &server.url, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(written(folder), ["users_order", "users_age"]);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    let messages = asked[1].body["messages"].as_array().expect("messages");
    assert_eq!(
        (messages.len(), &messages[2]["role"]),
        (4, &json!("assistant"))
    );
    let told = messages[3]["content"].as_str().expect("a text");
    for problem in [
        "there is no column `zip`",
        "its own test 1 of `pass` fails",
        "rule `users_now`",
    ] {
        assert!(told.contains(problem), "{problem}: {told}");
    }
    let calls = recorded(folder, "llm_call");
    assert_eq!(
        calls[0]["verdict"],
        json!({"accepted": 1, "refused": {"sql": 1, "test_fails": 1, "unknown_column": 1}})
    );
    assert_eq!(
        (&calls[1]["attempt"], &calls[1]["verdict"]["accepted"]),
        (&json!(2), &json!(1))
    );
}

/// A model that fails leaves what the others proposed, a note, and a record.
#[test]
fn every_failure_is_a_note_and_no_error() {
    let folder = folder(CATALOG, &so_many_users(6_000));
    let folder = folder.path();
    type Make = fn(usize) -> Reply;
    let cases: &[(&str, Make, usize, &str, &str)] = &[
        (
            "invalid JSON",
            |_| completion("I would rather not."),
            3,
            "gave no rule that holds",
            "",
        ),
        (
            "another shape",
            |_| completion("{\"rules\": [{\"id\": 1}]}"),
            3,
            "(schema)",
            "",
        ),
        (
            "no completion",
            |_| (200, "", json!({"hello": 1})).into(),
            1,
            "something else than a completion",
            "not_understood",
        ),
        (
            "no text",
            |_| {
                (
                    200,
                    "",
                    json!({"choices": [{"message": {"content": null}}]}),
                )
                    .into()
            },
            1,
            "answers without a text",
            "no_text",
        ),
        (
            "a wrong key",
            |_| refusal(401, "", "no sk-very-secret-key here"),
            1,
            "answers 401",
            "status_401",
        ),
        (
            "a redirect",
            |_| refusal(302, "location: http://127.0.0.1:1/\r\n", ""),
            1,
            "answers 302",
            "status_302",
        ),
        (
            "a huge answer",
            |_| Reply {
                status: 200,
                body: vec![b' '; 8 << 20],
                ..Reply::default()
            },
            1,
            "more than",
            "too_long",
        ),
    ];
    for (what, make, requests, note, code) in cases {
        let make = *make;
        let server = Server::start(move |number, _: &Asked| make(number));
        let ended = allowed(folder, &server.url, &[]);
        assert_eq!(ended.code, 0, "{what}: {}", ended.stderr);
        assert!(
            ended.stderr.starts_with("note: ") && ended.stderr.contains(note),
            "{what}: {}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("other suggesters"),
            "{what}: {}",
            ended.stderr
        );
        assert!(
            !ended.stderr.contains(KEY) && !ended.stderr.contains("rather not"),
            "{what}: {}",
            ended.stderr
        );
        assert_eq!(server.asked().len(), *requests, "{what}");
        assert_eq!(written(folder), Vec::<String>::new(), "{what}");
        assert!(
            ended.text().contains("  profile "),
            "{what}: {}",
            ended.text()
        );
        std::fs::remove_file(folder.join("rules/users.rules.yaml")).expect("a rule file");
        if !code.is_empty() {
            assert_eq!(
                recorded(folder, "llm_call").last().expect("a call")["failure"],
                *code,
                "{what}"
            );
        }
        let proposed = recorded(folder, "rules_proposed");
        assert!(
            proposed.last().expect("a record")["language_model_failed"].is_string(),
            "{what}"
        );
    }
}

#[test]
fn a_model_that_is_slow_or_down_is_waited_for_only_so_long() {
    let folder = folder(CATALOG, &users());
    let folder = folder.path();
    let down = allowed(folder, "http://127.0.0.1:9/v1", &["--llm-timeout", "1"]);
    assert_eq!(down.code, 0, "{}", down.stderr);
    assert!(
        down.stderr.contains("cannot be reached") && down.stderr.contains("tried 3 times"),
        "{}",
        down.stderr
    );
    // One byte at a time would go on for an hour.
    let server = Server::start(|_, _: &Asked| Reply {
        per_byte: Duration::from_millis(150),
        ..completion(&" ".repeat(20_000))
    });
    let started = std::time::Instant::now();
    let slow = allowed(folder, &server.url, &["--llm-timeout", "1"]);
    assert_eq!(slow.code, 0, "{}", slow.stderr);
    assert!(
        slow.stderr.contains("gives no answer in time"),
        "{}",
        slow.stderr
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        recorded(folder, "llm_call").last().expect("a call")["failure"],
        "timeout"
    );
}

#[test]
fn a_server_that_is_busy_is_asked_again_when_it_says() {
    let folder = folder(CATALOG, &users());
    let server = Server::start(|number, _: &Asked| match number {
        0 => refusal(429, "retry-after: 2\r\n", "slow down"),
        1 => refusal(503, "", "busy"),
        _ => completion(&rules(&[age()])),
    });
    let started = std::time::Instant::now();
    let ended = allowed(folder.path(), &server.url, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(
        started.elapsed() >= Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(written(folder.path()), ["users_age"]);
}

/// What a server does not know is left out, once and for all.
#[test]
fn settings_that_a_server_refuses_are_left_out() {
    let folder = folder(CATALOG, &users());
    let server = Server::start(|_, asked: &Asked| {
        for (name, message) in [
            (
                "response_format",
                "Unrecognized request argument: response_format",
            ),
            (
                "max_tokens",
                "Unsupported parameter: 'max_tokens', use 'max_completion_tokens'",
            ),
            ("temperature", "'temperature' does not support 0"),
        ] {
            if !asked.body[name].is_null() {
                return refusal(400, "", message);
            }
        }
        completion(&rules(&[age()]))
    });
    let ended = allowed(folder.path(), &server.url, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(written(folder.path()), ["users_age"]);
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[3].body["max_completion_tokens"], json!(6000));
    assert_eq!(
        recorded(folder.path(), "llm_call")[0]["held_to_schema"],
        json!(false)
    );
}

#[test]
fn tokens_have_a_budget() {
    let folder = folder(CATALOG, &users());
    let server = Server::start(|_, _: &Asked| {
        let mut reply = completion("{");
        reply.body = String::from_utf8(reply.body)
            .expect("text")
            .replace("900", "90000")
            .into_bytes();
        reply
    });
    let ended = allowed(folder.path(), &server.url, &["--token-budget", "50000"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("the token budget has 0 of 50000 left"),
        "{}",
        ended.stderr
    );
    assert_eq!(server.asked().len(), 1);
    let none = allowed(folder.path(), &server.url, &["--token-budget", "100"]);
    assert!(none.stderr.contains("token budget"), "{}", none.stderr);
    assert_eq!(server.asked().len(), 0);
    assert_eq!(
        recorded(folder.path(), "llm_call").last().expect("a call")["failure"],
        "budget"
    );
}

#[test]
fn nothing_is_sent_unless_somebody_says_that_it_may() {
    let folder = folder(CATALOG, &users());
    let folder = folder.path();
    let server = Server::start(|_, _: &Asked| completion(&rules(&[age()])));
    let nobody = suggest(folder, &server.url, &[]).run("");
    assert_eq!(nobody.code, 2, "{}", nobody.stderr);
    assert!(
        nobody.stderr.contains("--without-catalogue"),
        "{}",
        nobody.stderr
    );
    for text in [
        "version: 1\nstreams:\n  users: {ai: deny}\n",
        "version: 1\nstreams:\n  others: {ai: allow}\n",
    ] {
        std::fs::write(folder.join("ai.yaml"), text).expect("a catalogue");
        let denied = allowed(folder, &server.url, &[]);
        assert_eq!(denied.code, 0, "{}", denied.stderr);
        assert!(
            denied.stderr.contains("may not be described"),
            "{}",
            denied.stderr
        );
    }
    assert_eq!(server.asked().len(), 0);
    let decisions: Vec<_> = recorded(folder, "preflight")
        .iter()
        .map(|one| one["catalogue"]["decision"].clone())
        .collect();
    assert_eq!(decisions, ["deny", "unknown"]);

    let shown = suggest(
        folder,
        &server.url,
        &["--without-catalogue", "--show-payload"],
    )
    .run("");
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(server.asked().len(), 0, "shown and not sent");
    let decided = suggest(folder, &server.url, &["--without-catalogue"]).run("");
    assert_eq!(decided.code, 0, "{}", decided.stderr);
    let asked = server.asked();
    assert_eq!(
        asked[0].body["messages"], shown[0]["messages"],
        "what is shown is what is sent"
    );
    let last = recorded(folder, "preflight").pop().expect("a record");
    assert_eq!(last["catalogue"]["source"], "operator, without a catalogue");
}

#[test]
fn names_of_denied_columns_may_be_hidden() {
    let folder = folder(CATALOG, &users());
    let folder = folder.path();
    let server = Server::start(|_, _: &Asked| completion(&rules(&[age()])));
    let config = "version: 1\ncatalogue: {file: ai.yaml, hide_names: true}\n";
    std::fs::write(folder.join("midflight.yaml"), config).expect("a configuration");
    let ended = suggest(folder, &server.url, &["--config", "midflight.yaml"]).run("");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let asked = server.asked();
    assert!(!String::from_utf8_lossy(&asked[0].bytes).contains("email"));
}

#[test]
fn a_prompt_is_scored_against_a_model() {
    let folder = folder(CATALOG, &users());
    let folder = folder.path();
    let server = Server::start(|_, _: &Asked| completion(&rules(&[age(), order()])));
    let evaluation = "version: 1\ntests:\n  - description: ages\n    vars: {profile: profile.json, stream: users}\n    assert:\n      - {type: rules, min: 2}\n      - {type: refused, max: 0}\n      - {type: refuses, row: {age: 700}}\n      - {type: accepts, row: {age: 30}}\n";
    std::fs::write(folder.join("evaluation.yaml"), evaluation).expect("written");
    let arguments = [
        "suggest",
        "--evaluate",
        "evaluation.yaml",
        "--llm-url",
        &server.url,
        "--llm-model",
        "m",
        "--catalogue",
        "ai.yaml",
        "--audit",
        "a.jsonl",
        "--format",
        "json",
    ];
    let ended = midflight(&arguments).within(folder).run("");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    let scored: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(
        (&scored["score"], &scored["prompt"]),
        (&json!(1.0), &json!("rule-suggest@1"))
    );
    std::fs::write(
        folder.join("evaluation.yaml"),
        evaluation.replace("age: 30", "age: 131"),
    )
    .expect("written");
    let ended = midflight(&arguments).within(folder).run("");
    assert_eq!(ended.code, 3, "{}", ended.text());
}

/// What comes with the prompt can be run, and good rules hold everything in it.
#[test]
fn the_evaluation_of_the_prompt_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str, hour: u32| json!({"column": name, "value": format!("2025-01-01T{hour:02}:00:00Z")});
    let number = |name: &str, value: f64| json!({"column": name, "value": value});
    let text = |name: &str, value: &str| json!({"column": name, "value": value});
    let good = [
        rule(
            "orders_quantity",
            "quantity >= 1",
            &["quantity"],
            json!([number("quantity", 1.0)]),
            json!([number("quantity", 0.0)]),
        ),
        rule(
            "orders_price",
            "unit_price > 0",
            &["unit_price"],
            json!([number("unit_price", 1.5)]),
            json!([number("unit_price", -1.5)]),
        ),
        rule(
            "orders_discount",
            "discount_percent BETWEEN 0 AND 100",
            &["discount_percent"],
            json!([number("discount_percent", 5.5)]),
            json!([number("discount_percent", 150.5)]),
        ),
        rule(
            "orders_status",
            "status IN ('open', 'shipped', 'delivered', 'cancelled')",
            &["status"],
            json!([text("status", "open")]),
            json!([text("status", "x")]),
        ),
        rule(
            "orders_shipped",
            "shipped_at >= ordered_at",
            &["shipped_at", "ordered_at"],
            json!([at("ordered_at", 1), at("shipped_at", 2)]),
            json!([at("ordered_at", 2), at("shipped_at", 1)]),
        ),
        rule(
            "orders_delivered",
            "delivered_at >= shipped_at",
            &["delivered_at", "shipped_at"],
            json!([at("shipped_at", 1), at("delivered_at", 2)]),
            json!([at("shipped_at", 2), at("delivered_at", 1)]),
        ),
    ];
    let server = Server::start(move |_, _: &Asked| {
        completion(&rules(&good).replace("1.0", "1").replace("0.0", "0"))
    });
    let audit = folder.path().join("a.jsonl").display().to_string();
    let arguments = [
        "suggest",
        "--evaluate",
        "prompts/rule-suggest/evaluation.yaml",
        "--llm-url",
        &server.url,
        "--llm-model",
        "m",
        "--without-catalogue",
        "--audit",
        &audit,
    ];
    let ended = midflight(&arguments).run("");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    assert!(
        ended.text().ends_with("rule-suggest@1 score 1.00\n"),
        "{}",
        ended.text()
    );
}
