//! The slices of a profile as contiguous folds, each with the rest of the column beside it.

use super::FOLDS;
use crate::profile::form::{ColumnProfile, Measures, PairMeasures, PairProfile, StreamProfile};
use crate::profile::merge;
use crate::trial::wilson_lower;

/// Which slices belong to which fold, and how many records each has.
#[derive(Debug)]
pub struct Folds {
    /// The fold of each slice.
    fold: Vec<usize>,
    records: Vec<u64>,
}

/// What was measured outside a fold, and inside it.
#[derive(Debug)]
pub struct Split<M> {
    pub rest: M,
    pub fold: M,
    /// Records inside the fold.
    pub records: u64,
}

/// How a demand did where it was not made.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Trial {
    pub rows: u64,
    pub violations: u64,
    /// The share of a fold's rows that fails for sure, where that is greatest: the lower bound of Wilson's interval.
    pub worst: f64,
}

impl Trial {
    /// Adds a fold.
    pub fn add(&mut self, violations: u64, rows: u64) {
        self.rows += rows;
        self.violations += violations;
        self.worst = self.worst.max(wilson_lower(violations, rows));
    }

    /// Whether it refused few rows over all folds, and no fold much more: up to half of `tolerance`, and up to it.
    pub fn holds(&self, tolerance: f64) -> bool {
        self.rate() <= tolerance / 2.0 && self.worst <= tolerance
    }

    /// The share of all rows.
    pub fn rate(&self) -> f64 {
        share(self.violations, self.rows)
    }
}

/// Part of a whole, 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

impl Folds {
    /// Folds of about equally many records.
    pub fn of(stream: &StreamProfile) -> Self {
        let all: u64 = stream.slices.iter().sum();
        let count = FOLDS.min(stream.slices.len()).max(1);
        let mut before = 0;
        let fold: Vec<usize> = stream
            .slices
            .iter()
            .map(|records| {
                let middle = before + records / 2;
                before += records;
                let place = u128::from(middle) * count as u128 / u128::from(all.max(1));
                usize::try_from(place).unwrap_or(0).min(count - 1)
            })
            .collect();
        let mut records = vec![0; count];
        for (slice, of) in stream.slices.iter().zip(&fold) {
            records[*of] += slice;
        }
        Self { fold, records }
    }

    /// Whether there is anything to try demands on.
    pub fn are_several(&self) -> bool {
        self.records.iter().filter(|records| **records > 0).count() > 1
    }

    /// A column's measures per fold.
    pub fn column(&self, column: &ColumnProfile) -> Vec<Split<Measures>> {
        self.split(&column.slices, Measures::empty, merge::add)
    }

    /// A pair's measures per fold.
    pub fn pair(&self, pair: &PairProfile) -> Vec<Split<PairMeasures>> {
        self.split(&pair.slices, PairMeasures::default, PairMeasures::add)
    }

    /// A column's measures per fold from the third on, beside those of the folds before it: what was known when its
    /// rows came.
    pub fn column_ahead(&self, column: &ColumnProfile) -> Vec<Split<Measures>> {
        ahead(self.column(column), Measures::empty(), merge::add)
    }

    /// The same of a pair.
    pub fn pair_ahead(&self, pair: &PairProfile) -> Vec<Split<PairMeasures>> {
        let nothing = PairMeasures::default();
        ahead(self.pair(pair), nothing, PairMeasures::add)
    }

    fn split<M>(
        &self,
        slices: &[M],
        nothing: impl Fn() -> M,
        add: impl Fn(&mut M, &M),
    ) -> Vec<Split<M>> {
        let one = |fold: usize| {
            let (mut rest, mut inside) = (nothing(), nothing());
            for (measures, of) in slices.iter().zip(&self.fold) {
                add(if *of == fold { &mut inside } else { &mut rest }, measures);
            }
            Split {
                rest,
                fold: inside,
                records: self.records[fold],
            }
        };
        let filled = (0..self.records.len()).filter(|fold| self.records[*fold] > 0);
        filled.map(one).collect()
    }
}

fn ahead<M: Clone>(splits: Vec<Split<M>>, nothing: M, add: impl Fn(&mut M, &M)) -> Vec<Split<M>> {
    let mut before = nothing;
    let mut found = Vec::new();
    for (number, split) in splits.into_iter().enumerate() {
        let rest = before.clone();
        add(&mut before, &split.fold);
        if number >= 2 {
            found.push(Split { rest, ..split });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(slices: &[u64]) -> StreamProfile {
        StreamProfile {
            name: "s".to_owned(),
            namespace: None,
            records: slices.iter().sum(),
            bytes: 0,
            slices: slices.to_vec(),
            primary_key: Vec::new(),
            cursor: None,
            columns: Vec::new(),
            pairs: Vec::new(),
            key: None,
            cursor_course: None,
            left_out: 0,
        }
    }

    #[test]
    fn folds_are_contiguous_and_about_equal() {
        let folds = Folds::of(&stream(&[10; 10]));
        assert_eq!(folds.fold, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(folds.records, [20; 5]);
        let folds = Folds::of(&stream(&[1000, 1000, 10]));
        assert_eq!(
            (folds.fold, folds.records),
            (vec![0, 2, 2], vec![1000, 0, 1010])
        );
        assert!(!Folds::of(&stream(&[5])).are_several());
    }

    #[test]
    fn a_trial_remembers_the_worst_fold() {
        let mut trial = Trial::default();
        trial.add(0, 1000);
        trial.add(20, 1000);
        assert_eq!(trial.rate(), 0.01);
        assert!(trial.worst > 0.01 && trial.worst < 0.02);
        assert!(trial.holds(0.02) && !trial.holds(0.015) && !trial.holds(0.01));
        assert_eq!(share(0, 0), 0.0);
    }
}
