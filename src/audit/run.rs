//! What a run is made of and how it ended, as records: hashes, names, counts.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Kind, Record};
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::catalogue::Answers;
use crate::plan::rules::{RuleFile, RuleSpec, effective_action};
use crate::report::{Totals, models};
use crate::stage::rules::Action;

/// The most rules of one file that a record names.
const RULES_MAX: usize = 1_000;

/// The record of a run that begins, once everything it needs is open. `command` is its words on the command line.
pub fn started(plan: &Plan, command: &str) -> Record {
    let sources = plan.sources();
    let files = sources
        .files
        .iter()
        .map(|file| json!({"role": file.role.as_str(), "name": file.name, "sha256": file.sha256}));
    let rules = sources.rules.iter().map(|(path, file)| {
        let rules = file.rules.iter().take(RULES_MAX);
        json!({
            "file": path.display().to_string(),
            "stream": file.stream.as_str(),
            "phase": file.phase,
            "rules": rules.map(|rule| standing(file, rule)).collect::<Vec<_>>(),
        })
    });
    let embedders = sources.embedders.all();
    let embedders = embedders.iter().map(|embedder| {
        json!({"name": embedder.name, "version": embedder.version, "dimensions": embedder.dimensions})
    });
    let payload = json!({
        "command": command,
        "midflight": env!("CARGO_PKG_VERSION"),
        "plan": sources.fingerprint,
        "observe": plan.observe(),
        "streams": plan.streams(),
        "files": files.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "models": models(plan),
        "embedders": embedders.collect::<Vec<_>>(),
        "catalogue": sources.catalogue.as_ref().map(|answers| answered(answers)),
    });
    Record::new(Kind::RunStarted, payload)
}

/// The record of a run that ended after `time`.
pub fn ended(
    plan: &Plan,
    command: &str,
    totals: &Totals,
    time: Duration,
    failed: Option<&Error>,
) -> Record {
    let [read, emitted, filtered, rejected] = totals.sum();
    let error = failed.map(|error| {
        json!({
            "kind": format!("{:?}", error.kind()),
            "exit_code": error.kind().outcome().exit_code,
        })
    });
    let payload = json!({
        "command": command,
        "plan": plan.sources().fingerprint,
        "outcome": if failed.is_some() { "failed" } else { "succeeded" },
        "error": error,
        "records": {"read": read, "emitted": emitted, "filtered": filtered, "rejected": rejected},
        "milliseconds": u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    });
    Record::new(Kind::RunEnded, payload)
}

/// What a catalogue said of the streams it was asked about.
fn answered(answers: &Answers) -> Vec<Value> {
    let asked = answers.asked();
    let told = asked.iter().map(|(stream, answer)| {
        json!({
            "stream": stream.to_string(),
            "decision": answer.stream,
            "source": answer.source,
            "at": answer.at,
            "failure": answer.failure,
        })
    });
    told.collect()
}

/// A rule by its name and fingerprint: how far it has come, and what it may do.
fn standing(file: &RuleFile, rule: &RuleSpec) -> Value {
    let (status, _) = rule.standing();
    json!({
        "id": rule.id,
        "fingerprint": rule.fingerprint(),
        "status": status,
        "action": word(effective_action(file.phase, status, rule.on_fail)),
    })
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Ignore => "ignore",
        Action::Count => "count",
        Action::Annotate => "annotate",
        Action::Nullify => "nullify",
        Action::Quarantine => "quarantine",
        Action::Drop => "drop",
        Action::Fail => "fail",
    }
}
