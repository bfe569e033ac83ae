//! What a text is like: what it reads as, its form, its characters.

use super::number;
use crate::batch::temporal;

/// What a string reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Integer,
    Number,
    Boolean,
    Date,
    Timestamp,
    TimestampWithTimezone,
    Time,
    Uuid,
}

/// The names of [`Reads`], in their order.
pub const READS: [&str; 8] = [
    "integer",
    "number",
    "boolean",
    "date",
    "timestamp",
    "timestamp_with_timezone",
    "time",
    "uuid",
];

/// Longest text that reads as anything but text.
const READS_MAX: usize = 64;

/// What a text reads as, and which moment it names, in microseconds since 1970-01-01T00:00:00Z.
#[inline]
pub fn read(text: &str) -> (Option<Reads>, Option<i64>) {
    let bytes = text.as_bytes();
    if bytes.len() > READS_MAX {
        return (None, None);
    }
    match bytes {
        [b'0'..=b'9', ..] if is_dated(bytes) => {
            if let Some(moment) = temporal::timestamp(text) {
                return (Some(precise(bytes)), Some(moment.value));
            }
        }
        [b'0'..=b'9', b'0'..=b'9', b':', ..] if temporal::time(text).is_some() => {
            return (Some(Reads::Time), None);
        }
        [b't' | b'T' | b'f' | b'F', ..] if is_boolean(text) => return (Some(Reads::Boolean), None),
        _ => {}
    }
    if bytes.len() == 36 && is_uuid(bytes) {
        return (Some(Reads::Uuid), None);
    }
    let reads = match bytes {
        [b'0'..=b'9' | b'-', ..] => number::read(bytes).map(|number| match number.pointed {
            true => Reads::Number,
            false => Reads::Integer,
        }),
        _ => None,
    };
    (reads, None)
}

/// Begins with a date of four digits of year.
#[inline]
fn is_dated(text: &[u8]) -> bool {
    text.len() >= 10
        && text[4] == b'-'
        && text[7] == b'-'
        && text[..4].iter().all(u8::is_ascii_digit)
}

fn precise(text: &[u8]) -> Reads {
    match text.get(10..) {
        None | Some([]) => Reads::Date,
        Some(clock)
            if clock
                .iter()
                .any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-')) =>
        {
            Reads::TimestampWithTimezone
        }
        Some(_) => Reads::Timestamp,
    }
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Longest form, in bytes.
pub const SHAPE_MAX: usize = 64;

/// A form as it is written: `a`, `A`, `9`, others as they are, a run marked by `+` behind it; `+` and `\` themselves
/// stand behind a `\`.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    text: [u8; SHAPE_MAX],
    length: usize,
    last: Option<char>,
    run: bool,
}

impl Shape {
    /// The form of a text, of which it is known whether it is ASCII; `None` when it is too long.
    #[inline]
    pub fn of(text: &str, ascii: bool) -> Option<Self> {
        let mut shape = Self {
            text: [0; SHAPE_MAX],
            length: 0,
            last: None,
            run: false,
        };
        let fits = match ascii {
            true => text
                .bytes()
                .all(|byte| shape.put(char::from(CLASSES[usize::from(byte)]))),
            false => text.chars().all(|character| shape.put(class(character))),
        };
        fits.then_some(shape)
    }

    /// Its text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    #[inline]
    fn put(&mut self, class: char) -> bool {
        if self.last == Some(class) {
            if self.run {
                return true;
            }
            self.run = true;
            return self.write(b'+');
        }
        (self.last, self.run) = (Some(class), false);
        match class {
            '+' | '\\' => self.write(b'\\') && self.write(class as u8),
            class if class.is_ascii() => self.write(class as u8),
            class => {
                let mut bytes = [0; 4];
                class
                    .encode_utf8(&mut bytes)
                    .bytes()
                    .all(|byte| self.write(byte))
            }
        }
    }

    #[inline]
    fn write(&mut self, byte: u8) -> bool {
        match self.text.get_mut(self.length) {
            Some(place) => {
                *place = byte;
                self.length += 1;
                true
            }
            None => false,
        }
    }
}

/// The class of every ASCII character.
const CLASSES: [u8; 128] = {
    let mut classes = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => b'a',
            b'A'..=b'Z' => b'A',
            b'0'..=b'9' => b'9',
            other => other,
        };
        byte += 1;
    }
    classes
};

fn class(character: char) -> char {
    match character {
        c if c.is_ascii() => char::from(CLASSES[c as usize & 127]),
        c if c.is_uppercase() => 'A',
        c if c.is_alphabetic() => 'a',
        c if c.is_numeric() => '9',
        c => c,
    }
}

/// Different characters that are kept.
const CHARACTERS_MAX: usize = 128;

/// Characters that are found again without a search.
const RECENT: usize = 32;

/// The characters of texts; nothing once there are too many.
#[derive(Debug, Clone)]
pub struct Characters {
    /// 1 for every ASCII character that was met.
    ascii: [u8; 128],
    /// In order.
    others: Vec<char>,
    /// Some of them by their last bits: most characters were met a moment ago.
    recent: [char; RECENT],
    dead: bool,
}

impl Default for Characters {
    fn default() -> Self {
        Self {
            ascii: [0; 128],
            others: Vec::new(),
            recent: ['\0'; RECENT],
            dead: false,
        }
    }
}

impl Characters {
    /// Adds the characters of a text, of which it is known whether it is ASCII.
    #[inline]
    pub fn add(&mut self, text: &str, ascii: bool) {
        if self.dead {
            return;
        }
        if ascii {
            // A store costs less than a look whether it is needed.
            text.bytes()
                .for_each(|byte| self.ascii[usize::from(byte & 127)] = 1);
            return;
        }
        self.add_any(text);
    }

