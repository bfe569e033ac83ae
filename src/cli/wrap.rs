//! `midflight wrap`

use std::time::Duration;

use super::args::Wrap;
use super::pipe::standard;
use crate::error::Result;
use crate::runtime::wrap;

pub(super) fn run(arguments: &Wrap) -> Result<()> {
    let options = wrap::Options {
        run: arguments.run.options(),
        config: arguments.config.clone(),
        source_catalog: arguments.source_catalog.clone(),
        observe: arguments.observe,
        grace: Duration::from_secs(arguments.grace),
    };
    let (_, output) = standard()?;
    wrap::run(&arguments.command, &options, output)
}
