//! `midflight destination`

use super::args::{Destination, DestinationAction, DestinationWrite, Format};
use super::output;
use super::pipe::standard;
use crate::error::Result;
use crate::runtime::destination::{self, Set, Sets};

pub(super) fn run(arguments: &Destination) -> Result<()> {
    match &arguments.action {
        DestinationAction::Spec => output::result(&destination::spec()),
        DestinationAction::Check { config } => output::result(&destination::check(config)),
        DestinationAction::Write(arguments) => write(arguments),
        DestinationAction::Kept(arguments) => {
            tell(&destination::kept(&arguments.config)?, arguments.format)
        }
        DestinationAction::Undo(arguments) => {
            let sets = destination::undo(&arguments.config, &arguments.stream)?;
            tell(&sets, arguments.format)
        }
    }
}

/// What there is of streams.
fn tell(sets: &[Sets], format: Format) -> Result<()> {
    if format == Format::Json {
        let sets: Vec<_> = sets.iter().map(Sets::json).collect();
        return output::result(&format!("{:#}", serde_json::Value::from(sets)));
    }
    let mut rows = vec![["STREAM", "SEEN", "KEPT"].map(str::to_owned)];
    let told = |set: &Set| {
        let plural = if set.rows == 1 { "" } else { "s" };
        format!("generation {}, {} row{plural}", set.generation, set.rows)
    };
    for of in sets {
        let kept = of.kept.as_ref().map_or_else(|| "-".to_owned(), told);
        let seen = match of.seen.parts {
            0 => "nothing".to_owned(),
            _ => told(&of.seen),
        };
        rows.push([of.stream.clone(), seen, kept]);
    }
    output::result(&output::table(&rows))
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
