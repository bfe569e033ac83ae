//! Evaluates a prompt against a model: what its rules must accept and refuse, for profiles that lie beside the file.
//!
//! ```yaml
//! version: 1
//! tests:
//!   - description: ages are limited
//!     vars: {profile: users.profile.json, stream: users}
//!     assert:
//!       - {type: rules, min: 3}
//!       - {type: refuses, row: {age: 700}}
//!       - {type: accepts, row: {age: 30}}
//! ```

use std::path::Path;

use serde_json::{Map, Value, json};

use super::files::Place;
use super::{Options, log, moment, name, opened, profile};
use crate::audit::Record;
use crate::document::{self, Fields, Node, Problems};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::RuleSpec;
use crate::profile::form::StreamProfile;
use crate::stage::rules::{Action, run_tests};
use crate::suggest::llm::column_types;

/// The most tests of a file.
const TESTS_MAX: usize = 1_000;

/// What an evaluation came to.
#[derive(Debug, Default)]
pub struct Scored {
    /// The prompt's name, and the hash of its file.
    pub prompt: String,
    pub sha256: String,
    /// One for each assertion: the test, what was asserted, whether it holds.
    pub asserted: Vec<(String, String, bool)>,
}

impl Scored {
    /// The share of assertions that hold.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    pub fn score(&self) -> f64 {
        let held = self.asserted.iter().filter(|(.., held)| *held).count();
        held as f64 / self.asserted.len().max(1) as f64
    }
}

struct Test {
    description: String,
    profile: String,
    stream: Option<String>,
    asserts: Vec<Assert>,
}

enum Assert {
    /// There are so many rules.
    Rules { min: usize, max: usize },
    /// At most so many rules or answers were refused.
    Refused { max: u64 },
    /// No rule refuses the row.
    Accepts(Map<String, Value>),
    /// Some rule refuses it.
    Refuses(Map<String, Value>),
}

/// Runs the evaluation in a file.
///
/// # Errors
/// When the file or a profile is wrong, or a call cannot be recorded. A model that fails holds no assertion.
pub fn run(file: &Path, options: &Options) -> Result<Scored> {
    let tests = tests(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let (opened, log) = (opened(options)?, log(options, &Place::None)?);
    let keep = |record: Record| match &log {
        Some(log) => log.append(&record).map(drop),
        None => Ok(()),
    };
    let mut scored = Scored {
        prompt: opened.prompt().name(),
        sha256: opened.prompt().sha256.clone(),
        asserted: Vec::new(),
    };
    for test in tests {
        let stream = stream(&folder.join(&test.profile), test.stream.as_deref())?;
        let now = moment();
        let asked = opened.suggester(&keep, &[], &now).ask(&stream);
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) if error.kind() == ErrorKind::Output => return Err(error),
            Err(error) => {
                scored
                    .asserted
                    .push((test.description, error.to_string(), false));
                continue;
            }
        };
        for assert in &test.asserts {
            let held = assert.holds(&stream, &asked.rules, asked.refused, &now);
            scored
                .asserted
                .push((test.description.clone(), assert.to_string(), held));
        }
    }
    Ok(scored)
}

fn stream(path: &Path, wanted: Option<&str>) -> Result<StreamProfile> {
    let streams = profile(path)?.streams.into_iter();
    let mut fitting = streams.filter(|stream| wanted.is_none_or(|wanted| name(stream) == wanted));
    fitting.next().ok_or_else(|| {
        let message = format!("{} has no such stream", path.display());
        Error::new(ErrorKind::Config, message)
    })
}

impl Assert {
    fn holds(&self, stream: &StreamProfile, rules: &[RuleSpec], refused: u64, now: &str) -> bool {
        match self {
            Self::Rules { min, max } => (*min..=*max).contains(&rules.len()),
            Self::Refused { max } => refused <= *max,
            Self::Accepts(row) => !rules.iter().any(|rule| refuses(rule, stream, row, now)),
            Self::Refuses(row) => rules.iter().any(|rule| refuses(rule, stream, row, now)),
        }
    }
}

