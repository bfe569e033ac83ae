//! Why an answer, or a rule of it, was refused: a code for records, and words for whoever gave the answer.

use std::fmt;

/// One refusal. Its words hold names and codes of the answer itself, and nothing of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The id of the rule, as far as it has one.
    pub rule: Option<String>,
    pub code: Code,
    /// What is wrong.
    pub told: String,
}

/// The kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The answer was cut off at its longest.
    CutOff,
    NotJson,
    /// It is not what the schema of the prompt asks for.
    Schema,
    TooMany,
    /// A column that was not named.
    UnknownColumn,
    /// Keys of the rule do not fit together.
    Form,
    /// The expression cannot be planned, or uses what is not allowed.
    Sql,
    /// Examples are missing.
    Untested,
    /// The rule does not do what its own examples say.
    TestFails,
    /// The same rule is there already.
    Duplicate,
}

impl Code {
    /// The word of records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut_off",
            Self::NotJson => "not_json",
            Self::Schema => "schema",
            Self::TooMany => "too_many",
            Self::UnknownColumn => "unknown_column",
            Self::Form => "form",
            Self::Sql => "sql",
            Self::Untested => "untested",
            Self::TestFails => "test_fails",
            Self::Duplicate => "duplicate",
        }
    }
}

impl Refusal {
    /// A refusal of a whole answer.
    pub fn whole(code: Code, told: impl Into<String>) -> Self {
        Self {
            rule: None,
            code,
            told: told.into(),
        }
    }
}

/// `rule `age_range`: …`
impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(out, "rule `{rule}`: {}", self.told),
            None => out.write_str(&self.told),
        }
    }
}
