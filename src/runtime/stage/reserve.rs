//! Names of parts are reserved before anything is written under them, so that no two runs write one object and
//! that what a run left behind can be found: its reservations name it.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::entry::RunId;
use super::log::{FOLDER, Log};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;

/// What a reservation says.
#[derive(Debug, Serialize, Deserialize)]
struct Reservation {
    path: String,
    run: RunId,
    /// Counts the reservations of a run: two of its parts that would have one name must not both find this one
    /// theirs.
    #[serde(default)]
    number: u64,
}

/// How long a request of a run that was killed may still be on its way. Until then a reservation that names nothing
/// stays, so that the object is found if it comes.
const LATE: TimeDelta = TimeDelta::seconds(60);

fn key_of(path: &str) -> String {
    let name = hex::encode(&Sha256::digest(path)[..16]);
    format!("{FOLDER}/parts/{name}.json")
}

/// Reserves a key for the part of a run that has this number. `false` when it belongs to another part, of whichever
/// run, or an object stands there.
///
/// # Errors
/// What the store says.
pub fn reserve(bucket: &Bucket, run: &RunId, number: u64, path: &str) -> Result<bool> {
    let reservation = Reservation {
        path: path.to_owned(),
        run: run.clone(),
        number,
    };
    let text = serde_json::to_vec(&reservation).map_err(|error| {
        Error::new(ErrorKind::Internal, "a reservation cannot be written").because(error)
    })?;
    let own = bucket.path(&key_of(path))?;
    if !bucket.create(&own, text)? {
        return Ok(false);
    }
    let free = bucket.head(&bucket.path(path)?)?.is_none();
    if !free {
        bucket.delete(vec![own])?;
    }
    Ok(free)
}

/// The run that has reserved a key.
///
/// # Errors
/// What the store says.
pub fn holder(bucket: &Bucket, path: &str) -> Result<Option<RunId>> {
    let bytes = bucket.get(&bucket.path(&key_of(path))?)?;
    let found = bytes.and_then(|bytes| serde_json::from_slice::<Reservation>(&bytes).ok());
    Ok(found.map(|found| found.run))
}

/// Drops reservations whose parts the log names now, or which nothing was written under.
///
/// # Errors
/// What the store says.
pub fn release<'p>(bucket: &Bucket, paths: impl Iterator<Item = &'p str>) -> Result<()> {
    let keys: Result<Vec<Path>> = paths.map(|path| bucket.path(&key_of(path))).collect();
    bucket.delete(keys?)
}

/// Deletes what runs that are over have written and no commit names. Gives the number of such objects. At the `last`
/// moment of a run nothing is expected to be still on its way.
///
/// # Errors
/// What the store says.
pub fn sweep(bucket: &Bucket, log: &mut Log, last: bool) -> Result<usize> {
    let folder = bucket.path(&format!("{FOLDER}/parts"))?;
    let mut found = Vec::new();
    for meta in bucket.list(&folder)? {
        if let Some(bytes) = bucket.get(&meta.location)? {
            found.push((meta, bytes));
        }
    }
    // Whoever reserved one of these has claimed before, which may be after our view.
    log.refresh()?;
    let view = log.view();
    let (mut orphans, mut done) = (Vec::new(), Vec::new());
    for (meta, bytes) in found {
        // One that was cut short was never answered, so nothing was written under it.
        let Ok(reservation) = serde_json::from_slice::<Reservation>(&bytes) else {
            done.push(meta.location);
            continue;
        };
        if view.may_commit(&reservation.run) {
            continue;
        }
        if !view.holds(&reservation.path) {
            let orphan = bucket.path(&reservation.path)?;
            if let Some(folder) = bucket.folder() {
                remove_unfinished(folder, &orphan);
            }
            if bucket.head(&orphan)?.is_some() {
                orphans.push(orphan);
            } else if !last && bucket.folder().is_none() && Utc::now() - meta.last_modified < LATE {
                continue;
            }
        }
        done.push(meta.location);
    }
    let count = orphans.len();
    if let Some(folder) = bucket.folder() {
        remove_unfinished_below(&folder.join(FOLDER));
    }
    bucket.delete(orphans)?;
    bucket.delete(done)?;
    Ok(count)
}

/// In a directory an upload that was killed leaves a file beside its place, named `<name>#<number>`.
fn remove_unfinished(folder: &std::path::Path, orphan: &Path) {
    let whole = std::path::Path::new("/").join(orphan.as_ref());
    if let Some(parent) = whole.parent().filter(|parent| parent.starts_with(folder)) {
        let name = whole.file_name().unwrap_or_default().to_string_lossy();
        remove_where(parent, Duration::ZERO, |found| {
            found.strip_prefix(&*name).is_some_and(is_unfinished)
        });
    }
}

/// The same for our own small objects. Another run may just be writing one, which takes no minute.
fn remove_unfinished_below(folder: &std::path::Path) {
    remove_where(folder, Duration::from_secs(60), |found| {
        found
            .find('#')
            .is_some_and(|at| is_unfinished(&found[at..]))
    });
    for inner in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_unfinished_below(&inner.path());
        }
    }
}

fn is_unfinished(rest: &str) -> bool {
    let number = rest.strip_prefix('#');
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Files that cannot be removed stay: they are in nobody's way.
fn remove_where(folder: &std::path::Path, age: Duration, which: impl Fn(&str) -> bool) {
    let is_old = |entry: &std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|meta| meta.modified());
        modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|passed| passed >= age))
    };
    for found in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if which(&found.file_name().to_string_lossy()) && is_old(&found) {
            let _ = std::fs::remove_file(found.path());
        }
    }
}
