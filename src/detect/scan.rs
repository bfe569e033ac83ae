//! From a text to its findings: the spans the gate lets through, searched by the automata.

use std::ops::Range;

use regex_automata::{Anchored, Input, PatternID, PatternSet, meta};

use super::context::{Heard, REACH_BEFORE};
use super::gate::Cluster;
use super::judge::{Judge, SURE};
use super::overlap::{Candidate, resolve};
use super::simd::{BLOCK, Marks};
use super::{Automaton, ColumnContext, Detector, Finding};

/// The most findings of one text. Past them its whole rest is one finding.
pub const FINDINGS_MAX: usize = 10_000;

/// The longest text searched at once, in bytes; longer ones are searched in pieces.
const PIECE: usize = 1 << 20;
/// How far pieces overlap: no pattern matches more.
const OVERLAP: usize = 4 << 10;
/// How far a search reaches past the anchors, at least.
const MARGIN: usize = 8;
/// How far it reaches while no blank is met: the longest local part of an address, and more.
const STRETCH: usize = 256;
/// The same for patterns of several words, such as streets.
const PHRASE: usize = 56;

/// Buffers one worker reuses from text to text.
#[derive(Debug)]
pub struct Scratch {
    plain: Buffers,
    contextual: Buffers,
    marks: Vec<Marks>,
    clusters: Vec<Cluster>,
    heard: Vec<Heard>,
    candidates: Vec<Candidate>,
}

/// What searching with one automaton needs.
#[derive(Debug)]
struct Buffers {
    cache: meta::Cache,
    every: meta::Cache,
    matching: PatternSet,
}

impl Scratch {
    pub(super) fn new(detector: &Detector) -> Self {
        Self {
            plain: Buffers::new(&detector.plain),
            contextual: Buffers::new(&detector.contextual),
            marks: Vec::new(),
            clusters: Vec::new(),
            heard: Vec::new(),
            candidates: Vec::new(),
        }
    }
}

impl Buffers {
    fn new(automaton: &Automaton) -> Self {
        Self {
            cache: automaton.regex.create_cache(),
            every: automaton.every.create_cache(),
            matching: PatternSet::new(automaton.every.pattern_len()),
        }
    }
}

impl Detector {
    /// Finds personal data in `text`: spans in ascending order that do not overlap, on character
    /// boundaries. Clears `found` first. Past [`FINDINGS_MAX`] the rest of the text is one finding.
    pub fn find(
        &self,
        text: &str,
        column: &ColumnContext,
        scratch: &mut Scratch,
        found: &mut Vec<Finding>,
    ) {
        found.clear();
        if let Some(recogniser) = column.whole {
            if !text.trim().is_empty() {
                let confidence = self
                    .compiled(recogniser)
                    .map_or(0.0, |compiled| compiled.confidence);
                found.push(Finding {
                    start: 0,
                    end: text.len(),
                    recogniser,
                    confidence,
                });
            }
            return;
        }
        if !column.eager && text.len() <= BLOCK && !self.gate.may_pass(text.as_bytes()) {
            return;
        }
        scratch.candidates.clear();
        let mut from = 0;
        loop {
            let to = boundary(text, (from + PIECE).min(text.len()));
            self.piece(text, from..to, column, scratch);
            if to == text.len() || scratch.candidates.len() > FINDINGS_MAX {
                break;
            }
            from = boundary(text, to - OVERLAP);
        }
        resolve(&mut scratch.candidates, found);
        if found.len() > FINDINGS_MAX {
            found.truncate(FINDINGS_MAX);
            if let Some(last) = found.last_mut() {
                last.end = text.len();
            }
        }
    }

    fn piece(
        &self,
        text: &str,
        piece: Range<usize>,
        column: &ColumnContext,
        scratch: &mut Scratch,
    ) {
        let bytes = text.as_bytes().get(piece.clone()).unwrap_or_default();
        self.gate.survey(
            bytes,
            column.eager,
            &mut scratch.marks,
            &mut scratch.clusters,
        );
        if scratch.clusters.is_empty() {
            return;
        }
        let clusters = std::mem::take(&mut scratch.clusters);
        for cluster in &clusters {
            let (start, end) = (cluster.start + piece.start, cluster.end + piece.start);
            self.cluster(text, start..end, *cluster, column, scratch);
            if scratch.candidates.len() > FINDINGS_MAX {
                break;
            }
        }
        scratch.clusters = clusters;
    }

