//! From a text to its findings: candidates of the automata, judged, and the overlaps resolved.

use std::ops::Range;

use regex_automata::{Anchored, Input, PatternID, PatternSet, meta};

use super::context::{Heard, REACH_AFTER, REACH_AGAINST, REACH_BEFORE};
use super::gate::Cluster;
use super::library::{Edges, Extends};
use super::simd::{BLOCK, Marks};
use super::{Automaton, CONFIDENCE_MIN, ColumnContext, Compiled, Detector, Finding};

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
/// What a word nearby or the column's name adds to, or takes from, the confidence.
const WEIGHT: f32 = 0.3;

/// A proven match of this confidence settles its place: no other pattern is asked.
const SURE: f32 = 0.8;

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

/// A match that passed its tests.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    finding: Finding,
    proven: bool,
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
    pub fn find(&self, text: &str, column: &ColumnContext, scratch: &mut Scratch, found: &mut Vec<Finding>) {
        found.clear();
        if let Some(recogniser) = column.whole {
            if !text.trim().is_empty() {
                let confidence = self.compiled(recogniser).map_or(0.0, |compiled| compiled.confidence);
                found.push(Finding { start: 0, end: text.len(), recogniser, confidence });
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

    fn piece(&self, text: &str, piece: Range<usize>, column: &ColumnContext, scratch: &mut Scratch) {
        let bytes = text.as_bytes().get(piece.clone()).unwrap_or_default();
        self.gate.survey(bytes, column.eager, &mut scratch.marks, &mut scratch.clusters);
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

    fn cluster(&self, text: &str, anchors: Range<usize>, cluster: Cluster, column: &ColumnContext, scratch: &mut Scratch) {
        let bytes = text.as_bytes();
        scratch.heard.clear();
        let mut spoken = column.raised;
        if cluster.digit {
            let from = anchors.start.saturating_sub(REACH_BEFORE);
            self.text_words.hear(bytes, from, anchors.end + PHRASE, &mut scratch.heard);
            for heard in &scratch.heard {
                spoken.join(&heard.voice.pro);
            }
        }
        if cluster.hot || column.favours {
            let margin = if cluster.literal { PHRASE } else { MARGIN };
            let span = widen(bytes, &anchors, margin);
            let Scratch { plain, heard, candidates, .. } = scratch;
            let mut judge = Judge { detector: self, text, column, heard, candidates };
            search(&self.plain, plain, span, &mut judge);
        }
        let settled = scratch.candidates.iter().rev().take(1).any(|last| {
            let finding = &last.finding;
            last.proven && finding.confidence >= SURE && finding.start <= anchors.start && finding.end >= anchors.end
        });
        if cluster.digit && !settled && spoken.meets(&self.needy) {
            let span = widen(bytes, &anchors, PHRASE);
            let Scratch { contextual, heard, candidates, .. } = scratch;
            let mut judge = Judge { detector: self, text, column, heard, candidates };
            search(&self.contextual, contextual, span, &mut judge);
        }
    }
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
    let Buffers { cache, every, matching } = buffers;
    let mut at = span.start;
    while at < span.end {
        let input = Input::new(judge.text).span(at..span.end);
        let Some(hit) = automaton.regex.search_with(cache, &input) else {
            return;
        };
        let first = automaton.owner(hit.pattern()).and_then(|owner| judge.hear(owner, hit.range()));
        if let Some(sure) = first.filter(|heard| heard.sure) {
            at = sure.end.max(hit.start() + 1);
            continue;
        }
        matching.clear();
        let here = Input::new(judge.text).span(hit.start()..span.end).anchored(Anchored::Yes);
        automaton.every.which_overlapping_matches_with(every, &here, matching);
        let mut end = first.map(|heard| heard.end);
        for pattern in matching.iter().filter(|pattern| *pattern != hit.pattern()) {
            let input = here.clone().anchored(Anchored::Pattern(pattern));
            let Some(other) = automaton.regex.search_with(cache, &input) else {
                continue;
            };
            let heard = automaton.owner(pattern).and_then(|owner| judge.hear(owner, other.range()));
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

/// What became of a match that was accepted.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    end: usize,
    /// Proven or certain enough that no other pattern need be asked.
    sure: bool,
}

/// Decides about matches of one text.
struct Judge<'a> {
    detector: &'a Detector,
    text: &'a str,
    column: &'a ColumnContext,
    heard: &'a [Heard],
    candidates: &'a mut Vec<Candidate>,
}

impl Judge<'_> {
    /// Accepts a match into the candidates, or refuses it. Cheap tests first, the checksum last.
    fn hear(&mut self, recogniser: u16, range: Range<usize>) -> Option<Verdict> {
        let compiled = self.detector.compiled(recogniser)?;
        let bytes = self.text.as_bytes();
        let raised = self.column.raised.has(recogniser);
        let confidence = self.confidence(recogniser, compiled, &range, raised)?;
        let (end, proven) = self.proof(compiled, &range, raised)?;
        let end = extended(compiled.extends, bytes, end);
        if !(self.text.is_char_boundary(range.start) && self.text.is_char_boundary(end)) {
            return None;
        }
        let finding = Finding { start: range.start, end, recogniser, confidence };
        self.candidates.push(Candidate { finding, proven });
        Some(Verdict { end, sure: proven && confidence >= SURE })
    }

    /// Where the match ends that stands alone and satisfies its check, and whether there was one.
    fn proof(&self, compiled: &Compiled, range: &Range<usize>, raised: bool) -> Option<(usize, bool)> {
        /// How many words a match may lose from its end.
        const TRIMS: usize = 3;
        let bytes = self.text.as_bytes();
        let mut end = range.end;
        for _ in 0..=if compiled.trims { TRIMS } else { 0 } {
            let matched = bytes.get(range.start..end)?;
            if stands_alone(compiled.edges, self.text, range.start..end)
                && compiled.check.is_none_or(|check| check(matched))
            {
                return Some((end, compiled.check.is_some()));
            }
            let Some(blank) = matched.iter().rposition(|byte| *byte == b' ') else {
                break;
            };
            end = range.start + blank;
        }
        let tolerated = compiled.lenient && raised && stands_alone(compiled.edges, self.text, range.clone());
        tolerated.then_some((range.end, false))
    }

    fn confidence(&self, recogniser: u16, compiled: &Compiled, range: &Range<usize>, raised: bool) -> Option<f32> {
        let word = || {
            self.heard.iter().any(|heard| {
                heard.voice.pro.has(recogniser)
                    && heard.end + REACH_BEFORE >= range.start
                    && heard.start <= range.end + REACH_AFTER
            })
        };
        let objection = || {
            self.heard.iter().any(|heard| {
                heard.voice.contra.has(recogniser)
                    && heard.end <= range.start
                    && heard.end + REACH_AGAINST >= range.start
            })
        };
        let spoken = raised || word();
        let opposed = self.column.lowered.has(recogniser) || objection();
        if compiled.required && (!spoken || opposed) {
            return None;
        }
        let mut confidence = compiled.confidence;
        if spoken {
            confidence += WEIGHT;
        }
        if opposed {
            confidence -= WEIGHT;
        }
        let confidence = confidence.min(0.99);
        (confidence >= CONFIDENCE_MIN).then_some(confidence)
    }
}

/// Whether nothing that belongs to the match stands beside it.
fn stands_alone(edges: Edges, text: &str, range: Range<usize>) -> bool {
    let part = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    match edges {
        Edges::Any => true,
        Edges::Word => !part(before.chars().next_back()) && !part(after.chars().next()),
        Edges::Dots => {
            let dotted_before = matches!(before.as_bytes(), [.., other, b'.'] if other.is_ascii_digit());
            let dotted_after = matches!(after.as_bytes(), [b'.', other, ..] if other.is_ascii_digit());
            !part(before.chars().next_back()) && !part(after.chars().next()) && !dotted_before && !dotted_after
        }
        Edges::Token => {
            !part(before.chars().next_back())
                && !part(after.chars().next())
                && !glued_before(before.as_bytes())
                && !glued_after(after.as_bytes())
        }
    }
}

/// `x-`, `1.`, `v=1/`: the match is the tail of something longer.
fn glued_before(before: &[u8]) -> bool {
    match before {
        [.., other, b'-' | b'/' | b'+' | b'\\' | b'%'] => other.is_ascii_alphanumeric(),
        [.., other, b'.' | b',' | b':'] => other.is_ascii_digit(),
        [.., b'$' | b'#' | b'-' | b'+'] => true,
        _ => before.ends_with("€".as_bytes()) || before.ends_with("£".as_bytes()),
    }
}

/// `-x`, `.1`, `%`: the match is the head of something longer.
fn glued_after(after: &[u8]) -> bool {
    match after {
        [b'-' | b'/' | b'@' | b'+' | b'\\' | b'=', other, ..] => other.is_ascii_alphanumeric(),
        [b'.' | b',' | b':', other, ..] => other.is_ascii_digit(),
        [b'%', ..] => true,
        _ => false,
    }
}

/// Where a finding ends that its pattern only began.
fn extended(extends: Extends, text: &[u8], end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    match extends {
        Extends::No => end,
        Extends::Token => {
            let token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.=/+~".contains(byte);
            end + rest.iter().take_while(token).count()
        }
        Extends::Pem => {
            let footer = memchr::memmem::find(rest, b"-----END").and_then(|at| {
                let tail = at + b"-----END".len();
                let close = memchr::memmem::find(rest.get(tail..)?, b"-----")?;
                Some(tail + close + b"-----".len())
            });
            footer.map_or(text.len(), |footer| end + footer)
        }
    }
}

/// Keeps, of candidates that overlap, the best: proven first, then by confidence, then by length.
fn resolve(candidates: &mut [Candidate], found: &mut Vec<Finding>) {
    match candidates {
        [] => return,
        [only] => {
            found.push(only.finding);
            return;
        }
        _ => {}
    }
    candidates.sort_by(|one, other| {
        let (a, b) = (&one.finding, &other.finding);
        a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(a.recogniser.cmp(&b.recogniser))
    });
    let mut rest = &mut *candidates;
    while let Some(first) = rest.first() {
        // A group: candidates that overlap one another, directly or by way of others.
        let mut end = first.finding.end;
        let mut size = 1;
        while let Some(next) = rest.get(size).filter(|next| next.finding.start < end) {
            end = end.max(next.finding.end);
            size += 1;
        }
        let (group, later) = rest.split_at_mut(size);
        keep_best(group, found);
        rest = later;
    }
}

fn keep_best(group: &mut [Candidate], found: &mut Vec<Finding>) {
    let length = |finding: &Finding| finding.end - finding.start;
    group.sort_by(|one, other| {
        let (a, b) = (&one.finding, &other.finding);
        (other.proven.cmp(&one.proven))
            .then(b.confidence.total_cmp(&a.confidence))
            .then(length(b).cmp(&length(a)))
            .then(a.start.cmp(&b.start))
            .then(a.recogniser.cmp(&b.recogniser))
    });
    let from = found.len();
    for candidate in group {
        let new = &candidate.finding;
        let clear = |old: &Finding| old.end <= new.start || old.start >= new.end;
        if found.get(from..).is_some_and(|kept| kept.iter().all(clear)) {
            found.push(*new);
        }
    }
    if let Some(kept) = found.get_mut(from..) {
        kept.sort_by_key(|finding| finding.start);
    }
}
