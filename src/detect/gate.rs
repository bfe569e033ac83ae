//! The gate: which parts of a text can hold anything at all, told from its bytes 64 at a time.
//!
//! Every pattern needs an anchor: digits, an `@`, or a literal such as `eyJ`. The gate marks the
//! anchors of a block as bits, asks whether they are dense enough for any pattern, and gives the spans
//! worth searching. It never refuses a span that holds a match; what it lets through is searched.

use super::library::{Anchors, Recogniser};
use super::simd::{self, BLOCK, Marks, Prefix, Shape};

/// The fewest digits of any pattern without structure (see [`structured`]).
const DIGITS_MIN: u32 = 6;
/// The shortest text a word and a number it speaks for fit into.
const CONTEXT_MIN: usize = 7;
/// The shortest text any pattern with a literal matches.
const LITERAL_MIN: usize = 14;

/// A part of a text with anchors in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cluster {
    /// The first anchor.
    pub(super) start: usize,
    /// One past the last anchor.
    pub(super) end: usize,
    /// Whether a pattern may match here whatever stands around it.
    pub(super) hot: bool,
    /// Whether there is a digit, so that a word nearby may make something of it.
    pub(super) digit: bool,
    /// Whether there is a literal: what it begins may go on past a blank.
    pub(super) literal: bool,
}

/// The compiled gate of a set of recognisers.
#[derive(Debug)]
pub(super) struct Gate {
    at: bool,
    literals: Vec<Literal>,
    prefix: Prefix,
}

/// A literal and the few bytes of it that the vectors look for.
#[derive(Debug)]
struct Literal {
    bytes: Vec<u8>,
    /// Where the rare part begins.
    rare: usize,
}

impl Literal {
    /// A literal with its rarest four bytes picked: those of prose are taken for common.
    fn new(bytes: &[u8]) -> Self {
        let common = |byte: &u8| match byte {
            b'a'..=b'z' => 3_u32,
            b' ' | b'.' => 4,
            b'-' => 2,
            b'_' => 0,
            _ => 1,
        };
        let width = bytes.len().min(Prefix::WIDTH);
        let rare = bytes
            .windows(width.max(1))
            .enumerate()
            .min_by_key(|(_, part)| part.iter().map(common).sum::<u32>())
            .map_or(0, |(at, _)| at);
        Self {
            bytes: bytes.to_vec(),
            rare,
        }
    }

    fn rare(&self) -> &[u8] {
        self.bytes.get(self.rare..).unwrap_or_default()
    }
}

