//! What a profile says about a column: whether its values are of a type, and how like another column it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::profile::form::{ColumnProfile, Measures, Numbers};
use crate::schema::{JsonKind, LogicalType};

/// What was measured about a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub profile: Arc<ColumnProfile>,
    /// How often it could have been there.
    pub records: u64,
    /// Nothing declared its type; it is what was measured.
    pub measured: bool,
}

impl Seen {
    /// Records in which it was null, or not there.
    pub fn missing(&self) -> u64 {
        let total = &self.profile.total;
        let given = total.present.saturating_sub(total.nulls);
        self.records.saturating_sub(given)
    }

    /// Whether every value measured is one of a type.
    pub fn fits(&self, ty: &LogicalType) -> bool {
        fits(&self.profile.total, ty)
    }

    /// How like the values of two columns are, from 0 to 1.
    pub fn likeness(&self, other: &Self) -> f64 {
        let (one, two) = (&self.profile.total, &other.profile.total);
        let types = overlap(&one.types, &two.types);
        if types < 0.9 {
            return 0.0;
        }
        let share = |seen: &Self| ratio(seen.missing(), seen.records);
        let distinct = |seen: &Self| {
            let given = seen.records.saturating_sub(seen.missing());
            ratio(seen.profile.distinct, given).min(1.0)
        };
        let mut said = vec![
            types,
            1.0 - (share(self) - share(other)).abs(),
            1.0 - (distinct(self) - distinct(other)).abs(),
        ];
        if let (Some(one), Some(two)) = (&one.shapes, &two.shapes) {
            said.push(overlap(one, two));
        }
        if let (Some(one), Some(two)) = (&one.values, &two.values) {
            // Values that are few and the same say most.
            let same = overlap(one, two);
            said.extend([same, same]);
        }
        for (one, two) in [
            (&one.numbers, &two.numbers),
            (&one.lengths, &two.lengths),
            (&one.moments, &two.moments),
        ] {
            if let (Some(one), Some(two)) = (one, two) {
                said.push(closeness(one, two));
            }
        }
        said.iter().sum::<f64>() / ratio(said.len() as u64, 1)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn ratio(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

/// How much two lists of counts have in common, each as shares of its whole.
fn overlap(one: &BTreeMap<String, u64>, two: &BTreeMap<String, u64>) -> f64 {
    let (all_one, all_two) = (one.values().sum::<u64>(), two.values().sum::<u64>());
    if all_one == 0 && all_two == 0 {
        return 1.0;
    }
    let common = one.iter().filter_map(|(name, count)| {
        let other = two.get(name)?;
        Some(ratio(*count, all_one).min(ratio(*other, all_two)))
    });
    common.sum()
}

/// How close the means of two lists of numbers lie, within the range of both.
fn closeness(one: &Numbers, two: &Numbers) -> f64 {
    let mean = |numbers: &Numbers| match numbers.count {
        0 => 0.0,
        count => numbers.sum * ratio(1, count),
    };
    let range = one.max.max(two.max) - one.min.min(two.min);
    match range > 0.0 {
        true => 1.0 - ((mean(one) - mean(two)).abs() / range).min(1.0),
        false => 1.0,
    }
}

fn fits(measures: &Measures, ty: &LogicalType) -> bool {
    if let LogicalType::Union(options) = ty
        && options.iter().any(|option| fits(measures, option))
    {
        return true;
    }
    measures
        .types
        .iter()
        .filter(|(_, count)| **count > 0)
        .all(|(name, count)| {
            let kind = match name.as_str() {
                "boolean" => JsonKind::Bool,
                "integer" => JsonKind::Integer,
                "number" => JsonKind::Number,
                "string" => return texts_fit(measures, *count, ty),
                "object" => JsonKind::Object,
                "array" => JsonKind::Array,
                _ => return false,
            };
            let numbers = measures.numbers.as_ref();
            let whole = numbers.is_some_and(|numbers| numbers.whole == numbers.count);
            ty.accepts(kind) || kind == JsonKind::Number && *ty == LogicalType::Integer && whole
        })
}

fn texts_fit(measures: &Measures, count: u64, ty: &LogicalType) -> bool {
    let reads = |names: &[&str]| {
        let counts = names.iter().filter_map(|name| measures.reads_as.get(*name));
        counts.sum::<u64>() >= count
    };
    match ty {
        LogicalType::Date => reads(&["date"]),
        LogicalType::Timestamp | LogicalType::TimestampTz => {
            reads(&["date", "timestamp", "timestamp_with_timezone"])
        }
        LogicalType::Time | LogicalType::TimeTz => reads(&["time"]),
        LogicalType::BigInteger => reads(&["integer"]),
        ty => ty.accepts(JsonKind::Text),
    }
}
