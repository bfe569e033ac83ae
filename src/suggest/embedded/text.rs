//! Forms and characters of text as regular expressions.

use std::collections::BTreeSet;
use std::fmt::Write;

/// The longest pattern that is proposed, in bytes: a person reads it.
const PATTERN_MAX: usize = 2_000;

/// Stands behind a class for a run of any length; a character for private use, which texts do not have.
const ANY: char = '\u{e000}';

/// What letters and digits there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    Ascii,
    Unicode,
}

impl Letters {
    /// By the characters seen; `None` when there were too many of them.
    pub fn of(characters: Option<&str>) -> Self {
        let plain = |c: char| c.is_ascii() || !c.is_alphanumeric();
        match characters {
            Some(characters) if characters.chars().all(plain) => Self::Ascii,
            _ => Self::Unicode,
        }
    }

    fn class(self, symbol: char) -> Option<&'static str> {
        Some(match (self, symbol) {
            (Self::Ascii, 'a') => "[a-z]",
            (Self::Ascii, 'A') => "[A-Z]",
            (Self::Ascii, '9') => "[0-9]",
            (Self::Unicode, 'a') => "\\p{Ll}",
            (Self::Unicode, 'A') => "\\p{Lu}",
            (Self::Unicode, '9') => "\\p{Nd}",
            _ => return None,
        })
    }
}

/// A pattern that matches texts of these forms, whole; `None` when it would be too long to be read.
pub fn pattern_of_forms(forms: &BTreeSet<String>, letters: Letters) -> Option<String> {
    let alternatives: Vec<String> = forms.iter().map(|form| of_form(form, letters)).collect();
    let pattern = match alternatives.as_slice() {
        [only] => format!("^{only}$"),
        several => format!("^(?:{})$", several.join("|")),
    };
    (pattern.len() <= PATTERN_MAX).then_some(pattern)
}

/// The form with [`ANY`] behind every class: `A9+` and `A+9` become one.
pub fn any_run(form: &str) -> String {
    let mut general = String::new();
    let mut symbols = form.chars().peekable();
    while let Some(symbol) = symbols.next() {
        general.push(symbol);
        match symbol {
            '\\' => general.extend(symbols.next()),
            'a' | 'A' | '9' => {
                symbols.next_if_eq(&'+');
                general.push(ANY);
            }
            _ => {}
        }
    }
    general
}

fn of_form(form: &str, letters: Letters) -> String {
    let mut pattern = String::new();
    let mut symbols = form.chars().peekable();
    while let Some(symbol) = symbols.next() {
        // Behind a backslash a symbol means itself.
        let itself = (symbol == '\\').then(|| symbols.next()).flatten();
        match (itself, letters.class(symbol)) {
            (Some(itself), _) => escape(itself, &mut pattern),
            (None, Some(class)) if symbols.next_if_eq(&ANY).is_some() => {
                pattern.push_str(class);
                pattern.push('+');
            }
            (None, Some(class)) => pattern.push_str(class),
            (None, None) => escape(symbol, &mut pattern),
        }
        if symbols.peek() == Some(&'+') {
            symbols.next();
            pattern.push_str("{2,}");
        }
    }
    pattern
}

/// A pattern of texts that consist of these characters.
pub fn pattern_of_alphabet(alphabet: &BTreeSet<char>) -> Option<String> {
    let mut pattern = "^[".to_owned();
    let mut rest = alphabet.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.peek().copied() {
            if u32::from(next) != u32::from(last) + 1 || !next.is_ascii_alphanumeric() {
                break;
            }
            last = next;
            rest.next();
        }
        escape(first, &mut pattern);
        if u32::from(last) > u32::from(first) + 1 {
            pattern.push('-');
        }
        if last != first {
            escape(last, &mut pattern);
        }
    }
    pattern.push_str("]*$");
    (pattern.len() <= PATTERN_MAX && !alphabet.is_empty()).then_some(pattern)
}

