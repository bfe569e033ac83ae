//! The recognisers of personal data as plain data: read from YAML, checked, not yet compiled.
//!
//! The files are described in `rules/pii/README.md`. Every recogniser carries texts it finds and texts
//! it ignores; a test runs all of them, so an entry without examples does not load.

use std::sync::OnceLock;

use super::checksum::Check;
use super::read::{list, read_name, read_recogniser};
use crate::document::{self, Fields, Node, Problems};
use crate::error::{Error, ErrorKind, Result};

/// The most recognisers a library may hold; sets of them are bit sets of this size.
pub const RECOGNISERS_MAX: usize = 256;

/// The files built into the program, with the names their problems are reported under.
const BUILTIN: &[(&str, &str)] = &[
    (
        "rules/pii/contact.yaml",
        include_str!("../../rules/pii/contact.yaml"),
    ),
    (
        "rules/pii/network.yaml",
        include_str!("../../rules/pii/network.yaml"),
    ),
    (
        "rules/pii/finance.yaml",
        include_str!("../../rules/pii/finance.yaml"),
    ),
    (
        "rules/pii/secrets.yaml",
        include_str!("../../rules/pii/secrets.yaml"),
    ),
    (
        "rules/pii/north_america.yaml",
        include_str!("../../rules/pii/north_america.yaml"),
    ),
    (
        "rules/pii/latin_america.yaml",
        include_str!("../../rules/pii/latin_america.yaml"),
    ),
    (
        "rules/pii/united_kingdom.yaml",
        include_str!("../../rules/pii/united_kingdom.yaml"),
    ),
    (
        "rules/pii/europe.yaml",
        include_str!("../../rules/pii/europe.yaml"),
    ),
    (
        "rules/pii/nordic.yaml",
        include_str!("../../rules/pii/nordic.yaml"),
    ),
    (
        "rules/pii/asia_pacific.yaml",
        include_str!("../../rules/pii/asia_pacific.yaml"),
    ),
    (
        "rules/pii/names.yaml",
        include_str!("../../rules/pii/names.yaml"),
    ),
];

/// All recognisers and what column names say, in the order of their files.
#[derive(Debug, Default)]
pub struct Library {
    pub(super) recognisers: Vec<Recogniser>,
    pub(super) names: Vec<NameRule>,
}

/// One way a kind of personal data is written.
#[derive(Debug)]
pub struct Recogniser {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) patterns: Vec<String>,
    pub(super) check: Option<Check>,
    pub(super) confidence: f32,
    pub(super) edges: Edges,
    pub(super) extends: Extends,
    pub(super) anchors: Anchors,
    /// Takes the whole value of a column that speaks for it; has no patterns.
    pub(super) whole: bool,
    /// In a column that speaks for it, a match that fails its check still counts.
    pub(super) lenient: bool,
    /// A match that fails its check is tried again without its last word.
    pub(super) trims: bool,
    pub(super) context: Context,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "examples are read to be run as tests")
    )]
    pub(super) finds: Vec<Example>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "examples are read to be run as tests")
    )]
    pub(super) ignores: Vec<Example>,
}

/// What may stand directly beside a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// Anything but a letter, a digit or an underscore.
    Word,
    /// As `Word`, and not glued to another word or number by a hyphen, slash, dot or the like.
    Token,
    /// As `Word`, and neither one more of a row of dotted numbers nor the version of a product.
    Dots,
    /// Anything.
    Any,
}

/// How far a finding reaches past what its pattern matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extends {
    /// Not at all.
    No,
    /// To the end of the run of token characters.
    Token,
    /// To the end of the PEM block, or of the text when the block is cut off.
    Pem,
}

/// What every match contains, so that text without it is never searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchors {
    /// An ASCII digit.
    Digits,
    /// The sign `@`.
    At,
    /// One of these literals, at least three bytes each.
    Literals(Vec<String>),
}

/// What words nearby and column names say about a match.
#[derive(Debug, Default)]
pub struct Context {
    /// Without a word or a column that speaks for it, a match is none.
    pub(super) required: bool,
    /// Speak for a match, in the text around it and in column names.
    pub(super) words: Vec<String>,
    /// Speak for a match in column names only.
    pub(super) columns: Vec<String>,
    /// Speak against a match, right before it and in column names.
    pub(super) against: Vec<String>,
}

/// What a column's name alone says.
#[derive(Debug)]
pub struct NameRule {
    pub(super) kind: String,
    pub(super) columns: Vec<String>,
}

/// A text of a recogniser's `finds` or `ignores`.
#[derive(Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "examples are read to be run as tests")
)]
pub struct Example {
    pub(super) text: String,
    /// The column it stands in; a name without meaning when none is given.
    pub(super) column: String,
    /// The part that is found; the whole text when none is given.
    pub(super) part: Option<String>,
}

