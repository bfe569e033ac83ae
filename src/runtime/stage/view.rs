//! What the entries of a log add up to: which parts readers see, who may write, what is done.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entry::{Commit, Earlier, Entry, Input, Name, Part, Publish, Replaced, RunId};

/// A stage after some number of entries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The number of the next entry.
    pub next: u64,
    /// By path.
    parts: BTreeMap<String, Held>,
    /// Runs that may commit, with what they claimed.
    runs: BTreeMap<RunId, Running>,
    /// By URL and part.
    inputs: BTreeMap<String, BTreeMap<String, Version>>,
    /// Objects that are no part any more and may still be there.
    removed: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    part: Part,
    run: RunId,
    standing: Standing,
    /// The entry whose inputs its rows are of.
    entry: u64,
}

/// The version of an input that was done last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    tag: String,
    /// What was done to it.
    plan: String,
    /// The entry that says so, and the number of the input in it.
    entry: u64,
    number: u32,
}

impl Version {
    fn is(&self, input: &Input) -> bool {
        self.tag == input.tag && self.plan == input.plan
    }
}

/// A part that may hold rows of inputs that are being done again.
#[derive(Debug, Clone, PartialEq)]
pub struct Outdated {
    pub part: Part,
    /// The entry whose inputs its rows are of, and the numbers of those that are done again.
    pub entry: u64,
    pub inputs: BTreeSet<u32>,
}

/// Whether readers see a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Visible,
    /// Waits for its generation to be published.
    Pending,
    /// Was replaced, and can be brought back.
    Kept,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Running {
    keys: Vec<String>,
    at_ms: i64,
}

impl View {
    /// Takes the next entry in.
    pub fn apply(&mut self, entry: &Entry) {
        self.next += 1;
        match entry {
            Entry::Claim {
                run,
                at_ms,
                keys,
                expires,
            } => {
                expires.iter().for_each(|run| drop(self.runs.remove(run)));
                let running = Running {
                    keys: keys.clone(),
                    at_ms: *at_ms,
                };
                self.runs.insert(run.clone(), running);
            }
            Entry::Commit(commit) => self.commit(commit),
        }
    }

    fn commit(&mut self, commit: &Commit) {
        let entry = self.next - 1;
        for stream in &commit.discard {
            self.remove(|held| held.part.stream == *stream && held.standing == Standing::Pending);
        }
        for Replaced { path, .. } in &commit.replaced {
            if self.parts.remove(path).is_some() {
                self.removed.insert(path.clone());
            }
        }
        for part in &commit.parts {
            let standing = match part.pending {
                true => Standing::Pending,
                false => Standing::Visible,
            };
            let held = Held {
                part: part.clone(),
                run: commit.run.clone(),
                standing,
                entry: part.entry.unwrap_or(entry),
            };
            self.removed.remove(&part.path);
            self.parts.insert(part.path.clone(), held);
        }
        commit
            .publish
            .iter()
            .for_each(|publish| self.publish(publish));
        commit
            .restore
            .iter()
            .for_each(|stream| self.restore(stream));
        for (number, input) in commit.inputs.iter().enumerate() {
            let parts = self.inputs.entry(input.url.clone()).or_default();
            parts.retain(|_, version| version.is(input));
            let version = Version {
                tag: input.tag.clone(),
                plan: input.plan.clone(),
                entry,
                number: number as u32,
            };
            parts.insert(input.part.clone(), version);
        }
        for path in &commit.swept {
            self.removed.remove(path);
        }
        match commit.end {
            true => drop(self.runs.remove(&commit.run)),
            false => {
                if let Some(running) = self.runs.get_mut(&commit.run) {
                    running.at_ms = commit.at_ms;
                }
            }
        }
    }

    fn publish(&mut self, publish: &Publish) {
        let of = |held: &Held| held.part.stream == publish.stream;
        let older = |held: &Held| of(held) && held.part.generation < publish.generation;
        match publish.earlier {
            Earlier::Stay => {}
            Earlier::Keep => {
                self.remove(|held| older(held) && held.standing != Standing::Visible);
                let replaced = self.parts.values_mut().filter(|held| older(held));
                replaced.for_each(|held| held.standing = Standing::Kept);
            }
            Earlier::Remove => self.remove(older),
        }
        for held in self.parts.values_mut().filter(|held| of(held)) {
            if held.part.generation == publish.generation {
                held.standing = Standing::Visible;
            }
        }
    }

    /// What is seen and what is kept of a stream change places.
    fn restore(&mut self, stream: &Name) {
        let parts = self.parts.values_mut();
        for held in parts.filter(|held| held.part.stream == *stream) {
            held.standing = match held.standing {
                Standing::Visible => Standing::Kept,
                Standing::Kept => Standing::Visible,
                Standing::Pending => Standing::Pending,
            };
        }
    }

