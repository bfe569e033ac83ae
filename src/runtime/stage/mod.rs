//! The stage: parts in a directory or bucket, made visible by one write to a log.
//!
//! First parts, which nobody knows of; then a commit, which names them, created under the next number of the
//! `log`; then whatever was to wait for it. A run that is killed leaves either all of a commit or nothing, and
//! objects that its reservations name, which the next run deletes. A run that was declared over, because another
//! claimed what it had claimed, cannot commit any more.
//!
//! Below the stage, `_midflight/` holds `log/`, `checkpoints/` of what it adds up to, `parts/` for reservations,
//! and `streams/`, the list of what readers see of each stream, written after every commit.

mod dictionary;
pub mod entry;
mod lines;
mod listing;
mod log;
mod part;
mod parts;
mod replace;
mod reserve;
mod rows;
mod view;

use std::collections::{BTreeSet, HashMap};
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
pub use replace::Replacement;
pub use view::{Outdated, View};

/// Names that are tried for one part.
const NAMES_MAX: u32 = 10_000;

/// Times that a list is written again because others commit meanwhile. They write it too.
const ROUNDS: usize = 100;

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
    reservations: AtomicU64,
    /// Keys of parts that no commit names yet.
    begun: Mutex<BTreeSet<String>>,
}

/// What became of a commit.
#[derive(Debug)]
#[must_use]
pub struct Made {
    /// Whether it was still wanted. If so it stands.
    pub made: bool,
    /// What was to follow it: that readers are told, and what it replaced is deleted. Where that failed the next run
    /// does it.
    pub followed: Result<()>,
}

impl Made {
    /// Whether it was made and readers see it.
    ///
    /// # Errors
    /// What kept them from it.
    pub fn seen(self) -> Result<bool> {
        self.followed.map(|()| self.made)
    }
}

/// How many entries the log of a stage has.
///
/// # Errors
/// What the store says.
pub fn entries(bucket: &Bucket) -> Result<u64> {
    Ok(Log::open(bucket)?.view().next)
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
            reservations: AtomicU64::new(0),
            begun: Mutex::default(),
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
        let killed = log.claim(&self.run, keys, now, &|view| view.silent_since(since))?;
        // A run that was killed behind a commit may not have told readers of it.
        if killed {
            let streams = log.view().streams().into_iter().cloned().collect();
            self.tell(&mut log, streams)?;
        }
        let count = reserve::sweep(&self.bucket, &mut log, false)?;
        let removed = log.view().removed().clone();
        let count = count + removed.len();
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
        self.log().refresh().map(drop)
    }

    /// Asks what the log adds up to.
    pub fn view<T>(&self, ask: impl FnOnce(&View) -> T) -> T {
        ask(self.log().view())
    }

    /// The folder of a stream's parts, as far as all of them have one.
    pub fn folder_of(&self, stream: &Name) -> String {
        let key = self.names.folder(stream.namespace.as_deref(), &stream.name);
        let root = self.bucket.url();
        format!("{}/{key}", root.trim_end_matches('/'))
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
            let number = self.reservations.fetch_add(1, Ordering::Relaxed);
            if reserve::reserve(&self.bucket, &self.run, number, &key)? {
                self.begun().insert(key.clone());
                let upload = self.bucket.upload(self.bucket.path(&key)?);
                return Ok((key, upload));
            }
        }
        let message = format!("no name is free for a part of `{}`", naming.stream);
        Err(Error::new(ErrorKind::Output, message)
            .hint("let `path` or `file` of the stage hold ${EPOCH} or ${UUID}"))
    }

    /// Begins an object that takes the place of a part, beside it. No other will ever have its name.
    fn begin_beside(&self, part: &str) -> Result<(String, Upload)> {
        let chance = self.run.rsplit('-').next().unwrap_or_default();
        let (stem, extension) = match part.strip_suffix(self.names.extension) {
            Some(stem) => (stem, self.names.extension),
            None => (part, ""),
        };
        // One that was replaced before has such a name already.
        let stem = stem.split_once("-in-place-").map_or(stem, |(stem, _)| stem);
        loop {
            let number = self.commits.fetch_add(1, Ordering::Relaxed);
            let key = format!("{stem}-in-place-{chance}-{number}{extension}");
            let reservation = self.reservations.fetch_add(1, Ordering::Relaxed);
            if reserve::reserve(&self.bucket, &self.run, reservation, &key)? {
                self.begun().insert(key.clone());
                let upload = self.bucket.upload(self.bucket.path(&key)?);
                return Ok((key, upload));
            }
        }
    }

    /// Makes a commit, if `make` still wants it in view of all that others have committed. Once this returns it
    /// is durable.
    ///
    /// # Errors
    /// `Superseded` when this run was declared over meanwhile; what the store says. Then it is not made, or, where the
    /// store's answer was lost for good, nobody knows.
    pub fn commit(&self, make: &mut dyn FnMut(&View) -> Option<Commit>) -> Result<Made> {
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
        let followed = match &made {
            Some(commit) => {
                for part in &commit.parts {
                    self.begun().remove(&part.path);
                }
                self.follow(log, commit)
            }
            None => Ok(()),
        };
        Ok(Made {
            made: made.is_some(),
            followed,
        })
    }

    /// What follows a commit. All of it is repeated by the next run if this one is killed.
    fn follow(&self, mut log: MutexGuard<'_, Log>, commit: &Commit) -> Result<()> {
        self.tell(&mut log, commit.streams())?;
        let removed: Vec<String> = log.view().removed().iter().cloned().collect();
        drop(log);
        let paths = commit.parts.iter().map(|part| part.path.as_str());
        reserve::release(&self.bucket, paths)?;
        self.remove(removed)
    }

    /// Writes what readers see of these streams, until no commit came in between: of two that write one list, the
    /// later view may otherwise be written first.
    fn tell(&self, log: &mut Log, streams: BTreeSet<Name>) -> Result<()> {
        let mut open = streams.clone();
        for _ in 0..ROUNDS {
            for stream in &open {
                listing::write(&self.bucket, log.view(), stream)?;
            }
            if open.is_empty() {
                break;
            }
            open = log.refresh()?.intersection(&streams).cloned().collect();
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
        self.commit(&mut |_| Some(end.clone()))?.seen()?;
        // Runs that were killed shortly before this one began may have had something on its way. What cannot be
        // deleted now is by the next run.
        let _ = reserve::sweep(&self.bucket, &mut self.log(), true);
        Ok(())
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
        for key in keys {
            self.begun().remove(key);
        }
        reserve::release(&self.bucket, keys.iter().map(String::as_str))
    }

    /// After another run took over: deletes what this one has written meanwhile, as the other may have looked before.
    ///
    /// # Errors
    /// What the store says.
    pub fn withdraw(&self) -> Result<()> {
        let mut log = self.log();
        log.refresh()?;
        let begun = self.begun().clone();
        for key in begun {
            let another = reserve::holder(&self.bucket, &key)?.is_some_and(|run| run != self.run);
            if !another && !log.view().holds(&key) {
                self.abandon(&[key])?;
            }
        }
        Ok(())
    }

    fn begun(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
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
