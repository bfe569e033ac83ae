//! What may be demanded of one column, and how many values of a fold would fail it.

use std::collections::BTreeSet;

use super::folds::{Split, Trial};
use super::number::Limits;
use crate::profile::form::{ColumnProfile, Measures};

/// What the column is for an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Integer,
    Number,
    Text,
    Date,
    /// With a zone or without.
    Moment,
    /// Arrays, objects, unions, times of day: nothing but presence is demanded of them.
    Other,
}

impl Kind {
    /// By what the catalog declares, else by what nearly all values are.
    pub fn of(column: &ColumnProfile) -> Self {
        match column.declared.as_deref() {
            Some("boolean") => Self::Boolean,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("string") => Self::Text,
            Some("date") => Self::Date,
            Some(declared) if declared.starts_with("timestamp") => Self::Moment,
            Some(_) => Self::Other,
            None => Self::measured(&column.total),
        }
    }

    fn measured(total: &Measures) -> Self {
        let types: BTreeSet<&str> = total
            .types
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, _)| name.as_str())
            .collect();
        let names: Vec<&str> = types.into_iter().collect();
        match names.as_slice() {
            ["boolean"] => Self::Boolean,
            ["integer"] => Self::Integer,
            ["number"] | ["integer", "number"] => Self::Number,
            ["string"] => Self::Text,
            _ => Self::Other,
        }
    }

    /// Values that an expression would refuse for their type alone.
    pub fn mismatches(self, measures: &Measures) -> u64 {
        let of = |names: &[&str]| {
            names
                .iter()
                .map(|name| measures.types.get(*name).unwrap_or(&0))
                .sum::<u64>()
        };
        let reads = |names: &[&str]| {
            names
                .iter()
                .map(|name| measures.reads_as.get(*name).unwrap_or(&0))
                .sum::<u64>()
        };
        let all: u64 = measures.types.values().sum();
        let fit = match self {
            Self::Boolean => of(&["boolean"]),
            Self::Integer => of(&["integer"]),
            Self::Number => of(&["integer", "number"]),
            Self::Text => of(&["string"]),
            Self::Date => reads(&["date"]),
            Self::Moment => reads(&["date", "timestamp", "timestamp_with_timezone"]),
            Self::Other => all,
        };
        all.saturating_sub(fit)
    }
}

/// A demand on the values of one column.
#[derive(Debug, Clone)]
pub enum Demand {
    Present,
    /// Numbers have no fraction.
    Whole,
    /// Numbers have at most so many digits behind the point.
    Scale(u32),
    Range(Limits),
    /// Dates and timestamps, in seconds.
    Between(Limits),
    /// JSON texts.
    Set(BTreeSet<String>),
    /// Forms of text, read in this way.
    Forms(BTreeSet<String>, fn(&str) -> String),
    Alphabet(BTreeSet<char>),
    Length(Limits),
    /// Texts read as this.
    Reads(&'static str),
}

impl Demand {
    /// How many of the values fail, rather too many than too few; `records` are those of the fold.
    pub fn violations(&self, measures: &Measures, records: u64) -> u64 {
        let strings = measures.types.get("string").copied().unwrap_or(0);
        match self {
            Self::Present => records.saturating_sub(measures.present) + measures.nulls,
            Self::Whole => measures
                .numbers
                .as_ref()
                .map_or(0, |numbers| numbers.count - numbers.whole),
            Self::Scale(digits) => measures.numbers.as_ref().map_or(0, |numbers| {
                if numbers.scale > *digits {
                    numbers.count
                } else {
                    0
                }
            }),
            Self::Range(limits) => measures
                .numbers
                .as_ref()
                .map_or(0, |numbers| limits.outside(numbers)),
            Self::Between(limits) => measures
                .moments
                .as_ref()
                .map_or(0, |moments| limits.outside(moments)),
            Self::Length(limits) => measures
                .lengths
                .as_ref()
                .map_or(0, |lengths| limits.outside(lengths)),
            Self::Set(set) => match &measures.values {
                Some(values) => outside(values.iter(), |value| set.contains(value)),
                None => measures.present,
            },
            Self::Forms(forms, read) => match &measures.shapes {
                Some(shapes) => outside(shapes.iter(), |shape| forms.contains(&read(shape))),
                None => strings,
            },
            Self::Alphabet(letters) => match &measures.characters {
                Some(seen) if seen.chars().all(|letter| letters.contains(&letter)) => 0,
                _ => strings,
            },
            Self::Reads(kind) => {
                strings
                    - measures
                        .reads_as
                        .get(*kind)
                        .copied()
                        .unwrap_or(0)
                        .min(strings)
            }
        }
    }
}

fn outside<'a>(
    counts: impl Iterator<Item = (&'a String, &'a u64)>,
    known: impl Fn(&str) -> bool,
) -> u64 {
    counts
        .filter(|(value, _)| value.as_str() != "null" && !known(value))
        .map(|(_, count)| count)
        .sum()
}

/// Makes a demand without each fold in turn and tries it there. `None` when it cannot be made without some fold.
pub fn tried(
    splits: &[Split<Measures>],
    kind: Kind,
    make: impl Fn(&Measures) -> Option<Demand>,
) -> Option<Trial> {
    let mut trial = Trial::default();
    for split in splits {
        let demand = make(&split.rest)?;
        let failed = demand.violations(&split.fold, split.records) + kind.mismatches(&split.fold);
        trial.add(failed.min(split.records), split.records);
    }
    Some(trial)
}
