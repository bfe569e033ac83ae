//! The history as lines of a file.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{ENTRY_BYTES_MAX, is_past};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Entry;
use crate::plan::config::Keep;

/// Bytes that are read at once from the end of the file, and at most.
const BLOCK_BYTES: u64 = 256 << 10;
const READ_BYTES_MAX: u64 = 256 << 20;

/// How long other runs are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn append(path: &Path, entry: &Entry, keep: Option<Keep>) -> Result<()> {
    let line = entry.line();
    if line.len() > ENTRY_BYTES_MAX {
        let what = format!("an entry has more than {ENTRY_BYTES_MAX} bytes");
        return Err(failed(path, &what));
    }
    let written = locked(path).and_then(|mut file| {
        let end = file.seek(SeekFrom::End(0))?;
        // A line that was torn stays one: this one begins behind it.
        let torn = end > 0 && {
            let mut last = [0];
            file.seek(SeekFrom::Start(end - 1))?;
            file.read_exact(&mut last)?;
            last != *b"\n"
        };
        let text = format!("{}{line}\n", if torn { "\n" } else { "" });
        if let Err(error) = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
        {
            // The lock is held, so what is cut off is our own.
            let _ = file.set_len(end);
            return Err(error);
        }
        match keep {
            Some(keep) => forget(path, &mut file, keep, entry.moment().unwrap_or_default()),
            None => Ok(()),
        }
    });
    written.map_err(|error| failed(path, "it cannot be written").because(error))
}

/// The file, locked until it is dropped. It may have been replaced while the lock was waited for.
fn locked(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let since = Instant::now();
    loop {
        let file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path)? => return Ok(file),
            Ok(()) | Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            Ok(()) | Err(TryLockError::WouldBlock) => {
                return Err(std::io::Error::other("another run holds it"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the file of this name is still the one that is open.
fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Leaves out what need not be kept, once that is a quarter of what must be: another file takes this one's place.
fn forget(path: &Path, file: &mut File, keep: Keep, now: f64) -> std::io::Result<()> {
    let size = file.metadata()?.len();
    if size > READ_BYTES_MAX {
        return Ok(());
    }
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(size).read_to_end(&mut text)?;
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let first = match keep {
        Keep::Runs(runs) => lines.len().saturating_sub(runs as usize),
        Keep::Days(_) => {
            let past = |line: &&&[u8]| {
                let moment = Entry::read(line).and_then(|entry| entry.moment());
                moment.is_none_or(|moment| is_past(Some(keep), moment, now))
            };
            lines.iter().take_while(past).count()
        }
    };
    if first == 0 || first < (lines.len() - first) / 4 {
        return Ok(());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let mut kept = File::create(&name)?;
    kept.write_all(&lines[first..].concat())?;
    kept.sync_data()?;
    std::fs::rename(&name, path)
}

pub(super) fn last(path: &Path, runs: usize) -> Result<Vec<Entry>> {
    let read = || -> std::io::Result<Vec<Entry>> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut start = end;
        let mut text: Vec<u8> = Vec::new();
        loop {
            let bytes = start.min(BLOCK_BYTES);
            start -= bytes;
            let mut block = vec![0; usize::try_from(bytes).unwrap_or(0)];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut block)?;
            block.append(&mut text);
            text = block;
            let lines = memchr::memchr_iter(b'\n', &text).count();
            if start == 0 || lines > runs + 1 || end - start >= READ_BYTES_MAX {
                break;
            }
        }
        let lines = text.split(|byte| *byte == b'\n').rev();
        Ok(lines.filter_map(Entry::read).take(runs).collect())
    };
    read().map_err(|error| {
        let message = format!("the history {} cannot be read", path.display());
        Error::new(ErrorKind::Input, message)
            .because(error)
            .hint("runs write it with `--history` or `--report`")
    })
}

fn failed(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorKind::Output,
        format!("the history {}: {what}", path.display()),
    )
}
