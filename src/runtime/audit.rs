//! The audit chain as a file. Runs that write at once take turns, so that they make one chain.
//!
//! Each record is on disk before `append` returns. A last line that is torn is told and left as it is: only
//! [`mend`], which a person asks for, cuts it off, and leaves a record of that.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::audit::{
    Anchor, Head, Kind, LINE_BYTES_MAX, Link, Record, Verified, Verifier, run, seal,
};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::report::Totals;

/// The name of the file in the directory of a run's report.
const FILE: &str = "audit.jsonl";

/// Bytes that are read at once from the end of the file.
const BLOCK_BYTES: u64 = 64 << 10;

/// A file of records.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// The log at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// `Output` when it cannot be written, or its last line is torn or changed.
    pub fn open(path: &Path) -> Result<Self> {
        let log = Self {
            path: path.to_owned(),
        };
        let mut file = log.locked()?;
        log.head(&mut file)?;
        Ok(log)
    }

    /// Adds a record and gives the chain's new end. It is on disk when this returns.
    ///
    /// # Errors
    /// `Output` when it cannot be written; nothing of it is left then.
    pub fn append(&self, record: &Record) -> Result<Head> {
        let mut file = self.locked()?;
        let head = self.head(&mut file)?;
        self.write(&mut file, &head, record)
    }

    fn write(&self, file: &mut File, head: &Head, record: &Record) -> Result<Head> {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let (mut line, head) = seal(head, &at, record);
        line.push('\n');
        if line.len() > LINE_BYTES_MAX {
            return Err(self.failed(&format!("a record is longer than {LINE_BYTES_MAX} bytes")));
        }
        let end = file
            .seek(SeekFrom::End(0))
            .map_err(|error| self.unwritten(error))?;
        let written = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            // The lock is still held, so what is cut off is our own.
            let _ = file.set_len(end);
            return Err(self.unwritten(error));
        }
        Ok(head)
    }

    /// The file, locked until it is dropped.
    fn locked(&self) -> Result<File> {
        let mut options = File::options();
        options.read(true).write(true);
        let file = match options.open(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.made(options.create(true))
            }
            opened => opened,
        };
        let file = file.map_err(|error| self.unwritten(error))?;
        file.lock().map_err(|error| self.unwritten(error))?;
        Ok(file)
    }

    fn made(&self, options: &std::fs::OpenOptions) -> std::io::Result<File> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder)?;
        let file = options.open(&self.path)?;
        // The name of a new file is durable once its folder is.
        File::open(folder)?.sync_all()?;
        Ok(file)
    }

    /// The end of the chain, by its last line alone.
    fn head(&self, file: &mut File) -> Result<Head> {
        let Some(line) = self.last_line(file)? else {
            return Ok(Head::default());
        };
        match Link::read(&line).filter(Link::is_whole) {
            Some(link) => Ok(link.head()),
            None => {
                let error = self.failed("the last line is no record, or was changed");
                Err(error.hint("`midflight audit verify` says where; begin a new file"))
            }
        }
    }

    /// The last line without its newline; `None` when the file is empty.
    fn last_line(&self, file: &mut File) -> Result<Option<Vec<u8>>> {
        let mut start = file
            .seek(SeekFrom::End(0))
            .map_err(|error| self.unreadable(error))?;
        let mut tail: Vec<u8> = Vec::new();
        while start > 0 {
            let bytes = start.min(BLOCK_BYTES);
            start -= bytes;
            let mut block = vec![0; bytes as usize];
            file.seek(SeekFrom::Start(start))
                .and_then(|_| file.read_exact(&mut block))
                .map_err(|error| self.unreadable(error))?;
            block.append(&mut tail);
            tail = block;
            let Some(line) = tail.strip_suffix(b"\n") else {
                return Err(self
                    .failed("the last line is torn: a run was stopped while it wrote a record")
                    .hint("look at it, then cut it off with `midflight audit mend`, which leaves a record of that"));
            };
            if let Some(newline) = memchr::memrchr(b'\n', line) {
                return Ok(Some(line[newline + 1..].to_vec()));
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(self.failed(&format!(
                    "the last line has more than {LINE_BYTES_MAX} bytes"
                )));
            }
        }
        Ok(tail.strip_suffix(b"\n").map(<[u8]>::to_vec))
    }

    fn failed(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Output,
            format!("the audit log {}: {what}", self.path.display()),
        )
    }

    fn unwritten(&self, error: std::io::Error) -> Error {
        self.failed("it cannot be written").because(error)
    }

    fn unreadable(&self, error: std::io::Error) -> Error {
        self.failed("it cannot be read").because(error)
    }
}

/// Reads the whole chain at `path` and compares it with what is known from elsewhere.
///
/// # Errors
/// `Input` when it cannot be read. That it does not hold is no error.
pub fn verify(path: &Path, anchor: Anchor) -> Result<Verified> {
    let failed = |error| {
        let message = format!("{} cannot be read", path.display());
        Error::new(ErrorKind::Input, message).because(error)
    };
    let file = File::open(path).map_err(failed)?;
    // Whoever writes now finishes first. What cannot be locked is read all the same.
    let _ = file.lock_shared();
    let mut verifier = Verifier::new(anchor);
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A longer line is told as what it is, no record.
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = (&mut reader).take(limit).read_until(b'\n', &mut line);
        let read = read.map_err(failed)?;
        match line.strip_suffix(b"\n") {
            Some(line) => verifier.line(line),
            None if read == 0 => return Ok(verifier.finish()),
            None if read as u64 == limit => verifier.line(&[]),
            None => verifier.torn(read as u64),
        }
    }
}

