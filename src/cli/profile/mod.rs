//! `midflight profile`

mod table;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::args::{Format, Profile};
use super::{batch, output, pipe};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::form;
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
    if let Some(path) = &arguments.out {
        write(path, &profile)?;
    }
    match (arguments.format, &arguments.out) {
        (Some(Format::Text), _) => output::result(&table::text(&profile)),
        (Some(Format::Json), _) | (None, None) => {
            let json = serde_json::to_string(&profile).map_err(|error| {
                let message = "the profile cannot be written";
                Error::new(ErrorKind::Internal, message).because(error)
            })?;
            output::result(&json)
        }
        (None, Some(_)) => Ok(()),
    }
}

/// Writes the file whole or not at all: an earlier profile at its place may be the one that was merged.
fn write(path: &Path, profile: &form::Profile) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // A temporary file is its owner's alone; this one is to be what any other file is.
    let usual = std::fs::Permissions::from_mode(0o666);
    let begun = tempfile::Builder::new()
        .permissions(usual)
        .tempfile_in(folder);
    let written = begun.and_then(|mut file| {
        let mut out = std::io::BufWriter::new(&mut file);
        serde_json::to_writer(&mut out, profile)?;
        out.write_all(b"\n")?;
        out.flush()?;
        drop(out);
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
