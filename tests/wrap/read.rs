//! `read`: the catalog led back, the records on their way, and the next read.

use serde_json::{Value, json};

use super::verbs::{STAGES, users};
use super::*;

fn record(stream: &str, data: Value) -> Value {
    json!({"say": {"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}}})
}

fn data(messages: &[Value], stream: &str) -> Vec<Value> {
    let records = of_type(messages, "RECORD").into_iter();
    records
        .filter(|message| message["record"]["stream"] == stream)
        .map(|message| message["record"]["data"].clone())
        .collect()
}

/// The columns that the source was asked for, by the last catalog that it was given.
fn asked(source: &Source, stream: usize) -> Vec<String> {
    let seen = source.seen();
    let last = &seen.last().expect("a run")["catalog"]["streams"][stream]["stream"];
    let properties = last["json_schema"]["properties"].as_object();
    properties.expect("columns").keys().cloned().collect()
}

/// Takes columns out of a stream, as a user does who does not choose them.
fn without(stream: &mut Value, columns: &[&str]) {
    let properties = stream["json_schema"]["properties"].as_object_mut();
    let properties = properties.expect("columns");
    for column in columns {
        assert!(properties.shift_remove(*column).is_some(), "{column}");
    }
}

fn ada() -> Value {
    json!({"id": 11, "full_name": "Ada", "email": "ada@example.com", "age": 36, "phone": "030 123", "updated": "2024-01-15T10:30:00Z"})
}

#[test]
fn the_source_is_asked_with_its_own_names_and_types() {
    let source = Source::playing(json!({
        "discover": [{"say": catalog(&[users()])}],
        "read": [record("users", ada()), {"say": r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"upto":11}},"sourceStats":{"recordCount":1.0}}}"#}],
    }));
    source.configured(STAGES);
    let mut streams = discovered(&source.ask("discover"));
    without(&mut streams[0], &["name", "age"]);
    let mut given = configured(&streams);
    given["streams"][0]["cursor_field"] = json!(["user_id"]);
    source.write("catalog.json", &given.to_string());
    source.write("state.json", r#"[ {"type":"STREAM","n":1.50} ]"#);
    let ended = source.read();
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    assert_eq!(source.verbs(), ["discover", "discover", "read"]);
    let seen = &source.seen()[2];
    let read = &seen["catalog"]["streams"][0];
    // `age` was not chosen, but a stage masks it; `full_name` was not chosen, and only its name changes.
    assert_eq!(
        asked(&source, 0),
        ["id", "full_name", "email", "age", "phone", "updated"]
    );
    assert_eq!(
        read["stream"]["json_schema"]["properties"]["age"],
        json!({"type": "integer"})
    );
    assert_eq!(
        read["stream"]["json_schema"]["properties"]["updated"],
        json!({"type": "string"})
    );
    assert_eq!(
        read["stream"]["source_defined_primary_key"],
        json!([["id"]])
    );
    assert_eq!(
        (&read["primary_key"], &read["cursor_field"]),
        (&json!([["id"]]), &json!(["id"]))
    );
    assert_eq!(seen["state"], json!([{"type": "STREAM", "n": 1.5}]));
    assert_eq!(seen["config"], json!({"seed": 42}));
    let messages = lines(ended.text());
    let left = &data(&messages, "users")[0];
    assert_eq!(left["email"].as_str().map(str::len), Some(64));
    let mut left = left.clone();
    left["email"] = Value::Null;
    assert_eq!(
        left,
        json!({"user_id": 11, "email": null, "updated": "2024-01-15T10:30:00Z", "senior": true})
    );
    let states = of_type(&messages, "STATE");
    assert_eq!(states[0]["state"]["sourceStats"]["recordCount"], json!(1.0));
}

#[test]
fn the_source_is_only_asked_what_it_has_where_that_matters() {
    let source = Source::playing(json!({
        "discover": [{"sleep": 0.5}, {"say": catalog(&[users()])}],
        "read": [record("users", ada())],
    }));
    let named = |stages: &str| {
        format!(
            "version: 1\nkeys: {{k: {{env: SECRET_KEY}}}}\nunlisted: pass\nstreams: {{users: {{stages: [{stages}]}}}}\n"
        )
    };
    let read = |stages: &str, columns: &[&str], options: &[&str]| {
        source.configured(&named(stages));
        let mut streams = discovered(&source.ask("discover"));
        without(&mut streams[0], columns);
        let _ = std::fs::remove_file(source.path("seen.jsonl"));
        source.write("catalog.json", &configured(&streams).to_string());
        let ended = source.reading(options).run("");
        assert_eq!(ended.code, 0, "{stages}: {}", ended.text());
        (source.verbs(), asked(&source, 0), lines(ended.text()))
    };
    let all = ["id", "full_name", "email", "age", "phone", "updated"];
    let renames = "{rename: {from: full_name, to: name}}, {derive: {column: twice, sql: 'id * 2'}}, {mask: {column: phone, with: nullify}}";
    let (verbs, columns, messages) = read(renames, &[], &[]);
    assert_eq!(
        (verbs, columns),
        (vec!["read".to_owned()], all.map(str::to_owned).to_vec())
    );
    let left = &data(&messages, "users")[0];
    assert_eq!(
        (&left["name"], &left["twice"], &left["phone"]),
        (&json!("Ada"), &json!(22), &Value::Null)
    );
    // What was not chosen is not asked for.
    let (verbs, columns, _) = read(renames, &["age", "email"], &[]);
    let rest = ["id", "full_name", "phone", "updated"];
    assert_eq!(
        (verbs.len(), columns),
        (1, rest.map(str::to_owned).to_vec())
    );
    // A stage reads it: the source is asked, and the column does not leave all the same.
    let filter = "{filter: 'age > 30'}";
    let (verbs, columns, messages) = read(filter, &["age", "email"], &[]);
    assert_eq!(
        (verbs.len(), columns),
        (
            2,
            ["id", "full_name", "age", "phone", "updated"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    assert_eq!(data(&messages, "users")[0]["full_name"], "Ada");
    assert!(data(&messages, "users")[0].get("age").is_none());
    // A file may say it too.
    let recorded = format!(
        "{}\n{}\n",
        r#"{"type":"LOG","log":{"level":"INFO","message":"x"}}"#,
        catalog(&[users()])
    );
    source.write("recorded.jsonl", &recorded);
    let drop = "{drop: [phone]}";
    let (verbs, columns, messages) = read(drop, &[], &["--source-catalog", "recorded.jsonl"]);
    assert_eq!((verbs.len(), columns.len()), (1, 6));
    assert!(data(&messages, "users")[0].get("phone").is_none());
    let (verbs, ..) = read(drop, &[], &[]);
    assert_eq!(verbs, ["discover", "read"]);
}

#[test]
fn what_was_not_chosen_does_not_leave_though_the_source_sends_it() {
    let source = Source::playing(json!({
        "discover": [{"say": catalog(&[users()])}],
        "read": [record("users", ada())],
    }));
    source.configured("version: 1\nunlisted: fail\nstreams: {users: {stages: [{mask: {column: email, with: redact}}]}}\n");
    let mut streams = discovered(&source.ask("discover"));
    without(&mut streams[0], &["email", "phone"]);
    source.write("catalog.json", &configured(&streams).to_string());
    let ended = source.read();
    assert_eq!(ended.code, 0, "{}", ended.text());
    assert_eq!(
        data(&lines(ended.text()), "users"),
        [json!({"id": 11, "full_name": "Ada", "age": 36, "updated": "2024-01-15T10:30:00Z"})]
    );
    assert_eq!(
        asked(&source, 0),
        ["id", "full_name", "email", "age", "updated"]
    );
}

#[test]
fn a_stream_that_was_not_chosen_is_no_mistake() {
    let source = Source::playing(json!({
        "discover": [{"say": catalog(&[users(), stream("other", &[("id", "integer")])])}],
        "read": [record("other", json!({"id": 1}))],
    }));
    source.configured(STAGES);
    let streams = discovered(&source.ask("discover"));
    source.write("catalog.json", &configured(&streams[1..]).to_string());
    let ended = source.read();
    assert_eq!(
        (ended.code, source.verbs()[1..].join(" ")),
        (0, "read".to_owned()),
        "{}",
        ended.text()
    );
    assert_eq!(data(&lines(ended.text()), "other"), [json!({"id": 1})]);
}

#[test]
fn the_stream_of_chunks_is_chosen_with_the_one_it_is_made_of() {
    let source = Source::playing(json!({
        "discover": [{"say": catalog(&[users()])}],
        "read": [record("users", ada()), {"say": r#"{"type":"STATE","state":{"type":"GLOBAL","global":{"stream_states":[]},"sourceStats":{"recordCount":1.0}}}"#}],
    }));
    let server = crate::support::server::Server::start(|_, asked| {
        let texts = asked.body["input"].as_array().expect("texts").len();
        let data: Vec<Value> = (0..texts)
            .map(|index| json!({"index": index, "embedding": [1.0, 2.0]}))
            .collect();
        (200, "", json!({"data": data}))
    });
    source.configured(&format!(
        "version: 1\nunlisted: pass\nstreams: {{users: {{stages: [{{embed: {{text: '{{{{full_name}}}}', output: stream, model: {{endpoint: '{}', name: m, dimensions: 2}}}}}}]}}}}\n",
        server.url
    ));
    let streams = discovered(&source.ask("discover"));
    assert_eq!(streams.len(), 2);
    for (chosen, chunks) in [(&streams[..], 1), (&streams[..1], 0)] {
        source.write("catalog.json", &configured(chosen).to_string());
        let ended = source.read();
        assert_eq!(ended.code, 0, "{}", ended.text());
        let messages = lines(ended.text());
        assert_eq!(data(&messages, "users").len(), 1);
        assert_eq!(data(&messages, "users_chunks").len(), chunks);
        let count = &of_type(&messages, "STATE")[0]["state"]["sourceStats"]["recordCount"];
        assert_eq!(count.as_f64(), Some(1.0 + chunks as f64));
        let seen = source.seen();
        let asked = seen.last().expect("a run")["catalog"]["streams"].as_array();
        assert_eq!(asked.map(Vec::len), Some(1));
    }
    source.write("catalog.json", &configured(&streams[1..]).to_string());
    let ended = source.read();
    assert_eq!(ended.code, 2);
    assert!(
        errors(&lines(ended.text()))[0]
            .0
            .contains("is made of `users`, which was not chosen")
    );
}

#[test]
fn a_token_that_discover_renewed_is_used_by_read() {
    let control = json!({"type": "CONTROL", "control": {"type": "CONNECTOR_CONFIG", "emitted_at": 1, "connectorConfig": {"config": {"seed": 43}}}});
    let source = Source::playing(json!({
        "discover": [{"say": control}, {"say": catalog(&[users()])}], "read": [record("users", ada())],
    }));
    source.configured(STAGES);
    let streams = discovered(&source.ask("discover"));
    source.write("catalog.json", &configured(&streams).to_string());
    let ended = source.read();
    assert_eq!(ended.code, 0, "{}", ended.text());
    let seen = source.seen();
    assert_eq!(
        (&seen[1]["config"], &seen[2]["config"]),
        (&json!({"seed": 42}), &json!({"seed": 43}))
    );
    let messages = lines(ended.text());
    let told = of_type(&messages, "CONTROL");
    let config = &told[0]["control"]["connectorConfig"]["config"];
    assert_eq!(
        (
            told.len(),
            &config["seed"],
            config["midflight"]["config"].as_str()
        ),
        (1, &json!(43), Some(STAGES))
    );
    // The source's own catalog is no message of a sync.
    assert!(of_type(&messages, "CATALOG").is_empty());
}

#[test]
fn the_second_read_goes_on_where_the_first_ended() {
    let columns = [("id", "integer"), ("email", "string"), ("pad", "string")];
    let source = Source::playing(json!({
        "discover": [{"say": catalog(&[stream("users", &columns)])}],
        "read": [{"sync": {"streams": ["users"], "rows": 250, "every": 100}}],
    }));
    source.configured("version: 1\nunlisted: pass\nstreams: {users: {stages: [{filter: 'id % 2 = 0'}, {mask: {column: email, with: redact}}]}}\n");
    let streams = discovered(&source.ask("discover"));
    source.write("catalog.json", &configured(&streams).to_string());
    let messages = lines(source.read().text());
    let counts: Vec<_> = of_type(&messages, "STATE")
        .iter()
        .map(|state| state["state"]["sourceStats"]["recordCount"].as_f64())
        .collect();
    assert_eq!(counts, [Some(50.0), Some(50.0), Some(25.0)]);
    let states = of_type(&messages, "STATE");
    let first = json!([states[1]["state"]]);
    source.write("state.json", &first.to_string());
    let messages = lines(source.read().text());
    let ids: Vec<_> = data(&messages, "users")
        .iter()
        .map(|data| data["id"].as_u64())
        .collect();
    assert_eq!(ids, (202..=250).step_by(2).map(Some).collect::<Vec<_>>());
    assert_eq!(source.seen().last().expect("a run")["state"], first);
}

#[test]
fn observing_changes_nothing_and_reports() {
    let source = Source::playing(json!({
        "discover": [{"say": catalog(&[users()])}], "read": [record("users", ada())],
    }));
    source.configured(STAGES);
    source.write("catalog.json", &configured(&[users()]).to_string());
    let ended = source.reading(&["--observe", "--report", "report"]).run("");
    assert_eq!(ended.code, 0, "{}", ended.text());
    assert_eq!(data(&lines(ended.text()), "users"), [ada()]);
    assert_eq!(source.seen()[0]["catalog"], configured(&[users()]));
    let report = std::fs::read_to_string(source.path("report/report.json")).expect("a report");
    assert!(
        report.contains("\"read\": 1") || report.contains("\"read\":1"),
        "{report}"
    );
}

#[test]
fn lines_that_are_no_messages_are_withheld_as_the_configuration_says() {
    let source = Source::playing(json!({"read": [{"say": "secret text"}, record("users", ada())]}));
    source.write("catalog.json", &configured(&[users()]).to_string());
    for (more, shown) in [("", false), ("foreign_lines: show\n", true)] {
        source.configured(&format!("version: 1\nunlisted: pass\n{more}"));
        let ended = source.read();
        assert_eq!(ended.code, 0, "{}", ended.text());
        assert_eq!(ended.text().contains("secret text"), shown);
        assert_eq!(data(&lines(ended.text()), "users").len(), 1);
    }
}
