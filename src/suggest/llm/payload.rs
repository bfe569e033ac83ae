//! What a language model is told: the one place where it is put together.
//!
//! A [`Payload`] can be built here only, from a profile, a prompt and what the catalogue allows; the one function that
//! sends anything takes nothing else. It holds names, types, counts in buckets, forms and labels that enough rows
//! share, rounded quantiles, facts. It never holds a least, greatest or most frequent text, a sample, or a row.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::column::told;
use super::names::{Recogniser, named};
use super::pairs::facts;
use super::prompt::Prompt;
use super::refusal::Refusal;
use crate::audit::canonical;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::catalogue::{Answer, StreamAnswer};
use crate::profile::form::StreamProfile;
use crate::schema::LogicalType;
use crate::schema::path::Path;
use crate::suggest::types;

/// The least rows that a name, form or label must share: k of k-anonymity.
pub const ROWS_MIN: u64 = 25;
/// The most columns that are described.
const COLUMNS_MAX: usize = 150;
/// The longest description of a stream.
const BYTES_MAX: usize = 60_000;
/// Of an answer that was refused, what is repeated to its model.
const REPEATED_BYTES: usize = 8_000;
/// The most refusals that are told at once.
const REFUSALS_MAX: usize = 30;

/// Whether a stream may be described, and by whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clearance {
    /// A catalogue says what may be.
    Catalogue {
        answer: StreamAnswer,
        /// Not even the names of denied columns are told.
        hide_names: bool,
    },
    /// There is no catalogue, and the operator decided to do without.
    Operator,
}

/// A conversation that may be sent.
#[derive(Debug, Clone)]
pub struct Payload {
    stream: String,
    messages: Vec<(Role, String)>,
    columns: BTreeMap<Path, LogicalType>,
    sha256: String,
    bytes: usize,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    /// The word of the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

impl Clearance {
    /// What is known of the stream as a whole.
    pub fn stream(&self) -> Answer {
        match self {
            Self::Catalogue { answer, .. } => answer.stream,
            Self::Operator => Answer::Allow,
        }
    }

    fn column(&self, path: &Path) -> Answer {
        match self {
            Self::Catalogue { answer, .. } => answer.column(path),
            Self::Operator => Answer::Allow,
        }
    }

    fn hides_names(&self) -> bool {
        matches!(
            self,
            Self::Catalogue {
                hide_names: true,
                ..
            }
        )
    }

    /// For records.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Catalogue { answer, .. } => json!({
                "decision": answer.stream,
                "source": answer.source,
                "at": answer.at,
                "failure": answer.failure,
                "columns_denied": answer.columns.values().filter(|said| **said != Answer::Allow).count(),
            }),
            Self::Operator => {
                json!({"decision": "allow", "source": "operator, without a catalogue"})
            }
        }
    }
}

impl Payload {
    /// Describes a stream.
    ///
    /// # Errors
    /// `Policy` when it may not be described, `Limit` when nothing of it can be.
    pub fn new(stream: &StreamProfile, prompt: &Prompt, clearance: &Clearance) -> Result<Self> {
        let name = match &stream.namespace {
            Some(namespace) => format!("{namespace}.{}", stream.name),
            None => stream.name.clone(),
        };
        if clearance.stream() != Answer::Allow {
            let said = clearance.stream().as_str();
            let message = format!(
                "stream `{name}` may not be described to a language model: the catalogue says `{said}`"
            );
            return Err(Error::new(ErrorKind::Policy, message)
                .hint("have the stream allowed there; what is unknown counts as denied"));
        }
        let recogniser = Recogniser::new()?;
        let mut columns = BTreeMap::new();
        let mut described = Vec::new();
        let mut listed = Vec::new();
        for (column, path) in named(stream, &recogniser) {
            let allowed = clearance.column(&path) == Answer::Allow;
            if listed.len() == COLUMNS_MAX || !allowed && clearance.hides_names() {
                continue;
            }
            let ty = types::of(column);
            let mut entry = Map::new();
            entry.insert("name".to_owned(), json!(column.path));
            entry.insert("type".to_owned(), json!(ty.name()));
            if allowed {
                entry.append(&mut told(&stream.name, column, &recogniser));
                described.push(column.path.as_str());
            }
            listed.push(Value::from(entry));
            columns.insert(path, ty);
        }
        if columns.is_empty() {
            let message =
                format!("stream `{name}` has no column that may be described to a language model");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let key = |path: &&String| {
            path.parse()
                .is_ok_and(|path: Path| columns.contains_key(&path))
        };
        let mut description = json!({
            "stream": name,
            "rows": format!("about 1e{}", stream.records.max(1).ilog10()),
            "primary_key": stream.primary_key.iter().filter(key).collect::<Vec<_>>(),
            "cursor": stream.cursor.as_ref().filter(key),
            "columns": listed,
            "facts": facts(&stream.pairs, &|name| described.contains(&name)),
        });
        let text = fitted(&mut description);
        let messages = prompt.filled(&text);
        Ok(Self {
            stream: name,
            sha256: hex::encode(Sha256::digest(&text)),
            bytes: text.len(),
            messages,
            columns,
        })
    }

    /// The same, and what was wrong with an answer to it.
    #[must_use]
    pub fn again(&self, answer: &str, refusals: &[Refusal]) -> Self {
        let end = (0..=REPEATED_BYTES.min(answer.len()))
            .rev()
            .find(|end| answer.is_char_boundary(*end));
        let mut told = "Rules that were not refused are kept. Correct these problems and answer with only the corrected rules, in the same form:\n".to_owned();
        for refusal in refusals.iter().take(REFUSALS_MAX) {
            told.push_str(&format!("- {refusal}\n"));
        }
        let mut messages = self.messages.clone();
        messages.push((Role::Assistant, answer[..end.unwrap_or(0)].to_owned()));
        messages.push((Role::User, told));
        Self {
            messages,
            ..self.clone()
        }
    }

    /// The stream that is described.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// What is said, in order.
    pub fn messages(&self) -> impl Iterator<Item = (Role, &str)> {
        self.messages
            .iter()
            .map(|(role, text)| (*role, text.as_str()))
    }

    /// The columns that are named, with the type each has in expressions. Rules may speak of no other.
    pub fn columns(&self) -> &BTreeMap<Path, LogicalType> {
        &self.columns
    }

    /// SHA-256, as lower-case hex, of the description.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The length of the description.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The text of a description, cut at its end where it is too long.
fn fitted(description: &mut Value) -> String {
    loop {
        let text = canonical(description);
        if text.len() <= BYTES_MAX {
            return text;
        }
        for list in ["facts", "columns"] {
            if let Some(items) = description[list].as_array_mut()
                && items.len() > 1
            {
                items.truncate(items.len() * 3 / 4);
                break;
            }
        }
    }
}
