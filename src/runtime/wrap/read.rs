//! The sync of a wrapped source: its catalog led back, its records on their way through the plan.

use std::path::Path;
use std::sync::Arc;

use super::ahead;
use super::child::Child;
use super::discover::source_catalog;
use super::own::{self, Own};
use super::{Failure, Wrap, unseen};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Origin;
use crate::plan::Plan;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::runtime::load::with_catalog;
use crate::runtime::pipe::{Flow, Goal, widen};
use crate::runtime::run::Run;

/// The words of the command, as it is put on record.
const COMMAND: &str = "wrap read";

/// Runs the source on its part of the configuration and the catalog, and takes its records through the plan.
pub(super) fn run(
    wrap: &Wrap<'_>,
    config: &Path,
    catalog: &Path,
    state: Option<&Path>,
) -> Result<(), Failure> {
    let mut own = wrap.own(config)?;
    let name = catalog.display().to_string();
    let text = std::fs::read_to_string(catalog).map_err(|error| {
        Error::new(ErrorKind::Catalog, format!("{name} cannot be read")).because(error)
    })?;
    let given = ConfiguredCatalog::parse(&text, &name)?;
    if !wrap.options.observe {
        unseen::refuse(&given)?;
    }
    let plan = plan(wrap, &mut own, &given)?;
    let asked = match plan.observe() {
        true => given.to_json(),
        false => plan.asked_catalog()?,
    };
    let asked = own::file(&asked.to_string())?;
    let mut run = Run::new(&plan, COMMAND, &wrap.options.run);
    run.admit()?;
    let ear = run.ear().clone();
    let flow = Flow::open(&plan, run, Goal::of(wrap.output.clone()))?.express();
    let mut files = vec![("--config", own.child()), ("--catalog", asked.path())];
    files.extend(state.map(|state| ("--state", state)));
    let command = wrap.asked.command("read", &files);
    let sizes = (plan.max_line_bytes(), wrap.options.run.chunk_bytes);
    let own = Arc::new(own);
    let started = Child::start(command, wrap.options.grace, Some(ear.clone()));
    let started = started.and_then(|(child, stdout)| {
        widen(&stdout);
        let (lines, reader) = ahead::start(stdout, &child, &own, &wrap.output, sizes)?;
        Ok((child, lines, reader))
    });
    let (child, lines, reader) = match started {
        Ok(started) => started,
        Err(error) => return Err(flow.give_up(error).into()),
    };
    let read = flow.run(lines, |ended, _| {
        let concluded = match ended {
            Ok(()) => child.wait().and_then(|ending| {
                ear.exit(Origin::Source, i32::from(ending.exit_code()));
                child.verdict(ending)
            }),
            // Nobody reads it any more; why, is what is to be told.
            Err(error) => {
                let _ = child.stop();
                Err(error)
            }
        };
        reader.join();
        concluded
    });
    read.map_err(|error| Failure { error, told: true })
}

/// The plan, compiled for what the source has. The source is asked where the catalog alone does not tell.
fn plan(wrap: &Wrap<'_>, own: &mut Own, given: &ConfiguredCatalog) -> Result<Plan, Failure> {
    let files = wrap.files(own, None);
    let first = wrap.first_plan(own)?;
    if first.observe() {
        let sources = first.into_sources();
        return Ok(with_catalog(sources, &files, given.clone(), None)?);
    }
    if wrap.options.source_catalog.is_none() && !first.asks_source(given) {
        let (catalog, chosen) = first.source_catalog(given, None)?;
        match with_catalog(first.into_sources(), &files, catalog, Some(chosen)) {
            // A stage may name a column that was not chosen; the source knows it.
            Err(error) if error.kind() == ErrorKind::Config => {}
            compiled => return Ok(compiled?),
        }
        return asking(wrap, own, given, wrap.first_plan(own)?);
    }
    asking(wrap, own, given, first)
}

fn asking(
    wrap: &Wrap<'_>,
    own: &mut Own,
    given: &ConfiguredCatalog,
    first: Plan,
) -> Result<Plan, Failure> {
    // A model that is missing is told before the source is troubled.
    first.prepare()?;
    let files = wrap.files(own, None);
    let source = source_catalog(wrap, own)?;
    let (catalog, chosen) = first.source_catalog(given, Some(&source))?;
    Ok(with_catalog(
        first.into_sources(),
        &files,
        catalog,
        Some(chosen),
    )?)
}
