//! The trial of one stream: its rules on every row, and a sample of its rows for errors.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;

use super::book::Book;
use super::read::chunk;
use super::sample::Sample;
use super::schemas::{Known, Schemas, fits};
use super::window::Window;
use crate::batch::{Batch, Column};
use crate::decode::{Decoder, Projection, Route, Routes};
use crate::document::{Problem, Problems};
use crate::error::Result;
use crate::plan::rules::{RuleSpec, Status, effective_action};
use crate::protocol::state::Descriptor;
use crate::schema::LogicalType;
use crate::schema::path::Path;
use crate::stage::rules::RuleInput;
use crate::trial::{Bench, Caught, Folds};

/// The trials of all streams, and which records go to which.
#[derive(Debug)]
pub(super) struct Routing<'a> {
    pub trials: Vec<StreamTrial>,
    ids: HashMap<Descriptor, usize>,
    schemas: &'a Schemas,
}

/// One stream on trial.
#[derive(Debug)]
pub(super) struct StreamTrial {
    pub descriptor: Descriptor,
    pub rules: Vec<OnTrial>,
    pub folds: Folds,
    pub window: Window,
    pub rows: u64,
    bench: Bench,
    types: Vec<LogicalType>,
    /// The cursor stands behind the columns of the bench, where it tells time.
    cursor: Option<LogicalType>,
    projection: Arc<Projection>,
    sample: Sample,
}

/// A rule on trial, by its file and its place there.
#[derive(Debug)]
pub(super) struct OnTrial {
    pub book: usize,
    pub place: usize,
    pub approved: bool,
    pub fingerprint: String,
}

impl<'a> Routing<'a> {
    /// Compiles the rules of every stream that something is known of.
    ///
    /// # Errors
    /// `Config` with every rule that does not fit its columns.
    pub fn new(books: &[Book], schemas: &'a Schemas, folds: usize) -> Result<Self> {
        let mut problems = Problems::new();
        let (mut trials, mut ids) = (Vec::new(), HashMap::new());
        for (descriptor, known) in schemas.known() {
            if let Some(trial) = StreamTrial::new(descriptor, known, books, folds, &mut problems) {
                ids.insert(descriptor.clone(), trials.len());
                trials.push(trial);
            }
        }
        problems.into_result()?;
        Ok(Self {
            trials,
            ids,
            schemas,
        })
    }
}

impl Routes for Routing<'_> {
    fn route(&self, namespace: Option<&str>, name: &str) -> Result<Route> {
        let descriptor = Descriptor {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        if let Some(stream) = self.ids.get(&descriptor).copied() {
            let projection = Some(Arc::clone(&self.trials[stream].projection));
            return Ok(Route { stream, projection });
        }
        if self.schemas.is_wanted(&descriptor) {
            return Err(self.schemas.missing(&descriptor));
        }
        Ok(Route {
            stream: self.trials.len(),
            projection: None,
        })
    }
}

impl StreamTrial {
    /// The rules of a file that are tried: all but the retired, each with its place.
    pub fn tried(book: &Book) -> impl Iterator<Item = (usize, &RuleSpec)> {
        let rules = book.file.rules.iter().enumerate();
        rules.filter(|(_, rule)| rule.status != Status::Retired)
    }