    fn add_any(&mut self, text: &str) {
        /// The highest bit of every byte: set in none of ASCII.
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        for (at, word) in words.iter().enumerate() {
            if u64::from_le_bytes(*word) & HIGH == 0 {
                word.iter()
                    .for_each(|byte| self.ascii[usize::from(byte & 127)] = 1);
            } else {
                self.add_bytes(text, at * 8, word);
            }
        }
        self.add_bytes(text, words.len() * 8, rest);
        self.judge();
    }

    /// Adds some bytes of a text, which begin at `start`.
    fn add_bytes(&mut self, text: &str, start: usize, bytes: &[u8]) {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                0..128 => self.ascii[usize::from(*byte)] = 1,
                // The first byte of a character; those that follow tell nothing more.
                192.. => text[start + at..].chars().take(1).for_each(|character| {
                    let recent = &mut self.recent[character as usize % RECENT];
                    if *recent != character {
                        *recent = character;
                        self.other(character);
                    }
                }),
                _ => {}
            }
        }
    }

    fn ascii_count(&self) -> usize {
        self.ascii.iter().map(|met| usize::from(*met)).sum()
    }

    #[inline]
    fn other(&mut self, character: char) {
        if let Err(at) = self.others.binary_search(&character)
            && self.others.len() <= CHARACTERS_MAX
        {
            self.others.insert(at, character);
        }
    }

    /// Nothing is kept of too many.
    fn judge(&mut self) {
        if self.others.len() + self.ascii_count() > CHARACTERS_MAX {
            self.die();
        }
    }

    /// Adds what another has met.
    pub fn merge(&mut self, other: &Self) {
        if other.dead {
            self.die();
        }
        if !self.dead {
            let both = self.ascii.iter_mut().zip(&other.ascii);
            both.for_each(|(met, other)| *met |= other);
            other
                .others
                .iter()
                .for_each(|character| self.other(*character));
            self.judge();
        }
    }

    /// Keeps nothing from now on.
    pub fn die(&mut self) {
        *self = Self {
            dead: true,
            ..Self::default()
        };
    }

    /// Whether there are too many.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.ascii = [0; 128];
        self.others.clear();
        self.recent = ['\0'; RECENT];
        self.dead = false;
    }

    /// In order; `None` when there are too many.
    pub fn written(&self) -> Option<String> {
        let ascii = (0..128_u8)
            .filter(|byte| self.ascii[usize::from(*byte)] == 1)
            .map(char::from);
        (!self.dead).then(|| ascii.chain(self.others.iter().copied()).collect())
    }

    /// As they were before they were written down.
    pub fn read(written: Option<&str>) -> Self {
        let mut characters = Self::default();
        match written {
            Some(text) => {
                characters.add(text, text.is_ascii());
                characters.judge();
            }
            None => characters.die(),
        }
        characters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_as_what_they_spell() {
        for (text, expected) in [
            ("42", Some(Reads::Integer)),
            ("-1.50", Some(Reads::Number)),
            ("1e3", Some(Reads::Number)),
            ("007", None),
            ("TRUE", Some(Reads::Boolean)),
            ("truely", None),
            ("2024-02-29", Some(Reads::Date)),
            ("2024-02-30", None),
            ("2024-02-29T10:00:00", Some(Reads::Timestamp)),
            ("2024-02-29 10:00:00.5", Some(Reads::Timestamp)),
            ("2024-02-29T10:00:00Z", Some(Reads::TimestampWithTimezone)),
            (
                "2024-02-29T10:00:00+02:00",
                Some(Reads::TimestampWithTimezone),
            ),
            ("10:30:00", Some(Reads::Time)),
            ("123e4567-e89b-12d3-a456-426614174000", Some(Reads::Uuid)),
            ("20240229", Some(Reads::Integer)),
            ("", None),
            ("hello", None),
        ] {
            let (reads, moment) = read(text);
            assert_eq!(reads, expected, "{text}");
            let dated = matches!(
                reads,
                Some(Reads::Date | Reads::Timestamp | Reads::TimestampWithTimezone)
            );
            assert_eq!(moment.is_some(), dated, "{text}");
        }
    }

    #[test]
    fn forms_are_runs() {
        for (text, expected) in [
            ("SKU-0012", "A+-9+"),
            ("a", "a"),
            ("2024-02-29", "9+-9+-9+"),
            ("Zoë Öl", "Aa+ Aa"),
            ("+49 30", "\\+9+ 9+"),
            ("--\\\\", "-+\\\\+"),
            ("…ß", "…a"),
            ("", ""),
        ] {
            let shape = Shape::of(text, text.is_ascii()).expect(text);
            assert_eq!(
                std::str::from_utf8(shape.as_bytes()),
                Ok(expected),
                "{text}"
            );
        }
        assert!(Shape::of(&"a ".repeat(33), true).is_none());
        assert!(Shape::of(&"word".repeat(500), true).is_some());
    }

    #[test]
    fn characters_are_a_set_until_there_are_too_many() {
        let mut characters = Characters::default();
        characters.add("hello @Zoë {~}", false);
        assert_eq!(characters.written().as_deref(), Some(" @Zehlo{}~ë"));
        let again = Characters::read(characters.written().as_deref());
        assert_eq!(again.written(), characters.written());
        let many: String = ('\u{4e00}'..'\u{4e80}').collect();
        let mut other = Characters::default();
        other.add(&many, false);
        assert!(!other.is_dead(), "128 are not too many");
        other.merge(&characters);
        assert_eq!(other.written(), None);
        characters.merge(&other);
        assert!(characters.is_dead());
    }
}
