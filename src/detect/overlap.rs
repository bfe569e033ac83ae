//! Of findings that overlap the best stay: proven ones first, then by confidence, then by length.

use super::judge::SURE;
use super::{Detector, Finding};

impl Detector {
    /// Merges what recognisers found with what a tagger found, both ascending. What is left of a tagger's
    /// finding beside a better one stays: a name before an address is still a name.
    pub fn merge(&self, text: &str, tagged: &[Finding], found: &mut Vec<Finding>) {
        if tagged.is_empty() {
            return;
        }
        let candidate = |finding: &Finding| Candidate {
            finding: *finding,
            proven: !self.is_label(finding.recogniser) && self.is_proof(finding),
        };
        let mut candidates: Vec<Candidate> = found.iter().chain(tagged).map(candidate).collect();
        found.clear();
        resolve(&mut candidates, found);
        let mut rests = Vec::new();
        for finding in tagged {
            // What was kept ascends and is apart, so those that touch this one stand together.
            let first = found.partition_point(|kept| kept.end <= finding.start);
            let touching = found[first..]
                .iter()
                .take_while(|kept| kept.start < finding.end);
            let mut start = finding.start;
            for kept in touching {
                rests.push(Finding {
                    start,
                    end: kept.start.max(start),
                    ..*finding
                });
                start = kept.end;
            }
            rests.push(Finding {
                start,
                end: finding.end.max(start),
                ..*finding
            });
        }
        let says = |rest: &Finding| {
            let part = text.get(rest.start..rest.end).unwrap_or_default();
            let letters = part.chars().filter(|letter| letter.is_alphanumeric());
            letters.take(2).count() == 2
        };
        rests.retain(says);
        // Rests of findings that overlapped one another may do so as well.
        rests.sort_by_key(|rest| (rest.start, rest.end));
        let mut end = 0;
        for mut rest in rests {
            rest.start = rest.start.max(end);
            if rest.start < rest.end {
                end = rest.end;
                found.push(rest);
            }
        }
        found.sort_by_key(|finding| finding.start);
    }

    /// A checksum holds, or the kind has a form that recognisers know better than a tagger.
    fn is_proof(&self, finding: &Finding) -> bool {
        const IN_WORDS: &[&str] = &[
            "PERSON",
            "STREET_ADDRESS",
            "CITY",
            "STATE",
            "POSTCODE",
            "USERNAME",
        ];
        let compiled = self.compiled(finding.recogniser);
        let checked = compiled.is_some_and(|compiled| compiled.check.is_some());
        checked && finding.confidence >= SURE || !IN_WORDS.contains(&self.kind(finding.recogniser))
    }
}

/// A match that passed its tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) finding: Finding,
    /// Whether its check holds.
    pub(super) proven: bool,
}

/// Keeps, of candidates that overlap, the best: proven first, then by confidence, then by length.
pub(super) fn resolve(candidates: &mut [Candidate], found: &mut Vec<Finding>) {
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
        a.start
            .cmp(&b.start)
            .then(b.end.cmp(&a.end))
            .then(a.recogniser.cmp(&b.recogniser))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(start: usize, end: usize, confidence: f32, proven: bool) -> Candidate {
        let finding = Finding {
            start,
            end,
            recogniser: 0,
            confidence,
        };
        Candidate { finding, proven }
    }

    #[test]
    fn the_best_of_overlapping_candidates_stays() {
        type Case<'a> = (&'a [Candidate], &'a [(usize, usize)]);
        let cases: [Case<'_>; 6] = [
            (&[], &[]),
            (
                &[candidate(3, 5, 0.9, true), candidate(0, 2, 0.5, false)],
                &[(0, 2), (3, 5)],
            ),
            (
                &[candidate(0, 4, 0.9, false), candidate(2, 6, 0.6, true)],
                &[(2, 6)],
            ),
            (
                &[candidate(0, 4, 0.6, true), candidate(2, 6, 0.9, true)],
                &[(2, 6)],
            ),
            (
                &[candidate(0, 4, 0.9, true), candidate(0, 6, 0.9, true)],
                &[(0, 6)],
            ),
            // The middle one loses to neither neighbour: it is the best of the three.
            (
                &[
                    candidate(0, 4, 0.7, true),
                    candidate(3, 8, 0.9, true),
                    candidate(7, 9, 0.7, true),
                ],
                &[(3, 8)],
            ),
        ];
        for (candidates, expected) in cases {
            let mut found = Vec::new();
            resolve(&mut candidates.to_vec(), &mut found);
            let spans: Vec<_> = found.iter().map(|one| (one.start, one.end)).collect();
            assert_eq!(spans, expected);
        }
    }
}
