//! The outer form of a text: how many words, how they are spelt, whether there are digits.

/// What is remembered of a text's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub words: usize,
    pub letters: usize,
    pub digits: usize,
    /// Bytes of the text, blanks around it aside.
    pub bytes: usize,
    case: Case,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    None,
    Lower,
    Upper,
    /// Words begin with capitals.
    Title,
    Mixed,
}

impl Shape {
    /// The form of a text.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let (mut words, mut letters, mut digits) = (0, 0, 0);
        let (mut titled, mut lower, mut upper) = (0, 0, 0);
        for word in text.split_whitespace() {
            words += 1;
            let mut first = true;
            let (mut has_lower, mut has_upper, mut begins_upper) = (false, false, false);
            for letter in word.chars() {
                if letter.is_ascii_digit() {
                    digits += 1;
                } else if letter.is_alphabetic() {
                    letters += 1;
                    let capital = letter.is_uppercase();
                    begins_upper |= first && capital;
                    has_upper |= !first && capital;
                    has_lower |= !capital;
                    first = false;
                }
            }
            if first {
                continue;
            }
            match (begins_upper, has_upper, has_lower) {
                (true, false, true) => titled += 1,
                (true, _, false) => upper += 1,
                (false, false, true) => lower += 1,
                _ => {
                    titled += 1;
                    lower += 1;
                }
            }
        }
        let case = match (titled, lower, upper) {
            (0, 0, 0) => Case::None,
            (_, 0, 0) => Case::Title,
            (0, _, 0) => Case::Lower,
            (0, 0, _) => Case::Upper,
            _ => Case::Mixed,
        };
        Self {
            words,
            letters,
            digits,
            bytes: text.len(),
            case,
        }
    }

    /// A class of forms, below 64, for sets of them.
    pub fn class(&self) -> u32 {
        let words = match self.words {
            0 => 0,
            1 => 1,
            2 => 2,
            3..=4 => 3,
            5..=8 => 4,
            _ => 5,
        };
        (words * 5 + self.case as u32) * 2 + u32::from(self.digits > 0)
    }

    /// The text stands for the absence of a value, or is a truth value.
    pub fn says_nothing(text: &str) -> bool {
        const NOTHING: &[&str] = &[
            "",
            "-",
            "--",
            "?",
            "n/a",
            "na",
            "nan",
            "nil",
            "none",
            "null",
            "unknown",
            "undefined",
            "true",
            "false",
            "yes",
            "no",
            "not available",
            "not provided",
            "other",
            "test",
        ];
        let text = text.trim();
        text.len() <= 13
            && NOTHING
                .iter()
                .any(|nothing| text.eq_ignore_ascii_case(nothing))
    }

    /// One token that is no word: a hash, a UUID, a code, a path, an address of the web.
    pub fn is_code(text: &str) -> bool {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            return false;
        }
        let scheme = text
            .split_once("://")
            .is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let mixed = text.bytes().any(|byte| byte.is_ascii_digit())
            || text.contains(['_', '/', '\\', '=', '{', '<', '#']);
        scheme || mixed || text.len() > 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_another_form_are_of_another_class() {
        let class = |text: &str| Shape::of(text).class();
        assert_eq!(class("in transit"), class("on hold"));
        for (one, other) in [
            ("active", "Olivia"),
            ("active", "in transit"),
            ("EUR", "eur"),
            ("EUR", "EU7"),
            ("Main Street", "Main Street 4"),
            ("A b", "a b"),
        ] {
            assert_ne!(class(one), class(other), "{one}, {other}");
        }
        let longest = Shape::of("A b c d E F g h i 9");
        assert!(longest.class() < 64);
    }

    #[test]
    fn codes_are_no_words() {
        for code in [
            "3f2a-99",
            "https://example.com/x",
            "a_b",
            "/usr/bin",
            "SKU-1",
            "abc=",
        ] {
            assert!(Shape::is_code(code), "{code}");
        }
        for words in [
            "Olivia",
            "O'Brien",
            "Anna-Lena",
            "Main Street 4",
            "jane.doe",
        ] {
            assert!(!Shape::is_code(words), "{words}");
        }
        assert!(Shape::says_nothing(" N/A "));
        assert!(!Shape::says_nothing("Nana"));
    }
}
