//! A catalog on its way to the destination, and on its way back to the source.
//!
//! | the source's | the destination's |
//! |---|---|
//! | | a column that a stage adds, a second stream |
//! | a column that a stage removes | |
//! | a column's name and type | its new name and type |
//!
//! The way there follows from the compiled stages. The way back is walked by the specs, last stage first. What it
//! cannot tell (what was removed, which type a value had) the source's own catalog says; [`Plan::asks_source`] knows
//! where that is so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Plan;
use super::chosen::Chosen;
use super::config::StreamConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::{ConfiguredCatalog, ConfiguredStream};
use crate::protocol::state::Descriptor;
use crate::schema::StreamSchema;
use crate::schema::path::{Path, Segment};
use crate::stage::check::ANNOTATION;
use crate::stage::spec::{EmbedInto, Operator, StageSpec};

impl Plan {
    /// The catalog with the types, names and columns that leave the last stage. Everything else in it stays as it is.
    ///
    /// # Errors
    /// `Usage` when the plan has no catalog.
    pub fn rewritten_catalog(&self) -> Result<Value> {
        let Some(catalog) = &self.sources.catalog else {
            return Err(
                Error::new(ErrorKind::Usage, "there is no catalog to rewrite")
                    .hint("give it with --catalog"),
            );
        };
        let mut catalog = catalog.clone();
        let mut seconds = Vec::new();
        for stream in catalog.streams_mut() {
            let descriptor = descriptor(stream);
            let streams = self
                .streams
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(&id) = streams.ids.get(&descriptor) {
                let plan = &streams.plans[id];
                stream.json_schema = plan.schema.to_json_schema();
                if let Some(second) = &plan.second {
                    seconds.push(stream.second(&second.name, second.json_schema.clone()));
                }
            }
            for stage in self.listed(stream).iter().flat_map(|listed| &listed.stages) {
                if let StageSpec::Rename { from, to } = &stage.value {
                    let from: &Path = from;
                    stream.renamed(from, to);
                }
            }
        }
        seconds
            .into_iter()
            .for_each(|second| catalog.append(second));
        Ok(catalog.to_json())
    }

    /// Whether a rewritten catalog can only be led back with the help of the source's own: where columns are removed,
    /// where values get another type, and where the source's schema is compared with an earlier one.
    pub fn asks_source(&self, given: &ConfiguredCatalog) -> bool {
        let loses = |stage: &StageSpec| match stage {
            StageSpec::Drop(_) | StageSpec::Cast { .. } => true,
            // Nothing else keeps the type of every value.
            StageSpec::Mask { with, .. } => !matches!(with, Operator::Nullify),
            _ => false,
        };
        let mut streams = given.streams().iter();
        self.sources.config.drift.is_some()
            || streams.any(|stream| {
                let listed = self.listed(stream);
                listed.is_some_and(|listed| listed.stages.iter().any(|stage| loses(&stage.value)))
            })
    }

    /// The catalog as the source knows it, in which everything is declared that the stages may name, and what of it was
    /// chosen. `source` is what the source has, where that is known.
    ///
    /// # Errors
    /// `Catalog` when a second stream was chosen without the stream that it is made of.
    pub fn source_catalog(
        &self,
        given: &ConfiguredCatalog,
        source: Option<&ConfiguredCatalog>,
    ) -> Result<(ConfiguredCatalog, Chosen)> {
        let seconds = self.seconds(given, source)?;
        let mut catalog = given.clone();
        catalog.retain(|stream| !seconds.contains_key(&descriptor(stream)));
        let mut chosen = Chosen {
            offered: source.map(|all| all.streams().iter().map(descriptor).collect()),
            ..Chosen::default()
        };
        for stream in catalog.streams_mut() {
            let listed = self.listed(stream);
            let descriptor = descriptor(stream);
            let second = listed.is_some_and(makes_second);
            if second && !seconds.values().any(|first| *first == descriptor) {
                chosen.without_second.insert(descriptor.clone());
            }
            let given = stream.json_schema.clone();
            lead_back(stream, listed)?;
            let has = source.and_then(|all| all.find(stream.namespace.as_deref(), &stream.name));
            if let Some(has) = has {
                stream.json_schema = has.json_schema.clone();
            }
            let left_out = left_out(&given, &stream.json_schema, listed)?;
            if !left_out.is_empty() {
                chosen.left_out.insert(descriptor, left_out);
            }
        }
        Ok((catalog, chosen))
    }

