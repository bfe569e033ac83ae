//! The table of streams, those that need a look first.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Known;
use super::personal;
use super::section::SECTIONS_MAX;
use crate::page::draw::{Line, Segment, line, stack};
use crate::page::read::report::Stream;
use crate::page::words::{self, count};

/// The most rows of the table.
const ROWS_MAX: usize = 1_000;
/// Streams above which no line over the last runs is drawn beside each.
const LINES_MAX: usize = 300;
/// Runs of such a line.
const LINE_RUNS: usize = 30;

/// Streams in the order of the page, and where they stand on it.
#[derive(Debug)]
pub struct Order<'a> {
    pub names: Vec<&'a str>,
    places: BTreeMap<&'a str, usize>,
}

impl Order<'_> {
    /// The number of a stream's section, if it has one.
    pub fn section_of(&self, stream: &str) -> Option<usize> {
        let place = self.places.get(stream).copied();
        place
            .filter(|place| *place < SECTIONS_MAX)
            .map(|place| place + 1)
    }
}

/// The order: what went wrong first, then what has most records, then names.
pub(super) fn order(known: &Known) -> Order<'_> {
    let mut streams: Vec<_> = known.report.streams.iter().collect();
    let weight = |name: &str, stream: &Stream| {
        let violations: u64 = stream.violations.values().sum();
        (
            stream.rejected > 0,
            has_anomaly(known, name) || !stream.demoted.is_empty() || !stream.records().add_up(),
            violations > 0,
            stream.read,
        )
    };
    streams.sort_by(|a, b| {
        weight(b.0, b.1)
            .cmp(&weight(a.0, a.1))
            .then_with(|| a.0.cmp(b.0))
    });
    let names: Vec<&str> = streams.iter().map(|(name, _)| name.as_str()).collect();
    let places = names.iter().enumerate().map(|(place, name)| (*name, place));
    Order {
        places: places.collect(),
        names,
    }
}

fn has_anomaly(known: &Known, name: &str) -> bool {
    let health = known.health.as_ref();
    let mut anomalies = health.into_iter().flat_map(|health| &health.anomalies);
    anomalies.any(|anomaly| anomaly.stream.as_deref() == Some(name))
}

/// The table of streams.
#[derive(Debug, Serialize)]
pub struct Table {
    pub rows: Vec<Row>,
    pub total: String,
    pub left_out: usize,
    /// Whether rows have a line over the last runs.
    pub lines: bool,
}

/// One stream.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub section: Option<usize>,
    pub bar: Vec<Segment>,
    pub read: Number,
    pub emitted: Number,
    pub filtered: Number,
    pub rejected: Number,
    pub findings: Number,
    pub violations: Number,
    pub bytes: Number,
    pub rate: Number,
    pub line: Option<Line>,
    /// What to look at, in words.
    pub looks: Vec<String>,
}

/// A number to read, and one to sort by.
#[derive(Debug, Serialize)]
pub struct Number {
    pub says: String,
    pub sorts: f64,
    pub zero: bool,
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "rows are sorted by it")]
    fn of(number: u64) -> Self {
        Self {
            says: count(number),
            sorts: number as f64,
            zero: number == 0,
        }
    }
}

impl Table {
    pub(super) fn of(known: &Known, order: &Order) -> Self {
        let earlier = known
            .history
            .as_ref()
            .is_some_and(|history| history.runs.len() >= 3);
        let lines = earlier && order.names.len() <= LINES_MAX;
        let shown = order.names.iter().take(ROWS_MAX);
        let rows = shown.filter_map(|name| {
            let stream = known.report.streams.get(*name)?;
            Some(row(known, order, name, stream, lines))
        });
        Self {
            rows: rows.collect(),
            total: count(order.names.len() as u64),
            left_out: order.names.len().saturating_sub(ROWS_MAX),
            lines,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows are sorted by it")]
fn row(known: &Known, order: &Order, name: &str, stream: &Stream, lines: bool) -> Row {
    let found = personal::sum([stream].into_iter());
    let seconds = known.report.seconds;
    Row {
        name: words::name(name),
        section: order.section_of(name),
        bar: ways(stream),
        read: Number::of(stream.read),
        emitted: Number::of(stream.emitted),
        filtered: Number::of(stream.filtered),
        rejected: Number::of(stream.rejected),
        findings: Number::of(found.personal + found.masked),
        violations: Number::of(stream.violations.values().sum()),
        bytes: Number {
            says: words::bytes(stream.bytes),
            ..Number::of(stream.bytes)
        },
        rate: Number {
            says: words::rate(stream.read, seconds).unwrap_or_else(|| "–".to_owned()),
            sorts: if seconds > 0.0 {
                stream.read as f64 / seconds
            } else {
                0.0
            },
            zero: stream.read == 0,
        },
        line: lines.then(|| line(&over_runs(known, name))).flatten(),
        looks: looks(known, name, stream),
    }
}

/// The ways of a stream's records as a bar.
pub fn ways(stream: &Stream) -> Vec<Segment> {
    stack(&[
        ("emitted", stream.emitted),
        ("filtered", stream.filtered),
        ("rejected", stream.rejected),
    ])
}

/// Records of a stream in the last runs.
fn over_runs(known: &Known, name: &str) -> Vec<u64> {
    let runs = known.history.iter().flat_map(|history| &history.runs);
    let runs = runs.filter(|run| !run.failed());
    let read: Vec<u64> = runs
        .map(|run| run.streams.get(name).map_or(0, |stream| stream.read))
        .collect();
    let from = read.len().saturating_sub(LINE_RUNS);
    read[from..].to_vec()
}

/// What a reader should look at in a stream.
pub(super) fn looks(known: &Known, name: &str, stream: &Stream) -> Vec<String> {
    let mut looks = Vec::new();
    if !stream.records().add_up() {
        looks.push("counts do not add up".to_owned());
    }
    if stream.rejected > 0 {
        looks.push(format!(
            "{} rejected",
            words::share(stream.rejected, stream.read)
        ));
    }
    if !stream.demoted.is_empty() {
        looks.push(format!(
            "{} demoted",
            words::counted(stream.demoted.len() as u64, "rule", "rules")
        ));
    }
    if has_anomaly(known, name) {
        looks.push("unlike its history".to_owned());
    }
    let drift = known.report.drift.as_ref();
    let changed = drift
        .into_iter()
        .flat_map(|drift| &drift.changes)
        .filter(|change| change.stream == name)
        .count();
    if changed > 0 {
        looks.push("schema changed".to_owned());
    }
    looks
}
