//! What surrounds a run, wherever its records go: it is put on record before its first record, and told when it is over.

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::account::{Account, write_into};
use super::audit;
use super::drift;
use super::environment::Environment;
use super::health::{self, Ear};
use super::lineage;
use super::live::Pulse;
use super::progress::Progress;
use super::watched::Watched;
use crate::error::Result;
use crate::lineage::Places;
use crate::plan::Plan;
use crate::report::Totals;

pub use super::metrics::LINGER_SECONDS_MAX;

/// How a run is carried out, and where it is told.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Where `report.json` goes.
    pub report: Option<PathBuf>,
    /// Threads; one per core when 0.
    pub workers: usize,
    /// Bytes after which a chunk is handed on, for tests.
    pub chunk_bytes: Option<usize>,
    pub progress: bool,
    /// Where the history of runs is; where the configuration says, or beside the report, if it is not given.
    pub history: Option<String>,
    /// Others are told of it, as configuration and environment say. Not of one that only looks at what was there before.
    pub outside: bool,
    /// Metrics are served while it goes on.
    pub metrics: Option<Scraped>,
}

/// Where metrics are served, and how long they wait for their last reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scraped {
    pub address: String,
    pub linger_seconds: u64,
}

impl Options {
    /// Whether they ask for a history by themselves.
    pub fn keeps_history(&self) -> bool {
        self.history.is_some() || self.report.is_some()
    }
}

/// A run from its first moment on.
#[derive(Debug)]
pub struct Run<'a> {
    plan: &'a Plan,
    command: &'static str,
    options: &'a Options,
    /// Names the run everywhere it is told. Later runs have greater names.
    pub id: Uuid,
    pub began: DateTime<Utc>,
    start: Instant,
    audit: Option<audit::Run>,
    ear: Ear,
    /// Where it reads and writes, where that is known.
    pub places: Places,
    lineage: Option<lineage::Teller<'a>>,
    watched: Watched,
}

impl<'a> Run<'a> {
    /// Starts the clock. `command` is its words on the command line.
    pub fn new(plan: &'a Plan, command: &'static str, options: &'a Options) -> Self {
        Self {
            plan,
            command,
            options,
            id: Uuid::now_v7(),
            began: Utc::now(),
            start: Instant::now(),
            audit: None,
            ear: Ear::default(),
            places: Places::default(),
            lineage: None,
            watched: Watched::of(options),
        }
    }

    /// How it is carried out.
    pub fn options(&self) -> &'a Options {
        self.options
    }

    /// Its words on the command line.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// Hears what connectors say of failures.
    pub fn ear(&self) -> &Ear {
        &self.ear
    }

    /// Seconds since it began.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn folder(&self) -> Option<&Path> {
        self.options.report.as_deref()
    }

    /// An account of the run, with its reject store and its progress.
    ///
    /// # Errors
    /// `Output` when the reject store cannot be opened.
    pub fn account(&self) -> Result<Account<'a>> {
        let name = self.began.format("%Y%m%dT%H%M%S%3fZ").to_string();
        let progress = Progress::new(self.options.progress);
        let listens = health::listens(self.plan, self.options);
        let ear = listens.then(|| self.ear.clone());
        let account = Account::open(self.plan, &name, progress, ear)?;
        Ok(account.beating(self.pulse()))
    }

    /// What hands counts over to those who look at the run; `None` where nobody does.
    pub fn pulse(&self) -> Option<Pulse> {
        self.watched.pulse()
    }

    /// Puts the run on record, once everything it needs is open and before its first record.
    ///
    /// # Errors
    /// `Output` when that cannot be written: a run that is to be on record does not go on without. `Input` when metrics
    /// cannot be served.
    pub fn begin(&mut self) -> Result<()> {
        self.watched.begin(self.command, self.id)?;
        let audit = audit::Run::begin(self.plan, self.command, self.folder())?;
        drift::record(self.plan, &audit)?;
        self.audit = Some(audit);
        let environment = self.options.outside.then(Environment::current);
        let begun = lineage::Begun {
            plan: self.plan,
            command: self.command,
            run: self.id,
            began: self.began,
            places: self.places.clone(),
        };
        self.lineage = lineage::Teller::begin(begun, self.folder(), environment.as_ref())?;
        Ok(())
    }

    /// Refuses the run before anything is opened, where a change of a schema must not go on. It is told all the same: it
    /// leaves its report and its place in the audit.
    ///
    /// # Errors
    /// As for `drift::verdict`; `Output` when it cannot be told.
    pub fn admit(&mut self) -> Result<()> {
        let refused = drift::verdict(self.plan);
        if refused.is_ok() {
            return refused;
        }
        self.begin()?;
        let mut totals = Totals::default();
        let ended = self.settle(&mut totals, refused);
        self.tell(&totals, (0, 0), &ended)?;
        ended
    }

    /// Where further records of the run go.
    pub fn log(&self) -> Option<audit::Log> {
        self.audit.as_ref().and_then(audit::Run::log)
    }

    /// Puts on record how it ended, and leaves the chain's end in the totals for the report.
    ///
    /// # Errors
    /// `ended`; where that is none, `Output` when the record cannot be written.
    pub fn settle(&self, totals: &mut Totals, ended: Result<()>) -> Result<()> {
        match &self.audit {
            Some(audit) => audit.end(self.plan, totals, ended),
            None => ended,
        }
    }

    /// Tells of the whole run: `states` passed and corrected, and how it `ended`. Gives what a person should know though
    /// nothing failed.
    ///
    /// # Errors
    /// `Output` when the report cannot be written.
    pub fn tell(
        &mut self,
        totals: &Totals,
        states: (u64, u64),
        ended: &Result<()>,
    ) -> Result<Vec<String>> {
        if let Some(folder) = self.folder() {
            let (time, failed) = (self.start.elapsed(), ended.as_ref().err());
            let report = totals.json(self.plan, states, time, failed);
            write_into(folder, "report.json", &report)?;
        }
        self.watched.over(self.plan, totals, states, ended);
        let mut notes = health::told(self, self.plan, totals, ended);
        if let Some(lineage) = self.lineage.take() {
            notes.extend(lineage.end(totals, ended)?);
        }
        notes.extend(self.watched.finish());
        Ok(notes)
    }
}
