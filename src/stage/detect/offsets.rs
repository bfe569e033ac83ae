//! Where a place in a text stands in the JSON string that spells it.

/// Finds the bytes of a JSON string that an offset in its text belongs to. Offsets must ascend.
pub(super) struct Offsets<'a> {
    inner: &'a [u8],
    escaped: bool,
    raw: usize,
    text: usize,
}

impl<'a> Offsets<'a> {
    pub(super) fn new(inner: &'a [u8], escaped: bool) -> Self {
        Self {
            inner,
            escaped,
            raw: 0,
            text: 0,
        }
    }

    pub(super) fn raw(&mut self, offset: usize) -> usize {
        if !self.escaped {
            return offset.min(self.inner.len());
        }
        while self.text < offset && self.raw < self.inner.len() {
            let (raw, text) = self.step();
            self.raw += raw;
            self.text += text;
        }
        self.raw
    }

    /// Bytes of the next character, escaped and plain.
    fn step(&self) -> (usize, usize) {
        let rest = &self.inner[self.raw..];
        if rest[0] != b'\\' {
            return (1, 1);
        }
        let unit = |at: usize| {
            let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        match unit(0) {
            None => (2, 1),
            Some(0xD800..0xDC00) if unit(6).is_some_and(|low| (0xDC00..0xE000).contains(&low)) => {
                (12, 4)
            }
            Some(unit) => (6, char::from_u32(unit).map_or(3, char::len_utf8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Current;

    #[test]
    fn offsets_in_text_are_found_in_escapes() {
        let inner = br#"a\n\u00e9\ud83d\ude00\ud83dx\"b"#;
        let Current::Text(text) = Current::of(br#""a\n\u00e9\ud83d\ude00\ud83dx\"b""#) else {
            panic!("text");
        };
        for (needle, expected) in [
            ("\n", 1),
            ("é", 3),
            ("\u{1F600}", 9),
            ("\u{FFFD}", 21),
            ("x", 27),
            ("\"", 28),
            ("b", 30),
        ] {
            let at = text.find(needle).expect(needle);
            assert_eq!(Offsets::new(inner, true).raw(at), expected, "{needle}");
        }
    }
}
