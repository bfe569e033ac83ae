//! Whether a match counts: what stands beside it, its proof, the words nearby and the column's name.

use std::ops::Range;

use super::context::{Heard, REACH_AFTER, REACH_AGAINST, REACH_BEFORE};
use super::library::{Edges, Extends};
use super::overlap::Candidate;
use super::{CONFIDENCE_MIN, ColumnContext, Compiled, Detector, Finding};

/// What a word nearby or the column's name adds to, or takes from, the confidence.
const WEIGHT: f32 = 0.3;

/// A proven match of this confidence settles its place: no other pattern is asked.
pub(super) const SURE: f32 = 0.8;

/// What became of a match that was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    /// Where the finding ends.
    pub(super) end: usize,
    /// Proven or certain enough that no other pattern need be asked.
    pub(super) sure: bool,
}

/// Decides about matches of one text.
pub(super) struct Judge<'a> {
    pub(super) detector: &'a Detector,
    pub(super) text: &'a str,
    pub(super) column: &'a ColumnContext,
    /// The words around the anchors.
    pub(super) heard: &'a [Heard],
    /// Where accepted matches go.
    pub(super) candidates: &'a mut Vec<Candidate>,
}

impl Judge<'_> {
    /// Accepts a match into the candidates, or refuses it. Cheap tests first, the checksum last.
    pub(super) fn hear(&mut self, recogniser: u16, range: Range<usize>) -> Option<Verdict> {
        let compiled = self.detector.compiled(recogniser)?;
        let bytes = self.text.as_bytes();
        let raised = self.column.raised.has(recogniser);
        let confidence = self.confidence(recogniser, compiled, &range, raised)?;
        let (end, proven) = self.proof(compiled, &range, raised)?;
        let end = extended(compiled.extends, bytes, end);
        if !(self.text.is_char_boundary(range.start) && self.text.is_char_boundary(end)) {
            return None;
        }
        let finding = Finding {
            start: range.start,
            end,
            recogniser,
            confidence,
        };
        self.candidates.push(Candidate { finding, proven });
        Some(Verdict {
            end,
            sure: proven && confidence >= SURE,
        })
    }

    /// Where the match ends that stands alone and satisfies its check, and whether there was one.
    fn proof(
        &self,
        compiled: &Compiled,
        range: &Range<usize>,
        raised: bool,
    ) -> Option<(usize, bool)> {
        /// How many words a match may lose from its end.
        const TRIMS: usize = 3;
        let bytes = self.text.as_bytes();
        let mut end = range.end;
        for _ in 0..=if compiled.trims { TRIMS } else { 0 } {
            let matched = bytes.get(range.start..end)?;
            if stands_alone(compiled.edges, self.text, range.start..end)
                && compiled.check.is_none_or(|check| check(matched))
            {
                return Some((end, compiled.check.is_some()));
            }
            let Some(blank) = matched.iter().rposition(|byte| *byte == b' ') else {
                break;
            };
            end = range.start + blank;
        }
        let tolerated =
            compiled.lenient && raised && stands_alone(compiled.edges, self.text, range.clone());
        tolerated.then_some((range.end, false))
    }

    fn confidence(
        &self,
        recogniser: u16,
        compiled: &Compiled,
        range: &Range<usize>,
        raised: bool,
    ) -> Option<f32> {
        let word = || {
            self.heard.iter().any(|heard| {
                heard.voice.pro.has(recogniser)
                    && heard.end + REACH_BEFORE >= range.start
                    && heard.start <= range.end + REACH_AFTER
            })
        };
        let objection = || {
            self.heard.iter().any(|heard| {
                heard.voice.contra.has(recogniser)
                    && heard.end <= range.start
                    && heard.end + REACH_AGAINST >= range.start
            })
        };
        let spoken = raised || word();
        let opposed = self.column.lowered.has(recogniser) || objection();
        if compiled.required && (!spoken || opposed) {
            return None;
        }
        let mut confidence = compiled.confidence;
        if spoken {
            confidence += WEIGHT;
        }
        if opposed {
            confidence -= WEIGHT;
        }
        let confidence = confidence.min(0.99);
        (confidence >= CONFIDENCE_MIN).then_some(confidence)
    }
}

