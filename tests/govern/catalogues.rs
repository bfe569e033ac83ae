//! Who says what may be shown to a model: OpenMetadata and DataHub as their interfaces answer, a file, and what follows
//! for `embed` and for what is sent to a language model.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::server::{Asked, Reply, Server};
use crate::support::{Ended, midflight, root};

const TOKEN: &str = "catalogue-token-1";

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "namespace": "shop", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "bio": {"type": "string"}, "email": {"type": "string"},
  "address": {"type": "object", "properties": {"city": {"type": "string"}, "street": {"type": "string"}}}
}}}, "sync_mode": "full_refresh", "destination_sync_mode": "append", "primary_key": [["id"]]}]}"#;

/// A plan that embeds `text`, with a catalogue.
fn folder(catalogue: &str, text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let words = root().join("fixtures/models/words");
    let config = format!(
        "version: 1\nunlisted: pass\n{catalogue}streams:\n  users:\n    stages:\n      - rename: {{from: bio, to: about}}\n      - derive: {{column: both, sql: \"concat(about, email)\"}}\n      - embed: {{text: \"{text}\", into: v, model: \"{}\"}}\n",
        words.display()
    );
    fs::write(folder.path().join("config.yaml"), config).expect("a configuration");
    fs::write(folder.path().join("catalog.json"), CATALOG).expect("a catalog");
    folder
}

fn check(folder: &Path) -> Ended {
    let arguments = [
        "check",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
    ];
    midflight(&arguments)
        .within(folder)
        .env("CATALOGUE_TOKEN", TOKEN)
        .run("")
}

/// A table as OpenMetadata tells it.
fn table(tags: &[&str]) -> Value {
    let label = |tag: &str| json!({"tagFQN": tag, "source": "Classification", "labelType": "Manual", "state": "Confirmed"});
    let column = |name: &str, tags: &[&str]| {
        json!({"name": name, "dataType": "STRING", "fullyQualifiedName": format!("w.a.shop.users.{name}"),
               "tags": tags.iter().map(|tag| label(tag)).collect::<Vec<_>>()})
    };
    let mut address = column("address", &[]);
    address["children"] = json!([column("city", &[]), column("street", &["PII.Sensitive"])]);
    json!({"id": "7", "name": "users", "fullyQualifiedName": "w.a.shop.users",
           "columns": [column("id", &[]), column("bio", &[]), column("email", &["PII.Sensitive"]), address],
           "tags": tags.iter().map(|tag| label(tag)).collect::<Vec<_>>()})
}

/// A dataset as DataHub tells it: the tag of `email` was set by a person, that of `street` came with the schema.
fn dataset(tags: &[&str]) -> Value {
    let tagged = |tags: &[&str]| json!({"tags": tags.iter().map(|tag| json!({"tag": {"urn": format!("urn:li:tag:{tag}")}})).collect::<Vec<_>>()});
    let field = |path: &str, tags: &[&str]| json!({"fieldPath": path, "tags": tagged(tags), "glossaryTerms": null});
    json!({"data": {"dataset": {
        "exists": true, "tags": tagged(tags), "glossaryTerms": null,
        "schemaMetadata": {"fields": [
            field("[version=2.0].[type=struct].[type=long].id", &[]), field("bio", &[]), field("email", &[]),
            field("address", &[]), field("address.city", &[]), field("address.street", &["PII.Sensitive"]),
        ]},
        "editableSchemaMetadata": {"editableSchemaFieldInfo": [field("email", &["PII.Sensitive"])]},
    }}})
}

fn openmetadata(server: &Server, more: &str) -> String {
    format!(
        "catalogue:\n  openmetadata: {{url: \"{}\", table: \"w.a.{{namespace}}.{{stream}}\", key: {{env: CATALOGUE_TOKEN}}}}\n  allow_tags: AI.Allowed\n{more}",
        server.root()
    )
}

fn datahub(server: &Server) -> String {
    format!(
        "catalogue:\n  datahub: {{url: \"{}\", dataset: \"urn:li:dataset:(urn:li:dataPlatform:s3,{{namespace}}.{{stream}},PROD)\", key: {{env: CATALOGUE_TOKEN}}}}\n  allow_tags: [AI.Allowed]\n",
        server.root()
    )
}

/// What is embedded, and the column that it may not be, if any.
const TEXTS: &[(&str, Option<&str>)] = &[
    ("{{about}}", None),
    ("{{address.city}}", None),
    ("{{email}}", Some("`email`")),
    ("{{address.street}}", Some("`address.street`")),
    ("{{address}}", Some("`address`")),
    ("{{both}}", Some("`email`")),
];

