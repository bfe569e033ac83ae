//! `midflight rules export` and `midflight rules import`

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cli::args::{Exchanged, RulesExport, RulesImport};
use crate::cli::output;
use crate::document::TEXT_BYTES_MAX;
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::{self, Format, Imported};
use crate::plan::rules::{Limits, Phase, RuleSpec, write};
use crate::protocol::catalog::ConfiguredCatalog;
use crate::runtime::trial::Book;

pub(super) fn export(arguments: &RulesExport) -> Result<()> {
    let books = Book::read_all(&arguments.files)?;
    let files: Vec<_> = books.into_iter().map(|book| book.file).collect();
    let catalog = match &arguments.catalog {
        Some(path) => {
            let text = read(path)?;
            Some(ConfiguredCatalog::parse(
                &text,
                &path.display().to_string(),
            )?)
        }
        None => None,
    };
    let format = match arguments.format {
        Exchanged::Odcs => Format::Odcs,
        Exchanged::Dqx => Format::Dqx,
    };
    output::result(&exchange::export(format, &files, catalog.as_ref()))
}

pub(super) fn import(arguments: &RulesImport) -> Result<()> {
    let name = arguments.from.display().to_string();
    let text = read(&arguments.from)?;
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("{name} is larger than {} MiB", TEXT_BYTES_MAX >> 20);
        return Err(Error::new(ErrorKind::Config, message));
    }
    let hash = format!("sha256:{}", hex::encode(Sha256::digest(&text)));
    let mut imported = exchange::import(&name, &text, &hash, &arguments.stream)?;
    if !arguments.skip {
        let refused = std::mem::take(&mut imported.refused);
        refused.into_result().map_err(|error| {
            let also = "`--skip` leaves out what is no rule about one row";
            Error::new(error.kind(), error.message()).hint(also)
        })?;
    }
    if imported.rules.is_empty() {
        let message = format!("{name} has no rule about `{}`", arguments.stream);
        return Err(Error::new(ErrorKind::Config, message));
    }
    match &arguments.into {
        Some(into) => keep(into, imported, &arguments.stream),
        None => {
            let head = skipped(&imported);
            let file = written(&imported.rules, &arguments.stream);
            output::result(&format!("{head}{file}"))
        }
    }
}

fn written(rules: &[RuleSpec], stream: &str) -> String {
    write::file(stream, Phase::Monitor, rules, &Limits::default())
}

/// What was left out, as comments of a rule file.
fn skipped(imported: &Imported) -> String {
    let lines = imported.refused.iter().map(|problem| {
        let problem = problem.to_string().replace(['\n', '\r'], " ");
        format!("# left out: {problem}\n")
    });
    lines.collect()
}

/// Adds the rules to a file that is there, under ids that it does not have, or begins it.
fn keep(into: &Path, imported: Imported, stream: &str) -> Result<()> {
    let told = format!(
        "{}{} rules are in {}, proposed",
        skipped(&imported),
        imported.rules.len(),
        into.display()
    );
    if !into.exists() {
        let text = written(&imported.rules, stream);
        create(into, &text)?;
        return output::result(&told);
    }
    let paths = [into.to_owned()];
    let books = Book::read_all(&paths)?;
    for book in &books {
        let (namespace, name) = stream
            .rsplit_once('.')
            .map_or((None, stream), |(namespace, name)| (Some(namespace), name));
        if book.file.stream.as_str() != stream && !book.file.stream.matches(namespace, name) {
            let message = format!(
                "{} is written for `{}`, not for `{stream}`",
                book.name,
                book.file.stream.as_str()
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut taken: HashSet<String> =
            book.file.rules.iter().map(|rule| rule.id.clone()).collect();
        let mut rules = imported.rules.clone();
        for rule in &mut rules {
            let first = rule.id.clone();
            let mut number = 2;
            while !taken.insert(rule.id.clone()) {
                rule.id = format!("{first}_{number}");
                number += 1;
            }
        }
        book.write(&write::append(&book.name, &book.text, &rules)?)?;
    }
    output::result(&told)
}

/// A new file; one that another made meanwhile is left alone.
fn create(path: &Path, text: &str) -> Result<()> {
    let made = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    made.map_err(|error| {
        let message = format!("{} cannot be written", path.display());
        Error::new(ErrorKind::Output, message).because(error)
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("{} cannot be read", path.display());
        Error::new(ErrorKind::Config, message).because(error)
    })
}
