//! The first screen: how the run ended, where its records went, the figures that matter.

use serde::Serialize;

use super::Known;
use super::personal;
use crate::page::draw::{Segment, stack};
use crate::page::read::report::Records;
use crate::page::words::{self, count};

/// The first screen.
#[derive(Debug, Serialize)]
pub struct Head {
    pub failed: bool,
    pub observe: bool,
    pub command: Option<String>,
    pub started: Option<Moment>,
    pub seconds: String,
    pub midflight: String,
    pub run: Option<String>,
    pub failure: Option<FailureView>,
    pub flow: Flow,
    pub figures: Vec<Figure>,
}

/// A moment for people and for machines.
#[derive(Debug, Serialize)]
pub struct Moment {
    pub says: String,
    pub machine: String,
}

/// Why the run failed, and what to do.
#[derive(Debug, Serialize)]
pub struct FailureView {
    /// What stopped the run; `None` where it went well itself, and a connector told of a failure.
    pub message: Option<String>,
    pub hint: Option<String>,
    pub exit_code: Option<u64>,
    pub class: Option<String>,
    pub origin: Option<String>,
    pub cause: Option<String>,
    pub next: Option<String>,
    pub confidence: Option<String>,
}

/// Where records went.
#[derive(Debug, Serialize)]
pub struct Flow {
    pub read: String,
    pub bar: Vec<Segment>,
    pub parts: Vec<Part>,
    pub adds_up: bool,
    /// The same as a sentence.
    pub says: String,
}

/// One way out.
#[derive(Debug, Serialize)]
pub struct Part {
    pub class: &'static str,
    pub name: &'static str,
    pub count: String,
    pub share: String,
}

/// A figure with its name.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub value: String,
    pub note: String,
    /// Something to look at.
    pub alert: bool,
    /// Where more stands on the page.
    pub to: Option<&'static str>,
}

impl Flow {
    /// The ways of these records.
    pub fn of(records: Records) -> Self {
        let ways = [
            ("emitted", records.emitted),
            ("filtered", records.filtered),
            ("rejected", records.rejected),
        ];
        let parts = ways.iter().map(|(name, number)| Part {
            class: name,
            name,
            count: count(*number),
            share: words::share(*number, records.read),
        });
        let parts: Vec<_> = parts.collect();
        let told: Vec<_> = parts
            .iter()
            .map(|part| format!("{} {} ({})", part.count, part.name, part.share))
            .collect();
        Self {
            read: count(records.read),
            bar: stack(&ways),
            adds_up: records.add_up(),
            says: format!(
                "{} read: {}",
                words::counted(records.read, "record", "records"),
                told.join(", ")
            ),
            parts,
        }
    }
}

impl Head {
    pub(super) fn of(known: &Known) -> Self {
        let report = &known.report;
        let audit = known.audit.as_ref();
        let latest = known
            .history
            .as_ref()
            .and_then(|history| history.runs.last());
        // A history may be of other runs as well: only where its latest run is this one does it say when.
        let same = latest.filter(|run| run.records == report.records);
        let started = audit.and_then(|audit| audit.started.as_deref());
        let started = started
            .or(same.map(|run| run.started.as_str()))
            .and_then(words::moment);
        let command = audit
            .map(|audit| audit.command.as_str())
            .filter(|command| !command.is_empty());
        let command = command.or(same
            .map(|run| run.command.as_str())
            .filter(|command| !command.is_empty()));
        let run = report.run.as_deref().or(same.map(|run| run.run.as_str()));
        Self {
            failed: report.outcome != "succeeded",
            observe: report.observe,
            command: command.map(words::name),
            started: started.map(|at| Moment {
                says: words::minute(at),
                machine: words::machine(at),
            }),
            seconds: words::seconds(report.seconds),
            midflight: words::name(&report.midflight),
            run: run.map(words::name),
            failure: failure(known),
            flow: Flow::of(report.records),
            figures: figures(known),
        }
    }
}

