//! Demands on one column, from the strictest that holds to the loosest.

use std::collections::{BTreeMap, BTreeSet};

use super::Embedded;
use super::demand::{Demand, Kind, tried};
use super::draft::{Draft, Rank};
use super::evidence::literal;
use super::folds::{Folds, Split, Trial};
use super::number::is_closed;
use crate::document::{Node, Value};
use crate::plan::rules::write;
use crate::plan::rules::{Dimension, Literal, RuleForm, SET_VALUES_MAX};
use crate::profile::form::{ColumnProfile, Measures};
use crate::profile::semantic::list::SemanticType;
use crate::profile::semantic::named;
use crate::schema::path::Path;
use crate::stage::spec::CastType;

/// What was found out about columns, for facts about two of them.
#[derive(Debug, Default)]
pub struct Known {
    /// Columns in the order of the profile: their kinds, and whether they go one way.
    pub columns: Vec<(Path, Kind, bool)>,
}

/// A column and what it takes to demand something of it.
pub(super) struct Subject<'a> {
    pub(super) of: &'a Embedded,
    pub(super) splits: Vec<Split<Measures>>,
    /// The same for what came after.
    pub(super) ahead: Vec<Split<Measures>>,
    pub(super) total: &'a Measures,
    pub(super) kind: Kind,
    pub(super) path: Path,
    pub(super) place: usize,
    /// No value of it may be part of a rule.
    pub(super) withheld: bool,
    /// Its values go one way from slice to slice, so that the next ones lie beyond all that were seen.
    pub(super) grows: bool,
    /// What it means, where that is known.
    pub(super) means: Option<&'static SemanticType>,
}

/// Proposes what may be demanded of a column.
pub fn propose(
    of: &Embedded,
    folds: &Folds,
    column: &ColumnProfile,
    known: &mut Known,
    drafts: &mut Vec<Draft>,
) {
    let Ok(path) = column.path.parse::<Path>() else {
        return;
    };
    if !path.is_scalar() || !folds.are_several() {
        return;
    }
    let kind = Kind::of(column);
    let subject = Subject {
        of,
        splits: folds.column(column),
        ahead: folds.column_ahead(column),
        total: &column.total,
        kind,
        path: path.clone(),
        place: known.columns.len(),
        withheld: column.personal.iter().any(|found| found.decided),
        grows: grows(column),
        means: column
            .semantic
            .as_ref()
            .and_then(|of| named(&of.name).ok()?),
    };
    known.columns.push((path, kind, subject.grows));
    let before = drafts.len();
    drafts.extend(subject.presence());
    match kind {
        Kind::Integer | Kind::Number => subject.numbers(drafts),
        Kind::Text => subject.texts(drafts),
        Kind::Date | Kind::Moment => subject.moments(drafts),
        Kind::Boolean => drafts.extend(subject.type_alone(CastType::Boolean)),
        Kind::Other => {}
    }
    for draft in &mut drafts[before..] {
        draft.place = (subject.place, draft.demand_rank);
    }
}

impl Subject<'_> {
    /// A demand that holds on every fold, with how it did.
    pub(super) fn holds(
        &self,
        make: impl Fn(&Measures) -> Option<Demand>,
    ) -> Option<(Demand, Trial)> {
        let trial = tried(&self.splits, self.kind, &make)?;
        Some((make(self.total)?, trial)).filter(|(_, trial)| trial.holds(self.of.tolerance))
    }

    /// The values of the column as a set, if they are a closed one on every fold, and nothing new came after those
    /// that were known by then. `fits` may ask more of the measures.
    pub(super) fn closed_set(
        &self,
        fits: impl Fn(&Measures) -> bool,
    ) -> Option<(BTreeSet<String>, Trial)> {
        let set = |measures: &Measures| {
            let values = measures.values.as_ref().map(without_null)?;
            Some(Demand::Set(values.into_keys().collect()))
        };
        let closed = |measures: &Measures| {
            let values = measures.values.as_ref().map(without_null)?;
            let closed = is_closed(&values) && fits(measures);
            closed.then(|| set(measures)).flatten()
        };
        let (Demand::Set(values), trial) = self.holds(closed)? else {
            return None;
        };
        let ahead = tried(&self.ahead, self.kind, set)?;
        ahead.holds(self.of.tolerance).then_some((values, trial))
    }

    pub(super) fn columns(&self) -> Vec<Path> {
        vec![self.path.clone()]
    }

    fn presence(&self) -> Option<Draft> {
        let there =
            |measures: &Measures| (measures.present > measures.nulls).then_some(Demand::Present);
        let mut trial = Trial::default();
        for split in &self.splits {
            let demand = there(&split.rest)?;
            trial.add(demand.violations(&split.fold, split.records), split.records);
        }
        // A column that was ever empty will be again.
        if trial.violations > 0 {
            return None;
        }
        let draft = Draft::error(
            Rank::Presence,
            "not_null",
            RuleForm::NotNull,
            self.columns(),
        );
        Some(
            draft
                .about(Dimension::Completeness, "Was never null or absent.")
                .tried(trial)
                .shown(None, Some(Value::Null.into())),
        )
    }

    pub(super) fn type_alone(&self, to: CastType) -> Option<Draft> {
        let whole = |_: &Measures| {
            Some(if to == CastType::Integer {
                Demand::Whole
            } else {
                Demand::Scale(u32::MAX)
            })
        };
        let (_, trial) = self.holds(whole)?;
        let draft = Draft::error(Rank::Type, "type", RuleForm::Type(to), self.columns());
        Some(
            draft
                .about(Dimension::Conformity, "Was always of this type.")
                .tried(trial),
        )
    }

    pub(super) fn set_draft(&self, set: &BTreeSet<String>, trial: Trial) -> Option<Draft> {
        let values: Vec<Literal> = set.iter().filter_map(|value| literal(value)).collect();
        if values.len() != set.len() || values.is_empty() || values.len() > SET_VALUES_MAX {
            return None;
        }
        let pass = values.first().map(write::literal);
        let fail = match values.first() {
            Some(Literal::Text(_)) => Some(Node::text("\u{fffd}")),
            _ => None,
        };
        let draft = Draft::error(Rank::Set, "known", RuleForm::InSet(values), self.columns());
        Some(
            draft
                .about(
                    Dimension::Conformity,
                    "Values came from this list; one seen only once is rarer than 1 in 10,000.",
                )
                .tried(trial)
                .shown(pass, fail),
        )
    }
}

/// Whether both ends of a column's numbers or moments move in one direction from nearly every slice to the next.
fn grows(column: &ColumnProfile) -> bool {
    let ends = |slice: &Measures| {
        let numbers = slice.numbers.as_ref().or(slice.moments.as_ref())?;
        Some((numbers.min, numbers.max))
    };
    let ends: Vec<(f64, f64)> = column.slices.iter().filter_map(ends).collect();
    let steps = ends.len().saturating_sub(1);
    let of = |moves: fn(&(f64, f64), &(f64, f64)) -> bool| {
        ends.windows(2)
            .filter(|pair| moves(&pair[0], &pair[1]))
            .count()
    };
    let up = of(|a, b| b.0 > a.0 && b.1 > a.1);
    let down = of(|a, b| b.0 < a.0 && b.1 < a.1);
    steps >= 2 && up.max(down) * 5 >= steps * 4
}

/// The values that are there.
fn without_null(values: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut values = values.clone();
    values.remove("null");
    values
}
