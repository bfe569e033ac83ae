//! `spec`, `check` and `discover`.

use serde_json::{Value, json};

use super::*;

const SPEC: &str = r#"{"type":"SPEC","spec":{"documentationUrl":"https://example.com","advanced_auth":{"auth_flow_type":"oauth2.0","x":1.10},"connectionSpecification":{"type":"object","required":["seed"],"additionalProperties":false,"properties":{"seed":{"type":"integer","order":3}}}}}"#;

#[test]
fn spec_needs_no_configuration_and_asks_for_ours_last() {
    let source = Source::playing(json!({"spec": [
        {"say": r#"{"type":"LOG","log":{"level":"INFO","message":"before"}}"#},
        {"say": "a line that is no message"}, {"say": SPEC}, {"say": r#"{"type":"LOG","log":{"level":"INFO","message":"behind"}}"#},
    ]}));
    let ended = source.ask("spec");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    let told: Vec<&str> = ended.text().lines().collect();
    assert_eq!(told.len(), 4);
    assert!(told[0].contains("before") && told[3].contains("behind"));
    assert_eq!(told[1], "a line that is no message");
    // All but our key is what the source printed.
    let mut spec: Value = serde_json::from_str(told[2]).expect("a SPEC");
    let form = spec["spec"]["connectionSpecification"]["properties"].as_object_mut();
    let ours = form.expect("a form").remove("midflight").expect("our key");
    assert_eq!(spec.to_string(), SPEC);
    assert_eq!(
        (&ours["order"], &ours["type"]),
        (&json!(4), &json!("object"))
    );
    assert_eq!(
        ours["properties"]["secrets"]["items"]["properties"]["value"]["airbyte_secret"],
        true
    );
    let fixed = source
        .wrapped(&["--config", "policy.yaml"], &["spec"])
        .run("");
    assert!(!fixed.text().contains("multiline") && fixed.text().contains("airbyte_secret"));
}

#[test]
fn a_source_without_spec_is_a_failure() {
    let source = Source::playing(json!({"spec": [{"say": "hello"}]}));
    let ended = source.ask("spec");
    assert_eq!(ended.code, 4);
    let told = ended.text().lines().last().expect("a line");
    assert!(
        told.contains("printed no SPEC") && told.contains("\"TRACE\""),
        "{told}"
    );
    let failing = Source::playing(json!({"spec": [{"exit": 9}]}));
    let ended = failing.ask("spec");
    assert_eq!(ended.code, 9, "{}", ended.stderr);
}

const STATUS: &str = r#"{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED"}}"#;

#[test]
fn check_gives_the_source_its_own_keys_alone() {
    let control = r#"{"type":"CONTROL","control":{"type":"CONNECTOR_CONFIG","emitted_at":1,"connectorConfig":{"config":{"z":1.50,"token":"new"}}}}"#;
    let source = Source::playing(json!({"check": [{"say": control}, {"say": STATUS}]}));
    source.write(
        "config.json",
        r#"{"z": 1.50, "midflight": {"config": "version: 1\nunlisted: pass\n"}, "a": {"big": 123456789012345678901234567890}}"#,
    );
    let ended = source.ask("check");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    let seen = &source.seen()[0];
    assert_eq!(
        seen["text"],
        r#"{"z":1.50,"a":{"big": 123456789012345678901234567890}}"#
    );
    assert_eq!(seen["mode"], 0o600);
    let file = seen["file"].as_str().expect("a file");
    assert!(!Path::new(file).exists(), "{file} is left");
    let told: Vec<&str> = ended.text().lines().collect();
    let again =
        r#"{"z":1.50,"token":"new","midflight":{"config": "version: 1\nunlisted: pass\n"}}"#;
    assert_eq!(
        told[0],
        control.replace(r#"{"z":1.50,"token":"new"}"#, again)
    );
    assert_eq!(told[1], STATUS);
}

#[test]
fn check_says_what_is_wrong_with_our_part_and_does_not_ask_the_source() {
    let source = Source::playing(json!({"check": [{"say": STATUS}]}));
    let rules = "version: 1\nunlisted: pass\nstreams: {users: {rules: gone.yaml, stages: [{filter: 'id > 1'}]}}\n";
    for (ours, options, says) in [
        (
            "version: 1\nunlistd: pass\n",
            &[][..],
            "did you mean `unlisted`?",
        ),
        (
            "version: 1\nunlisted: pass\nkeys: {k: {env: NOT_GIVEN}}\nstreams: {users: {stages: [{mask: {column: id, with: hash, key: k}}]}}\n",
            &[],
            "NOT_GIVEN",
        ),
        (rules, &[], "gone.yaml"),
        ("version: 1\ntagger: ./no-model\n", &[], "no-model"),
        (
            "version: 1\n",
            &["--config", "policy.yaml"],
            "is the policy here",
        ),
        ("", &["--config", "no-policy.yaml"], "no-policy.yaml"),
    ] {
        source
            .configured(ours)
            .write("policy.yaml", "version: 1\nunlisted: pass\n");
        let ended = source
            .wrapped(options, &["check", "--config", "config.json"])
            .run("");
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ours}");
        let told = lines(ended.text());
        assert_eq!(told.len(), 1, "{}", ended.text());
        let status = &told[0]["connectionStatus"];
        assert_eq!(status["status"], "FAILED");
        let message = status["message"].as_str().expect("a message");
        assert!(message.contains(says), "{message}");
        assert!(!ended.text().contains(KEY));
    }
    assert_eq!(source.seen(), [] as [Value; 0]);
    // What needs the columns is not known to be wrong.
    source.configured("version: 1\nunlisted: pass\nstreams: {users: {stages: [{filter: 'id > 1'}, {derive: {column: twice, sql: 'id * 2'}}]}}\n");
    assert!(source.ask("check").text().contains("SUCCEEDED"));
}

#[test]
fn a_status_counts_whatever_the_exit_code() {
    let failed =
        r#"{"type":"CONNECTION_STATUS","connectionStatus":{"status":"FAILED","message":"no"}}"#;
    let source = Source::playing(json!({"check": [{"say": failed}, {"exit": 1}]}));
    source.configured("version: 1\nunlisted: pass\n");
    let ended = source.ask("check");
    assert_eq!(ended.code, 1);
    assert_eq!(ended.text().lines().next(), Some(failed));
}

/// Streams with a little of everything, and what is done to them.
pub fn users() -> Value {
    stream(
        "users",
        &[
            ("id", "integer"),
            ("full_name", "string"),
            ("email", "string"),
            ("age", "integer"),
            ("phone", "string"),
            ("updated", "string"),
        ],
    )
}

pub const STAGES: &str = "\
version: 1
keys: {k: {env: SECRET_KEY}}
unlisted: pass
streams:
  users:
    stages:
      - mask: {column: email, with: hash, key: k}
      - mask: {column: age, with: generalize, range: 10}
      - derive: {column: senior, sql: 'id > 10'}
      - rename: {from: id, to: user_id}
      - rename: {from: full_name, to: name}
      - cast: {column: updated, to: timestamp_with_timezone, on_error: 'null'}
      - drop: [phone]
";

#[test]
fn discover_shows_what_will_leave() {
    let other = stream("other", &[("id", "integer")]);
    let mut named = users();
    named["default_cursor_field"] = json!(["id"]);
    named["is_resumable"] = json!(true);
    let source = Source::playing(json!({"discover": [
        {"say": r#"{"type":"LOG","log":{"level":"INFO","message":"looking"}}"#}, {"say": catalog(&[named, other.clone()])},
    ]}));
    source.configured(STAGES);
    let ended = source.ask("discover");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    assert!(
        ended
            .text()
            .lines()
            .next()
            .expect("a line")
            .contains("looking")
    );
    let streams = discovered(&ended);
    assert_eq!(streams[1], other);
    let users = &streams[0];
    let properties = users["json_schema"]["properties"]
        .as_object()
        .expect("columns");
    let names: Vec<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["user_id", "name", "email", "age", "updated", "senior"]
    );
    assert_eq!(
        properties["age"]["type"],
        json!(["null", "string"]),
        "{}",
        properties["age"]
    );
    assert_eq!(properties["updated"]["format"], "date-time");
    assert_eq!(users["source_defined_primary_key"], json!([["user_id"]]));
    assert_eq!(users["default_cursor_field"], json!(["user_id"]));
    assert_eq!(users["is_resumable"], true);
    let observed = source
        .wrapped(&["--observe"], &["discover", "--config", "config.json"])
        .run("");
    assert!(discovered(&observed)[0]["json_schema"]["properties"]["phone"].is_object());
}

#[test]
fn discover_shows_the_stream_of_chunks() {
    let source = Source::playing(json!({"discover": [{"say": catalog(&[users()])}]}));
    source.configured("version: 1\nunlisted: pass\nstreams: {users: {stages: [{embed: {text: '{{full_name}}', output: stream}}]}}\n");
    let ended = source.ask("discover");
    assert_eq!(ended.code, 0, "{}", ended.text());
    let streams = discovered(&ended);
    assert_eq!(streams[1]["name"], "users_chunks");
    assert_eq!(streams[1]["source_defined_primary_key"], json!([["id"]]));
    assert!(streams[1]["json_schema"]["properties"]["embedding"].is_object());
    assert!(streams[1].get("stream").is_none() && streams[1].get("sync_mode").is_none());
}

#[test]
fn a_rule_that_does_not_fit_any_more_fails() {
    let source = Source::playing(json!({"discover": [
        {"say": catalog(&[stream("users", &[("id", "integer"), ("e_mail", "string")])])},
    ]}));
    for (stages, says) in [
        (
            "users: {stages: [{mask: {column: email, with: redact}}]}",
            "did you mean `e_mail`?",
        ),
        (
            "user: {stages: [{mask: {column: e_mail, with: redact}}]}",
            "did you mean `users`?",
        ),
    ] {
        source.configured(&format!(
            "version: 1\nunlisted: pass\nstreams: {{{stages}}}\n"
        ));
        let ended = source.ask("discover");
        assert_eq!(ended.code, 2);
        let messages = lines(ended.text());
        assert!(of_type(&messages, "CATALOG").is_empty());
        let errors = errors(&messages);
        assert!(
            errors[0].0.contains(says) && errors[0].1 == "config_error",
            "{errors:?}"
        );
        assert!(ended.stderr.contains(says));
    }
}

#[test]
fn what_a_source_says_of_its_own_failure_is_not_said_twice() {
    let trace = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"the token is wrong","failure_type":"config_error"}}}"#;
    let source =
        Source::playing(json!({"discover": [{"say": trace}, {"error": "Traceback"}, {"exit": 1}]}));
    source.configured("version: 1\nunlisted: pass\n");
    let ended = source.ask("discover");
    assert_eq!(
        (ended.code, ended.text()),
        (1, format!("{trace}\n").as_str())
    );
    assert!(ended.stderr.starts_with("Traceback\n") && ended.stderr.contains("exit code 1"));
    let silent = Source::playing(json!({"discover": [{"exit": 3}]}));
    silent.configured("version: 1\nunlisted: pass\n");
    let ended = silent.ask("discover");
    assert_eq!(ended.code, 3);
    assert!(errors(&lines(ended.text()))[0].0.contains("exit code 3"));
}

#[test]
fn words_that_are_none_of_airbytes_are_said_to_be_wrong() {
    let source = Source::playing(json!({}));
    for (asked, says) in [
        (
            &["chek", "--config", "config.json"][..],
            "none of spec, check, discover, read, write",
        ),
        (
            &["read", "--config", "config.json"],
            "`read` needs `--catalog FILE`",
        ),
        (
            &["check", "--config", "config.json", "--state", "s"],
            "`check` takes no `--state`",
        ),
    ] {
        let ended = source.wrapped(&[], asked).run("");
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert!(errors(&lines(ended.text()))[0].0.contains(says));
    }
    let gone = midflight(&["wrap", "--", "/no/such/source", "spec"]).run("");
    assert_eq!(gone.code, 4);
    assert!(gone.text().contains("cannot be started"), "{}", gone.text());
}
