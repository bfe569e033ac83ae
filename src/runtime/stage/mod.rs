//! The stage: parts in a directory or bucket, made visible by one write to a log.
//!
//! First parts, which nobody knows of; then a commit, which names them, created under the next number of the
//! [log]; then whatever was to wait for it. A run that is killed leaves either all of a commit or nothing, and
//! objects that its reservations name, which the next run deletes. A run that was declared over, because another
//! claimed what it had claimed, cannot commit any more.
//!
//! Below the stage, `_midflight/` holds `log/`, `checkpoints/` of what it adds up to, `parts/` for reservations,
//! and `streams/`, the list of what readers see of each stream, written after every commit. With the feature `delta`
//! a stream's folder may be a Delta table too.

#[cfg(feature = "delta")]
pub mod delta;
mod dictionary;
pub mod entry;
mod lines;
mod listing;
mod log;
mod part;
mod parts;
mod reserve;
mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Utc;

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::{Bucket, Upload};
use crate::sink::names::{Names, PartName};
use crate::sink::spec::PartSpec;
use entry::{Commit, Entry, Name, RunId};
use log::Log;

pub use log::FOLDER;
pub use part::Target;
pub use parts::Parts;
pub use view::View;

/// Names that are tried for one part.
const NAMES_MAX: u32 = 10_000;

/// A stage, opened by one run.
#[derive(Debug)]
pub struct Stage {
    bucket: Bucket,
    spec: PartSpec,
    log: Mutex<Log>,
    run: RunId,
    names: Names,
    /// Parts begun, per stream.
    numbers: Mutex<HashMap<Name, u64>>,
    commits: AtomicU64,
}

/// What a part is named after.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    pub stream: &'a Name,
    pub sync_id: i64,
    /// Hive folders.
    pub partition: &'a str,
}

impl Stage {
    /// Opens a stage for a run, whose name begins with `run`; reads its log.
    ///
    /// # Errors
    /// What the store says.
    pub fn open(bucket: Bucket, spec: PartSpec, run: &str) -> Result<Self> {
        let start = Utc::now();
        // Unique: time, process, and an address that the system chooses at random.
        let chance = std::hash::BuildHasher::hash_one(
            &std::collections::hash_map::RandomState::new(),
            (start.timestamp_nanos_opt(), std::process::id()),
        );
        let run = format!("{run}{}-{chance:016x}", start.format("%Y%m%dT%H%M%S"));
        let names = Names {
            path: spec.path.clone(),
            file: spec.file.clone(),
            start,
            run: run.clone(),
            extension: spec.extension(),
        };
        Ok(Self {
            log: Mutex::new(Log::open(&bucket)?),
            bucket,
            spec,
            run,
            names,
            numbers: Mutex::default(),
            commits: AtomicU64::new(0),
        })
    }

    /// Begins the run: nobody else may write what has one of these keys; runs that did are over, as are those
    /// without keys that were silent for `silent_ms`. What such runs left behind is deleted. Gives the number of
    /// objects deleted.
    ///
    /// # Errors
    /// What the store says.
    pub fn claim(&self, keys: &[String], silent_ms: i64) -> Result<usize> {
        let now = Utc::now().timestamp_millis();
        let mut log = self.log();
        log.refresh()?;
        let since = now - silent_ms;
        let over =
            |view: &View| !view.holders(keys).is_empty() || !view.silent_since(since).is_empty();
        let killed = over(log.view());
        log.claim(&self.run, keys, now, &|view| view.silent_since(since))?;
        // A run that was killed behind a commit may not have told readers of it.
        if killed {
            for stream in log.view().streams() {
                self.announce(log.view(), stream)?;
            }
        }
        let removed = log.view().removed().clone();
        let count = reserve::sweep(&self.bucket, log.view())? + removed.len();
        drop(log);
        self.remove(removed.into_iter().collect())?;
        Ok(count)
    }

    /// Where the stage lies.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// How parts are written.
    pub fn spec(&self) -> &PartSpec {
        &self.spec
    }

    /// The name of this run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Reads what others have committed meanwhile.
    ///
    /// # Errors
    /// What the store says.
    pub fn refresh(&self) -> Result<()> {
        self.log().refresh()
    }

    /// Asks what the log adds up to.
    pub fn view<T>(&self, ask: impl FnOnce(&View) -> T) -> T {
        ask(self.log().view())
    }

    /// The folder of a stream's parts, as far as all of them have one.
    pub fn folder_of(&self, stream: &Name) -> String {
        let root = self.bucket.url();
        format!("{}/{}", root.trim_end_matches('/'), self.key_of(stream))
    }

    fn key_of(&self, stream: &Name) -> String {
        self.names.folder(stream.namespace.as_deref(), &stream.name)
    }

    /// Writes something that is no part below our own folder.
    ///
    /// # Errors
    /// What the store says.
    pub fn put(&self, key: &str, text: String) -> Result<()> {
        let key = listing::plain(key);
        self.bucket
            .put(&self.bucket.path(&format!("{FOLDER}/{key}"))?, text)
    }