/// Why the run failed, by itself or by what its connectors told; `None` where nothing speaks of a failure.
fn failure(known: &Known) -> Option<FailureView> {
    let told = known.report.error.as_ref();
    let health = known.health.as_ref();
    let judged = health.and_then(|health| health.failure.as_ref());
    if told.is_none() && judged.is_none() {
        return None;
    }
    let text = |text: &Option<String>| text.as_deref().map(words::sentence);
    let word = |text: &Option<String>| text.as_deref().map(words::spoken);
    Some(FailureView {
        message: told.map(|told| words::sentence(&told.message)),
        hint: told.and_then(|told| text(&told.hint)),
        exit_code: told.and_then(|told| told.exit_code),
        class: judged.and_then(|judged| word(&judged.class)),
        origin: judged.and_then(|judged| word(&judged.origin)),
        cause: judged.and_then(|judged| text(&judged.cause)),
        next: judged.and_then(|judged| text(&judged.next)),
        confidence: judged
            .and_then(|judged| judged.confidence)
            .map(words::percent),
    })
}

fn figures(known: &Known) -> Vec<Figure> {
    let report = &known.report;
    let streams = report.streams.values();
    let found = personal::sum(streams.clone());
    let violations: u64 = streams
        .clone()
        .flat_map(|stream| stream.violations.values())
        .sum();
    let failing = streams
        .clone()
        .flat_map(|stream| &stream.violations)
        .filter(|(_, count)| **count > 0)
        .count();
    let with = streams.clone().filter(|stream| stream.rejected > 0).count();
    let quiet = |number: usize| number > 0;
    vec![
        Figure {
            name: "Passed on",
            value: words::share(report.records.emitted, report.records.read),
            note: format!(
                "of {} read",
                words::counted(report.records.read, "record", "records")
            ),
            alert: false,
            to: Some("#streams"),
        },
        Figure {
            name: "Rejected",
            value: count(report.records.rejected),
            note: match with {
                0 => "no record was rejected".to_owned(),
                _ => format!(
                    "set aside in {}",
                    words::counted(with as u64, "stream", "streams")
                ),
            },
            alert: quiet(with),
            to: quiet(with).then_some("#rejects"),
        },
        Figure {
            name: "Personal data",
            value: count(found.personal + found.masked),
            note: match (report.observe, found.streams) {
                (_, 0) => "nothing found or masked".to_owned(),
                (true, streams) => format!(
                    "found in {}; nothing was masked",
                    words::counted(streams, "stream", "streams")
                ),
                (false, streams) => format!(
                    "values masked in {}",
                    words::counted(streams, "stream", "streams")
                ),
            },
            alert: report.observe && found.any(),
            to: found.any().then_some("#personal"),
        },
        Figure {
            name: "Rule violations",
            value: count(violations),
            note: match failing {
                0 => "no rule was violated".to_owned(),
                _ => format!("of {}", words::counted(failing as u64, "rule", "rules")),
            },
            alert: failing > 0,
            to: Some("#streams"),
        },
        Figure {
            name: "Speed",
            value: words::rate(report.records.read, report.seconds)
                .map_or_else(|| "–".to_owned(), |rate| format!("{rate}/s")),
            note: format!(
                "records, in {}; {} came",
                words::seconds(report.seconds),
                words::bytes(report.bytes)
            ),
            alert: false,
            to: None,
        },
        Figure {
            name: "States",
            value: count(report.states.passed),
            note: match report.states.counts_corrected {
                0 => "passed on as they came".to_owned(),
                corrected => format!("passed on, {} with counts corrected", count(corrected)),
            },
            alert: false,
            to: None,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_does_not_add_up_says_so() {
        let records = |read| Records {
            read,
            emitted: 57,
            filtered: 1,
            rejected: 2,
        };
        let flow = Flow::of(records(60));
        assert!(flow.adds_up);
        assert_eq!(
            flow.says,
            "60 records read: 57 emitted (95.0 %), 1 filtered (1.7 %), 2 rejected (3.3 %)"
        );
        assert!(!Flow::of(records(61)).adds_up);
    }
}
