//! Compiles `detect`, for the columns a stage names and for those that nothing names.

use std::sync::{Arc, Mutex};

use super::{Compiler, START};
use crate::detect::column::{Decision, Learner, Pins};
use crate::detect::{Detector, NameModel};
use crate::document::{Position, Problems, nearest};
use crate::model::Tagger;
use crate::plan::Learning;
use crate::schema::path::{Path, Segment};
use crate::stage::detect::Detect;
use crate::stage::mask::operator::{ColumnType, Compiled};
use crate::stage::spec::{Kinds, Operator, Pin};

/// What a `detect` looks for, and what becomes of it.
pub(super) struct Sought<'a> {
    pub kinds: &'a Kinds,
    pub with: &'a Operator,
    pub pin: &'a [(Path, Pin)],
}

impl Compiler<'_> {
    pub(super) fn detect(
        &mut self,
        columns: &[Path],
        sought: &Sought<'_>,
        at: Position,
        problems: &mut Problems,
    ) {
        let mut found = Vec::new();
        for path in columns {
            let Some(ty) = self.resolve("detect", path, at, problems) else {
                continue;
            };
            // Where all values are asked for, a text that breaks its declared type is one of them.
            let all = path.segments().last() == Some(&Segment::Any);
            if !all && !ty.may_hold_text() {
                let message = format!("detect: `{path}` is {}, which holds no text", ty.name());
                self.problem(at, message, None, problems);
                continue;
            }
            let column = self.book.column(path);
            let named = path.is_scalar() || path.leaf().is_some();
            found.push((column, named.then(|| path.to_string())));
            if path.is_scalar() && !self.keeps_key(path, sought.with) {
                let message =
                    format!("detect: `{path}` is a primary key or cursor, which must stay unique");
                let hint = "mask it with hash, token, fpe or encrypt";
                self.problem(at, message, Some(hint.into()), problems);
            }
        }
        if let Some(stage) = self.detect_stage(&found, sought, at, problems) {
            let names: Vec<_> = columns.iter().map(Path::to_string).collect();
            for path in columns {
                self.book.change(path);
                // Paths into open objects have no declared type to note anything at.
                let _ = self.schema.rewrite(path, None, "detect", false);
            }
            self.push(format!("detect in {}", names.join(", ")), stage);
        }
    }

    pub(super) fn detect_stage(
        &mut self,
        columns: &[(usize, Option<String>)],
        sought: &Sought<'_>,
        at: Position,
        problems: &mut Problems,
    ) -> Option<Detect> {
        let Sought { kinds, with, .. } = sought;
        match self.detectors.unknown(kinds) {
            Ok(unknown) => {
                for (name, near) in unknown {
                    let hint = near.map(|near| format!("did you mean `{near}`?"));
                    self.problem(
                        at,
                        format!("detect: no recogniser finds `{name}`"),
                        hint,
                        problems,
                    );
                }
            }
            Err(error) => self.problem(at, error.to_string(), None, problems),
        }
        let detector = match self.detectors.get(kinds) {
            Ok(detector) => detector,
            Err(error) => {
                self.problem(at, format!("detect: {error}"), None, problems);
                return None;
            }
        };
        let path = Path::key("");
        let operator = self.operator("detect", &path, with, ColumnType::Text, at, problems)?;
        let guarded = if Compiled::keeps_unique(with) {
            Vec::new()
        } else {
            self.guarded()
        };
        let pins = self.pins(sought, &detector, at, problems);
        let names = NameModel::builtin()
            .inspect_err(|error| self.problem(at, error.to_string(), None, problems))
            .ok()?;
        let learner = Arc::new(Learner::new(Arc::clone(&self.detectors.turns)));
        self.learners.push(Learning {
            learner: Arc::clone(&learner),
            detector: Arc::clone(&detector),
        });
        let tagger = self.sources.tagger.clone();
        Some(Detect {
            detector,
            tagger: tagger.map(|tagger| tagger as Arc<dyn Tagger>),
            number: self.learners.len() - 1,
            learner,
            pins,
            names,
            stream: self.descriptor.name.clone(),
            columns: columns.to_vec(),
            operator,
            guarded,
            idle: Mutex::new(Vec::new()),
        })
    }

    fn pins(
        &self,
        sought: &Sought<'_>,
        detector: &Detector,
        at: Position,
        problems: &mut Problems,
    ) -> Pins {
        let mut pins = Pins::default();
        for (path, pin) in sought.pin {
            if self.schema.is_known() && at != START {
                self.resolve("detect", path, at, problems);
            }
            let decision = match pin {
                Pin::Text => Decision::Text,
                Pin::Clean => Decision::Clean,
                Pin::Kind(name) => match detector.wanted_kind(name) {
                    Some(kind) => Decision::Personal(kind),
                    // Where the stage that pins it says so too.
                    None if at == START => continue,
                    None => {
                        let near = nearest(name, detector.kinds().chain(["text", "clean"]));
                        let message = format!(
                            "detect: `{name}`, to which `{path}` is pinned, is no kind that is looked for"
                        );
                        let hint = near.map(|near| format!("did you mean `{near}`?"));
                        self.problem(at, message, hint, problems);
                        continue;
                    }
                },
            };
            pins.set(&path.to_string(), decision);
        }
        pins
    }

    /// Keys and cursor as columns, where they hold text.
    fn guarded(&mut self) -> Vec<(usize, String)> {
        let Some(stream) = &self.stream else {
            return Vec::new();
        };
        let keys = stream
            .primary_key
            .iter()
            .chain(&stream.source_defined_primary_key);
        let paths: Vec<Path> = keys
            .chain([&stream.cursor_field])
            .filter_map(|names| Path::new(names.iter().cloned().map(Segment::Key).collect()))
            .collect();
        let text = |path: &Path| self.schema.resolve(path).is_ok_and(|ty| ty.may_hold_text());
        let mut paths: Vec<Path> = paths.into_iter().filter(text).collect();
        paths.sort();
        paths.dedup();
        paths
            .iter()
            .map(|path| (self.book.column(path), path.to_string()))
            .collect()
    }
}