    fn cluster(
        &self,
        text: &str,
        anchors: Range<usize>,
        cluster: Cluster,
        column: &ColumnContext,
        scratch: &mut Scratch,
    ) {
        let bytes = text.as_bytes();
        scratch.heard.clear();
        let mut spoken = column.raised;
        if cluster.digit {
            let from = anchors.start.saturating_sub(REACH_BEFORE);
            self.text_words
                .hear(bytes, from, anchors.end + PHRASE, &mut scratch.heard);
            for heard in &scratch.heard {
                spoken.join(&heard.voice.pro);
            }
        }
        if cluster.hot || column.favours {
            let margin = if cluster.literal { PHRASE } else { MARGIN };
            let span = widen(bytes, &anchors, margin);
            self.hunt(text, span, Patterns::Plain, column, scratch);
        }
        let settled = scratch.candidates.iter().rev().take(1).any(|last| {
            let finding = &last.finding;
            last.proven
                && finding.confidence >= SURE
                && finding.start <= anchors.start
                && finding.end >= anchors.end
        });
        if cluster.digit && !settled && spoken.meets(&self.needy) {
            let span = widen(bytes, &anchors, PHRASE);
            self.hunt(text, span, Patterns::Contextual, column, scratch);
        }
    }

    /// Searches a span with one set of patterns and judges what it hits.
    fn hunt(
        &self,
        text: &str,
        span: Range<usize>,
        patterns: Patterns,
        column: &ColumnContext,
        scratch: &mut Scratch,
    ) {
        let (automaton, buffers) = match patterns {
            Patterns::Plain => (&self.plain, &mut scratch.plain),
            Patterns::Contextual => (&self.contextual, &mut scratch.contextual),
        };
        let mut judge = Judge {
            detector: self,
            text,
            column,
            heard: &scratch.heard,
            candidates: &mut scratch.candidates,
        };
        search(automaton, buffers, span, &mut judge);
    }
}

/// Which of the detector's automata searches.
#[derive(Clone, Copy)]
enum Patterns {
    Plain,
    Contextual,
}

/// The last character boundary up to `at`.
fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Anchors with a margin on both sides, and on until a blank.
fn widen(text: &[u8], anchors: &Range<usize>, margin: usize) -> Range<usize> {
    let blank = |byte: &&u8| !byte.is_ascii_whitespace();
    let start = anchors.start.saturating_sub(margin);
    let before = text.get(..start).unwrap_or_default();
    let left = before.iter().rev().take(STRETCH).take_while(blank).count();
    let end = (anchors.end + margin).min(text.len());
    let after = text.get(end..).unwrap_or_default();
    let right = after.iter().take(STRETCH).take_while(blank).count();
    start - left..end + right
}

/// Hands every match in a span to the judge. Where a match is refused or doubtful, the other patterns
/// that match at the same place are heard as well.
fn search(automaton: &Automaton, buffers: &mut Buffers, span: Range<usize>, judge: &mut Judge<'_>) {
    let Buffers {
        cache,
        every,
        matching,
    } = buffers;
    let mut at = span.start;
    while at < span.end {
        let input = Input::new(judge.text).span(at..span.end);
        let Some(hit) = automaton.regex.search_with(cache, &input) else {
            return;
        };
        let first = automaton
            .owner(hit.pattern())
            .and_then(|owner| judge.hear(owner, hit.range()));
        if let Some(sure) = first.filter(|heard| heard.sure) {
            at = sure.end.max(hit.start() + 1);
            continue;
        }
        matching.clear();
        let here = Input::new(judge.text)
            .span(hit.start()..span.end)
            .anchored(Anchored::Yes);
        automaton
            .every
            .which_overlapping_matches_with(every, &here, matching);
        let mut end = first.map(|heard| heard.end);
        for pattern in matching.iter().filter(|pattern| *pattern != hit.pattern()) {
            let input = here.clone().anchored(Anchored::Pattern(pattern));
            let Some(other) = automaton.regex.search_with(cache, &input) else {
                continue;
            };
            let heard = automaton
                .owner(pattern)
                .and_then(|owner| judge.hear(owner, other.range()));
            end = end.max(heard.map(|heard| heard.end));
        }
        at = end.unwrap_or(0).max(hit.start() + 1);
        if judge.candidates.len() > FINDINGS_MAX {
            return;
        }
    }
}

impl Automaton {
    fn owner(&self, pattern: PatternID) -> Option<u16> {
        self.owner.get(pattern.as_usize()).copied()
    }
}
