//! An event and what it speaks of, as they are written.

use serde::Serialize;

use super::facet::{
    ColumnLineage, DataQualityAssertions, DataQualityMetrics, ErrorMessage, Facet, InputStatistics,
    JobType, LifecycleStateChange, NominalTime, OutputStatistics, ParentRun, ProcessingEngine,
    SchemaFields, Tags, Tests,
};

/// Who makes the events.
pub const PRODUCER: &str = concat!("urn:midflight:", env!("CARGO_PKG_VERSION"));

/// The schema of an event.
const RUN_EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// What has become of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventType {
    Start,
    Complete,
    Fail,
}

/// One event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEvent {
    pub event_type: EventType,
    /// In RFC 3339.
    pub event_time: String,
    pub run: Run,
    pub job: Job,
    pub inputs: Vec<InputDataset>,
    pub outputs: Vec<OutputDataset>,
    producer: &'static str,
    #[serde(rename = "schemaURL")]
    schema_url: &'static str,
}

impl RunEvent {
    pub(super) fn new(event_type: EventType, event_time: String, run: Run, job: Job) -> Self {
        Self {
            event_type,
            event_time,
            run,
            job,
            inputs: Vec::new(),
            outputs: Vec::new(),
            producer: PRODUCER,
            schema_url: RUN_EVENT,
        }
    }

    /// As one line of JSON, without its newline.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub run_id: String,
    pub facets: RunFacets,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nominal_time: Option<Facet<NominalTime>>,
    #[serde(rename = "processing_engine", skip_serializing_if = "Option::is_none")]
    pub processing_engine: Option<Facet<ProcessingEngine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Facet<ParentRun>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<Facet<ErrorMessage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Facet<Tests>>,
}

#[derive(Debug, Serialize)]
pub struct Job {
    pub namespace: String,
    pub name: String,
    pub facets: JobFacets,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobFacets {
    pub job_type: Facet<JobType>,
}

/// What both sorts of datasets say.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatasetFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Facet<SchemaFields>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_lineage: Option<Facet<ColumnLineage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Facet<Tags>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_state_change: Option<Facet<LifecycleStateChange>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputDataset {
    pub namespace: String,
    pub name: String,
    pub facets: DatasetFacets,
    pub input_facets: InputFacets,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_statistics: Option<Facet<InputStatistics>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_quality_metrics: Option<Facet<DataQualityMetrics>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_quality_assertions: Option<Facet<DataQualityAssertions>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputDataset {
    pub namespace: String,
    pub name: String,
    pub facets: DatasetFacets,
    pub output_facets: OutputFacets,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_statistics: Option<Facet<OutputStatistics>>,
}
