//! One stream as the datasets that a run reads and writes.

use serde_json::Value;

use super::event::{DatasetFacets, InputDataset, InputFacets, OutputDataset, OutputFacets};
use super::facet::{Assertion, Facet, InputStatistics, LifecycleStateChange, OutputStatistics};
use super::names::Names;
use super::{columns, quality, schema, tags};
use crate::plan::{Plan, SecondStream, StreamPlan};
use crate::protocol::state::Descriptor;
use crate::report::StreamTotals;
use crate::schema::StreamSchema;

/// What a stream adds to an event.
#[derive(Debug)]
pub(super) struct Datasets {
    pub input: InputDataset,
    pub outputs: Vec<OutputDataset>,
    /// What its rules found, once the run is over.
    pub assertions: Vec<Assertion>,
}

/// The datasets of a stream; `totals` when the run is over.
pub(super) fn of_stream(
    plan: &Plan,
    stream: &StreamPlan,
    names: &Names,
    totals: Option<&StreamTotals>,
) -> Datasets {
    let read = input_schema(plan, &stream.descriptor);
    let kinds = tags::kinds(stream, &read, totals);
    let change = change(plan, &stream.descriptor);
    let source = names.source(&stream.descriptor);
    let assertions = totals.map(|totals| quality::assertions(plan, stream, totals));
    let assertions = assertions.unwrap_or_default();
    let input_facets = InputFacets {
        input_statistics: totals.map(|totals| {
            Facet::new(InputStatistics {
                row_count: totals.read,
                size: totals.bytes,
                file_count: source.files,
            })
        }),
        data_quality_metrics: totals.map(|totals| quality::metrics(totals, &source)),
        data_quality_assertions: quality::facet(&assertions),
    };
    let destination = names.destination(&stream.descriptor);
    let left = if plan.observe() {
        &read
    } else {
        &stream.schema
    };
    let mut outputs = vec![OutputDataset {
        namespace: destination.namespace,
        name: destination.name,
        facets: DatasetFacets {
            schema: schema::fields(left),
            column_lineage: columns::of_stream(stream, &source, plan.observe()),
            tags: tags::of_output(plan, stream, &kinds),
            lifecycle_state_change: change.as_deref().map(changed),
        },
        output_facets: written(totals.map(|totals| totals.emitted)),
    }];
    if let Some(of) = stream.second.as_ref().filter(|_| !plan.observe()) {
        outputs.push(second(stream, of, names, totals));
    }
    let input = InputDataset {
        facets: DatasetFacets {
            schema: schema::fields(&read),
            tags: tags::of_input(&kinds),
            lifecycle_state_change: change.as_deref().map(changed),
            ..DatasetFacets::default()
        },
        namespace: source.namespace,
        name: source.name,
        input_facets,
    };
    Datasets {
        input,
        outputs,
        assertions,
    }
}

/// The stream of chunks that is made of a stream.
fn second(
    stream: &StreamPlan,
    of: &SecondStream,
    names: &Names,
    totals: Option<&StreamTotals>,
) -> OutputDataset {
    let descriptor = Descriptor {
        namespace: stream.descriptor.namespace.clone(),
        name: of.name.clone(),
    };
    let source = names.source(&stream.descriptor);
    let called = names.destination(&descriptor);
    let schema = StreamSchema::from_json_schema(&of.json_schema).ok();
    OutputDataset {
        namespace: called.namespace,
        name: called.name,
        facets: DatasetFacets {
            schema: schema.as_ref().and_then(schema::fields),
            column_lineage: columns::of_second(&of.lineage, &source),
            ..DatasetFacets::default()
        },
        output_facets: written(totals.map(|totals| totals.chunks)),
    }
}

fn written(rows: Option<u64>) -> OutputFacets {
    OutputFacets {
        output_statistics: rows.map(|row_count| Facet::new(OutputStatistics { row_count })),
    }
}

/// A stream as its source declares it.
fn input_schema(plan: &Plan, stream: &Descriptor) -> StreamSchema {
    let catalog = plan.sources().catalog.as_ref();
    let found = catalog.and_then(|all| all.find(stream.namespace.as_deref(), &stream.name));
    let schema = found.and_then(|found| StreamSchema::from_json_schema(&found.json_schema).ok());
    schema.unwrap_or_else(StreamSchema::unknown)
}

/// What a change of its schema, if one was accepted, means for a stream's table. A stream that is gone is not read, so
/// it is no dataset of the run.
fn change(plan: &Plan, stream: &Descriptor) -> Option<String> {
    let report = &plan.sources().drift.as_ref()?.report;
    if report["outcome"] != "accepted" {
        return None;
    }
    let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned);
    let label = stream.to_string();
    let changes = report["changes"].as_array()?.iter();
    let mut words = changes
        .filter(|change| change["stream"].as_str() == Some(label.as_str()))
        .filter_map(|change| text(change, "lifecycle"));
    let first = words.next()?;
    // A stream that is new has no columns that changed.
    Some(words.fold(
        first,
        |word, other| if other == "CREATE" { other } else { word },
    ))
}

fn changed(word: &str) -> Facet<LifecycleStateChange> {
    Facet::new(LifecycleStateChange {
        lifecycle_state_change: word.to_owned(),
    })
}
