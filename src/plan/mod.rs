//! Deciding before anything moves: configuration and catalog become a [`Plan`]. Never sees data.
//!
//! Streams of the catalog are compiled at the start, with every problem at once; a stream that no catalog
//! announces is compiled when it is first heard of.

pub mod catalogue;
pub mod chosen;
mod compile;
pub mod config;
mod covers;
pub mod drifted;
pub mod keys;
pub mod rewrite;
pub mod rules;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::decode::{Projection, Route, Routes, StreamId};
use crate::detect::Detector;
use crate::detect::column::{Learner, Turns};
use crate::document::Problems;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Embedders, LazyTagger};
use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::state::Descriptor;
use crate::schema::path::Path as SourcePath;
use crate::schema::{Lineage, StreamSchema};
use crate::stage::Stage;
use crate::stage::rules::Watch;
use crate::stage::spec::{Split, StageSpec};
use catalogue::Answers;
use chosen::Chosen;
use config::{Config, ForeignLines, Spanned, Unlisted};
use drifted::Drifted;
use keys::Keys;
use rules::RuleFile;

pub use table::TablePlan;

/// Streams that may turn up beyond the catalog's.
const STREAMS_MAX: usize = 100_000;

/// Everything a plan is made of.
#[derive(Debug)]
pub struct Sources {
    /// The configuration and the name it goes by in messages.
    pub config: Config,
    pub file: String,
    pub catalog: Option<ConfiguredCatalog>,
    /// Rule files by the path that the configuration gives.
    pub rules: BTreeMap<PathBuf, RuleFile>,
    pub keys: Keys,
    /// The embedders that stages ask for.
    pub embedders: Embedders,
    /// Who says what may be shown to a model, where the configuration names someone.
    pub catalogue: Option<Arc<Answers>>,
    /// Nothing is changed, everything is reported.
    pub observe: bool,
    /// Records become rows of tables, so that every one of them is looked at.
    pub tables: bool,
    /// What finds what has no form, if anything does.
    pub tagger: Option<Arc<LazyTagger>>,
    /// The files it was read from, by their hashes.
    pub files: Vec<SourceFile>,
    /// Names everything that decides what happens to a record: configuration, rules, keys.
    pub fingerprint: String,
    /// What has changed since the last run; `None` where nothing is compared.
    pub drift: Option<Drifted>,
    /// What was chosen of a catalog that this plan rewrites; `None` where the catalog is all there is.
    pub chosen: Option<Chosen>,
    /// The catalog comes later: what needs columns and their types is not compiled yet.
    pub later: bool,
    /// The cursors of incremental streams are followed, as the history of runs needs them.
    pub cursors: bool,
    /// Who is told of a run that is unusual or has failed.
    pub alerts: Option<config::Alerts>,
    /// When the run started, in RFC 3339, for rules that compare with it.
    pub now: String,
}

/// A file that a plan was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    pub role: FileRole,
    /// As messages name it.
    pub name: String,
    /// Of its bytes, as lower-case hex.
    pub sha256: String,
}

/// What a file is to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRole {
    Config,
    Catalog,
    Rules,
}

impl FileRole {
    /// The word of records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Catalog => "catalog",
            Self::Rules => "rules",
        }
    }
}

/// What becomes of lines that are no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Size,
    Text,
}

/// A compiled plan. Shared by all workers.
#[derive(Debug)]
pub struct Plan {
    sources: Sources,
    detectors: compile::Detectors,
    streams: RwLock<Streams>,
}

#[derive(Debug, Default)]
struct Streams {
    ids: HashMap<Descriptor, StreamId>,
    plans: Vec<Arc<StreamPlan>>,
}

/// The plan of one stream.
#[derive(Debug)]
pub struct StreamPlan {
    pub descriptor: Descriptor,
    /// What is read of its records; `None` copies them.
    pub projection: Option<Arc<Projection>>,
    pub stages: Vec<NamedStage>,
    /// The fraction of rows that may be rejected.
    pub max_rejected: Option<f64>,
    /// Rules that may be demoted while the run goes on.
    pub watch: Option<Arc<Watch>>,
    /// The schema behind the last stage.
    pub schema: StreamSchema,
    /// The stream of chunks that an `embed` makes of it.
    pub second: Option<SecondStream>,
    /// Where its plan comes from, for people.
    pub origin: String,
    /// How records are divided into parts, in the order of the stages.
    pub splits: Vec<Split>,
    /// What its stages read, by the names of the source.
    pub read: Vec<SourcePath>,
    /// The path of the cursor that is followed, if one is.
    pub cursor: Option<String>,
    columns: Vec<String>,
    rules: Vec<String>,
    learners: Vec<Learning>,
}

/// What a stage learns of its columns, and the detector whose kinds it speaks of.
#[derive(Debug)]
pub struct Learning {
    pub learner: Arc<Learner>,
    pub detector: Arc<Detector>,
}

