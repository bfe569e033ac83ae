//! `midflight report`

use std::path::Path;

use super::args::Report;
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::page::{self, Drawing};

/// What `--out` is for stdout.
const STDOUT: &str = "-";

pub(super) fn run(arguments: &Report) -> Result<()> {
    let page = page::page(&Drawing {
        folder: arguments.folder.clone(),
        history: arguments.history.clone(),
    })?;
    let html = page.html()?;
    for note in &page.notes {
        output::note(note);
    }
    let beside = || arguments.folder.join("report.html");
    match arguments.out.clone().unwrap_or_else(beside) {
        path if path == Path::new(STDOUT) => output::result(&html),
        path => {
            std::fs::write(&path, &html).map_err(|error| {
                let message = format!("{} cannot be written", path.display());
                Error::new(ErrorKind::Output, message)
                    .because(error)
                    .hint("`--out FILE.html` names another place, `--out -` is stdout")
            })?;
            output::result(&path.display().to_string())
        }
    }
}
