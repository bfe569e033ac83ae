//! What a tagger says, as findings: its labels are kinds of ours, parts of a name are one finding, and what
//! cannot be of its kind is not believed.

use super::column::Shape;
use super::plausible::plausible;
use super::{Detector, Finding};
use crate::model::Tag;

/// The kind that a tagger's label is.
pub fn kind_of_label(label: &str) -> &str {
    match label {
        "GIVEN_NAME" | "SURNAME" => "PERSON",
        other => other,
    }
}

/// Whether a tagger's label is one that can be turned into a kind.
pub fn knows_label(label: &str) -> bool {
    const LABELS: &[&str] = &[
        "GIVEN_NAME",
        "SURNAME",
        "PERSON",
        "STREET_ADDRESS",
        "CITY",
        "STATE",
        "POSTCODE",
        "GOVERNMENT_ID",
        "BANK_ACCOUNT",
        "CREDIT_CARD",
        "DATE_OF_BIRTH",
        "USERNAME",
        "EMAIL",
        "PHONE",
        "ORGANIZATION",
    ];
    LABELS.contains(&label)
}

/// Whether a tagger is to be asked about a text: numbers, codes and what says nothing hold no names.
pub fn may_hold_words(text: &str, shape: Shape) -> bool {
    shape.letters >= 2 && !Shape::says_nothing(text) && !Shape::is_code(text)
}

/// Kinds that only some say are personal; they are looked for when they are named.
pub const UNASKED: &[&str] = &["ORGANIZATION"];

/// Words from which a text is prose: there a name needs more to be believed than in a cell.
const PROSE_WORDS: usize = 8;

/// How sure a tagger must be of a kind. What has a form is the recognisers' to find, so there it must be
/// surer than of names and places.
fn least(kind: &str, prose: bool) -> f32 {
    match kind {
        "PERSON" if prose => 0.6,
        "PERSON" | "STREET_ADDRESS" | "CITY" | "STATE" => 0.4,
        "EMAIL" | "PHONE" | "POSTCODE" => 0.5,
        "ORGANIZATION" | "USERNAME" => 0.6,
        _ => 0.8,
    }
}

impl Detector {
    /// Adds what a tagger found in a piece of `text`, a text of this form, to `found`, as findings that
    /// ascend and are apart.
    pub fn believe(&self, text: &str, whole: Shape, tags: &[Tag], found: &mut Vec<Finding>) {
        let from = found.len();
        let prose = whole.words >= PROSE_WORDS;
        for tag in tags {
            let Some(recogniser) = self.of_label(tag.label) else {
                continue;
            };
            let kind = self.kind(recogniser);
            match found.get_mut(from..).and_then(<[Finding]>::last_mut) {
                Some(last)
                    if self.kind(last.recogniser) == kind
                        && joins(kind, text, last.end, tag.start) =>
                {
                    let (old, new) = (last.end - last.start, tag.end - tag.start);
                    last.confidence = mean(last.confidence, old, tag.confidence, new);
                    last.end = tag.end;
                }
                _ => found.push(Finding {
                    start: tag.start,
                    end: tag.end,
                    recogniser,
                    confidence: tag.confidence,
                }),
            }
        }
        let believed = found.split_off(from).into_iter().filter(|finding| {
            let kind = self.kind(finding.recogniser);
            let part = &text[finding.start..finding.end];
            let shape = Shape::of(part);
            // A word alone is no street; one that a column's name calls so is masked by that.
            let bare = kind == "STREET_ADDRESS" && shape.words < 2 && shape.digits == 0;
            let bare = bare || kind == "PERSON" && is_form_of_address(part);
            finding.confidence >= least(kind, prose) && !bare && plausible(kind, part, shape)
        });
        found.extend(believed.collect::<Vec<_>>());
    }
}

/// Whether a text only says how somebody is addressed, not who it is.
fn is_form_of_address(text: &str) -> bool {
    const FORMS: &[&str] = &[
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "lord", "lady", "herr",
        "frau",
    ];
    let words = text.split(|letter: char| !letter.is_alphabetic());
    let mut words = words.filter(|word| !word.is_empty());
    words.all(|word| FORMS.iter().any(|form| word.eq_ignore_ascii_case(form)))
}

/// Kinds of which an address is made: together they make a value an address.
const ADDRESS: &[&str] = &["STREET_ADDRESS", "CITY", "STATE", "POSTCODE"];

impl Detector {
    /// The kind that at least half of a text is, and whether a tagger alone says so.
    pub fn whole(&self, text: &str, found: &[Finding]) -> Option<(u16, bool)> {
        let size = |part: &str| {
            part.chars()
                .filter(|letter| !letter.is_whitespace())
                .count()
        };
        let total = size(text);
        let mut kinds: Vec<(u16, usize, bool)> = Vec::new();
        let mut address = 0;
        for finding in found {
            let kind = self.kind_place(finding.recogniser);
            let covered = size(text.get(finding.start..finding.end).unwrap_or_default());
            address += covered * usize::from(ADDRESS.contains(&self.kind_name(kind)));
            let tagged = self.is_label(finding.recogniser);
            match kinds.iter_mut().find(|(known, _, _)| *known == kind) {
                Some(entry) => (entry.1, entry.2) = (entry.1 + covered, entry.2 && tagged),
                None => kinds.push((kind, covered, tagged)),
            }
        }
        let most = |(kind, covered, tagged): &(u16, usize, bool)| {
            (*covered, std::cmp::Reverse(*kind), *tagged)
        };
        let (kind, covered, tagged) = *kinds.iter().max_by_key(|entry| most(entry))?;
        if covered * 2 >= total {
            return Some((kind, tagged));
        }
        let street = kinds
            .iter()
            .find(|(kind, _, _)| self.kind_name(*kind) == ADDRESS[0])?;
        (address * 2 >= total).then_some((street.0, street.2))
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of texts")]
fn mean(one: f32, weight: usize, other: f32, more: usize) -> f32 {
    let (weight, more) = (weight as f32, more as f32);
    (one * weight + other * more) / (weight + more)
}

/// Whether two parts of one kind are one: `Smith, John`, `12 Main St, Apt 4`.
fn joins(kind: &str, text: &str, end: usize, start: usize) -> bool {
    let between: &[char] = match kind {
        "PERSON" => &[' ', '-', '\'', '’', '.', ','],
        "STREET_ADDRESS" => &[' ', '-', '\'', '.', ',', '#', '/'],
        _ => &[' ', '-', '.'],
    };
    text.get(end..start)
        .is_some_and(|gap| gap.len() <= 3 && gap.chars().all(|letter| between.contains(&letter)))
}
