//! Small objects in a directory. What they hold is on disk before they have their name, so that neither a kill nor
//! a power failure leaves a name without content.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Unfinished files of one name that are passed over.
const UNFINISHED: u32 = 10_000;

/// Writes a file, whatever stood there.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = written(path, bytes)?;
    fs::rename(&unfinished, path).inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    settle(path)
}

/// Writes a file if there is none. `false` when there is one.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let unfinished = written(path, bytes)?;
    let linked = fs::hard_link(&unfinished, path);
    let _ = fs::remove_file(&unfinished);
    match linked {
        Ok(()) => settle(path).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns when the name of a file is on disk.
pub fn settle(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The bytes on disk beside their place, as `<name>#<number>`, which is how listings tell that it is no object.
fn written(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let (mut file, unfinished) = begin(path)?;
    let filled = file.write_all(bytes).and_then(|()| file.sync_all());
    filled.inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    Ok(unfinished)
}

fn begin(path: &Path) -> io::Result<(File, PathBuf)> {
    for number in 1..UNFINISHED {
        let mut name = OsString::from(path);
        name.push(format!("#{number}"));
        let unfinished = PathBuf::from(name);
        let open = || {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&unfinished)
        };
        let opened = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                folders(path)?;
                open()
            }
            opened => opened,
        };
        match opened {
            Ok(file) => return Ok((file, unfinished)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many unfinished files of this name"))
}

/// Makes the folders of a file, and returns when their names are on disk.
fn folders(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().skip(1) {
        // One that may not be read was not made here.
        let _ = File::open(above).and_then(|above| above.sync_all());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_created_once_and_replaced_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/file.json");
        assert!(create(&path, b"one").expect("a file"));
        fs::write(folder.path().join("a/b/file.json#1"), "of a killed run").expect("a file");
        assert!(!create(&path, b"two").expect("an answer"));
        assert_eq!(fs::read(&path).expect("a file"), b"one");
        put(&path, b"three").expect("a file");
        assert_eq!(fs::read(&path).expect("a file"), b"three");
        let names = fs::read_dir(folder.path().join("a/b")).expect("a folder");
        assert_eq!(
            names.count(),
            2,
            "what was unfinished is gone but the other's"
        );
    }
}
