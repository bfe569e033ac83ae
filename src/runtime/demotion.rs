//! Finds, in the order of the input, the row behind which a rule has fired too often to be right.
//!
//! A rule is demoted once its rate of violations lies above its bound for sure, at 95 %, over at least 1,000 rows. The
//! row depends on the rows before it alone: chunks that were judged without knowing are judged again.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::audit::Log;
use crate::audit::{Kind, Record};
use crate::batch::Watched as Found;
use crate::decode::StreamId;
use crate::error::Result;
use crate::pipeline::Done;
use crate::plan::Plan;
use crate::protocol::trace;
use crate::report::{Demoted, Totals};
use crate::stage::rules::{Point, Watched};
use crate::trial::{percent, wilson_lower};

/// Rows a rule must have judged before it can be demoted.
const ROWS_MIN: u64 = 1_000;

/// What watched rules did so far, and what became of them.
#[derive(Debug, Default)]
pub struct Demotions {
    log: Option<Log>,
    counts: HashMap<StreamId, Counts>,
    /// Demotions in the chunk that is about to leave, with the row of its batch.
    made: Vec<(StreamId, usize, Watched, Demoted)>,
}

/// Counts of one stream.
#[derive(Debug, Default)]
struct Counts {
    /// Rows judged.
    rows: u64,
    /// Per watched rule, rows that violate it.
    violations: Vec<u64>,
}

impl Demotions {
    /// Puts demotions on record here.
    pub fn record_to(&mut self, log: Option<Log>) {
        self.log = log;
    }

    /// Demotes what a chunk shows to fire too often, and says whether the chunk must be judged again.
    pub fn show(&mut self, plan: &Plan, totals: &Totals, done: &Done) -> bool {
        let mut again = false;
        for (stream, batch) in &done.decoded.batches {
            let stream_plan = plan.stream(*stream);
            let (Some(found), Some(watch)) = (batch.watched(), &stream_plan.watch) else {
                continue;
            };
            if found.version != watch.version() {
                again = true;
                continue;
            }
            let counts = self.counts.entry(*stream).or_default();
            counts.violations.resize(watch.rules().len(), 0);
            for (place, rule) in watch.rules().iter().enumerate() {
                if watch.is_demoted(place) {
                    continue;
                }
                let before = (counts.rows, counts.violations[place]);
                let Some(crossing) = crossing(before, found, place, batch.rows().len(), rule.bound)
                else {
                    continue;
                };
                let read = totals.of(*stream).map_or(0, |totals| totals.read);
                let demoted = Demoted {
                    at_row: read + crossing.row as u64 + 1,
                    violations: crossing.violations,
                    rows: crossing.rows,
                    bound: rule.bound,
                };
                let message = message(&stream_plan.descriptor.to_string(), &rule.id, &demoted);
                let point = Point {
                    chunk: batch.chunk_number(),
                    row: crossing.row,
                    message,
                };
                watch.demote(place, point);
                self.made
                    .push((*stream, crossing.row, rule.clone(), demoted));
                again = true;
            }
        }
        again
    }

    /// Counts a chunk that has left, with the demotions in it.
    ///
    /// # Errors
    /// `Output` when one cannot be put on record.
    pub fn add(&mut self, plan: &Plan, totals: &mut Totals, done: &Done) -> Result<()> {
        for (stream, batch) in &done.decoded.batches {
            let Some(found) = batch.watched() else {
                continue;
            };
            let counts = self.counts.entry(*stream).or_default();
            counts.rows += (batch.rows().len() - found.passed_over.len()) as u64;
            for (_, place) in &found.violations {
                let place = *place as usize;
                if counts.violations.len() <= place {
                    counts.violations.resize(place + 1, 0);
                }
                counts.violations[place] += 1;
            }
        }
        for (stream, row, rule, demoted) in std::mem::take(&mut self.made) {
            let batch = done.decoded.batches.iter().find(|(of, _)| *of == stream);
            // What stopped the run may stand before that row.
            if batch.is_none_or(|(_, batch)| row >= batch.rows().len()) {
                continue;
            }
            totals.demote(stream, &rule.id, demoted);
            if let Some(log) = &self.log {
                let payload = json!({
                    "stream": plan.stream(stream).descriptor.to_string(),
                    "rule": rule.id,
                    "fingerprint": rule.fingerprint,
                    "at_row": demoted.at_row,
                    "violations": demoted.violations,
                    "rows": demoted.rows,
                    "bound": demoted.bound,
                });
                log.append(&Record::new(Kind::RuleDemoted, payload))?;
            }
        }
        Ok(())
    }
}