#[test]
fn both_catalogues_decide_alike_before_the_first_record() {
    for (which, text, refused) in [0, 1].iter().flat_map(|which| {
        TEXTS
            .iter()
            .map(move |(text, refused)| (*which, text, refused))
    }) {
        let server = Server::start(move |_, _: &Asked| match which {
            0 => (200, "", table(&["AI.Allowed", "Tier.Tier2"])),
            _ => (200, "", dataset(&["AI.Allowed"])),
        });
        let catalogue = if which == 0 {
            openmetadata(&server, "")
        } else {
            datahub(&server)
        };
        let folder = folder(&catalogue, text);
        let ended = check(folder.path());
        match refused {
            None => assert_eq!(ended.code, 0, "{which} {text}: {}", ended.stderr),
            Some(column) => {
                assert_eq!(ended.code, 2, "{which} {text}");
                let told =
                    format!("embed: {column} of stream `shop.users` may not be shown to a model");
                assert!(
                    ended.stderr.contains(&told) && ended.stderr.contains("denies it"),
                    "{which} {text}: {}",
                    ended.stderr
                );
            }
        }
        let asked = server.asked();
        let [asked] = asked.as_slice() else {
            panic!("{} questions", asked.len())
        };
        assert!(
            asked
                .head
                .contains(&format!("authorization: Bearer {TOKEN}")),
            "{}",
            asked.head
        );
        match which {
            0 => assert!(
                asked
                    .head
                    .starts_with("GET /api/v1/tables/name/w.a.shop.users?fields=columns,tags "),
                "{}",
                asked.head
            ),
            _ => {
                assert!(
                    asked.head.starts_with("POST /api/graphql "),
                    "{}",
                    asked.head
                );
                assert_eq!(
                    asked.body["variables"]["urn"],
                    "urn:li:dataset:(urn:li:dataPlatform:s3,shop.users,PROD)"
                );
            }
        }
    }
}

#[test]
fn what_a_catalogue_does_not_know_is_denied() {
    type Make = fn() -> Reply;
    let cases: &[(&str, Make, &str)] = &[
        (
            "no tag that allows",
            || (200, "", table(&["Tier.Tier1"])).into(),
            "does not know it",
        ),
        (
            "a table that is denied",
            || (200, "", table(&["AI.Allowed", "PII.Sensitive"])).into(),
            "denies it",
        ),
        (
            "no such table",
            || (404, "", json!({"code": 404, "message": "not found"})).into(),
            "does not know it (not_found)",
        ),
        (
            "a wrong key",
            || (401, "", json!({"message": TOKEN})).into(),
            "does not know it (status_401)",
        ),
        (
            "another shape",
            || (200, "", json!([1])).into(),
            "does not know it (not_understood)",
        ),
        (
            "no JSON",
            || Reply {
                status: 200,
                body: b"<html>".to_vec(),
                ..Reply::default()
            },
            "does not know it (not_understood)",
        ),
    ];
    for (what, reply, expected) in cases {
        let reply = *reply;
        let server = Server::start(move |_, _: &Asked| reply());
        let folder = folder(&openmetadata(&server, ""), "{{about}}");
        let ended = check(folder.path());
        assert_eq!(ended.code, 2, "{what}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(expected) && !ended.stderr.contains(TOKEN),
            "{what}: {}",
            ended.stderr
        );
    }
    for answer in [
        json!({"data": {"dataset": null}}),
        json!({"data": {"dataset": {"exists": false}}}),
        json!({"errors": [{"message": "no"}], "data": null}),
    ] {
        let server = Server::start(move |_, _: &Asked| (200, "", answer.clone()));
        let folder = folder(&datahub(&server), "{{about}}");
        assert_eq!(check(folder.path()).code, 2);
    }
}

#[test]
fn an_answer_holds_for_its_time_and_is_on_record() {
    let server = Server::start(|_, _: &Asked| (200, "", table(&["AI.Allowed"])));
    let folder = folder(
        &openmetadata(&server, "  cache: {file: kept/answers.json, minutes: 5}\n"),
        "{{about}}",
    );
    let folder = folder.path();
    for _ in 0..2 {
        assert_eq!(check(folder).code, 0);
    }
    assert_eq!(
        server.asked().len(),
        1,
        "the second answer came from the cache"
    );
    let kept = folder.join("kept/answers.json");
    let text = fs::read_to_string(&kept).expect("a cache");
    let mut answers: Value = serde_json::from_str(&text).expect("JSON");
    answers["answers"]["shop.users"]["at"] = json!("2020-01-01T00:00:00Z");
    fs::write(&kept, answers.to_string()).expect("written");
    let record = json!({"type": "RECORD", "record": {"stream": "users", "namespace": "shop", "data": {"id": 1, "bio": "a cat", "email": "e"}, "emitted_at": 1}});
    let arguments = [
        "pipe",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
    ];
    let ended = midflight(&arguments)
        .within(folder)
        .env("CATALOGUE_TOKEN", TOKEN)
        .run(format!("{record}\n"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(server.asked().len(), 1, "what is too old is asked again");
    let log = fs::read_to_string(folder.join("report/audit.jsonl")).expect("an audit log");
    let started: Value = serde_json::from_str(log.lines().next().expect("a record")).expect("JSON");
    let answer = &started["payload"]["catalogue"][0];
    assert_eq!(
        (&answer["stream"], &answer["decision"]),
        (&json!("shop.users"), &json!("allow"))
    );
    assert!(
        answer["source"]
            .as_str()
            .is_some_and(|source| source.starts_with("openmetadata http")),
        "{answer}"
    );
}

#[test]
fn a_file_stands_in_for_a_catalogue() {
    let folder = folder("catalogue: {file: ai.yaml}\n", "{{about}}");
    let folder = folder.path();
    for (text, code) in [
        ("version: 1\nstreams:\n  shop.users: {ai: allow}\n", 0),
        (
            "version: 1\nstreams:\n  shop.users: {ai: allow, columns: {bio: deny}}\n",
            2,
        ),
        ("version: 1\nstreams:\n  shop.orders: {ai: allow}\n", 2),
        ("version: 1\nstreams:\n  shop.users: {ai: perhaps}\n", 2),
    ] {
        fs::write(folder.join("ai.yaml"), text).expect("written");
        let ended = check(folder);
        assert_eq!(ended.code, code, "{text}: {}", ended.stderr);
    }
}
