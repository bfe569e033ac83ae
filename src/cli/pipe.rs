//! `midflight pipe`

use std::os::fd::{AsFd, OwnedFd};

use super::args::{Pipe, SourceComplete};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::standalone::{self, Silent};
use crate::runtime::{Files, load, pipe};

pub(super) fn run(arguments: &Pipe) -> Result<()> {
    let options = arguments.run.options();
    let plan = load(&Files {
        history: options.keeps_history(),
        ..arguments.plan.files(arguments.observe)
    })?;
    let (input, output) = standard()?;
    if !arguments.standalone {
        return pipe::run(&plan, input, output, &options);
    }
    let silent = match arguments.source_complete {
        SourceComplete::Always => Silent::Complete,
        SourceComplete::Stated => Silent::Incomplete,
    };
    standalone::run(&plan, input, output, &options, silent)
}

/// stdin and stdout.
pub(super) fn standard() -> Result<(OwnedFd, OwnedFd)> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| {
        fd.try_clone_to_owned().map_err(|error| {
            Error::new(ErrorKind::Input, "stdin or stdout is not open").because(error)
        })
    };
    Ok((
        own(std::io::stdin().as_fd())?,
        own(std::io::stdout().as_fd())?,
    ))
}
