//! The structure of one line, found 64 bytes at a time.
//!
//! [`index`] records where the braces, brackets, colons and commas outside strings stand; [`check`] only
//! proves that a line is balanced and looks out for keys that would change whose record it is. Both end at
//! the first newline.
//!
//! The method is the first stage of "Parsing Gigabytes of JSON per Second" (Langdale and Lemire, 2019):
//! one bit per byte for every character class, escapes resolved by carry-propagating subtraction, strings
//! by a prefix XOR over the quotes.

mod block;

use block::{Classify, Kernel, Masks, STEP};

/// Newlines that must stand behind the last line of a buffer.
pub const PADDING: usize = STEP;

/// What was seen on the way to the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    /// Offset of the newline.
    pub end: usize,
    /// Some byte is not ASCII: the line must be checked for UTF-8.
    pub non_ascii: bool,
    /// Some byte is a backslash: strings may need unescaping.
    pub escaped: bool,
    /// A string of the line reads `stream` or `namespace`; only [`check`] looks for it.
    pub names_stream: bool,
    /// Why the line cannot be JSON, if it cannot.
    pub fault: Option<Fault>,
}

/// Lexical faults that make a line unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The line ends inside a string.
    OpenString,
    /// A raw control character stands in a string.
    ControlCharacter,
    /// Braces and brackets do not pair up.
    Unbalanced,
    /// A string touches something else than a separator or a blank.
    Glued,
}

impl Fault {
    /// The fault as a fragment that reads well after "the line".
    pub fn text(self) -> &'static str {
        match self {
            Self::OpenString => "ends inside a string",
            Self::ControlCharacter => "holds a raw control character inside a string",
            Self::Unbalanced => "has braces or brackets that do not pair up",
            Self::Glued => "has a string that runs into other text",
        }
    }
}

/// Appends the positions of the structural characters of the line at `start`.
///
/// # Panics
/// When the buffer does not end in [`PADDING`] newlines.
pub fn index(bytes: &[u8], start: usize, positions: &mut Vec<u32>) -> Scan {
    block::with_best(Index {
        bytes,
        start,
        positions,
    })
}

/// Proves that the line at `start` closes everything it opens, and finds strings that read `stream` or
/// `namespace` at or behind `from`.
///
/// # Panics
/// When the buffer does not end in [`PADDING`] newlines.
pub fn check(bytes: &[u8], start: usize, from: usize) -> Scan {
    block::with_best(Check { bytes, start, from })
}

/// Escape and string state carried from block to block within a line, and what has been seen.
#[derive(Default)]
struct Line {
    escaped: u64,
    in_string: u64,
    high: u64,
    backslash: u64,
    control: u64,
    glued: u64,
    /// The last byte of the block before ends a string.
    string_ended: u64,
    /// The last byte of the block before is neither separator nor blank. The first of a line has none.
    in_text: u64,
}

/// One block with its strings resolved.
struct Resolved {
    quotes: u64,
    strings: u64,
    /// Bytes of this block that belong to the line.
    inside: u64,
    /// Whether a string is open behind the last of them.
    open: bool,
}

impl Line {
    #[inline(always)]
    fn resolve<C: Classify>(&mut self, masks: &Masks) -> Resolved {
        let quotes = masks.quote & !self.escape(masks.backslash);
        let strings = C::prefix_xor(quotes) ^ self.in_string;
        let inside = before(masks.newline);
        let open = match inside.trailing_ones() {
            0 => self.in_string & 1,
            length => strings >> (length - 1) & 1,
        };
        // Sign extension spreads the state behind the last byte over the next block.
        self.in_string = (strings.cast_signed() >> 63).cast_unsigned();
        self.high |= masks.high & inside;
        self.backslash |= masks.backslash & inside;
        self.control |= masks.control & strings & inside;
        self.glue(masks, quotes, strings, inside);
        Resolved {
            quotes: quotes & inside,
            strings,
            inside,
            open: open != 0,
        }
    }

    /// Looks at the bytes on both sides of every string: damage that moves a quote shows there.
    #[inline(always)]
    fn glue(&mut self, masks: &Masks, quotes: u64, strings: u64, inside: u64) {
        let between = masks.open | masks.close | masks.separator | masks.control | masks.space;
        let (opening, closing) = (quotes & strings, quotes & !strings);
        let behind = closing << 1 | self.string_ended;
        let before = !between << 1 | self.in_text;
        self.glued |= (behind & !between | opening & before) & inside;
        self.string_ended = closing >> 63;
        self.in_text = !between >> 63;
    }

