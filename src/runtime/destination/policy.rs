//! What a sync does with rows that are already there, stream by stream.
//!
//! | the catalog says | rows of this sync | when the stream is complete |
//! |---|---|---|
//! | `minimum_generation_id` 0 | seen with every commit | |
//! | `minimum_generation_id` = `generation_id` | wait | are seen, earlier generations are deleted |
//! | `overwrite` without ids | wait, as a new generation | are seen, the generation before is kept aside |
//! | `append` without ids | seen with every commit | |
//!
//! With ids the platform says of each stream that it is complete; without them the end of the input has to do,
//! which a source that failed reaches too: therefore the generation before is kept until the next one.

use std::collections::{BTreeMap, HashSet};

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode};
use crate::protocol::state::Descriptor;
use crate::runtime::stage::View;
use crate::runtime::stage::entry::{Earlier, Name, Publish};
use crate::runtime::tables::Belonging;

/// What becomes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub belonging: Belonging,
    /// What happens to earlier generations at the end, if anything does.
    replaces: Option<Earlier>,
    /// The end of the input is not enough: the platform says when the stream is complete.
    needs_complete: bool,
    /// What an earlier run left waiting belongs to this one.
    pub continues: bool,
}

/// The policies of a catalog's streams.
#[derive(Debug, Default)]
pub struct Policies(BTreeMap<Descriptor, Policy>);

impl Policies {
    /// Reads them off a catalog. `job` names what the platform may start several times.
    ///
    /// # Errors
    /// `Catalog` for modes that keep rows by their keys, and for ids that contradict one another.
    pub fn of(catalog: &ConfiguredCatalog, view: &View, job: Option<&str>) -> Result<Self> {
        let policies = catalog.streams().iter().map(|stream| {
            let descriptor = Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            };
            let policy = policy(stream, &Name::from(&descriptor), view, job)?;
            Ok((descriptor, policy))
        });
        policies.collect::<Result<_>>().map(Self)
    }

    /// Lets rows wait that would be seen with every commit, and leaves nothing of a run that did not reach its end.
    pub fn wait_for_the_end(&mut self) {
        for policy in self.0.values_mut() {
            policy.belonging.pending = true;
            policy.replaces.get_or_insert(Earlier::Stay);
            policy.continues = false;
        }
    }

    /// The policy of a stream.
    pub fn get(&self, stream: &Descriptor) -> Option<&Policy> {
        self.0.get(stream)
    }

    /// The streams.
    pub fn streams(&self) -> impl Iterator<Item = (&Descriptor, &Policy)> {
        self.0.iter()
    }

    /// Whether a stream's input has not come to its end, though the platform would have said so.
    pub fn is_cut_short(&self, stream: &Descriptor, complete: &HashSet<Descriptor>) -> bool {
        let policy = self.0.get(stream);
        policy.is_some_and(|policy| policy.needs_complete) && !complete.contains(stream)
    }

    /// What is published once the input has ended, and the streams that are not complete.
    pub fn published(
        &self,
        complete: &HashSet<Descriptor>,
        second: impl Fn(&Descriptor) -> Option<String>,
    ) -> (Vec<Publish>, Vec<&Descriptor>) {
        let (mut published, mut missing) = (Vec::new(), Vec::new());
        for (stream, policy) in &self.0 {
            let Some(earlier) = policy.replaces else {
                continue;
            };
            if policy.needs_complete && !complete.contains(stream) {
                missing.push(stream);
                continue;
            }
            let name = Name::from(stream);
            let follower = second(stream).map(|second| Name {
                name: second,
                ..name.clone()
            });
            published.extend(
                [Some(name), follower]
                    .into_iter()
                    .flatten()
                    .map(|stream| Publish {
                        stream,
                        generation: policy.belonging.generation,
                        earlier,
                    }),
            );
        }
        (published, missing)
    }
}

fn policy(
    stream: &ConfiguredStream,
    name: &Name,
    view: &View,
    job: Option<&str>,
) -> Result<Policy> {
    let wrong = |message: String| {
        Error::new(
            ErrorKind::Catalog,
            format!("stream {}: {message}", stream.label()),
        )
    };
    let overwrites = match stream.destination_sync_mode {
        DestinationSyncMode::Append => false,
        DestinationSyncMode::Overwrite => true,
        _ => {
            return Err(
                wrong("only `append` and `overwrite` are known here".to_owned())
                    .hint("rows are not merged by key in a stage; deduplicate where they are read"),
            );
        }
    };
    let sync_id = stream.sync_id.unwrap_or(0);
    let settled = |generation, replaces: Option<Earlier>, needs_complete, continues| Policy {
        belonging: Belonging {
            generation,
            sync_id,
            pending: replaces.is_some(),
        },
        replaces,
        needs_complete,
        continues,
    };
    match (stream.generation_id, stream.minimum_generation_id) {
        (Some(generation), Some(minimum)) if minimum != 0 && minimum != generation => Err(wrong(
            format!("`minimum_generation_id` is {minimum} where 0 or {generation} is known"),
        )),
        (Some(generation), minimum) => {
            let replaces = minimum.is_some_and(|minimum| minimum != 0) || overwrites;
            let earlier = replaces.then_some(Earlier::Remove);
            Ok(settled(generation, earlier, true, true))
        }
        (None, _) if !overwrites => Ok(settled(0, None, false, true)),
        (None, _) => {
            let waiting = view.waiting(name);
            let same = waiting.filter(|(run, _)| job.is_some_and(|job| run.starts_with(job)));
            let generation = match same {
                Some((_, generation)) => generation,
                None => view.generation(name).map_or(1, |generation| generation + 1),
            };
            let earlier = Some(Earlier::Keep);
            Ok(settled(generation, earlier, false, same.is_some()))
        }
    }
}
