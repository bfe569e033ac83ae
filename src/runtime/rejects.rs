//! The reject store as files: one per stream and run, below a directory.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::Descriptor;

/// Files of rejected rows.
#[derive(Debug)]
pub struct Rejects {
    directory: PathBuf,
    run: String,
    files: HashMap<Descriptor, (PathBuf, File)>,
}

impl Rejects {
    /// Stores below `directory`, in files named after `run`.
    ///
    /// # Errors
    /// `Output` when the directory cannot be made: rows must not be lost later for want of it.
    pub fn open(directory: &Path, run: &str) -> Result<Self> {
        fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
        Ok(Self {
            directory: directory.to_owned(),
            run: run.to_owned(),
            files: HashMap::new(),
        })
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub fn store(&mut self, stream: &Descriptor, entry: &str) -> Result<()> {
        if !self.files.contains_key(stream) {
            let directory = self.directory.join(file_name(&stream.to_string()));
            let path = directory.join(format!("{}.jsonl", self.run));
            let open = || {
                fs::create_dir_all(&directory)?;
                File::options().create(true).append(true).open(&path)
            };
            let file = open().map_err(|error| failed(&path, error))?;
            self.files.insert(stream.clone(), (path, file));
        }
        match self.files.get_mut(stream) {
            Some((path, file)) => file
                .write_all(entry.as_bytes())
                .map_err(|error| failed(path, error)),
            None => Ok(()),
        }
    }

    /// Returns when everything stored is on disk.
    ///
    /// # Errors
    /// `Output` when it cannot be told.
    pub fn sync(&mut self) -> Result<()> {
        for (path, file) in self.files.values() {
            file.sync_data().map_err(|error| failed(path, error))?;
        }
        Ok(())
    }
}

/// A stream's name as the name of a folder: other characters than these become `_`.
pub(super) fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(200)
        .collect();
    match name.as_str() {
        "" | "." | ".." => "_".to_owned(),
        _ => name,
    }
}

/// The error of a reject store that cannot be written.
pub(super) fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Output,
        format!("the reject store {} cannot be written", path.display()),
    )
    .because(error)
    .hint("a record that can neither pass nor be stored stops the run")
}
