//! A whole sync without a platform: runs a source and a destination, and stands between them.
//!
//! | what happens | then |
//! |---|---|
//! | the source ends well, and so does the engine | its streams are declared complete, the destination may finish |
//! | the source fails, or the engine does | the other one is ended in order; the destination finishes what it has |
//! | the destination ends before its input | the source is asked to end |
//! | a signal asks us to end | both are told; nothing is declared complete |
//!
//! In all of these the state file holds what the destination has given back, and nothing else: a next run goes on from
//! there.

mod book;
mod course;
mod place;
mod states;
mod summary;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::connector::Connector;
use super::generations::{self, Turn};
use super::load::{Files, load, read_text};
use super::run;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::state::Descriptor;
use book::Book;
use course::Course;
use place::Place;
use states::States;

pub use summary::Summary;

/// What a sync is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The commands, as a person writes them in a shell.
    pub source: String,
    pub destination: String,
    /// Their own configurations.
    pub source_config: PathBuf,
    pub destination_config: PathBuf,
    /// The configured catalog, as the source is to be given it.
    pub catalog: PathBuf,
    /// The state file.
    pub state: PathBuf,
    /// The state file may have been kept for other commands.
    pub adopt: bool,
    /// Where temporary files go, for connectors that see only some folders.
    pub work: Option<PathBuf>,
    pub run: run::Options,
}

/// Runs a sync. `config` is midflight's own configuration. Gives what there is to say of it once both have been started,
/// and how it ended.
pub fn run(
    options: &Options,
    config: Option<PathBuf>,
    observe: bool,
) -> (Option<Summary>, Result<()>) {
    match prepare(options, config, observe) {
        Ok(sync) => sync.run(options),
        Err(error) => (None, Err(error)),
    }
}

/// A sync about to begin.
struct Sync {
    plan: Plan,
    commands: [Vec<String>; 2],
    states: States,
    book: Book,
    turns: Vec<Turn>,
    place: Place,
    /// Held until the end, so that nobody else keeps states there.
    _lock: std::fs::File,
}

/// Reads everything and finds every reason not to begin. Changes nothing.
fn prepare(options: &Options, config: Option<PathBuf>, observe: bool) -> Result<Sync> {
    let source = words::split(&options.source, "--source")?;
    let destination = words::split(&options.destination, "--destination")?;
    for (path, what) in [
        (&options.source_config, "--source-config"),
        (&options.destination_config, "--destination-config"),
    ] {
        if !path.is_file() {
            let message = format!("{what}: there is no file {}", path.display());
            return Err(Error::new(ErrorKind::Config, message));
        }
    }
    let text = read_text(&options.catalog)?;
    let catalog = ConfiguredCatalog::parse(&text, &options.catalog.display().to_string())?;
    let lock = place::lock(&options.state)?;
    let states = States::open(&options.state)?;
    belongs(&states, &catalog, &options.state)?;
    let book = Book::open(&options.state, [&source, &destination], options.adopt)?;
    let turns = book.turns(&catalog, &states)?;
    let plan = load(&Files {
        config,
        catalog: Some(options.catalog.clone()),
        observe,
        ..Files::default()
    })?;
    plan.prepare()?;
    Ok(Sync {
        plan,
        commands: [source, destination],
        states,
        book,
        turns,
        place: Place::new(options.work.as_deref())?,
        _lock: lock,
    })
}

/// A state file that names only streams that are not read here is another sync's.
fn belongs(states: &States, catalog: &ConfiguredCatalog, path: &Path) -> Result<()> {
    let named = states.streams();
    let known = |stream: &Descriptor| {
        let namespace = stream.namespace.as_deref();
        catalog.find(namespace, &stream.name).is_some()
    };
    match named.first() {
        Some(first) if !named.iter().any(known) => {
            let message = format!(
                "{} is the state of another sync: it knows `{first}`, and no stream of the catalog",
                path.display()
            );
            Err(Error::new(ErrorKind::Config, message).hint(
                "name the state file of this sync, or one that is not there to read everything",
            ))
        }
        _ => Ok(()),
    }
}

impl Sync {
    fn run(mut self, options: &Options) -> (Option<Summary>, Result<()>) {
        match self.begin(options) {
            Ok((source, destination)) => {
                let course = Course {
                    plan: &self.plan,
                    source,
                    destination,
                    options: &options.run,
                };
                let (outcome, ended) = course.run(self.states);
                let ended = ended.and_then(|()| {
                    self.book.complete(&outcome.complete);
                    self.book.write(&options.state)
                });
                let summary =
                    Summary::new(&self.plan, outcome, &self.turns, &options.state, &ended);
                (Some(summary), ended)
            }
            Err(error) => (None, Err(error)),
        }
    }

    /// Writes what the connectors are given, puts the sync on record, and starts them.
    fn begin(&mut self, options: &Options) -> Result<(Connector, Connector)> {
        let second = |stream: &Descriptor| match self.plan.observe() {
            true => None,
            false => self.plan.second(stream),
        };
        let declared = self.plan.sources().catalog.as_ref();
        let mut given = declared.map_or_else(Default::default, ConfiguredCatalog::to_json);
        let mut rewritten = match self.plan.observe() {
            true => given.clone(),
            false => self.plan.rewritten_catalog()?,
        };
        for catalog in [&mut given, &mut rewritten] {
            generations::identify(catalog, &self.turns, second);
        }
        let anew: Vec<_> = self.turns.iter().filter(|turn| turn.anew).collect();
        let all = anew.len() == self.turns.len();
        let anew: Vec<_> = anew.iter().map(|turn| turn.stream.clone()).collect();
        // The state of an earlier generation must be gone before the new one is on record: a source that believed it
        // would read nothing, and the destination would replace all rows by none.
        self.states.forget(&anew, all);
        self.states.write()?;
        self.book.begin(&self.turns);
        self.book.write(&options.state)?;

        let catalog = self.place.put("catalog.json", &given.to_string())?;
        let for_destination = self
            .place
            .put("destination_catalog.json", &rewritten.to_string())?;
        let mut read = vec!["read".to_owned()];
        read.extend(named("--config", &options.source_config));
        read.extend(named("--catalog", &catalog));
        if !self.states.is_empty() {
            let state = self.place.put("state.json", &self.states.text())?;
            read.extend(named("--state", &state));
        }
        let mut write = vec!["write".to_owned()];
        write.extend(named("--config", &options.destination_config));
        write.extend(named("--catalog", &for_destination));
        let [source, destination] = &self.commands;
        let destination = start("the destination", destination, &write, Stdio::piped())?;
        let source = start("the source", source, &read, Stdio::null())?;
        Ok((source, destination))
    }
}

fn named(option: &str, path: &Path) -> [String; 2] {
    [option.to_owned(), path.display().to_string()]
}

fn start(
    role: &'static str,
    words: &[String],
    arguments: &[String],
    stdin: Stdio,
) -> Result<Connector> {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or("", String::as_str));
    command.args(words).args(arguments);
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Connector::start(role, &mut command)
}
