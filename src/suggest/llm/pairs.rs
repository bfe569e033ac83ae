//! Facts about two columns, worked out here: what holds and how often, never which values.

use serde_json::{Value, json};

use super::column::share;
use crate::profile::form::{PairMeasures, PairProfile};

/// The most facts that are told.
const FACTS_MAX: usize = 60;
/// The least rows that a fact rests on.
const ROWS_MIN: u64 = 100;
/// The least part of rows in which it holds.
const HOLDS_MIN: f64 = 0.98;

/// The facts about pairs of columns that are both described.
pub(super) fn facts(pairs: &[PairProfile], described: &dyn Fn(&str) -> bool) -> Vec<Value> {
    let mut facts = Vec::new();
    for pair in pairs {
        if described(&pair.a) && described(&pair.b) {
            facts.extend(of(pair));
        }
    }
    facts.truncate(FACTS_MAX);
    facts
}

fn of(pair: &PairProfile) -> Vec<Value> {
    let total = &pair.total;
    let mut facts = Vec::new();
    let mut fact = |says: &str, a: &str, b: &str, count: u64, of: u64| {
        let holds = share(count, of);
        if of >= ROWS_MIN && holds >= HOLDS_MIN {
            facts.push(json!({"fact": format!("{a} {says} {b}"), "holds_in": format!("{holds:.4}"), "rows": magnitude(of)}));
        }
    };
    let compared = total.below + total.equal + total.above;
    let (a, b) = (pair.a.as_str(), pair.b.as_str());
    if total.equal < compared {
        fact("<=", a, b, total.below + total.equal, compared);
        fact(">=", a, b, total.above + total.equal, compared);
    } else {
        fact("=", a, b, total.equal, compared);
    }
    let both = total.rows - (total.both_null + total.a_null + total.b_null).min(total.rows);
    let nulls = total.both_null + total.a_null + total.b_null;
    if nulls >= ROWS_MIN {
        fact(
            "is null only where null is",
            a,
            b,
            total.rows - total.a_null.min(total.rows),
            total.rows,
        );
        fact(
            "is null only where null is",
            b,
            a,
            total.rows - total.b_null.min(total.rows),
            total.rows,
        );
    }
    if let Some((count, of)) = determined(total) {
        fact("determines", a, b, count, of.min(both.max(of)));
    }
    facts
}

/// In how many rows the commonest `b` of each `a` stands, of how many.
fn determined(total: &PairMeasures) -> Option<(u64, u64)> {
    let together = total.together.as_ref()?;
    // One value of `b` is determined by anything.
    let mut others = together.values().flat_map(|bs| bs.keys());
    let first = others.next()?;
    others.find(|other| *other != first)?;
    let commonest = together.values().filter_map(|bs| bs.values().max());
    let all = together.values().flat_map(|bs| bs.values());
    Some((commonest.sum(), all.sum()))
}

/// About how many rows, as a power of ten.
fn magnitude(rows: u64) -> String {
    format!("about 1e{}", rows.max(1).ilog10())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_say_what_holds_and_no_value() {
        let total = PairMeasures {
            rows: 1_000,
            below: 900,
            equal: 99,
            above: 1,
            ..PairMeasures::default()
        };
        let pair = PairProfile {
            a: "created".to_owned(),
            b: "updated".to_owned(),
            total,
            slices: Vec::new(),
        };
        let told = facts(std::slice::from_ref(&pair), &|_| true);
        assert_eq!(
            told,
            [json!({"fact": "created <= updated", "holds_in": "0.9990", "rows": "about 1e3"})]
        );
        assert!(facts(&[pair], &|name| name == "created").is_empty());
    }

    #[test]
    fn what_determines_what_is_counted() {
        let of = |name: &str, count| (name.to_owned(), count);
        let together = [
            (
                of("\"NL\"", 0).0,
                [of("\"EUR\"", 500), of("\"USD\"", 1)].into(),
            ),
            (of("\"US\"", 0).0, [of("\"USD\"", 500)].into()),
        ];
        let total = PairMeasures {
            rows: 1_001,
            together: Some(together.into()),
            ..PairMeasures::default()
        };
        assert_eq!(determined(&total), Some((1_000, 1_001)));
    }
}
