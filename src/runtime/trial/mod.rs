//! Rule files on trial: their own tests, back-tests on real rows, and what people decide about them.
//!
//! [`Book`] is a rule file that can be written back, [`examine()`] asks whether rules make sense at all, [`run`] tries
//! them on the rows of an input, [`approve`] and [`retire`] record decisions. Rows are read once and in order, whatever
//! their number; a bounded sample of them is kept for errors to be put into.

mod book;
mod decide;
mod examine;
mod read;
mod sample;
mod schemas;
mod stream;
mod window;

use std::path::PathBuf;

pub use book::Book;
pub use decide::{Approving, Decision, approve, retire};
pub use examine::{Examined, Types, examine};
pub use read::Source;

use crate::decode::Decoder;
use crate::error::Result;
use crate::plan::rules::Evidence;
use crate::protocol::state::Descriptor;
use crate::trial::{
    Candidate, Caught, Choice, Error as Injected, Gate, Measured, Shortfall, cover,
};
use read::Chunks;
use schemas::Schemas;
use stream::{Routing, StreamTrial};

/// How rules are tried.
#[derive(Debug)]
pub struct Options {
    /// Where rows come from.
    pub source: Source,
    /// The configured catalog, which says what types columns have; without it they are told from the first rows.
    pub catalog: Option<PathBuf>,
    pub gate: Gate,
    /// At least so many folds, and less than twice as many.
    pub folds: usize,
    /// What errors are drawn with.
    pub seed: u64,
}

/// What a trial showed about the rules of one file.
#[derive(Debug)]
pub struct Tried {
    /// The stream whose rows they were; nothing when none came.
    pub stream: Option<Descriptor>,
    /// The time that the rows are from.
    pub window: Option<String>,
    pub rows: u64,
    /// One for each rule that was tried; retired ones are not.
    pub rules: Vec<TriedRule>,
}

/// What a trial showed about one rule.
#[derive(Debug)]
pub struct TriedRule {
    /// Its place in the file.
    pub place: usize,
    pub measured: Measured,
    pub caught: Caught,
    pub choice: Choice,
    /// Why it does not pass; empty when it does.
    pub shortfalls: Vec<Shortfall>,
    pub evidence: Evidence,
}

/// Tries the rules of every file on the rows of its stream.
///
/// # Errors
/// What reading says; `Config` when a rule does not fit the columns, or a file's streams cannot be told apart.
pub fn run(books: &[Book], options: &Options) -> Result<Vec<Tried>> {
    let mut chunks = Chunks::open(&options.source)?;
    let schemas = Schemas::load(books, options.catalog.as_deref(), &mut chunks)?;
    let mut routing = Routing::new(books, &schemas, options.folds)?;
    let mut decoder = Decoder::default();
    let mut lines = 0;
    while let Some(chunk) = chunks.next(&schemas)? {
        let decoded = decoder.read(&chunk, &routing);
        if let Some(stop) = decoded.stop {
            return Err(stop.error.at_line(lines + stop.line + 1));
        }
        lines += decoded.lines;
        for (stream, batch) in &decoded.batches {
            if let Some(trial) = routing.trials.get_mut(*stream) {
                trial.add(batch)?;
            }
        }
        decoder.recycle(decoded.batches);
    }
    let mut tried: Vec<Option<Tried>> = books.iter().map(|_| None).collect();
    for place in 0..routing.trials.len() {
        for (book, found) in finished(&routing, place, options)? {
            tried[book] = Some(found);
        }
    }
    let tried = tried.into_iter().zip(books);
    Ok(tried
        .map(|(found, book)| found.unwrap_or_else(|| unmet(book, options)))
        .collect())
}

/// What one stream's rows showed, for each file about it.
fn finished(routing: &Routing, place: usize, options: &Options) -> Result<Vec<(usize, Tried)>> {
    let trial = &routing.trials[place];
    if trial.rows == 0 {
        return Ok(Vec::new());
    }
    let folds = trial.folds.clone().finish();
    let caught = trial.catches(routing, options.seed)?;
    let measured: Vec<_> = (0..trial.rules.len())
        .map(|rule| Measured::of(&folds, rule))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    let candidates: Vec<_> = (trial.rules.iter().zip(&measured).zip(&caught))
        .map(|((rule, measured), caught)| Candidate {
            approved: rule.approved,
            alarms: measured.violations as f64 / measured.rows.max(1) as f64,
            caught: &caught.rows,
        })
        .collect();
    let choices = cover(&candidates, options.gate.tolerance);
    let window = trial.window.told();
    let mut found: Vec<(usize, Tried)> = Vec::new();
    let rules = trial.rules.iter().zip(measured).zip(caught).zip(choices);
    for (((rule, measured), caught), choice) in rules {
        let evidence = evidence(
            &measured,
            &caught,
            window.clone(),
            &rule.fingerprint,
            options.seed,
        );
        let shortfalls = options.gate.shortfalls(&measured);
        let tried = TriedRule {
            place: rule.place,
            measured,
            caught,
            choice,
            shortfalls,
            evidence,
        };
        match found.iter_mut().find(|(book, _)| *book == rule.book) {
            Some((_, of)) => of.rules.push(tried),
            None => {
                let stream = Some(trial.descriptor.clone());
                let of = Tried {
                    stream,
                    window: window.clone(),
                    rows: trial.rows,
                    rules: vec![tried],
                };
                found.push((rule.book, of));
            }
        }
    }
    Ok(found)
}

fn evidence(
    measured: &Measured,
    caught: &Caught,
    window: Option<String>,
    fingerprint: &str,
    seed: u64,
) -> Evidence {
    let rates = Injected::ALL.into_iter();
    Evidence {
        window,
        rows: measured.rows,
        violations: measured.violations,
        fpr_upper95: measured.upper95,
        folds: measured.folds.clone(),
        caught: rates
            .filter_map(|error| Some((error.as_str().to_owned(), caught.rate(error)?)))
            .collect(),
        fingerprint: Some(fingerprint.to_owned()),
        seed: Some(seed),
    }
}

/// A file whose stream did not come.
fn unmet(book: &Book, options: &Options) -> Tried {
    let rules = StreamTrial::tried(book).map(|(place, _)| {
        let measured = Measured::of(&[], 0);
        TriedRule {
            place,
            shortfalls: options.gate.shortfalls(&measured),
            measured,
            caught: Caught::default(),
            choice: Choice::Blind,
            evidence: Evidence::default(),
        }
    });
    Tried {
        stream: None,
        window: None,
        rows: 0,
        rules: rules.collect(),
    }
}
