//! `midflight profile`

mod table;

use std::path::Path;

use super::args::{Format, Profile};
use super::{batch, output, pipe};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::profile;

pub(super) fn run(arguments: &Profile) -> Result<()> {
    let options = profile::Options {
        catalog: arguments.catalog.clone(),
        config: arguments.config.clone(),
        from: arguments.from.clone(),
        naming: batch::naming(&arguments.naming)?,
        format: arguments.naming.input_format.map(batch::format),
        merge: arguments.merge.clone(),
        no_models: arguments.no_models,
        workers: arguments.workers,
        progress: !arguments.no_progress,
        chunk_bytes: arguments.chunk_bytes,
    };
    let (input, _) = pipe::standard()?;
    let profile = profile::run(input, &options)?;
    let json = serde_json::to_string(&profile).map_err(|error| {
        Error::new(ErrorKind::Internal, "the profile cannot be written").because(error)
    })?;
    if let Some(path) = &arguments.out {
        write(path, &json)?;
    }
    match (arguments.format, &arguments.out) {
        (Some(Format::Text), _) => output::result(&table::text(&profile)),
        (Some(Format::Json), _) | (None, None) => output::result(&json),
        (None, Some(_)) => Ok(()),
    }
}

/// Writes the file whole or not at all: an earlier profile at its place may be the one that was merged.
fn write(path: &Path, json: &str) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let written =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).and_then(|mut file| {
            std::io::Write::write_all(&mut file, json.as_bytes())?;
            std::io::Write::write_all(&mut file, b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path).map(drop).map_err(|error| error.error)
        });
    written.map_err(|error| {
        Error::new(
            ErrorKind::Output,
            format!("{} cannot be written", path.display()),
        )
        .because(error)
    })
}
