//! Facts about two columns: which are empty together, which is the greater, how far they lie apart.

use super::Embedded;
use super::demand::Kind;
use super::draft::{Draft, Rank};
use super::folds::{Folds, Split, Trial};
use super::number::{Limits, Sides, literal};
use super::single::Known;
use crate::plan::rules::{Dimension, RuleForm, identifier};
use crate::profile::form::{ColumnProfile, PairMeasures, PairProfile, StreamProfile};
use crate::schema::path::Path;

/// Rows in which two columns must be empty together before that is a fact.
const EMPTY_MIN: u64 = 5;

/// A difference says something when it varies at most this much as widely as its columns do.
const NARROW: f64 = 0.3;

/// Two columns and what was measured about them.
struct Couple<'a> {
    of: &'a Embedded,
    pair: &'a PairProfile,
    splits: Vec<Split<PairMeasures>>,
    columns: [&'a ColumnProfile; 2],
    kinds: [Kind; 2],
    paths: [Path; 2],
    names: [String; 2],
    /// Both go one way: counters that have nothing to do with each other.
    run: bool,
    place: usize,
}

/// Proposes what may be demanded of two columns.
pub fn propose(
    of: &Embedded,
    folds: &Folds,
    stream: &StreamProfile,
    known: &Known,
    drafts: &mut Vec<Draft>,
) {
    // A column that is explained by another need not be explained again.
    let (mut empty, mut ordered): (Vec<Path>, Vec<Path>) = (Vec::new(), Vec::new());
    let mut implied = Vec::new();
    for pair in &stream.pairs {
        let Some(couple) = Couple::of(of, folds, stream, known, pair) else {
            continue;
        };
        if let Some(draft) = couple.equally_empty() {
            if draft.columns.iter().any(|column| !empty.contains(column)) {
                empty.extend(draft.columns.iter().cloned());
                drafts.push(draft);
            }
        } else {
            implied.extend(couple.emptier());
        }
        let between = couple.order().or_else(|| couple.difference());
        if let Some(draft) = between {
            let met = draft
                .columns
                .iter()
                .filter(|column| ordered.contains(column))
                .count();
            if met < 2 {
                ordered.extend(draft.columns.iter().cloned());
                drafts.push(draft);
            }
        }
    }
    // The closest one first: of several columns that are empty where this one is, the one with fewest empty rows.
    implied.sort_by_key(|(empty, _)| *empty);
    for (_, draft) in implied {
        let first: Option<&Path> = draft.columns.first();
        if first.is_some_and(|column| !empty.contains(column)) {
            empty.extend(first.cloned());
            drafts.push(draft);
        }
    }
}

impl<'a> Couple<'a> {
    fn of(
        of: &'a Embedded,
        folds: &Folds,
        stream: &'a StreamProfile,
        known: &Known,
        pair: &'a PairProfile,
    ) -> Option<Self> {
        let find = |path: &str| {
            let column = stream.columns.iter().find(|column| column.path == path)?;
            let path: Path = path.parse().ok()?;
            let place = known
                .columns
                .iter()
                .position(|(known, ..)| *known == path)?;
            let (kind, grows) = (known.columns[place].1, known.columns[place].2);
            Some((column, kind, identifier(&path)?, path, place, grows))
        };
        let (a, b) = (find(&pair.a)?, find(&pair.b)?);
        Some(Self {
            of,
            pair,
            splits: folds.pair(pair),
            columns: [a.0, b.0],
            kinds: [a.1, b.1],
            names: [a.2, b.2],
            paths: [a.3, b.3],
            place: a.4.max(b.4),
            run: a.5 && b.5,
        })
    }

    /// How a fact did that needs no making: what breaks it is counted.
    fn trial(&self, broken: impl Fn(&PairMeasures) -> u64) -> Option<Trial> {
        let mut trial = Trial::default();
        for split in &self.splits {
            trial.add(broken(&split.fold), split.fold.rows);
        }
        // Facts about two columns come by the hundred, so that some hold by chance: they must hold better.
        trial.holds(self.of.tolerance / 4.0).then_some(trial)
    }

    fn draft(&self, rank: Rank, label: &'static str, sql: String, columns: [usize; 2]) -> Draft {
        let columns = columns.map(|at| self.paths[at].clone()).to_vec();
        let mut draft = Draft::warning(rank, label, RuleForm::Expr(sql), columns);
        draft.place = (self.place, rank);
        draft
    }

