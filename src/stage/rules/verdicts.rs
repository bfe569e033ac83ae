//! What the rules found in a batch: which rows fail which rules, and why.

use arrow::buffer::BooleanBuffer;

/// Why a row fails a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The rule is false for it.
    Violated,
    /// A value that the rule reads has another type than declared.
    TypeMismatch,
    /// The expression could not be evaluated on it.
    EvaluationError,
}

impl Reason {
    /// The code of reject stores and reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::TypeMismatch => "type_mismatch",
            Self::EvaluationError => "evaluation_error",
        }
    }
}

/// One rule that a row fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Index of the rule.
    pub rule: usize,
    pub reason: Reason,
}

/// The failures of one rule; exists only if there are any.
#[derive(Debug)]
pub(super) struct Verdict {
    failures: BooleanBuffer,
    mismatched: Option<BooleanBuffer>,
    failed: Vec<u32>,
}

impl Verdict {
    /// `None` if no row fails. `mismatched` and `failed` add to the violated rows.
    pub(super) fn new(
        violated: Option<BooleanBuffer>,
        mismatched: Option<BooleanBuffer>,
        failed: Vec<u32>,
        rows: usize,
    ) -> Option<Self> {
        let failing = (!failed.is_empty()).then(|| {
            let mut next = failed.iter().peekable();
            BooleanBuffer::collect_bool(rows, |row| {
                next.next_if(|failed| **failed as usize == row).is_some()
            })
        });
        let all = [violated, mismatched.clone(), failing];
        let failures = all.into_iter().flatten().reduce(|all, rows| &all | &rows)?;
        Some(Self {
            failures,
            mismatched,
            failed,
        })
    }

    fn reason(&self, row: usize) -> Option<Reason> {
        if row >= self.failures.len() || !self.failures.value(row) {
            None
        } else if self.mismatched.as_ref().is_some_and(|rows| rows.value(row)) {
            Some(Reason::TypeMismatch)
        } else if u32::try_from(row).is_ok_and(|row| self.failed.binary_search(&row).is_ok()) {
            Some(Reason::EvaluationError)
        } else {
            Some(Reason::Violated)
        }
    }
}

/// The verdicts of all rules on the rows of a batch.
#[derive(Debug)]
pub struct Verdicts {
    rules: Vec<Option<Verdict>>,
    rows: usize,
}

impl Verdicts {
    pub(super) fn new(rules: Vec<Option<Verdict>>, rows: usize) -> Self {
        Self { rules, rows }
    }

    /// Whether every row passes every rule.
    pub fn is_clean(&self) -> bool {
        self.rules.iter().all(Option::is_none)
    }

    /// How many rows were judged.
    pub fn judged(&self) -> usize {
        self.rows
    }

    /// The rows that fail a rule; `None` if all pass.
    pub fn violations(&self, rule: usize) -> Option<&BooleanBuffer> {
        Some(&self.rules.get(rule)?.as_ref()?.failures)
    }

    /// How many rows fail a rule.
    pub fn count(&self, rule: usize) -> u64 {
        self.violations(rule)
            .map_or(0, |rows| rows.count_set_bits() as u64)
    }

    /// Why a row fails a rule; `None` if it passes.
    pub fn reason(&self, rule: usize, row: usize) -> Option<Reason> {
        self.rules.get(rule)?.as_ref()?.reason(row)
    }

    /// The rows that fail at least one rule, ascending.
    pub fn rows(&self) -> Vec<usize> {
        let failures = self
            .rules
            .iter()
            .flatten()
            .map(|verdict| verdict.failures.clone());
        let union = failures.reduce(|all, rows| &all | &rows);
        union.map_or_else(Vec::new, |rows| rows.set_indices().collect())
    }

    /// Every rule that a row fails, in the order of the rules.
    pub fn failures(&self, row: usize) -> impl Iterator<Item = Failure> {
        let rules = self.rules.iter().enumerate();
        rules.filter_map(move |(rule, verdict)| {
            let reason = verdict.as_ref()?.reason(row)?;
            Some(Failure { rule, reason })
        })
    }

    /// Every failing row with its failures, in the order of the rows.
    pub fn by_row(&self) -> impl Iterator<Item = (usize, Vec<Failure>)> {
        self.rows()
            .into_iter()
            .map(|row| (row, self.failures(row).collect()))
    }
}
