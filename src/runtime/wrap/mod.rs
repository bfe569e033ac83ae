//! A source that runs another source, and a destination that runs another destination.
//!
//! ```text
//!            --config                    ┌────────────────────── wrap ──────────────────────┐
//!  platform ──────────► own ── its keys ─► connector ── stdout ─► ahead ─► flow ─► records, STATE ─► platform
//!                        └─── ours ──────► plan                     └── LOG, CONTROL, TRACE ───────► platform
//! ```
//!
//! What is wrong with our own part is found before the connector is started, and told as a TRACE ERROR: no record
//! passes when the policy cannot be applied.

mod ahead;
pub mod asked;
mod check;
mod child;
mod discover;
mod lines;
mod members;
pub mod own;
mod read;
mod spec;
mod unseen;
mod write;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::load::{Files, load};
use super::outlet::Outlet;
use super::pipe::now_ms;
use super::run;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::trace;
use asked::{Asked, Verb};
use lines::Told;
use own::Own;

/// How a connector is wrapped.
#[derive(Debug, Default)]
pub struct Options {
    pub run: run::Options,
    /// The configuration that comes with the command, which no form can change.
    pub config: Option<PathBuf>,
    /// What the connector's `discover` printed once, in the place of asking it.
    pub source_catalog: Option<PathBuf>,
    /// Nothing is changed, everything is reported.
    pub observe: bool,
    /// How long the connector may take to end once it was asked to.
    pub grace: Duration,
}

/// Why a wrapped connector failed, and whether the platform has been told.
struct Failure {
    error: Error,
    told: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, told: false }
    }
}

/// What every verb works with.
struct Wrap<'a> {
    asked: &'a Asked,
    options: &'a Options,
    output: Outlet,
}

/// Does what the platform asks. `words` are the connector's own command and Airbyte's arguments. What goes wrong is told
/// in the output as a TRACE ERROR, and returned.
///
/// # Errors
/// `Usage` when nothing known is asked; the connector's failure with its exit code; what the verb says.
pub fn run(words: &[std::ffi::OsString], options: &Options, output: OwnedFd) -> Result<()> {
    let output = Outlet::new(output);
    let done = Asked::parse(words)
        .map_err(Failure::from)
        .and_then(|asked| {
            let wrap = Wrap {
                asked: &asked,
                options,
                output: output.clone(),
            };
            wrap.run()
        });
    done.map_err(|Failure { error, told }| {
        if !told {
            // An output that is gone cannot be told.
            let _ = output.say(trace::error(&error, now_ms()).as_bytes());
        }
        error
    })
}

impl Wrap<'_> {
    fn run(&self) -> Result<(), Failure> {
        match &self.asked.verb {
            Verb::Spec => spec::run(self),
            Verb::Check { config } => check::run(self, config),
            Verb::Discover { config } => discover::run(self, config),
            Verb::Read {
                config,
                catalog,
                state,
            } => read::run(self, config, catalog, state.as_deref()),
            Verb::Write { config, catalog } => write::run(self, config, catalog),
        }
    }

    /// Our part of a connector's configuration.
    fn own(&self, config: &std::path::Path) -> Result<Own> {
        Own::read(config, self.options.config.as_deref())
    }

    /// What our plan is made of, for these streams; without any, for whatever comes.
    fn files(&self, own: &Own, streams: Option<ConfiguredCatalog>) -> Files {
        Files {
            observe: self.options.observe,
            later: streams.is_none(),
            ..own.files(streams)
        }
    }

    /// The plan as far as it can be made without any stream: whatever is wrong with our part by itself is found here.
    fn first_plan(&self, own: &Own) -> Result<Plan> {
        load(&self.files(own, None))
    }

    /// How a verb ended that asks for one message, `named` in messages.
    fn conclude(&self, told: &Told, found: bool, named: &str) -> Result<(), Failure> {
        told.verdict().map_err(|error| Failure {
            error,
            told: told.error,
        })?;
        if !found && !told.error {
            let message = format!("the connector printed no {named}");
            let error = Error::new(ErrorKind::Child, message);
            return Err(error
                .hint("look whether it does so without midflight; its messages stand above")
                .into());
        }
        Ok(())
    }
}