    /// Bits of the characters that a backslash before them escapes.
    #[inline(always)]
    fn escape(&mut self, backslash: u64) -> u64 {
        if backslash == 0 {
            return std::mem::take(&mut self.escaped);
        }
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let potential = backslash & !self.escaped;
        let escaping = ((potential << 1) | ODD).wrapping_sub(potential) ^ ODD;
        let escaped = escaping ^ (backslash | self.escaped);
        self.escaped = (escaping & backslash) >> 63;
        escaped
    }

    #[inline(always)]
    fn finish(&self, end: usize, open: bool, depth: i64, names_stream: bool) -> Scan {
        let fault = if open {
            Some(Fault::OpenString)
        } else if self.control != 0 {
            Some(Fault::ControlCharacter)
        } else if depth != 0 {
            Some(Fault::Unbalanced)
        } else if self.glued != 0 {
            Some(Fault::Glued)
        } else {
            None
        };
        Scan {
            end,
            non_ascii: self.high != 0,
            escaped: self.backslash != 0,
            names_stream,
            fault,
        }
    }
}

/// Bits below the first newline of a block; all bits when there is none.
#[inline(always)]
fn before(newline: u64) -> u64 {
    (newline & newline.wrapping_neg()).wrapping_sub(1)
}

#[inline(always)]
fn window(bytes: &[u8], at: usize) -> &[u8; STEP] {
    bytes[at..]
        .first_chunk()
        .expect("the buffer ends in PADDING newlines")
}

struct Index<'a> {
    bytes: &'a [u8],
    start: usize,
    positions: &'a mut Vec<u32>,
}

impl Kernel for Index<'_> {
    type Output = Scan;

    #[inline(always)]
    fn run<C: Classify>(self) -> Scan {
        let mut line = Line::default();
        let mut depth = 0;
        let mut at = self.start;
        loop {
            let masks = C::masks(window(self.bytes, at));
            let block = line.resolve::<C>(&masks);
            let outside = block.inside & !block.strings;
            depth += i64::from((masks.open & outside).count_ones());
            depth -= i64::from((masks.close & outside).count_ones());
            push(
                self.positions,
                at,
                (masks.open | masks.close | masks.separator) & outside,
            );
            if block.inside != u64::MAX {
                let end = at + block.inside.trailing_ones() as usize;
                return line.finish(end, block.open, depth, false);
            }
            at += STEP;
        }
    }
}

/// Appends `at` plus the place of every set bit.
#[inline(always)]
fn push(positions: &mut Vec<u32>, at: usize, mut bits: u64) {
    let count = bits.count_ones() as usize;
    positions.reserve(STEP);
    let length = positions.len();
    let spare = positions.spare_capacity_mut();
    let mut written = 0;
    // Eight at a time without asking how many are left: the branch would be missed more often than the
    // superfluous writes cost.
    while written < count {
        for slot in &mut spare[written..written + 8] {
            slot.write(at as u32 + bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
        written += 8;
    }
    // SAFETY: the loop has initialised at least `count` elements, within the reserved capacity.
    unsafe { positions.set_len(length + count) };
}

struct Check<'a> {
    bytes: &'a [u8],
    start: usize,
    from: usize,
}

/// Distance between the two quotes of `"stream"` and of `"namespace"`.
const STREAM: u32 = 7;
const NAMESPACE: u32 = 10;

impl Kernel for Check<'_> {
    type Output = Scan;

    #[inline(always)]
    fn run<C: Classify>(self) -> Scan {
        let mut line = Line::default();
        let (mut depth, mut before) = (0, 0);
        let mut names_stream = false;
        let mut at = self.start;
        loop {
            let bytes = window(self.bytes, at);
            let masks = C::masks(bytes);
            let block = line.resolve::<C>(&masks);
            let outside = block.inside & !block.strings;
            depth += i64::from((masks.open & outside).count_ones());
            depth -= i64::from((masks.close & outside).count_ones());
            let shifted = |by: u32| block.quotes << by | before >> (64 - by);
            // The last letter spares nearly every look at the bytes; before the block it is not known.
            let behind = |letter: u8| C::equal(bytes, letter) << 1 | 1;
            let closing =
                block.quotes & (shifted(STREAM) & behind(b'm') | shifted(NAMESPACE) & behind(b'e'));
            if closing != 0 {
                names_stream |= self.names(at, closing);
            }
            if block.inside != u64::MAX {
                let end = at + block.inside.trailing_ones() as usize;
                return line.finish(end, block.open, depth, names_stream);
            }
            before = block.quotes;
            at += STEP;
        }
    }
}

