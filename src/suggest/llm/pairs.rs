//! Facts about two columns, worked out here: what holds and how often, never which values.

use serde_json::{Value, json};

use super::column::share;
use crate::profile::form::PairProfile;

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
    for (a, b, decides) in [(a, b, &total.a_decides_b), (b, a, &total.b_decides_a)] {
        if let Some(decides) = decides {
            fact(
                "determines",
                a,
                b,
                decides.same,
                decides.same + decides.other,
            );
        }
    }
    facts
}

/// About how many rows, as a power of ten.
fn magnitude(rows: u64) -> String {
    format!("about 1e{}", rows.max(1).ilog10())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::form::PairMeasures;

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
        let decides = crate::profile::form::Decides {
            same: 999,
            other: 1,
        };
        let total = PairMeasures {
            rows: 1_000,
            a_decides_b: Some(decides),
            ..PairMeasures::default()
        };
        let pair = PairProfile {
            a: "country".to_owned(),
            b: "currency".to_owned(),
            total,
            slices: Vec::new(),
        };
        let told = facts(&[pair], &|_| true);
        assert_eq!(told[0]["fact"], "country determines currency");
    }
}
