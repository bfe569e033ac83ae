//! Prompts as files: `prompts/<id>/<version>.prompt.md`, never changed once used, and `prompts/registry.yaml`, which
//! says what an alias means and how versions were scored.
//!
//! A file begins with what it asks for, between two lines `---`: the model's settings, the schemas of what is filled in
//! and of the answer. Behind that stand its parts, each under `{{role "system"}}` or `{{role "user"}}`; `{{payload}}`
//! is what is filled in. The identity of a version is the SHA-256 of its file.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::payload::Role;
use super::schema;
use crate::document::{self, Fields, Node, Problems};
use crate::error::{Error, ErrorKind, Result};

/// The prompt that is used unless another is named.
pub const DEFAULT: &str = "rule-suggest@production";

/// Where the description of a stream is put.
const SLOT: &str = "{{payload}}";
/// Tokens of an answer unless the prompt says otherwise, and the most it may say.
const TOKENS: i64 = 4_000;
const TOKENS_MAX: i64 = 100_000;

/// A version of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    pub id: String,
    pub version: u32,
    /// Of its file, as lower-case hex.
    pub sha256: String,
    pub settings: Settings,
    /// What is filled in is such a value.
    pub input: Value,
    /// The answer is such a value.
    pub output: Value,
    parts: Vec<(Role, String)>,
}

/// How a model is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub temperature: f64,
    pub seed: i64,
    /// Tokens of the answer at most.
    pub max_tokens: u64,
}

/// Gives the text of a file below `prompts/`, if it is there.
pub type Shelf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The files that come with the program.
pub fn builtin(path: &str) -> Option<String> {
    let text = match path {
        "registry.yaml" => include_str!("../../../prompts/registry.yaml"),
        "rule-suggest/1.prompt.md" => include_str!("../../../prompts/rule-suggest/1.prompt.md"),
        _ => return None,
    };
    Some(text.to_owned())
}

/// The prompt of a name: `id@version`, or `id@alias` as the registry has it.
///
/// # Errors
/// `Config` when there is none, or its file is wrong.
pub fn find(name: &str, shelf: Shelf<'_>) -> Result<Prompt> {
    let (id, version) = name.split_once('@').unwrap_or((name, "production"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || !id.chars().all(plain) {
        let message = format!("`{name}` is no name of a prompt");
        return Err(Error::new(ErrorKind::Usage, message).hint("write it as rule-suggest@1"));
    }
    let version = match version.parse::<u32>() {
        Ok(version) => version,
        Err(_) => aliased(id, version, shelf)?,
    };
    let path = format!("{id}/{version}.prompt.md");
    let text = shelf(&path).ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            format!("there is no prompt prompts/{path}"),
        )
    })?;
    let prompt = Prompt::parse(&format!("prompts/{path}"), &text)?;
    if (prompt.id.as_str(), prompt.version) != (id, version) {
        let message = format!(
            "prompts/{path} calls itself {}@{}",
            prompt.id, prompt.version
        );
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(prompt)
}

/// The version that an alias means.
fn aliased(id: &str, alias: &str, shelf: Shelf<'_>) -> Result<u32> {
    let missing = || {
        let message = format!("prompts/registry.yaml has no alias `{alias}` of the prompt `{id}`");
        Error::new(ErrorKind::Config, message).hint("name a version, as in rule-suggest@1")
    };
    let text = shelf("registry.yaml").ok_or_else(missing)?;
    let mut problems = Problems::new();
    let node = document::parse("prompts/registry.yaml", &text, &mut problems);
    problems.into_result()?;
    let entry = |node: &Node, name: &str| match &node.value {
        document::Value::Map(entries) => entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node.clone()),
        _ => None,
    };
    let found = node
        .and_then(|node| entry(&node, "prompts"))
        .and_then(|node| entry(&node, id))
        .and_then(|node| entry(&node, "aliases"))
        .and_then(|node| entry(&node, alias));
    match found.map(|node| node.value) {
        Some(document::Value::Integer(version)) => u32::try_from(version).map_err(|_| missing()),
        _ => Err(missing()),
    }
}

impl Prompt {
    /// Reads a prompt's file; `file` is its name in messages.
    ///
    /// # Errors
    /// `Config` with everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut problems = Problems::new();
        let prompt = read(file, text, &mut problems);
        problems.into_result()?;
        prompt.ok_or_else(|| Error::new(ErrorKind::Config, format!("{file} is no prompt")))
    }

    /// `rule-suggest@1`
    pub fn name(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// What is said, with a description filled in.
    pub(super) fn filled(&self, description: &str) -> Vec<(Role, String)> {
        let parts = self.parts.iter();
        parts
            .map(|(role, text)| (*role, text.replace(SLOT, description)))
            .collect()
    }
}