impl Gate {
    /// The gate of these recognisers.
    pub(super) fn new<'a>(recognisers: impl Iterator<Item = &'a Recogniser>) -> Self {
        let mut at = false;
        let mut literals: Vec<&str> = Vec::new();
        for recogniser in recognisers {
            match &recogniser.anchors {
                Anchors::Digits => {}
                Anchors::At => at = true,
                Anchors::Literals(more) => literals.extend(more.iter().map(String::as_str)),
            }
        }
        Self::of(at, &literals)
    }

    fn of(at: bool, literals: &[&str]) -> Self {
        let mut literals = literals.to_vec();
        literals.sort_unstable();
        literals.dedup();
        let literals: Vec<_> = literals
            .iter()
            .map(|text| Literal::new(text.as_bytes()))
            .collect();
        let mut prefix = Prefix::default();
        for literal in &literals {
            prefix.add(literal.rare());
        }
        Self {
            at,
            literals,
            prefix,
        }
    }

    /// The anchors of a text of at most one block.
    fn short(&self, text: &[u8]) -> Marks {
        let prefix =
            (text.len() >= LITERAL_MIN && !self.literals.is_empty()).then_some(&self.prefix);
        let mut marks = simd::short(text, prefix);
        self.settle(text, 0, &mut marks);
        marks
    }

    /// Drops the marks that no wanted pattern needs, and literals that only began alike.
    fn settle(&self, text: &[u8], from: usize, marks: &mut Marks) {
        if !self.at {
            marks.at = 0;
        }
        let mut candidates = marks.literal;
        while candidates != 0 {
            let place = candidates.trailing_zeros();
            candidates &= candidates - 1;
            let here = from + place as usize;
            let stands = |literal: &Literal| {
                // One byte decides most of the time, without a call.
                text.get(here) == literal.rare().first()
                    && here
                        .checked_sub(literal.rare)
                        .and_then(|start| text.get(start..))
                        .is_some_and(|rest| rest.starts_with(&literal.bytes))
            };
            if !self.literals.iter().any(stands) {
                marks.literal &= !(1 << place);
            }
        }
    }

    /// Whether anything can be found in a column whose name says nothing.
    pub(super) fn may_pass(&self, text: &[u8]) -> bool {
        if text.len() > BLOCK {
            return self.may_hold_anchor(text);
        }
        if timestamp(text) {
            return false;
        }
        let marks = self.short(text);
        marks.any() && {
            let shape = simd::shape(text, 0);
            !harmless(marks, shape, text.len()) && (hot(marks, shape) || worded(text, marks, shape))
        }
    }

    /// Whether there is any anchor at all.
    pub(super) fn may_hold_anchor(&self, text: &[u8]) -> bool {
        if text.len() <= BLOCK {
            return self.short(text).any();
        }
        (0..text.len()).step_by(BLOCK).any(|from| {
            let mut marks = simd::block(text, from, &self.prefix);
            self.settle(text, from, &mut marks);
            marks.any()
        })
    }

    /// The clusters of a text. `eager` keeps shapes that are known to be harmless, such as dates:
    /// the column's name speaks for them. `marks` is a buffer.
    pub(super) fn survey(
        &self,
        text: &[u8],
        eager: bool,
        marks: &mut Vec<Marks>,
        clusters: &mut Vec<Cluster>,
    ) {
        clusters.clear();
        if text.len() <= BLOCK {
            if !eager && timestamp(text) {
                return;
            }
            let marks = self.short(text);
            if !marks.any() {
                return;
            }
            let shape = simd::shape(text, 0);
            if !eager && harmless(marks, shape, text.len()) {
                return;
            }
            let hot = hot(marks, shape);
            if hot || eager || worded(text, marks, shape) {
                clusters.push(cluster(marks, 0, hot));
            }
            return;
        }
        simd::blocks(text, &self.prefix, marks);
        let mut open: Option<Cluster> = None;
        let mut before = 0;
        for (at, marks) in marks.iter_mut().enumerate() {
            if !marks.any() {
                before = 0;
                clusters.extend(open.take());
                continue;
            }
            let from = at * BLOCK;
            self.settle(text, from, marks);
            if !marks.any() {
                before = 0;
                clusters.extend(open.take());
                continue;
            }
            let digits = marks.digit.count_ones();
            let hot = marks.at | marks.literal != 0
                || digits + before >= DIGITS_MIN
                || (digits > 0 && structured_around(text, from));
            before = digits;
            let next = cluster(*marks, from, hot);
            open = Some(match open.take() {
                Some(last) => Cluster {
                    start: last.start,
                    end: next.end,
                    hot: last.hot || next.hot,
                    digit: last.digit || next.digit,
                    literal: last.literal || next.literal,
                },
                None => next,
            });
        }
        clusters.extend(open);
    }
}

fn cluster(marks: Marks, from: usize, hot: bool) -> Cluster {
    let all = marks.digit | marks.at | marks.literal;
    Cluster {
        start: from + all.trailing_zeros() as usize,
        end: from + BLOCK - all.leading_zeros() as usize,
        hot,
        digit: marks.digit != 0,
        literal: marks.literal != 0,
    }
}

/// Whether a word that speaks for a number can stand beside it.
fn worded(text: &[u8], marks: Marks, shape: Shape) -> bool {
    text.len() >= CONTEXT_MIN
        && marks.digit != 0
        && (shape.alnum != marks.digit || !text.is_ascii())
}

/// Whether a short text can hold a pattern that needs no word.
fn hot(marks: Marks, shape: Shape) -> bool {
    marks.at | marks.literal != 0
        || marks.digit.count_ones() >= DIGITS_MIN
        || (marks.digit != 0 && structured(shape, Shape::default()))
}

/// The same question for a block and its neighbours.
fn structured_around(text: &[u8], from: usize) -> bool {
    let here = simd::shape(text, from);
    let before = from.checked_sub(BLOCK).map(|from| simd::shape(text, from));
    structured(before.unwrap_or_default(), here)
        || structured(here, simd::shape(text, from + BLOCK))
}

