//! What a run leaves in the history, and whom it tells when it is unusual or has failed.

mod ear;
mod webhook;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Utc;

use super::account::write_into;
use super::history::{self, History};
use super::run::Run;
use super::secret;
use crate::error::{Error, ErrorKind, Result};
use crate::health::entry::Told;
use crate::health::{Entry, Health};
use crate::model::embedding::Secret;
use crate::plan::Plan;
use crate::plan::config::{Alerts, Config};
use crate::report::Totals;

pub use ear::Ear;
pub use webhook::send;

/// The name of the file that `midflight health --report` leaves.
const FILE: &str = "health.json";

/// Whether a run with these options and this plan leaves a history, and where.
fn place(plan: &Plan, options: &super::run::Options) -> Option<String> {
    if !options.outside {
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

/// Whether anybody wants to know what a run with these options and this plan hears.
pub fn listens(plan: &Plan, options: &super::run::Options) -> bool {
    options.outside && (place(plan, options).is_some() || plan.sources().alerts.is_some())
}

/// Who is told by the configuration. `variables` come before those of the environment, relative paths start at `folder`.
pub fn alerts(
    config: &Config,
    folder: &Path,
    variables: &BTreeMap<String, String>,
) -> Option<Alerts> {
    let webhook = &config.health.as_ref()?.webhook;
    let given = match &webhook.url {
        Secret::Env(name) => variables.get(name).cloned(),
        Secret::File(_) => None,
    };
    let url = given.map_or_else(|| address(&webhook.url, folder), Ok);
    Some(Alerts {
        url: url.map_err(|error| error.to_string()),
        format: webhook.format,
        on: webhook.on,
    })
}

fn address(kept: &Secret, folder: &Path) -> Result<String> {
    let read = secret::read(kept, "the address of the webhook", folder);
    read.map_err(|error| error.hint("set it, or leave the webhook out"))
}

/// The alerts that arguments ask for.
///
/// # Errors
/// `Config` when the variable is not set.
pub fn asked(variable: &str, format: crate::plan::config::WebhookFormat) -> Result<Alerts> {
    let url = address(&Secret::Env(variable.to_owned()), Path::new(""))?;
    Ok(Alerts {
        url: Ok(url),
        format,
        on: crate::plan::config::Occasion::Always,
    })
}

/// Adds a run that is over to its history and tells who wants to know. Gives what a person should know though nothing
/// failed.
pub fn told(run: &Run<'_>, plan: &Plan, totals: &Totals, ended: &Result<()>) -> Vec<String> {
    if !listens(plan, run.options()) {
        return Vec::new();
    }
    let alerts = plan.sources().alerts.as_ref();
    let to = place(plan, run.options());
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
    let mut notes = Vec::new();
    let mut note = |error: Error| notes.push(format!("midflight: {error}"));
    let mut entries = vec![entry];
    if let Some(to) = to {
        match recorded(plan, &to, &entries[0], alerts.is_some()) {
            Ok(past) => entries.splice(0..0, past).for_each(drop),
            Err(error) => note(error),
        }
    }
    if let Some(alerts) = alerts
        && let Some(health) = Health::of(&entries, now())
        && webhook::wants(alerts, &health)
        && let Err(error) = send(alerts, &health)
    {
        note(error);
    }
    notes
}

/// Adds an entry to a history. Gives the runs before it, where they are wanted.
fn recorded(plan: &Plan, to: &str, entry: &Entry, wanted: bool) -> Result<Vec<Entry>> {
    let history = History::open(to)?;
    let keep = plan.sources().config.history.as_ref();
    history.append(entry, keep.and_then(|history| history.keep))?;
    if !wanted {
        return Ok(Vec::new());
    }
    let mut past = history.last(history::RUNS)?;
    past.retain(|other| other.moment() <= entry.moment() && other.run != entry.run);
    Ok(past)
}

/// The health of a run of a history: of the last one, or of the one whose id begins so.
///
/// # Errors
/// `Input` when the history cannot be read, `Usage` when it has no such run.
pub fn look(to: &str, wanted: &str) -> Result<Health> {
    let mut entries = History::open(to)?.last(history::RUNS)?;
    let missing = |message: String, hint: String| Error::new(ErrorKind::Usage, message).hint(hint);
    let Some(last) = entries.last() else {
        return Err(missing(
            format!("the history {to} holds no run"),
            "runs write it with `--history` or `--report`".to_owned(),
        ));
    };
    if wanted != "last" {
        let hint = format!("the last run is {}", last.run);
        let mut found = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.run.starts_with(wanted))
            .map(|(place, _)| place);
        match (found.next(), found.next()) {
            (Some(place), None) => entries.truncate(place + 1),
            (Some(_), Some(_)) => {
                return Err(missing(format!("several runs begin with `{wanted}`"), hint));
            }
            _ => {
                let message = format!(
                    "no run among the last {} of the history begins with `{wanted}`",
                    entries.len()
                );
                return Err(missing(message, hint));
            }
        }
    }
    // A run of the past is told as it was then.
    let then = entries.last().and_then(Entry::moment).unwrap_or_default();
    let at = if wanted == "last" { now() } else { then };
    Health::of(&entries, at).ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            "a history without runs; this is a defect of midflight",
        )
    })
}

/// Leaves health.json in a directory.
///
/// # Errors
/// `Output` when it cannot be written.
pub fn write(directory: &Path, health: &Health) -> Result<()> {
    write_into(directory, FILE, &health.to_json())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of any year fit")]
fn now() -> f64 {
    Utc::now().timestamp_millis() as f64 / 1_000.0
}
