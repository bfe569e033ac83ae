//! Secrets from where they are kept; errors name the place and nothing of what is there.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::model::embedding::Secret;

/// The secret, without the blanks around it. `what` names it in messages; relative paths start at `folder`.
///
/// # Errors
/// `Config` when it is not there or empty.
pub(super) fn read(secret: &Secret, what: &str, folder: &Path) -> Result<String> {
    let missing = |why: String| {
        Error::new(ErrorKind::Config, format!("{what}: {why}"))
            .hint("set it, or leave `key` out where none is needed")
    };
    let text = match secret {
        Secret::Env(name) => std::env::var(name)
            .map_err(|_| missing(format!("the environment variable `{name}` is not set")))?,
        Secret::File(path) => {
            let path = folder.join(path);
            std::fs::read_to_string(&path).map_err(|error| {
                missing(format!("{} cannot be read", path.display())).because(error)
            })?
        }
    };
    let text = text.trim();
    match text.is_empty() {
        true => Err(missing("it is empty".to_owned())),
        false => Ok(text.to_owned()),
    }
}
