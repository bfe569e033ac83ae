//! `midflight sync`

use super::args::{Format, Sync};
use super::output;
use crate::error::Result;
use crate::runtime::sync::{self, Options};

pub(super) fn run(arguments: &Sync) -> Result<()> {
    let options = Options {
        source: arguments.source.clone(),
        destination: arguments.destination.clone(),
        source_config: arguments.source_config.clone(),
        destination_config: arguments.destination_config.clone(),
        catalog: arguments.catalog.clone(),
        state: arguments.state.clone(),
        adopt: arguments.adopt_state,
        work: arguments.work.clone(),
        run: arguments.run.options(),
    };
    let (summary, ended) = sync::run(&options, arguments.config.clone(), arguments.observe);
    let told = summary.map_or(Ok(()), |summary| {
        output::result(&match arguments.format {
            Format::Text => summary.text(),
            Format::Json => summary.json(),
        })
    });
    ended.and(told)
}
