//! The catalog of the last run: read and compared before a run, written after one that succeeded.

use std::fs::{self, File};
use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::audit;
use crate::audit::{Kind, Record};
use crate::drift::{self, Decision, Shape};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::plan::config::{Answer, Config};
use crate::plan::drifted::{Accepted, Drifted, Refusal};
use crate::protocol::catalog::{ConfiguredCatalog, MAX_BYTES};
use crate::protocol::trace;

/// Compares the catalog of a run with the last run's, as the configuration asks. `None` where it does not ask.
///
/// # Errors
/// `Catalog` when the last run's catalog is there and cannot be read: what has changed cannot be told then.
pub(super) fn compare(
    config: &Config,
    folder: &Path,
    catalog: Option<&ConfiguredCatalog>,
) -> Result<Option<Drifted>> {
    let Some(asked) = &config.drift else {
        return Ok(None);
    };
    let file = folder.join(&asked.last);
    let Some(now) = catalog else {
        return Ok(Some(without_catalog()));
    };
    let Some(text) = read(&file)? else {
        let accepted = Accepted {
            file,
            before: None,
            now: drift::accepted(now, now, &[])?,
        };
        return Ok(Some(Drifted {
            report: json!({"first": true, "outcome": "accepted", "changes": []}),
            accepted: Some(accepted),
            ..Drifted::default()
        }));
    };
    let before = ConfiguredCatalog::parse(&text, &file.display().to_string()).map_err(|error| {
        error
            .within("the catalog of the last run")
            .hint("restore the file, or take it away to begin anew with whatever the schema is now")
    })?;
    let mut changes = drift::compare(&Shape::of_catalog(&before)?, &Shape::of_catalog(now)?)?;
    drift::clear(&mut changes, config);
    let decisions = drift::decide(changes, &|stream| {
        asked.policy_for(stream.namespace.as_deref(), &stream.name)
    });
    let refusal = refusal(&decisions);
    let outcome = if refusal.is_some() {
        "held"
    } else {
        "accepted"
    };
    Ok(Some(Drifted {
        edits: drift::edits(&decisions),
        told: decisions.iter().map(sentence).collect(),
        report: json!({
            "first": false,
            "outcome": outcome,
            "changes": decisions.iter().map(Decision::to_json).collect::<Vec<_>>(),
        }),
        refusal,
        accepted: Some(Accepted {
            file,
            before: Some(text),
            now: drift::accepted(&before, now, &decisions)?,
        }),
    }))
}

fn without_catalog() -> Drifted {
    Drifted {
        report: json!({"first": false, "outcome": "held", "changes": []}),
        refusal: Some(Refusal {
            kind: ErrorKind::Catalog,
            message: "`drift` compares catalogs, and this run has none".to_owned(),
            hint: "give the configured catalog with --catalog".to_owned(),
        }),
        ..Drifted::default()
    }
}

fn sentence(decision: &Decision) -> String {
    let change = &decision.change;
    let breaks = if change.breaks_airbyte {
        "; Airbyte calls this breaking"
    } else {
        ""
    };
    format!(
        "schema drift: stream `{}`: {}{breaks}: {}",
        change.stream,
        change.sentence(),
        decision.answer().word()
    )
}

/// Why nothing is read: the first change that is held or fails, and how many there are.
fn refusal(decisions: &[Decision]) -> Option<Refusal> {
    let mut stopping = decisions.iter().filter(|decision| decision.stops());
    let first = stopping.next()?;
    let more = match stopping.count() {
        0 => String::new(),
        more => format!(", and {more} more changes"),
    };
    let change = &first.change;
    let word = match first.answer() {
        Answer::Fail => "is refused",
        _ => "waits for a person",
    };
    Some(Refusal {
        kind: ErrorKind::Drift,
        message: format!(
            "schema drift {word}: stream `{}`: {}{more}",
            change.stream,
            change.sentence()
        ),
        hint: "`midflight drift` shows every change and the statements that follow it; below `drift:`, `policy: evolve` \
               accepts them, if only for one run, and `personal:` says what becomes of personal data"
            .to_owned(),
    })
}

/// Refuses a run before it reads a record, where a change must not go on. A run that observes only tells.
///
/// # Errors
/// `Drift`, with what has changed and what to do; `Catalog` when there is nothing to compare.
pub(super) fn verdict(plan: &Plan) -> Result<()> {
    let drift = plan.sources().drift.as_ref();
    match drift.and_then(|drift| drift.refusal.as_ref()) {
        Some(refusal) if !plan.observe() => {
            Err(Error::new(refusal.kind, refusal.message.clone()).hint(refusal.hint.clone()))
        }
        _ => Ok(()),
    }
}

/// Changes that one record lists; of more, it has their number and a hash over all.
const RECORDED: usize = 200;

