//! What is unusual about a run, told by the runs before it.
//!
//! Volumes, times and fractions are compared with what the runs before lead to expect (`series`); what a cursor does
//! is held to rules (`cursor`). Runs that failed teach nothing, and with few runs nothing is said.

mod cursor;
mod metric;
mod series;
mod words;

use std::collections::BTreeSet;

use serde::Serialize;

use super::Entry;
use metric::Metric;
pub(super) use series::quantile;
use series::{Point, Series};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Worth looking at.
    Warning,
    /// Data is missing or wrong, most probably.
    Critical,
}

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
}

/// What the runs before lead to expect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Usual {
    pub low: f64,
    pub high: f64,
    pub median: f64,
}

/// Something unusual.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Anomaly {
    /// `None` for the run as a whole.
    pub stream: Option<String>,
    pub metric: &'static str,
    /// `None` where there is no more and less.
    pub direction: Option<Direction>,
    pub value: Option<f64>,
    pub usual: Option<Usual>,
    pub severity: Severity,
    /// One sentence for people.
    pub says: String,
}

/// The runs in which a stream must have been before it is missed.
const RUNS_BEFORE_MISSED: usize = 5;

/// What is unusual about `judged`; `past` are the runs before it, the oldest first. The worst comes first.
pub fn examine(past: &[Entry], judged: &Entry) -> Vec<Anomaly> {
    let learned: Vec<&Entry> = past
        .iter()
        .filter(|entry| entry.succeeded() && entry.command == judged.command)
        .collect();
    // What a run that failed did not bring says nothing.
    if !judged.succeeded() {
        return Vec::new();
    }
    let mut found: Vec<Anomaly> = Vec::new();
    for metric in Metric::OF_RUN {
        found.extend(compare(&learned, judged, None, *metric));
    }
    let names: BTreeSet<&String> = learned
        .iter()
        .flat_map(|entry| entry.streams.keys())
        .chain(judged.streams.keys())
        .collect();
    for name in names {
        if let Some(missing) = missing(&learned, judged, name) {
            found.push(missing);
            continue;
        }
        let mut of_stream: Vec<Anomaly> = Vec::new();
        for metric in Metric::OF_STREAM {
            // Fewer rows have fewer bytes and take less time: that is told once.
            let told =
                |anomaly: &Anomaly| anomaly.metric == Metric::Rows.name() && metric.follows_rows();
            if !of_stream.iter().any(told) {
                of_stream.extend(compare(&learned, judged, Some(name), *metric));
            }
        }
        of_stream.extend(cursor::check(&learned, judged, name));
        found.append(&mut of_stream);
    }
    found.sort_by_key(|anomaly| std::cmp::Reverse(anomaly.severity));
    found
}

/// A stream that was in every one of the last runs and is not in this one.
fn missing(learned: &[&Entry], judged: &Entry, name: &str) -> Option<Anomaly> {
    let last = learned.len().checked_sub(RUNS_BEFORE_MISSED)?;
    let always = learned[last..]
        .iter()
        .all(|entry| entry.streams.contains_key(name));
    (always && !judged.streams.contains_key(name)).then(|| Anomaly {
        stream: Some(name.to_owned()),
        metric: "missing",
        direction: None,
        value: None,
        usual: None,
        severity: Severity::Critical,
        says: format!(
            "`{name}` is not in this run, though it was in each of the last {RUNS_BEFORE_MISSED}: \
             look whether it was deselected or the source lost it"
        ),
    })
}

fn compare(
    learned: &[&Entry],
    judged: &Entry,
    stream: Option<&str>,
    metric: Metric,
) -> Option<Anomaly> {
    // Before its first run a stream was not there; in later ones without it, it had nothing.
    let known = learned
        .iter()
        .position(|entry| stream.is_none_or(|name| entry.streams.contains_key(name)))?;
    let point = |entry: &Entry| {
        let value = metric.of(entry, stream)?;
        Some(Point {
            at: entry.moment()?,
            value: metric.scaled(value),
        })
    };
    let points: Vec<Point> = learned[known..]
        .iter()
        .filter_map(|entry| point(entry))
        .collect();
    let value = metric.of(judged, stream)?;
    let now = point(judged)?;
    let verdict = Series::learn(&points, metric).judge(now)?;
    let usual = Usual {
        low: metric.unscaled(verdict.low),
        high: metric.unscaled(verdict.high),
        median: metric.unscaled(verdict.expected),
    };
    let severity = metric.severity(verdict.direction, value, usual)?;
    Some(Anomaly {
        stream: stream.map(str::to_owned),
        metric: metric.name(),
        direction: Some(verdict.direction),
        value: Some(value),
        usual: Some(usual),
        severity,
        says: words::says(metric, stream, value, usual, &verdict),
    })
}
