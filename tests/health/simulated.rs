//! Histories with known faults: what is found of them, beside the rule of three standard deviations.
//!
//! `benches/health/README.md` shows the table that this prints.
#![expect(
    clippy::print_stdout,
    reason = "the table of benches/health/README.md is printed"
)]

use std::collections::BTreeMap;

use midflight::health::Entry;
use midflight::health::anomaly::{Anomaly, Direction, examine};
use midflight::health::entry::{
    Counts, CursorEntry, HISTORY_VERSION, HeardEntry, Outcome, StreamEntry,
};

/// Histories of one report.
const HISTORIES: u64 = 200;

/// The seeds of the report. The detector was tuned on seeds from 1 to 999 alone.
const REPORTED: u64 = 770_000;

/// Runs at the end of a history without fault that are judged one after the other.
const CLEAN_RUNS: usize = 5;

/// Numbers that are the same for the same seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.fraction()
    }

    fn chance(&mut self, of: f64) -> bool {
        self.fraction() < of
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.fraction().max(1e-12).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.fraction()).cos()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    None,
    /// None, and the judged run falls on a quiet day of a weekday pattern.
    Weekday,
    Drop,
    Spike,
    Slow,
    Stuck,
    Missing,
    Rejects,
}

const FAULTS: [Fault; 8] = [
    Fault::None,
    Fault::Weekday,
    Fault::Drop,
    Fault::Spike,
    Fault::Slow,
    Fault::Stuck,
    Fault::Missing,
    Fault::Rejects,
];

/// How a stream's volume goes.
struct Shape {
    base: f64,
    noise: f64,
    trend: f64,
    weekend: f64,
    walk: bool,
    bursts: f64,
    /// Seconds of age of its newest record, in the middle.
    age: f64,
    rejects: f64,
}

impl Shape {
    fn draw(draw: &mut Draw, fault: Fault) -> Self {
        let pattern = fault == Fault::Weekday || draw.chance(0.35);
        Self {
            base: 10_f64.powf(draw.between(1.8, 5.0)),
            noise: draw.between(0.03, 0.25),
            trend: if draw.chance(0.3) {
                draw.between(-0.004, 0.01)
            } else {
                0.0
            },
            weekend: if pattern {
                draw.between(0.03, 0.5)
            } else {
                1.0
            },
            walk: draw.chance(0.15),
            bursts: if draw.chance(0.2) { 0.04 } else { 0.0 },
            age: draw.between(30.0, 7_200.0),
            rejects: if draw.chance(0.3) {
                draw.between(0.001, 0.02)
            } else {
                0.0
            },
        }
    }
}

struct Simulated {
    fault: Fault,
    entries: Vec<Entry>,
}

