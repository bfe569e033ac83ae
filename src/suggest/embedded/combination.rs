//! Values that never stand together: what a value of one column says about another.
//!
//! For each value of one column the rule lists what stands with it, if the value is common and all of that came more than
//! once, else what was to be expected by chance and (nearly) never came. A wrong category is seen by this alone: each of
//! its values is fine by itself. Folds are tried in both ways, without one and with those before it alone: new
//! combinations come in the course of time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Embedded;
use super::draft::{Draft, Rank};
use super::evidence::literal;
use super::folds::{Folds, Split, Trial};
use crate::plan::rules::{Dimension, RuleForm, identifier};
use crate::profile::form::{PairMeasures, PairProfile, StreamProfile};
use crate::schema::path::Path;

/// Rows in which a combination was to be expected before its absence says something.
const EXPECTED_MIN: f64 = 5.0;

/// A combination that comes this rarely, by what was to be expected, is an error of the data.
const RARE: f64 = 0.01;
const RARE_OF_ALL: f64 = 0.0001;

/// Rows of a value before what stands with it is taken for all that may.
const OWN_MIN: u64 = 50;

/// The most values that are listed as never standing with another.
const NEVER_MAX: usize = 40;

const DESCRIPTION: &str = "What a value of one column says about the other: what stood with it, or what never did though chance alone would have brought it.";

/// How much better a wrong value must be seen before another rule is worth its reader.
const GAIN_MIN: f64 = 0.05;

/// The longest expression that is proposed, in bytes.
const SQL_MAX: usize = 6_000;

/// How often values stand together.
type Together = BTreeMap<String, BTreeMap<String, u64>>;

/// For values of the first column, what is said of the second.
struct Table(BTreeMap<String, Said>);

/// What is said of the second column.
enum Said {
    /// It is one of these: everything that stands with the value has come more than once.
    Among(BTreeSet<String>),
    /// It is none of these: they were to be expected, and did not come.
    Never(BTreeSet<String>),
}

/// A pair's rule, and how well it sees wrong values of each column.
struct Found<'a> {
    pair: &'a PairProfile,
    draft: Draft,
    power: [f64; 2],
}

/// Proposes combinations, those first that see the most.
pub fn propose(of: &Embedded, folds: &Folds, stream: &StreamProfile, drafts: &mut Vec<Draft>) {
    let mut found: Vec<Found<'_>> = stream
        .pairs
        .iter()
        .filter_map(|pair| find(of, folds, stream, pair))
        .collect();
    found.sort_by(|one, other| {
        let worth = |found: &Found<'_>| found.power[0] + found.power[1];
        worth(other).total_cmp(&worth(one))
    });
    let mut seen: BTreeMap<&str, f64> = BTreeMap::new();
    for one in found {
        let columns = [one.pair.a.as_str(), one.pair.b.as_str()];
        let gains = columns.iter().zip(one.power).map(|(column, power)| {
            // What one rule misses another may still see.
            let before = seen.get(column).copied().unwrap_or(0.0);
            (1.0 - before) * power
        });
        if gains.fold(0.0, f64::max) < GAIN_MIN {
            continue;
        }
        for (column, power) in columns.into_iter().zip(one.power) {
            let before = seen.entry(column).or_default();
            *before += (1.0 - *before) * power;
        }
        drafts.push(one.draft);
    }
}

fn find<'a>(
    of: &Embedded,
    folds: &Folds,
    stream: &StreamProfile,
    pair: &'a PairProfile,
) -> Option<Found<'a>> {
    let place = |path: &str| stream.columns.iter().position(|column| column.path == path);
    let withheld = |at: usize| {
        stream.columns[at]
            .personal
            .iter()
            .any(|found| found.decided)
    };
    let (a, b) = (place(&pair.a)?, place(&pair.b)?);
    // What a date stands with is no fact about dates to come.
    let dated = |at: usize| stream.columns[at].total.moments.is_some();
    if withheld(a) || withheld(b) || dated(a) || dated(b) {
        return None;
    }
    let total = pair.total.together.as_ref()?;
    let turned = turn(total);
    let textual = [a, b].map(|at| stream.columns[at].total.numbers.is_none());
    let splits: Vec<_> = [folds.pair(pair), folds.pair_ahead(pair)]
        .into_iter()
        .flatten()
        .collect();
    // What sees more is better; of equals, what is read faster.
    let mut best: Option<(f64, Direction)> = None;
    for (counts, swap) in [(total, false), (&turned, true)] {
        let Some(found) = Direction::of(of, pair, counts, swap, textual, &splits) else {
            continue;
        };
        let worth: f64 = found.power.iter().sum();
        let better = best.as_ref().is_none_or(|(most, other)| {
            worth > most + 0.01 || worth > most - 0.01 && found.sql.len() < other.sql.len()
        });
        if better {
            best = Some((worth, found));
        }
    }
    let (_, Direction { sql, power, trial }) = best?;
    let paths: Vec<Path> = [&pair.a, &pair.b]
        .iter()
        .filter_map(|path| path.parse().ok())
        .collect();
    let mut draft = Draft::warning(Rank::Combination, "combination", RuleForm::Expr(sql), paths)
        .about(Dimension::Consistency, DESCRIPTION)
        .tried(trial);
    draft.place = (a.max(b), Rank::Combination);
    Some(Found { pair, draft, power })
}

