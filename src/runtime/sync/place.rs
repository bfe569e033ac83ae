//! Files of a sync: temporary ones for the connectors, and the lock beside the state file.

use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Result};

/// A folder for temporary files, gone when this is.
#[derive(Debug)]
pub(super) struct Place(TempDir);

impl Place {
    /// One that we alone can look into; below `within` one that everybody can, since connectors in containers may run
    /// as somebody else. What lies there are catalogs and states, never configurations.
    ///
    /// # Errors
    /// `Output` when it cannot be made.
    pub(super) fn new(within: Option<&Path>) -> Result<Self> {
        let mut made = tempfile::Builder::new();
        made.prefix("midflight-sync-");
        let folder = match within {
            Some(within) => std::path::absolute(within).and_then(|within| {
                let folder = made.tempdir_in(within)?;
                std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
                Ok(folder)
            }),
            None => made.tempdir(),
        };
        folder.map(Self).map_err(|error| {
            let message = "there is no place for temporary files";
            Error::new(ErrorKind::Output, message)
                .hint("--work names a folder that is there, TMPDIR the one of the system")
                .because(error)
        })
    }

    /// Writes a file there.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub(super) fn put(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.path().join(name);
        match std::fs::write(&path, text) {
            Ok(()) => Ok(path),
            Err(error) => {
                let message = format!("{} cannot be written", path.display());
                Err(Error::new(ErrorKind::Output, message).because(error))
            }
        }
    }
}

/// Makes sure that nobody else keeps states in this file while the lock is held.
///
/// # Errors
/// `Output` when somebody does, or the folder cannot be written.
pub(super) fn lock(state: &Path) -> Result<File> {
    let mut path = state.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let cannot = |error: std::io::Error| {
        let message = format!("{} cannot be written", path.display());
        Error::new(ErrorKind::Output, message)
            .hint("--state names a file in a folder that is there; two more files lie beside it")
            .because(error)
    };
    let mut open = File::options();
    // The file stays: if it were deleted, two could hold locks of files of one name.
    let file = open.create(true).append(true).open(&path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another sync is keeping its states in {}", state.display());
            Err(Error::new(ErrorKind::Output, message).hint("wait until it has ended"))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}