/// Whether a rule refuses a row. A rule whose columns the row lacks says nothing of it.
fn refuses(rule: &RuleSpec, stream: &StreamProfile, row: &Map<String, Value>, now: &str) -> bool {
    let spoken =
        |column: &crate::schema::path::Path| column.top().is_some_and(|top| row.contains_key(top));
    let input = rule.input(now, Action::Count);
    let Some(input) = input.filter(|_| rule.columns.iter().all(spoken)) else {
        return false;
    };
    let types = column_types(stream);
    let resolve = |path: &crate::schema::path::Path| match types.get(path) {
        Some(ty) => Ok(ty.evaluation()),
        None => Err("unknown".to_owned()),
    };
    run_tests(&input, &[], std::slice::from_ref(row), &resolve).is_empty()
}

impl std::fmt::Display for Assert {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rules {
                min,
                max: usize::MAX,
            } => write!(out, "at least {min} rules"),
            Self::Rules { min, max } => write!(out, "{min} to {max} rules"),
            Self::Refused { max } => write!(out, "at most {max} refused"),
            Self::Accepts(row) => write!(out, "accepts {}", json!(row)),
            Self::Refuses(row) => write!(out, "refuses {}", json!(row)),
        }
    }
}

fn tests(path: &Path) -> Result<Vec<Test>> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Config, format!("{file} cannot be read")).because(error)
    })?;
    let mut problems = Problems::new();
    let tests = read(&file, &text, &mut problems);
    problems.into_result()?;
    Ok(tests.unwrap_or_default())
}

fn read(file: &str, text: &str, problems: &mut Problems) -> Option<Vec<Test>> {
    let node = document::parse(file, text, problems)?;
    let mut fields = Fields::of(&node, "the evaluation", file, problems)?;
    fields.require("version", problems);
    fields.text("description", problems);
    let tests = fields.require("tests", problems);
    fields.finish(problems);
    let tests = tests?.read_list(file, problems)?;
    if tests.len() > TESTS_MAX {
        problems.push_file(file, format!("more than {TESTS_MAX} tests"));
        return None;
    }
    tests
        .iter()
        .map(|node| read_test(node, file, problems))
        .collect()
}

fn read_test(node: &Node, file: &str, problems: &mut Problems) -> Option<Test> {
    let mut fields = Fields::of(node, "the test", file, problems)?;
    let description = fields.require_text("description", problems);
    let vars = fields.require("vars", problems);
    let asserts = fields.require("assert", problems);
    fields.finish(problems);
    let mut vars = Fields::of(vars?, "`vars`", file, problems)?;
    let profile = vars.require_text("profile", problems);
    let stream = vars.text("stream", problems);
    vars.finish(problems);
    let asserts = asserts?.read_list(file, problems)?.iter();
    Some(Test {
        description: description?.to_owned(),
        profile: profile?.to_owned(),
        stream: stream.map(str::to_owned),
        asserts: asserts
            .map(|node| read_assert(node, file, problems))
            .collect::<Option<_>>()?,
    })
}

fn read_assert(node: &Node, file: &str, problems: &mut Problems) -> Option<Assert> {
    const KINDS: &[(&str, u8)] = &[("rules", 0), ("refused", 1), ("accepts", 2), ("refuses", 3)];
    let mut fields = Fields::of(node, "the assertion", file, problems)?;
    let kind = fields.require("type", problems);
    let kind = kind?.read_choice(KINDS, file, problems)?;
    let most = i64::from(u32::MAX);
    let assert = match kind {
        0 => {
            let min = fields
                .integer_within("min", 0..=most, problems)
                .unwrap_or(0);
            let max = fields.integer_within("max", 0..=most, problems);
            Assert::Rules {
                min: usize::try_from(min).ok()?,
                max: max.map_or(Some(usize::MAX), |max| usize::try_from(max).ok())?,
            }
        }
        1 => {
            let max = fields
                .integer_within("max", 0..=most, problems)
                .unwrap_or(0);
            Assert::Refused {
                max: u64::try_from(max).ok()?,
            }
        }
        kind => {
            let row = fields.require("row", problems)?;
            let Value::Object(row) = row.to_json() else {
                row.mismatch("a map", file, problems);
                return None;
            };
            match kind {
                2 => Assert::Accepts(row),
                _ => Assert::Refuses(row),
            }
        }
    };
    fields.finish(problems);
    Some(assert)
}
