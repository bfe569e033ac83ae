//! The vote: what a column's name and the values of its sample say together.

use super::evidence::Evidence;

/// What has been decided about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Every value is judged by itself.
    Undecided,
    /// Every value is of this kind.
    Personal(u16),
    /// Texts in which personal data may stand anywhere.
    Text,
    /// Nothing personal, as far as form cannot tell.
    Clean,
}

/// A decision and how it came about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    pub decision: Decision,
    /// From 0 to 1.
    pub confidence: f32,
    /// Records of the stream that had been seen; 0 where the configuration says so.
    pub records: u64,
}

impl Verdict {
    /// Before anything is known.
    pub const OPEN: Self = Self {
        decision: Decision::Undecided,
        confidence: 0.0,
        records: 0,
    };
}

/// How many values the name of a column weighs.
const NAME_WEIGHT: f32 = 4.0;
/// Values before anything is decided.
const VALUES_MIN: u32 = 8;
/// Values before a column counts as clean, and where its name says otherwise.
const CLEAN_MIN: u32 = 32;
const CLEAN_AGAINST_NAME: u32 = 128;
/// Fraction of values with findings that a clean column may have: errors of recognisers and tagger.
const CLEAN_TOUCHED: f32 = 0.04;
/// Confidence where the name carries the decision.
const NAMED: f32 = 0.8;
/// Words per value from which a column is text.
const TEXT_WORDS: f32 = 6.0;

/// Votes on a column. `name` holds what its name says: kinds and their probabilities.
pub fn decide(evidence: &Evidence, name: &[(u16, f32)], records: u64) -> Verdict {
    let verdict = |decision, confidence: f32| Verdict {
        decision,
        confidence: confidence.clamp(0.0, 1.0),
        records,
    };
    if evidence.values < VALUES_MIN {
        return Verdict::OPEN;
    }
    #[expect(clippy::cast_precision_loss, reason = "a sample is small")]
    let share = |count: u32| count as f32 / evidence.values as f32;
    #[expect(clippy::cast_precision_loss, reason = "a sample is small")]
    let values = evidence.values as f32;
    let named = |kind: u16| {
        let found = name.iter().find(|(known, _)| *known == kind);
        found.map_or(0.0, |(_, probability)| *probability)
    };
    let kinds = evidence.whole.iter().map(|(kind, _)| *kind);
    let best = kinds
        .map(|kind| {
            let votes = share(evidence.hits(kind)) * values + NAME_WEIGHT * named(kind);
            (kind, votes / (values + NAME_WEIGHT))
        })
        .max_by(|one, other| one.1.total_cmp(&other.1).then(other.0.cmp(&one.0)));
    if let Some((kind, score)) = best {
        let hits = share(evidence.hits(kind));
        let sure = hits >= 0.8 && score >= 0.7;
        let enough = evidence.values >= 16 && hits >= 0.5 && score >= 0.5;
        let named = named(kind) >= 0.8 && hits >= 0.3 && evidence.values >= 16;
        if sure || enough || named {
            let by_name = if named {
                NAMED + (1.0 - NAMED) * hits
            } else {
                0.0
            };
            return verdict(Decision::Personal(kind), score.max(by_name));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a sample is small")]
    let words = evidence.words as f32 / values;
    let text = words >= TEXT_WORDS || share(evidence.prose) >= 0.25;
    if text && evidence.values >= 16 {
        return verdict(Decision::Text, (words / TEXT_WORDS).min(2.0) / 2.0 + 0.25);
    }
    let against: f32 = name.iter().map(|(_, probability)| probability).sum();
    let needed = if against >= 0.5 {
        CLEAN_AGAINST_NAME
    } else {
        CLEAN_MIN
    };
    let touched = share(evidence.touched);
    if evidence.values >= needed && touched <= CLEAN_TOUCHED {
        let doubt = (touched * values + NAME_WEIGHT * against.min(1.0)) / (values + NAME_WEIGHT);
        return verdict(Decision::Clean, 1.0 - doubt);
    }
    Verdict::OPEN
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Seen;
    use super::super::shape::Shape;
    use super::*;

    /// A sample of `total` values, of which `hits` are of kind 3 as a whole.
    fn sample(total: usize, hits: usize, text: &str) -> Evidence {
        let mut evidence = Evidence::default();
        for number in 0..total {
            let text = format!("{text}{number}");
            let whole = (number < hits).then_some((3, true));
            evidence.add(
                &text,
                Shape::of(&text),
                Seen {
                    whole,
                    touched: whole.is_some(),
                },
            );
        }
        evidence
    }

    #[test]
    fn name_and_values_vote_together() {
        let said = [(3, 0.95)];
        let long = "this text has many more words than any code would ever have ";
        type Case<'a> = (Evidence, &'a [(u16, f32)], Decision);
        let cases: [Case<'_>; 10] = [
            (sample(7, 7, "x"), &said, Decision::Undecided),
            (sample(8, 8, "x"), &said, Decision::Personal(3)),
            (sample(64, 60, "x"), &[], Decision::Personal(3)),
            (sample(64, 35, "x"), &[(3, 0.6)], Decision::Personal(3)),
            (sample(64, 22, "x"), &[(3, 0.6)], Decision::Undecided),
            (sample(64, 22, "x"), &said, Decision::Personal(3)),
            (sample(64, 0, "x"), &[], Decision::Clean),
            (sample(64, 0, "x"), &said, Decision::Undecided),
            (sample(64, 6, "x"), &[], Decision::Undecided),
            (sample(64, 3, long), &[], Decision::Text),
        ];
        for (at, (evidence, name, expected)) in cases.iter().enumerate() {
            assert_eq!(decide(evidence, name, 64).decision, *expected, "case {at}");
        }
    }
}
