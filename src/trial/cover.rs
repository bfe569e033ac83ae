//! The fewest rules that catch what can be caught, under a budget of false alarms: greedy, the most first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use arrow::buffer::BooleanBuffer;

/// A rule that might be kept.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// A person has approved it: it is kept, and comes first.
    pub approved: bool,
    /// The share of good rows that it flags.
    pub alarms: f64,
    /// The rows it noticed, by experiment.
    pub caught: &'a [(usize, BooleanBuffer)],
}

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is approved already.
    Approved,
    /// It is kept for so many errors that no rule kept before it notices.
    Kept(u64),
    /// Rules that are kept notice all that it does.
    Redundant,
    /// It notices none of the errors.
    Blind,
    /// Keeping it would flag too many good rows.
    OverBudget,
}

/// Chooses among candidates, so that those kept beyond the approved ones flag at most `budget` of the good rows. Of
/// equal ones that with fewer alarms is kept, then the first.
pub fn cover(candidates: &[Candidate<'_>], budget: f64) -> Vec<Choice> {
    let mut known = Known::default();
    let mut choices = vec![Choice::Redundant; candidates.len()];
    let mut waiting = BinaryHeap::new();
    for (place, candidate) in candidates.iter().enumerate() {
        if candidate.approved {
            choices[place] = Choice::Approved;
            known.add(candidate);
        }
    }
    for (place, candidate) in candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| !candidate.approved)
    {
        match candidate.caught.is_empty() {
            true => choices[place] = Choice::Blind,
            false => waiting.push(ranked(place, candidate, &known)),
        }
    }
    let mut left = budget;
    // What a rule adds only shrinks as others are kept, so the first whose count is still right is the best.
    while let Some((gain, rest)) = waiting.pop() {
        let Reverse((_, place)) = rest;
        let candidate = &candidates[place];
        let now = ranked(place, candidate, &known);
        if now.0 < gain {
            waiting.push(now);
        } else if gain == 0 {
            choices[place] = Choice::Redundant;
        } else if candidate.alarms > left {
            choices[place] = Choice::OverBudget;
        } else {
            left -= candidate.alarms;
            choices[place] = Choice::Kept(gain);
            known.add(candidate);
        }
    }
    choices
}

/// What it adds; then fewer alarms (their bits order as they do), then its place.
type Ranked = (u64, Reverse<(u64, usize)>);

fn ranked(place: usize, candidate: &Candidate<'_>, known: &Known) -> Ranked {
    (
        known.gain(candidate),
        Reverse((candidate.alarms.max(0.0).to_bits(), place)),
    )
}

/// The errors that rules kept so far notice.
#[derive(Default)]
struct Known(HashMap<usize, BooleanBuffer>);

impl Known {
    fn gain(&self, candidate: &Candidate<'_>) -> u64 {
        let rows = candidate.caught.iter().map(|(experiment, rows)| {
            let new = match self.0.get(experiment) {
                Some(known) => (rows & &!known).count_set_bits(),
                None => rows.count_set_bits(),
            };
            new as u64
        });
        rows.sum()
    }

    fn add(&mut self, candidate: &Candidate<'_>) {
        for (experiment, rows) in candidate.caught {
            let all = match self.0.get(experiment) {
                Some(known) => known | rows,
                None => rows.clone(),
            };
            self.0.insert(*experiment, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rows = Vec<(usize, BooleanBuffer)>;

    fn rows(experiment: usize, of: std::ops::Range<usize>) -> (usize, BooleanBuffer) {
        (
            experiment,
            BooleanBuffer::collect_bool(100, |row| of.contains(&row)),
        )
    }

    fn chosen(candidates: &[(bool, f64, Rows)], budget: f64) -> Vec<Choice> {
        let candidates: Vec<_> = (candidates.iter())
            .map(|(approved, alarms, caught)| Candidate {
                approved: *approved,
                alarms: *alarms,
                caught,
            })
            .collect();
        cover(&candidates, budget)
    }

    #[test]
    fn few_rules_catch_everything() {
        use Choice::{Approved, Blind, Kept, OverBudget, Redundant};
        let small = (false, 0.0, vec![rows(0, 0..10)]);
        let large = (false, 0.0, vec![rows(0, 0..50), rows(1, 0..5)]);
        let other = (false, 0.0, vec![rows(1, 0..20)]);
        let blind = (false, 0.0, vec![]);
        let found = chosen(&[small.clone(), large.clone(), other.clone(), blind], 0.001);
        assert_eq!(found, [Redundant, Kept(55), Kept(15), Blind]);

        let approved = (true, 0.5, vec![rows(0, 0..45)]);
        let found = chosen(&[small, approved, large, other], 0.001);
        // The small rule adds nothing to the approved one; the large one adds its rows from 45 on.
        assert_eq!(found, [Redundant, Approved, Kept(5), Kept(20)]);

        let noisy = (false, 0.0008, vec![rows(2, 0..90)]);
        let noisier = (false, 0.0009, vec![rows(3, 0..80)]);
        let quiet = (false, 0.0001, vec![rows(4, 0..1)]);
        assert_eq!(
            chosen(&[noisy, noisier, quiet], 0.001),
            [Kept(90), OverBudget, Kept(1)]
        );
    }

    #[test]
    fn of_equal_rules_the_quieter_is_kept_and_then_the_first() {
        let rule = |alarms| (false, alarms, vec![rows(0, 0..10)]);
        assert_eq!(
            chosen(&[rule(0.0002), rule(0.0001), rule(0.0001)], 0.001),
            [Choice::Redundant, Choice::Kept(10), Choice::Redundant]
        );
    }
}
