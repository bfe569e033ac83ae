//! The suggester without a network: demands that statistics support, kept only if they hold where they were not made.
//!
//! A profile has slices in the order of the input. They are grouped into [`FOLDS`] contiguous folds, and every demand is
//! made without one fold and tried on it, for each of them. What depends on when it was measured, an identifier or
//! a date that grows, fails there, as it would on the next day; trials on rows drawn at random do not show that.
//!
//! What is taken from others: closed sets by Good and Turing's estimate of what was not seen (values seen once, by
//! values), ranges and lengths with slack, forms of text. What is new: facts about two columns, and one budget of false
//! alarms for all rules of a stream together.

mod combination;
mod demand;
mod draft;
mod evidence;
mod folds;
mod name;
mod number;
mod pair;
mod quantity;
mod single;
mod text;
mod wording;

use draft::Draft;
use folds::Folds;

use super::Suggest;
use super::fit::Columns;
use crate::error::Result;
use crate::plan::rules::RuleSpec;
use crate::profile::form::StreamProfile;

/// Contiguous parts of the profile that demands are tried on.
pub const FOLDS: usize = 5;

/// How sure the suggester must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Embedded {
    /// The share of a fold's rows that a rule may refuse.
    pub tolerance: f64,
    /// The share of all rows that all rules together may refuse.
    pub budget: f64,
    /// SHA-256 of the profile, for the rules' `source`.
    pub profile: [u8; 32],
    /// Now, in seconds since 1970; dates up to it are not in the future.
    pub now: f64,
}

/// Records below which nothing is proposed: too few to know.
pub const ROWS_MIN: u64 = 200;

/// The most rules of a stream.
pub const RULES_MAX: usize = 400;

impl Embedded {
    /// One that refuses at most a thousandth of a fold's rows by a rule, and less than that by all rules together.
    pub fn new(profile: [u8; 32], now: f64) -> Self {
        Self {
            tolerance: 1e-3,
            budget: 8e-4,
            profile,
            now,
        }
    }
}

impl Suggest for Embedded {
    fn suggest(&self, stream: &StreamProfile) -> Result<Vec<RuleSpec>> {
        if stream.records < ROWS_MIN {
            return Ok(Vec::new());
        }
        let folds = Folds::of(stream);
        let mut drafts = Vec::new();
        let mut known = single::Known::default();
        for column in &stream.columns {
            single::propose(self, &folds, column, &mut known, &mut drafts);
        }
        pair::propose(self, &folds, stream, &known, &mut drafts);
        combination::propose(self, &folds, stream, &mut drafts);
        let kept = self.within_budget(drafts);
        let columns = Columns::of(stream);
        let mut rules = name::named(stream, kept, &hex::encode(self.profile));
        // A rule that its column's type does not take is no rule.
        rules.retain(|rule| columns.fit(rule, &self.now_text()));
        Ok(rules)
    }
}

impl Embedded {
    /// Now, as SQL reads it.
    fn now_text(&self) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of this age")]
        let now = chrono::DateTime::from_timestamp(self.now as i64, 0).unwrap_or_default();
        now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// The drafts in the order of what they are worth, as long as they refuse few rows together.
    fn within_budget(&self, mut drafts: Vec<Draft>) -> Vec<Draft> {
        drafts.sort_by_key(|draft| draft.demand_rank);
        let mut spent = 0.0;
        drafts.retain(|draft| {
            let cost = draft.trial.rate();
            let fits = spent + cost <= self.budget;
            spent += if fits { cost } else { 0.0 };
            fits
        });
        drafts.truncate(RULES_MAX);
        drafts.sort_by_key(|draft| draft.place);
        drafts
    }
}
