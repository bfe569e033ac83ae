//! A rule on its way: what it demands, how it did, and what a reader must know about it.

use super::folds::Trial;
use crate::document::Node;
use crate::plan::rules::{Dimension, OnFail, RuleForm};
use crate::schema::path::Path;
use crate::stage::rules::Severity;

/// How much a kind of demand is worth: what comes first is kept first when the budget of false alarms is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Presence,
    Type,
    Set,
    Together,
    Form,
    Range,
    Length,
    Order,
    Combination,
    Alphabet,
    Difference,
}

/// A rule without its name.
#[derive(Debug, Clone)]
pub struct Draft {
    pub demand_rank: Rank,
    /// Where it stands among the rules: the place of its first column, then its rank.
    pub place: (usize, Rank),
    /// The last part of its id.
    pub label: &'static str,
    pub form: RuleForm,
    pub columns: Vec<Path>,
    pub severity: Severity,
    pub on_fail: OnFail,
    pub dimension: Dimension,
    pub description: String,
    pub trial: Trial,
    /// Rows that pass, and rows that fail, as maps of column to value.
    pub pass: Vec<Node>,
    pub fail: Vec<Node>,
}

impl Draft {
    /// One whose violations set a row aside.
    pub fn error(rank: Rank, label: &'static str, form: RuleForm, columns: Vec<Path>) -> Self {
        Self {
            demand_rank: rank,
            place: (0, rank),
            label,
            form,
            columns,
            severity: Severity::Error,
            on_fail: OnFail::Quarantine,
            dimension: Dimension::Conformity,
            description: String::new(),
            trial: Trial::default(),
            pass: Vec::new(),
            fail: Vec::new(),
        }
    }

    /// One whose violations are written beside the row.
    pub fn warning(rank: Rank, label: &'static str, form: RuleForm, columns: Vec<Path>) -> Self {
        Self {
            severity: Severity::Warning,
            on_fail: OnFail::Annotate,
            ..Self::error(rank, label, form, columns)
        }
    }

    /// The same, about this dimension of quality, described so.
    #[must_use]
    pub fn about(mut self, dimension: Dimension, description: impl Into<String>) -> Self {
        self.dimension = dimension;
        self.description = description.into();
        self
    }

    /// The same, with how it did.
    #[must_use]
    pub fn tried(mut self, trial: Trial) -> Self {
        self.trial = trial;
        self
    }

    /// The same, with a value of its only column that passes and one that fails.
    #[must_use]
    pub fn shown(mut self, pass: Option<Node>, fail: Option<Node>) -> Self {
        let row = |value| super::evidence::row(&self.columns, value);
        let (pass, fail) = (pass.and_then(row), fail.and_then(row));
        self.pass.extend(pass);
        self.fail.extend(fail);
        self
    }
}