    /// The catalog that the source is asked with: what was chosen, and what the stages read.
    pub fn asked_catalog(&self) -> Result<Value> {
        let (Some(catalog), Some(chosen)) = (&self.sources.catalog, &self.sources.chosen) else {
            return Err(Error::new(ErrorKind::Internal, "nothing was chosen"));
        };
        let mut catalog = catalog.clone();
        for stream in catalog.streams_mut() {
            let descriptor = descriptor(stream);
            let Some(left_out) = chosen.left_out.get(&descriptor) else {
                continue;
            };
            let read = self.read_of(&descriptor);
            let listed = self.listed(stream);
            let mut schema = StreamSchema::from_json_schema(&stream.json_schema)?;
            for column in names(&schema, listed) {
                let (Some(name), Some(leaves_as)) = (column.comes_as, column.leaves_as) else {
                    continue;
                };
                let path = Path::key(&name);
                let kept = stream.is_key(&path) || stream.is_cursor(&path);
                if left_out.contains(&leaves_as) && !kept && !read.contains(&name) {
                    // It is declared, as it was just listed.
                    let _ = schema.remove(&path);
                }
            }
            stream.json_schema = schema.to_json_schema();
        }
        Ok(catalog.to_json())
    }

    /// The top-level columns that the stages of a stream read.
    fn read_of(&self, descriptor: &Descriptor) -> BTreeSet<String> {
        let streams = self
            .streams
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let plan = streams.ids.get(descriptor).map(|id| &streams.plans[*id]);
        let read = plan.into_iter().flat_map(|plan| &plan.read);
        read.filter_map(|path| path.top().map(str::to_owned))
            .collect()
    }

    fn listed(&self, stream: &ConfiguredStream) -> Option<&StreamConfig> {
        let config = &self.sources.config;
        config.stream_for(stream.namespace.as_deref(), &stream.name)
    }

    /// The second streams among those that were chosen, and what each is made of.
    fn seconds(
        &self,
        given: &ConfiguredCatalog,
        source: Option<&ConfiguredCatalog>,
    ) -> Result<BTreeMap<Descriptor, Descriptor>> {
        let mut seconds = BTreeMap::new();
        let firsts = given.streams().iter();
        for stream in firsts.filter(|stream| self.listed(stream).is_some_and(makes_second)) {
            let first = descriptor(stream);
            let name = second_name(&first.name);
            let namespace = first.namespace.as_deref();
            let of_source = source.is_some_and(|all| all.find(namespace, &name).is_some());
            if !of_source && given.find(namespace, &name).is_some() {
                let namespace = first.namespace.clone();
                seconds.insert(Descriptor { namespace, name }, first);
            }
        }
        // A pattern may fit a second stream too, but nothing is made of that.
        let all: BTreeSet<Descriptor> = seconds.keys().cloned().collect();
        seconds.retain(|_, first| !all.contains(first));
        for stream in given.streams() {
            let namespace = stream.namespace.as_deref();
            let Some(first) = stream.name.strip_suffix(SECOND) else {
                continue;
            };
            let listed = self.sources.config.stream_for(namespace, first);
            let made =
                listed.is_some_and(|listed| makes_second(listed) && !listed.pattern.is_glob());
            let known = source.is_some_and(|all| all.find(namespace, &stream.name).is_some());
            if made && !known && given.find(namespace, first).is_none() {
                let message = format!(
                    "stream {} is made of `{first}`, which was not chosen",
                    stream.label()
                );
                return Err(
                    Error::new(ErrorKind::Catalog, message).hint("choose both, or neither of them")
                );
            }
        }
        Ok(seconds)
    }
}

/// What the name of a second stream ends in.
const SECOND: &str = "_chunks";

/// The name of the stream of chunks that is made of a stream.
pub(super) fn second_name(first: &str) -> String {
    format!("{first}{SECOND}")
}