/// Cuts a torn last line off and adds a record of that; `None` when the last line is whole.
///
/// # Errors
/// `Output` when the file cannot be written, or something else is wrong with what stands before.
pub fn mend(path: &Path) -> Result<Option<Head>> {
    let log = Log {
        path: path.to_owned(),
    };
    let mut file = log.locked()?;
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut text))
        .map_err(|error| log.unreadable(error))?;
    let end = memchr::memrchr(b'\n', &text).map_or(0, |newline| newline + 1);
    let torn = &text[end..];
    if torn.is_empty() {
        return Ok(None);
    }
    let payload = json!({"bytes": torn.len(), "sha256": hex::encode(Sha256::digest(torn))});
    file.set_len(end as u64)
        .map_err(|error| log.unwritten(error))?;
    let head = log.head(&mut file)?;
    let record = Record::new(Kind::Mended, payload);
    log.write(&mut file, &head, &record).map(Some)
}

/// The records of one run, beside its report. Without a report there are none.
#[derive(Debug)]
pub struct Run {
    log: Option<Log>,
    command: &'static str,
    start: Instant,
}

impl Run {
    /// Records what a run is made of, once everything it needs is open and before its first record.
    ///
    /// # Errors
    /// `Output` when that cannot be written: a run that is to be on record does not go on without.
    pub fn begin(plan: &Plan, command: &'static str, report: Option<&Path>) -> Result<Self> {
        let log = report.map(|folder| Log::open(&folder.join(FILE)));
        let log = log.transpose()?;
        if let Some(log) = &log {
            log.append(&run::started(plan, command))?;
        }
        Ok(Self {
            log,
            command,
            start: Instant::now(),
        })
    }

    /// Where further records of the run go.
    pub fn log(&self) -> Option<Log> {
        self.log.clone()
    }

    /// Records something that was decided meanwhile.
    ///
    /// # Errors
    /// `Output` when that cannot be written.
    pub fn add(&self, record: &Record) -> Result<()> {
        match &self.log {
            Some(log) => log.append(record).map(drop),
            None => Ok(()),
        }
    }

    /// Records how it ended, and leaves the chain's end in the totals for the report.
    ///
    /// # Errors
    /// `ended`; where that is none, `Output` when the record cannot be written.
    pub fn end(&self, plan: &Plan, totals: &mut Totals, ended: Result<()>) -> Result<()> {
        let Some(log) = &self.log else {
            return ended;
        };
        let (time, failed) = (self.start.elapsed(), ended.as_ref().err());
        match log.append(&run::ended(plan, self.command, totals, time, failed)) {
            Ok(head) => {
                totals.audited = Some((head.records, head.hash));
                ended
            }
            Err(error) => ended.and(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64) -> Record {
        Record::new(Kind::RuleApproved, json!({"number": number}))
    }

    #[test]
    fn appends_at_once_make_one_chain() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below/audit.jsonl");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let log = Log::open(path).expect("a log");
                    for number in 0..20 {
                        log.append(&record(thread * 100 + number)).expect("written");
                    }
                });
            }
        });
        let found = verify(&path, Anchor::default()).expect("readable");
        assert!(found.holds(), "{:?}", found.faults);
        assert_eq!((found.lines, found.head.records), (160, 160));
    }

    #[test]
    fn a_torn_line_is_told_and_left_until_it_is_mended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let log = Log::open(&path).expect("a log");
        let first = log.append(&record(1)).expect("written");
        let whole = std::fs::read(&path).expect("a file");
        let torn = [whole.clone(), whole[..whole.len() / 2].to_vec()].concat();
        std::fs::write(&path, &torn).expect("written");
        for tried in [Log::open(&path).map(drop), log.append(&record(2)).map(drop)] {
            let error = tried.expect_err("torn");
            assert!(
                error.to_string().contains("the last line is torn"),
                "{error}"
            );
        }
        assert_eq!(std::fs::read(&path).expect("a file"), torn);
        let found = verify(&path, Anchor::default()).expect("readable");
        assert_eq!((found.faults.len(), found.head), (1, first));
        let mended = mend(&path).expect("mended").expect("something to mend");
        assert_eq!(mended.records, 2);
        assert_eq!(mend(&path).expect("whole"), None);
        log.append(&record(3)).expect("written");
        assert!(verify(&path, Anchor::default()).expect("readable").holds());
    }

    #[test]
    fn nothing_is_added_behind_a_changed_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let log = Log::open(&path).expect("a log");
        log.append(&record(1)).expect("written");
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(&path, text.replace("\"number\":1", "\"number\":2")).expect("written");
        let error = log.append(&record(2)).expect_err("changed");
        assert!(error.to_string().contains("was changed"), "{error}");
    }

    /// A record longer than a block is found whole.
    #[test]
    fn the_last_line_may_be_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let log = Log::open(&path).expect("a log");
        for bytes in [1, 70_000, 200_000, 5] {
            let payload = json!({"text": "x".repeat(bytes)});
            log.append(&Record::new(Kind::RuleApproved, payload))
                .expect("written");
        }
        let found = verify(&path, Anchor::default()).expect("readable");
        assert!(found.holds() && found.head.records == 4);
        let huge = json!({"text": "x".repeat(LINE_BYTES_MAX)});
        log.append(&Record::new(Kind::RuleApproved, huge))
            .expect_err("too long");
    }
}
