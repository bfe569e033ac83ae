//! The way back where a source that failed looked like a good one: rows that a sync replaced are seen again.
//!
//! Without generations a platform says at no time that a stream is complete, so the end of the input has to do, and the
//! rows that were replaced are kept until the next sync replaces them in their turn. Until then they can change places
//! with those that replaced them, and back.

use std::path::Path;

use serde_json::{Value, json};

use super::{SILENT_MS, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::load::{Files, load};
use crate::runtime::stage::entry::{Commit, Name, Part};
use crate::runtime::stage::{Stage, View};

/// What a stage has of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sets {
    /// `namespace.name`, or the name.
    pub stream: String,
    pub seen: Set,
    /// What it replaced, if that is kept.
    pub kept: Option<Set>,
}

/// Rows that were written together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Set {
    pub generation: i64,
    pub rows: u64,
    pub parts: u64,
}

impl Set {
    fn of<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<Self> {
        parts.fold(None, |set, part| {
            let set = set.unwrap_or_else(Self::default);
            Some(Self {
                generation: set.generation.max(part.generation),
                rows: set.rows + part.rows,
                parts: set.parts + 1,
            })
        })
    }

    fn json(self) -> Value {
        json!({"generation": self.generation, "rows": self.rows, "parts": self.parts})
    }
}

impl Sets {
    fn of(view: &View, stream: &Name) -> Self {
        Self {
            stream: stream.to_string(),
            seen: Set::of(view.visible(stream)).unwrap_or_default(),
            kept: Set::of(view.kept(stream)),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({"stream": self.stream, "seen": self.seen.json(), "kept": self.kept.map(Set::json)})
    }
}

/// What there is of every stream.
///
/// # Errors
/// `Config` for a configuration that is none; what the store says.
pub fn kept(settings: &Path) -> Result<Vec<Sets>> {
    let stage = open(settings)?;
    Ok(stage.view(sets))
}

/// Lets the kept rows of these streams change places with those that are seen; of all streams that have any when none is
/// named. Gives what there is then. A run that writes one of them meanwhile is over.
///
/// # Errors
/// `Usage` for a stream that is not there, or of which nothing is kept; what the store says.
pub fn undo(settings: &Path, streams: &[String]) -> Result<Vec<Sets>> {
    let stage = open(settings)?;
    let names = stage.view(|view| chosen(view, streams))?;
    // The keys that a sync of them claims.
    let label = |name: &Name| format!("`{name}`");
    let keys: Vec<_> = names.iter().map(label).collect();
    stage.claim(&keys, SILENT_MS)?;
    let commit = Commit {
        restore: names.clone(),
        ..Commit::default()
    };
    let made = stage.commit(&mut |view| {
        // Another may have been faster.
        let there = names.iter().all(|name| view.kept(name).next().is_some());
        there.then(|| commit.clone())
    })?;
    let done = made.seen()?;
    stage.end()?;
    if !done {
        let message = "what was kept is not there any more";
        return Err(Error::new(ErrorKind::Superseded, message));
    }
    Ok(stage.view(|view| names.iter().map(|name| Sets::of(view, name)).collect()))
}

fn open(settings: &Path) -> Result<Stage> {
    let settings = Settings::read(settings)?;
    let plan = load(&Files {
        no_tagger: true,
        ..super::files(&settings, None)
    })?;
    let spec = plan.sources().config.stage.clone();
    Stage::open(settings.bucket()?, spec, "")
}

fn sets(view: &View) -> Vec<Sets> {
    let streams = view.streams().into_iter();
    streams.map(|stream| Sets::of(view, stream)).collect()
}

fn chosen(view: &View, streams: &[String]) -> Result<Vec<Name>> {
    let known: Vec<&Name> = view.streams().into_iter().collect();
    let has = |name: &&Name| view.kept(name).next().is_some();
    let none = |message: String| {
        Error::new(ErrorKind::Usage, message)
            .hint("`midflight destination kept` lists what there is; only syncs without generations keep what they replace")
    };
    if streams.is_empty() {
        let all: Vec<Name> = known.into_iter().filter(has).cloned().collect();
        return match all.is_empty() {
            true => Err(none("nothing is kept of any stream".to_owned())),
            false => Ok(all),
        };
    }
    let find = |wanted: &String| {
        let found = known.iter().find(|name| name.to_string() == *wanted);
        match found {
            None => Err(none(format!("there is no stream `{wanted}`"))),
            Some(name) if !has(name) => Err(none(format!("nothing is kept of stream `{wanted}`"))),
            Some(name) => Ok((*name).clone()),
        }
    };
    streams.iter().map(find).collect()
}
