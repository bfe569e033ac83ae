//! The signatures built into the program: one automaton over all their patterns.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

use super::read::{self, Signature};
use super::{Class, Finding};
use crate::document::{self, Problems};

/// Bytes of a text's beginning and of its end that are looked at. The end of a stack trace says most.
const HEAD_BYTES: usize = 4 << 10;
const TAIL_BYTES: usize = 8 << 10;

/// Bytes that the automaton may take.
const AUTOMATON_BYTES: usize = 32 << 20;

/// Reads a file that is built in, under the name of its problems.
macro_rules! file {
    ($name:literal) => {
        (
            concat!("rules/failures/", $name),
            include_str!(concat!("../../../rules/failures/", $name)),
        )
    };
}

/// The files built into the program.
const BUILTIN: &[(&str, &str)] = &[
    file!("auth.yaml"),
    file!("permission.yaml"),
    file!("rate_limit.yaml"),
    file!("quota.yaml"),
    file!("schema.yaml"),
    file!("network.yaml"),
    file!("timeout.yaml"),
    file!("memory.yaml"),
    file!("disk.yaml"),
    file!("source_data.yaml"),
    file!("configuration.yaml"),
    file!("outage.yaml"),
    file!("conflict.yaml"),
    file!("destination.yaml"),
    file!("internal.yaml"),
];

/// All signatures, compiled.
#[derive(Debug)]
pub struct Library {
    signatures: Vec<Signature>,
    /// What is said of a class where no signature says more.
    classes: Vec<(Class, String, String)>,
    patterns: Regex,
    /// The signature of each pattern.
    owners: Vec<usize>,
}

/// What a person is told about a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice<'a> {
    pub cause: &'a str,
    pub next: &'a str,
    pub confidence: f32,
}

impl Library {
    /// The signatures built into the program, read and compiled once; `None` is a defect that a test rules out.
    pub fn builtin() -> Option<&'static Self> {
        static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
        LIBRARY
            .get_or_init(|| {
                let mut problems = Problems::new();
                Self::parse(BUILTIN, &mut problems).filter(|_| problems.is_empty())
            })
            .as_ref()
    }

    /// Reads files of signatures, given as (name, text). Everything wrong is in `problems`.
    pub fn parse(files: &[(&str, &str)], problems: &mut Problems) -> Option<Self> {
        let (mut signatures, mut classes): (Vec<Signature>, _) = (Vec::new(), Vec::new());
        for (file, text) in files {
            if let Some(root) = document::parse(file, text, problems)
                && let Some(read) = read::file(&root, file, problems)
            {
                for signature in read.signatures {
                    if signatures.iter().any(|known| known.id == signature.id) {
                        let message = format!("the id `{}` appears twice", signature.id);
                        problems.push_at(file, signature.at, message);
                    } else {
                        signatures.push(signature);
                    }
                }
                classes.push((read.class, read.cause, read.next));
            }
        }
        let mut owners = Vec::new();
        let mut patterns = Vec::new();
        for (number, signature) in signatures.iter().enumerate() {
            for pattern in &signature.patterns {
                owners.push(number);
                patterns.push(pattern.as_str());
            }
        }
        Some(Self {
            patterns: compile(&patterns)?,
            owners,
            signatures,
            classes,
        })
    }

    /// The surest signature that a text holds; of equally sure ones the first in the files.
    pub fn classify(&'static self, text: &[u8]) -> Option<Finding> {
        let mut best: Option<&Signature> = None;
        for part in parts(text) {
            let mut found = PatternSet::new(self.patterns.pattern_len());
            self.patterns
                .which_overlapping_matches(&Input::new(part), &mut found);
            for pattern in found.iter() {
                let signature = &self.signatures[self.owners[pattern.as_usize()]];
                if best.is_none_or(|best| signature.confidence > best.confidence) {
                    best = Some(signature);
                }
            }
        }
        best.map(Signature::finding)
    }

    /// What an exit code says; 128 and more for a signal.
    pub fn exit(&'static self, code: i32) -> Option<Finding> {
        let own = |signature: &&Signature| signature.exits.contains(&i64::from(code));
        self.signatures.iter().find(own).map(Signature::finding)
    }

    /// What a person is told about a failure of this class and signature.
    pub fn advice(&self, class: &str, signature: &str) -> Option<Advice<'_>> {
        let own = self.signatures.iter().find(|known| known.id == signature);
        if let Some(own) = own.filter(|_| !signature.is_empty()) {
            return Some(Advice {
                cause: &own.cause,
                next: &own.next,
                confidence: own.confidence,
            });
        }
        let class = Class::of(class)?;
        let (_, cause, next) = self.classes.iter().find(|(known, ..)| *known == class)?;
        Some(Advice {
            cause,
            next,
            confidence: 0.3,
        })
    }

    /// The signatures and what each is tried on.
    #[cfg(test)]
    pub(super) fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// Patterns without case, over bytes.