impl Check<'_> {
    /// Whether one of these closing quotes ends a string that reads `stream` or `namespace`.
    #[inline(always)]
    fn names(&self, at: usize, mut closing: u64) -> bool {
        let mut found = false;
        while closing != 0 {
            let quote = at + closing.trailing_zeros() as usize;
            closing &= closing - 1;
            let text = &self.bytes[self.from.min(quote)..quote];
            found |= text.ends_with(b"\"stream") || text.ends_with(b"\"namespace");
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(line: &str) -> Vec<u8> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.resize(bytes.len() + PADDING, b'\n');
        bytes
    }

    /// The same answer, one byte after the other.
    fn reference(line: &[u8]) -> (Vec<u32>, bool, i64) {
        let (mut positions, mut string, mut escape, mut depth) = (vec![], false, false, 0);
        for (i, &byte) in line.iter().enumerate() {
            if std::mem::take(&mut escape) && (byte == b'"' || byte == b'\\') {
                continue;
            }
            if byte == b'\\' {
                escape = true;
            } else if byte == b'"' {
                string = !string;
            } else if !string && b"{}[]:,".contains(&byte) {
                positions.push(i as u32);
                depth += i64::from(b"{[".contains(&byte)) - i64::from(b"}]".contains(&byte));
            }
        }
        (positions, string, depth)
    }

    /// Whether a quote outside strings stands beside something else than a separator or blank.
    fn glued(line: &[u8]) -> bool {
        let (mut string, mut escape, mut glued) = (false, false, false);
        let between = |byte: Option<&u8>| byte.is_none_or(|b| b"{}[]:, \t".contains(b));
        for (i, &byte) in line.iter().enumerate() {
            if std::mem::take(&mut escape) && (byte == b'"' || byte == b'\\') {
                continue;
            }
            escape = byte == b'\\';
            if byte == b'"' {
                let beside = if string {
                    line.get(i + 1)
                } else {
                    i.checked_sub(1).map(|i| &line[i])
                };
                glued |= !between(beside);
                string = !string;
            }
        }
        glued
    }

    #[test]
    fn index_and_check_agree_with_a_byte_by_byte_reading() {
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        for round in 0..4000 {
            let length = round % 200;
            let line: String = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    b"\\\\\"\"{}[]:,ab 1\t"[(seed >> 33) as usize % 15] as char
                })
                .collect();
            let bytes = padded(&line);
            let (expected, open, depth) = reference(line.as_bytes());
            let mut positions = vec![];
            let scan = index(&bytes, 0, &mut positions);
            assert_eq!(positions, expected, "{line}");
            assert_eq!(scan.end, line.len());
            assert_eq!(scan.fault == Some(Fault::OpenString), open, "{line}");
            if scan.fault.is_none() {
                assert_eq!(depth, 0, "{line}");
                assert!(!glued(line.as_bytes()), "{line}");
            } else if scan.fault == Some(Fault::Glued) {
                assert!(glued(line.as_bytes()), "{line}");
            }
            let checked = check(&bytes, 0, 0);
            assert_eq!(
                (checked.fault, checked.end),
                (scan.fault, scan.end),
                "{line}"
            );
        }
    }

    #[test]
    fn check_sees_keys_that_would_move_a_record() {
        for (line, expected) in [
            (r#"{"a":"stream"}"#, true),
            (
                r#"{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":{},"stream":1}"#,
                true,
            ),
            (r#"{"namespace":"x"}"#, true),
            (r#"{"streams":"stream "}"#, false),
            (r#"{"string":"namespaces"}"#, false),
        ] {
            assert_eq!(check(&padded(line), 0, 0).names_stream, expected, "{line}");
        }
    }

    #[test]
    fn control_characters_count_inside_strings_only() {
        assert_eq!(
            check(&padded("{\"a\":\"x\ty\"}"), 0, 0).fault,
            Some(Fault::ControlCharacter)
        );
        assert_eq!(check(&padded("{\t\"a\":1}\r"), 0, 0).fault, None);
    }
}