    fn remove(&mut self, which: impl Fn(&Held) -> bool) {
        let removed = &mut self.removed;
        self.parts.retain(|path, held| {
            let goes = which(held);
            if goes {
                removed.insert(path.clone());
            }
            !goes
        });
    }

    /// Whether a run may still commit.
    pub fn may_commit(&self, run: &str) -> bool {
        self.runs.contains_key(run)
    }

    /// The runs that end when these keys are claimed: those that claimed one of them.
    pub fn holders(&self, keys: &[String]) -> Vec<RunId> {
        let holds = |running: &Running| running.keys.iter().any(|key| keys.contains(key));
        let runs = self.runs.iter().filter(|(_, running)| holds(running));
        runs.map(|(run, _)| run.clone()).collect()
    }

    /// Runs without claim that have not committed since a moment.
    pub fn silent_since(&self, at_ms: i64) -> Vec<RunId> {
        let silent = |running: &Running| running.keys.is_empty() && running.at_ms < at_ms;
        let runs = self.runs.iter().filter(|(_, running)| silent(running));
        runs.map(|(run, _)| run.clone()).collect()
    }

    /// The parts that readers see of a stream, in the order of their paths.
    pub fn visible<'v>(&'v self, stream: &'v Name) -> impl Iterator<Item = &'v Part> {
        self.standing(stream, Standing::Visible)
    }

    /// The parts of a stream that wait to be published.
    pub fn pending<'v>(&'v self, stream: &'v Name) -> impl Iterator<Item = &'v Part> {
        self.standing(stream, Standing::Pending)
    }

    /// The parts of a stream that were replaced and can be brought back.
    pub fn kept<'v>(&'v self, stream: &'v Name) -> impl Iterator<Item = &'v Part> {
        self.standing(stream, Standing::Kept)
    }

    fn standing<'v>(
        &'v self,
        stream: &'v Name,
        standing: Standing,
    ) -> impl Iterator<Item = &'v Part> {
        let wanted = move |held: &&Held| held.standing == standing && held.part.stream == *stream;
        let parts = self.parts.values().filter(wanted);
        parts.map(|held| &held.part)
    }

    /// The run that wrote what waits to be published of a stream, and its generation.
    pub fn waiting(&self, stream: &Name) -> Option<(&RunId, i64)> {
        let pending =
            |held: &&Held| held.standing == Standing::Pending && held.part.stream == *stream;
        let newest = self.parts.values().filter(pending);
        newest
            .max_by_key(|held| held.part.generation)
            .map(|held| (&held.run, held.part.generation))
    }

    /// The highest generation of a stream, seen or not.
    pub fn generation(&self, stream: &Name) -> Option<i64> {
        let parts = self
            .parts
            .values()
            .filter(|held| held.part.stream == *stream);
        parts.map(|held| held.part.generation).max()
    }

    /// Whether an object is a part, whatever its standing.
    pub fn holds(&self, path: &str) -> bool {
        self.parts.contains_key(path)
    }

    /// Every stream that has parts.
    pub fn streams(&self) -> BTreeSet<&Name> {
        self.parts.values().map(|held| &held.part.stream).collect()
    }

    /// Whether this version of an input was done, by this plan.
    pub fn is_done(&self, input: &Input) -> bool {
        let done = self
            .inputs
            .get(&input.url)
            .and_then(|parts| parts.get(&input.part));
        done.is_some_and(|version| version.is(input))
    }

    /// Whether another version of an input was done, or something else was done to it, by entry `since` or later.
    pub fn is_overtaken(&self, input: &Input, since: u64) -> bool {
        let mut others = self.others(input);
        others.any(|version| version.entry >= since)
    }

    fn others<'v>(&'v self, input: &'v Input) -> impl Iterator<Item = &'v Version> {
        let parts = self.inputs.get(&input.url);
        let versions = parts.into_iter().flat_map(BTreeMap::values);
        versions.filter(|version| !version.is(input))
    }

    /// The parts that may hold rows of other versions of these inputs.
    pub fn outdated(&self, inputs: &[Input]) -> Vec<Outdated> {
        let mut entries: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
        for version in inputs.iter().flat_map(|input| self.others(input)) {
            let numbers = entries.entry(version.entry).or_default();
            numbers.insert(version.number);
        }
        if entries.is_empty() {
            return Vec::new();
        }
        let of = |held: &Held| {
            Some(Outdated {
                part: held.part.clone(),
                entry: held.entry,
                inputs: entries.get(&held.entry)?.clone(),
            })
        };
        self.parts.values().filter_map(of).collect()
    }

    /// Objects that are no part any more and may still be there.
    pub fn removed(&self) -> &BTreeSet<String> {
        &self.removed
    }

    /// How much there is to remember: parts and inputs.
    pub fn weight(&self) -> usize {
        let inputs = self.inputs.values().map(BTreeMap::len).sum::<usize>();
        self.parts.len() + inputs
    }
}
