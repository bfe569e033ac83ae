//! The first three gates: a rule parses, its columns are there and of fitting types, and its own tests pass.
//!
//! Without a catalog the types of columns are those of the values in the rule's own tests.

use std::path::Path as FilePath;

use arrow::datatypes::DataType;
use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::book::Book;
use super::schemas::{fits, read_catalog};
use super::stream::{evaluation, input};
use crate::document::Problems;
use crate::error::Result;
use crate::plan::config::{Config, StreamConfig};
use crate::plan::rules::{RuleSpec, Status};
use crate::protocol::state::Descriptor;
use crate::schema::path::{Path, Segment};
use crate::schema::{LogicalType, StreamSchema};
use crate::stage::rules::{Expected, RuleInput, Rules, run_tests};
use crate::stage::spec::StageSpec;

/// Where the types of columns are taken from, and what is done to them.
#[derive(Debug, Default)]
pub struct Types {
    /// The streams of the catalog.
    catalog: Option<Vec<(Descriptor, StreamSchema)>>,
    config: Option<Config>,
}

/// What was found about one rule.
#[derive(Debug)]
pub struct Examined {
    /// Its place in the file.
    pub place: usize,
    /// Own tests, passing and failing together.
    pub tests: usize,
    /// Everything wrong with it; empty when it passes.
    pub problems: Vec<String>,
}

impl Types {
    /// Reads the catalog, and the configuration that names the rule files, where they are given.
    ///
    /// # Errors
    /// `Catalog` or `Config` when one cannot be read.
    pub fn load(catalog: Option<&FilePath>, config: Option<&FilePath>) -> Result<Self> {
        let catalog = match catalog.map(read_catalog).transpose()? {
            None => None,
            Some(catalog) => {
                let streams = catalog.streams().iter().map(|stream| {
                    let descriptor = Descriptor {
                        namespace: stream.namespace.clone(),
                        name: stream.name.clone(),
                    };
                    let schema = StreamSchema::from_json_schema(&stream.json_schema)?;
                    Ok((descriptor, schema))
                });
                Some(streams.collect::<Result<_>>()?)
            }
        };
        let config = match config {
            None => None,
            Some(path) => {
                let name = path.display().to_string();
                let text = crate::runtime::read_text(path)?;
                let mut problems = Problems::new();
                let config = Config::parse(&name, &text, &mut problems);
                problems.into_result()?;
                config
            }
        };
        Ok(Self { catalog, config })
    }

    /// The streams of the catalog that a file is about.
    fn streams(&self, book: &Book) -> Vec<&(Descriptor, StreamSchema)> {
        let streams = self.catalog.iter().flatten();
        streams
            .filter(|(stream, _)| fits(&book.file.stream, stream))
            .collect()
    }
}

/// Examines every rule of a file. A retired one may be about a column that is gone; nothing is asked of it.
pub fn examine(book: &Book, types: &Types) -> Vec<Examined> {
    let rules = book.file.rules.iter().enumerate();
    let examined = rules.map(|(place, rule)| Examined {
        place,
        tests: rule.tests.pass.len() + rule.tests.fail.len(),
        problems: match rule.status {
            Status::Retired => Vec::new(),
            _ => problems(book, rule, types),
        },
    });
    examined.collect()
}

/// Everything wrong with one rule.
pub(super) fn problems(book: &Book, rule: &RuleSpec, types: &Types) -> Vec<String> {
    let mut unanswerable = Problems::new();
    let Some(input) = input(book, rule, &now(), &mut unanswerable) else {
        return vec!["`unique_in_batch` cannot be answered by a row alone".to_owned()];
    };
    let mut found = Vec::new();
    if types.catalog.is_none() {
        guess(rule, &input, &mut found);
    } else {
        let streams = types.streams(book);
        if streams.is_empty() {
            found.push(format!(
                "no stream of the catalog is called `{}`",
                book.file.stream.as_str()
            ));
        }
        for (_, schema) in streams {
            judge(rule, &input, &|path| evaluation(schema, path), &mut found);
        }
    }
    found.extend(
        types
            .config
            .iter()
            .flat_map(|config| masked(config, book, rule, &input)),
    );
    found.dedup();
    found
}

