//! `midflight destination`

use super::args::{Destination, DestinationAction, DestinationWrite};
use super::output;
use super::pipe::standard;
use crate::error::Result;
use crate::runtime::destination;

pub(super) fn run(arguments: &Destination) -> Result<()> {
    match &arguments.action {
        DestinationAction::Spec => output::result(&destination::spec()),
        DestinationAction::Check { config } => output::result(&destination::check(config)),
        DestinationAction::Write(arguments) => write(arguments),
    }
}

fn write(arguments: &DestinationWrite) -> Result<()> {
    let job = std::env::var("WORKER_JOB_ID").unwrap_or_default();
    let plain = !job.is_empty() && job.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let options = destination::Options {
        run: arguments.run.options(),
        job: plain.then_some(job),
        name: arguments.name.clone(),
    };
    let (input, output) = standard()?;
    destination::write(
        &arguments.config,
        &arguments.catalog,
        input,
        output,
        &options,
    )
}
