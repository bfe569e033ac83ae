//! The catalog to compare with next time: that of now, but for what was not accepted.
//!
//! A column whose values were discarded, or masked until somebody classifies it, stays unknown, so that it is met as new
//! again; one that kept an earlier type keeps it here too.

use serde_json::Value;

use super::change::{Change, Kind};
use super::decide::Decision;
use crate::error::Result;
use crate::plan::config::Answer;
use crate::protocol::catalog::{ConfiguredCatalog, ConfiguredStream};
use crate::schema::StreamSchema;
use crate::schema::path::{Path, Segment};

/// The catalog as it was accepted, as JSON text.
///
/// # Errors
/// `Catalog` when a schema cannot be read.
pub fn accepted(
    before: &ConfiguredCatalog,
    now: &ConfiguredCatalog,
    decisions: &[Decision],
) -> Result<String> {
    let mut catalog = now.clone();
    for stream in catalog.streams_mut() {
        let of = |decision: &&Decision| {
            let other = &decision.change.stream;
            (&other.namespace, &other.name) == (&stream.namespace, &stream.name)
        };
        let open: Vec<&Decision> = decisions
            .iter()
            .filter(of)
            .filter(|decision| decision.answer() != Answer::Evolve)
            .collect();
        if open.is_empty() {
            continue;
        }
        let earlier = before.find(stream.namespace.as_deref(), &stream.name);
        revert(stream, earlier, &open)?;
    }
    let refused: Vec<_> = decisions
        .iter()
        .filter(|decision| {
            let discards = [Answer::DiscardValue, Answer::DiscardRow];
            decision.change.kind == Kind::StreamAdded && discards.contains(&decision.change_answer)
        })
        .map(|decision| &decision.change.stream)
        .collect();
    let mut json = catalog.to_json();
    let streams = json.get_mut("streams").and_then(Value::as_array_mut);
    if let Some(streams) = streams {
        streams.retain(|entry| {
            let named = |key: &str| {
                entry
                    .pointer(&format!("/stream/{key}"))
                    .and_then(Value::as_str)
            };
            refused.iter().all(|stream| {
                named("name") != Some(stream.name.as_str())
                    || named("namespace") != stream.namespace.as_deref()
            })
        });
    }
    let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
    text.push('\n');
    Ok(text)
}

fn revert(
    stream: &mut ConfiguredStream,
    earlier: Option<&ConfiguredStream>,
    open: &[&Decision],
) -> Result<()> {
    let mut schema = StreamSchema::from_json_schema(&stream.json_schema)?;
    let mut demanded = Vec::new();
    for decision in open {
        let change = &decision.change;
        let discarded = decision.change_answer != Answer::Evolve;
        match (&change.kind, &change.path) {
            (Kind::ColumnAdded, Some(path)) if discarded => forget(&mut schema, path),
            (Kind::ColumnRenamed { from, .. }, Some(path)) if discarded => {
                forget(&mut schema, path);
                keep_missing(&mut schema, from, change);
            }
            (Kind::ColumnAdded | Kind::ColumnRenamed { .. } | Kind::StreamAdded, _) => {
                change
                    .personal
                    .iter()
                    .for_each(|found| forget(&mut schema, &found.path));
            }
            (Kind::Widened | Kind::Narrowed | Kind::FamilyChanged, Some(path)) => {
                // What cannot be named any more has nothing to be restored.
                let _ = schema.rewrite(path, change.before.clone(), "drift", false);
            }
            (Kind::BecameNullable, Some(path)) => demanded.push(path.clone()),
            _ => {}
        }
    }
    stream.json_schema = schema.to_json_schema();
    for path in &demanded {
        demand(&mut stream.json_schema, earlier, path);
    }
    Ok(())
}

/// Takes a column out; of an array's elements, the array.
fn forget(schema: &mut StreamSchema, path: &Path) {
    let mut segments = path.segments().to_vec();
    while matches!(segments.last(), Some(Segment::Items | Segment::Any)) {
        segments.pop();
    }
    if let Some(path) = Path::new(segments) {
        // A place that an earlier change took out with what holds it is gone.
        let _ = schema.remove(&path);
    }
}

/// A top-level column that is gone, as long as what came in its place is not accepted.
fn keep_missing(schema: &mut StreamSchema, from: &Path, change: &Change) {
    if let (Some(name), Some(ty)) = (from.as_key(), &change.before) {
        let _ = schema.add(name, ty.clone(), &[], "drift");
    }
}

/// Declares a column as it was: required, and without null.
fn demand(schema: &mut Value, earlier: Option<&ConfiguredStream>, path: &Path) {
    let Some(earlier) = earlier.and_then(|earlier| property(&earlier.json_schema, path)) else {
        return;
    };
    let earlier = earlier.clone();
    let Some((Segment::Key(name), parents)) = path.segments().split_last() else {
        return;
    };
    let Some(object) = object_mut(schema, parents) else {
        return;
    };
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(name.clone(), earlier);
    }
    let required = object.as_object_mut().map(|object| {
        object
            .entry("required")
            .or_insert_with(|| Value::Array(Vec::new()))
    });
    if let Some(names) = required.and_then(Value::as_array_mut)
        && !names.iter().any(|known| known.as_str() == Some(name))
    {
        names.push(Value::from(name.as_str()));
    }
}

fn property<'v>(schema: &'v Value, path: &Path) -> Option<&'v Value> {
    path.segments()
        .iter()
        .try_fold(schema, |schema, segment| match segment {
            Segment::Key(name) => schema.get("properties")?.get(name),
            Segment::Items => schema.get("items"),
            Segment::Any => None,
        })
}

fn object_mut<'v>(schema: &'v mut Value, parents: &[Segment]) -> Option<&'v mut Value> {
    parents
        .iter()
        .try_fold(schema, |schema, segment| match segment {
            Segment::Key(name) => schema.get_mut("properties")?.get_mut(name),
            Segment::Items => schema.get_mut("items"),
            Segment::Any => None,
        })
}
