//! Changing a JSON Schema in place: only the properties a path names, everything else as it was.

use serde_json::{Map, Value, json};

use super::json_schema::{COMBINATORS, MAX_DEPTH, logical_type, to_schema};
use super::path::Segment;
use super::types::LogicalType;

/// Keywords that say something about a value and so end with its type. All others (titles,
/// descriptions, a source's own) outlive a change of type.
const BOUND_TO_TYPE: [&str; 45] = [
    "$ref",
    "additionalItems",
    "additionalProperties",
    "airbyte_type",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "then",
    "uniqueItems",
];

/// Gives the properties at `path` a new type. A last `*` retypes every scalar below, at any depth;
/// what declares no parts stays.
pub(super) fn retype_at(root: &mut Value, path: &[Segment], ty: &LogicalType) {
    match path.split_last() {
        Some((Segment::Any, parents)) => visit(root, parents, &mut |parent| {
            children(parent, &mut |_, child| retype_leaves(child, ty, 0));
        }),
        _ => visit(root, path, &mut |schema| retype(schema, ty)),
    }
}

/// Renames the key `from` of the objects at `parents`, in its place, and its entry in `required`.
pub(super) fn rename_at(root: &mut Value, parents: &[Segment], from: &str, to: &str) {
    each_object(root, parents, &mut |object| {
        if let Some(Value::Object(properties)) = object.get_mut("properties")
            && properties.contains_key(from)
        {
            *properties = std::mem::take(properties)
                .into_iter()
                .map(|(name, schema)| (if name == from { to.to_owned() } else { name }, schema))
                .collect();
        }
        if let Some(Value::Array(required)) = object.get_mut("required") {
            for name in required.iter_mut().filter(|name| *name == from) {
                *name = Value::String(to.to_owned());
            }
        }
    });
}

/// Removes a key (all keys for `None`) of the objects at `parents` and its entry in `required`.
pub(super) fn remove_at(root: &mut Value, parents: &[Segment], name: Option<&str>) {
    each_object(root, parents, &mut |object| {
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            match name {
                Some(name) => drop(properties.shift_remove(name)),
                None => properties.clear(),
            }
        }
        if let Some(Value::Array(required)) = object.get_mut("required") {
            required.retain(|other| name.is_some_and(|name| other != name));
        }
    });
}

/// Appends a property to the root object.
pub(super) fn append(root: &mut Value, name: &str, schema: Value) {
    if !root.is_object() {
        *root = json!({"type": "object"});
    }
    let Value::Object(object) = root else { return };
    let properties = object
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if !properties.is_object() {
        *properties = Value::Object(Map::new());
    }
    if let Value::Object(properties) = properties {
        properties.insert(name.to_owned(), schema);
    }
}

/// Calls `act` for every schema that `path` leads to.
fn visit(schema: &mut Value, path: &[Segment], act: &mut dyn FnMut(&mut Value)) {
    let Some((segment, rest)) = path.split_first() else {
        return act(schema);
    };
    shapes(schema, 0, &mut |object| match segment {
        Segment::Key(name) => {
            if let Some(child) = object
                .get_mut("properties")
                .and_then(Value::as_object_mut)
                .and_then(|properties| properties.get_mut(name))
            {
                visit(child, rest, act);
            }
        }
        _ => parts(object, &mut |part, child| {
            if part == *segment {
                visit(child, rest, act);
            }
        }),
    });
}

/// Calls `act` for every object schema that describes the values at `path`.
fn each_object(root: &mut Value, path: &[Segment], act: &mut dyn FnMut(&mut Map<String, Value>)) {
    visit(root, path, &mut |schema| shapes(schema, 0, act));
}

/// Calls `act` for a schema and for every option of its unions.
fn shapes(schema: &mut Value, depth: usize, act: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Value::Object(object) = schema else {
        return;
    };
    act(object);
    if depth >= MAX_DEPTH {
        return;
    }
    for combinator in COMBINATORS {
        if let Some(Value::Array(options)) = object.get_mut(combinator) {
            options
                .iter_mut()
                .for_each(|option| shapes(option, depth + 1, act));
        }
    }
}

/// Calls `act` for the schemas of an object's properties and of an array's elements, in any option.
fn children(schema: &mut Value, act: &mut dyn FnMut(Segment, &mut Value)) {
    shapes(schema, 0, &mut |object| parts(object, act));
}

/// The direct parts of one object schema: `Any` for a property, `Items` for an element.
fn parts(object: &mut Map<String, Value>, act: &mut dyn FnMut(Segment, &mut Value)) {
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties
            .values_mut()
            .for_each(|child| act(Segment::Any, child));
    }
    match object.get_mut("items") {
        Some(Value::Array(items)) => items.iter_mut().for_each(|item| act(Segment::Items, item)),
        Some(item @ Value::Object(_)) => act(Segment::Items, item),
        _ => {}
    }
}

fn retype_leaves(schema: &mut Value, ty: &LogicalType, depth: usize) {
    // What cannot be read declares no parts.
    let current = logical_type(schema).unwrap_or(LogicalType::Unknown);
    let target = leaves_as(&current, ty);
    if target == current {
        return;
    }
    let direct = ["properties", "items"]
        .iter()
        .any(|key| schema.get(key).is_some());
    let composed = matches!(
        current,
        LogicalType::Object(_) | LogicalType::Array(Some(_))
    );
    if composed && direct && depth < MAX_DEPTH {
        children(schema, &mut |_, child| retype_leaves(child, ty, depth + 1));
    } else {
        retype(schema, &target);
    }
}