/// The row at which a rule passes its bound, with what it had counted.
#[derive(Debug, PartialEq, Eq)]
struct Crossing {
    row: usize,
    rows: u64,
    violations: u64,
}

/// The first row of a batch at which a watched rule has fired too often, `before` it having judged so many rows with
/// so many violations.
fn crossing(
    before: (u64, u64),
    found: &Found,
    place: usize,
    rows: usize,
    bound: f64,
) -> Option<Crossing> {
    let (mut judged, mut violated) = before;
    let mut violations = found
        .violations
        .iter()
        .filter(|(_, of)| *of as usize == place)
        .map(|(row, _)| *row as usize)
        .peekable();
    let mut passed_over = found.passed_over.iter().map(|row| *row as usize).peekable();
    let fills = judged < ROWS_MIN && judged + rows as u64 >= ROWS_MIN;
    if violations.peek().is_none() && !fills {
        return None;
    }
    for row in 0..rows {
        if passed_over.next_if_eq(&row).is_some() {
            continue;
        }
        judged += 1;
        let violates = violations.next_if_eq(&row).is_some();
        violated += u64::from(violates);
        // Rows that pass only make the rate smaller, but for the one that makes them enough.
        let tells = judged == ROWS_MIN || (violates && judged > ROWS_MIN);
        if tells && wilson_lower(violated, judged) > bound {
            return Some(Crossing {
                row,
                rows: judged,
                violations: violated,
            });
        }
    }
    None
}

/// The line that leaves behind the record, without its newline.
fn message(stream: &str, rule: &str, demoted: &Demoted) -> Arc<str> {
    let Demoted {
        at_row,
        violations,
        rows,
        bound,
    } = demoted;
    let message = format!(
        "midflight: stream `{stream}`: the rule `{rule}` is demoted behind record {at_row}: {violations} of {rows} records violate it, surely more than {} of them; from here on it only counts",
        percent(*bound)
    );
    Arc::from(trace::log("WARN", &message).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(violations: &[u32], passed_over: &[u32]) -> Found {
        Found {
            version: 0,
            passed_over: passed_over.to_vec(),
            violations: violations
                .iter()
                .map(|row| (*row, 1))
                .chain([(5_000, 0)])
                .collect(),
        }
    }

    fn at(before: (u64, u64), found: &Found, rows: usize) -> Option<(usize, u64, u64)> {
        crossing(before, found, 1, rows, 0.001)
            .map(|found| (found.row, found.rows, found.violations))
    }

    #[test]
    fn the_row_depends_on_rows_alone() {
        let early: Vec<u32> = (0..20).collect();
        assert_eq!(at((0, 0), &found(&early, &[]), 999), None, "too few rows");
        assert_eq!(
            at((0, 0), &found(&early, &[]), 1_500),
            Some((999, 1_000, 20))
        );
        assert_eq!(at((999, 20), &found(&[], &[]), 5), Some((0, 1_000, 20)));
        assert_eq!(at((999, 20), &found(&[], &[0, 1]), 5), Some((2, 1_000, 20)));
        assert_eq!(at((10_000, 0), &found(&[], &[]), 5_000), None);
        let late: Vec<u32> = (100..400).collect();
        let whole = at((10_000, 0), &found(&late, &[]), 1_000).expect("a crossing");
        // Ten in ten thousand are tolerated; at 95 % it takes more to be sure.
        assert_eq!(whole.2, 17);
        let (row, rows, violations) = whole;
        let cut = row - 3;
        let first: Vec<u32> = late
            .iter()
            .copied()
            .filter(|row| (*row as usize) < cut)
            .collect();
        assert_eq!(at((10_000, 0), &found(&first, &[]), cut), None);
        let rest: Vec<u32> = late
            .iter()
            .filter(|row| **row as usize >= cut)
            .map(|row| row - cut as u32)
            .collect();
        let before = (10_000 + cut as u64, first.len() as u64);
        assert_eq!(
            at(before, &found(&rest, &[]), 1_000 - cut),
            Some((3, rows, violations))
        );
    }
}
