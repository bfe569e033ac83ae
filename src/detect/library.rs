//! The recognisers of personal data as plain data: read from YAML, checked, not yet compiled.
//!
//! The files are described in `rules/pii/README.md`. Every recogniser carries texts it finds and texts
//! it ignores; a test runs all of them, so an entry without examples does not load.

use std::sync::OnceLock;

use regex_automata::{meta, util::syntax};

use super::checksum::{self, Check};
use crate::document::{self, Fields, Node, Position, Problems};
use crate::error::{Error, ErrorKind, Result};

/// The most recognisers a library may hold; sets of them are bit sets of this size.
pub const RECOGNISERS_MAX: usize = 256;

/// The files built into the program, with the names their problems are reported under.
const BUILTIN: &[(&str, &str)] = &[
    ("rules/pii/contact.yaml", include_str!("../../rules/pii/contact.yaml")),
    ("rules/pii/network.yaml", include_str!("../../rules/pii/network.yaml")),
    ("rules/pii/finance.yaml", include_str!("../../rules/pii/finance.yaml")),
    ("rules/pii/secrets.yaml", include_str!("../../rules/pii/secrets.yaml")),
    ("rules/pii/north_america.yaml", include_str!("../../rules/pii/north_america.yaml")),
    ("rules/pii/latin_america.yaml", include_str!("../../rules/pii/latin_america.yaml")),
    ("rules/pii/united_kingdom.yaml", include_str!("../../rules/pii/united_kingdom.yaml")),
    ("rules/pii/europe.yaml", include_str!("../../rules/pii/europe.yaml")),
    ("rules/pii/nordic.yaml", include_str!("../../rules/pii/nordic.yaml")),
    ("rules/pii/asia_pacific.yaml", include_str!("../../rules/pii/asia_pacific.yaml")),
    ("rules/pii/names.yaml", include_str!("../../rules/pii/names.yaml")),
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
    pub(super) finds: Vec<Example>,
    pub(super) ignores: Vec<Example>,
}

/// What may stand directly beside a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// Anything but a letter, a digit or an underscore.
    Word,
    /// As `Word`, and not glued to another word or number by a hyphen, slash, dot or the like.
    Token,
    /// As `Word`, and not one more of a row of dotted numbers.
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
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the built-in recognisers cannot be read"))
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
            if self.recognisers.iter().any(|known| known.id == recogniser.id) {
                problems.push_at(file, node.at, format!("the id `{}` appears twice", recogniser.id));
            } else if self.recognisers.len() == RECOGNISERS_MAX {
                problems.push_at(file, node.at, format!("there are more than {RECOGNISERS_MAX} recognisers"));
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

fn list<'a>(fields: &mut Fields<'a>, name: &'static str, problems: &mut Problems) -> &'a [Node] {
    let file = fields.file();
    fields
        .take(name)
        .and_then(|node| node.read_list(file, problems))
        .unwrap_or_default()
}

fn texts(fields: &mut Fields<'_>, name: &'static str, problems: &mut Problems) -> Vec<String> {
    fields
        .texts(name, problems)
        .unwrap_or_default()
        .into_iter()
        .map(|(text, _)| text.to_owned())
        .collect()
}

fn read_name(node: &Node, file: &str, problems: &mut Problems) -> Option<NameRule> {
    let mut fields = Fields::of(node, "a name rule", file, problems)?;
    let kind = fields.require_text("kind", problems).map(str::to_owned);
    let columns = texts(&mut fields, "columns", problems);
    fields.finish(problems);
    Some(NameRule { kind: kind?, columns })
}

fn read_recogniser(node: &Node, file: &str, problems: &mut Problems) -> Option<Recogniser> {
    let mut fields = Fields::of(node, "a recogniser", file, problems)?;
    let at = fields.at();
    let id = fields.require_text("id", problems).map(str::to_owned);
    let kind = fields.require_text("kind", problems).map(str::to_owned);
    fields.require_text("about", problems);
    fields.text("source", problems);
    let patterns = read_patterns(&mut fields, problems);
    let check = read_check(&mut fields, problems);
    let confidence = fields.number("confidence", problems).unwrap_or(0.0);
    let edges = [("word", Edges::Word), ("token", Edges::Token), ("dots", Edges::Dots), ("any", Edges::Any)];
    let edges = fields.choice("edges", &edges, problems).unwrap_or(Edges::Word);
    let extends = [("token", Extends::Token), ("pem", Extends::Pem)];
    let extends = fields.choice("extends", &extends, problems).unwrap_or(Extends::No);
    let anchors = read_anchors(&mut fields, problems);
    let whole = fields.boolean("whole", problems).unwrap_or(false);
    let lenient = fields.boolean("lenient", problems).unwrap_or(false);
    let trims = fields.boolean("trims", problems).unwrap_or(false);
    let context = fields.take("context").and_then(|node| read_context(node, file, problems));
    let finds = read_examples(&mut fields, "finds", problems);
    let ignores = read_examples(&mut fields, "ignores", problems);
    fields.finish(problems);

    let mut complain = |wrong: bool, message: &str| {
        if wrong {
            problems.push_at(file, at, message);
        }
    };
    complain(!(0.0..=1.0).contains(&confidence) || confidence == 0.0, "`confidence` must lie above 0 and up to 1");
    complain(patterns.is_empty() != whole, "a recogniser has either `patterns` or `whole: true`");
    complain(finds.is_empty() || ignores.is_empty(), "a recogniser needs `finds` and `ignores`");
    Some(Recogniser {
        id: id?,
        kind: kind?,
        patterns,
        check,
        #[expect(clippy::cast_possible_truncation, reason = "a value from 0 to 1, written with two digits")]
        confidence: confidence as f32,
        edges,
        extends,
        anchors,
        whole,
        lenient,
        trims,
        context: context.unwrap_or_default(),
        finds,
        ignores,
    })
}

/// Patterns are ASCII unless they say otherwise: `\d`, `\w` and `\b` know no other script.
pub(super) fn pattern_syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(true)
}