/// The same shape with every scalar replaced.
fn leaves_as(shape: &LogicalType, ty: &LogicalType) -> LogicalType {
    match shape {
        LogicalType::Object(fields) => LogicalType::Object(
            fields
                .iter()
                .cloned()
                .map(|mut field| {
                    field.ty = leaves_as(&field.ty, ty);
                    field
                })
                .collect(),
        ),
        LogicalType::Array(Some(item)) => LogicalType::Array(Some(Box::new(leaves_as(item, ty)))),
        LogicalType::Union(options) => {
            LogicalType::union(options.iter().map(|option| leaves_as(option, ty)))
        }
        LogicalType::Array(None)
        | LogicalType::SchemalessObject
        | LogicalType::Json
        | LogicalType::Unknown => shape.clone(),
        _ => ty.clone(),
    }
}

/// Replaces what a schema says about its values and keeps what it says about itself.
fn retype(schema: &mut Value, ty: &LogicalType) {
    let Value::Object(new) = to_schema(ty) else {
        return;
    };
    let mut new = Some(new);
    let mut kept = Map::new();
    if let Value::Object(old) = schema {
        for (keyword, value) in std::mem::take(old) {
            if keyword == "type" || BOUND_TO_TYPE.binary_search(&keyword.as_str()).is_ok() {
                kept.extend(new.take().into_iter().flatten());
            } else {
                kept.insert(keyword, value);
            }
        }
    }
    kept.extend(new.take().into_iter().flatten());
    *schema = Value::Object(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::path::Path;

    fn retyped(schema: &str, path: &str, ty: &LogicalType) -> String {
        let mut value: Value = serde_json::from_str(schema).expect(schema);
        let path: Path = path.parse().expect(path);
        retype_at(&mut value, path.segments(), ty);
        value.to_string()
    }

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(BOUND_TO_TYPE.is_sorted());
    }

    #[test]
    fn only_the_named_property_changes() {
        let string = &LogicalType::String;
        for (schema, path, expected) in [
            (
                r#"{"x":1,"properties":{"a":{"title":"A","type":"integer","minimum":3,"description":"d","vendor":{"items":1}},"b":{"type":"integer"}}}"#,
                "a",
                r#"{"x":1,"properties":{"a":{"title":"A","type":["null","string"],"description":"d","vendor":{"items":1}},"b":{"type":"integer"}}}"#,
            ),
            (
                r#"{"properties":{"a":{"description":"d"},"b":true}}"#,
                "*",
                r#"{"properties":{"a":{"description":"d"},"b":true}}"#,
            ),
            (
                r#"{"properties":{"a":true}}"#,
                "a",
                r#"{"properties":{"a":{"type":["null","string"]}}}"#,
            ),
            (
                r#"{"properties":{"a":{"oneOf":[{"type":"object","properties":{"k":{"type":"integer","title":"K"}}},{"type":"string"}]}}}"#,
                "a.k",
                r#"{"properties":{"a":{"oneOf":[{"type":"object","properties":{"k":{"type":["null","string"],"title":"K"}}},{"type":"string"}]}}}"#,
            ),
            (
                r#"{"properties":{"a":{"type":"array","items":{"properties":{"k":{"enum":[1]}}}}}}"#,
                "a[].k",
                r#"{"properties":{"a":{"type":"array","items":{"properties":{"k":{"type":["null","string"]}}}}}}"#,
            ),
            (
                r#"{"properties":{"a":{"type":"array","items":[{"type":"integer"},{"type":"boolean"}]}}}"#,
                "a[]",
                r#"{"properties":{"a":{"type":"array","items":[{"type":["null","string"]},{"type":["null","string"]}]}}}"#,
            ),
            (
                r#"{"properties":{"a":{"type":"object"}}}"#,
                "a.b",
                r#"{"properties":{"a":{"type":"object"}}}"#,
            ),
        ] {
            assert_eq!(retyped(schema, path, string), expected, "{path}");
        }
    }

    #[test]
    fn a_last_wildcard_reaches_every_scalar() {
        let schema = r#"{"properties":{"a":{"type":"object","title":"T","properties":{
            "n":{"type":"integer"},
            "l":{"type":"array","items":{"type":"number","title":"L"}},
            "o":{"type":"object"},
            "s":{"oneOf":[{"type":"integer"},{"type":"null"},{"type":"boolean"}]},
            "u":{"type":["integer","object"],"properties":{"k":{"type":"boolean"}},"title":"U"}}}}}"#;
        let expected = r#"{"properties":{"a":{"type":"object","title":"T","properties":{
            "n":{"type":["null","string"]},
            "l":{"type":"array","items":{"type":["null","string"],"title":"L"}},
            "o":{"type":"object"},
            "s":{"type":["null","string"]},
            "u":{"anyOf":[{"type":["null","string"]},{"type":["null","object"],"properties":{"k":{"type":["null","string"]}}}],"title":"U"}}}}}"#;
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(
            retyped(schema, "a.*", &LogicalType::String),
            expected.to_string()
        );
    }
}
