//! Objects one by one, as events name them, into one stage: a batch of a single object each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::Options;
use super::source::Source;
use super::work::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::Bucket;
use crate::runtime::destination::SILENT_MS;
use crate::runtime::drift;
use crate::runtime::health;
use crate::runtime::load::Files;
use crate::runtime::run::Run;
use crate::runtime::stage::Stage;
use crate::runtime::staged::{self, Pattern};
use crate::runtime::tables::{Belonging, Tables};
use crate::sink::spec::PartSpec;

/// Plans of streams that are remembered.
const PLANS: usize = 1_000;

/// Versions of an object that are read for one event, if it changes meanwhile.
const VERSIONS: usize = 8;

/// How an object ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its rows were committed.
    Committed { rows: u64 },
    /// This version had been committed before, by this plan.
    Before,
    /// There is no such object any more.
    Gone,
}

/// Takes objects through the plan, from several threads at once.
#[derive(Debug)]
pub struct Single {
    files: Files,
    options: Options,
    to: Bucket,
    spec: PartSpec,
    /// Where objects lie: what their folders say is read from there on.
    places: Vec<String>,
    /// Objects that may be in process at once.
    workers: usize,
    stage: Mutex<Option<Arc<Stage>>>,
    plans: Mutex<HashMap<Descriptor, Arc<Planned>>>,
}

/// The plan of a stream. Where no catalog declares its columns, its first object did.
#[derive(Debug)]
struct Planned {
    plan: Plan,
    source: Source,
}

impl Single {
    /// Writes to `options.to`; `options.from` is not looked at. The folders below one of `places`, else of the
    /// bucket, tell the stream. Fails early where it can.
    ///
    /// # Errors
    /// `Config` when the configuration or the place is wrong.
    pub fn new(files: Files, options: Options, places: Vec<String>) -> Result<Self> {
        let to = Bucket::open(&options.to, &BTreeMap::new())?;
        let mut checked = files.clone();
        checked.tables = true;
        let plan = crate::runtime::load::load(&checked)?;
        drift::verdict(&plan)?;
        let spec = plan.sources().config.stage.clone();
        let spelt = |place: &String| Ok(Bucket::open(place, &BTreeMap::new())?.url());
        let places = places.iter().map(spelt).collect::<Result<_>>()?;
        Ok(Self {
            spec,
            workers: super::workers(&options),
            places,
            files,
            options,
            to,
            stage: Mutex::default(),
            plans: Mutex::default(),
        })
    }

    /// Takes the object at a URL through the plan and commits its rows.
    ///
    /// # Errors
    /// What reading, processing or committing says; then nothing of the object is committed.
    pub fn process(&self, url: &str) -> Result<Ended> {
        let (root, key) = self.divided(url)?;
        let bucket = Bucket::open(root, &BTreeMap::new())?;
        let mut pattern = Pattern::parse(root)?.named(self.options.naming.clone());
        if let Some(format) = self.options.format {
            pattern = pattern.formatted(format);
        }
        let path = bucket.path(key)?;
        let mut stage = self.stage(false)?;
        for _ in 0..VERSIONS {
            // Before the object is looked at: who commits it after this may have seen a newer one.
            stage.refresh()?;
            let since = stage.view(|view| view.next);
            let Some((object, stream)) = staged::find(&bucket, &pattern, &path)? else {
                return Ok(Ended::Gone);
            };
            let planned = self.planned(&bucket, &object, &stream)?;
            let source = planned.source.with(bucket.clone(), object, stream);
            match self.commit(&planned.plan, &source, &stage, since) {
                // Whoever was silent for a day was declared over; a new run may go on.
                Err(error) if error.kind() == ErrorKind::Superseded => {
                    stage.withdraw()?;
                    stage = self.stage(true)?;
                }
                Ok(None) => {}
                Ok(Some(ended)) => return Ok(ended),
                Err(error) => return Err(error),
            }
        }
        let message = format!("{url} changes while it is read");
        Err(Error::new(ErrorKind::Input, message))
    }

    /// `None` when another version was committed meanwhile.
    fn commit(
        &self,
        plan: &Plan,
        source: &Source,
        stage: &Stage,
        since: u64,
    ) -> Result<Option<Ended>> {
        let told = Run::new(plan, "serve", &self.options.run);
        let tables = Tables::new(plan, |_| Belonging::default());
        let work = Work::new(
            plan,
            source,
            stage,
            &tables,
            &self.options,
            (since, self.workers),
        )?;
        let ended = work.run(1);
        let finished = work.finish();
        let done = finished.overtaken == 0 && finished.done_before == 0 && finished.elsewhere == 0;
        if done || ended.is_err() {
            // Whoever sent the event cannot be told more than how it ended.
            let _ = health::told(&told, plan, &finished.totals, &ended);
        }
        ended?;
        if finished.overtaken > 0 {
            return Ok(None);
        }
        if finished.done_before > 0 || finished.elsewhere > 0 {
            return Ok(Some(Ended::Before));
        }
        // Whoever wrote another catalog meanwhile is compared with when the next process starts.
        drift::settle(plan)?;
        let [_, rows, ..] = finished.totals.sum();
        Ok(Some(Ended::Committed { rows }))
    }

    fn planned(
        &self,
        bucket: &Bucket,
        object: &staged::Object,
        stream: &Descriptor,
    ) -> Result<Arc<Planned>> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(planned) = plans.get(stream) {
            return Ok(Arc::clone(planned));
        }
        let mut source = Source::of(bucket.clone(), object.clone(), stream.clone());
        let plan = source.load(&self.files)?;
        drift::verdict(&plan)?;
        plan.begin();
        plan.prepare()?;
        source.learn(&plan)?;
        let planned = Arc::new(Planned { plan, source });
        // An object without records says nothing about the next one.
        if planned.source.has_columns(stream) {
            if plans.len() >= PLANS {
                plans.clear();
            }
            plans.insert(stream.clone(), Arc::clone(&planned));
        }
        Ok(planned)
    }

    /// A URL as the place it lies in and the key below that; a path as its root and the rest.
    fn divided<'u>(&self, url: &'u str) -> Result<(&'u str, &'u str)> {
        for place in &self.places {
            let place = place.trim_end_matches('/');
            if let Some(key) = url
                .strip_prefix(place)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                return Ok((&url[..place.len()], key));
            }
        }
        let after = url.find("://").map_or(0, |at| at + 3);
        match url[after..].find('/').map(|at| after + at) {
            Some(0) => Ok(("/", &url[1..])),
            Some(at) => Ok((&url[..at], &url[at + 1..])),
            None => Err(Error::new(
                ErrorKind::Usage,
                format!("{url} names no object"),
            )),
        }
    }

    /// The stage, claimed by this process; `anew` begins another run in it.
    fn stage(&self, anew: bool) -> Result<Arc<Stage>> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = stage.as_ref().filter(|_| !anew) {
            return Ok(Arc::clone(stage));
        }
        let opened = Arc::new(Stage::open(self.to.clone(), self.spec.clone(), "event-")?);
        opened.claim(&[], SILENT_MS)?;
        *stage = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Ends the run, when nothing is being processed any more.
    ///
    /// # Errors
    /// What the store says.
    pub fn end(&self) -> Result<()> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        stage.take().map_or(Ok(()), |stage| stage.end())
    }
}
