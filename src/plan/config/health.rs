//! `health:`, who is told of a run that is unusual or has failed.
//!
//! ```yaml
//! health:
//!   webhook: {url: {env: ALERTS_URL}, format: slack, on: anomaly}
//! ```

use super::read::{read_file_path, read_name};
use crate::document::{Fields, Node, Problems, Value};
use crate::model::embedding::Secret;

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthConfig {
    pub webhook: Webhook,
}

/// An address that is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where the address is kept: whoever knows it may send.
    pub url: Secret,
    pub format: WebhookFormat,
    pub on: Occasion,
}

/// Who is told, with the address itself, which no message and no printed plan holds.
#[derive(Clone)]
pub struct Alerts {
    /// The address, or why there is none.
    pub url: std::result::Result<String, String>,
    pub format: WebhookFormat,
    pub on: Occasion,
}

impl std::fmt::Debug for Alerts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape = (self.format, self.on);
        out.debug_tuple("Alerts").field(&shape).finish()
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebhookFormat {
    /// health.json as it is.
    #[default]
    Generic,
    /// Blocks, as Slack's incoming webhooks read them.
    Slack,
}

/// When something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Occasion {
    /// A run was unusual, or failed.
    #[default]
    Anomaly,
    /// A run failed.
    Failure,
    Always,
}

/// The words of `format`.
const FORMATS: &[(&str, WebhookFormat)] = &[
    ("generic", WebhookFormat::Generic),
    ("slack", WebhookFormat::Slack),
];

const OCCASIONS: &[(&str, Occasion)] = &[
    ("anomaly", Occasion::Anomaly),
    ("failure", Occasion::Failure),
    ("always", Occasion::Always),
];

pub(super) fn read(node: &Node, file: &str, problems: &mut Problems) -> Option<HealthConfig> {
    let mut fields = Fields::of(node, "`health`", file, problems)?;
    let webhook = fields
        .require("webhook", problems)
        .and_then(|node| read_webhook(node, file, problems));
    fields.finish(problems);
    Some(HealthConfig { webhook: webhook? })
}

fn read_webhook(node: &Node, file: &str, problems: &mut Problems) -> Option<Webhook> {
    let mut fields = Fields::of(node, "`webhook`", file, problems)?;
    let url = fields
        .require("url", problems)
        .and_then(|node| read_address(node, file, problems));
    let format = fields.choice("format", FORMATS, problems);
    let on = fields.choice("on", OCCASIONS, problems);
    fields.finish(problems);
    Some(Webhook {
        url: url?,
        format: format.unwrap_or_default(),
        on: on.unwrap_or_default(),
    })
}

fn read_address(node: &Node, file: &str, problems: &mut Problems) -> Option<Secret> {
    const FORMS: &str = "write `{env: NAME}` or `{file: path}`";
    if !matches!(node.value, Value::Map(_)) {
        let message =
            "the address must not stand in the configuration itself: whoever knows it may send";
        problems.push_hint(file, node.at, message, FORMS);
        return None;
    }
    let mut fields = Fields::of(node, "`url`", file, problems)?;
    let (env, path) = (fields.take("env"), fields.take("file"));
    fields.finish(problems);
    match (env, path) {
        (Some(node), None) => {
            let name = read_name(node, "the name of a variable", file, problems)?;
            Some(Secret::Env(name.to_owned()))
        }
        (None, Some(node)) => read_file_path(node, file, problems).map(Secret::File),
        _ => {
            let message = "the address comes from one place";
            problems.push_hint(file, node.at, message, FORMS);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    #[test]
    fn webhooks_are_read_or_told() {
        let read = |text: &str| {
            let mut problems = Problems::new();
            let node = parse("f", text, &mut problems).expect("well-formed");
            let read = read(&node, "f", &mut problems);
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            (read, told)
        };
        let (health, told) = read("webhook: {url: {env: A}, format: slack, on: failure}");
        assert_eq!(told, Vec::<String>::new());
        let webhook = health.expect("a configuration").webhook;
        assert_eq!(webhook.url, Secret::Env("A".to_owned()));
        assert_eq!(
            (webhook.format, webhook.on),
            (WebhookFormat::Slack, Occasion::Failure)
        );
        for (text, said) in [
            ("{}", "`health` needs the key `webhook`"),
            (
                "webhook: {url: 'https://x/secret'}",
                "must not stand in the configuration",
            ),
            ("webhook: {url: {}}", "comes from one place"),
            (
                "webhook: {url: {env: A}, on: anomaly1}",
                "did you mean `anomaly`?",
            ),
            (
                "webhook: {url: {env: A}, format: teams}",
                "valid are `generic` and `slack`",
            ),
        ] {
            let (_, told) = read(text);
            assert!(
                told.len() == 1 && told[0].contains(said),
                "{text}: {told:?}"
            );
            assert!(!told[0].contains("secret"));
        }
    }
}
