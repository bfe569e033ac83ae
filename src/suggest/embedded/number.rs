//! Ranges of numbers: how far beyond what was seen a value may lie.

use super::folds::share;
use crate::plan::rules::Literal;
use crate::profile::form::Numbers;

/// How far a limit lies beyond what was seen, as parts of the seen width; the first that holds on all folds is taken.
pub const SLACKS: [f64; 3] = [0.05, 0.1, 0.25];

/// The limits of a range; one of them is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// Which sides a range has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    Both,
    Lower,
    Upper,
}

impl Limits {
    /// Limits with slack, rounded outward to two digits of the width; a side of zero is not crossed.
    pub fn around(numbers: &Numbers, slack: f64, sides: Sides) -> Option<Self> {
        if numbers.count == 0 || !numbers.min.is_finite() || !numbers.max.is_finite() {
            return None;
        }
        let width = numbers.max - numbers.min;
        let room = if width > 0.0 {
            width
        } else {
            numbers.max.abs().max(1.0)
        };
        let step = step(room, numbers.whole == numbers.count);
        let mut min = ((numbers.min - slack * room) / step).floor() * step;
        let mut max = ((numbers.max + slack * room) / step).ceil() * step;
        if numbers.min >= 0.0 {
            min = min.max(0.0);
        }
        if numbers.max <= 0.0 {
            max = max.min(0.0);
        }
        Some(Self {
            min: (sides != Sides::Upper).then_some(min),
            max: (sides != Sides::Lower).then_some(max),
        })
    }

    /// The same, no farther than what the column means allows; a side that has no limit gets one.
    #[must_use]
    pub fn within(self, meant: Option<(f64, f64)>) -> Self {
        let Some((low, high)) = meant else {
            return self;
        };
        Self {
            min: Some(self.min.map_or(low, |min| min.max(low))),
            max: Some(self.max.map_or(high, |max| max.min(high))),
        }
    }

    /// How many numbers lie outside, rather too many than too few.
    pub fn outside(&self, numbers: &Numbers) -> u64 {
        let below = self.min.map_or(0, |min| numbers.below(min));
        let above = self.max.map_or(0, |max| numbers.above(max));
        below + above
    }
}

/// A unit of 1, 2 or 5 times a power of ten that is about a hundredth of the width; whole numbers have no smaller one
/// than 1.
fn step(width: f64, whole: bool) -> f64 {
    let rough = width / 100.0;
    let power = 10_f64.powf(rough.log10().floor());
    let unit = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|unit| *unit >= rough)
        .unwrap_or(power);
    if whole { unit.max(1.0) } else { unit }
}

/// A limit as a literal; whole ones of whole numbers are integers.
pub fn literal(limit: f64, whole: bool) -> Literal {
    #[expect(clippy::cast_possible_truncation, reason = "within 53 bits")]
    if whole && limit.abs() < 9e15 {
        Literal::Integer(limit as i64)
    } else {
        Literal::Float(tidy(limit))
    }
}

/// The number without the dust of a division: 0.30000000000000004 is 0.3.
fn tidy(number: f64) -> f64 {
    format!("{number:.12e}").parse().unwrap_or(number)
}

/// Whether the values are a closed set: few were seen only once, and they are few for so many rows.
pub fn is_closed(values: &std::collections::BTreeMap<String, u64>) -> bool {
    let all: u64 = values.values().sum();
    let once = values.values().filter(|count| **count == 1).count() as u64;
    !values.is_empty() && share(once, all) < UNSEEN_MAX && share(values.len() as u64, all) <= 0.1
}

/// The chance that the next value is a new one, by Good and Turing, up to which a set counts as closed.
pub const UNSEEN_MAX: f64 = 1e-4;

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(min: f64, max: f64, whole: bool) -> Numbers {
        Numbers {
            count: 10,
            min,
            max,
            whole: if whole { 10 } else { 0 },
            ..Numbers::default()
        }
    }

    #[test]
    fn limits_are_round_and_keep_their_sign() {
        for (min, max, whole, slack, expected) in [
            (17.0, 90.0, true, 0.1, (9.0, 98.0)),
            (0.0, 99_999.0, true, 0.25, (0.0, 125_000.0)),
            (-20.0, -3.0, true, 0.25, (-25.0, 0.0)),
            (0.5, 1.5, false, 0.1, (0.4, 1.6)),
            (5.0, 5.0, true, 0.25, (3.0, 7.0)),
        ] {
            let limits =
                Limits::around(&numbers(min, max, whole), slack, Sides::Both).expect("limits");
            let near = |limit: Option<f64>, expected: f64| {
                (limit.expect("a limit") - expected).abs() < 1e-9
            };
            assert!(
                near(limits.min, expected.0) && near(limits.max, expected.1),
                "{limits:?} {expected:?}"
            );
        }
        let lower = Limits::around(&numbers(1.0, 2.0, true), 0.1, Sides::Lower).expect("limits");
        assert_eq!(lower.max, None);
        assert_eq!(Limits::around(&Numbers::default(), 0.1, Sides::Both), None);
    }

    #[test]
    fn literals_have_no_dust() {
        assert_eq!(literal(0.1 + 0.2, false), Literal::Float(0.3));
        assert_eq!(literal(98.0, true), Literal::Integer(98));
        assert_eq!(literal(1e300, true), Literal::Float(1e300));
    }

    #[test]
    fn a_set_is_closed_when_nothing_new_is_expected() {
        let values = |counts: &[u64]| {
            let entries = counts.iter().enumerate();
            entries
                .map(|(at, count)| (at.to_string(), *count))
                .collect()
        };
        assert!(is_closed(&values(&[500, 480, 20])));
        assert!(!is_closed(&values(&[500, 499, 1])));
        assert!(is_closed(&values(&[20_000, 1])));
        assert!(!is_closed(&values(&[2; 500])));
        assert!(!is_closed(&values(&[])));
    }
}
