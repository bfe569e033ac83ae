//! `midflight catalog`

use super::args::Catalog;
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Files, load};

pub(super) fn run(arguments: &Catalog) -> Result<()> {
    let plan = load(&Files {
        config: arguments.plan.config.clone(),
        catalog: arguments.plan.catalog.clone(),
        observe: false,
    })?;
    let catalog = plan.rewritten_catalog()?;
    let text = serde_json::to_string_pretty(&catalog).map_err(|error| {
        Error::new(ErrorKind::Internal, "the catalog cannot be written").because(error)
    })?;
    output::result(&text)
}