/// A history, and the fault in its last run.
fn simulate(seed: u64) -> Simulated {
    let mut draw = Draw(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let fault = FAULTS[(seed % FAULTS.len() as u64) as usize];
    let mut days = draw.between(24.0, 90.0) as usize;
    if fault == Fault::Weekday {
        // Day 0 is a Monday; the judged one is a Saturday or a Sunday.
        days = days / 7 * 7 + if draw.chance(0.5) { 6 } else { 7 };
    }
    let streams: Vec<Shape> = (0..1 + draw.next() % 3)
        .map(|_| Shape::draw(&mut draw, fault))
        .collect();
    let first_load = draw.chance(0.5);
    let mut walks = vec![0.0; streams.len()];
    let stuck_runs = 3 + (draw.next() % 3) as usize;
    let mut stuck_at: Option<f64> = None;
    let entries = (0..days)
        .map(|day| {
            let last = day + 1 == days;
            let at = 1_767_571_200.0 + day as f64 * 86_400.0 + draw.between(-900.0, 900.0);
            let failed = !last && draw.chance(0.05);
            let mut entry = empty(day, at, failed);
            let mut seconds = draw.between(18.0, 22.0);
            for (number, shape) in streams.iter().enumerate() {
                walks[number] += 0.08 * draw.normal();
                let mut rows = shape.base * (shape.noise * draw.normal()).exp();
                rows *= (shape.trend * day as f64).exp();
                if shape.walk {
                    rows *= f64::exp(walks[number]);
                }
                if day % 7 >= 5 {
                    rows *= shape.weekend;
                }
                if draw.chance(shape.bursts) && !last {
                    rows *= draw.between(1.5, 2.5);
                }
                if day == 0 && first_load {
                    rows *= 80.0;
                }
                if failed {
                    rows *= draw.fraction();
                }
                let struck = last && number == 0;
                match fault {
                    Fault::Drop if struck => rows *= draw.between(0.0, 0.3),
                    Fault::Spike if struck => rows *= draw.between(4.0, 12.0),
                    Fault::Missing if struck && day > 0 => continue,
                    _ => {}
                }
                let rejects = match fault {
                    Fault::Rejects if struck => draw.between(0.08, 0.6),
                    _ => shape.rejects * draw.between(0.5, 1.5),
                };
                let mut age = shape.age * draw.between(0.5, 2.0);
                if fault == Fault::Stuck && number == 0 && days - day <= stuck_runs {
                    age = at - *stuck_at.get_or_insert(at - age);
                }
                let mut pace = draw.between(80e-6, 100e-6);
                if fault == Fault::Slow && struck {
                    pace *= draw.between(4.0, 12.0);
                }
                let spent = rows * pace;
                seconds += spent;
                fill(
                    &mut entry,
                    number,
                    rows.max(0.0).round(),
                    rejects,
                    age,
                    spent,
                );
            }
            if fault == Fault::Slow && last {
                seconds *= draw.between(4.0, 10.0);
            }
            entry.seconds = seconds;
            entry
        })
        .collect();
    Simulated { fault, entries }
}

fn empty(day: usize, at: f64, failed: bool) -> Entry {
    let moment = chrono::DateTime::from_timestamp_millis((at * 1_000.0) as i64).expect("a moment");
    Entry {
        version: HISTORY_VERSION,
        run: format!("{day:04}"),
        started: moment.to_rfc3339(),
        seconds: 0.0,
        command: "pipe".to_owned(),
        outcome: if failed {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        },
        observe: false,
        failure: None,
        records: Counts::default(),
        bytes: 0,
        streams: BTreeMap::new(),
        heard: HeardEntry::default(),
    }
}

fn fill(entry: &mut Entry, number: usize, rows: f64, rejects: f64, age: f64, seconds: f64) {
    let read = rows as u64;
    let rejected = (rows * rejects) as u64;
    let records = Counts {
        read,
        emitted: read - rejected,
        filtered: 0,
        rejected,
    };
    entry.records.read += read;
    entry.records.emitted += read - rejected;
    entry.records.rejected += rejected;
    entry.bytes += read * 150;
    let stream = StreamEntry {
        records,
        bytes: read * 150,
        seconds,
        findings: BTreeMap::from([("EMAIL".to_owned(), read)]),
        violations: BTreeMap::new(),
        cursor: Some(CursorEntry {
            column: "updated_at".to_owned(),
            kind: Some("time".to_owned()),
            rows: read,
            age: Some(age.round()),
            ..CursorEntry::default()
        }),
    };
    entry.streams.insert(format!("s{number}"), stream);
}

/// What a detector says: stream, metric, whether more than usual.
type Said = (Option<String>, &'static str, Option<bool>);

fn ours(past: &[Entry], judged: &Entry) -> Vec<Said> {
    let said = |anomaly: Anomaly| {
        let up = anomaly
            .direction
            .map(|direction| direction == Direction::Up);
        (anomaly.stream, anomaly.metric, up)
    };
    examine(past, judged).into_iter().map(said).collect()
}

/// Mean and three standard deviations of all runs before that went well.
fn three_sigma(past: &[Entry], judged: &Entry) -> Vec<Said> {
    let past: Vec<&Entry> = past.iter().filter(|entry| entry.succeeded()).collect();
    let mut said = Vec::new();
    let mut judge = |stream: Option<&String>,
                     metric: &'static str,
                     of: &dyn Fn(&Entry) -> Option<f64>| {
        let values: Vec<f64> = past.iter().filter_map(|entry| of(entry)).collect();
        let Some(value) = of(judged).filter(|_| values.len() >= 7) else {
            return;
        };
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        if (value - mean).abs() > 3.0 * variance.sqrt() {
            said.push((stream.cloned(), metric, Some(value > mean)));
        }
    };
    judge(None, "seconds", &|entry| Some(entry.seconds));
    let names: std::collections::BTreeSet<&String> =
        past.iter().flat_map(|entry| entry.streams.keys()).collect();
    for name in names {
        let rows = |entry: &Entry| {
            let stream = entry.streams.get(name);
            Some(stream.map_or(0.0, |stream| stream.records.read as f64))
        };
        judge(Some(name), "rows", &rows);
        let rejected = |entry: &Entry| {
            let records = entry.streams.get(name)?.records;
            (records.read > 0).then(|| records.rejected as f64 / records.read as f64)
        };
        judge(Some(name), "rejected_fraction", &rejected);
        let age = |entry: &Entry| entry.streams.get(name)?.cursor.as_ref()?.age;
        judge(Some(name), "cursor_age", &age);
    }
    said
}

/// Whether something that was said is the fault, and whether it is at least a consequence of it.
fn fits(fault: Fault, (stream, metric, up): &Said) -> (bool, bool) {
    let struck = stream.as_deref() == Some("s0");
    let whole = stream.is_none();
    match fault {
        Fault::None | Fault::Weekday => (false, false),
        Fault::Drop => (
            struck && *metric == "rows" && *up == Some(false),
            struck || whole,
        ),
        Fault::Spike => (
            struck && *metric == "rows" && *up == Some(true),
            struck || whole,
        ),
        Fault::Slow => (
            (struck || whole) && metric.starts_with("seconds") && *up == Some(true),
            struck || whole,
        ),
        Fault::Stuck => (struck && metric.starts_with("cursor"), struck),
        Fault::Missing => (
            struck && (*metric == "missing" || (*metric == "rows" && *up == Some(false))),
            struck || whole,
        ),
        Fault::Rejects => (
            struck && *metric == "rejected_fraction" && *up == Some(true),
            struck,
        ),
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Score {
    found: u32,
    faults: u32,
    false_alarms: u32,
    clean_runs: u32,
    clean_alarms: u32,
}

impl Score {
    fn precision(self) -> f64 {
        f64::from(self.found) / f64::from((self.found + self.false_alarms).max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.found) / f64::from(self.faults.max(1))
    }
}

fn scored(
    first: u64,
    detector: fn(&[Entry], &Entry) -> Vec<Said>,
) -> (Score, BTreeMap<Fault, Score>) {
    let mut by_fault: BTreeMap<Fault, Score> = BTreeMap::new();
    for seed in first..first + HISTORIES {
        let Simulated { fault, entries } = simulate(seed);
        let score = by_fault.entry(fault).or_default();
        let said = |until: usize| detector(&entries[..until - 1], &entries[until - 1]);
        let of_last = said(entries.len());
        let told: Vec<_> = of_last.iter().map(|said| fits(fault, said)).collect();
        if matches!(fault, Fault::None | Fault::Weekday) {
            score.false_alarms += u32::from(!told.is_empty());
            for until in entries.len() - CLEAN_RUNS..entries.len() {
                if entries[until - 1].succeeded() {
                    score.clean_runs += 1;
                    score.clean_alarms += u32::from(!said(until).is_empty());
                }
            }
            continue;
        }
        score.faults += 1;
        score.found += u32::from(told.iter().any(|(found, _)| *found));
        score.false_alarms += u32::from(told.iter().any(|(_, related)| !related));
    }
    let whole = by_fault.values().fold(Score::default(), |sum, of| Score {
        found: sum.found + of.found,
        faults: sum.faults + of.faults,
        false_alarms: sum.false_alarms + of.false_alarms,
        clean_runs: sum.clean_runs + of.clean_runs,
        clean_alarms: sum.clean_alarms + of.clean_alarms,
    });
    (whole, by_fault)
}

/// The table of the README, on seeds that nothing was tuned on.
fn report(first: u64) -> (Score, Score) {
    let (own, own_by) = scored(first, ours);
    let (plain, plain_by) = scored(first, three_sigma);
    println!("seeds {first} to {}\n", first + HISTORIES - 1);
    println!(
        "| fault | histories | midflight finds | 3 sigma finds | midflight: false alarms | 3 sigma: false alarms |"
    );
    println!("|---|---|---|---|---|---|");
    for (fault, score) in &own_by {
        let other = plain_by[fault];
        let count = HISTORIES / FAULTS.len() as u64;
        println!(
            "| {fault:?} | {count} | {} | {} | {} | {} |",
            score.found, other.found, score.false_alarms, other.false_alarms
        );
    }
    for (name, score) in [("midflight", own), ("3 sigma", plain)] {
        println!(
            "{name}: precision {:.3}, recall {:.3}; {} of {} further clean runs alarm",
            score.precision(),
            score.recall(),
            score.clean_alarms,
            score.clean_runs
        );
    }
    (own, plain)
}

#[test]
fn faults_are_found_and_clean_runs_are_left_alone() {
    let (own, plain) = report(REPORTED);
    assert!(own.recall() >= 0.9, "recall {:.3}", own.recall());
    assert!(own.precision() >= 0.9, "precision {:.3}", own.precision());
    assert!(
        own.recall() > plain.recall() + 0.1,
        "three standard deviations find as much"
    );
    assert!(
        own.clean_alarms * 25 <= own.clean_runs,
        "{} of {}",
        own.clean_alarms,
        own.clean_runs
    );
}

/// For looking at what is wrong, on seeds that may be looked at.
#[test]
#[ignore = "for tuning"]
fn seeds_for_tuning() {
    report(1);
    for seed in 1..=HISTORIES {
        let Simulated { fault, entries } = simulate(seed);
        let (judged, past) = entries.split_last().expect("runs");
        let said = ours(past, judged);
        let found = said.iter().any(|said| fits(fault, said).0);
        let strange = said.iter().any(|said| !fits(fault, said).1);
        let missed = !found && !matches!(fault, Fault::None | Fault::Weekday);
        if missed && matches!(fault, Fault::Spike | Fault::Drop) {
            let rows: Vec<u64> = entries
                .iter()
                .filter(|entry| entry.succeeded())
                .map(|entry| {
                    entry
                        .streams
                        .get("s0")
                        .map_or(0, |stream| stream.records.read)
                })
                .collect();
            println!("{rows:?}");
        }
        if strange || missed {
            println!("{seed} {fault:?} after {} runs: {said:?}", past.len());
        }
    }
}
