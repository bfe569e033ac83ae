//! From specs to stages, one stream at a time. Every problem is collected, none ends the work.

mod book;
mod check;
mod classify;
mod clearance;
mod cursor;
mod detect;
mod detectors;
mod drift;
mod embed;
mod split;
mod sql;
mod stages;
mod types;

use std::sync::Arc;

pub(super) use detectors::Detectors;

use super::chosen::Chosen;
use super::config::{StreamConfig, Unlisted};
use super::{Learning, NamedStage, SecondStream, Sources, StreamPlan};
use crate::decode::Projection;
use crate::document::{Position, Problem, Problems, nearest};
use crate::protocol::catalog::ConfiguredStream;
use crate::protocol::state::Descriptor;
use crate::schema::StreamSchema;
use crate::schema::path::{Path, Segment};
use crate::stage::rules::Watch;
use crate::stage::spec::{Kinds, Operator, Pin, Split, StageSpec};
use crate::stage::undeclared::{Policy, Undeclared};
use crate::stage::{Refusals, discard::Discard};
use book::Book;
use detect::Sought;

/// What the stages of one stream are compiled with.
struct Compiler<'a> {
    sources: &'a Sources,
    detectors: &'a Detectors,
    descriptor: &'a Descriptor,
    stream: Option<ConfiguredStream>,
    schema: StreamSchema,
    book: Book,
    stages: Vec<NamedStage>,
    rules: Vec<String>,
    learners: Vec<Learning>,
    splits: Vec<Split>,
    refusals: Refusals,
    max_rejected: Option<f64>,
    watch: Option<Arc<Watch>>,
    /// What the stages read, where that is less than what the projection holds.
    read: Option<Vec<Path>>,
    /// What `embed` stages have taken out so far.
    taken: Vec<embed::Taken>,
    second: Option<SecondStream>,
    /// The cursor that is followed.
    cursor: Option<String>,
}

/// Compiles the plan of a stream; `configured` is its entry in the catalog.
pub(super) fn stream(
    sources: &Sources,
    detectors: &Detectors,
    descriptor: &Descriptor,
    configured: Option<&ConfiguredStream>,
    problems: &mut Problems,
) -> Option<StreamPlan> {
    let schema = match configured.map(|stream| StreamSchema::from_json_schema(&stream.json_schema))
    {
        None => StreamSchema::unknown(),
        Some(Ok(schema)) => schema,
        Some(Err(error)) => {
            problems.push_file(&sources.file, format!("stream `{descriptor}`: {error}"));
            return None;
        }
    };
    let reject = sources.config.reject.as_ref();
    let compiler = Compiler {
        sources,
        detectors,
        descriptor,
        stream: configured.cloned(),
        schema,
        book: Book::default(),
        stages: Vec::new(),
        rules: Vec::new(),
        learners: Vec::new(),
        splits: Vec::new(),
        refusals: if reject.is_some() {
            Refusals::Reject
        } else {
            Refusals::Halt
        },
        max_rejected: reject.and_then(|reject| reject.max_fraction),
        watch: None,
        read: None,
        taken: Vec::new(),
        second: None,
        cursor: None,
    };
    let listed = sources
        .config
        .stream_for(descriptor.namespace.as_deref(), &descriptor.name);
    match listed {
        Some(listed) => Some(compiler.listed(listed, problems)),
        None => Some(compiler.unlisted(problems)),
    }
}

