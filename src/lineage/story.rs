//! A run's own story: the event it begins with, and the one it ends with.

use chrono::{DateTime, SecondsFormat, Utc};

use super::dataset;
use super::event::{EventType, Job, JobFacets, Run, RunEvent, RunFacets};
use super::facet::{
    ErrorMessage, Facet, JobRef, JobType, NominalTime, ParentRun, ProcessingEngine, RootRun,
    RunRef, Tests,
};
use super::names::{Names, word};
use super::quality;
use crate::error::Error;
use crate::plan::Plan;
use crate::report::Totals;

/// The most streams that one event speaks of.
const STREAMS_MAX: usize = 1_000;

/// The most tests that one event lists.
const TESTS_MAX: usize = 5_000;

/// The run of another program that this one is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// A UUID.
    pub run: String,
    pub job: JobRef,
    /// The run that everything began with, by the same two.
    pub root: Option<(String, JobRef)>,
}

/// What is told of a run.
#[derive(Debug)]
pub struct Story<'a> {
    pub plan: &'a Plan,
    /// The words of its command.
    pub command: &'static str,
    /// A UUID.
    pub run: String,
    pub began: DateTime<Utc>,
    pub names: Names,
    pub parent: Option<Parent>,
}

impl Story<'_> {
    /// What is known before the first record: the streams of the catalog, and what will become of them.
    pub fn begun(&self) -> RunEvent {
        let facets = self.facets(None);
        let mut event = self.event(EventType::Start, self.began, facets);
        self.add_streams(&mut event, None);
        event
    }

    /// The same with what has become of them, at `now`.
    pub fn ended(&self, totals: &Totals, failed: Option<&Error>, now: DateTime<Utc>) -> RunEvent {
        let event_type = match failed {
            Some(_) => EventType::Fail,
            None => EventType::Complete,
        };
        let mut facets = self.facets(Some(now));
        facets.error_message = failed.map(|error| {
            Facet::new(ErrorMessage {
                message: error.to_string(),
                programming_language: "RUST",
                error_class: error.kind().word(),
                retry: error.kind().outcome().retry,
            })
        });
        let mut event = self.event(event_type, now, facets);
        self.add_streams(&mut event, Some(totals));
        event
    }

    /// How many streams there is no room for.
    pub fn left_out(&self) -> usize {
        self.plan.streams().saturating_sub(STREAMS_MAX)
    }

    fn event(&self, event_type: EventType, at: DateTime<Utc>, facets: RunFacets) -> RunEvent {
        let run = Run {
            run_id: self.run.clone(),
            facets,
        };
        let job = Job {
            namespace: self.names.namespace.clone(),
            name: self.names.job.clone(),
            facets: JobFacets {
                job_type: Facet::new(JobType {
                    processing_type: "BATCH",
                    integration: "MIDFLIGHT",
                    job_type: word(self.command).to_uppercase(),
                }),
            },
        };
        RunEvent::new(event_type, moment(at), run, job)
    }

    fn facets(&self, ended: Option<DateTime<Utc>>) -> RunFacets {
        let version = env!("CARGO_PKG_VERSION");
        RunFacets {
            nominal_time: Some(Facet::new(NominalTime {
                nominal_start_time: moment(self.began),
                nominal_end_time: ended.map(moment),
            })),
            processing_engine: Some(Facet::new(ProcessingEngine {
                version,
                name: "midflight",
                openlineage_adapter_version: version,
            })),
            parent: self.parent.as_ref().map(|parent| {
                let run = |id: &String| RunRef { run_id: id.clone() };
                Facet::new(ParentRun {
                    run: run(&parent.run),
                    job: parent.job.clone(),
                    root: parent.root.as_ref().map(|(id, job)| RootRun {
                        run: run(id),
                        job: job.clone(),
                    }),
                })
            }),
            ..RunFacets::default()
        }
    }

    /// Adds every stream, by its name: those that no catalog announces are numbered as workers hear of them.
    fn add_streams(&self, event: &mut RunEvent, totals: Option<&Totals>) {
        let mut streams: Vec<_> = (0..self.plan.streams())
            .map(|id| (self.plan.stream(id), id))
            .collect();
        streams.sort_by(|(one, _), (other, _)| one.descriptor.cmp(&other.descriptor));
        let mut tests = Vec::new();
        let none = crate::report::StreamTotals::default();
        for (stream, id) in streams.iter().take(STREAMS_MAX) {
            let counts = totals.map(|totals| totals.of(*id).unwrap_or(&none));
            let of = dataset::of_stream(self.plan, stream, &self.names, counts);
            let label = stream.descriptor.to_string();
            let found = of.assertions.iter();
            tests.extend(found.map(|assertion| quality::test(&label, assertion)));
            event.inputs.push(of.input);
            event.outputs.extend(of.outputs);
        }
        tests.truncate(TESTS_MAX);
        event.run.facets.test = (!tests.is_empty()).then(|| Facet::new(Tests { tests }));
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
