//! The words of a text and of a column's name, each with the hash that phrases are found by.

use super::simd::{self, BLOCK};

/// The hash of no words.
pub(super) const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of a phrase that goes on with one more word.
pub(super) fn chain(so_far: u64, word: u64) -> u64 {
    (so_far.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A word of a text: where it stands and the hash of its letters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) hash: u64,
}

/// The words of a text, in order, read off a mask of letters 64 bytes at a time.
#[derive(Clone)]
pub(super) struct Words<'a> {
    text: &'a [u8],
    /// Where the mask begins.
    base: usize,
    /// The letters from `base` that belong to no word yet.
    mask: u64,
    to: usize,
}

impl<'a> Words<'a> {
    /// All words.
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self::within(text, 0, text.len())
    }

    /// The words that begin in a part of the text. A word that begins before it is left out.
    pub(super) fn within(text: &'a [u8], from: usize, to: usize) -> Self {
        let mask = simd::letters(text, from);
        let mut words = Self {
            text,
            base: from,
            mask,
            to: to.min(text.len()),
        };
        let cut = from.checked_sub(1).and_then(|before| text.get(before));
        if cut.is_some_and(|byte| letter(*byte)) {
            words.finish(0);
        }
        words
    }

    /// Takes the run of letters at `place` out of the mask, and those it goes on with in the blocks
    /// after; gives its length.
    fn finish(&mut self, mut place: u32) -> usize {
        let mut len = 0;
        loop {
            let run = (self.mask >> place).trailing_ones();
            len += run as usize;
            let after = place + run;
            if after < 64 {
                self.mask = self.mask >> after << after;
                return len;
            }
            self.base += BLOCK;
            self.mask = simd::letters(self.text, self.base);
            place = 0;
        }
    }
}

fn letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Sets the bit that tells small letters from capitals, in ASCII and in the Latin-1 part of UTF-8.
const SMALL: u64 = 0x2020_2020_2020_2020;

/// The hash of a word: its length, its first eight bytes and its last eight, in small letters.
/// Longer words that differ only in between count as the same; there are none among the phrases.
fn hash(text: &[u8], start: usize, end: usize) -> u64 {
    let len = end - start;
    let (first, last) = if len <= 8 {
        let mask = u64::MAX >> (64 - 8 * len.max(1));
        ((eight(text, start) | SMALL) & mask, 0)
    } else {
        (eight(text, start) | SMALL, eight(text, end - 8) | SMALL)
    };
    let mixed = first.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ last.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(29);
    (mixed ^ mixed >> 32)
        .wrapping_add(len as u64)
        .wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// Eight bytes of the text, zeros past its end.
fn eight(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest
            .iter()
            .rev()
            .fold(0, |all, byte| all << 8 | u64::from(*byte)),
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        while self.mask == 0 {
            self.base += BLOCK;
            if self.base >= self.to {
                return None;
            }
            self.mask = simd::letters(self.text, self.base);
        }
        let place = self.mask.trailing_zeros();
        let start = self.base + place as usize;
        if start >= self.to {
            return None;
        }
        let end = start + self.finish(place);
        // A plural drops its `s`; `ss` is no plural.
        let plural = match self.text.get(start..end)? {
            [_, _, .., before, b's' | b'S'] => before | 0x20 != b's',
            _ => false,
        };
        let hash = hash(self.text, start, end - usize::from(plural));
        Some(Word { start, end, hash })
    }
}

/// A column's name as words: `camelCase`, `HTTPServer`, `snake_case` and digits are taken apart.
pub(super) fn spaced(path: &str) -> String {
    let chars: Vec<char> = path.chars().collect();
    let mut out = String::with_capacity(path.len() + 8);
    for (at, &char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        let begins = char.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase())
                || (before.is_some_and(|before| before.is_uppercase())
                    && after.is_some_and(|after| after.is_lowercase())));
        if begins {
            out.push(' ');
        }
        out.push(if char.is_alphabetic() { char } else { ' ' });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let hashes = |text: &str| {
            Words::of(text.as_bytes())
                .map(|word| word.hash)
                .collect::<Vec<_>>()
        };
        hashes(one) == hashes(other)
    }

    #[test]
    fn words_that_count_as_the_same() {
        for (one, other) in [
            ("Phone", "PHONE"),
            ("phones", "phone"),
            ("Öffnung", "öffnung"),
            ("Steueridentifikationsnummer", "STEUERIDENTIFIKATIONSNUMMER"),
            ("date-of-birth", "Date of Birth"),
            ("phone", "phone 12"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
        for (one, other) in [
            ("phone", "phono"),
            ("class", "clas"),
            ("as", "a"),
            ("numberplate", "numberplace"),
            ("a", ""),
        ] {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn words_are_whole_across_blocks() {
        for len in [1, 7, 63, 64, 65, 130] {
            for pad in 0..130 {
                let text = format!("{}{} 12 ab", "-".repeat(pad), "é".repeat(len));
                let ends: Vec<_> = Words::of(text.as_bytes())
                    .map(|word| (word.start, word.end))
                    .collect();
                let end = pad + 2 * len;
                assert_eq!(ends, [(pad, end), (end + 4, end + 6)], "{len} behind {pad}");
                let inside = Words::within(text.as_bytes(), pad + 1, text.len());
                assert_eq!(inside.map(|word| word.start).collect::<Vec<_>>(), [end + 4]);
                assert_eq!(Words::within(text.as_bytes(), 0, pad).count(), 0);
            }
        }
    }

    #[test]
    fn names_taken_apart() {
        for (name, expected) in [
            ("homePhone", "home Phone"),
            ("SSNHash", "SSN Hash"),
            ("address.line_1", "address line  "),
            ("größeÜber", "größe Über"),
        ] {
            assert_eq!(spaced(name), expected);
        }
    }
}
