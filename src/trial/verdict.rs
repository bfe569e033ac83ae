//! Whether what was measured about a rule is enough to approve it.

use std::fmt;

use super::folds::Fold;
use super::wilson::{wilson_lower, wilson_upper};

/// What a rule's violations are held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// The share of rows that may violate it.
    pub tolerance: f64,
    /// Fewer rows prove nothing.
    pub rows_min: u64,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            tolerance: 0.001,
            rows_min: 4_000,
        }
    }
}

/// What was measured about one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub rows: u64,
    pub violations: u64,
    /// The rate that violations stay below, at 95 %.
    pub upper95: f64,
    /// Rows and violations of each fold, in the order of the input.
    pub folds: Vec<(u64, u64)>,
}

impl Measured {
    /// Of the folds, what concerns one rule.
    pub fn of(folds: &[Fold], rule: usize) -> Self {
        let folds: Vec<_> = (folds.iter())
            .map(|fold| (fold.rows, fold.violations.get(rule).copied().unwrap_or(0)))
            .collect();
        let rows = folds.iter().map(|(rows, _)| rows).sum();
        let violations = folds.iter().map(|(_, violations)| violations).sum();
        Self {
            rows,
            violations,
            upper95: wilson_upper(violations, rows),
            folds,
        }
    }
}

/// Why a rule does not pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shortfall {
    /// Too few rows to prove anything.
    Rows { rows: u64, needed: u64 },
    /// It may fire more often than tolerated.
    Rate { upper95: f64, tolerance: f64 },
    /// In one fold it fires more often than tolerated for sure, whatever it does in the others: rules that data
    /// outgrow show there.
    Fold {
        fold: usize,
        folds: usize,
        rows: u64,
        violations: u64,
    },
}

impl Gate {
    /// Everything that speaks against a rule.
    pub fn shortfalls(&self, measured: &Measured) -> Vec<Shortfall> {
        let mut found = Vec::new();
        let Measured { rows, upper95, .. } = *measured;
        if rows < self.rows_min {
            found.push(Shortfall::Rows {
                rows,
                needed: self.rows_min,
            });
        }
        // Few rows leave any rate possible; only the rows are missing then, unless violations show.
        let proved =
            rows >= self.rows_min || wilson_lower(measured.violations, rows) > self.tolerance;
        if proved && upper95 > self.tolerance {
            found.push(Shortfall::Rate {
                upper95,
                tolerance: self.tolerance,
            });
        }
        let folds = measured.folds.len();
        let worst = (measured.folds.iter().enumerate())
            .map(|(fold, (rows, violations))| (wilson_lower(*violations, *rows), fold))
            .max_by(|one, two| one.0.total_cmp(&two.0));
        if let Some((lower, fold)) = worst
            && lower > self.tolerance
            && upper95 <= self.tolerance
        {
            let (rows, violations) = measured.folds[fold];
            found.push(Shortfall::Fold {
                fold: fold + 1,
                folds,
                rows,
                violations,
            });
        }
        found
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { rows, needed } => {
                write!(out, "not enough evidence: {rows} rows, {needed} are needed")
            }
            Self::Rate { upper95, tolerance } => {
                write!(
                    out,
                    "fires too often: up to {} of the rows, tolerated are {}",
                    percent(*upper95),
                    percent(*tolerance)
                )
            }
            Self::Fold {
                fold,
                folds,
                rows,
                violations,
            } => {
                write!(
                    out,
                    "fires too often in fold {fold} of {folds}: {violations} of {rows} rows"
                )
            }
        }
    }
}

/// A share as a percentage of three digits.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = match percent {
        p if p >= 10.0 => 1,
        p if p >= 1.0 => 2,
        p if p >= 0.1 => 3,
        _ => 4,
    };
    format!("{percent:.digits$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(folds: &[(u64, u64)]) -> Vec<String> {
        let folds: Vec<_> = (folds.iter())
            .map(|(rows, violations)| Fold {
                rows: *rows,
                violations: vec![*violations],
            })
            .collect();
        let measured = Measured::of(&folds, 0);
        let shortfalls = Gate::default().shortfalls(&measured);
        shortfalls.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_gate_says_what_is_missing() {
        assert_eq!(told(&[(2_000, 0), (2_000, 0)]), [""; 0]);
        assert_eq!(told(&[(30_000, 1), (30_000, 2)]), [""; 0]);
        assert_eq!(
            told(&[(100, 0)]),
            ["not enough evidence: 100 rows, 4000 are needed"]
        );
        assert_eq!(told(&[]), ["not enough evidence: 0 rows, 4000 are needed"]);
        assert_eq!(
            told(&[(2_000, 3), (2_000, 0)]),
            ["fires too often: up to 0.220 % of the rows, tolerated are 0.100 %"]
        );
        assert_eq!(
            told(&[(100, 90)]),
            [
                "not enough evidence: 100 rows, 4000 are needed",
                "fires too often: up to 94.5 % of the rows, tolerated are 0.100 %"
            ]
        );
        assert_eq!(
            told(&[(10_000, 0), (10_000, 0), (200, 4)]),
            ["fires too often in fold 3 of 3: 4 of 200 rows"]
        );
    }
}
