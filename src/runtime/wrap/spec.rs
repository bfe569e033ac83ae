//! The form of a wrapped connector: its own, and our options under one key at its end.

use serde_json::{Map, Value, json};

use super::lines::{self, Answer, Kind};
use super::own::KEY;
use super::{Failure, Wrap};
use crate::error::{Error, ErrorKind, Result};

/// Asks the connector for its form and adds ours.
pub(super) fn run(wrap: &Wrap<'_>) -> Result<(), Failure> {
    let mut found = false;
    let command = wrap.asked.command("spec", &[]);
    let fixed = wrap.options.config.is_some();
    let told = lines::run(
        command,
        wrap.options.grace,
        None,
        &wrap.output,
        |kind, line| {
            if kind != Kind::Spec {
                return Ok(Answer::Pass);
            }
            found = true;
            merged(line, fixed).map(Answer::Instead)
        },
    )?;
    wrap.conclude(&told, found, "SPEC")
}

/// A SPEC line with our options. Where the configuration is `fixed`, only secrets are asked for.
fn merged(line: &str, fixed: bool) -> Result<String> {
    let odd = |what: &str| Error::new(ErrorKind::Child, format!("the connector's SPEC {what}"));
    let mut message: Value =
        serde_json::from_str(line).map_err(|_| odd("is not what it should be"))?;
    let form = message.pointer_mut("/spec/connectionSpecification");
    let form = form.and_then(Value::as_object_mut);
    let form = form.ok_or_else(|| odd("has no `connectionSpecification`"))?;
    let properties = form.entry("properties").or_insert_with(|| json!({}));
    let properties = properties.as_object_mut();
    let properties = properties.ok_or_else(|| odd("has `properties` that are no object"))?;
    if properties.contains_key(KEY) {
        return Err(odd(&format!("has a key `{KEY}` already"))
            .hint("wrap the connector itself; midflight in midflight is not needed"));
    }
    let ours = ours(properties, fixed);
    properties.insert(KEY.to_owned(), ours);
    Ok(message.to_string())
}

/// Our part of the form, behind every other.
fn ours(others: &Map<String, Value>, fixed: bool) -> Value {
    let mut ours: Value = serde_json::from_str(include_str!("spec.json")).unwrap_or_default();
    let orders = others
        .values()
        .filter_map(|other| other.get("order")?.as_i64());
    let order = orders.max().unwrap_or(-1).saturating_add(1);
    ours["order"] = json!(order.max(i64::try_from(others.len()).unwrap_or(i64::MAX)));
    if fixed && let Some(properties) = ours["properties"].as_object_mut() {
        properties.shift_remove("config");
        ours["description"] =
            json!("Keys for what happens to the records on their way out of this source.");
    }
    ours
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"{"type":"SPEC","x":1.10,"spec":{"advanced_auth":{"auth_flow_type":"oauth2.0"},"documentationUrl":"https://example.com","connectionSpecification":{"type":"object","required":["count"],"additionalProperties":false,"properties":{"seed":{"type":"integer","order":7},"count":{"type":"integer","default":1.50}}}}}"#;

    #[test]
    fn our_options_stand_last_and_nothing_else_changes() {
        let text = merged(SPEC, false).expect("a SPEC");
        let (before, after) = text.split_once(r#","midflight":"#).expect("our key");
        assert_eq!(format!("{before}}}}}}}}}"), SPEC);
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let ours = &message["spec"]["connectionSpecification"]["properties"][KEY];
        assert!(after.ends_with("}}}}"));
        assert_eq!(ours["order"], 8);
        assert_eq!(ours["properties"]["config"]["multiline"], true);
        let value = &ours["properties"]["secrets"]["items"]["properties"]["value"];
        assert_eq!(value["airbyte_secret"], true);
    }

    #[test]
    fn a_fixed_configuration_is_not_asked_for() {
        let message: Value =
            serde_json::from_str(&merged(SPEC, true).expect("a SPEC")).expect("JSON");
        let ours = &message["spec"]["connectionSpecification"]["properties"][KEY]["properties"];
        assert!(ours["config"].is_null() && ours["secrets"].is_object());
    }

    #[test]
    fn what_cannot_be_merged_is_said() {
        for (line, says) in [
            (
                r#"{"type":"SPEC","spec":{}}"#,
                "no `connectionSpecification`",
            ),
            (
                r#"{"type":"SPEC","spec":{"connectionSpecification":{"properties":[]}}}"#,
                "no object",
            ),
            (
                r#"{"type":"SPEC","spec":{"connectionSpecification":{"properties":{"midflight":{}}}}}"#,
                "already",
            ),
        ] {
            let error = merged(line, false).expect_err(says);
            assert!(error.message().contains(says), "{error}");
        }
        let bare = r#"{"type":"SPEC","spec":{"connectionSpecification":{"type":"object"}}}"#;
        assert!(
            merged(bare, false)
                .expect("a SPEC")
                .contains(r#""properties":{"midflight""#)
        );
    }
}