impl Compiler<'_> {
    /// A stream the configuration names.
    fn listed(mut self, listed: &StreamConfig, problems: &mut Problems) -> StreamPlan {
        let declared: Vec<(Path, bool)> = self
            .schema
            .leaves()
            .into_iter()
            .map(|(path, ty)| (path, ty.is_scalar()))
            .collect();
        self.follow_cursor();
        self.drifted(problems);
        let places_check = |stage: &StageSpec| matches!(stage, StageSpec::Check);
        if listed.rules.is_some() && !listed.stages.iter().any(|stage| places_check(&stage.value)) {
            self.check(listed, problems);
        }
        for stage in &listed.stages {
            self.guard_embedded(&stage.value, stage.at, problems);
            match &stage.value {
                StageSpec::Check => self.check(listed, problems),
                spec => self.stage(spec, stage.at, problems),
            }
        }
        self.check_shapes(listed.at, problems);
        self.leave_out(problems);
        let mut projection = Projection::new(self.book.paths());
        let policy = listed.unlisted.unwrap_or(self.sources.config.unlisted);
        let pins = listed.stages.iter().flat_map(|stage| match &stage.value {
            StageSpec::Detect { pin, .. } => pin.as_slice(),
            _ => &[],
        });
        let pins: Vec<_> = pins.cloned().collect();
        self.undeclared(&mut projection, &declared, (policy, &pins), problems);
        let origin = format!("`{}`", listed.pattern.as_str());
        self.finish(projection, origin)
    }

    /// A stream the configuration does not name.
    fn unlisted(mut self, problems: &mut Problems) -> StreamPlan {
        self.follow_cursor();
        self.drifted(problems);
        let policy = self.sources.config.unlisted;
        match policy {
            // A stream that nobody touches is copied; its source was not asked for the others.
            Unlisted::Pass => {}
            Unlisted::Redact => {
                let spec = StageSpec::Detect {
                    columns: Path::new(vec![Segment::Any]).into_iter().collect(),
                    kinds: Kinds::All,
                    with: Operator::Redact { placeholder: None },
                    pin: Vec::new(),
                };
                self.stage(&spec, START, problems);
            }
            Unlisted::Drop => self.push("drop the stream", Discard),
            Unlisted::Fail => {
                if self.stream.is_some() {
                    let message =
                        format!("stream `{}` of the catalog is not listed", self.descriptor);
                    problems.push(Problem {
                        file: self.sources.file.clone(),
                        at: None,
                        message,
                        hint: Some(
                            "list it, or set `unlisted:` to redact, drop or pass".to_owned(),
                        ),
                    });
                }
            }
        }
        if policy != Unlisted::Pass {
            self.leave_out(problems);
        }
        let projection = Projection::new(self.book.paths());
        let name = serde_json::to_string(&policy).unwrap_or_default();
        let origin = format!("unlisted: {}", name.trim_matches('"'));
        self.finish(projection, origin)
    }

    /// Sends what the catalog does not declare where the policy says.
    fn undeclared(
        &mut self,
        projection: &mut Projection,
        declared: &[(Path, bool)],
        (policy, pin): (Unlisted, &[(Path, Pin)]),
        problems: &mut Problems,
    ) {
        // An added column is declared by the stage that adds it, under its own name in the record too.
        match policy {
            Unlisted::Pass => {}
            Unlisted::Redact => {
                let column = projection.catch_undeclared(declared, true);
                self.book.note(column);
                let sought = Sought {
                    kinds: &Kinds::All,
                    with: &Operator::Redact { placeholder: None },
                    pin,
                };
                let stage = self.detect_stage(&[(column, None)], &sought, START, problems);
                if let Some(stage) = stage {
                    self.push("detect in undeclared columns", stage);
                }
            }
            Unlisted::Drop | Unlisted::Fail => {
                let column = projection.catch_undeclared(declared, false);
                self.book.note(column);
                let policy = match policy {
                    Unlisted::Drop => Policy::Drop,
                    _ => Policy::Fail,
                };
                let stream = self.descriptor.to_string();
                self.push(
                    "undeclared columns",
                    Undeclared {
                        column,
                        stream,
                        policy,
                    },
                );
            }
        }
    }

    /// One place cannot be read both as an object and as an array: whichever a record holds, the stages for
    /// the other would pass it by.
    fn check_shapes(&self, at: Position, problems: &mut Problems) {
        for array in self.book.paths() {
            let items = array
                .segments()
                .iter()
                .position(|segment| *segment == Segment::Items);
            let Some(prefix) = items.map(|items| &array.segments()[..items]) else {
                continue;
            };
            let object = self.book.paths().iter().find(|path| {
                let rest = path.segments().strip_prefix(prefix);
                rest.is_some_and(|rest| matches!(rest.first(), Some(Segment::Key(_))))
            });
            if let Some(object) = object {
                let message = format!("`{array}` reads an array where `{object}` reads an object");
                return self.problem(at, message, None, problems);
            }
        }
    }

    /// Leaves out the columns that were not chosen, though stages may read them.
    fn leave_out(&mut self, problems: &mut Problems) {
        let chosen = self.sources.chosen.as_ref();
        let left_out = chosen.and_then(|chosen| chosen.left_out.get(self.descriptor));
        let paths = left_out.into_iter().flatten().map(Path::key);
        // What drift has taken away is not there to be left out, and a key is left to whoever chose the columns.
        let paths: Vec<Path> = paths
            .filter(|path| self.schema.resolve(path).is_ok() && !self.is_key_or_cursor(path))
            .collect();
        if !paths.is_empty() {
            self.read = Some(self.book.paths().to_vec());
            self.stage(&StageSpec::Drop(paths), START, problems);
        }
    }

    fn push(&mut self, name: impl Into<String>, stage: impl crate::stage::Stage + 'static) {
        self.stages.push(NamedStage {
            name: name.into(),
            run: Box::new(stage),
        });
    }

    fn finish(self, projection: Projection, origin: String) -> StreamPlan {
        let copied = self.stages.is_empty() && projection.is_empty() && !self.sources.tables;
        StreamPlan {
            descriptor: self.descriptor.clone(),
            projection: (!copied).then(|| Arc::new(projection)),
            stages: self.stages,
            max_rejected: self.max_rejected,
            watch: self.watch,
            schema: self.schema,
            second: self.second,
            origin,
            columns: self.book.names(),
            rules: self.rules,
            learners: self.learners,
            splits: self.splits,
            read: self.read.unwrap_or_else(|| self.book.paths().to_vec()),
            cursor: self.cursor,
        }
    }

    fn problem(
        &self,
        at: Position,
        message: String,
        hint: Option<String>,
        problems: &mut Problems,
    ) {
        problems.push(Problem {
            file: self.sources.file.clone(),
            at: (at != START).then_some(at),
            message: format!("stream `{}`: {message}", self.descriptor),
            hint,
        });
    }
}

