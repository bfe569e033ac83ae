//! What rules and counts say about the records that were read.

use std::collections::BTreeMap;

use super::facet::{Assertion, DataQualityAssertions, DataQualityMetrics, Facet, Test};
use super::names::Called;
use super::schema::named;
use crate::plan::rules::{RuleSpec, Status};
use crate::plan::{Plan, StreamPlan};
use crate::report::StreamTotals;
use crate::stage::rules::Severity;

/// Counts of the records that were read. Nothing is known of single columns.
pub(super) fn metrics(totals: &StreamTotals, called: &Called) -> Facet<DataQualityMetrics> {
    Facet::new(DataQualityMetrics {
        row_count: totals.read,
        bytes: totals.bytes,
        file_count: called.files,
        column_metrics: BTreeMap::new(),
    })
}

/// What each rule of a stream found: none of the rows may fail it, and so many did.
pub(super) fn assertions(
    plan: &Plan,
    stream: &StreamPlan,
    totals: &StreamTotals,
) -> Vec<Assertion> {
    let rules = rules(plan, stream);
    let asserted = rules.map(|rule| {
        let failed = totals.violations.get(&rule.id).copied().unwrap_or(0);
        Assertion {
            assertion: rule.form.name(),
            name: rule.id.clone(),
            success: failed == 0,
            column: match rule.columns.as_slice() {
                [column] => named(column),
                _ => None,
            },
            severity: severity(rule.severity),
            description: rule.description.clone(),
            expected: "0".to_owned(),
            actual: failed.to_string(),
        }
    });
    asserted.collect()
}

/// The same for the dataset.
pub(super) fn facet(assertions: &[Assertion]) -> Option<Facet<DataQualityAssertions>> {
    let assertions = assertions.to_vec();
    (!assertions.is_empty()).then(|| Facet::new(DataQualityAssertions { assertions }))
}

/// The same for the run, whose tests are told apart by their stream.
pub(super) fn test(stream: &str, assertion: &Assertion) -> Test {
    Test {
        name: format!("{stream}.{}", assertion.name),
        status: if assertion.success { "pass" } else { "fail" },
        severity: assertion.severity,
        ty: assertion.assertion,
        description: assertion.description.clone(),
        expected: assertion.expected.clone(),
        actual: assertion.actual.clone(),
    }
}

/// The rules that run on a stream.
fn rules<'a>(plan: &'a Plan, stream: &StreamPlan) -> impl Iterator<Item = &'a RuleSpec> {
    let descriptor = &stream.descriptor;
    let config = &plan.sources().config;
    let listed = config.stream_for(descriptor.namespace.as_deref(), &descriptor.name);
    let file = listed.and_then(|listed| plan.sources().rules.get(&listed.rules.as_ref()?.value));
    let rules = file.into_iter().flat_map(|file| &file.rules);
    rules.filter(|rule| rule.status != Status::Retired)
}

/// The two words that catalogues know.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning | Severity::Info => "warn",
    }
}
