//! `midflight catalog`

use super::args::Catalog;
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::load;

pub(super) fn run(arguments: &Catalog) -> Result<()> {
    let plan = load(&arguments.plan.files(false))?;
    let catalog = plan.rewritten_catalog()?;
    let text = serde_json::to_string_pretty(&catalog).map_err(|error| {
        Error::new(ErrorKind::Internal, "the catalog cannot be written").because(error)
    })?;
    output::result(&text)
}
