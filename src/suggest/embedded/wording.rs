//! Demands on text: a closed set, else its form, its characters and its length.

use std::collections::BTreeMap;

use super::demand::Demand;
use super::draft::{Draft, Rank};
use super::number::{Limits, Sides, is_closed};
use super::single::Subject;
use super::text::{Letters, any_run, example, pattern_of_alphabet, pattern_of_forms};
use crate::document::Node;
use crate::plan::rules::{Dimension, RuleForm};
use crate::profile::form::Measures;
use crate::stage::spec::CastType;

/// Texts that are still proposed as a set.
const TEXTS_MAX: usize = 200;

/// Forms of text that are still proposed as a pattern.
const FORMS_MAX: usize = 40;

impl Subject<'_> {
    pub(super) fn texts(&self, drafts: &mut Vec<Draft>) {
        // A load time is one value in a whole read, and another in the next.
        let moment = self.moment_text();
        if moment.is_none()
            && let Some(set) = self.text_set()
        {
            return drafts.push(set);
        }
        let form = self.forms();
        drafts.extend(moment);
        let letters = Letters::of(self.total.characters.as_deref());
        // Forms tell letters from digits, not one alphabet from another.
        let told = form.is_some() && letters == Letters::Ascii;
        drafts.extend(form.or_else(|| self.meant_pattern()));
        if !told {
            drafts.extend(self.alphabet());
        }
        drafts.extend(self.length());
    }

    /// The pattern of what the column means. A profile has no values to try it on; a back-test does.
    fn meant_pattern(&self) -> Option<Draft> {
        let of = self.means?;
        let pattern = of.regex.clone()?;
        let (_, trial) = self.holds(|_| Some(Demand::Scale(u32::MAX)))?;
        let draft = Draft::error(
            Rank::Form,
            "pattern",
            RuleForm::Regex(pattern),
            self.columns(),
        );
        let description = format!("Has the form of its meaning, `{}`.", of.name);
        Some(draft.about(Dimension::Conformity, description).tried(trial))
    }

    fn text_set(&self) -> Option<Draft> {
        let (set, trial) = self.closed_set(|_| true)?;
        (!self.withheld && set.len() <= TEXTS_MAX)
            .then(|| self.set_draft(&set, trial))
            .flatten()
    }

    /// Text that reads as a date or timestamp throughout.
    fn moment_text(&self) -> Option<Draft> {
        for (kind, to) in [
            ("date", CastType::Date),
            ("timestamp_with_timezone", CastType::TimestampWithTimezone),
            ("timestamp", CastType::TimestampWithoutTimezone),
        ] {
            let reads = |measures: &Measures| {
                let strings = measures.types.get("string").copied().unwrap_or(0);
                let reads = measures.reads_as.get(kind).copied().unwrap_or(0);
                (strings > 0 && reads == strings).then_some(Demand::Reads(kind))
            };
            if let Some((_, trial)) = self.holds(reads) {
                let draft = Draft::error(Rank::Type, "type", RuleForm::Type(to), self.columns());
                return Some(
                    draft
                        .about(Dimension::Conformity, "Always read as such.")
                        .tried(trial)
                        .shown(None, Some(Node::text("\u{fffd}"))),
                );
            }
        }
        None
    }

    /// The forms as they were seen, else with runs of any length.
    fn forms(&self) -> Option<Draft> {
        self.forms_as(|form| form.to_owned())
            .or_else(|| self.forms_as(any_run))
    }

    fn forms_as(&self, read: fn(&str) -> String) -> Option<Draft> {
        let closed = |measures: &Measures| {
            let mut forms: BTreeMap<String, u64> = BTreeMap::new();
            for (form, count) in measures.shapes.as_ref()? {
                *forms.entry(read(form)).or_default() += count;
            }
            let fits = forms.len() <= FORMS_MAX && is_closed(&forms);
            fits.then(|| Demand::Forms(forms.into_keys().collect(), read))
        };
        let (Demand::Forms(forms, _), trial) = self.holds(closed)? else {
            return None;
        };
        let letters = Letters::of(self.total.characters.as_deref());
        let pattern = pattern_of_forms(&forms, letters)?;
        let pass = forms
            .iter()
            .find(|form| form.is_ascii())
            .map(|form| Node::text(example(form)));
        let draft = Draft::error(Rank::Form, "form", RuleForm::Regex(pattern), self.columns());
        Some(
            draft
                .about(Dimension::Conformity, "Values had these forms only.")
                .tried(trial)
                .shown(pass, Some(Node::text("\u{fffd}"))),
        )
    }

    fn alphabet(&self) -> Option<Draft> {
        if self.withheld {
            return None;
        }
        let letters = |measures: &Measures| {
            Some(Demand::Alphabet(
                measures.characters.as_ref()?.chars().collect(),
            ))
        };
        let (Demand::Alphabet(alphabet), trial) = self.holds(letters)? else {
            return None;
        };
        let pattern = pattern_of_alphabet(&alphabet)?;
        let draft = Draft::warning(
            Rank::Alphabet,
            "characters",
            RuleForm::Regex(pattern),
            self.columns(),
        );
        Some(
            draft
                .about(Dimension::Conformity, "Values had these characters only.")
                .tried(trial)
                .shown(None, Some(Node::text("\u{fffd}"))),
        )
    }

    fn length(&self) -> Option<Draft> {
        for slack in [0.1, 0.25] {
            let range = |measures: &Measures| {
                let limits = Limits::around(measures.lengths.as_ref()?, slack, Sides::Both)?;
                Some(Demand::Length(limits))
            };
            if let Some((Demand::Length(limits), trial)) = self.holds(range) {
                let limit = |side: Option<f64>| {
                    side.map(|side| {
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_sign_loss,
                            reason = "a length"
                        )]
                        let characters = side.clamp(0.0, f64::from(i32::MAX)) as u64;
                        characters
                    })
                };
                let form = RuleForm::Length {
                    min: limit(limits.min).filter(|min| *min > 0),
                    max: limit(limits.max),
                };
                let draft = Draft::warning(Rank::Length, "length", form, self.columns());
                return Some(
                    draft
                        .about(Dimension::Conformity, "Values were about as long.")
                        .tried(trial),
                );
            }
        }
        None
    }
}