/// The place of what no file asked for.
const START: Position = Position { line: 0, column: 0 };

/// Patterns that fit no stream of the catalog: a masked stream that is spelt wrongly must not pass.
pub(super) fn check_patterns(sources: &Sources, problems: &mut Problems) {
    let Some(catalog) = &sources.catalog else {
        return;
    };
    let streams: Vec<(Option<&str>, &str)> = match &sources.chosen {
        None => {
            let streams = catalog.streams().iter();
            let named = streams.map(|stream| (stream.namespace.as_deref(), stream.name.as_str()));
            named.collect()
        }
        // Of what was not chosen nothing is read, so nothing of it can slip through.
        Some(Chosen { offered: None, .. }) => return,
        Some(Chosen {
            offered: Some(streams),
            ..
        }) => {
            let named = streams
                .iter()
                .map(|stream| (stream.namespace.as_deref(), stream.name.as_str()));
            named.collect()
        }
    };
    for listed in &sources.config.streams {
        let fits =
            |(namespace, name): &(Option<&str>, &str)| listed.pattern.matches(*namespace, name);
        if streams.iter().any(fits) {
            continue;
        }
        let names = streams.iter().map(|(_, name)| *name);
        let near = nearest(listed.pattern.as_str(), names);
        problems.push(Problem {
            file: sources.file.clone(),
            at: Some(listed.at),
            message: format!(
                "no stream of the catalog is called `{}`",
                listed.pattern.as_str()
            ),
            hint: near.map(|name| format!("did you mean `{name}`?")),
        });
    }
}

/// Without a catalog, stages are compiled against an open schema, so that what can be known is said at once.
pub(super) fn check_without_catalog(
    sources: &Sources,
    detectors: &Detectors,
    problems: &mut Problems,
) {
    for listed in &sources.config.streams {
        if listed.pattern.is_glob() {
            continue;
        }
        let descriptor = Descriptor {
            namespace: None,
            name: listed.pattern.as_str().to_owned(),
        };
        stream(sources, detectors, &descriptor, None, problems);
    }
}
