//! What a platform keeps for a connector: JSON that a form was filled in with, and the secrets in it.
//!
//! A reader's own sentence may quote a secret, so errors tell the place and a key's name, and nothing else.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A variable and its value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    pub name: String,
    pub value: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Secret").field(&self.name).finish()
    }
}

/// The variables of secrets.
pub(super) fn variables(secrets: &[Secret]) -> BTreeMap<String, String> {
    let secrets = secrets.iter();
    secrets
        .map(|secret| (secret.name.clone(), secret.value.clone()))
        .collect()
}

/// Reads JSON, strictly.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with its name.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    serde_json::from_str(text).map_err(|error| match unknown_key(&error.to_string()) {
        Some(key) => format!("holds the key `{key}`, which is not known"),
        None => format!(
            "is not what is wanted here, at line {} column {}",
            error.line(),
            error.column()
        ),
    })
}

fn unknown_key(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `")?;
    rest.split_once('`').map(|(key, _)| key)
}