fn escape(symbol: char, pattern: &mut String) {
    match symbol {
        c if c.is_alphanumeric() || c == ' ' || c == '_' => pattern.push(c),
        c if c.is_ascii_punctuation() => pattern.extend(['\\', c]),
        // What cannot be seen, or looks like something else, is written by its number.
        c => {
            let _ = write!(pattern, "\\x{{{:x}}}", u32::from(c));
        }
    }
}

/// A text of this form.
pub fn example(form: &str) -> String {
    let mut text = String::new();
    let mut last = None;
    let mut symbols = form.chars();
    while let Some(symbol) = symbols.next() {
        match (symbol, last) {
            ('\\', _) => {
                last = symbols.next();
                text.extend(last);
            }
            ('+', Some(before)) => {
                text.push(before);
                last = None;
            }
            (ANY, _) => last = None,
            _ => {
                text.push(symbol);
                last = Some(symbol);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::meta::Regex;

    fn forms(forms: &[&str]) -> BTreeSet<String> {
        forms.iter().map(|form| (*form).to_owned()).collect()
    }

    #[test]
    fn a_form_matches_what_has_it() {
        let pattern = pattern_of_forms(
            &forms(&["A9+", "9+-9+", "Aa+ (A)", "\\+9 9+"]),
            Letters::Ascii,
        )
        .expect("a pattern");
        let regex = Regex::new(&pattern).expect("a regular expression");
        for text in [
            "N12",
            "12-34",
            "Ann (B)",
            "+1 555",
            &example("A9+"),
            &example("\\+9 9+"),
        ] {
            assert!(regex.is_match(text), "{text} {pattern}");
        }
        for text in ["N1", "n12", "1 555", "12-34 ", "Ann (B", "Änn (B)"] {
            assert!(!regex.is_match(text), "{text} {pattern}");
        }
        let unicode = pattern_of_forms(&forms(&["Aa+"]), Letters::Unicode).expect("a pattern");
        assert!(
            Regex::new(&unicode)
                .expect("a regular expression")
                .is_match("Änn")
        );
        assert_eq!(
            pattern_of_forms(&forms(&[&"é-".repeat(2000)]), Letters::Unicode),
            None
        );
    }

    #[test]
    fn runs_of_any_length_are_one_form() {
        assert_eq!(
            any_run("a+9\\+9+@A"),
            "a*9*\\+9*@A*".replace('*', &ANY.to_string())
        );
        assert_eq!(any_run("A9+"), any_run("A+9"));
        let general = forms(&[&any_run("a+9+\\+9@a+")]);
        let pattern = pattern_of_forms(&general, Letters::Ascii).expect("a pattern");
        assert_eq!(pattern, r"^[a-z]+[0-9]+\+[0-9]+\@[a-z]+$");
        let example = example(&any_run("a+9\\+9+@a+"));
        assert!(
            Regex::new(&pattern)
                .expect("a regular expression")
                .is_match(&example),
            "{example}"
        );
    }

    #[test]
    fn an_alphabet_matches_its_characters() {
        let alphabet: BTreeSet<char> = "abcdxz0129-] ^é\u{a0}".chars().collect();
        let pattern = pattern_of_alphabet(&alphabet).expect("a pattern");
        assert_eq!(pattern, r"^[ \-0-29\]\^a-dxz\x{a0}é]*$");
        let regex = Regex::new(&pattern).expect("a regular expression");
        assert!(
            regex.is_match("a-b ]é")
                && regex.is_match("")
                && !regex.is_match("e")
                && !regex.is_match("y")
        );
        assert_eq!(pattern_of_alphabet(&BTreeSet::new()), None);
    }

    #[test]
    fn letters_are_told_by_what_was_seen() {
        assert_eq!(Letters::of(Some("abc-–")), Letters::Ascii);
        assert_eq!(Letters::of(Some("abé")), Letters::Unicode);
        assert_eq!(Letters::of(None), Letters::Unicode);
    }
}
