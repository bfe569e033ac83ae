//! The command line: arguments, one file per command, and the only printer.

mod args;
mod audit;
mod batch;
mod catalog;
mod check;
mod completions;
mod destination;
mod drift;
mod explain;
mod health;
mod models;
mod output;
mod pipe;
mod profile;
mod report;
mod reveal;
mod rules;
mod serve;
mod suggest;
mod sync;
mod wrap;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

use crate::runtime::serve::lambda;

/// Parses the arguments, runs the command, prints what went wrong, gives the exit code.
pub fn main() -> ExitCode {
    // A panic's message may quote a value, so only its place is told.
    std::panic::set_hook(Box::new(|panic| output::panicked(panic.location())));
    let given = serve::spelt_out(std::env::args_os().collect(), lambda::inside());
    let arguments = match Arguments::try_parse_from(given) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    let ended = match &arguments.command {
        Command::Pipe(options) => pipe::run(options),
        Command::Sync(options) => sync::run(options),
        Command::Wrap(options) => wrap::run(options),
        Command::Destination(options) => destination::run(options),
        Command::Batch(options) => batch::run(options),
        Command::Check(options) => check::run(options),
        Command::Explain(options) => explain::run(options),
        Command::Profile(options) => profile::run(options),
        Command::Catalog(options) => catalog::run(options),
        Command::Drift(options) => drift::run(options),
        Command::Report(options) => report::run(options),
        Command::Health(options) => health::run(options),
        Command::Reveal(options) => reveal::run(options),
        Command::Serve(options) => serve::run(options),
        Command::Models(options) => models::run(options),
        Command::Audit(options) => audit::run(options),
        Command::Rules(options) => rules::run(options),
        Command::Suggest(options) => suggest::run(options),
        Command::Completions { shell } => completions::run(*shell),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failure(&error),
    }
}
