//! The metrics of a run: what they are called, what they count, and by what they are divided.

use std::collections::BTreeMap;

use super::reading::{Reading, StreamReading};

/// Samples of one family; of more, the rest is left out.
const SAMPLES_MAX: usize = 20_000;

/// What a metric's value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It only grows during a run.
    Counter,
    Gauge,
}

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Words with dots, as `midflight.records.read`.
    pub name: &'static str,
    pub help: &'static str,
    /// `By`, `s`, or a count of something in braces.
    pub unit: &'static str,
    pub shape: Shape,
    pub samples: Vec<Sample>,
}

/// A value and what it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: Vec<(&'static str, String)>,
    pub value: Number,
}

/// Counts stay exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Whole(u64),
    Real(f64),
}

/// The metrics of a reading. Every family is there, also one that has nothing to say yet.
pub fn families(reading: &Reading) -> Vec<Family> {
    let one = |value: u64| vec![sample(Vec::new(), Number::Whole(value))];
    let counter = |name, help, unit, samples| Family {
        name,
        help,
        unit,
        shape: Shape::Counter,
        samples,
    };
    let gauge = |name, help, unit, samples| Family {
        shape: Shape::Gauge,
        ..counter(name, help, unit, samples)
    };
    let by_stream = |count: fn(&StreamReading) -> u64| {
        let samples = reading.streams.iter().map(|stream| {
            sample(
                vec![("stream", stream.name.clone())],
                Number::Whole(count(stream)),
            )
        });
        samples.collect::<Vec<_>>()
    };
    let info = [
        ("command", reading.command.to_owned()),
        ("run", reading.run.clone()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let seconds = vec![sample(Vec::new(), Number::Real(reading.seconds()))];
    let mut all = vec![
        gauge(
            "midflight.run.info",
            "The run: always 1.",
            "",
            vec![sample(info.to_vec(), Number::Whole(1))],
        ),
        gauge(
            "midflight.run.status",
            "How the run stands: 1 for the status that holds.",
            "",
            status(reading),
        ),
        gauge(
            "midflight.run.seconds",
            "Seconds since the run began, until it ended.",
            "s",
            seconds,
        ),
        counter(
            "midflight.bytes.read",
            "Bytes read.",
            "By",
            one(reading.bytes),
        ),
        counter(
            "midflight.lines.read",
            "Lines read.",
            "{line}",
            one(reading.lines),
        ),
        counter(
            "midflight.lines.foreign",
            "Lines that were no messages.",
            "{line}",
            one(reading.foreign),
        ),
        counter(
            "midflight.states.passed",
            "STATEs that left.",
            "{state}",
            one(reading.states.0),
        ),
        counter(
            "midflight.states.corrected",
            "STATEs whose counts were corrected.",
            "{state}",
            one(reading.states.1),
        ),
        counter(
            "midflight.records.read",
            "Records read.",
            "{record}",
            by_stream(|of| of.totals.read),
        ),
        counter(
            "midflight.records.emitted",
            "Records that left.",
            "{record}",
            by_stream(|of| of.totals.emitted),
        ),
        counter(
            "midflight.records.filtered",
            "Records left out by a filter or rule.",
            "{record}",
            by_stream(|of| of.totals.filtered),
        ),
        counter(
            "midflight.records.rejected",
            "Records set aside in the reject store.",
            "{record}",
            by_stream(|of| of.totals.rejected),
        ),
        counter(
            "midflight.records.bytes",
            "Bytes of records, as read.",
            "By",
            by_stream(|of| of.totals.bytes),
        ),
        counter(
            "midflight.chunks.emitted",
            "Records of second streams that left.",
            "{record}",
            by_stream(|of| of.totals.chunks),
        ),
        counter(
            "midflight.findings",
            "Findings of personal data by their kind, and `masked` values of columns that are masked whole.",
            "{finding}",
            findings(reading),
        ),
        counter(
            "midflight.violations",
            "Records that failed a rule.",
            "{record}",
            violations(reading),
        ),
        counter(
            "midflight.stage.seconds",
            "Seconds of work of a stage, over all workers.",
            "s",
            stages(reading),
        ),
    ];
    for family in &mut all {
        family.samples.truncate(SAMPLES_MAX);
    }
    all
}

fn sample(labels: Vec<(&'static str, String)>, value: Number) -> Sample {
    Sample { labels, value }
}

fn status(reading: &Reading) -> Vec<Sample> {
    let words = ["running", "succeeded", "failed"].into_iter();
    words
        .map(|word| {
            let holds = reading.outcome.word() == word;
            sample(
                vec![("status", word.to_owned())],
                Number::Whole(u64::from(holds)),
            )
        })
        .collect()
}

fn findings(reading: &Reading) -> Vec<Sample> {
    let mut samples = Vec::new();
    for stream in &reading.streams {
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for (kind, count) in stream.totals.findings.values().flatten() {
            *kinds.entry(kind).or_default() += count;
        }
        samples.extend(kinds.into_iter().map(|(kind, count)| {
            let labels = vec![("stream", stream.name.clone()), ("kind", kind.to_owned())];
            sample(labels, Number::Whole(count))
        }));
    }
    samples
}

fn violations(reading: &Reading) -> Vec<Sample> {
    let rules = reading.streams.iter().flat_map(|stream| {
        let rules = stream.totals.violations.iter();
        rules.map(|(rule, count)| {
            let labels = vec![("stream", stream.name.clone()), ("rule", rule.clone())];
            sample(labels, Number::Whole(*count))
        })
    });
    rules.collect()
}

fn stages(reading: &Reading) -> Vec<Sample> {
    let stages = reading.streams.iter().flat_map(|stream| {
        let stages = stream.totals.stage_seconds.iter();
        stages.map(|(stage, seconds)| {
            let labels = vec![("stream", stream.name.clone()), ("stage", stage.clone())];
            sample(labels, Number::Real(*seconds))
        })
    });
    stages.collect()
}
