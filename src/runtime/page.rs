//! Reads the files of a report folder, and the history of its runs, for the page.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::audit;
use super::bucket::Bucket;
use crate::audit::{Anchor, FaultKind};
use crate::error::{Error, ErrorKind, Result};
use crate::page::{AuditLog, Chain, Page, RUNS_MAX, Sources};

/// The most bytes of a file that is read whole.
const WHOLE_BYTES_MAX: u64 = 256 << 20;
/// The most bytes that are read of the end of a file that grows with every run.
const END_BYTES_MAX: u64 = 64 << 20;

/// What is to be drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// What `--report` named.
    pub folder: PathBuf,
    /// Where the history is, if not beside the report: a file of lines, or a directory or bucket of objects.
    pub history: Option<String>,
}

/// Reads what a run left and makes its page.
///
/// # Errors
/// `Input` when the report is missing or cannot be read, or the history that was named cannot. Whatever else lies
/// beside the report and cannot be read is a note on the page.
pub fn page(drawing: &Drawing) -> Result<Page> {
    let folder = &drawing.folder;
    let report = report(folder)?;
    let mut sources = Sources {
        history: match &drawing.history {
            Some(place) => Some(history(place)?),
            None => end(&folder.join("history.jsonl"))?,
        },
        health: optional(&folder.join("health.json"))?,
        lineage: end(&folder.join("lineage.jsonl"))?,
        report,
        ..Sources::default()
    };
    match audited(&folder.join("audit.jsonl"), &sources.report) {
        Ok(log) => sources.audit = log,
        Err(error) => sources
            .notes
            .push(format!("{error}; the audit log is left out")),
    }
    Page::of(&sources).map_err(|error| error.within(&folder.display().to_string()))
}

fn report(folder: &Path) -> Result<String> {
    let path = folder.join("report.json");
    if let Some(text) = optional(&path)? {
        return Ok(text);
    }
    let message = match folder.metadata() {
        Ok(found) if found.is_dir() => format!("{} holds no report.json", folder.display()),
        Ok(_) => format!("{} is no directory", folder.display()),
        Err(_) => format!("{} is not there", folder.display()),
    };
    let hint = "`midflight pipe --report DIR` leaves a report in DIR; give that directory here";
    Err(Error::new(ErrorKind::Input, message).hint(hint))
}

/// The text of a file; `None` when there is none.
fn optional(path: &Path) -> Result<Option<String>> {
    match path.metadata() {
        Ok(found) if found.len() > WHOLE_BYTES_MAX => {
            let message = format!("{} is larger than 256 MiB", path.display());
            Err(Error::new(ErrorKind::Input, message).hint("no run writes such a file"))
        }
        Err(error) if missing(&error) => Ok(None),
        _ => match fs::read(path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Err(unreadable(path, error)),
        },
    }
}

fn missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), Io::NotFound | Io::NotADirectory)
}

/// The last lines of a file; `None` when there is none.
fn end(path: &Path) -> Result<Option<String>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if missing(&error) => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    let mut bytes = Vec::new();
    let mut read = || {
        let before = file.metadata()?.len().saturating_sub(END_BYTES_MAX);
        file.seek(SeekFrom::Start(before))?;
        (&mut file).take(END_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(before)
    };
    let before: u64 = read().map_err(|error| unreadable(path, error))?;
    let from = match before {
        0 => 0,
        _ => memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |newline| newline + 1),
    };
    Ok(Some(String::from_utf8_lossy(&bytes[from..]).into_owned()))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Input,
        format!("{} cannot be read", path.display()),
    )
    .because(error)
}

/// The audit log, and whether its chain holds and has the record that the report names.
fn audited(path: &Path, report: &str) -> Result<Option<AuditLog>> {
    let Some(latest) = end(path)? else {
        return Ok(None);
    };
    let report: Value = serde_json::from_str(report).unwrap_or_default();
    let anchor = Anchor {
        head: report["audit"]["head"].as_str().map(str::to_owned),
        records: None,
    };
    let verified = audit::verify(path, anchor)?;
    let shortened = |kind: &FaultKind| *kind == FaultKind::Shortened;
    let faults = verified
        .faults
        .iter()
        .filter(|fault| !shortened(&fault.kind))
        .count();
    Ok(Some(AuditLog {
        latest,
        chain: Chain {
            records: verified.head.records,
            faults: faults + usize::try_from(verified.left_out).unwrap_or(usize::MAX - faults),
            has_head: !verified.faults.iter().any(|fault| shortened(&fault.kind)),
        },
    }))
}

/// A history by its place: the lines of a file, or the latest objects of a directory or bucket, a line each.
fn history(place: &str) -> Result<String> {
    if !place.contains("://") && !Path::new(place).is_dir() {
        let text = end(Path::new(place))?;
        return text.ok_or_else(|| {
            Error::new(
                ErrorKind::Input,
                format!("the history {place} is not there"),
            )
            .hint("give what `--history` of the runs names: a file, a directory or a bucket's URL")
        });
    }
    let bucket = Bucket::open(place, &BTreeMap::new())?;
    let mut objects = bucket.list(&bucket.path("")?)?;
    objects.retain(|object| object.location.as_ref().ends_with(".json"));
    // Their names begin with when the runs began.
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    let from = objects.len().saturating_sub(RUNS_MAX);
    let mut lines = String::new();
    for object in &objects[from..] {
        if let Some(bytes) = bucket.get(&object.location)? {
            lines.push_str(&String::from_utf8_lossy(&bytes).replace(['\n', '\r'], " "));
            lines.push('\n');
        }
    }
    Ok(lines)
}
