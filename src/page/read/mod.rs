//! The files of a run as types: unknown keys are passed over, what the page needs must be there.

pub mod audit;
pub mod health;
pub mod history;
pub mod lineage;
pub mod report;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::{Error, ErrorKind, Result};

/// The version of every file that this program reads.
const VERSION: u64 = 1;

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// Reads a file of version 1 by its text. `name` stands in what goes wrong.
///
/// # Errors
/// `Input` when it is no JSON, is of another version, or lacks what is needed. What stands in it is not quoted.
fn versioned<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    let Versioned { version } = parse(name, text)?;
    if version != VERSION {
        let message =
            format!("{name} is of version {version}; this midflight reads version {VERSION}");
        let hint = match version > VERSION {
            true => "a later midflight wrote it; draw it with that one",
            false => "run again to have it written anew",
        };
        return Err(Error::new(ErrorKind::Input, message).hint(hint));
    }
    parse(name, text)
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let message = format!("{name} {}", what(&error));
        Error::new(ErrorKind::Input, message).hint("a run with `--report DIR` writes it")
    })
}

/// What is wrong, without what stands there.
fn what(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    match error.classify() {
        Category::Eof => "ends before it is whole; was the run killed while it wrote?".to_owned(),
        Category::Data if said.starts_with("missing field `") => {
            let field = said.split('`').nth(1).unwrap_or_default();
            format!("lacks `{field}` (line {line}, column {column})")
        }
        Category::Data => {
            format!("holds something else than expected (line {line}, column {column})")
        }
        Category::Syntax | Category::Io => format!("is not JSON (line {line}, column {column})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_without_quoting() {
        for (text, expected) in [
            (
                "",
                "x.json ends before it is whole; was the run killed while it wrote?",
            ),
            (
                "{\"version\": 1",
                "x.json ends before it is whole; was the run killed while it wrote?",
            ),
            ("a secret", "x.json is not JSON (line 1, column 1)"),
            ("{\"a\": 1}", "x.json lacks `version` (line 1, column 8)"),
            (
                "{\"version\": \"a secret\"}",
                "x.json holds something else than expected (line 1, column 22)",
            ),
            (
                "{\"version\": 2}",
                "x.json is of version 2; this midflight reads version 1",
            ),
        ] {
            let error = versioned::<report::Report>("x.json", text).expect_err(text);
            assert_eq!(error.message(), expected, "{text}");
            assert!(error.advice().is_some());
        }
    }
}