fn read_patterns(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let file = fields.file();
    let patterns = fields.texts("patterns", problems).unwrap_or_default();
    let mut kept = Vec::with_capacity(patterns.len());
    for (pattern, at) in patterns {
        match meta::Regex::builder().syntax(pattern_syntax()).build(pattern) {
            Ok(regex) if regex.is_match("") => problems.push_at(file, at, "the pattern matches nothing at all"),
            Ok(_) => kept.push(pattern.to_owned()),
            Err(error) => problems.push_at(file, at, format!("the pattern cannot be read: {error}")),
        }
    }
    kept
}

fn read_check(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let file = fields.file();
    let node = fields.take("check")?;
    let name = node.read_text(file, problems)?;
    let found = checksum::named(name);
    if found.is_none() {
        unknown(file, node.at, name, problems);
    }
    found
}

fn unknown(file: &str, at: Position, name: &str, problems: &mut Problems) {
    let hint = document::nearest(name, checksum::names())
        .map_or_else(|| "remove it".to_owned(), |near| format!("did you mean `{near}`?"));
    problems.push_hint(file, at, format!("unknown check `{name}`"), hint);
}

fn read_anchors(fields: &mut Fields<'_>, problems: &mut Problems) -> Anchors {
    let file = fields.file();
    let at = fields.at();
    let literals = texts(fields, "anchors", problems);
    if literals.is_empty() {
        return Anchors::Digits;
    }
    if literals == ["@"] {
        return Anchors::At;
    }
    if literals.iter().any(|literal| literal.len() < 3) {
        problems.push_at(file, at, "an anchor is `@` alone or literals of three bytes and more");
    }
    Anchors::Literals(literals)
}

fn read_context(node: &Node, file: &str, problems: &mut Problems) -> Option<Context> {
    let mut fields = Fields::of(node, "the context of a recogniser", file, problems)?;
    let context = Context {
        required: fields.boolean("required", problems).unwrap_or(false),
        words: texts(&mut fields, "words", problems),
        columns: texts(&mut fields, "columns", problems),
        against: texts(&mut fields, "against", problems),
    };
    fields.finish(problems);
    if context.required && context.words.is_empty() && context.columns.is_empty() {
        problems.push_at(file, node.at, "a required context needs `words` or `columns`");
    }
    Some(context)
}

fn read_examples(fields: &mut Fields<'_>, name: &'static str, problems: &mut Problems) -> Vec<Example> {
    /// A column name that says nothing.
    const PLAIN: &str = "body";
    let file = fields.file();
    let mut examples = Vec::new();
    for node in list(fields, name, problems) {
        if let document::Value::Text(text) = &node.value {
            let (text, column) = (text.clone(), PLAIN.to_owned());
            examples.push(Example { text, column, part: None });
            continue;
        }
        let Some(mut entry) = Fields::of(node, "an example", file, problems) else {
            continue;
        };
        let text = entry.require_text("text", problems).map(str::to_owned);
        let column = entry.text("column", problems).unwrap_or(PLAIN).to_owned();
        let part = entry.text("as", problems).map(str::to_owned);
        entry.finish(problems);
        examples.extend(text.map(|text| Example { text, column, part }));
    }
    examples
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
        let detector = Detector::compile(library, &|_| true).expect("the patterns fit");
        let mut wrong = Vec::new();
        for recogniser in &library.recognisers {
            for example in &recogniser.finds {
                let column = detector.column("stream", &example.column);
                let all = found(&detector, &column, &example.text);
                let part = example.part.as_ref().unwrap_or(&example.text);
                let hit = all.iter().any(|one| {
                    detector.kind(one.recogniser) == recogniser.kind && example.text.get(one.start..one.end) == Some(part)
                });
                if !hit || !detector.may_contain(example.text.as_bytes(), &column) {
                    let seen: Vec<_> = all.iter().map(|one| (detector.id(one.recogniser), &example.text[one.start..one.end])).collect();
                    wrong.push(format!("{} misses `{}` in `{}`: {seen:?}", recogniser.id, part, example.text));
                }
            }
            for example in &recogniser.ignores {
                let column = detector.column("stream", &example.column);
                for one in found(&detector, &column, &example.text) {
                    if detector.kind(one.recogniser) == recogniser.kind {
                        wrong.push(format!("{} by {} sees `{}`", recogniser.id, detector.id(one.recogniser), &example.text[one.start..one.end]));
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
        for expected in ["pattern cannot be read", "unknown check `luhm`", "`confidence` must lie", "needs `finds` and `ignores`", "unknown key `colour`"] {
            assert!(told.iter().any(|line| line.starts_with("a.yaml:3:") && line.contains(expected)), "{expected}: {told:?}");
        }
    }
}
