//! Where personal data is: spans in a text, and nothing is changed.
//!
//! The trip of a text: the gate (`gate`, `simd`) looks for anchors, 64 bytes at a time, and most short strings
//! leave there; spans around anchors go through one automaton for all patterns (`scan`); what it hits
//! must stand alone (`judge`), satisfy its checksum (`checksum`) and gather enough confidence from the
//! words nearby and from the column's name (`context`); of overlapping findings the best proven stays (`overlap`).
//!
//! Patterns find what has a form. Names of people, and whatever else is said in words, have none: those come
//! from a tagger of module `model`, whose spans are merged with these (`tagged`); a finding with a checksum
//! wins over the tagger's. What a column holds as a whole is decided in [`mod@column`].

mod checksum;
pub mod column;
mod context;
#[cfg(test)]
mod corpus;
mod gate;
mod judge;
mod library;
mod name;
mod overlap;
mod plausible;
mod read;
mod scan;
mod simd;
mod tagged;
mod words;

pub use column::NameModel;
pub use library::{Library, RECOGNISERS_MAX};
pub use name::{kind_of_name, leaf_words};
pub use plausible::plausible;
pub use scan::{FINDINGS_MAX, Scratch};
pub use tagged::{UNASKED, kind_of_label, knows_label, may_hold_words};

use regex_automata::{MatchKind, meta};

use crate::error::{Error, ErrorKind, Result};
use context::{Set, Vocabulary};
use gate::Gate;

/// Findings below this are not reported.
pub const CONFIDENCE_MIN: f32 = 0.5;

/// A part of a text that is personal data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Who found it: an index for [`Detector::kind`] and [`Detector::id`].
    pub recogniser: u16,
    /// From [`CONFIDENCE_MIN`] to 1.
    pub confidence: f32,
}

/// The compiled recognisers. Shared by all workers; each has its own [`Scratch`].
#[derive(Debug)]
pub struct Detector {
    recognisers: Vec<Compiled>,
    /// Patterns that count on their own.
    plain: Automaton,
    /// Patterns that count only where a word or the column speaks for them.
    contextual: Automaton,
    gate: Gate,
    text_words: Vocabulary,
    column_words: Vocabulary,
    /// The recognisers of `plain`.
    able: Set,
    /// The recognisers of `contextual`.
    needy: Set,
    /// The recognisers that take the whole value of a column.
    whole: Set,
    /// Names of the kinds, and whether they are looked for; those of recognisers and labels are places here.
    kinds: Vec<String>,
    wanted: Vec<bool>,
    /// The wanted labels of a tagger, as recognisers behind those of the library.
    labels: Vec<Option<u16>>,
}

/// What a running recogniser needs to judge a match.
#[derive(Debug)]
struct Compiled {
    id: String,
    kind: u16,
    check: Option<checksum::Check>,
    confidence: f32,
    edges: library::Edges,
    extends: library::Extends,
    lenient: bool,
    trims: bool,
    required: bool,
}

/// Several patterns in one automaton, and whose they are.
#[derive(Debug)]
struct Automaton {
    regex: meta::Regex,
    /// The same patterns, for the question which of them match at one place.
    every: meta::Regex,
    /// The recogniser of each pattern.
    owner: Vec<u16>,
}

/// What a column's name says, worked out once for all its values.
#[derive(Debug, Clone, Default)]
pub struct ColumnContext {
    raised: Set,
    lowered: Set,
    /// The name speaks for a recogniser.
    eager: bool,
    /// The name speaks for recognisers that count on their own too.
    favours: bool,
    /// The recogniser that takes every value whole.
    whole: Option<u16>,
}

