//! What the page shows, in the order in which it shows it: texts ready to be read, and shapes ready to be drawn.

mod head;
mod health;
mod origin;
mod personal;
mod runs;
mod section;
mod shares;
mod streams;

use serde::Serialize;

use super::Sources;
use super::read::audit::Audit;
use super::read::health::Health;
use super::read::history::History;
use super::read::lineage::Lineage;
use super::read::report::Report;
use crate::error::Result;

use head::Head;
use health::HealthView;
use origin::Origin;
use personal::Personal;
use runs::Runs;
use section::Section;
use streams::Table;

/// A page.
#[derive(Debug, Serialize)]
pub struct Page {
    pub head: Head,
    pub health: Option<HealthView>,
    pub runs: Option<Runs>,
    pub streams: Table,
    pub personal: Option<Personal>,
    pub rejects: Option<shares::Reasons>,
    pub drift: Option<origin::DriftView>,
    pub sections: Vec<Section>,
    /// Streams that have no section of their own.
    pub sections_left: usize,
    pub origin: Origin,
    /// Whether it is known how columns were masked.
    pub has_lineage: bool,
    /// What a reader of the page should know of how it was made.
    pub notes: Vec<String>,
}

/// Everything that was read of one run.
struct Known {
    report: Report,
    history: Option<History>,
    health: Option<Health>,
    audit: Option<Audit>,
    lineage: Option<Lineage>,
}

impl Known {
    /// How a column of a stream was masked, as far as the lineage tells.
    fn masks(&self, stream: &str, column: &str) -> Vec<String> {
        let lineage = self.lineage.as_ref();
        let masks = lineage
            .into_iter()
            .flat_map(|lineage| lineage.masks(stream, column));
        masks.map(|mask| super::words::name(mask)).collect()
    }
}

impl Page {
    /// The page of a run. Where a file beside the report cannot be read, a note says so.
    ///
    /// # Errors
    /// `Input` when the report cannot be read.
    pub fn of(sources: &Sources) -> Result<Self> {
        let mut notes = sources.notes.clone();
        let health = sources.health.as_deref().map(Health::read);
        let health = health.and_then(|read| match read {
            Ok(health) => Some(health),
            Err(error) => {
                notes.push(format!("{error}; health is left out"));
                None
            }
        });
        let known = Known {
            report: Report::read(&sources.report)?,
            history: sources.history.as_deref().map(History::read),
            health,
            audit: sources.audit.as_ref().map(|log| Audit::read(&log.latest)),
            lineage: sources.lineage.as_deref().map(Lineage::read),
        };
        let order = streams::order(&known);
        let runs = Runs::of(&known);
        if let Some(unread) = known
            .history
            .as_ref()
            .map(|history| history.unread)
            .filter(|unread| *unread > 0)
        {
            let lines = super::words::counted(unread as u64, "entry", "entries");
            notes.push(format!(
                "the history is drawn without {lines} that could not be read"
            ));
        }
        let head = Head::of(&known);
        let judged = known
            .health
            .as_ref()
            .and_then(|health| health.run.as_deref());
        if judged.is_some_and(|run| head.run.as_deref().is_some_and(|this| this != run)) {
            notes.push("health.json is of another run than the report".to_owned());
        }
        let (sections, sections_left) = section::all(&known, &order);
        Ok(Self {
            health: HealthView::of(&known),
            runs,
            streams: Table::of(&known, &order),
            personal: Personal::of(&known, &order),
            rejects: shares::Reasons::of_run(&known),
            drift: origin::DriftView::of(&known),
            sections,
            sections_left,
            has_lineage: known.lineage.is_some(),
            origin: Origin::of(&known, sources.audit.as_ref().map(|log| &log.chain)),
            head,
            notes,
        })
    }
}