fn read(file: &str, text: &str, problems: &mut Problems) -> Option<Prompt> {
    let divided = text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"));
    let Some((front, body)) = divided else {
        problems.push_file(file, "a prompt begins with a part between two lines `---`");
        return None;
    };
    let node = document::parse(file, front, problems)?;
    let mut fields = Fields::of(&node, "the prompt", file, problems)?;
    let id = fields.require_text("id", problems);
    let version = fields.integer_within("version", 1..=1_000_000, problems);
    fields.require("version", problems);
    fields.text("description", problems);
    let settings = fields
        .take("model")
        .and_then(|node| read_settings(node, file, problems));
    let input = fields.require("input", problems);
    let input = input.and_then(|node| read_schema(node, "`input`", file, problems));
    let output = fields.require("output", problems);
    let output = output.and_then(|node| read_schema(node, "`output`", file, problems));
    fields.finish(problems);
    let parts = parts(file, body, problems);
    Some(Prompt {
        id: id?.to_owned(),
        version: u32::try_from(version?).ok()?,
        sha256: hex::encode(Sha256::digest(text)),
        settings: settings.unwrap_or(Settings {
            temperature: 0.0,
            seed: 0,
            max_tokens: TOKENS as u64,
        }),
        input: input?,
        output: output?,
        parts,
    })
}

fn read_settings(node: &Node, file: &str, problems: &mut Problems) -> Option<Settings> {
    let mut fields = Fields::of(node, "`model`", file, problems)?;
    let temperature = fields.number("temperature", problems).unwrap_or(0.0);
    let seed = fields.integer("seed", problems).unwrap_or(0);
    let tokens = fields.integer_within("max_tokens", 1..=TOKENS_MAX, problems);
    fields.finish(problems);
    Some(Settings {
        temperature,
        seed,
        max_tokens: u64::try_from(tokens.unwrap_or(TOKENS)).ok()?,
    })
}

fn read_schema(node: &Node, what: &str, file: &str, problems: &mut Problems) -> Option<Value> {
    let mut fields = Fields::of(node, what, file, problems)?;
    fields.choice("format", &[("json", ())], problems);
    let node = fields.require("schema", problems);
    fields.finish(problems);
    let node = node?;
    let value = node.to_json();
    for problem in schema::unknown(&value) {
        problems.push_at(file, node.at, format!("the schema: {problem}"));
    }
    Some(value)
}

fn parts(file: &str, body: &str, problems: &mut Problems) -> Vec<(Role, String)> {
    const MARK: &str = "{{role \"";
    let mut parts = Vec::new();
    for part in body.split(MARK).skip(1) {
        let (name, text) = part.split_once("\"}}").unwrap_or((part, ""));
        let role = match name {
            "system" => Role::System,
            "user" => Role::User,
            _ => {
                problems.push_file(file, "a role is `system` or `user`");
                continue;
            }
        };
        parts.push((role, text.trim().to_owned()));
    }
    let slots: usize = parts
        .iter()
        .map(|(_, text): &(Role, String)| text.matches("{{").count())
        .sum();
    let filled = parts.iter().any(|(_, text)| text.contains(SLOT));
    if !filled || slots != 1 {
        problems.push_file(
            file,
            "`{{payload}}` stands once in a prompt, and nothing else in double braces",
        );
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_prompt_is_whole() {
        let prompt = find(DEFAULT, &builtin).expect("a prompt");
        assert_eq!(prompt.name(), "rule-suggest@1");
        assert_eq!(prompt.sha256.len(), 64);
        assert_eq!(prompt, find("rule-suggest@1", &builtin).expect("a prompt"));
        assert_eq!(prompt.settings.temperature, 0.0);
        let said = prompt.filled("DESCRIBED");
        let roles: Vec<_> = said.iter().map(|(role, _)| *role).collect();
        assert_eq!(roles, [Role::System, Role::User]);
        assert!(said[1].1.contains("DESCRIBED"));
        // What OpenAI's strict mode asks of a schema.
        strict(&prompt.output, "output");
    }

    fn strict(schema: &Value, at: &str) {
        if let Some(properties) = schema["properties"].as_object() {
            assert_eq!(schema["additionalProperties"], Value::Bool(false), "{at}");
            let required: Vec<_> = schema["required"]
                .as_array()
                .expect("required")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(
                required,
                properties.keys().map(String::as_str).collect::<Vec<_>>(),
                "{at}"
            );
            properties
                .iter()
                .for_each(|(name, inner)| strict(inner, &format!("{at}/{name}")));
        }
        if schema["items"].is_object() {
            strict(&schema["items"], &format!("{at}[]"));
        }
        for option in schema["anyOf"].as_array().into_iter().flatten() {
            strict(option, at);
        }
    }

    #[test]
    fn what_is_wrong_with_a_prompt_is_told() {
        let whole = builtin("rule-suggest/1.prompt.md").expect("a prompt");
        for (from, to, expected) in [
            ("---\nid", "id", "begins with a part"),
            ("{{payload}}", "nothing", "stands once"),
            ("{{role \"user\"}}", "{{role \"robot\"}}", "a role is"),
            (
                "maxItems",
                "uniqueItems",
                "the keyword `uniqueItems` is not known",
            ),
        ] {
            let text = whole.replacen(from, to, 1);
            let error = Prompt::parse("p.md", &text).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
        for (name, expected) in [
            ("rule-suggest@9", "there is no prompt"),
            ("rule-suggest@staging", "no alias `staging`"),
            ("../x@1", "no name of a prompt"),
        ] {
            let error = find(name, &builtin).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