    fn new(
        descriptor: &Descriptor,
        known: &Known,
        books: &[Book],
        folds: usize,
        problems: &mut Problems,
    ) -> Option<Self> {
        let now = super::examine::now();
        let (mut inputs, mut rules) = (Vec::new(), Vec::new());
        for (number, book) in books.iter().enumerate() {
            if !fits(&book.file.stream, descriptor) {
                continue;
            }
            for (place, rule) in Self::tried(book) {
                let standing = rule.standing().0;
                let Some(input) = input(book, rule, &now, problems) else {
                    continue;
                };
                inputs.push(input);
                rules.push(OnTrial {
                    book: number,
                    place,
                    approved: matches!(standing, Status::Approved | Status::Enforced),
                    fingerprint: rule.fingerprint(),
                });
            }
        }
        let bench = match Bench::new(inputs, &|path| evaluation(&known.schema, path)) {
            Ok(bench) => bench,
            Err(found) => {
                for (rule, problem) in found {
                    let OnTrial { book, place, .. } = rules[rule];
                    let spec = &books[book].file.rules[place];
                    problems.push(Problem {
                        file: books[book].name.clone(),
                        at: Some(spec.at),
                        message: format!(
                            "rule `{}` on stream `{descriptor}`: {} (at {}:{} of the expression)",
                            spec.id, problem.message, problem.line, problem.column
                        ),
                        hint: problem.hint,
                    });
                }
                return None;
            }
        };
        let types: Vec<_> = (bench.columns().iter())
            .map(|path| known.schema.resolve(path).unwrap_or(LogicalType::Unknown))
            .collect();
        let mut paths = bench.columns().to_vec();
        let tells_time = |ty: &LogicalType| {
            matches!(ty.evaluation(), DataType::Date32 | DataType::Timestamp(..))
        };
        let cursor = known.cursor.as_ref().and_then(|path| {
            let ty = known.schema.resolve(path).ok().filter(tells_time)?;
            paths.push(path.clone());
            Some(ty)
        });
        Some(Self {
            descriptor: descriptor.clone(),
            folds: Folds::new(rules.len(), folds),
            rules,
            window: Window::default(),
            rows: 0,
            bench,
            types,
            cursor,
            projection: Arc::new(Projection::new(&paths)),
            sample: Sample::default(),
        })
    }

    /// Tries the rules on the next rows.
    pub fn add(&mut self, batch: &Batch) -> Result<()> {
        let rows = batch.rows();
        if rows.is_empty() {
            return Ok(());
        }
        let violations = self.bench.judge(&self.columns(batch), rows.len())?;
        let violations: Vec<_> = violations.iter().map(Option::as_ref).collect();
        self.folds.add(rows.len(), &violations);
        self.rows += rows.len() as u64;
        let line = |row: &crate::batch::Row| row.line.of(batch.bytes());
        rows.iter().for_each(|row| self.sample.add(line(row)));
        match &self.cursor {
            Some(ty) => self.window.add_cursor(&batch.array(self.types.len(), ty)),
            None => {
                let ends = rows.first().into_iter().chain(rows.last());
                ends.for_each(|row| self.window.add_line(line(row)));
            }
        }
        Ok(())
    }

    fn columns(&self, batch: &Batch) -> Vec<Column> {
        let types = self.types.iter().enumerate();
        types.map(|(column, ty)| batch.array(column, ty)).collect()
    }

    /// What each rule notices of errors put into the sample.
    pub fn catches(&self, routing: &Routing<'_>, seed: u64) -> Result<Vec<Caught>> {
        let chunk = chunk(self.sample.text(), 0);
        let decoded = Decoder::default().read(&chunk, routing);
        match decoded.batches.first() {
            Some((_, batch)) => {
                let columns = self.columns(batch);
                self.bench.catches(&columns, batch.rows().len(), 1.0, seed)
            }
            None => Ok(vec![Caught::default(); self.rules.len()]),
        }
    }
}

/// The rule for evaluation, or a problem where a row alone cannot answer it.
pub(super) fn input(
    book: &Book,
    rule: &RuleSpec,
    now: &str,
    problems: &mut Problems,
) -> Option<RuleInput> {
    let action = effective_action(book.file.phase, rule.standing().0, rule.on_fail);
    let input = rule.input(now, action);
    if input.is_none() {
        problems.push(Problem {
            file: book.name.clone(),
            at: Some(rule.at),
            message: format!(
                "rule `{}`: `unique_in_batch` would depend on how the input is cut into batches",
                rule.id
            ),
            hint: Some("check uniqueness in the warehouse, where all rows are".to_owned()),
        });
    }
    input
}

/// The type of a column in evaluation, or why there is none.
pub(super) fn evaluation(
    schema: &crate::schema::StreamSchema,
    path: &Path,
) -> Result<DataType, String> {
    let ty = schema
        .resolve(path)
        .map_err(|missing| match missing.advice() {
            Some(advice) => format!("{missing}; {advice}"),
            None => missing.to_string(),
        })?;
    Ok(ty.evaluation())
}
