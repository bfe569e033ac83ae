//! Which fields hold personal data, of which kind, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use super::facet::{Facet, Tag, Tags};
use super::schema::named;
use crate::detect::column::Decision;
use crate::detect::{Library, kind_of_name};
use crate::plan::config::Spanned;
use crate::plan::{Plan, StreamPlan};
use crate::report::StreamTotals;
use crate::schema::StreamSchema;
use crate::schema::path::Path;
use crate::stage::spec::StageSpec;

/// The most tags of one dataset.
const TAGS_MAX: usize = 5_000;

/// Who says so.
const SOURCE: &str = "MIDFLIGHT";

/// Kinds of personal data by the column they were found in, under its name in the input.
pub(super) type Kinds = BTreeMap<String, BTreeSet<String>>;

/// The kinds that are known of a stream: those that were found, those that columns were decided to be, and what the
/// names of masked columns say. Columns are those of `input`: keys that nothing declares may be values.
pub(super) fn kinds(
    stream: &StreamPlan,
    input: &StreamSchema,
    totals: Option<&StreamTotals>,
) -> Kinds {
    let mut kinds = Kinds::new();
    let mut note = |column: &str, kind: &str| {
        let path = column.parse::<Path>().ok();
        if !path.is_some_and(|path| declared(input, &path)) || !is_kind(kind) {
            return;
        }
        let of = kinds.entry(column.to_owned()).or_default();
        of.insert(kind.to_owned());
    };
    for (column, found) in totals.iter().flat_map(|totals| &totals.findings) {
        found.keys().for_each(|kind| note(column, kind));
    }
    for learning in stream.learners() {
        for (known, _) in learning.learner.columns() {
            if let Decision::Personal(kind) = known.verdict.decision {
                note(&known.place.path, learning.detector.kind_name(kind));
            }
        }
    }
    if let Ok(library) = Library::builtin() {
        for line in stream.schema.lineage().iter().filter(|line| line.masking) {
            for input in line.inputs.iter().map(ToString::to_string) {
                if let Some(kind) = kind_of_name(library, &input) {
                    note(&input, kind);
                }
            }
        }
    }
    kinds
}

/// Whether the schema names what lies there. Without a schema, columns are known and nothing inside them.
fn declared(schema: &StreamSchema, path: &Path) -> bool {
    match schema.is_known() {
        true => schema.declares(path),
        false => path.as_key().is_some_and(|name| name != UNDECLARED),
    }
}

/// What the report calls columns that no catalog declares.
const UNDECLARED: &str = "(undeclared)";

/// The report counts other things among findings, in lower case.
fn is_kind(kind: &str) -> bool {
    kind.chars()
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
}

/// The tags of a stream where it is read.
pub(super) fn of_input(kinds: &Kinds) -> Option<Facet<Tags>> {
    let mut tags = Vec::new();
    for (column, kinds) in kinds {
        let field = column.parse::<Path>().ok().and_then(|path| named(&path));
        let Some(field) = field else { continue };
        tags.extend(kinds.iter().map(|kind| tag("pii", kind.clone(), &field)));
    }
    facet(tags)
}

/// The tags of a stream where it is written: what a field is made of, and how that is masked.
pub(super) fn of_output(plan: &Plan, stream: &StreamPlan, kinds: &Kinds) -> Option<Facet<Tags>> {
    if plan.observe() {
        return of_input(kinds);
    }
    let descriptor = &stream.descriptor;
    let config = &plan.sources().config;
    let listed = config.stream_for(descriptor.namespace.as_deref(), &descriptor.name);
    let stages = listed.map_or(&[][..], |listed| listed.stages.as_slice());
    let mut tags = Vec::new();
    let tops = stream.schema.columns().map(|(name, _)| Path::key(name));
    let inside = stream.schema.leaves().into_iter().map(|(path, _)| path);
    let inside = inside.filter(|path| path.segments().len() > 1);
    for path in tops.chain(inside) {
        let (line, Some(field)) = (stream.schema.origin(&path), named(&path)) else {
            continue;
        };
        let inputs = line.inputs.iter().map(ToString::to_string);
        let held: BTreeSet<&String> = inputs
            .filter_map(|input| kinds.get(&input))
            .flatten()
            .collect();
        tags.extend(held.iter().map(|kind| tag("pii", (*kind).clone(), &field)));
        let hidden: BTreeSet<String> = line
            .stages
            .iter()
            .filter_map(|stage| hides(stage, stages))
            .collect();
        let searched = stream.projection.is_some() && !held.is_empty();
        match hidden.is_empty() && searched {
            // Nothing names the column, so whatever was found there is redacted.
            true => tags.push(tag("masked", "redact".to_owned(), &field)),
            false => tags.extend(hidden.into_iter().map(|with| tag("masked", with, &field))),
        }
    }
    facet(tags)
}

/// What a stage of this text masks with.
fn hides(text: &str, stages: &[Spanned<StageSpec>]) -> Option<String> {
    let detects = text == "detect";
    let mut found = stages.iter().filter_map(|stage| match &stage.value {
        StageSpec::Mask { column, with } if text == format!("mask {column}") => Some(with),
        StageSpec::Detect { with, .. } if detects => Some(with),
        _ => None,
    });
    let Some(with) = found.next() else {
        // A stream that the configuration does not list is searched all the same.
        return detects.then(|| "redact".to_owned());
    };
    let value = serde_json::to_value(with).ok()?;
    value["with"].as_str().map(str::to_owned)
}

fn tag(key: &'static str, value: String, field: &str) -> Tag {
    Tag {
        key,
        value,
        source: SOURCE,
        field: field.to_owned(),
    }
}

fn facet(mut tags: Vec<Tag>) -> Option<Facet<Tags>> {
    tags.truncate(TAGS_MAX);
    (!tags.is_empty()).then(|| Facet::new(Tags { tags }))
}
