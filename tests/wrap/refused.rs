//! No record passes when the policy cannot be applied: the source is not even started.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_policy_that_cannot_be_applied_starts_no_source() {
    let users = stream("users", &[("id", "integer"), ("email", "string")]);
    let record = json!({"say": {"type": "RECORD", "record": {"stream": "users", "data": {"id": 1, "email": "a@example.com"}, "emitted_at": 1}}});
    let source = Source::playing(
        json!({"read": [record], "discover": [{"say": catalog(std::slice::from_ref(&users))}]}),
    );
    source.write("catalog.json", &configured(&[users]).to_string());
    let masked = "streams: {users: {stages: [{mask: {column: email, with: hash, key: k}}]}}\n";
    let cases = [
        ("no YAML", "version: [1".to_owned(), "midflight.config"),
        ("an unknown key", "version: 1\nunlistd: pass\n".to_owned(), "did you mean `unlisted`?"),
        ("a key that is not given", format!("version: 1\nkeys: {{k: {{env: NOT_GIVEN}}}}\n{masked}"), "NOT_GIVEN"),
        ("a key that is too short", format!("version: 1\nkeys: {{k: {{env: SHORT}}}}\n{masked}"), "SHORT"),
        ("a rule file that is gone", "version: 1\nunlisted: pass\nstreams: {users: {rules: gone.yaml, stages: []}}\n".to_owned(), "gone.yaml"),
        ("a model that is gone", "version: 1\ntagger: ./no-model\n".to_owned(), "no-model"),
        ("an unknown stage", "version: 1\nunlisted: pass\nstreams: {users: {stages: [{msk: {column: email, with: redact}}]}}\n".to_owned(), "msk"),
    ];
    for (what, ours, says) in &cases {
        source.configured(ours);
        refused(&source, &[], what, says);
    }
    // The same with the policy of an image.
    source.write("config.json", r#"{"seed": 42}"#);
    for (what, ours, says) in &cases {
        source.write("policy.yaml", ours);
        let says = says.replace("midflight.config", "policy.yaml");
        refused(&source, &["--config", "policy.yaml"], what, &says);
    }
    refused(
        &source,
        &["--config", "none.yaml"],
        "no policy",
        "none.yaml",
    );
    source.write("policy.yaml", "version: 1\n");
    source.configured("version: 1\nunlisted: pass\n");
    refused(
        &source,
        &["--config", "policy.yaml"],
        "a form that weakens it",
        "is the policy here",
    );
    source.configured("version: 1\nunlisted: pass\n");
    for (file, text, says) in [
        ("config.json", r#"{"midflight": {"confg": ""}}"#, "confg"),
        ("config.json", "{", "config.json"),
        (
            "catalog.json",
            r#"{"type":"CATALOG"}"#,
            "not a configured catalog",
        ),
    ] {
        source.configured("version: 1\nunlisted: pass\n");
        source.write(file, text);
        refused(&source, &[], file, says);
    }
    assert_eq!(source.seen(), [] as [Value; 0]);
}

fn refused(source: &Source, options: &[&str], what: &str, says: &str) {
    let ended = source.reading(options).env("SHORT", "00ff").run("");
    assert_eq!(ended.code, 2, "{what}: {}", ended.text());
    let messages = lines(ended.text());
    assert!(of_type(&messages, "RECORD").is_empty());
    let errors = errors(&messages);
    assert_eq!(errors.len(), 1, "{what}: {}", ended.text());
    assert!(errors[0].0.contains(says), "{what}: {errors:?}");
    assert_eq!(errors[0].1, "config_error", "{what}");
    assert!(ended.stderr.contains(says), "{what}: {}", ended.stderr);
    assert!(!ended.text().contains(KEY) && !ended.stderr.contains(KEY));
}

#[test]
fn a_column_that_is_gone_stops_the_sync_before_it_begins() {
    let now = stream("users", &[("id", "integer"), ("e_mail", "string")]);
    let then = stream("users", &[("id", "integer"), ("email", "string")]);
    let source =
        Source::playing(json!({"discover": [{"say": catalog(&[now])}], "read": [{"exit": 0}]}));
    source.configured("version: 1\nunlisted: pass\nstreams: {users: {stages: [{mask: {column: email, with: redact}}]}}\n");
    source.write("catalog.json", &configured(&[then]).to_string());
    let ended = source.read();
    assert_eq!(ended.code, 2, "{}", ended.text());
    let errors = errors(&lines(ended.text()));
    assert!(
        errors[0].0.contains("did you mean `e_mail`?") && errors[0].1 == "config_error",
        "{errors:?}"
    );
    assert_eq!(source.verbs(), ["discover"]);
}

#[test]
fn a_source_that_cannot_say_what_it_has_is_not_read() {
    let users = stream("users", &[("id", "integer"), ("email", "string")]);
    let trace = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"no","failure_type":"config_error"}}}"#;
    for (play, code) in [
        (json!([{"exit": 6}]), 6),
        (json!([{"say": trace}]), 4),
        (json!([]), 4),
    ] {
        let source = Source::playing(json!({"discover": play, "read": [{"exit": 0}]}));
        source.configured(
            "version: 1\nunlisted: pass\nstreams: {users: {stages: [{drop: [email]}]}}\n",
        );
        source.write(
            "catalog.json",
            &configured(std::slice::from_ref(&users)).to_string(),
        );
        let ended = source.read();
        assert_eq!(ended.code, code, "{}", ended.text());
        assert_eq!(errors(&lines(ended.text())).len(), 1);
        assert_eq!(source.verbs(), ["discover"]);
    }
}