    /// Both are empty in the same rows, or in opposite ones.
    fn equally_empty(&self) -> Option<Draft> {
        let total = &self.pair.total;
        let [a, b] = &self.names;
        let neither = |m: &PairMeasures| m.rows.saturating_sub(m.both_null + m.a_null + m.b_null);
        if total.both_null >= EMPTY_MIN && neither(total) >= EMPTY_MIN {
            let trial = self.trial(|m| m.a_null + m.b_null)?;
            let sql = format!("({a} IS NULL) = ({b} IS NULL)");
            let draft = self.draft(Rank::Together, "together", sql, [0, 1]);
            return Some(
                draft
                    .about(Dimension::Consistency, "Were empty in the same rows only.")
                    .tried(trial),
            );
        }
        if total.a_null >= EMPTY_MIN && total.b_null >= EMPTY_MIN {
            let trial = self.trial(|m| m.both_null + neither(m))?;
            let sql = format!("({a} IS NULL) <> ({b} IS NULL)");
            let draft = self.draft(Rank::Together, "either", sql, [0, 1]);
            return Some(
                draft
                    .about(
                        Dimension::Consistency,
                        "One of the two was there in every row, never both.",
                    )
                    .tried(trial),
            );
        }
        None
    }

    /// One is never empty unless the other is; comes with the rows in which the other one is.
    fn emptier(&self) -> Option<(u64, Draft)> {
        let total = &self.pair.total;
        let directions = [
            (total.a_null, total.b_null, [0, 1]),
            (total.b_null, total.a_null, [1, 0]),
        ];
        let found = directions
            .into_iter()
            .find(|(alone, other, _)| *alone == 0 && *other > 0 && total.both_null >= EMPTY_MIN);
        let (_, other, [one, by]) = found?;
        let trial = self.trial(|m| if one == 0 { m.a_null } else { m.b_null })?;
        let sql = format!(
            "{} IS NOT NULL OR {} IS NULL",
            self.names[one], self.names[by]
        );
        let draft = self.draft(Rank::Together, "with", sql, [one, by]);
        let description = "Was empty only where the other one was.";
        Some((
            total.both_null + other,
            draft
                .about(Dimension::Consistency, description)
                .tried(trial),
        ))
    }

    fn comparable(&self) -> bool {
        let number = |kind| matches!(kind, Kind::Integer | Kind::Number) && !self.run;
        let moment = |kind| matches!(kind, Kind::Date | Kind::Moment);
        let [a, b] = self.kinds;
        number(a) && number(b) || moment(a) && a == b
    }

    /// One is never greater than the other, which their ranges alone do not say.
    fn order(&self) -> Option<Draft> {
        if !self.comparable() {
            return None;
        }
        let total = &self.pair.total;
        let compared = total.below + total.equal + total.above;
        let [a, b] = &self.names;
        let (sql, broken): (String, fn(&PairMeasures) -> u64) = if compared < EMPTY_MIN {
            return None;
        } else if total.below + total.above == 0 {
            (format!("{a} = {b}"), |m| m.below + m.above)
        } else if total.above <= total.below {
            (format!("{a} <= {b}"), |m| m.above)
        } else {
            (format!("{a} >= {b}"), |m| m.below)
        };
        if !self.overlap() {
            return None;
        }
        let trial = self.trial(broken)?;
        let draft = self.draft(Rank::Order, "order", sql, [0, 1]);
        Some(
            draft
                .about(Dimension::Consistency, "Held in every row measured.")
                .tried(trial),
        )
    }

    /// Whether some value of one column lies within the other's range: else their order is no news.
    fn overlap(&self) -> bool {
        let range = |column: &ColumnProfile| {
            let numbers = column
                .total
                .numbers
                .as_ref()
                .or(column.total.moments.as_ref())?;
            Some((numbers.min, numbers.max))
        };
        match (range(self.columns[0]), range(self.columns[1])) {
            (Some(a), Some(b)) => a.1 >= b.0 && b.1 >= a.0,
            _ => false,
        }
    }

    /// Two numbers never lie far apart.
    fn difference(&self) -> Option<Draft> {
        let number = |kind| matches!(kind, Kind::Integer | Kind::Number) && !self.run;
        if !self.kinds.iter().all(|kind| number(*kind)) {
            return None;
        }
        let seen = self.pair.total.difference.as_ref()?;
        let widths = self
            .columns
            .map(|column| column.total.numbers.as_ref().map_or(0.0, |n| n.max - n.min));
        if widths
            .iter()
            .any(|width| seen.max - seen.min > NARROW * width)
            || seen.max <= seen.min
        {
            return None;
        }
        let mut trial = Trial::default();
        for split in &self.splits {
            let limits = Limits::around(split.rest.difference.as_ref()?, 0.25, Sides::Both)?;
            let failed = split
                .fold
                .difference
                .as_ref()
                .map_or(0, |seen| limits.outside(seen));
            trial.add(failed, split.fold.rows);
        }
        if !trial.holds(self.of.tolerance / 4.0) {
            return None;
        }
        let limits = Limits::around(seen, 0.25, Sides::Both)?;
        let whole = seen.whole == seen.count;
        let side = |limit: Option<f64>| limit.map(|limit| literal(limit, whole).to_sql());
        let sql = format!(
            "{} - {} BETWEEN {} AND {}",
            self.names[0],
            self.names[1],
            side(limits.min)?,
            side(limits.max)?
        );
        let draft = self.draft(Rank::Difference, "difference", sql, [0, 1]);
        Some(
            draft
                .about(
                    Dimension::Consistency,
                    "Never lay farther apart, with room.",
                )
                .tried(trial),
        )
    }
}
