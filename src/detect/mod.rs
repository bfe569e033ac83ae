//! Where personal data is: spans in a text, and nothing is changed.
//!
//! The trip of a text: the gate (`gate`, `simd`) looks for anchors, 64 bytes at a time, and most short strings
//! leave there; spans around anchors go through one automaton for all patterns (`scan`); what it hits
//! must stand alone (`judge`), satisfy its checksum (`checksum`) and gather enough confidence from the
//! words nearby and from the column's name (`context`); of overlapping findings the best proven stays (`overlap`).
//!
//! Patterns find what has a form. Names of people, and whatever else free text says in words, have none:
//! those come from a tagger of module `model`, whose spans are merged with these, and a finding with a
//! checksum wins over the tagger's. What a whole column is, is judged in `column`.

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
mod read;
mod scan;
mod simd;
mod words;

pub use library::{Library, RECOGNISERS_MAX};
pub use name::kind_of_name;
pub use scan::{FINDINGS_MAX, Scratch};

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
}

/// What a running recogniser needs to judge a match.
#[derive(Debug)]
struct Compiled {
    id: String,
    kind: String,
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
    /// Compiles the recognisers of the wanted kinds.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` when the patterns together are too large for one automaton.
    pub fn compile(library: &Library, wanted: &dyn Fn(&str) -> bool) -> Result<Self> {
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
        Ok(Self {
            recognisers: library.recognisers.iter().map(Compiled::of).collect(),
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
        self.compiled(recogniser)
            .map_or("", |compiled| &compiled.kind)
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

impl Compiled {
    fn of(recogniser: &library::Recogniser) -> Self {
        Self {
            id: recogniser.id.clone(),
            kind: recogniser.kind.clone(),
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