impl Library {
    /// The recognisers built into the program, read once.
    ///
    /// # Errors
    ///
    /// A defect of the built-in files, which a test rules out.
    pub fn builtin() -> Result<&'static Self> {
        static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
        LIBRARY
            .get_or_init(|| {
                let mut problems = Problems::new();
                Self::parse(BUILTIN, &mut problems).filter(|_| problems.is_empty())
            })
            .as_ref()
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    "the built-in recognisers cannot be read",
                )
            })
    }

    /// Reads files of recognisers, given as (name, text); `None` when nothing can be read at all.
    /// Everything wrong is in `problems`.
    pub fn parse(files: &[(&str, &str)], problems: &mut Problems) -> Option<Self> {
        let mut library = Self::default();
        for (file, text) in files {
            if let Some(root) = document::parse(file, text, problems) {
                library.read(&root, file, problems);
            }
        }
        let loaded = !library.recognisers.is_empty() || !library.names.is_empty();
        loaded.then_some(library)
    }

    /// Every kind the recognisers can report, each once, in the order of the files.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.recognisers
            .iter()
            .enumerate()
            .filter(|(at, recogniser)| {
                self.recognisers
                    .iter()
                    .take(*at)
                    .all(|earlier| earlier.kind != recogniser.kind)
            })
            .map(|(_, recogniser)| recogniser.kind.as_str())
    }

    fn read(&mut self, root: &Node, file: &str, problems: &mut Problems) {
        let Some(mut fields) = Fields::of(root, "a recogniser file", file, problems) else {
            return;
        };
        let version = fields.integer("version", problems);
        if version != Some(1) {
            problems.push_at(file, fields.at(), "a recogniser file needs `version: 1`");
        }
        for node in list(&mut fields, "recognisers", problems) {
            let Some(recogniser) = read_recogniser(node, file, problems) else {
                continue;
            };
            if self
                .recognisers
                .iter()
                .any(|known| known.id == recogniser.id)
            {
                problems.push_at(
                    file,
                    node.at,
                    format!("the id `{}` appears twice", recogniser.id),
                );
            } else if self.recognisers.len() == RECOGNISERS_MAX {
                problems.push_at(
                    file,
                    node.at,
                    format!("there are more than {RECOGNISERS_MAX} recognisers"),
                );
                return;
            } else {
                self.recognisers.push(recogniser);
            }
        }
        for node in list(&mut fields, "names", problems) {
            self.names.extend(read_name(node, file, problems));
        }
        fields.finish(problems);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ColumnContext, Detector, Finding};
    use super::*;

    fn found(detector: &Detector, column: &ColumnContext, text: &str) -> Vec<Finding> {
        let (mut scratch, mut found) = (detector.scratch(), Vec::new());
        detector.find(text, column, &mut scratch, &mut found);
        found
    }

    #[test]
    fn the_built_in_files_have_no_problems() {
        let mut problems = Problems::new();
        let library = Library::parse(BUILTIN, &mut problems);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
        assert!(library.is_some_and(|library| library.kinds().count() >= 50));
    }

    #[test]
    fn every_recogniser_finds_and_ignores_what_it_says() {
        let library = Library::builtin().expect("the built-in files are whole");
        let detector = Detector::compile(library, &[], &|_| true).expect("the patterns fit");
        let mut wrong = Vec::new();
        for recogniser in &library.recognisers {
            for example in &recogniser.finds {
                let column = detector.column("stream", &example.column);
                let all = found(&detector, &column, &example.text);
                let part = example.part.as_ref().unwrap_or(&example.text);
                let hit = all.iter().any(|one| {
                    detector.kind(one.recogniser) == recogniser.kind
                        && example.text.get(one.start..one.end) == Some(part)
                });
                if !hit || !detector.may_contain(example.text.as_bytes(), &column) {
                    let seen: Vec<_> = all
                        .iter()
                        .map(|one| {
                            (
                                detector.id(one.recogniser),
                                &example.text[one.start..one.end],
                            )
                        })
                        .collect();
                    wrong.push(format!(
                        "{} misses `{}` in `{}`: {seen:?}",
                        recogniser.id, part, example.text
                    ));
                }
            }
            for example in &recogniser.ignores {
                let column = detector.column("stream", &example.column);
                for one in found(&detector, &column, &example.text) {
                    if detector.kind(one.recogniser) == recogniser.kind {
                        wrong.push(format!(
                            "{} by {} sees `{}`",
                            recogniser.id,
                            detector.id(one.recogniser),
                            &example.text[one.start..one.end]
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn problems_say_where_and_what() {
        let file = "version: 1\nrecognisers:\n  - {id: a, kind: A, about: x, patterns: '(', check: luhm, confidence: 2, finds: [x], colour: red}\n";
        let mut problems = Problems::new();
        assert!(Library::parse(&[("a.yaml", file)], &mut problems).is_some());
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for expected in [
            "pattern cannot be read",
            "unknown check `luhm`",
            "`confidence` must lie",
            "needs `finds` and `ignores`",
            "unknown key `colour`",
        ] {
            assert!(
                told.iter()
                    .any(|line| line.starts_with("a.yaml:3:") && line.contains(expected)),
                "{expected}: {told:?}"
            );
        }
    }
}