/// Whether nothing that belongs to the match stands beside it.
fn stands_alone(edges: Edges, text: &str, range: Range<usize>) -> bool {
    let part = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    match edges {
        Edges::Any => true,
        Edges::Word => !part(before.chars().next_back()) && !part(after.chars().next()),
        Edges::Dots => {
            let dotted_before = match before.as_bytes() {
                [.., other, b'.'] => other.is_ascii_digit(),
                // `Chrome/120.0.0.0`
                [.., other, b'/'] => other.is_ascii_alphabetic(),
                _ => false,
            };
            let dotted_after =
                matches!(after.as_bytes(), [b'.', other, ..] if other.is_ascii_digit());
            !part(before.chars().next_back())
                && !part(after.chars().next())
                && !dotted_before
                && !dotted_after
        }
        Edges::Token => {
            !part(before.chars().next_back())
                && !part(after.chars().next())
                && !glued_before(before.as_bytes())
                && !glued_after(after.as_bytes())
        }
    }
}

/// `x-`, `1.`, `v=1/`: the match is the tail of something longer.
fn glued_before(before: &[u8]) -> bool {
    match before {
        [.., other, b'-' | b'/' | b'+' | b'\\' | b'%'] => other.is_ascii_alphanumeric(),
        [.., other, b'.' | b',' | b':'] => other.is_ascii_digit(),
        [.., b'$' | b'#' | b'-' | b'+'] => true,
        _ => before.ends_with("€".as_bytes()) || before.ends_with("£".as_bytes()),
    }
}

/// `-x`, `.1`, `%`: the match is the head of something longer.
fn glued_after(after: &[u8]) -> bool {
    match after {
        [b'-' | b'/' | b'@' | b'+' | b'\\' | b'=', other, ..] => other.is_ascii_alphanumeric(),
        [b'.' | b',' | b':', other, ..] => other.is_ascii_digit(),
        [b'%', ..] => true,
        _ => false,
    }
}

/// Where a finding ends that its pattern only began.
fn extended(extends: Extends, text: &[u8], end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    match extends {
        Extends::No => end,
        Extends::Token => {
            let token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.=/+~".contains(byte);
            end + rest.iter().take_while(token).count()
        }
        Extends::Pem => {
            let footer = memchr::memmem::find(rest, b"-----END").and_then(|at| {
                let tail = at + b"-----END".len();
                let close = memchr::memmem::find(rest.get(tail..)?, b"-----")?;
                Some(tail + close + b"-----".len())
            });
            footer.map_or(text.len(), |footer| end + footer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_stand_beside_a_match() {
        // The match is the run of 5.
        for (text, word, token, dots) in [
            ("555", true, true, true),
            ("(555)", true, true, true),
            ("ssn=555;", true, true, true),
            ("x 555.", true, true, true),
            ("a555", false, false, false),
            ("555_", false, false, false),
            ("é555", false, false, false),
            ("555東", false, false, false),
            ("x-555", true, false, true),
            ("555-x", true, false, true),
            ("1.555", true, false, false),
            ("555.1", true, false, false),
            ("v/555", true, false, false),
            ("//555", true, true, true),
            ("$555", true, false, true),
            ("€555", true, false, true),
            ("555%", true, false, true),
            ("555:80", true, false, true),
        ] {
            let start = text.find("555").unwrap_or_default();
            let alone = |edges| stands_alone(edges, text, start..start + 3);
            assert!(alone(Edges::Any));
            assert_eq!(alone(Edges::Word), word, "{text}");
            assert_eq!(alone(Edges::Token), token, "{text}");
            assert_eq!(alone(Edges::Dots), dots, "{text}");
        }
    }

    #[test]
    fn how_far_a_finding_reaches() {
        let pem = "x -----BEGIN KEY-----\nab\n-----END KEY----- y";
        for (extends, text, from, end) in [
            (Extends::No, "abc def", 2, 2),
            (Extends::Token, "abc def", 2, 3),
            (Extends::Token, "a.b-c_d=é", 1, 8),
            (Extends::Pem, pem, 21, pem.len() - 2),
            (Extends::Pem, "-----BEGIN KEY-----\nab", 19, 22),
        ] {
            assert_eq!(extended(extends, text.as_bytes(), from), end, "{text}");
        }
    }
}
