//! Personal data in a sample of the records, found as a run that only observes would find it.

use super::input::chunk;
use crate::detect::column::{Decision, Known};
use crate::error::{ErrorKind, Result};
use crate::pipeline::{self, Worker};
use crate::plan::{Learning, Plan};
use crate::profile::form::{ColumnProfile, Personal, Profile};
use crate::profile::{Lines, leave_out};
use crate::protocol::state::Descriptor;
use crate::runtime::load::{Files, load};

/// Finds kinds of personal data in the columns of a profile, and takes out what a profile does not keep of them.
/// Without models, or where they cannot be had, recognisers find what has a form; a note says so.
///
/// # Errors
/// What loading the plan says.
pub fn find(profile: &mut Profile, lines: &Lines, files: &Files, no_models: bool) -> Result<()> {
    let plan = match no_models {
        true => Err("as asked".to_owned()),
        false => prepared(files)?,
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(why) => {
            profile.notes.push(format!(
                "personal data without a form, such as names, was not looked for in values: no models, {why}"
            ));
            let plan = load(&Files {
                no_tagger: true,
                ..files.clone()
            })?;
            plan.begin();
            plan
        }
    };
    let (mut worker, mut number) = (Worker::default(), 0);
    for (descriptor, held) in lines {
        let mut text = Vec::new();
        for line in held {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let done = pipeline::process(&plan, &mut worker, chunk(text, number, 0));
        worker.reclaim(done);
        number += 1;
        tell(profile, &plan, descriptor);
    }
    profile.streams.iter_mut().for_each(leave_out);
    Ok(())
}

/// The plan with its models; or why they cannot be had.
fn prepared(files: &Files) -> Result<Result<Plan, String>> {
    let plan = load(files)?;
    plan.begin();
    Ok(match plan.prepare() {
        Ok(()) => Ok(plan),
        Err(error) if error.kind() == ErrorKind::Model => Err(error.message().to_owned()),
        Err(error) => return Err(error),
    })
}

fn tell(profile: &mut Profile, plan: &Plan, descriptor: &Descriptor) {
    let ids = 0..plan.streams();
    let streams = ids.map(|id| plan.stream(id));
    let Some(stream) = streams
        .into_iter()
        .find(|stream| stream.descriptor == *descriptor)
    else {
        return;
    };
    let profiled = profile.streams.iter_mut().find(|profiled| {
        profiled.name == descriptor.name && profiled.namespace == descriptor.namespace
    });
    let Some(profiled) = profiled else {
        return;
    };
    for learning in stream.learners() {
        for (known, _) in learning.learner.columns() {
            let path = &*known.place.path;
            if let Some(column) = profiled
                .columns
                .iter_mut()
                .find(|column| names(column, path))
            {
                describe(column, learning, &known);
            }
        }
    }
}

/// Whether a column is the one that a path of the detection means.
fn names(column: &ColumnProfile, path: &str) -> bool {
    column.path == path
        || column.path.contains("[]") && column.path.replace("[]", "") == path.replace("[]", "")
}

fn describe(column: &mut ColumnProfile, learning: &Learning, known: &Known) {
    let evidence = &known.evidence;
    let share =
        |hits: u32| (f64::from(hits) / f64::from(evidence.values.max(1)) * 100.0).round() / 100.0;
    let decided = match known.verdict.decision {
        Decision::Personal(kind) => Some(kind),
        _ => None,
    };
    let mut kinds: Vec<u16> = evidence.whole.iter().map(|(kind, _)| *kind).collect();
    kinds.extend(decided.filter(|kind| !kinds.contains(kind)));
    let mut found: Vec<Personal> = kinds
        .into_iter()
        .map(|kind| {
            let decided = decided == Some(kind);
            let share = share(evidence.hits(kind));
            let confidence = match decided {
                true => (f64::from(known.verdict.confidence) * 100.0).round() / 100.0,
                false => share,
            };
            Personal {
                kind: learning.detector.kind_name(kind).to_owned(),
                share,
                confidence,
                decided,
            }
        })
        .filter(|personal| personal.decided || personal.share > 0.0)
        .collect();
    found.sort_by(|one, other| {
        let sure = other.decided.cmp(&one.decided);
        sure.then(other.confidence.total_cmp(&one.confidence))
            .then(one.kind.cmp(&other.kind))
    });
    column.personal = found;
}