/// Puts on record what was decided about every change.
///
/// # Errors
/// `Output` when it cannot be written.
pub(super) fn record(plan: &Plan, audit: &audit::Run) -> Result<()> {
    let Some(drift) = &plan.sources().drift else {
        return Ok(());
    };
    let Some(changes) = drift.report["changes"]
        .as_array()
        .filter(|all| !all.is_empty())
    else {
        return Ok(());
    };
    let listed = changes.iter().take(RECORDED).map(|change| {
        let named = [
            "stream",
            "change",
            "column",
            "class",
            "answer",
            "breaks_airbyte",
        ];
        let entries = named.map(|name| (name.to_owned(), change[name].clone()));
        Value::Object(entries.into_iter().collect())
    });
    let payload = json!({
        "outcome": drift.report["outcome"],
        "changes": changes.len(),
        "sha256": hex::encode(Sha256::digest(drift.report["changes"].to_string())),
        "listed": listed.collect::<Vec<_>>(),
    });
    audit.add(&Record::new(Kind::DriftDecided, payload))
}

/// A LOG line for each change.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let drift = plan.sources().drift.iter();
    drift
        .flat_map(|drift| &drift.told)
        .map(|told| trace::log("WARN", told))
        .collect()
}

/// Makes the catalog of a run that succeeded the last run's. One that another run wrote meanwhile stays, and the next
/// run is compared with that; the sentence says so.
///
/// # Errors
/// `Output` when it cannot be written.
pub(super) fn settle(plan: &Plan) -> Result<Option<String>> {
    let drift = plan.sources().drift.as_ref();
    let accepted = drift.and_then(|drift| drift.accepted.as_ref());
    match accepted.filter(|_| !plan.observe()) {
        Some(accepted) => write(accepted),
        None => Ok(None),
    }
}

fn write(accepted: &Accepted) -> Result<Option<String>> {
    let file = &accepted.file;
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    // Held until the end of this function, so that of two runs one sees what the other wrote.
    let beside = with_suffix(file, "lock");
    let lock = File::create(&beside).map_err(|error| failed(&beside, error))?;
    lock.lock().map_err(|error| failed(&beside, error))?;
    let found = read(file)?;
    if found.as_ref() == Some(&accepted.now) {
        return Ok(None);
    }
    if found != accepted.before {
        return Ok(Some(format!(
            "another run has accepted a catalog meanwhile; {} is left as it wrote it",
            file.display()
        )));
    }
    let new = with_suffix(file, "new");
    let written = File::create(&new).and_then(|mut out| {
        out.write_all(accepted.now.as_bytes())?;
        out.sync_all()
    });
    written.map_err(|error| failed(&new, error))?;
    fs::rename(&new, file).map_err(|error| failed(file, error))?;
    Ok(None)
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    PathBuf::from(name)
}

/// The text of a file; `None` where there is none.
fn read(file: &Path) -> Result<Option<String>> {
    let length = fs::metadata(file).map_or(0, |found| found.len());
    if length > MAX_BYTES as u64 {
        let message = format!("{} is too large for a catalog", file.display());
        return Err(Error::new(ErrorKind::Catalog, message));
    }
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == Io::NotFound => Ok(None),
        Err(error) => {
            let message = format!("{} cannot be read", file.display());
            Err(Error::new(ErrorKind::Catalog, message).because(error))
        }
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Output,
        format!("{} cannot be written", path.display()),
    )
    .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(file: &Path, before: Option<&str>, now: &str) -> Accepted {
        Accepted {
            file: file.to_owned(),
            before: before.map(str::to_owned),
            now: now.to_owned(),
        }
    }

    #[test]
    fn what_another_run_accepted_meanwhile_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state/catalog.json");
        assert_eq!(write(&accepted(&file, None, "one")).expect("written"), None);
        assert_eq!(fs::read_to_string(&file).expect("a file"), "one");
        // A run that began before there was any.
        let told = write(&accepted(&file, None, "two")).expect("a sentence");
        assert!(told.is_some_and(|told| told.contains("another run")));
        assert_eq!(fs::read_to_string(&file).expect("a file"), "one");
        // The same catalog once more is no difference.
        assert_eq!(write(&accepted(&file, None, "one")).expect("nothing"), None);
        let next = accepted(&file, Some("one"), "two");
        assert_eq!(write(&next).expect("written"), None);
        assert_eq!(fs::read_to_string(&file).expect("a file"), "two");
    }

    #[test]
    fn runs_at_once_leave_one_whole_catalog() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("catalog.json");
        let texts: Vec<String> = (0..8).map(|n| n.to_string().repeat(100_000)).collect();
        std::thread::scope(|scope| {
            for text in &texts {
                let file = &file;
                scope.spawn(move || write(&accepted(file, None, text)).expect("no failure"));
            }
        });
        let left = fs::read_to_string(&file).expect("a file");
        assert!(texts.contains(&left));
    }
}