fn makes_second(listed: &StreamConfig) -> bool {
    let mut stages = listed.stages.iter();
    stages.any(|stage| match &stage.value {
        StageSpec::Embed(spec) => spec.into == EmbedInto::Stream,
        _ => false,
    })
}

fn descriptor(stream: &ConfiguredStream) -> Descriptor {
    Descriptor {
        namespace: stream.namespace.clone(),
        name: stream.name.clone(),
    }
}

/// Undoes what stages did to names, keys and cursors of a stream, and removes what they added.
fn lead_back(stream: &mut ConfiguredStream, listed: Option<&StreamConfig>) -> Result<()> {
    let Some(listed) = listed else {
        return Ok(());
    };
    let mut schema = StreamSchema::from_json_schema(&stream.json_schema)?;
    // A column that was not chosen is not there to be removed or renamed.
    let remove = |schema: &mut StreamSchema, name: &str| drop(schema.remove(&Path::key(name)));
    for stage in listed.stages.iter().rev() {
        if let StageSpec::Rename { from, to } = &stage.value {
            let now = from.with_leaf(to);
            if let Some(before) = from.leaf() {
                let _ = schema.rename(&now, before);
                stream.renamed(&now, before);
            }
        }
        for name in added(&stage.value) {
            remove(&mut schema, name);
        }
    }
    if listed.rules.is_some() {
        remove(&mut schema, ANNOTATION);
    }
    stream.json_schema = schema.to_json_schema();
    Ok(())
}

/// The columns of a stream that would leave, and were not chosen.
fn left_out(given: &Value, source: &Value, listed: Option<&StreamConfig>) -> Result<Vec<String>> {
    let Some(given) = given.get("properties").and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let schema = StreamSchema::from_json_schema(source)?;
    let leaving = names(&schema, listed)
        .into_iter()
        .filter_map(|column| column.leaves_as);
    Ok(leaving.filter(|name| !given.contains_key(name)).collect())
}

/// A top-level column on its way.
struct Column {
    /// Its name in the source; `None` where a stage adds it.
    comes_as: Option<String>,
    /// The name that it leaves with; `None` where a stage removes it.
    leaves_as: Option<String>,
}

/// The top-level columns that a source has, and that stages add.
fn names(schema: &StreamSchema, listed: Option<&StreamConfig>) -> Vec<Column> {
    let columns = schema.columns().map(|(name, _)| name.to_owned());
    let mut columns: Vec<Column> = columns
        .map(|name| Column {
            comes_as: Some(name.clone()),
            leaves_as: Some(name),
        })
        .collect();
    let stages = listed.into_iter().flat_map(|listed| &listed.stages);
    for stage in stages {
        let (paths, to): (&[Path], _) = match &stage.value {
            StageSpec::Rename { from, to } => (std::slice::from_ref(from), Some(to)),
            StageSpec::Drop(paths) => (paths, None),
            other => {
                let added = added(other).into_iter().map(|name| Column {
                    comes_as: None,
                    leaves_as: Some(name.to_owned()),
                });
                columns.extend(added);
                continue;
            }
        };
        for path in paths {
            let [Segment::Key(key)] = path.segments() else {
                continue;
            };
            let named = columns
                .iter_mut()
                .find(|column| column.leaves_as.as_ref() == Some(key));
            if let Some(column) = named {
                column.leaves_as = to.cloned();
            }
        }
    }
    columns
}

/// The columns that a stage adds.
fn added(stage: &StageSpec) -> Vec<&str> {
    match stage {
        StageSpec::Derive { column, .. } => vec![column],
        StageSpec::Split(split) => vec![&split.into],
        StageSpec::Classify(spec) => {
            let score = spec.score_into.iter().map(String::as_str);
            std::iter::once(&*spec.into).chain(score).collect()
        }
        StageSpec::Embed(spec) => match &spec.into {
            EmbedInto::Vector(column) | EmbedInto::Chunks(column) => vec![column],
            EmbedInto::Stream => Vec::new(),
        },
        StageSpec::Check => vec![ANNOTATION],
        _ => Vec::new(),
    }
}
