//! The protocol's own JSON Schema, read from the YAML it is published as.

use jsonschema::{Draft, Validator};
use midflight::document::{self, Node, Problems, Value as Parsed};
use serde_json::{Map, Number, Value, json};

use crate::support::root;

/// A validator of `AirbyteMessage`.
pub fn messages() -> Validator {
    let mut schema = protocol();
    let faults = dangling(&schema, &schema);
    assert!(
        faults.is_empty(),
        "references that lead nowhere: {faults:?}"
    );
    let members = schema.as_object_mut().expect("a schema");
    // The document describes all messages and catalogs at once; one definition is wanted.
    members.retain(|name, _| name == "$schema" || name == "definitions");
    members.insert(
        "allOf".to_owned(),
        json!([{"$ref": "#/definitions/AirbyteMessage"}]),
    );
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .build(&schema)
        .expect("the schema is valid")
}

/// What is wrong with a line, by place and keyword.
pub fn faults(schema: &Validator, line: &str) -> Vec<String> {
    let Ok(message) = serde_json::from_str::<Value>(line) else {
        return vec!["not JSON".to_owned()];
    };
    schema
        .iter_errors(&message)
        .map(|error| format!("{} breaks {}", error.instance_path(), error.schema_path()))
        .collect()
}

fn protocol() -> Value {
    let path = root().join("fixtures/protocol/airbyte_protocol.yaml");
    let text = std::fs::read_to_string(&path).expect("the protocol");
    let mut problems = Problems::new();
    let node = document::parse("airbyte_protocol.yaml", &text, &mut problems).expect("YAML");
    problems.into_result().expect("YAML without problems");
    to_json(&node)
}

fn to_json(node: &Node) -> Value {
    match &node.value {
        Parsed::Null => Value::Null,
        Parsed::Bool(value) => Value::Bool(*value),
        Parsed::Integer(value) => Value::Number((*value).into()),
        Parsed::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Parsed::Text(text) => Value::String(text.clone()),
        Parsed::List(items) => items.iter().map(to_json).collect(),
        Parsed::Map(entries) => {
            let members = entries
                .iter()
                .map(|(key, value)| (key.name.clone(), to_json(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// The references inside `value` that name nothing in `document`.
fn dangling(document: &Value, value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| dangling(document, item))
            .collect(),
        Value::Object(members) => {
            let own = members
                .get("$ref")
                .and_then(Value::as_str)
                .filter(|reference| {
                    let pointer = reference.strip_prefix('#');
                    pointer.is_none_or(|pointer| document.pointer(pointer).is_none())
                });
            let below = members
                .values()
                .flat_map(|member| dangling(document, member));
            own.map(str::to_owned).into_iter().chain(below).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_schema_tells_messages_from_others() {
    let schema = messages();
    for (line, valid) in [
        (
            r#"{"type":"RECORD","record":{"stream":"a","data":{},"emitted_at":1}}"#,
            true,
        ),
        (
            r#"{"type":"RECORD","record":{"stream":"a","data":{}}}"#,
            false,
        ),
        (
            r#"{"type":"RECORD","record":{"stream":"a","data":[],"emitted_at":1}}"#,
            false,
        ),
        (r#"{"type":"RECORDS"}"#, false),
        (
            r#"{"type":"LOG","log":{"level":"INFO","message":"m"}}"#,
            true,
        ),
        (
            r#"{"type":"LOG","log":{"level":"LOUD","message":"m"}}"#,
            false,
        ),
        (
            r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1.5,"error":{"message":"m"}}}"#,
            true,
        ),
        (
            r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1.5,"error":{}}}"#,
            false,
        ),
        ("{", false),
    ] {
        assert_eq!(faults(&schema, line).is_empty(), valid, "{line}");
    }
}