/// A stream that the source does not have.
#[derive(Debug)]
pub struct SecondStream {
    /// Its name; its namespace is that of the first.
    pub name: String,
    pub json_schema: Value,
    /// What its columns are made of, in columns of the first.
    pub lineage: Vec<Lineage>,
}

/// A stage and how the configuration would write it.
#[derive(Debug)]
pub struct NamedStage {
    pub name: String,
    pub run: Box<dyn Stage>,
}

impl StreamPlan {
    /// The path of a column, for reports.
    pub fn column_name(&self, column: usize) -> String {
        self.columns
            .get(column)
            .cloned()
            .unwrap_or_else(|| "(undeclared)".to_owned())
    }

    /// The paths of the columns that are read.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether a chunk still has to learn what columns hold.
    pub fn is_learning(&self, chunk: u64) -> bool {
        let mut learners = self.learners.iter();
        learners.any(|learning| learning.learner.is_learning(chunk))
    }

    /// What is learned of its columns, by each stage that looks for personal data.
    pub fn learners(&self) -> &[Learning] {
        &self.learners
    }

    /// The id of a rule.
    pub fn rule_name(&self, rule: usize) -> String {
        self.rules.get(rule).cloned().unwrap_or_default()
    }

    /// The name of a stage with its place, so that reports keep the order.
    pub fn stage_name(&self, stage: usize) -> String {
        let name = self
            .stages
            .get(stage)
            .map_or("", |stage| stage.name.as_str());
        // The look at the cursor is no stage that somebody asked for.
        format!("{:02} {name}", stage + usize::from(self.cursor.is_none()))
    }
}

impl Plan {
    /// Compiles the streams of the catalog. `problems` are those found while reading the sources.
    ///
    /// # Errors
    /// `Config` with every problem, each with its place.
    pub fn compile(sources: Sources, mut problems: Problems) -> Result<Self> {
        let labels = sources.tagger.iter();
        let labels = labels.flat_map(|tagger| tagger.manifest.label_names());
        let detectors = compile::Detectors::new(labels.collect());
        let mut streams = Streams::default();
        compile::check_patterns(&sources, &mut problems);
        for stream in sources.catalog.iter().flat_map(|catalog| catalog.streams()) {
            let descriptor = Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            };
            let plan = compile::stream(
                &sources,
                &detectors,
                &descriptor,
                Some(stream),
                &mut problems,
            );
            if let Some(plan) = plan {
                streams.insert(descriptor, plan);
            }
        }
        if sources.catalog.is_none() {
            compile::check_without_catalog(&sources, &detectors, &mut problems);
        }
        problems.into_result()?;
        Ok(Self {
            sources,
            detectors,
            streams: RwLock::new(streams),
        })
    }

    /// The plan of a stream.
    pub fn stream(&self, stream: StreamId) -> Arc<StreamPlan> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&streams.plans[stream])
    }

    /// In which order chunks learn.
    pub fn turns(&self) -> &Turns {
        &self.detectors.turns
    }

    /// Forgets what was learned of columns, and which rules were demoted: another run begins.
    pub fn begin(&self) {
        self.detectors.turns.begin();
        let streams = (0..self.streams()).map(|id| self.stream(id));
        streams.for_each(|stream| {
            stream.watch.iter().for_each(|watch| watch.begin());
            stream
                .learners
                .iter()
                .for_each(|learning| learning.learner.begin())
        });
    }

    /// Nothing is learned of columns any more: what is undecided stays so, and every value of it is looked at.
    pub fn settle(&self) {
        for stream in (0..self.streams()).map(|id| self.stream(id)) {
            let learners = stream.learners.iter();
            learners.for_each(|learning| learning.learner.settle());
        }
    }

    /// Makes sure, before any record is read, that what the stages need works.
    ///
    /// # Errors
    /// `Model` when a model cannot be opened, `Output` when a cache cannot be written.
    pub fn prepare(&self) -> Result<()> {
        if let Some(tagger) = self.sources.tagger.as_ref().filter(|_| self.tags()) {
            tagger.get()?;
        }
        // A run that only observes makes no vectors.
        match self.observe() {
            true => Ok(()),
            false => {
                self.sources.embedders.prepare()?;
                let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
                let mut stages = streams.plans.iter().flat_map(|plan| &plan.stages);
                stages.try_for_each(|stage| stage.run.prepare())
            }
        }
    }

    /// Whether some stream is searched for personal data, or may turn out to be.
    fn tags(&self) -> bool {
        let config = &self.sources.config;
        let redacts = |unlisted: Unlisted| unlisted == Unlisted::Redact;
        let detects = |stage: &Spanned<StageSpec>| matches!(stage.value, StageSpec::Detect { .. });
        let may = redacts(config.unlisted)
            || config.streams.iter().any(|stream| {
                stream.unlisted.is_some_and(redacts) || stream.stages.iter().any(detects)
            });
        let learns = |id| !self.stream(id).learners.is_empty();
        may && self.sources.catalog.is_none() || (0..self.streams()).any(learns)
    }

    /// Number of streams heard of.
    pub fn streams(&self) -> usize {
        self.streams
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .plans
            .len()
    }

    /// Nothing is changed, everything is reported.
    pub fn observe(&self) -> bool {
        self.sources.observe
    }

    /// What becomes of lines that are no messages.
    pub fn foreign(&self) -> Shown {
        match self.sources.config.foreign_lines {
            ForeignLines::Withhold => Shown::Size,
            ForeignLines::Show => Shown::Text,
        }
    }

    /// The directory of the reject store.
    pub fn reject_to(&self) -> Option<&Path> {
        self.sources
            .config
            .reject
            .as_ref()
            .map(|reject| reject.to.as_path())
    }

    /// The second stream of a stream of this name, if it has one.
    pub fn second(&self, descriptor: &Descriptor) -> Option<String> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let plan = &streams.plans[*streams.ids.get(descriptor)?];
        plan.second.as_ref().map(|second| second.name.clone())
    }

    /// The longest line accepted, if the configuration says.
    pub fn max_line_bytes(&self) -> Option<u64> {
        self.sources.config.max_line_bytes
    }

    /// What a person should know though nothing is wrong: rules that count as proposed again,
    /// schemas that are not those of the last run.
    pub fn notes(&self) -> Vec<String> {
        let rules = self.sources.rules.values().flat_map(|file| &file.rules);
        let changed = rules.filter_map(|rule| rule.standing().1);
        let drifted = self
            .sources
            .drift
            .iter()
            .flat_map(|drift| drift.told.clone());
        changed.chain(drifted).collect()
    }

    /// What the plan is made of.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The same, to be compiled anew.
    pub fn into_sources(self) -> Sources {
        self.sources
    }

    /// The sentence that opens a run.
    pub fn greeting(&self) -> String {
        let streams = self.streams();
        let mode = if self.observe() {
            ", observing only"
        } else {
            ""
        };
        format!(
            "midflight {}: plan {}, {streams} streams in the catalog{mode}",
            env!("CARGO_PKG_VERSION"),
            self.sources.file
        )
    }
}