    /// Begins an object for a part, under a name that no other run writes. Gives its key.
    ///
    /// # Errors
    /// What the store says.
    pub fn begin(&self, naming: &Naming<'_>) -> Result<(String, Upload)> {
        let number = {
            let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            let number = numbers.entry(naming.stream.clone()).or_default();
            *number += 1;
            *number - 1
        };
        for ordinal in 0..NAMES_MAX {
            let key = self.names.key(&PartName {
                namespace: naming.stream.namespace.as_deref(),
                stream: &naming.stream.name,
                number,
                sync_id: naming.sync_id,
                now: Utc::now(),
                partition: naming.partition,
                ordinal,
            });
            if reserve::reserve(&self.bucket, &self.run, &key)? {
                let upload = self.bucket.upload(self.bucket.path(&key)?);
                return Ok((key, upload));
            }
        }
        let message = format!("no name is free for a part of `{}`", naming.stream);
        Err(Error::new(ErrorKind::Output, message)
            .hint("let `path` or `file` of the stage hold ${EPOCH} or ${UUID}"))
    }

    /// Makes a commit, if `make` still wants it in view of all that others have committed. Once this returns it
    /// is durable and readers see it. Says whether it was made.
    ///
    /// # Errors
    /// `Superseded` when this run was declared over meanwhile; what the store says.
    pub fn commit(&self, make: &mut dyn FnMut(&View) -> Option<Commit>) -> Result<bool> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        let mut log = self.log();
        let mut made: Option<Commit> = None;
        log.append(&mut |view| {
            if !view.may_commit(&self.run) {
                return Err(self.over());
            }
            made = make(view).filter(|commit| !commit.is_empty());
            Ok(made.as_mut().map(|commit| {
                commit.run.clone_from(&self.run);
                commit.number = number;
                commit.at_ms = Utc::now().timestamp_millis();
                Entry::Commit(Box::new(commit.clone()))
            }))
        })?;
        let Some(commit) = made else {
            return Ok(false);
        };
        // From here on the commit stands. What follows is repeated by the next run if this one is killed.
        let streams = commit.streams();
        for stream in &streams {
            self.announce(log.view(), stream)?;
        }
        let removed: Vec<String> = log.view().removed().iter().cloned().collect();
        drop(log);
        let paths = commit.parts.iter().map(|part| part.path.as_str());
        reserve::release(&self.bucket, paths)?;
        self.remove(removed)?;
        Ok(true)
    }

    /// Tells readers what they see of a stream.
    fn announce(&self, view: &View, stream: &Name) -> Result<()> {
        listing::write(&self.bucket, view, stream)?;
        #[cfg(feature = "delta")]
        if self.spec.delta {
            let folder = self.key_of(stream);
            if view
                .streams()
                .iter()
                .any(|other| *other != stream && self.key_of(other) == folder)
            {
                let message = format!("`{stream}` shares its folder with another stream");
                return Err(Error::new(ErrorKind::Config, message).hint(
                    "a Delta table needs its own: write ${NAMESPACE} and ${STREAM_NAME} in `path`",
                ));
            }
            delta::publish(&self.bucket, &folder, view, stream)?;
        }
        Ok(())
    }

    /// Ends the run, so that nobody has to find out that it is over.
    ///
    /// # Errors
    /// What the store says.
    pub fn end(&self) -> Result<()> {
        let end = Commit {
            end: true,
            ..Commit::default()
        };
        self.commit(&mut |_| Some(end.clone())).map(drop)
    }

    /// Deletes objects that are no parts any more, and notes that they are gone.
    fn remove(&self, removed: Vec<String>) -> Result<()> {
        if removed.is_empty() {
            return Ok(());
        }
        let paths: Result<Vec<_>> = removed.iter().map(|key| self.bucket.path(key)).collect();
        self.bucket.delete(paths?)?;
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        let mut log = self.log();
        log.append(&mut |_| {
            Ok(Some(Entry::Commit(Box::new(Commit {
                run: self.run.clone(),
                at_ms: Utc::now().timestamp_millis(),
                number,
                swept: removed.clone(),
                ..Commit::default()
            }))))
        })
        .map(drop)
    }

    /// Gives up names that nothing will be committed under.
    ///
    /// # Errors
    /// What the store says.
    pub fn abandon(&self, keys: &[String]) -> Result<()> {
        let paths: Result<Vec<_>> = keys.iter().map(|key| self.bucket.path(key)).collect();
        self.bucket.delete(paths?)?;
        reserve::release(&self.bucket, keys.iter().map(String::as_str))
    }

    fn over(&self) -> Error {
        let message = format!(
            "{}: another run has taken over from this one",
            self.bucket.url()
        );
        Error::new(ErrorKind::Superseded, message)
            .hint("what this run had committed stays; two runs must not write one stream at a time")
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
