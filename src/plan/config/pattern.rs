//! Which streams an entry speaks of: a name, `namespace.name`, or a glob with `*` and `?`.
//!
//! Of several patterns that match, one always wins: [`Rank`] orders them, and two globs that could
//! tie are a problem of the configuration.

use std::fmt;

use super::StreamConfig;
use crate::document::Problems;

/// The longest pattern, in bytes.
pub(super) const PATTERN_BYTES_MAX: usize = 400;

/// The most globs; comparing them costs the square of their number.
const GLOBS_MAX: usize = 200;

/// A stream's name, its `namespace.name`, or a glob over either: `*` is any text, `?` any one
/// character. Dots mean nothing else, so names with dots work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPattern {
    text: String,
}

/// How specific a match is; the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    exact: bool,
    /// The characters of a glob that stand for themselves; nothing for exact names.
    literals: usize,
    /// Whether `namespace.name` matched rather than the name alone.
    in_full: bool,
}

impl StreamPattern {
    /// The pattern as written.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
        }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern may match more than one name.
    pub fn is_glob(&self) -> bool {
        self.text.contains(['*', '?'])
    }

    /// How well the pattern matches a stream, `None` when it does not.
    pub fn rank(&self, namespace: Option<&str>, name: &str) -> Option<Rank> {
        let in_full = namespace.is_some_and(|space| self.matches_text(&format!("{space}.{name}")));
        if !in_full && !self.matches_text(name) {
            return None;
        }
        let exact = !self.is_glob();
        Some(Rank {
            exact,
            literals: if exact { 0 } else { self.literals() },
            in_full,
        })
    }

    /// Whether the pattern matches a stream at all.
    pub fn matches(&self, namespace: Option<&str>, name: &str) -> bool {
        self.rank(namespace, name).is_some()
    }

    fn literals(&self) -> usize {
        self.text
            .chars()
            .filter(|c| !matches!(c, '*' | '?'))
            .count()
    }

    fn matches_text(&self, text: &str) -> bool {
        if self.is_glob() {
            overlap(&glob(&self.text), &literal(text))
        } else {
            self.text == text
        }
    }
}

impl fmt::Display for StreamPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Whether a text is one that a glob means: `*` is any text, `?` any one character.
pub(in crate::plan) fn matches_glob(pattern: &str, text: &str) -> bool {
    StreamPattern::new(pattern).matches_text(text)
}

