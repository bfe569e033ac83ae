//! JSON Schema, as much of it as prompts use: what an answer must look like is asked for and checked alike.
//!
//! A schema with a keyword that is not known here is refused when its prompt is read, so that nothing is asked for
//! that is not checked.

use serde_json::Value;

/// Keywords that are checked, and those that only describe.
const CHECKED: &[&str] = &[
    "type",
    "enum",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "anyOf",
];
const TELLING: &[&str] = &["description", "title"];

/// The most problems that are told.
const PROBLEMS_MAX: usize = 20;

/// What is wrong with a schema itself; empty when it can be checked.
pub(super) fn unknown(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(schema, &mut found);
    found
}

fn walk(schema: &Value, found: &mut Vec<String>) {
    let Some(entries) = schema.as_object() else {
        found.push("a schema is a map".to_owned());
        return;
    };
    for (key, value) in entries {
        match key.as_str() {
            "properties" => value
                .as_object()
                .into_iter()
                .flat_map(|all| all.values())
                .for_each(|one| walk(one, found)),
            "items" => walk(value, found),
            "anyOf" => value
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|one| walk(one, found)),
            key if CHECKED.contains(&key) || TELLING.contains(&key) => {}
            key => found.push(format!("the keyword `{key}` is not known")),
        }
    }
}

/// What a value lacks to be what a schema asks for, with the place of each; empty when it is.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found.truncate(PROBLEMS_MAX);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if found.len() >= PROBLEMS_MAX {
        return;
    }
    let place = if at.is_empty() { "the answer" } else { at };
    if let Some(options) = schema["anyOf"].as_array() {
        let fits = |option: &Value| problems(option, value).is_empty();
        if !options.iter().any(fits) {
            found.push(format!("{place} is none of what may stand there"));
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is(value, name)) {
        found.push(format!("{place} must be {}", types.join(" or ")));
        return;
    }
    if let Some(options) = schema["enum"].as_array()
        && !options.contains(value)
    {
        let words: Vec<_> = options.iter().map(ToString::to_string).collect();
        found.push(format!("{place} must be one of {}", words.join(", ")));
    }
    match value {
        Value::Object(entries) => {
            let known = schema["properties"].as_object();
            for name in schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                if !entries.contains_key(name) {
                    found.push(format!("{place} needs the key `{name}`"));
                }
            }
            for (name, inner) in entries {
                match known.and_then(|known| known.get(name)) {
                    Some(schema) => check(schema, inner, &format!("{at}/{name}"), found),
                    None if schema["additionalProperties"] == Value::Bool(false) => {
                        found.push(format!("{place} has a key that is not known"));
                    }
                    None => {}
                }
            }
        }
        Value::Array(items) => {
            bound(
                schema,
                "minItems",
                "maxItems",
                items.len(),
                "entries",
                place,
                found,
            );
            if schema["items"].is_object() {
                for (number, item) in items.iter().enumerate() {
                    check(&schema["items"], item, &format!("{at}/{number}"), found);
                }
            }
        }
        Value::String(text) => {
            bound(
                schema,
                "minLength",
                "maxLength",
                text.chars().count(),
                "characters",
                place,
                found,
            );
        }
        _ => {}
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => {
            value.as_i64().is_some()
                || value.as_u64().is_some()
                || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn bound(
    schema: &Value,
    least: &str,
    most: &str,
    count: usize,
    what: &str,
    place: &str,
    found: &mut Vec<String>,
) {
    let count = count as u64;
    if schema[least].as_u64().is_some_and(|least| count < least) {
        found.push(format!("{place} has too few {what}"));
    }
    if let Some(most) = schema[most].as_u64()
        && count > most
    {
        found.push(format!("{place} has more than {most} {what}"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["a", "b"],
            "properties": {
                "a": {"type": ["string", "null"], "maxLength": 3},
                "b": {"type": "array", "maxItems": 2, "items": {"anyOf": [{"type": "integer"}, {"enum": ["x", "y"]}]}},
                "c": {"type": "object", "properties": {"d": {"type": "number"}}, "required": ["d"]},
            },
        })
    }

    #[test]
    fn problems_have_their_place() {
        let told = |value: Value| problems(&schema(), &value);
        assert_eq!(
            told(json!({"a": null, "b": [1, "x"]})),
            Vec::<String>::new()
        );
        assert_eq!(told(json!([])), ["the answer must be object"]);
        assert_eq!(
            told(json!({"a": "long", "b": [1, 2, "z"], "c": {}, "e": 1})),
            [
                "/a has more than 3 characters",
                "/b has more than 2 entries",
                "/b/2 is none of what may stand there",
                "/c needs the key `d`",
                "the answer has a key that is not known",
            ]
        );
        assert_eq!(
            unknown(&json!({"type": "string", "pattern": "a"})),
            ["the keyword `pattern` is not known"]
        );
        assert!(unknown(&schema()).is_empty());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            Just(json!(1)),
            Just(json!(1.5)),
            Just(json!("x")),
            Just(json!("long")),
            Just(json!(true)),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-e]", inner, 0..5).prop_map(|map| Value::from(
                    map.into_iter().collect::<serde_json::Map<_, _>>()
                )),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A validator of the whole standard comes to the same.
        #[test]
        fn another_validator_agrees(value in value()) {
            let schema = schema();
            let other = jsonschema::validator_for(&schema).expect("a schema");
            prop_assert_eq!(problems(&schema, &value).is_empty(), other.is_valid(&value), "{}", value);
        }
    }
}