fn judge(
    rule: &RuleSpec,
    input: &RuleInput,
    resolve: &dyn Fn(&Path) -> Result<DataType, String>,
    found: &mut Vec<String>,
) {
    if let Err(problems) = Rules::compile(vec![counted(input)], resolve) {
        found.extend(problems.iter().map(|(_, problem)| {
            let hint = problem.hint.iter().map(|hint| format!("; {hint}"));
            let place = format!(
                " (at {}:{} of the expression)",
                problem.line, problem.column
            );
            format!("{}{place}{}", problem.message, hint.collect::<String>())
        }));
        return;
    }
    let (pass, fail) = (rule.tests.pass_rows(), rule.tests.fail_rows());
    for failure in run_tests(input, &pass, &fail, resolve) {
        let kind = match failure.expected {
            Expected::Pass => "pass",
            Expected::Fail => "fail",
        };
        found.push(format!(
            "its own test {} of `{kind}` fails: {}",
            failure.index + 1,
            failure.reason
        ));
    }
}

/// What an earlier stage does to the columns of a rule: it would judge masks, not values.
fn masked(config: &Config, book: &Book, rule: &RuleSpec, input: &RuleInput) -> Vec<String> {
    let read = Rules::compile(vec![counted(input)], &|_| Ok(DataType::Utf8View));
    let mut columns: Vec<Path> = rule.columns.clone();
    columns.extend(read.iter().flat_map(|rules| rules.columns().to_vec()));
    columns.sort();
    columns.dedup();
    let mut found = Vec::new();
    for stream in config.streams.iter().filter(|stream| names(stream, book)) {
        let checks = |stage: &StageSpec| matches!(stage, StageSpec::Check);
        let stages = stream.stages.iter().map(|stage| &stage.value);
        let check = stages.clone().position(checks).unwrap_or(0);
        for stage in stages.take(check) {
            let masks: Vec<&Path> = match stage {
                StageSpec::Mask { column, .. } => vec![column],
                StageSpec::Detect { columns, .. } => columns.iter().collect(),
                _ => Vec::new(),
            };
            let hit = |column: &&Path| masks.iter().any(|mask| touch(mask, column));
            found.extend(columns.iter().filter(hit).map(|column| {
                format!(
                    "`{column}` is masked before the rule sees it; move `check` before the mask"
                )
            }));
        }
    }
    found
}

fn counted(input: &RuleInput) -> RuleInput {
    let mut input = input.clone();
    input.action = input.action.max(crate::stage::rules::Action::Count);
    input
}

/// Whether a stream of the configuration names the file, or is the one that the file is about.
fn names(stream: &StreamConfig, book: &Book) -> bool {
    let named = stream.rules.as_ref().map(|rules| rules.value.file_name());
    named.is_some_and(|name| name == book.path.file_name())
}

/// Whether a mask of one path changes what stands at the other.
fn touch(mask: &Path, column: &Path) -> bool {
    let pairs = mask.segments().iter().zip(column.segments());
    pairs
        .clone()
        .all(|(one, two)| one == two || matches!(one, Segment::Any | Segment::Items))
}

/// What a column may be of which the tests have no value, in the order in which it is tried.
const UNKNOWN: [LogicalType; 5] = [
    LogicalType::String,
    LogicalType::Number,
    LogicalType::Boolean,
    LogicalType::TimestampTz,
    LogicalType::Date,
];

/// Judges a rule by the types that its own tests tell. Columns without a value there are taken for what lets the rule
/// compile.
fn guess(rule: &RuleSpec, input: &RuleInput, found: &mut Vec<String>) {
    let rows = [rule.tests.pass_rows(), rule.tests.fail_rows()].concat();
    let resolve = |path: &Path, unknown: &LogicalType| {
        let mut types = rows.iter().filter_map(|row| type_of(value_at(row, path)?));
        let first = types.next().unwrap_or_else(|| unknown.clone());
        Ok(LogicalType::union(std::iter::once(first).chain(types)).evaluation())
    };
    let fits = UNKNOWN.iter().find(|unknown| {
        let compiled = Rules::compile(vec![counted(input)], &|path| resolve(path, unknown));
        compiled.is_ok()
    });
    let unknown = fits.unwrap_or(&UNKNOWN[0]);
    judge(rule, input, &|path| resolve(path, unknown), found);
}

fn value_at<'a>(row: &'a Map<String, Value>, path: &Path) -> Option<&'a Value> {
    let mut segments = path.segments().iter();
    let first = match segments.next()? {
        Segment::Key(name) => row.get(name),
        _ => None,
    };
    let inside = segments.try_fold(first?, |value, segment| match segment {
        Segment::Key(name) => value.get(name),
        _ => None,
    });
    inside.or_else(|| row.get(&path.to_string()))
}

fn type_of(value: &Value) -> Option<LogicalType> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => LogicalType::Boolean,
        Value::Number(number) if number.is_i64() => LogicalType::Integer,
        Value::Number(_) => LogicalType::Number,
        Value::String(_) => LogicalType::String,
        Value::Array(_) | Value::Object(_) => LogicalType::Json,
    })
}

/// The present, as rules compare with it.
pub(super) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}
