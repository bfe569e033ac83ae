//! Quality over the last runs: a small chart per measure, and the same as a table.

use serde::Serialize;

use super::Known;
use crate::page::draw::{Chart, Measure, Point, draw};
use crate::page::read::history::Run;
use crate::page::words::{self, count};

/// The last runs.
#[derive(Debug, Serialize)]
pub struct Runs {
    pub charts: Vec<Chart>,
    pub rows: Vec<RunRow>,
    pub first: String,
    pub last: String,
    pub total: String,
    pub failed: usize,
    pub unusual: usize,
    pub earlier: usize,
}

/// One run, for the table.
#[derive(Debug, Serialize)]
pub struct RunRow {
    pub started: String,
    pub machine: String,
    pub failed: bool,
    pub class: Option<String>,
    pub observe: bool,
    pub command: String,
    pub read: String,
    pub emitted: String,
    pub filtered: String,
    pub rejected: String,
    pub share: String,
    pub violations: String,
    pub findings: String,
    pub seconds: String,
}

/// What is drawn, and how it is read off a run.
type Drawn = (Measure, fn(&Run) -> Option<f64>);

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places on a drawing, and their labels"
)]
fn measures() -> [Drawn; 6] {
    let whole = |value: f64| count(value.round() as u64);
    let size = |value: f64| words::bytes(value.round() as u64);
    let measure = |id, title, whole, write, axis| Measure {
        id,
        title,
        whole,
        write,
        axis,
        unit: |_| 1.0,
    };
    let counts = |id, title| measure(id, title, true, whole, words::short);
    let seconds = Measure {
        unit: words::unit_of_time,
        ..measure("seconds", "Duration", false, words::seconds, words::span)
    };
    let rejects = measure(
        "rejects",
        "Share rejected",
        false,
        words::percent,
        words::percent,
    );
    [
        (counts("rows", "Records read"), |run| {
            Some(run.records.read as f64)
        }),
        (rejects, |run| {
            (run.records.read > 0).then(|| run.records.rejected as f64 / run.records.read as f64)
        }),
        (counts("violations", "Rule violations"), |run| {
            Some(run.violations() as f64)
        }),
        (counts("findings", "Findings"), |run| {
            Some(run.findings() as f64)
        }),
        (seconds, |run| Some(run.seconds)),
        (
            measure("bytes", "Bytes that came", true, size, size),
            |run| Some(run.bytes as f64),
        ),
    ]
}

impl Runs {
    /// The runs of the history; `None` where there is none, or it is empty.
    pub(super) fn of(known: &Known) -> Option<Self> {
        let history = known
            .history
            .as_ref()
            .filter(|history| !history.runs.is_empty())?;
        let runs = &history.runs;
        let charts = measures().into_iter().filter_map(|(measure, read)| {
            let point = |run: &Run| Point {
                value: read(run),
                failed: run.failed(),
                when: when(run),
            };
            let points: Vec<_> = runs.iter().map(point).collect();
            draw(measure, &points)
        });
        let charts: Vec<_> = charts.collect();
        let unusual = (0..runs.len())
            .filter(|at| charts.iter().any(|chart| chart.columns[*at].unusual))
            .count();
        Some(Self {
            first: runs.first().map(day).unwrap_or_default(),
            last: runs.last().map(day).unwrap_or_default(),
            total: words::counted(runs.len() as u64, "run", "runs"),
            failed: runs.iter().filter(|run| run.failed()).count(),
            unusual,
            earlier: history.earlier,
            rows: runs.iter().rev().map(row).collect(),
            charts,
        })
    }
}

fn when(run: &Run) -> String {
    words::moment(&run.started).map_or_else(|| words::name(&run.started), words::minute)
}

fn day(run: &Run) -> String {
    words::moment(&run.started).map_or_else(|| words::name(&run.started), words::day)
}

fn row(run: &Run) -> RunRow {
    RunRow {
        started: when(run),
        machine: words::moment(&run.started)
            .map(words::machine)
            .unwrap_or_default(),
        failed: run.failed(),
        class: run
            .failure
            .as_ref()
            .and_then(|failure| failure.class.as_deref())
            .map(words::spoken),
        observe: run.observe,
        command: words::spoken_or_nothing(&run.command),
        read: count(run.records.read),
        emitted: count(run.records.emitted),
        filtered: count(run.records.filtered),
        rejected: count(run.records.rejected),
        share: words::share(run.records.rejected, run.records.read),
        violations: count(run.violations()),
        findings: count(run.findings()),
        seconds: words::seconds(run.seconds),
    }
}
