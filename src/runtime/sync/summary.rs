//! What a sync tells at its end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::course::Outcome;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::runtime::connector::Ending;
use crate::runtime::generations::Turn;

/// A sync that is over.
#[derive(Debug)]
pub struct Summary {
    outcome: Outcome,
    turns: Vec<Turn>,
    state: PathBuf,
    failed: Option<Error>,
    observed: bool,
}

impl Summary {
    pub(super) fn new(
        plan: &Plan,
        outcome: Outcome,
        turns: &[Turn],
        state: &Path,
        ended: &Result<()>,
    ) -> Self {
        Self {
            outcome,
            turns: turns.to_vec(),
            state: state.to_owned(),
            failed: ended.as_ref().err().map(Error::again),
            observed: plan.observe(),
        }
    }

    fn sync_id(&self) -> i64 {
        let ids = self.turns.iter().map(|turn| turn.ids.sync);
        ids.max().unwrap_or(0)
    }

    /// For people.
    pub fn text(&self) -> String {
        let outcome = &self.outcome;
        let how = if self.failed.is_some() {
            "failed"
        } else {
            "succeeded"
        };
        let mut text = String::new();
        let _ = writeln!(
            text,
            "sync {} {how} in {:.1} s{}",
            self.sync_id(),
            outcome.seconds,
            if self.observed {
                ", observing only"
            } else {
                ""
            }
        );
        let width = outcome
            .streams
            .keys()
            .map(|name| name.chars().count())
            .max();
        let width = width.unwrap_or(0).max("all".len());
        let all = ("all".to_owned(), with_chunks(outcome));
        let streams = outcome
            .streams
            .iter()
            .map(|(name, counts)| (name.clone(), *counts));
        for (name, [read, emitted, filtered, rejected, chunks]) in streams.chain([all]) {
            let _ = write!(
                text,
                "  {name:width$}  {read} read, {emitted} emitted, {filtered} filtered, {rejected} rejected"
            );
            let _ = match chunks {
                0 => writeln!(text),
                chunks => writeln!(text, ", {chunks} chunks"),
            };
        }
        let states = &outcome.states;
        let _ = writeln!(
            text,
            "  states: {} handed on, {} given back, kept in {}",
            states.handed_on,
            states.given_back,
            self.state.display()
        );
        if states.missing > 0 {
            let _ = writeln!(
                text,
                "  {} states were not given back: the next run reads behind the last one that was",
                states.missing
            );
        }
        if states.unknown > 0 {
            let _ = writeln!(
                text,
                "  {} states came back that had not been handed on; they are not kept",
                states.unknown
            );
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> String {
        let outcome = &self.outcome;
        let counts = |[read, emitted, filtered, rejected, chunks]: [u64; 5]| json!({"read": read, "emitted": emitted, "filtered": filtered, "rejected": rejected, "chunks": chunks});
        let streams = outcome.streams.iter();
        let mut streams: Map<String, Value> = streams
            .map(|(name, of)| (name.clone(), counts(*of)))
            .collect();
        for turn in &self.turns {
            let none = || counts([0; 5]);
            let stream = streams.entry(turn.stream.to_string()).or_insert_with(none);
            stream["generation_id"] = json!(turn.ids.generation);
            stream["complete"] = json!(outcome.complete.contains(&turn.stream));
        }
        let states = &outcome.states;
        let failed = self.failed.as_ref().map(|error| {
            json!({"message": error.to_string(), "hint": error.advice(), "exit_code": error.kind().outcome().exit_code})
        });
        let code = |ending: Option<Ending>| ending.map(Ending::exit_code);
        let told = json!({
            "version": 1,
            "outcome": if failed.is_some() { "failed" } else { "succeeded" },
            "observe": self.observed,
            "sync_id": self.sync_id(),
            "seconds": outcome.seconds,
            "bytes": outcome.bytes,
            "records": counts(with_chunks(outcome)),
            "streams": streams,
            "states": {"handed_on": states.handed_on, "given_back": states.given_back, "late": states.late,
                "unknown": states.unknown, "missing": states.missing, "file": self.state.display().to_string()},
            "source": {"exit_code": code(outcome.source)},
            "destination": {"exit_code": code(outcome.destination)},
            "error": failed,
        });
        format!("{told:#}\n")
    }
}

fn with_chunks(outcome: &Outcome) -> [u64; 5] {
    let [read, emitted, filtered, rejected] = outcome.records;
    let chunks = outcome.streams.values().map(|counts| counts[4]).sum();
    [read, emitted, filtered, rejected, chunks]
}
