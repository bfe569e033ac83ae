//! What the log of a stage is written in.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::protocol::state::Descriptor;

/// Names an attempt to write: one process, one run.
pub type RunId = String;

/// One object of the log. Its number is its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A run begins. Runs that wrote what it is about to write are over: nothing of theirs counts from here on.
    Claim {
        run: RunId,
        at_ms: i64,
        /// What nobody else may write meanwhile: streams, or the input of a batch.
        keys: Vec<String>,
        /// Runs that are over because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        expires: Vec<RunId>,
    },
    /// Parts become part of the stage, together.
    Commit(Box<Commit>),
}

/// What one commit changes, as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    pub run: RunId,
    pub at_ms: i64,
    /// Counts the commits of a run, so that no two are alike.
    pub number: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Parts that are none any more: their rows are of inputs that were done again, or stand in other parts now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// Generations that become what readers see of their streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<Publish>,
    /// Streams of which readers see again what was kept, while what they saw is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore: Vec<Name>,
    /// Pending parts that nobody will publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discard: Vec<Name>,
    /// Inputs that are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Removed objects that are known to be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swept: Vec<String>,
    /// STATEs that leave once this is durable.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub states: u64,
    /// The run is over.
    #[serde(default, skip_serializing_if = "is_false")]
    pub end: bool,
}

impl Commit {
    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
            && self.replaced.is_empty()
            && self.publish.is_empty()
            && self.restore.is_empty()
            && self.discard.is_empty()
            && self.inputs.is_empty()
            && self.swept.is_empty()
            && !self.end
    }

    /// The streams of which readers may see something else than before.
    pub fn streams(&self) -> BTreeSet<Name> {
        let seen = self.parts.iter().filter(|part| !part.pending);
        let seen = seen.map(|part| &part.stream);
        let published = self.publish.iter().map(|publish| &publish.stream);
        let replaced = self.replaced.iter().map(|replaced| &replaced.stream);
        let restored = self.restore.iter();
        let streams = seen.chain(published).chain(replaced).chain(restored);
        streams.cloned().collect()
    }
}

/// A stream's name, as the log writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
}

impl From<&Descriptor> for Name {
    fn from(descriptor: &Descriptor) -> Self {
        Self {
            namespace: descriptor.namespace.clone(),
            name: descriptor.name.clone(),
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(out, "{namespace}.{}", self.name),
            None => out.write_str(&self.name),
        }
    }
}

/// An object with rows of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub stream: Name,
    /// Its key below the stage.
    pub path: String,
    pub rows: u64,
    pub bytes: u64,
    pub generation: i64,
    /// Written for readers to see only once its generation is published.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pending: bool,
    /// The entry whose inputs its rows are of, where that is not the one that names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The number of the one input whose rows these are, where the object itself cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u32>,
}

/// A part that is none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    pub stream: Name,
    pub path: String,
}

/// What waited for it is what readers see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    pub stream: Name,
    pub generation: i64,
    /// What becomes of earlier generations.
    pub earlier: Earlier,
}

/// What becomes of the generations before a published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Earlier {
    /// They stay beside it.
    Stay,
    /// Readers do not see them, and the next published generation removes them: until then they can be
    /// brought back.
    Keep,
    Remove,
}

/// An input that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    pub url: String,
    /// The part of it, as `0-67108864`; empty for all of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// What tells one version of it from another.
    pub tag: String,
    /// What was done to it: the fingerprint of the plan.
    pub plan: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
