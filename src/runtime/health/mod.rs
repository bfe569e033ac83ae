//! What a run leaves in the history, and whom it tells when it is unusual or has failed.

mod ear;

pub use ear::Ear;

use super::history::{self, History};
use super::run::Run;
use crate::error::{Error, Result};
use crate::health::Entry;
use crate::health::entry::Told;
use crate::plan::Plan;
use crate::report::Totals;

/// Whether a run with these options and this plan leaves a history, and where.
pub fn place(plan: &Plan, options: &super::run::Options) -> Option<String> {
    if options.unrecorded {
        return None;
    }
    let configured = plan.sources().config.history.as_ref();
    let report = || {
        let folder = options.report.as_ref()?;
        Some(folder.join(history::FILE).to_string_lossy().into_owned())
    };
    options
        .history
        .clone()
        .or_else(|| configured.map(|history| history.to.clone()))
        .or_else(report)
}

/// Adds a run that is over to its history. Gives what a person should know though nothing failed.
pub fn told(run: &Run<'_>, plan: &Plan, totals: &Totals, ended: &Result<()>) -> Vec<String> {
    let Some(to) = place(plan, run.options()) else {
        return Vec::new();
    };
    let id = run.id.to_string();
    let told = Told {
        run: &id,
        began: run.began,
        seconds: run.seconds(),
        command: run.command(),
    };
    let entry = run
        .ear()
        .with(|heard| Entry::of(plan, told, totals, heard, ended.as_ref().err()));
    match record(plan, &to, &entry) {
        Ok(()) => Vec::new(),
        Err(error) => vec![format!("midflight: {error}")],
    }
}

fn record(plan: &Plan, to: &str, entry: &Entry) -> Result<(), Error> {
    let keep = plan.sources().config.history.as_ref();
    History::open(to)?.append(entry, keep.and_then(|history| history.keep))
}
