//! Lineage on its way out: a file beside the report, and whoever the environment names.
//!
//! What cannot be written into the report's folder is an error, as for the report itself. What a server does not take
//! is a note: no run fails because of a catalogue, and none waits long for one.

mod parent;
pub mod place;
mod sender;
mod settings;
mod transport;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::Utc;

use crate::error::{Error, ErrorKind, Result};
use crate::lineage::{Names, Places, Story};
use crate::plan::Plan;
use crate::report::Totals;
use crate::runtime::environment::Environment;
use sender::Sender;

/// The name of the file in the directory of a run's report.
const FILE: &str = "lineage.jsonl";

/// What tells of one run.
#[derive(Debug)]
pub struct Teller<'a> {
    story: Story<'a>,
    file: Option<PathBuf>,
    sender: Option<Sender>,
    /// What was wrong with the settings.
    notes: Vec<String>,
}

/// What a run is, for lineage.
#[derive(Debug)]
pub struct Begun<'a> {
    pub plan: &'a Plan,
    pub command: &'static str,
    pub run: uuid::Uuid,
    pub began: chrono::DateTime<Utc>,
    pub places: Places,
}

impl<'a> Teller<'a> {
    /// Tells that a run begins: in `folder`, and to whom `environment` names.
    ///
    /// # Errors
    /// `Output` when the file cannot be written.
    pub fn begin(
        run: Begun<'a>,
        folder: Option<&Path>,
        environment: Option<&Environment>,
    ) -> Result<Option<Self>> {
        let (transport, notes) = match environment {
            Some(environment) => settings::read(environment),
            None => (None, Vec::new()),
        };
        if folder.is_none() && transport.is_none() && notes.is_empty() {
            return Ok(None);
        }
        let nobody = Environment::default();
        let environment = environment.unwrap_or(&nobody);
        let namespace = environment.text("OPENLINEAGE_NAMESPACE");
        let names = Names::of(run.plan, run.command, namespace, run.places);
        let story = Story {
            plan: run.plan,
            command: run.command,
            run: run.run.to_string(),
            began: run.began,
            parent: parent::of(environment, &names.job),
            names,
        };
        let teller = Self {
            file: folder.map(|folder| folder.join(FILE)),
            sender: transport.map(Sender::start),
            story,
            notes,
        };
        let line = teller.story.begun().to_line();
        teller.write(&line)?;
        if let Some(sender) = &teller.sender {
            sender.send(line);
        }
        Ok(Some(teller))
    }

    /// Tells how it ended, and gives what a person should know of who could not be told.
    ///
    /// # Errors
    /// `Output` when the file cannot be written.
    pub fn end(self, totals: &Totals, ended: &Result<()>) -> Result<Vec<String>> {
        let failed = ended.as_ref().err();
        let line = self.story.ended(totals, failed, Utc::now()).to_line();
        self.write(&line)?;
        let mut notes = self.notes;
        let left_out = self.story.left_out();
        if left_out > 0 {
            notes.push(format!(
                "lineage: {left_out} streams are not in the events, which have no room for them"
            ));
        }
        if let Some(sender) = self.sender {
            sender.send(line);
            notes.extend(sender.finish());
        }
        Ok(notes)
    }

    fn write(&self, line: &str) -> Result<()> {
        match &self.file {
            Some(file) => append(file, line),
            None => Ok(()),
        }
    }
}

/// Adds a line to a file, which is made if it is not there. Runs that write at once do not mix their lines: each is
/// one write at the end.
fn append(file: &Path, line: &str) -> Result<()> {
    let written = file
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(file))
        .and_then(|mut out| out.write_all(format!("{line}\n").as_bytes()));
    written.map_err(|error| {
        let message = format!("{} cannot be written", file.display());
        Error::new(ErrorKind::Output, message).because(error)
    })
}
