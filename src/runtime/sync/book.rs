//! What is remembered of a sync beside its state file: whose it is, and the generations of its streams.
//!
//! A platform counts generations: a stream's grows with every sync that reads it anew, and names what replaces what. A
//! destination deletes older generations once a stream is complete. An attempt that failed is gone on with under the
//! same generation where the source can go on from a state, since the rows that the state covers are of it; else the
//! stream is read from its start, and what the failed attempt left would stand there twice under one generation.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::states::{self, States};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::{
    ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, SyncMode,
};
use crate::protocol::state::Descriptor;
use crate::runtime::generations::{Ids, Turn};

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Book {
    version: u32,
    /// The commands, by their hashes: they may hold secrets.
    source: String,
    destination: String,
    /// Syncs begun.
    pub(super) syncs: i64,
    streams: Vec<Stream>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stream {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    generation: i64,
    /// A sync of this generation has begun and was not complete.
    open: bool,
}

/// Where the book of a state file lies.
pub(super) fn path_of(state: &Path) -> PathBuf {
    let mut path = state.as_os_str().to_owned();
    path.push(".midflight");
    path.into()
}

impl Book {
    /// Reads the book of a state file, or begins one. With `adopt` it may have been that of other commands.
    ///
    /// # Errors
    /// `Config` when it cannot be read, or is of another sync.
    pub(super) fn open(state: &Path, commands: [&[String]; 2], adopt: bool) -> Result<Self> {
        let path = path_of(state);
        let [source, destination] = commands.map(hash);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    version: 1,
                    source,
                    destination,
                    syncs: 0,
                    streams: Vec::new(),
                });
            }
            Err(error) => {
                let message = format!("{} cannot be read", path.display());
                return Err(Error::new(ErrorKind::Config, message).because(error));
            }
        };
        let book: Self = serde_json::from_str(&text).map_err(|error| {
            let message = format!("{} is not what was written there", path.display());
            Error::new(ErrorKind::Config, message)
                .hint("it counts the generations of the destination's rows; restore it, or read everything into another place")
                .because(error)
        })?;
        for (role, was, is) in [
            ("source", &book.source, &source),
            ("destination", &book.destination, &destination),
        ] {
            if was != is && !adopt {
                let message = format!("{} was kept for another {role}", state.display());
                return Err(Error::new(ErrorKind::Config, message).hint(format!(
                    "it says what that {role} has; name another state file, or give --adopt-state if only the command is written in another way"
                )));
            }
        }
        Ok(Self {
            source,
            destination,
            ..book
        })
    }

    /// The turn of every stream of a catalog.
    ///
    /// # Errors
    /// `Catalog` for a stream that would be replaced by what it did not have before.
    pub(super) fn turns(&self, catalog: &ConfiguredCatalog, states: &States) -> Result<Vec<Turn>> {
        let streams = catalog.streams().iter();
        streams.map(|stream| self.turn(stream, states)).collect()
    }

    fn turn(&self, stream: &ConfiguredStream, states: &States) -> Result<Turn> {
        let descriptor = Descriptor::from(stream);
        let overwrites = stream.destination_sync_mode == DestinationSyncMode::Overwrite;
        if overwrites && stream.sync_mode == SyncMode::Incremental {
            let message = format!(
                "stream {}: `incremental` with `overwrite` would replace all rows by the new ones",
                stream.label()
            );
            return Err(Error::new(ErrorKind::Catalog, message)
                .hint("write `append` or `append_dedup`, or read it with `full_refresh`"));
        }
        let known = self.find(&descriptor);
        let (was, open) = known.map_or((0, false), |known| (known.generation, known.open));
        let goes_on = open && states.knows(&descriptor);
        let (generation, anew) = match stream.generation_id {
            Some(given) => (given, known.is_some_and(|known| known.generation != given)),
            None if stream.sync_mode == SyncMode::Incremental => (was, false),
            None if goes_on => (was, false),
            None => (was + 1, true),
        };
        let minimum = stream.minimum_generation_id.unwrap_or(match overwrites {
            true => generation,
            false => 0,
        });
        Ok(Turn {
            stream: descriptor,
            ids: Ids {
                generation,
                minimum,
                sync: stream.sync_id.unwrap_or(self.syncs + 1),
            },
            anew: anew && stream.sync_mode != SyncMode::Incremental,
        })
    }

    fn find(&self, stream: &Descriptor) -> Option<&Stream> {
        let mut streams = self.streams.iter();
        streams.find(|known| known.name == stream.name && known.namespace == stream.namespace)
    }

    /// Puts on record that a sync begins with these turns.
    pub(super) fn begin(&mut self, turns: &[Turn]) {
        self.syncs += 1;
        for turn in turns {
            let stream = Stream {
                name: turn.stream.name.clone(),
                namespace: turn.stream.namespace.clone(),
                generation: turn.ids.generation,
                open: true,
            };
            self.streams.retain(|known| {
                (&known.name, &known.namespace) != (&stream.name, &stream.namespace)
            });
            self.streams.push(stream);
        }
    }

    /// Puts on record that these streams are complete.
    pub(super) fn complete(&mut self, streams: &[Descriptor]) {
        for stream in &mut self.streams {
            let is = |other: &Descriptor| {
                other.name == stream.name && other.namespace == stream.namespace
            };
            stream.open &= !streams.iter().any(is);
        }
    }

    /// Writes it beside its state file.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub(super) fn write(&self, state: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        states::replace(&path_of(state), &format!("{text}\n"))
    }
}

