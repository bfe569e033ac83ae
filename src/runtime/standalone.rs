//! A pipe that stands where a platform would: `source | midflight | destination`.
//!
//! The destination is given RECORDs and STATEs; what else the source says is told on stderr. At the end the streams are
//! declared complete that are. The exit code of the source is not known in a shell's pipe: a source that died and one
//! that did its work close it alike. So a stream counts as complete when the source itself declared it so, no stream
//! was left incomplete and no TRACE ERROR came.

use std::os::fd::OwnedFd;

use super::delivery::{Delivery, Heard, Stated, Statuses, Voice};
use super::outlet::Outlet;
use super::pipe::{self, Goal, now_ms};
use super::run::{Options, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::protocol::state::Descriptor;
use crate::protocol::trace;

/// What makes a stream of a source complete that says no statuses at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silent {
    /// Its end. It must be known from elsewhere that it ended well.
    Complete,
    /// Nothing.
    Incomplete,
}

/// Runs a plan over `input` and gives a destination behind `output` what it needs.
///
/// # Errors
/// `Usage` without a catalog, whose streams are to be declared complete; otherwise as [`pipe::run`]. Then no stream is
/// declared complete.
pub fn run(
    plan: &Plan,
    input: OwnedFd,
    output: OwnedFd,
    options: &Options,
    silent: Silent,
) -> Result<()> {
    let Some(catalog) = &plan.sources().catalog else {
        let message = "--standalone needs the catalog of the sync";
        return Err(Error::new(ErrorKind::Usage, message)
            .hint("give it with --catalog: its streams are declared complete at the end"));
    };
    let stated = match silent {
        Silent::Complete => Stated::OrSilent,
        Silent::Incomplete => Stated::Only,
    };
    let streams = catalog.streams().iter().map(Descriptor::from);
    let heard = Heard::new(stated, streams);
    let goal = Goal {
        delivery: Some(Delivery::new(Voice::people(), Statuses::Withheld(heard))),
        ..Goal::of(Outlet::new(output))
    };
    let run = Run::new(plan, "pipe --standalone", options);
    pipe::carry(plan, run, input, goal, |ended, writer| {
        ended?;
        let others = writer.complete(now_ms())?;
        if others.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = others.iter().map(|stream| format!("`{stream}`")).collect();
        let said = writer.delivery.as_ref().is_some_and(Delivery::is_silent);
        let why = match said {
            true => "the source says no statuses; `--source-complete always` takes its end for it",
            false => "the source did not declare them so, or said that something failed",
        };
        let message = format!("not declared complete: {}; {why}", names.join(", "));
        writer.say(&trace::log("WARN", &message))
    })
}