impl Streams {
    fn insert(&mut self, descriptor: Descriptor, plan: StreamPlan) -> StreamId {
        self.plans.push(Arc::new(plan));
        self.ids.insert(descriptor, self.plans.len() - 1);
        self.plans.len() - 1
    }

    fn route(&self, descriptor: &Descriptor) -> Option<Route> {
        let stream = *self.ids.get(descriptor)?;
        let projection = self.plans[stream].projection.clone();
        Some(Route { stream, projection })
    }
}

impl Routes for Plan {
    fn route(&self, namespace: Option<&str>, name: &str) -> Result<Route> {
        let descriptor = Descriptor {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        if let Some(route) = self
            .streams
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .route(&descriptor)
        {
            return Ok(route);
        }
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = streams.route(&descriptor) {
            return Ok(route);
        }
        if streams.plans.len() >= STREAMS_MAX {
            let message = format!("more than {STREAMS_MAX} streams");
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        let plan = self.unannounced(&descriptor)?;
        streams.insert(descriptor.clone(), plan);
        streams.route(&descriptor).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "a stream has no plan; this is a defect of midflight",
            )
        })
    }
}

impl Plan {
    /// The plan of a stream that no catalog announces.
    fn unannounced(&self, descriptor: &Descriptor) -> Result<StreamPlan> {
        let config = &self.sources.config;
        let named = config.stream_for(descriptor.namespace.as_deref(), &descriptor.name);
        if self.sources.catalog.is_some() && named.is_some() {
            let message = format!(
                "stream `{descriptor}` is not in the catalog, but the configuration has stages for it"
            );
            return Err(Error::new(ErrorKind::Policy, message).hint(
                "give the catalog of this sync; its namespaces must be those of the records",
            ));
        }
        if named.is_none() && config.unlisted == Unlisted::Fail {
            let message = format!("stream `{descriptor}` is not listed in the configuration");
            return Err(Error::new(ErrorKind::Policy, message)
                .hint("list it, or set `unlisted:` to redact, drop or pass"));
        }
        let mut problems = Problems::new();
        let plan = compile::stream(
            &self.sources,
            &self.detectors,
            descriptor,
            None,
            &mut problems,
        );
        problems.into_result()?;
        plan.ok_or_else(|| Error::new(ErrorKind::Internal, "a stream has no plan"))
    }
}

/// Detectors are shared by streams that look for the same kinds.
type SharedDetector = Arc<Detector>;
