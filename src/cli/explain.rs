//! `midflight explain`

use std::fmt::Write;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::args::{Explain, Format};
use super::output;
use crate::error::Result;
use crate::plan::{Plan, StreamPlan};
use crate::report::{decisions, manifest};
use crate::runtime::{load, pipe};
use crate::stage::spec::{Split, SplitBy};

pub(super) fn run(arguments: &Explain) -> Result<()> {
    let plan = load(&arguments.plan.files(arguments.sample.is_some()))?;
    if let Some(sample) = &arguments.sample {
        pipe::observe(&plan, sample)?;
    }
    let streams = (0..plan.streams()).map(|id| plan.stream(id));
    match arguments.format {
        Format::Text => {
            let mut text = format!("plan {}\n", plan.sources().file);
            let unlisted =
                serde_json::to_string(&plan.sources().config.unlisted).unwrap_or_default();
            let _ = writeln!(
                text,
                "streams and columns it does not name: {}",
                unlisted.trim_matches('"')
            );
            streams.for_each(|stream| text.push_str(&describe(&stream)));
            notes(&plan, &mut text);
            output::result(&text)
        }
        Format::Json => {
            let streams: Vec<Value> = streams.map(|stream| value(&stream)).collect();
            let unlisted = plan.sources().config.unlisted;
            let plan = json!({"file": plan.sources().file, "unlisted": unlisted, "streams": streams, "notes": plan.notes()});
            output::result(&serde_json::to_string_pretty(&plan).unwrap_or_default())
        }
    }
}

fn notes(plan: &Plan, text: &mut String) {
    for note in plan.notes() {
        let _ = writeln!(text, "\nnote: {note}");
    }
}

fn describe(stream: &StreamPlan) -> String {
    let mut text = format!("\nstream {} (by {})\n", stream.descriptor, stream.origin);
    if stream.projection.is_none() {
        text.push_str("  copied as it is\n");
        return text;
    }
    let _ = writeln!(text, "  reads   {}", stream.columns().join(", "));
    for (number, stage) in stream.stages.iter().enumerate() {
        let _ = writeln!(text, "  {:>5}.  {}", number + 1, stage.name);
    }
    for split in &stream.splits {
        let _ = writeln!(text, "  split   {}", sentence(split));
    }
    for line in stream.schema.lineage() {
        if line.stages.is_empty() {
            continue;
        }
        let inputs: Vec<_> = line.inputs.iter().map(ToString::to_string).collect();
        let masked = if line.masking { ", masked" } else { "" };
        let _ = writeln!(
            text,
            "  column  {} <- {} ({}{masked})",
            line.column,
            inputs.join(", "),
            line.stages.join(", ")
        );
    }
    for (column, decided) in &decisions(stream) {
        let _ = writeln!(text, "  finds   {column}: {}", verdict(decided));
    }
    text
}

/// A decision and its evidence in one line.
fn verdict(decided: &Value) -> String {
    let word = decided["decision"].as_str().unwrap_or_default();
    if decided["pinned"] == json!(true) {
        return format!("{word}, by the configuration");
    }
    let evidence = &decided["evidence"];
    let listed = |name: &str| {
        let kinds = evidence[name].as_object().into_iter().flatten();
        let kinds: Vec<_> = kinds.map(|(kind, said)| format!("{kind} {said}")).collect();
        (!kinds.is_empty()).then(|| format!("{name} {}", kinds.join(" ")))
    };
    let said: Vec<_> = ["name", "recognised", "tagged"]
        .into_iter()
        .filter_map(listed)
        .collect();
    format!(
        "{word} ({} after {} records; {} values, {} with findings; {})",
        decided["confidence"],
        decided["decided_after"],
        evidence["values"],
        evidence["with_findings"],
        if said.is_empty() {
            "nothing speaks for a kind".to_owned()
        } else {
            said.join(", ")
        },
    )
}

/// A split in one line: its parts, what decides them, and where records without it go.
fn sentence(split: &Split) -> String {
    let mut text = match &split.by {
        SplitBy::Entity {
            key,
            fractions,
            salt,
        } => {
            let keys: Vec<_> = key.iter().map(ToString::to_string).collect();
            let parts = fractions
                .iter()
                .map(|(name, part)| format!("{name} {part}"));
            let parts: Vec<_> = parts.collect();
            format!(
                "{}: {} of {} (SHA-256, salt {salt:?})",
                split.into,
                parts.join(", "),
                keys.join(" and ")
            )
        }
        SplitBy::Time {
            column,
            until,
            rest,
        } => {
            let parts = until.iter().map(|ended| {
                let before = ended.before.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                format!("{} before {before}", ended.name)
            });
            let parts: Vec<_> = parts.collect();
            format!(
                "{}: {}, then {rest}, by {column}",
                split.into,
                parts.join(", ")
            )
        }
    };
    if let Some(missing) = &split.missing {
        let _ = write!(text, ", {missing} where it is missing");
    }
    text
}

fn value(stream: &StreamPlan) -> Value {
    let stages: Vec<_> = stream
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    json!({
        "name": stream.descriptor.name,
        "namespace": stream.descriptor.namespace,
        "origin": stream.origin,
        "copied": stream.projection.is_none(),
        "reads": stream.columns(),
        "stages": stages,
        "splits": stream.splits.iter().map(manifest).collect::<Vec<_>>(),
        "lineage": stream.schema.lineage(),
        "columns": decisions(stream),
    })
}