/// What one column of a pair says about the other.
struct Direction {
    sql: String,
    power: [f64; 2],
    trial: Trial,
}

impl Direction {
    /// `counts` begin with the column that speaks, which is the second one where they are swapped. `None` when there is
    /// nothing to say, or it does not hold.
    fn of(
        of: &Embedded,
        pair: &PairProfile,
        counts: &Together,
        swap: bool,
        textual: [bool; 2],
        splits: &[Split<PairMeasures>],
    ) -> Option<Self> {
        let columns = if swap {
            [&pair.b, &pair.a]
        } else {
            [&pair.a, &pair.b]
        };
        let table = Table::of(counts)?;
        let sql = table.sql(columns).filter(|sql| sql.len() <= SQL_MAX)?;
        let power = table.power_of(counts, swap, textual);
        let trial = tried(splits, swap)?;
        // What sees little may not cost much.
        let allowed = of.tolerance / 2.0 * power[0].max(power[1]);
        trial.holds(allowed).then_some(Self { sql, power, trial })
    }
}

/// The same counts by the second column.
fn turn(counts: &Together) -> Together {
    let mut turned = Together::new();
    for (a, with) in counts {
        for (b, count) in with {
            turned
                .entry(b.clone())
                .or_default()
                .insert(a.clone(), *count);
        }
    }
    turned
}

fn tried(splits: &[Split<PairMeasures>], swap: bool) -> Option<Trial> {
    let side = |measures: &PairMeasures| {
        let counts = measures.together.as_ref()?;
        Some(if swap { turn(counts) } else { counts.clone() })
    };
    let mut trial = Trial::default();
    for split in splits {
        let table = Table::of(&side(&split.rest)?)?;
        let counts = side(&split.fold)?;
        let refused = counts.iter().map(|(a, with)| {
            let refused = with.iter().filter(|(b, _)| table.refuses(a, b));
            refused.map(|(_, count)| count).sum::<u64>()
        });
        trial.add(refused.sum(), split.fold.rows);
    }
    Some(trial)
}

