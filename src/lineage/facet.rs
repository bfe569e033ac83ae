//! The facets, each with the published schema that it follows. Copies of the schemas are in `schemas/openlineage`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::event::PRODUCER;

/// What follows a published schema.
pub trait Body {
    /// Its address below `https://openlineage.io/spec/facets/`.
    const SCHEMA: &'static str;
}

/// A facet as it is written: who made it, by which schema, and what it says.
#[derive(Debug, Serialize)]
pub struct Facet<T> {
    #[serde(rename = "_producer")]
    producer: &'static str,
    #[serde(rename = "_schemaURL")]
    schema_url: String,
    #[serde(flatten)]
    body: T,
}

impl<T: Body> Facet<T> {
    pub fn new(body: T) -> Self {
        Self {
            producer: PRODUCER,
            schema_url: format!("https://openlineage.io/spec/facets/{}", T::SCHEMA),
            body,
        }
    }
}

/// Gives facets the addresses of their schemas.
macro_rules! follows {
    ($($facet:ident: $schema:literal,)*) => {
        $(impl Body for $facet {
            const SCHEMA: &'static str = $schema;
        })*
    };
}

follows! {
    SchemaFields: "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    ColumnLineage: "1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
    Tags: "1-0-0/TagsDatasetFacet.json#/$defs/TagsDatasetFacet",
    LifecycleStateChange: "1-0-1/LifecycleStateChangeDatasetFacet.json#/$defs/LifecycleStateChangeDatasetFacet",
    InputStatistics: "1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet",
    OutputStatistics: "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
    DataQualityMetrics: "1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet",
    DataQualityAssertions: "1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet",
    Tests: "1-0-1/TestRunFacet.json#/$defs/TestRunFacet",
    NominalTime: "1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet",
    ProcessingEngine: "1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
    ParentRun: "1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet",
    ErrorMessage: "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    JobType: "2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
}

#[derive(Debug, Serialize)]
pub struct SchemaFields {
    pub fields: Vec<SchemaField>,
}

#[derive(Debug, Serialize)]
pub struct SchemaField {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    /// From 1; only columns have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal_position: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<SchemaField>,
}

#[derive(Debug, Default, Serialize)]
pub struct ColumnLineage {
    pub fields: BTreeMap<String, MadeOf>,
    /// What decides about whole rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dataset: Vec<InputField>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeOf {
    pub input_fields: Vec<InputField>,
}

#[derive(Debug, Serialize)]
pub struct InputField {
    pub namespace: String,
    pub name: String,
    pub field: String,
    pub transformations: Vec<Transformation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transformation {
    #[serde(rename = "type")]
    pub ty: &'static str,
    pub subtype: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub masking: bool,
}

#[derive(Debug, Serialize)]
pub struct Tags {
    pub tags: Vec<Tag>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Tag {
    pub key: &'static str,
    pub value: String,
    pub source: &'static str,
    pub field: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleStateChange {
    pub lifecycle_state_change: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputStatistics {
    pub row_count: u64,
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_count: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputStatistics {
    pub row_count: u64,
}

/// Counts only. What a column held least or most, or in which order, are values.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataQualityMetrics {
    pub row_count: u64,
    pub bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_count: Option<u64>,
    /// The schema asks for it.
    pub column_metrics: BTreeMap<String, ColumnMetrics>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnMetrics {
    pub null_count: u64,
}

#[derive(Debug, Serialize)]
pub struct DataQualityAssertions {
    pub assertions: Vec<Assertion>,
}

/// What a rule found in a dataset.
#[derive(Debug, Clone, Serialize)]
pub struct Assertion {
    pub assertion: &'static str,
    pub name: String,
    pub success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Rows that may fail it, and rows that did.
    pub expected: String,
    pub actual: String,
}

#[derive(Debug, Serialize)]
pub struct Tests {
    pub tests: Vec<Test>,
}

/// What a rule found in a run.
#[derive(Debug, Serialize)]
pub struct Test {
    pub name: String,
    pub status: &'static str,
    pub severity: &'static str,
    #[serde(rename = "type")]
    pub ty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub expected: String,
    pub actual: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NominalTime {
    pub nominal_start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nominal_end_time: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingEngine {
    pub version: &'static str,
    pub name: &'static str,
    pub openlineage_adapter_version: &'static str,
}

/// A job of another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobRef {
    pub namespace: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRef {
    pub run_id: String,
}

#[derive(Debug, Serialize)]
pub struct ParentRun {
    pub run: RunRef,
    pub job: JobRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<RootRun>,
}

#[derive(Debug, Serialize)]
pub struct RootRun {
    pub run: RunRef,
    pub job: JobRef,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorMessage {
    pub message: String,
    pub programming_language: &'static str,
    /// The sort of failure in one word. The schema leaves room for it.
    pub error_class: &'static str,
    /// Whether the same run may succeed when it is started again.
    pub retry: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobType {
    pub processing_type: &'static str,
    pub integration: &'static str,
    pub job_type: String,
}