pub(super) fn compile(patterns: &[&str]) -> Option<Regex> {
    Regex::builder()
        .syntax(
            syntax::Config::new()
                .case_insensitive(true)
                .unicode(false)
                .utf8(false),
        )
        .configure(
            Regex::config()
                .match_kind(MatchKind::All)
                .utf8_empty(false)
                .nfa_size_limit(Some(AUTOMATON_BYTES)),
        )
        .build_many(patterns)
        .ok()
}

/// The text, or its beginning and its end.
fn parts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (head, tail) = match text.len() > HEAD_BYTES + TAIL_BYTES {
        true => (&text[..HEAD_BYTES], &text[text.len() - TAIL_BYTES..]),
        false => (text, &[][..]),
    };
    [head, tail].into_iter().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_files_have_no_problems() {
        let mut problems = Problems::new();
        let library = Library::parse(BUILTIN, &mut problems);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
        let library = library.expect("a library");
        for (word, class) in Class::ALL {
            let known = *class == Class::Unknown || library.advice(word, "").is_some();
            assert!(known, "{word} has no file");
        }
    }

    #[test]
    fn every_signature_finds_and_ignores_what_it_says() {
        let library = Library::builtin().expect("the built-in files are whole");
        let mut wrong = Vec::new();
        for signature in library.signatures() {
            for text in &signature.finds {
                let found = library.classify(text.as_bytes());
                if found.is_none_or(|found| found.signature != signature.id) {
                    wrong.push(format!("{} misses `{text}`: {found:?}", signature.id));
                }
            }
            for text in &signature.ignores {
                let found = library.classify(text.as_bytes());
                if found.is_some_and(|found| found.signature == signature.id) {
                    wrong.push(format!("{} sees `{text}`", signature.id));
                }
            }
            for code in &signature.exits {
                let found = library.exit(i32::try_from(*code).expect("a code"));
                if found.is_none_or(|found| found.signature != signature.id) {
                    wrong.push(format!("{} misses exit code {code}", signature.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn long_texts_are_looked_at_from_both_ends() {
        let library = Library::builtin().expect("the built-in files are whole");
        let error = "FATAL: password authentication failed for user";
        let fill = "x".repeat(1 << 20);
        for (text, found) in [
            (format!("{error}{fill}"), true),
            (format!("{fill}{error}"), true),
            (format!("{fill}{error}{fill}"), false),
        ] {
            let class = library.classify(text.as_bytes()).map(|found| found.class);
            assert_eq!(class == Some(Class::Auth), found);
        }
    }

    #[test]
    fn problems_say_where_and_what() {
        let file = "version: 1\nclass: aut\ncause: x\nnext: y\nsignatures:\n  - {id: a, matches: '(', cause: x, next: y, confidence: 2, finds: [x], colour: red}\n";
        let mut problems = Problems::new();
        Library::parse(&[("a.yaml", file)], &mut problems);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for expected in [
            "a.yaml:2:8: unknown word `aut`; did you mean `auth`?",
            "the pattern cannot be read",
            "`confidence` must lie between 0 and 1",
            "needs the key `ignores`",
            "unknown key `colour`",
        ] {
            assert!(
                told.iter().any(|line| line.contains(expected)),
                "{expected}: {told:?}"
            );
        }
    }
}
