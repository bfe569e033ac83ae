//! midflight as an Airbyte destination: `spec`, `check`, and `write`, which loads clean rows into a stage.

mod covered;
mod loader;
mod policy;
mod settings;
mod undo;

use std::os::fd::OwnedFd;
use std::path::Path;

use chrono::Utc;
use serde_json::{Value, json};

use super::account::check_limits;
use super::bucket::Bucket;
use super::drift;
use super::input::Lines;
use super::lineage::place;
use super::load::{Files, load};
use super::pipe::{now_ms, widen};
use super::run::{self, Run};
use super::stage::entry::Input;
use super::stage::{FOLDER, Stage};
use super::tables::{Filler, Tables};
use crate::decode::{Chunk, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{self, Form, Worker};
use crate::plan::Plan;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::trace;
use crate::window::{self, Work};
use covered::Covered;
use loader::{Loaded, Loader};
use policy::Policies;

pub use settings::Settings;
pub use undo::{Set, Sets, kept, undo};

/// Bytes of input whose rows are brought into tables at once: larger than a pipe's chunks, as every batch costs.
const CHUNK_BYTES: usize = 1 << 20;

/// A run without claim that was silent for so long is over.
pub(super) const SILENT_MS: i64 = 24 * 3_600_000;

/// The words of the command, as it is put on record.
const COMMAND: &str = "destination write";

/// What is left below a stage for a moment by `check`.
const PROBE: &str = "probe";

/// The SPEC message, with its newline.
pub fn spec() -> String {
    let specification: Value = serde_json::from_str(include_str!("spec.json")).unwrap_or_default();
    let message = json!({"type": "SPEC", "spec": specification});
    format!("{message}\n")
}

/// Writes an object, reads it, and deletes it: the rights that a sync needs. Gives the CONNECTION_STATUS, with its
/// newline.
pub fn check(settings: &Path) -> String {
    let tried = Settings::read(settings).and_then(|settings| {
        let files = files(&settings, None);
        load(&files)?;
        probe(&settings.bucket()?)
    });
    let status = match tried {
        Ok(()) => json!({"status": "SUCCEEDED"}),
        Err(error) => {
            let advice = error.advice().map(|advice| format!("; {advice}"));
            let message = format!("{error}{}", advice.unwrap_or_default());
            json!({"status": "FAILED", "message": message})
        }
    };
    format!(
        "{}\n",
        json!({"type": "CONNECTION_STATUS", "connectionStatus": status})
    )
}

fn probe(bucket: &Bucket) -> Result<()> {
    let path = bucket.path(&format!(
        "{FOLDER}/{PROBE}-{}-{}",
        Utc::now().timestamp_micros(),
        std::process::id()
    ))?;
    let text = "midflight was here";
    if !bucket.create(&path, text)? {
        let message = format!("{}: what was not there could not be created", bucket.url());
        return Err(Error::new(ErrorKind::Output, message));
    }
    // A store that ignores the condition would let two runs make one commit.
    let again = bucket.create(&path, "midflight was here again");
    let read = bucket.get(&path);
    bucket.delete(vec![path])?;
    if again? {
        let message = format!(
            "{}: the store overwrites what must be created once",
            bucket.url()
        );
        return Err(Error::new(ErrorKind::Config, message).hint(
            "a stage needs conditional writes (`If-None-Match: *`), which S3, GCS and Azure have",
        ));
    }
    match read?.as_deref() {
        Some(found) if found == text.as_bytes() => Ok(()),
        _ => {
            let message = format!("{}: what was written is not what is read", bucket.url());
            Err(Error::new(ErrorKind::Output, message))
        }
    }
}

/// How a destination runs.
#[derive(Debug, Default)]
pub struct Options {
    pub run: run::Options,
    /// The platform's job, of which this is one attempt.
    pub job: Option<String>,
    /// Names a run that is all or nothing: repeated from its start, it counts once.
    pub name: Option<String>,
}

/// Loads the messages of `input` into the stage of `settings`, and gives STATEs back to `output` once the rows
/// before them are durable. What goes wrong is told there as a TRACE ERROR, and returned.
///
/// # Errors
/// The first error in the order of the input; what STATEs cover that were given back is committed.
pub fn write(
    settings: &Path,
    catalog: &Path,
    input: OwnedFd,
    output: OwnedFd,
    options: &Options,
) -> Result<()> {
    let told = output
        .try_clone()
        .map_err(|error| Error::new(ErrorKind::Output, "stdout is not open").because(error))?;
    let ended = sync(settings, catalog, (input, output), options);
    if let Err(error) = &ended {
        let line = trace::error(error, now_ms());
        // An output that is gone cannot be told.
        let _ = super::outlet::write_all(&told, &mut [std::io::IoSlice::new(line.as_bytes())]);
    }
    ended
}

fn files(settings: &Settings, catalog: Option<ConfiguredCatalog>) -> Files {
    let text = settings
        .config
        .clone()
        .filter(|text| !text.trim().is_empty());
    Files {
        text: text.map(|text| ("config".to_owned(), text)),
        streams: catalog,
        tables: true,
        variables: settings.variables(),
        ..Files::default()
    }
}

fn sync(
    settings: &Path,
    catalog: &Path,
    (input, output): (OwnedFd, OwnedFd),
    options: &Options,
) -> Result<()> {
    let settings = Settings::read(settings)?;
    let name = catalog.display().to_string();
    let text = std::fs::read_to_string(catalog).map_err(|error| {
        Error::new(ErrorKind::Catalog, format!("{name} cannot be read")).because(error)
    })?;
    let catalog = ConfiguredCatalog::parse(&text, &name)?;
    let plan = load(&Files {
        history: options.run.keeps_history(),
        ..files(&settings, Some(catalog.clone()))
    })?;
    let mut run = Run::new(&plan, COMMAND, &options.run);
    run.admit()?;
    plan.begin();
    plan.prepare()?;
    let job = options.job.as_ref().map(|job| format!("job{job}-"));
    let stage = Stage::open(
        settings.bucket()?,
        plan.sources().config.stage.clone(),
        job.as_deref().unwrap_or_default(),
    )?;
    let keys = catalog.streams().iter().map(|stream| stream.label());
    let swept = stage.claim(&keys.collect::<Vec<_>>(), SILENT_MS)?;
    let whole = options.name.as_ref().map(|run| Input {
        url: format!("run:{run}"),
        part: String::new(),
        tag: String::new(),
        plan: String::new(),
    });
    let mut policies = stage.view(|view| Policies::of(&catalog, view, job.as_deref()))?;
    if whole.is_some() {
        policies.wait_for_the_end();
    }
    let tables = Tables::new(&plan, |stream| {
        policies
            .get(stream)
            .map(|policy| policy.belonging)
            .unwrap_or_default()
    });
    tables.prepare()?;
    let mut loader = Loader::new(&plan, &stage, &policies, output, run.account()?, whole);
    loader.say(&trace::log("INFO", &plan.greeting()))?;
    drift::lines(&plan)
        .iter()
        .try_for_each(|line| loader.say(line))?;
    if swept > 0 {
        let message =
            format!("midflight: {swept} objects of earlier runs that nothing names are deleted");
        loader.say(&trace::log("INFO", &message))?;
    }
    run.places.destination = Some(place::of_stage(&stage, &plan));
    run.begin()?;
    loader.account.record_to(run.log());
    widen(&input);
    let lines = Lines::new(input, plan.max_line_bytes(), options.run.chunk_bytes);
    let lines = lines.of_bytes(CHUNK_BYTES).beating();
    let workers = super::threads(options.run.workers);
    let (mut loader, ended) = window::run(workers, lines, loader, || Task {
        plan: &plan,
        worker: Worker::new(Form::Rows),
        filler: Filler::new(&tables),
    });
    loader.account.finish();
    let ended = ended.and_then(|()| check_limits(&plan, &loader.account.totals));
    let ended = match ended {
        Ok(()) => tables.write_features(&stage).and_then(|()| loader.finish()),
        Err(error) => {
            // The first error is the one to be told.
            let stored = matches!(error.kind(), ErrorKind::Output | ErrorKind::Closed);
            if !stored {
                let _ = loader.keep();
            }
            if error.kind() == ErrorKind::Superseded {
                let _ = stage.withdraw();
            }
            Err(error)
        }
    };
    let ended = run.settle(&mut loader.account.totals, ended);
    let ended = ended.and_then(|()| {
        let message = format!("midflight: {}", loader.account.totals.sentence());
        loader.say(&trace::log("INFO", &message))?;
        // Only a run that is over and told succeeded makes its catalog the one to compare with.
        let left = drift::settle(&plan)?;
        left.map_or(Ok(()), |left| loader.say(&trace::log("WARN", &left)))
    });
    let notes = run.tell(&loader.account.totals, loader.states(), &ended)?;
    for note in notes {
        let _ = loader.say(&trace::log("WARN", &note));
    }
    ended
}

struct Task<'a> {
    plan: &'a Plan,
    worker: Worker,
    filler: Filler<'a>,
}

impl Task<'_> {
    fn loaded(&mut self, done: pipeline::Done) -> Loaded {
        let covered = Covered::of(&done, self.plan);
        let rows = self.filler.fill(&done, |stream| covered.until(stream));
        Loaded {
            done,
            rows,
            covered,
        }
    }
}

impl Work<Chunk, Loaded> for Task<'_> {
    fn work(&mut self, chunk: Chunk) -> Loaded {
        let done = pipeline::process(self.plan, &mut self.worker, chunk);
        self.loaded(done)
    }

    fn shorten(&mut self, loaded: Loaded, stop: Stop) -> Loaded {
        let done = pipeline::shorten(self.plan, &mut self.worker, loaded.done, stop);
        self.loaded(done)
    }

    fn again(&mut self, loaded: Loaded) -> Loaded {
        let done = pipeline::again(self.plan, &mut self.worker, loaded.done);
        self.loaded(done)
    }

    fn reclaim(&mut self, loaded: Loaded) -> Vec<u8> {
        let bytes = self.worker.reclaim(loaded.done);
        bytes.into_vec().unwrap_or_default()
    }
}
