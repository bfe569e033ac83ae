//! Which of the columns that are gone and of those that are new are likely the same.

use super::relation::{Relation, relation};
use super::shape::Column;

/// A column that went and one that came, how like they are and what says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Places in the two lists.
    pub before: usize,
    pub now: usize,
    pub likeness: f64,
    pub because: &'static str,
}

/// Columns compared with each other; more are not looked at.
const COMPARED: usize = 200;

/// Likeness of values, and of names, from which a rename is proposed.
const LIKE_VALUES: f64 = 0.85;
const LIKE_NAME: f64 = 0.5;

/// Pairs of one type, the likest first; each column is in one at most.
pub fn pairs(gone: &[&Column], new: &[&Column]) -> Vec<Pair> {
    let mut found = Vec::new();
    for (before, one) in gone.iter().take(COMPARED).enumerate() {
        for (now, other) in new.iter().take(COMPARED).enumerate() {
            found.extend(judged(one, other).map(|(likeness, because)| Pair {
                before,
                now,
                likeness,
                because,
            }));
        }
    }
    found.sort_by(|one, other| {
        let order = other.likeness.total_cmp(&one.likeness);
        order.then((one.before, one.now).cmp(&(other.before, other.now)))
    });
    let mut kept: Vec<Pair> = Vec::new();
    for pair in found {
        let taken = |other: &Pair| other.before == pair.before || other.now == pair.now;
        if !kept.iter().any(taken) {
            kept.push(pair);
        }
    }
    kept.sort_by_key(|pair| pair.now);
    kept
}

fn judged(before: &Column, now: &Column) -> Option<(f64, &'static str)> {
    // What holds any JSON value says nothing about what it is.
    if relation(before, now) != Relation::Same || before.void {
        return None;
    }
    if let (Some(one), Some(other)) = (&before.seen, &now.seen) {
        let likeness = one.likeness(other);
        return (likeness >= LIKE_VALUES).then_some((likeness, "their values are alike"));
    }
    let likeness = names(&before.name, &now.name);
    (likeness >= LIKE_NAME).then_some((likeness, "their types are the same and their names alike"))
}

/// How like two names are: the share of words they have in common, or the fewest slips between them.
fn names(one: &str, other: &str) -> f64 {
    let (one, other) = (words(one), words(other));
    let shared = one.iter().filter(|word| other.contains(word)).count();
    let all = one.len() + other.len() - shared;
    let (one, other) = (one.concat(), other.concat());
    let spelt = strsim::normalized_damerau_levenshtein(&one, &other);
    #[expect(clippy::cast_precision_loss, reason = "a ratio of small counts")]
    let shared = match all {
        0 => 0.0,
        all => shared as f64 / all as f64,
    };
    shared.max(spelt)
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut low = false;
    // Long names are no slips of each other.
    for c in name.chars().take(100) {
        let splits = !c.is_alphanumeric() || (low && c.is_uppercase());
        if splits {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        low = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::LogicalType;

    fn column(name: &str, ty: LogicalType) -> Column {
        Column {
            name: name.to_owned(),
            ty,
            required: None,
            void: false,
            fields: Vec::new(),
            items: None,
            seen: None,
        }
    }

    #[test]
    fn like_names_of_one_type_are_pairs_and_each_column_is_in_one() {
        let text = |name: &str| column(name, LogicalType::String);
        let gone = [
            text("customerName"),
            text("mail"),
            column("total", LogicalType::Number),
            text("zz"),
        ];
        let new = [
            text("customer_name"),
            text("customer_names"),
            text("total_amount"),
            text("e_mail"),
            text("unlike"),
        ];
        let found = pairs(
            &gone.iter().collect::<Vec<_>>(),
            &new.iter().collect::<Vec<_>>(),
        );
        let told: Vec<_> = found
            .iter()
            .map(|pair| (gone[pair.before].name.as_str(), new[pair.now].name.as_str()))
            .collect();
        assert_eq!(
            told,
            [("customerName", "customer_name"), ("mail", "e_mail")]
        );
    }
}
