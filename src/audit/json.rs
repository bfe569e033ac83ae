//! JSON with one spelling: keys in the order of their bytes, no blanks, numbers as they were written.

use serde_json::Value;

/// The one spelling of a value.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (place, (name, item)) in entries.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth_and_nothing_else_moves() {
        for (text, expected) in [
            (
                r#"{ "b": [3, {"y":1,"x":2}], "a": null }"#,
                r#"{"a":null,"b":[3,{"x":2,"y":1}]}"#,
            ),
            (r#"{"B":1,"a":2,"é":3}"#, r#"{"B":1,"a":2,"é":3}"#),
            ("1.50e3", "1.50e+3"),
            (r#""\u00e9\n""#, "\"é\\n\""),
        ] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(canonical(&value), expected);
        }
    }
}