impl Table {
    #[expect(clippy::cast_precision_loss, reason = "counts of a bounded sample")]
    fn of(counts: &Together) -> Option<Self> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (b, count) in counts.values().flatten() {
            *sums.entry(b).or_default() += count;
        }
        let all: u64 = sums.values().sum();
        if counts.len() < 2 || sums.len() < 2 {
            return None;
        }
        let mut said = BTreeMap::new();
        for (a, with) in counts {
            let own: u64 = with.values().sum();
            let rare = |b: &str| {
                let expected = own as f64 * sums.get(b).copied().unwrap_or(0) as f64 / all as f64;
                let seen = with.get(b).copied().unwrap_or(0) as f64;
                expected >= EXPECTED_MIN
                    && seen <= RARE * expected
                    && seen <= RARE_OF_ALL * all as f64
            };
            let known = with
                .keys()
                .filter(|b| !rare(b))
                .cloned()
                .collect::<BTreeSet<_>>();
            let once = with
                .iter()
                .filter(|(b, count)| **count == 1 && !rare(b))
                .count();
            let never: BTreeSet<String> = sums
                .keys()
                .filter(|b| rare(b))
                .map(|b| (*b).to_owned())
                .collect();
            if once == 0 && own >= OWN_MIN && known.len() < sums.len() {
                said.insert(a.clone(), Said::Among(known));
            } else if !never.is_empty() && never.len() <= NEVER_MAX {
                said.insert(a.clone(), Said::Never(never));
            }
        }
        (!said.is_empty()).then_some(Self(said))
    }

    fn refuses(&self, a: &str, b: &str) -> bool {
        match self.0.get(a) {
            None => false,
            Some(Said::Among(known)) => !known.contains(b),
            Some(Said::Never(never)) => never.contains(b),
        }
    }

    fn sql(&self, [first, second]: [&String; 2]) -> Option<String> {
        let name = |path: &str| identifier(&path.parse().ok()?);
        let (first, second) = (name(first)?, name(second)?);
        let mut sql = format!("CASE {first}");
        for (a, said) in &self.0 {
            let (list, one, several) = match said {
                Said::Among(list) => (list, "=", "IN"),
                Said::Never(list) => (list, "<>", "NOT IN"),
            };
            let values: Option<Vec<String>> =
                list.iter().map(|b| Some(literal(b)?.to_sql())).collect();
            let a = literal(a)?.to_sql();
            let _ = match values?.as_slice() {
                [] => return None,
                [only] => write!(sql, " WHEN {a} THEN {second} {one} {only}"),
                values => write!(
                    sql,
                    " WHEN {a} THEN {second} {several} ({})",
                    values.join(", ")
                ),
            };
        }
        sql.push_str(" END");
        Some(sql)
    }

    /// The [power](Self::power) for the pair's columns in their order; categories alone are replaced by one another, numbers
    /// are not.
    fn power_of(&self, counts: &Together, swap: bool, textual: [bool; 2]) -> [f64; 2] {
        let [first, second] = self.power(counts);
        let power = if swap {
            [second, first]
        } else {
            [first, second]
        };
        [0, 1].map(|at| if textual[at] { power[at] } else { 0.0 })
    }

    /// The chance that a row is refused when a value of the first column, or of the second, is replaced by another one.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bounded sample")]
    fn power(&self, counts: &Together) -> [f64; 2] {
        let firsts: Vec<&String> = counts.keys().collect();
        let seconds: BTreeSet<&String> = counts.values().flat_map(BTreeMap::keys).collect();
        let (mut all, mut by_first, mut by_second) = (0.0, 0.0, 0.0);
        for (a, with) in counts {
            for (b, count) in with {
                let weight = *count as f64;
                all += weight;
                let others =
                    |refused: usize, of: usize| weight * refused as f64 / (of.max(2) - 1) as f64;
                by_first += others(
                    firsts
                        .iter()
                        .filter(|other| **other != a && self.refuses(other, b))
                        .count(),
                    firsts.len(),
                );
                by_second += others(
                    seconds
                        .iter()
                        .filter(|other| **other != b && self.refuses(a, other))
                        .count(),
                    seconds.len(),
                );
            }
        }
        [by_first / all, by_second / all]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(entries: &[(&str, &str, u64)]) -> Together {
        let mut counts = Together::new();
        for (a, b, count) in entries {
            let json = |text: &str| format!("\"{text}\"");
            counts.entry(json(a)).or_default().insert(json(b), *count);
        }
        counts
    }

    #[test]
    fn known_combinations_are_listed_in_full() {
        let counts = counts(&[("a", "1", 500), ("b", "2", 300), ("b", "3", 200)]);
        let table = Table::of(&counts).expect("a table");
        let columns = [&"x".to_owned(), &"y".to_owned()];
        assert_eq!(
            table.sql(columns).as_deref(),
            Some(r#"CASE "x" WHEN 'a' THEN "y" = '1' WHEN 'b' THEN "y" IN ('2', '3') END"#)
        );
        assert!(table.refuses("\"a\"", "\"2\"") && !table.refuses("\"b\"", "\"3\""));
        assert!(
            !table.refuses("\"c\"", "\"3\""),
            "of an unknown value nothing is said"
        );
        let [first, second] = table.power(&counts);
        assert!((first - 1.0).abs() < 1e-9 && second > 0.7);
    }

    #[test]
    fn where_more_may_come_only_the_unlikely_is_refused() {
        let entries = [
            ("m", "h", 5000),
            ("f", "w", 2000),
            ("m", "s", 2000),
            ("f", "s", 1990),
            ("f", "h", 1),
            ("m", "x", 1),
            ("f", "y", 1),
        ];
        let table = Table::of(&counts(&entries)).expect("a table");
        assert!(
            table.refuses("\"f\"", "\"h\""),
            "once in 2,000 is an error of the data"
        );
        assert!(table.refuses("\"m\"", "\"w\""));
        assert!(
            !table.refuses("\"f\"", "\"x\""),
            "that may have been chance"
        );
    }
}