fn hash(words: &[String]) -> String {
    use sha2::{Digest, Sha256};
    let words = json!(words).to_string();
    hex::encode(&Sha256::digest(words)[..16])
}

#[cfg(test)]
mod tests {
    use super::super::states::Kept;
    use super::*;

    fn catalog(modes: &[(&str, &str, &str)]) -> ConfiguredCatalog {
        let streams = modes.iter().map(|(name, read, write)| {
            json!({"stream": {"name": name, "json_schema": {}}, "sync_mode": read, "destination_sync_mode": write})
        });
        let text = json!({"streams": streams.collect::<Vec<_>>()}).to_string();
        ConfiguredCatalog::parse(&text, "catalog.json").expect("a catalog")
    }

    fn words(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    fn open(state: &Path, source: &str, adopt: bool) -> Result<Book> {
        Book::open(state, [&words(source), &words("destination")], adopt)
    }

    fn numbers(turns: &[Turn]) -> Vec<(i64, i64, bool)> {
        turns
            .iter()
            .map(|turn| (turn.ids.generation, turn.ids.minimum, turn.anew))
            .collect()
    }

    #[test]
    fn generations_grow_with_what_is_read_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let catalog = catalog(&[
            ("over", "full_refresh", "overwrite"),
            ("full", "full_refresh", "append"),
            ("incremental", "incremental", "append_dedup"),
        ]);
        let mut states = States::open(&state).expect("none");
        let mut book = open(&state, "source", false).expect("a new one");
        let turns = book.turns(&catalog, &states).expect("turns");
        assert_eq!(numbers(&turns), [(1, 1, true), (1, 0, true), (0, 0, false)]);
        book.begin(&turns);

        // It fails. Where a state was kept the same generation goes on.
        let kept = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "over"}}});
        states
            .keep(Kept::read(kept).expect("a state"))
            .expect("kept");
        let turns = book.turns(&catalog, &states).expect("turns");
        assert_eq!(
            numbers(&turns),
            [(1, 1, false), (2, 0, true), (0, 0, false)]
        );
        assert_eq!(turns[0].ids.sync, 2);
        book.begin(&turns);
        let all: Vec<_> = turns.iter().map(|turn| turn.stream.clone()).collect();
        book.complete(&all);
        book.write(&state).expect("written");

        // It is complete. A state that was kept until then is of an earlier generation.
        let book = open(&state, "source", false).expect("the same");
        let turns = book.turns(&catalog, &states).expect("turns");
        assert_eq!(numbers(&turns), [(2, 2, true), (3, 0, true), (0, 0, false)]);
    }

    #[test]
    fn a_book_of_another_sync_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let book = open(&state, "source", false).expect("a new one");
        book.write(&state).expect("written");
        let error = open(&state, "other", false).expect_err("another");
        assert!(error.message().contains("another source"), "{error}");
        assert!(open(&state, "other", true).is_ok());
        std::fs::write(path_of(&state), "{}").expect("a file");
        assert_eq!(
            open(&state, "source", true).expect_err("broken").kind(),
            ErrorKind::Config
        );
    }

    #[test]
    fn rows_that_are_not_read_again_are_not_replaced() {
        let state = Path::new("/no/such/state.json");
        let book = open(state, "source", false).expect("a new one");
        let states = States::open(state).expect("none");
        let catalog = catalog(&[("a", "incremental", "overwrite")]);
        let error = book.turns(&catalog, &states).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Catalog);
    }
}
