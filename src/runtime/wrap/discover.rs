//! The streams that a wrapped source has: the source's own, as the plan lets them leave.

use std::path::Path;

use super::lines::{self, Answer, Kind};
use super::own::Own;
use super::{Failure, Wrap};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::ConfiguredCatalog;
use crate::runtime::load::with_catalog;

/// What messages call the catalog that the source has.
const ORIGIN: &str = "the source's catalog";

/// Asks the source for its streams and rewrites them.
pub(super) fn run(wrap: &Wrap<'_>, config: &Path) -> Result<(), Failure> {
    let own = wrap.own(config)?;
    let mut plan = Some(wrap.first_plan(&own)?);
    let files = wrap.files(&own, None);
    let mut found = false;
    let command = wrap.asked.command("discover", &[("--config", own.child())]);
    let grace = wrap.options.grace;
    let told = lines::run(command, grace, Some(&own), &wrap.output, |kind, line| {
        // The platform takes the first one.
        let Some(plan) = plan.take_if(|_| kind == Kind::Catalog) else {
            return Ok(Answer::Pass);
        };
        found = true;
        if plan.observe() {
            return Ok(Answer::Pass);
        }
        let catalog = ConfiguredCatalog::parse_discovered(line, ORIGIN)?;
        let plan = with_catalog(plan.into_sources(), &files, catalog, None)?;
        Ok(Answer::Instead(plan.rewritten_catalog()?.to_string()))
    })?;
    wrap.conclude(&told, found, "CATALOG")
}

/// The streams that the source has, from a file that holds them, or else from the source. What it says on the way is
/// handed on, and a configuration that it renews is its own from then on.
pub(super) fn source_catalog(wrap: &Wrap<'_>, own: &mut Own) -> Result<ConfiguredCatalog, Failure> {
    if let Some(file) = &wrap.options.source_catalog {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| {
            Error::new(ErrorKind::Catalog, format!("{name} cannot be read")).because(error)
        })?;
        // What `discover` printed may hold other messages too.
        let mut lines = text.lines();
        let message = lines.find(|line| lines::kind(line) == Kind::Catalog);
        return Ok(ConfiguredCatalog::parse_discovered(
            message.unwrap_or(&text),
            &name,
        )?);
    }
    let (mut catalog, mut renewed) = (None, None);
    let command = wrap.asked.command("discover", &[("--config", own.child())]);
    let grace = wrap.options.grace;
    let told = lines::run(command, grace, Some(own), &wrap.output, |kind, line| {
        match kind {
            Kind::Catalog if catalog.is_none() => {
                catalog = Some(ConfiguredCatalog::parse_discovered(line, ORIGIN)?);
            }
            Kind::Control => renewed = Some(line.to_owned()),
            Kind::Said | Kind::Error => {}
            Kind::Spec | Kind::Status | Kind::Catalog | Kind::Other => {
                return Ok(Answer::Withhold);
            }
        }
        Ok(match kind {
            Kind::Catalog => Answer::Withhold,
            _ => Answer::Pass,
        })
    })?;
    wrap.conclude(&told, catalog.is_some(), "CATALOG")?;
    if let Some(line) = renewed {
        own.renew(&line)?;
    }
    catalog.ok_or_else(|| {
        let message = "the source said what is wrong instead of what streams it has";
        let error = Error::new(ErrorKind::Child, message);
        Failure { error, told: true }
    })
}
