//! The reject store of a batch: a file per input, so that an input that is read again replaces its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::pipeline::Done;
use crate::protocol::state::Descriptor;
use crate::runtime::rejects::{failed, file_name};
use crate::runtime::stage::entry::Input;

/// The store.
#[derive(Debug)]
pub struct Rejected(PathBuf);

/// The rejected rows of one input.
#[derive(Debug)]
pub struct OfInput {
    path: PathBuf,
    file: Option<File>,
}

impl Rejected {
    /// Stores below a directory.
    ///
    /// # Errors
    /// `Output` when it cannot be made.
    pub fn open(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
        Ok(Self(directory.to_owned()))
    }

    /// The file of an input.
    pub fn of(&self, input: &Input, stream: &Descriptor) -> OfInput {
        let name = hex::encode(&Sha256::digest(format!("{} {}", input.url, input.part))[..16]);
        OfInput {
            path: self
                .0
                .join(file_name(&stream.to_string()))
                .join(format!("{name}.jsonl")),
            file: None,
        }
    }
}

impl OfInput {
    /// Stores the rejected rows of a chunk, before which `rows` of the input stand.
    ///
    /// # Errors
    /// `Output` when they cannot be written.
    pub fn store(&mut self, done: &Done, rows: u64) -> Result<()> {
        for (_, entry) in done.reject_entries(rows) {
            let path = &self.path;
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(create(path).map_err(|error| failed(path, error))?),
            };
            file.write_all(entry.as_bytes())
                .map_err(|error| failed(path, error))?;
        }
        Ok(())
    }

    /// Returns when everything stored is on disk. An input without rejected rows leaves no file of an earlier run.
    ///
    /// # Errors
    /// `Output` when it cannot be told.
    pub fn sync(self) -> Result<()> {
        match &self.file {
            Some(file) => file.sync_data().map_err(|error| failed(&self.path, error)),
            None => match fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(failed(&self.path, error))
                }
                _ => Ok(()),
            },
        }
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(path)
}
