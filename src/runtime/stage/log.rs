//! The log of a stage: numbered objects, each created once. Whoever creates a number decides what it says, so a
//! commit is one conditional write, and a run that was declared over cannot commit any more.
//!
//! `_midflight/log/<number>.json` are the entries. Now and then what they add up to is written beside them, so
//! that nobody has to read all. Entries are never deleted: a slow writer could otherwise create an old number.

use std::collections::BTreeSet;

use super::entry::{Entry, Name, RunId};
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;

/// Where everything of ours lies below a stage.
pub const FOLDER: &str = "_midflight";

/// Entries after which what they add up to is written, at least.
const ENTRIES_PER_CHECKPOINT: u64 = 32;

/// Checkpoints that stay; readers may just be reading one.
const CHECKPOINTS: usize = 3;

/// Entries that others may put before ours while we try to append, before we give up.
const ATTEMPTS: usize = 10_000;

/// A log, read up to some entry.
#[derive(Debug)]
pub struct Log {
    bucket: Bucket,
    view: View,
    /// The number of the last checkpoint.
    checkpoint: u64,
}

impl Log {
    /// Reads a log to its end. One that was never written is empty.
    ///
    /// # Errors
    /// `Input` when the store cannot be read, or an object of the log is not ours or of a later version.
    pub fn open(bucket: &Bucket) -> Result<Self> {
        let mut log = Self {
            bucket: bucket.clone(),
            view: View::default(),
            checkpoint: 0,
        };
        log.recall()?;
        log.refresh()?;
        Ok(log)
    }

    /// What the entries add up to.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Reads what others have appended meanwhile. Gives the streams of which readers see something else now.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn refresh(&mut self) -> Result<BTreeSet<Name>> {
        let mut changed = BTreeSet::new();
        loop {
            let path = self.bucket.path(&entry_key(self.view.next))?;
            let Some(bytes) = self.bucket.get(&path)? else {
                return Ok(changed);
            };
            let entry: Entry = serde_json::from_slice(&bytes)
                .map_err(|error| self.unreadable(&entry_key(self.view.next), error))?;
            self.view.apply(&entry);
            if let Entry::Commit(commit) = &entry {
                changed.extend(commit.streams());
            }
        }
    }

    /// Appends a claim; it ends the runs that hold one of its keys, and those named in `expires`. Says whether there
    /// were any.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub fn claim(
        &mut self,
        run: &RunId,
        keys: &[String],
        at_ms: i64,
        expires: &dyn Fn(&View) -> Vec<RunId>,
    ) -> Result<bool> {
        let mut any = false;
        self.append(&mut |view| {
            let mut over = view.holders(keys);
            over.extend(expires(view));
            any = !over.is_empty();
            Ok(Some(Entry::Claim {
                run: run.clone(),
                at_ms,
                keys: keys.to_vec(),
                expires: over,
            }))
        })?;
        Ok(any)
    }

    /// Appends what `make` says in view of everything before it; `None` appends nothing. Says whether something
    /// was appended.
    ///
    /// # Errors
    /// What `make` says; `Output` when it cannot be written.
    pub fn append(&mut self, make: &mut dyn FnMut(&View) -> Result<Option<Entry>>) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let Some(entry) = make(&self.view)? else {
                return Ok(false);
            };
            let path = self.bucket.path(&entry_key(self.view.next))?;
            let text = serde_json::to_vec(&entry)
                .map_err(|error| self.unreadable("an entry to be written", error))?;
            if self.bucket.create(&path, text)? {
                self.view.apply(&entry);
                self.remember();
                return Ok(true);
            }
            self.refresh()?;
        }
        let message = format!(
            "{}: others append to the log without end",
            self.bucket.url()
        );
        Err(Error::new(ErrorKind::Output, message))
    }

    /// Begins at the last checkpoint.
    fn recall(&mut self) -> Result<()> {
        let folder = self.bucket.path(&format!("{FOLDER}/checkpoints"))?;
        let mut found = self.bucket.list(&folder)?;
        found.sort_by(|a, b| b.location.cmp(&a.location));
        for meta in found {
            // One that was just deleted has a successor. One that is damaged, or of a later version, is passed over:
            // the entries hold everything, and say so themselves if they cannot be read.
            let Some(bytes) = self.bucket.get(&meta.location)? else {
                continue;
            };
            let Ok(view) = serde_json::from_slice::<View>(&bytes) else {
                continue;
            };
            self.checkpoint = view.next;
            self.view = view;
            return Ok(());
        }
        Ok(())
    }

    /// Writes a checkpoint when it is time. The larger the stage, the rarer: writing them must not cost more
    /// than reading entries. One that cannot be written is no failure, as the entries hold everything.
    fn remember(&mut self) {
        let due = ENTRIES_PER_CHECKPOINT.max(self.view.weight() as u64 / 16);
        if self.view.next < self.checkpoint + due {
            return;
        }
        let written = (|| {
            let text = serde_json::to_vec(&self.view)
                .map_err(|error| self.unreadable("a checkpoint", error))?;
            let key = format!("{FOLDER}/checkpoints/{:020}.json", self.view.next);
            self.bucket.put(&self.bucket.path(&key)?, text)?;
            let folder = self.bucket.path(&format!("{FOLDER}/checkpoints"))?;
            let mut found = self.bucket.list(&folder)?;
            found.sort_by(|a, b| b.location.cmp(&a.location));
            let old = found.into_iter().skip(CHECKPOINTS);
            self.bucket.delete(old.map(|meta| meta.location).collect())
        })();
        if written.is_ok() {
            self.checkpoint = self.view.next;
        }
    }

    fn unreadable(&self, key: &str, error: serde_json::Error) -> Error {
        let message = format!(
            "{}: {key} is no part of a log that this version knows",
            self.bucket.url()
        );
        Error::new(ErrorKind::Input, message).because(error)
    }
}

fn entry_key(number: u64) -> String {
    format!("{FOLDER}/log/{number:020}.json")
}