/// Reports globs of equal rank that some name matches both of.
pub(super) fn refuse_ties(streams: &[StreamConfig], file: &str, problems: &mut Problems) {
    let globs: Vec<_> = streams.iter().filter(|s| s.pattern.is_glob()).collect();
    if let Some(stream) = globs.get(GLOBS_MAX) {
        let message = format!("more than {GLOBS_MAX} globs among the streams");
        problems.push_at(file, stream.at, message);
        return;
    }
    for (i, later) in globs.iter().enumerate() {
        let tokens = glob(later.pattern.as_str());
        let tie = globs.iter().take(i).find(|earlier| {
            earlier.pattern.literals() == later.pattern.literals()
                && overlap(&tokens, &glob(earlier.pattern.as_str()))
        });
        if let Some(earlier) = tie {
            let message = format!(
                "`{}` and `{}` on line {} can match the same stream, and neither is more specific",
                later.pattern, earlier.pattern, earlier.at.line
            );
            let hint = "give one of them more literal characters";
            problems.push_hint(file, later.at, message, hint);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Literal(char),
    One,
    Many,
}

fn glob(text: &str) -> Vec<Token> {
    text.chars()
        .map(|c| match c {
            '*' => Token::Many,
            '?' => Token::One,
            c => Token::Literal(c),
        })
        .collect()
}

fn literal(text: &str) -> Vec<Token> {
    text.chars().map(Token::Literal).collect()
}

/// Whether some text matches both patterns: the product of their two automata, one row for each token
/// of `left` from its end, each row over `right` from its end.
fn overlap(left: &[Token], right: &[Token]) -> bool {
    // With `left` used up, what is left of `right` must match nothing at all.
    let mut row = vec![true];
    for token in right.iter().rev() {
        row.push(*token == Token::Many && row.last() == Some(&true));
    }
    for ours in left.iter().rev() {
        let ended = *ours == Token::Many && row.first() == Some(&true);
        let mut next = Vec::with_capacity(row.len());
        next.push(ended);
        let mut beside = ended;
        let earlier = row.iter().zip(row.iter().skip(1));
        for (theirs, (&diagonal, &below)) in right.iter().rev().zip(earlier) {
            beside = match (ours, theirs) {
                // A `*` ends here, or eats what the other side has here.
                (Token::Many, _) | (_, Token::Many) => below || beside,
                (Token::One, _) | (_, Token::One) => diagonal,
                (Token::Literal(a), Token::Literal(b)) => a == b && diagonal,
            };
            next.push(beside);
        }
        row = next;
    }
    row.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::config::Config;

    #[test]
    fn patterns_match_names_and_full_names() {
        for (pattern, namespace, name, expected) in [
            ("users", None, "users", true),
            ("users", Some("crm"), "users", true),
            ("crm.users", Some("crm"), "users", true),
            ("crm.users", None, "crm.users", true),
            ("crm.users", Some("shop"), "users", false),
            ("a.b.c", Some("a.b"), "c", true),
            ("users", None, "Users", false),
            ("user*", None, "users", true),
            ("user*", None, "user", true),
            ("user?", None, "user", false),
            ("user?", None, "userß", true),
            ("crm.*", Some("crm"), "users", true),
            ("*.users", Some("crm"), "users", true),
            ("*.users", None, "users", false),
            ("*", None, "", true),
            ("a*b*c", None, "aXbYbc", true),
            ("a*b*c", None, "aXbYbcd", false),
            ("**", None, "x", true),
        ] {
            let pattern = StreamPattern::new(pattern);
            assert_eq!(
                pattern.matches(namespace, name),
                expected,
                "{pattern} {namespace:?} {name}"
            );
        }
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let text =
            "version: 1\nstreams: {'*': , 'u*': , 'crm.*': , users: , crm.users: , '?rm.orders': }";
        let mut problems = Problems::new();
        let config = Config::parse("f.yaml", text, &mut problems).expect("a map");
        assert!(problems.is_empty(), "{problems}");
        for (namespace, name, expected) in [
            (Some("crm"), "users", "crm.users"),
            (Some("shop"), "users", "users"),
            (None, "users", "users"),
            (Some("crm"), "unions", "crm.*"),
            (None, "unions", "u*"),
            (Some("crm"), "orders", "?rm.orders"),
            (None, "x", "*"),
        ] {
            let found = config
                .stream_for(namespace, name)
                .map(|s| s.pattern.as_str());
            assert_eq!(found, Some(expected), "{namespace:?} {name}");
        }
        assert!(Config::default_plan().stream_for(None, "users").is_none());
    }

    #[test]
    fn globs_overlap_when_some_text_matches_both() {
        for (left, right, expected) in [
            ("a*", "*a", true),
            ("a*", "b*", false),
            ("a?", "?b", true),
            ("a?c", "ab", false),
            ("*a*", "*b*", true),
            ("ab*", "a?", true),
            ("*x", "*y", false),
            ("*", "?", true),
            ("??", "*?", true),
            ("a*b", "a*c*b", true),
            ("", "*", true),
            ("", "?", false),
        ] {
            assert_eq!(
                overlap(&glob(left), &glob(right)),
                expected,
                "{left} {right}"
            );
            assert_eq!(
                overlap(&glob(right), &glob(left)),
                expected,
                "{right} {left}"
            );
        }
    }

    #[test]
    fn ties_are_problems() {
        let text = "version: 1\nstreams:\n  'a?': {}\n  'b*': {}\n  '?a': {}\n  'cc*': {}\n";
        let mut problems = Problems::new();
        Config::parse("f.yaml", text, &mut problems);
        assert_eq!(
            problems.to_string(),
            "f.yaml:5:3: `?a` and `a?` on line 3 can match the same stream, and neither is more \
             specific; give one of them more literal characters"
        );
    }
}
