//! Demands on numbers, dates and timestamps.

use super::demand::{Demand, Kind};
use super::draft::{Draft, Rank};
use super::folds::Trial;
use super::number::{self, Limits, SLACKS, Sides};
use super::single::Subject;
use crate::plan::rules::write;
use crate::plan::rules::{Dimension, Literal, RuleForm, identifier};
use crate::profile::form::{Measures, Numbers};
use crate::stage::spec::CastType;

/// Numbers that are still proposed as a set.
const NUMBERS_MAX: usize = 60;

/// What varies less than a week tells when it was loaded, not what may come.
const STEADY_SECONDS: f64 = 7.0 * 86_400.0;

/// Digits behind the point that money, rates and measurements have.
const SCALE_MAX: u32 = 4;

impl Subject<'_> {
    pub(super) fn numbers(&self, drafts: &mut Vec<Draft>) {
        // The ends of personal data are left out of a profile.
        let Some(numbers) = self.total.numbers.as_ref().filter(|_| !self.withheld) else {
            return;
        };
        let whole = numbers.whole == numbers.count;
        let ranged = self.number_set().or_else(|| self.number_range(whole));
        let reads_type = ranged.is_some();
        drafts.extend(ranged);
        if whole && (self.kind == Kind::Number || !reads_type) {
            drafts.extend(self.type_alone(CastType::Integer));
        } else if !whole {
            drafts.extend(self.scale(numbers));
        }
    }

    /// Few whole numbers that recur: those without gaps are a range, others a set.
    fn number_set(&self) -> Option<Draft> {
        let (min, max) = self
            .total
            .numbers
            .as_ref()
            .map(|numbers| (numbers.min, numbers.max))?;
        let whole = |measures: &Measures| {
            let numbers = measures.numbers.as_ref();
            numbers.is_some_and(|numbers| numbers.whole == numbers.count)
        };
        let (set, trial) = self.closed_set(whole)?;
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let gapless = set.len() as f64 == max - min + 1.0;
        if gapless && set.len() > 2 {
            return Some(self.range_draft(
                Limits {
                    min: Some(min),
                    max: Some(max),
                },
                true,
                trial,
            ));
        }
        (set.len() <= NUMBERS_MAX)
            .then(|| self.set_draft(&set, trial))
            .flatten()
    }

    fn number_range(&self, whole: bool) -> Option<Draft> {
        let meant = self.means.and_then(|of| of.range);
        let sides = [Sides::Both, Sides::Lower, Sides::Upper];
        for sides in sides.into_iter().filter(|_| !self.grows) {
            for slack in SLACKS {
                let range = |measures: &Measures| {
                    let limits = Limits::around(measures.numbers.as_ref()?, slack, sides)?;
                    Some(Demand::Range(limits.within(meant)))
                };
                if let Some((Demand::Range(limits), trial)) = self.holds(range)
                    && (trial.violations == 0 || slack == SLACKS[SLACKS.len() - 1])
                {
                    return Some(self.range_draft(limits, whole, trial));
                }
            }
        }
        let limits = match meant {
            Some((min, max)) => Limits {
                min: Some(min),
                max: Some(max),
            },
            // What grows has no limits but its sign.
            None => Limits {
                min: (self.total.numbers.as_ref()?.min >= 0.0).then_some(0.0),
                max: None,
            },
        };
        limits.min.or(limits.max)?;
        let (_, trial) = self.holds(|_| Some(Demand::Range(limits)))?;
        Some(self.range_draft(limits, whole, trial))
    }

    fn range_draft(&self, limits: Limits, whole: bool, trial: Trial) -> Draft {
        let side = |limit: Option<f64>| limit.map(|limit| number::literal(limit, whole));
        let (min, max) = (side(limits.min), side(limits.max));
        let pass = min.as_ref().or(max.as_ref()).map(write::literal);
        let beyond = limits
            .max
            .map(|max| max + max.abs().max(1.0))
            .or(limits.min.map(|min| min - min.abs().max(1.0)));
        let fail = beyond.map(|limit| write::literal(&number::literal(limit, whole)));
        let draft = Draft::error(
            Rank::Range,
            "range",
            RuleForm::Range { min, max },
            self.columns(),
        );
        draft
            .about(
                Dimension::Conformity,
                "Values lay within these limits, with room.",
            )
            .tried(trial)
            .shown(pass, fail)
    }

    /// Amounts that have at most so many digits behind the point.
    fn scale(&self, numbers: &Numbers) -> Option<Draft> {
        if numbers.scale == 0 || numbers.scale > SCALE_MAX {
            return None;
        }
        let scale = |measures: &Measures| {
            let seen = measures.numbers.as_ref()?;
            Some(Demand::Scale(seen.scale))
        };
        let (Demand::Scale(digits), trial) = self.holds(scale)? else {
            return None;
        };
        let column = identifier(&self.path)?;
        let times = 10_u64.pow(digits);
        let sql = format!("abs({column} * {times} - round({column} * {times})) < 0.001");
        let draft = Draft::warning(Rank::Type, "digits", RuleForm::Expr(sql), self.columns());
        Some(
            draft
                .about(
                    Dimension::Conformity,
                    format!("Never had more than {digits} digits behind the point."),
                )
                .tried(trial),
        )
    }

    /// A declared date or timestamp: within a range where it does not grow, else not in the future.
    pub(super) fn moments(&self, drafts: &mut Vec<Draft>) {
        let Some(moments) = self.total.moments.as_ref().filter(|_| !self.withheld) else {
            return;
        };
        let future = moments.max <= self.of.now;
        let range = |measures: &Measures| {
            Limits::around(measures.moments.as_ref()?, 0.25, Sides::Both).map(Demand::Between)
        };
        let lower = |measures: &Measures| {
            Limits::around(measures.moments.as_ref()?, 0.25, Sides::Lower).map(Demand::Between)
        };
        let found = match self.grows || moments.max - moments.min < STEADY_SECONDS {
            true => self.holds(lower),
            false => self.holds(range).or_else(|| self.holds(lower)),
        };
        if let Some((Demand::Between(limits), trial)) = &found {
            drafts.extend(self.between_draft(*limits, *trial));
        }
        if future {
            let past = |_: &Measures| {
                Some(Demand::Between(Limits {
                    min: None,
                    max: Some(self.of.now),
                }))
            };
            if let Some((_, trial)) = self.holds(past) {
                let draft = Draft::error(Rank::Type, "past", RuleForm::NotInFuture, self.columns());
                drafts.push(
                    draft
                        .about(Dimension::Timeliness, "Never lay in the future.")
                        .tried(trial),
                );
            }
        } else if found.is_none() {
            let to = if self.kind == Kind::Date {
                CastType::Date
            } else {
                CastType::TimestampWithTimezone
            };
            drafts.extend(self.type_alone(to));
        }
    }

    fn between_draft(&self, limits: Limits, trial: Trial) -> Option<Draft> {
        let day = |limit: Option<f64>| match limit {
            None => Some(None),
            #[expect(clippy::cast_possible_truncation, reason = "a date's seconds")]
            Some(seconds) => chrono::DateTime::from_timestamp(seconds as i64, 0)
                .map(|moment| Some(Literal::Text(moment.format("%Y-%m-%d").to_string()))),
        };
        // A day more, as the hour is cut off.
        let form = RuleForm::Range {
            min: day(limits.min)?,
            max: day(limits.max.map(|max| max + 86_400.0))?,
        };
        let draft = Draft::warning(Rank::Range, "range", form, self.columns());
        Some(
            draft
                .about(
                    Dimension::Conformity,
                    "Values lay between these days, with room.",
                )
                .tried(trial),
        )
    }
}
