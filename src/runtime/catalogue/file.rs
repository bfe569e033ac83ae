//! A file with the answers themselves: what stands in for a catalogue where there is none.
//!
//! ```yaml
//! version: 1
//! streams:
//!   shop.users: {ai: allow, columns: {email: deny, address.street: deny}}
//!   "raw.*": {ai: deny}
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use super::now;
use crate::document::{self, Fields, Key, Node, Problems};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::catalogue::{Answer, Catalogue, StreamAnswer};
use crate::plan::config::{Rank, StreamPattern};
use crate::protocol::state::Descriptor;
use crate::schema::path;

/// The most entries, and the most columns of one.
const ENTRIES_MAX: usize = 10_000;

const WORDS: &[(&str, Answer)] = &[("allow", Answer::Allow), ("deny", Answer::Deny)];

/// The answers of a file.
#[derive(Debug)]
pub(super) struct Local {
    source: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    pattern: StreamPattern,
    stream: Answer,
    columns: BTreeMap<String, Answer>,
    others: Answer,
}

impl Local {
    /// Reads the file.
    ///
    /// # Errors
    /// `Config` with everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Config, format!("{file} cannot be read")).because(error)
        })?;
        let mut problems = Problems::new();
        let entries = parse(&file, &text, &mut problems);
        problems.into_result()?;
        Ok(Self {
            source: format!("file {file}"),
            entries: entries.unwrap_or_default(),
        })
    }
}

impl Catalogue for Local {
    fn answer(&self, stream: &Descriptor) -> StreamAnswer {
        let mut best: Option<(Rank, &Entry)> = None;
        for entry in &self.entries {
            let rank = entry
                .pattern
                .rank(stream.namespace.as_deref(), &stream.name);
            if let Some(rank) = rank
                && best.is_none_or(|(other, _)| rank > other)
            {
                best = Some((rank, entry));
            }
        }
        match best {
            None => super::unknown(&self.source, "not_found"),
            Some((_, entry)) => StreamAnswer {
                stream: entry.stream,
                columns: entry.columns.clone(),
                others: entry.others,
                source: self.source.clone(),
                at: now(),
                failure: None,
            },
        }
    }
}

fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Vec<Entry>> {
    let node = document::parse(file, text, problems)?;
    let mut fields = Fields::of(&node, "the catalogue", file, problems)?;
    let version = fields.require("version", problems);
    if let Some(node) = version
        && node
            .read_integer(file, problems)
            .is_some_and(|version| version != 1)
    {
        problems.push_hint(
            file,
            node.at,
            "this version of the format is not known",
            "write `version: 1`",
        );
    }
    let streams = fields.require("streams", problems);
    fields.finish(problems);
    let entries = streams?.read_map(file, problems)?;
    if entries.len() > ENTRIES_MAX {
        problems.push_file(file, format!("more than {ENTRIES_MAX} streams"));
        return None;
    }
    let entries = entries.iter();
    Some(
        entries
            .filter_map(|(key, node)| entry(key, node, file, problems))
            .collect(),
    )
}

fn entry(key: &Key, node: &Node, file: &str, problems: &mut Problems) -> Option<Entry> {
    let what = format!("the stream `{}`", key.name);
    let mut fields = Fields::of(node, &what, file, problems)?;
    let stream = fields
        .require("ai", problems)
        .and_then(|node| node.read_choice(WORDS, file, problems));
    let others = fields.choice("other_columns", WORDS, problems);
    let named = fields.take("columns");
    fields.finish(problems);
    let mut columns = BTreeMap::new();
    for (key, node) in named
        .and_then(|node| node.read_map(file, problems))
        .unwrap_or_default()
    {
        let answer = node.read_choice(WORDS, file, problems);
        match (key.name.parse::<path::Path>(), answer) {
            (Ok(path), Some(answer)) => drop(columns.insert(path.to_string(), answer)),
            (Err(error), _) => problems.push_at(file, key.at, error),
            (Ok(_), None) => {}
        }
    }
    if columns.len() > ENTRIES_MAX {
        problems.push_at(file, key.at, format!("more than {ENTRIES_MAX} columns"));
    }
    Some(Entry {
        pattern: StreamPattern::new(&key.name),
        stream: stream?,
        columns,
        others: others.unwrap_or(Answer::Allow),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_entry_answers() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ai.yaml");
        let text = "version: 1\nstreams:\n  shop.users: {ai: allow, columns: {email: deny}}\n  \"shop.*\": {ai: deny}\n  strict: {ai: allow, other_columns: deny, columns: {id: allow}}\n";
        std::fs::write(&path, text).expect("written");
        let local = Local::read(&path).expect("a catalogue");
        let said = |namespace: Option<&str>, name: &str, column: &str| {
            let stream = Descriptor {
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            };
            local
                .answer(&stream)
                .column(&column.parse().expect("a path"))
        };
        assert_eq!(said(Some("shop"), "users", "id"), Answer::Allow);
        assert_eq!(said(Some("shop"), "users", "email"), Answer::Deny);
        assert_eq!(said(Some("shop"), "orders", "id"), Answer::Deny);
        assert_eq!(said(None, "orders", "id"), Answer::Unknown);
        assert_eq!(said(None, "strict", "id"), Answer::Allow);
        assert_eq!(said(None, "strict", "name"), Answer::Deny);
        std::fs::write(&path, "version: 1\nstreams:\n  users: {ai: maybe}\n").expect("written");
        let error = Local::read(&path).expect_err("wrong");
        assert!(
            error.to_string().contains("unknown word `maybe`"),
            "{error}"
        );
    }
}
