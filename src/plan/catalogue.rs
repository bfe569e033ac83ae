//! Whether a stream, and each of its columns, may be shown to a model: what a catalogue answers.
//!
//! What a catalogue does not know may not: `unknown` counts as `deny` for whatever leaves the process or is embedded.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::config::matches_glob;
use crate::protocol::state::Descriptor;
use crate::schema::path::{Path, Segment};

/// The most streams whose answers are remembered.
const STREAMS_MAX: usize = 10_000;

/// What a catalogue says of a stream or a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Allow,
    Deny,
    Unknown,
}

impl Answer {
    /// The word of messages and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unknown => "unknown",
        }
    }
}

/// What a catalogue says of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamAnswer {
    pub stream: Answer,
    /// Columns that the catalogue knows, by their path.
    pub columns: BTreeMap<String, Answer>,
    /// What holds for columns that it does not know.
    pub others: Answer,
    /// Who answered, as `file governance.yaml` or `openmetadata https://…`.
    pub source: String,
    /// When, in RFC 3339.
    pub at: String,
    /// A word for why nothing is known: `not_found`, `timeout`, `status_401`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A catalogue.
pub trait Catalogue: fmt::Debug + Send + Sync {
    /// What it says of a stream. One that cannot be asked says `unknown`, with the failure.
    fn answer(&self, stream: &Descriptor) -> StreamAnswer;
}

/// Tags that decide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagPolicy {
    /// A stream needs one of these.
    pub allow: Vec<String>,
    /// A stream or column must have none of these; a glob each.
    pub deny: Vec<String>,
}

/// A catalogue, and what it has said so far: each stream is asked about once.
#[derive(Debug)]
pub struct Answers {
    catalogue: Box<dyn Catalogue>,
    asked: Mutex<BTreeMap<Descriptor, Arc<StreamAnswer>>>,
}

impl Answers {
    /// Nothing has been asked yet.
    pub fn of(catalogue: Box<dyn Catalogue>) -> Self {
        Self {
            catalogue,
            asked: Mutex::default(),
        }
    }

    /// What holds for a stream.
    pub fn stream(&self, stream: &Descriptor) -> Arc<StreamAnswer> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = asked.get(stream) {
            return Arc::clone(answer);
        }
        let answer = Arc::new(self.catalogue.answer(stream));
        if asked.len() < STREAMS_MAX {
            asked.insert(stream.clone(), Arc::clone(&answer));
        }
        answer
    }

    /// Everything that was asked, by stream.
    pub fn asked(&self) -> BTreeMap<Descriptor, Arc<StreamAnswer>> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

impl StreamAnswer {
    /// An answer of a catalogue that knows nothing of the stream, and a word for why.
    pub fn unknown(source: &str, at: &str, failure: &str) -> Self {
        Self {
            stream: Answer::Unknown,
            columns: BTreeMap::new(),
            others: Answer::Unknown,
            source: source.to_owned(),
            at: at.to_owned(),
            failure: Some(failure.to_owned()),
        }
    }

    /// What holds for a column: the least of what is said of the stream, of the column or the nearest that it lies
    /// in, and of whatever lies in it.
    pub fn column(&self, path: &Path) -> Answer {
        if self.stream != Answer::Allow {
            return self.stream;
        }
        let denied = self.columns.iter().any(|(known, answer)| {
            *answer == Answer::Deny && known.parse().is_ok_and(|known| overlap(&known, path))
        });
        if denied {
            return Answer::Deny;
        }
        let depths = (1..=path.segments().len()).rev();
        let mut named = depths.filter_map(|depth| {
            let above = Path::new(path.segments()[..depth].to_vec())?;
            self.columns.get(&above.to_string())
        });
        named.next().copied().unwrap_or(self.others)
    }
}

impl TagPolicy {
    /// What the tags of a stream and its columns come to. A column that has none is allowed where its stream is.
    pub fn judge<'a>(
        &self,
        source: &str,
        at: &str,
        stream: &[String],
        columns: impl Iterator<Item = (String, &'a [String])>,
    ) -> StreamAnswer {
        let denies = |tags: &[String]| {
            let mut globs = self.deny.iter();
            globs.any(|glob| tags.iter().any(|tag| matches_glob(glob, tag)))
        };
        let allowed = stream.iter().any(|tag| self.allow.contains(tag));
        let answer = match (denies(stream), allowed) {
            (true, _) => Answer::Deny,
            (false, true) => Answer::Allow,
            (false, false) => Answer::Unknown,
        };
        let mut told: BTreeMap<String, Answer> = BTreeMap::new();
        for (path, tags) in columns {
            let answer = match denies(tags) {
                true => Answer::Deny,
                false => Answer::Allow,
            };
            // A column may be told of twice, by whoever wrote it and by whoever looks after it.
            let known = told.entry(path).or_insert(answer);
            if answer == Answer::Deny {
                *known = Answer::Deny;
            }
        }
        StreamAnswer {
            stream: answer,
            columns: told,
            others: Answer::Unknown,
            source: source.to_owned(),
            at: at.to_owned(),
            failure: None,
        }
    }
}

/// Whether one path leads to the other's value, or into it.
fn overlap(one: &Path, other: &Path) -> bool {
    let mut pairs = one.segments().iter().zip(other.segments());
    pairs.all(|(one, other)| one == other || *one == Segment::Any || *other == Segment::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().expect(text)
    }

    fn policy() -> TagPolicy {
        TagPolicy {
            allow: vec!["AI.Allowed".to_owned()],
            deny: vec!["PII.*".to_owned()],
        }
    }

    fn judged(stream: &[&str], columns: &[(&str, &[&str])]) -> StreamAnswer {
        let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let columns: Vec<_> = columns
            .iter()
            .map(|(name, tags)| ((*name).to_owned(), owned(tags)))
            .collect();
        let columns = columns
            .iter()
            .map(|(name, tags)| (name.clone(), tags.as_slice()));
        policy().judge("s", "t", &owned(stream), columns)
    }

    #[test]
    fn tags_decide_and_nothing_is_taken_for_granted() {
        assert_eq!(judged(&[], &[]).stream, Answer::Unknown);
        assert_eq!(judged(&["Tier.Tier1"], &[]).stream, Answer::Unknown);
        assert_eq!(judged(&["AI.Allowed"], &[]).stream, Answer::Allow);
        assert_eq!(
            judged(&["AI.Allowed", "PII.Sensitive"], &[]).stream,
            Answer::Deny
        );
    }

    #[test]
    fn a_column_is_what_lies_in_it_and_what_it_lies_in() {
        let answer = judged(
            &["AI.Allowed"],
            &[
                ("id", &[]),
                ("email", &["PII.Sensitive"]),
                ("address", &[]),
                ("address.street", &["PII.Sensitive"]),
                ("twice", &["PII.Sensitive"]),
                ("twice", &[]),
            ],
        );
        for (column, expected) in [
            ("id", Answer::Allow),
            ("email", Answer::Deny),
            ("address", Answer::Deny),
            ("address.street", Answer::Deny),
            ("address.city", Answer::Allow),
            ("twice", Answer::Deny),
            ("new", Answer::Unknown),
        ] {
            assert_eq!(answer.column(&path(column)), expected, "{column}");
        }
        let unknown = judged(&[], &[("id", &[])]);
        assert_eq!(unknown.column(&path("id")), Answer::Unknown);
    }
}
