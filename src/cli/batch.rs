//! `midflight batch`

use chrono::{DateTime, Utc};

use super::args::{Batch, FileNaming, Format, InputFormat};
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::Descriptor;
use crate::runtime::staged::{self, Naming, PathPattern};
use crate::runtime::{Files, batch};

pub(super) fn run(arguments: &Batch) -> Result<()> {
    let options = batch::Options {
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        naming: naming(&arguments.naming)?,
        format: arguments.naming.input_format.map(format),
        skip_unknown: arguments.skip_unknown,
        since: arguments.since.as_deref().map(moment).transpose()?,
        run: arguments.run.options(),
        share_bytes: arguments.share_bytes,
    };
    let files = Files {
        history: options.run.keeps_history(),
        ..arguments.plan.files(arguments.observe)
    };
    let summary = batch::run(&files, &options)?;
    output::result(&match arguments.format {
        Format::Text => summary.to_text(),
        Format::Json => summary.to_json(),
    })
}

/// The rule that tells whose records a file holds.
pub(super) fn naming(arguments: &FileNaming) -> Result<Naming> {
    if let Some(pattern) = &arguments.path_pattern {
        return PathPattern::parse(pattern).map(Naming::Path);
    }
    Ok(match &arguments.stream {
        Some(name) => Naming::Fixed(Descriptor {
            namespace: arguments.namespace.clone(),
            name: name.clone(),
        }),
        None => Naming::default(),
    })
}

/// The format of files, as it is read.
pub(super) fn format(format: InputFormat) -> staged::Format {
    match format {
        InputFormat::Jsonl => staged::Format::JsonLines,
        InputFormat::Csv => staged::Format::Csv,
        InputFormat::Avro => staged::Format::Avro,
        InputFormat::Parquet => staged::Format::Parquet,
    }
}

fn moment(text: &str) -> Result<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text);
    parsed.map(|moment| moment.to_utc()).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("`{text}` is no moment"))
            .because(error)
            .hint("write it as 2026-08-21T04:00:00Z")
    })
}