impl Detector {
    /// Compiles the recognisers of the wanted kinds, and takes a tagger's labels of these kinds in.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` when the patterns together are too large for one automaton.
    pub fn compile(
        library: &Library,
        labels: &[String],
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Self> {
        let mut chosen = Set::default();
        let (mut able, mut needy, mut whole) = (Set::default(), Set::default(), Set::default());
        let (mut plain, mut contextual) = (Vec::new(), Vec::new());
        for (at, recogniser) in library.recognisers.iter().enumerate() {
            if !wanted(&recogniser.kind) {
                continue;
            }
            chosen.insert(at);
            let patterns = if recogniser.whole {
                whole.insert(at);
                continue;
            } else if recogniser.context.required {
                needy.insert(at);
                &mut contextual
            } else {
                able.insert(at);
                &mut plain
            };
            let owner = u16::try_from(at).unwrap_or(u16::MAX);
            let rank = (recogniser.check.is_none(), 1.0 - recogniser.confidence);
            patterns.extend(
                recogniser
                    .patterns
                    .iter()
                    .map(|pattern| (rank, owner, pattern.as_str())),
            );
        }
        let indexed = |at: usize| u16::try_from(at).is_ok_and(|at| chosen.has(at));
        let active = library
            .recognisers
            .iter()
            .enumerate()
            .filter(|(at, _)| indexed(*at));
        let mut kinds = Vec::new();
        let mut recognisers: Vec<Compiled> = library
            .recognisers
            .iter()
            .map(|recogniser| Compiled::of(recogniser, place_of(&recogniser.kind, &mut kinds)))
            .collect();
        // Kinds that only names and labels speak of.
        for rule in &library.names {
            place_of(&rule.kind, &mut kinds);
        }
        let mut taken = Vec::with_capacity(labels.len());
        for label in labels {
            let kind = kind_of_label(label);
            let place = place_of(kind, &mut kinds);
            taken.push(wanted(kind).then_some(recognisers.len() as u16));
            recognisers.push(Compiled::of_label(label, place));
        }
        Ok(Self {
            recognisers,
            wanted: kinds.iter().map(|kind| wanted(kind)).collect(),
            kinds,
            labels: taken,
            plain: Automaton::compile(plain)?,
            contextual: Automaton::compile(contextual)?,
            gate: Gate::new(active.map(|(_, recogniser)| recogniser)),
            text_words: Vocabulary::of_text(library, &chosen),
            column_words: Vocabulary::of_columns(library, &chosen),
            able,
            needy,
            whole,
        })
    }

    /// Buffers for one worker.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(self)
    }

    /// What the name of a column says; once per column, not per value.
    pub fn column(&self, stream: &str, path: &str) -> ColumnContext {
        let mut voice = self.column_words.name(path);
        if name::says_nothing(path) {
            // `passports.number`: the stream says what the column does not.
            let spoken = self.column_words.name(&format!("{stream}.{path}"));
            voice.pro.join(&spoken.pro);
        }
        let whole = (0..self.recognisers.len())
            .filter_map(|at| u16::try_from(at).ok())
            .find(|at| self.whole.has(*at) && voice.pro.has(*at) && !voice.contra.has(*at));
        ColumnContext {
            raised: voice.pro,
            lowered: voice.contra,
            eager: voice.pro != Set::default(),
            favours: voice.pro.meets(&self.able),
            whole,
        }
    }

    /// Whether [`Self::find`] could find anything in `text`: false means it finds nothing. Cheap enough
    /// to ask of every string; also for the bytes of a JSON string without a backslash.
    pub fn may_contain(&self, text: &[u8], column: &ColumnContext) -> bool {
        if column.whole.is_some() && !text.is_empty() {
            return true;
        }
        if column.eager {
            return self.gate.may_hold_anchor(text);
        }
        self.gate.may_pass(text)
    }

    /// The kind a recogniser finds, as `EMAIL`; empty for an index that is not one.
    pub fn kind(&self, recogniser: u16) -> &str {
        self.kind_name(self.kind_place(recogniser))
    }

    /// The kind a recogniser finds, as its place among the kinds.
    pub fn kind_place(&self, recogniser: u16) -> u16 {
        self.compiled(recogniser)
            .map_or(u16::MAX, |compiled| compiled.kind)
    }

