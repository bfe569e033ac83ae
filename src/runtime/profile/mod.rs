//! Messages or staged files in, a profile out: jobs of chunks, run by any worker, added up in the order of the input.

mod input;
mod meaning;
mod personal;
mod progress;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::load::Files;
use super::pipe::widen;
use super::staged::{Format, Naming, Pattern};
use crate::decode::{Chunk, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::form::Profile;
use crate::profile::{Gather, Part, Reader, Settings, merge};
use crate::protocol::catalog::ConfiguredCatalog;
use crate::window::{self, Input, Output, Work};
use input::{Files as StagedFiles, Jobs};
use progress::Progress;

/// What is profiled, and how.
#[derive(Debug, Default)]
pub struct Options {
    pub catalog: Option<PathBuf>,
    /// Whose stages look for personal data; everywhere, without it.
    pub config: Option<PathBuf>,
    /// Prefixes or globs of staged files, instead of messages.
    pub from: Vec<String>,
    pub naming: Naming,
    pub format: Option<Format>,
    /// An earlier profile, to which this one is added.
    pub merge: Option<PathBuf>,
    /// Personal data is found by recognisers alone.
    pub no_models: bool,
    /// Threads; one per core when 0.
    pub workers: usize,
    pub progress: bool,
    /// Bytes of a chunk, for tests.
    pub chunk_bytes: Option<usize>,
}

/// Profiles the messages of `input`, or the staged files that the options name.
///
/// # Errors
/// The first error in the order of the input, with its line; what reading says; `Config` for files that cannot be read.
pub fn run(input: OwnedFd, options: &Options) -> Result<Profile> {
    let earlier = options.merge.as_ref().map(earlier).transpose()?;
    let catalog = options.catalog.as_ref().map(catalog).transpose()?;
    let now = chrono::Utc::now().timestamp_micros();
    let settings = Settings::new(catalog.as_ref(), now)?;
    let mut gather = match options.from.is_empty() {
        true => {
            let size = std::fs::File::from(input.try_clone().map_err(unreadable)?);
            let size = size.metadata().ok().filter(std::fs::Metadata::is_file);
            widen(&input);
            let progress = Progress::new(options.progress, size.map(|size| size.len()));
            measure(
                Jobs::new(input, options.chunk_bytes),
                &settings,
                progress,
                options,
            )?
        }
        false => {
            let patterns = options.from.iter().map(|from| pattern(from, options));
            let files = StagedFiles::list(&patterns.collect::<Result<Vec<_>>>()?, &settings)?;
            let progress = Progress::new(options.progress, None);
            measure(files, &settings, progress, options)?
        }
    };
    let lines = gather.kept_lines();
    let mut profile = gather.written();
    let files = Files {
        config: options.config.clone(),
        catalog: options.catalog.clone(),
        observe: true,
        ..Files::default()
    };
    personal::find(&mut profile, &lines, &files, options.no_models)?;
    meaning::tell(&mut profile, options.no_models)?;
    Ok(match earlier {
        Some(earlier) => merge::merge(earlier, profile),
        None => profile,
    })
}

fn measure<'a>(
    input: impl Input<Chunk = Vec<Chunk>>,
    settings: &'a Settings,
    progress: Progress,
    options: &Options,
) -> Result<Gather<'a>> {
    let told = Told {
        gather: Gather::new(settings),
        progress,
    };
    let workers = super::threads(options.workers);
    let (told, ended) = window::run(workers, input, told, || Worker {
        settings,
        reader: Reader::default(),
        part: Part::default(),
    });
    told.progress.finish();
    ended.map(|()| told.gather)
}

/// Reads the chunks of a job.
struct Worker<'a> {
    settings: &'a Settings,
    reader: Reader,
    part: Part,
}

impl Work<Vec<Chunk>, Part> for Worker<'_> {
    fn work(&mut self, chunks: Vec<Chunk>) -> Part {
        let mut part = std::mem::take(&mut self.part);
        for chunk in &chunks {
            self.reader.read(self.settings, chunk, &mut part);
        }
        part
    }

    fn shorten(&mut self, part: Part, _: Stop) -> Part {
        part
    }

    fn reclaim(&mut self, mut part: Part) -> Vec<u8> {
        part.clear();
        self.part = part;
        Vec::new()
    }
}

/// Where jobs are added up.
struct Told<'a> {
    gather: Gather<'a>,
    progress: Progress,
}

impl Output for Told<'_> {
    type Done = Part;

    fn write(&mut self, part: &Part) -> Result<()> {
        if let Some(stop) = &part.stop {
            return Err(stop.error.at_line(self.gather.lines + stop.line + 1));
        }
        self.gather.add(part);
        self.progress.tick(self.gather.bytes, self.gather.records);
        Ok(())
    }
}

fn pattern(from: &str, options: &Options) -> Result<Pattern> {
    let pattern = Pattern::parse(from)?.named(options.naming.clone());
    Ok(match options.format {
        Some(format) => pattern.formatted(format),
        None => pattern,
    })
}

fn catalog(path: &PathBuf) -> Result<ConfiguredCatalog> {
    ConfiguredCatalog::parse(&read(path)?, &path.display().to_string())
}

fn earlier(path: &PathBuf) -> Result<Profile> {
    merge::parse(&read(path)?, &path.display().to_string())
}

fn read(path: &PathBuf) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            ErrorKind::Config,
            format!("{} cannot be read", path.display()),
        )
        .because(error)
    })
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Input, "the input cannot be read").because(error)
}

/// Whether a run was given up.
fn is_stopped(stopped: &AtomicBool) -> bool {
    stopped.load(Ordering::Relaxed)
}
