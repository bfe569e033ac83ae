//! Rules in the formats of other tools: the Open Data Contract Standard and dqx.
//!
//! Both ways keep what a rule demands of a row, how bad a violation is and what it is for. What those formats have no
//! word for stands in their own fields for such things, so that a rule that went out comes back with its fingerprint.
//! What is imported is proposed, whoever approved it elsewhere, and says where it comes from. What is no rule about one
//! row (counts, thresholds, freshness) is refused, not bent.

mod dqx;
mod imported;
mod odcs;
mod sql;

use crate::document::{self, Node, Problems, Value, write};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::RuleFile;
use crate::protocol::catalog::ConfiguredCatalog;

pub use imported::Imported;

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Open Data Contract Standard 3.1, YAML.
    Odcs,
    /// dqx's list of checks, YAML.
    Dqx,
}

impl Format {
    /// The name in commands and in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Odcs => "odcs",
            Self::Dqx => "dqx",
        }
    }

    /// The format of a document by what it is: a contract is a map, checks are a list.
    fn of(document: &Node) -> Self {
        match document.value {
            Value::List(_) => Self::Dqx,
            _ => Self::Odcs,
        }
    }
}

/// The rules of files in another format. With a catalog, a contract has every column and its type.
pub fn export(format: Format, files: &[RuleFile], catalog: Option<&ConfiguredCatalog>) -> String {
    match format {
        Format::Odcs => odcs::export(files, catalog),
        Format::Dqx => dqx::export(files),
    }
}

/// Reads the rules about a stream from another tool's file; `file` is its name in messages, `hash` names its bytes.
/// Which format it is in is told by what it holds.
///
/// # Errors
/// `Config` when it is no YAML, or neither format.
pub fn import(file: &str, text: &str, hash: &str, stream: &str) -> Result<Imported> {
    let mut problems = Problems::new();
    let document = document::parse(file, text, &mut problems);
    problems.into_result()?;
    let document =
        document.ok_or_else(|| Error::new(ErrorKind::Config, format!("{file}: it is empty")))?;
    let format = Format::of(&document);
    let mut imported = Imported::new(format, file, hash);
    match format {
        Format::Odcs => odcs::import(&document, stream, &mut imported)?,
        Format::Dqx => dqx::import(&document, stream, &mut imported)?,
    }
    Ok(imported)
}

/// A document as YAML text.
fn yaml(document: &Node) -> String {
    let mut text = String::new();
    match &document.value {
        Value::Map(entries) => {
            for (key, node) in entries {
                write::entry(&mut text, 0, &key.name, node, write::Layout::Open);
            }
        }
        Value::List(items) if !items.is_empty() => {
            items
                .iter()
                .for_each(|item| write::item(&mut text, 0, item));
        }
        _ => {
            text.push_str(&write::flow(document));
            text.push('\n');
        }
    }
    text
}