    /// The name of a kind.
    pub fn kind_name(&self, kind: u16) -> &str {
        self.kinds.get(usize::from(kind)).map_or("", String::as_str)
    }

    /// The names of the kinds that are looked for.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let wanted = self.kinds.iter().zip(&self.wanted);
        wanted
            .filter(|(_, wanted)| **wanted)
            .map(|(kind, _)| kind.as_str())
    }

    /// The place of a kind among the kinds.
    pub fn kind_named(&self, name: &str) -> Option<u16> {
        let place = self.kinds.iter().position(|kind| kind == name)?;
        u16::try_from(place).ok()
    }

    /// The place of a kind that is looked for.
    pub fn wanted_kind(&self, name: &str) -> Option<u16> {
        let place = self.kind_named(name)?;
        self.wanted[usize::from(place)].then_some(place)
    }

    /// The recogniser that a tagger's label is, if it is wanted.
    fn of_label(&self, label: u8) -> Option<u16> {
        self.labels.get(usize::from(label)).copied().flatten()
    }

    /// Whether a recogniser is a label of a tagger.
    fn is_label(&self, recogniser: u16) -> bool {
        self.labels.contains(&Some(recogniser))
    }

    /// The name of a recogniser, as `us_ssn`; empty for an index that is not one.
    pub fn id(&self, recogniser: u16) -> &str {
        self.compiled(recogniser)
            .map_or("", |compiled| &compiled.id)
    }

    fn compiled(&self, recogniser: u16) -> Option<&Compiled> {
        self.recognisers.get(usize::from(recogniser))
    }
}

/// The place of a kind, which may be new.
fn place_of(kind: &str, kinds: &mut Vec<String>) -> u16 {
    let place = kinds.iter().position(|known| known == kind);
    place.unwrap_or_else(|| {
        kinds.push(kind.to_owned());
        kinds.len() - 1
    }) as u16
}

impl Compiled {
    fn of_label(label: &str, kind: u16) -> Self {
        Self {
            id: format!("tagger:{}", label.to_lowercase()),
            kind,
            check: None,
            confidence: 0.0,
            edges: library::Edges::Any,
            extends: library::Extends::No,
            lenient: false,
            trims: false,
            required: false,
        }
    }

    fn of(recogniser: &library::Recogniser, kind: u16) -> Self {
        Self {
            id: recogniser.id.clone(),
            kind,
            check: recogniser.check,
            confidence: recogniser.confidence,
            edges: recogniser.edges,
            extends: recogniser.extends,
            lenient: recogniser.lenient,
            trims: recogniser.trims,
            required: recogniser.context.required,
        }
    }
}

impl Automaton {
    /// The patterns in order of preference: proven by a checksum first, then by confidence.
    fn compile(mut patterns: Vec<((bool, f32), u16, &str)>) -> Result<Self> {
        /// Room for the states of the lazy automaton; all patterns together use a fraction.
        const CACHE_BYTES: usize = 8 << 20;
        patterns.sort_by(|one, other| one.0.0.cmp(&other.0.0).then(one.0.1.total_cmp(&other.0.1)));
        let texts: Vec<&str> = patterns.iter().map(|(_, _, pattern)| *pattern).collect();
        let build = |kind: MatchKind| {
            let config = meta::Config::new()
                .hybrid_cache_capacity(CACHE_BYTES)
                .match_kind(kind);
            meta::Regex::builder()
                .syntax(read::pattern_syntax())
                .configure(config)
                .build_many(&texts)
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Config,
                        "the recognisers do not fit one automaton",
                    )
                    .hint("name fewer kinds")
                    .because(error)
                })
        };
        Ok(Self {
            regex: build(MatchKind::LeftmostFirst)?,
            every: build(MatchKind::All)?,
            owner: patterns.iter().map(|(_, owner, _)| *owner).collect(),
        })
    }
}