/// Whether a few digits may still be enough: three separators between characters (IP and MAC
/// addresses), `::`, or one long word (wallets).
fn structured(first: Shape, second: Shape) -> bool {
    let join = |low: u64, high: u64| u128::from(low) | u128::from(high) << BLOCK;
    let alnum = join(first.alnum, second.alnum);
    let colon = join(first.colon, second.colon);
    let separator = colon | join(first.dot | first.hyphen, second.dot | second.hyphen);
    let between = separator & (alnum << 1) & (alnum >> 1);
    if between.count_ones() >= 3 || colon & (colon >> 1) != 0 {
        return true;
    }
    // A bit stays where 24 characters in a row begin.
    let mut run = alnum & (alnum >> 1);
    run &= run >> 2;
    run &= run >> 4;
    run & (run >> 8) & (run >> 16) != 0
}

/// Whether a whole text of at most 64 bytes is a UUID or a short number: shapes no pattern takes
/// without a word or a column that speaks for it.
fn harmless(marks: Marks, shape: Shape, len: usize) -> bool {
    const HYPHENS: u64 = 1 << 8 | 1 << 13 | 1 << 18 | 1 << 23;
    if marks.at | marks.literal != 0 {
        return false;
    }
    let all = if len >= BLOCK {
        u64::MAX
    } else {
        (1 << len) - 1
    };
    let number = len < 13 && (marks.digit | shape.dot) == all && shape.dot.count_ones() <= 1;
    let uuid = len == 36 && shape.hyphen == HYPHENS && shape.alnum == all & !HYPHENS;
    number || uuid
}

/// Whether a whole text is `2024-01-31`, alone or followed by a time of day and a zone: the most
/// frequent strings with digits, so they leave first.
fn timestamp(text: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let [a, b, c, d, b'-', e, f, b'-', g, h, rest @ ..] = text else {
        return false;
    };
    if !digits(&[*a, *b, *c, *d, *e, *f, *g, *h]) {
        return false;
    }
    let zone = |byte: &u8| {
        matches!(
            byte,
            b'0'..=b'9' | b'.' | b':' | b'+' | b'-' | b'Z' | b' ' | b'U' | b'T' | b'C'
        )
    };
    match rest {
        [] => true,
        [b'T' | b' ', i, j, b':', k, l, b':', m, n, tail @ ..] => {
            digits(&[*i, *j, *k, *l, *m, *n]) && tail.len() <= 16 && tail.iter().all(zone)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(literals: &[&str]) -> Gate {
        Gate::of(true, literals)
    }

    #[test]
    fn short_values_that_leave_at_once() {
        let gate = gate(&["eyJ"]);
        for text in [
            "",
            "open",
            "en_US",
            "3606.50",
            "123456789012",
            "2021-01-01",
            "2021-01-01T01:44:53.040Z",
            "2014-11-11 22:50:40.719+00:00",
            "09cbf9f1-e369-41ec-a232-6a5797962127",
            "v1.2",
            "A-17",
            "привет",
        ] {
            assert!(!gate.may_pass(text.as_bytes()), "{text}");
        }
        for text in [
            "a@b.co",
            "eyJhbGciOiJub25lIn0.e30.",
            "+12125550123",
            "1.1.1.1",
            "a1:bb:cc:dd:ee:ff",
            "2001:db8::1",
            "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
            "12 High St",
            "212-555-0123",
        ] {
            assert!(gate.may_pass(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn anchors_across_blocks_make_one_cluster() {
        let gate = gate(&[]);
        let text = format!("{}123 45{}678 {}", "x".repeat(60), "", "y".repeat(200));
        let mut clusters = Vec::new();
        gate.survey(text.as_bytes(), false, &mut Vec::new(), &mut clusters);
        assert_eq!(
            clusters,
            [Cluster {
                start: 60,
                end: 69,
                hot: true,
                digit: true,
                literal: false
            }]
        );
    }

    #[test]
    fn a_literal_across_blocks_is_seen() {
        let gate = gate(&["-----BEGIN"]);
        for pad in 0..140 {
            let text = format!("{}-----BEGIN{}", " ".repeat(pad), " ".repeat(90));
            let mut clusters = Vec::new();
            gate.survey(text.as_bytes(), false, &mut Vec::new(), &mut clusters);
            let first = clusters
                .first()
                .map(|cluster| (cluster.start / 10, cluster.literal));
            assert_eq!(first, Some(((pad + 5) / 10, true)), "{pad}");
        }
    }
}
