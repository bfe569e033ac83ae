//! `midflight rules backtest`

use std::path::Path;

use serde_json::{Value, json};

use super::{audit, fell_short, gate, print};
use crate::audit::{Kind, Record};
use crate::cli::args::{GateArguments, RulesBacktest, TrialCourse, TrialRows};
use crate::cli::batch::{format as staged_format, naming};
use crate::cli::output::table;
use crate::error::Result;
use crate::plan::rules::{RuleSpec, write};
use crate::runtime::audit::Log;
use crate::runtime::staged::Pattern;
use crate::runtime::trial::{self, Book, Options, Source, Tried, TriedRule};
use crate::trial::{Choice, Error as Injected, percent};

pub(super) fn run(arguments: &RulesBacktest) -> Result<()> {
    let books = Book::read_all(&arguments.files)?;
    let options = options(
        &arguments.rows,
        &arguments.gate,
        &arguments.course,
        arguments.catalog.as_deref(),
    )?;
    let tried = trial::run(&books, &options)?;
    if arguments.write {
        for (book, tried) in books.iter().zip(&tried).filter(|(_, tried)| tried.rows > 0) {
            keep(book, tried, arguments)?;
        }
    }
    let text: String = books
        .iter()
        .zip(&tried)
        .map(|(book, tried)| text(book, tried))
        .collect();
    let values: Vec<_> = (books.iter().zip(&tried))
        .flat_map(|(book, tried)| tried.rules.iter().map(|rule| value(book, tried, rule)))
        .collect();
    print(arguments.format, &text, &values)?;
    let rules = tried.iter().flat_map(|tried| &tried.rules);
    fell_short(rules.filter(|rule| !rule.shortfalls.is_empty()).count())
}

/// How rules are tried, as the arguments say.
pub(in crate::cli) fn options(
    rows: &TrialRows,
    gated: &GateArguments,
    course: &TrialCourse,
    catalog: Option<&Path>,
) -> Result<Options> {
    Ok(Options {
        source: source(rows)?,
        catalog: catalog.map(Path::to_owned),
        gate: gate(gated),
        folds: usize::from(course.folds),
        seed: u64::from(course.seed),
    })
}

fn source(rows: &TrialRows) -> Result<Source> {
    let Some(from) = &rows.from else {
        return Ok(rows.data.clone().map_or(Source::Stdin, Source::File));
    };
    let mut pattern = Pattern::parse(from)?.named(naming(&rows.naming)?);
    if let Some(format) = rows.naming.input_format {
        pattern = pattern.formatted(staged_format(format));
    }
    if rows.skip_unknown {
        pattern = pattern.skipping_unknown();
    }
    Ok(Source::Staged(pattern))
}

/// Puts the trial on record and its evidence into the file.
fn keep(book: &Book, tried: &Tried, arguments: &RulesBacktest) -> Result<()> {
    let changes: Vec<_> = (tried.rules.iter())
        .map(|found| {
            let evidence = found.evidence.node();
            (
                spec(book, found).id.as_str(),
                vec![("evidence", Some(evidence))],
            )
        })
        .collect();
    let text = write::set_all(&book.name, &book.text, &changes)?;
    let rules: Vec<_> = (tried.rules.iter())
        .map(|found| {
            json!({
                "rule": spec(book, found).id,
                "fingerprint": found.evidence.fingerprint,
                "violations": found.measured.violations,
                "fpr_upper95": found.measured.upper95,
                "holds": found.shortfalls.is_empty(),
            })
        })
        .collect();
    let payload = json!({
        "file": book.name,
        "stream": tried.stream.as_ref().map(ToString::to_string),
        "window": tried.window,
        "rows": tried.rows,
        "tolerance": arguments.gate.tolerance,
        "min_rows": arguments.gate.min_rows,
        "seed": arguments.course.seed,
        "rules": rules,
    });
    let log = Log::open(&audit(arguments.audit.as_deref(), book))?;
    log.append(&Record::new(Kind::RulesTried, payload))?;
    book.write(&text)
}

fn spec<'a>(book: &'a Book, found: &TriedRule) -> &'a RuleSpec {
    &book.file.rules[found.place]
}

fn text(book: &Book, tried: &Tried) -> String {
    let rows_of = match &tried.window {
        Some(window) => format!("{} rows of {window}", tried.rows),
        None => format!("{} rows", tried.rows),
    };
    let stream = match &tried.stream {
        Some(stream) => format!("stream {stream}"),
        None => format!("stream {}, which did not come", book.file.stream.as_str()),
    };
    let mut rows = vec![
        [
            "rule",
            "violations",
            "below",
            "by fold",
            "caught",
            "verdict",
        ]
        .map(str::to_owned),
    ];
    for found in &tried.rules {
        let folds = found
            .measured
            .folds
            .iter()
            .map(|(_, violations)| violations.to_string());
        let caught = Injected::ALL.into_iter().filter_map(|error| {
            let rate = found.caught.rate(error)?;
            Some(format!("{} {rate:.2}", error.as_str()))
        });
        rows.push([
            spec(book, found).id.clone(),
            found.measured.violations.to_string(),
            percent(found.measured.upper95),
            folds.collect::<Vec<_>>().join(" "),
            caught.collect::<Vec<_>>().join(", "),
            verdict(spec(book, found), found),
        ]);
    }
    format!("{}: {stream}, {rows_of}\n{}", book.name, table(&rows))
}

fn verdict(rule: &RuleSpec, found: &TriedRule) -> String {
    let mut said: Vec<String> = found.shortfalls.iter().map(ToString::to_string).collect();
    if said.is_empty() {
        said.push("holds".to_owned());
    }
    said.extend(remark(found.choice).map(str::to_owned));
    if is_void(rule) {
        said.push("its recorded evidence was about another expression".to_owned());
    }
    said.join("; ")
}

fn is_void(rule: &RuleSpec) -> bool {
    rule.recorded_evidence().is_some() && rule.valid_evidence().is_none()
}

fn remark(choice: Choice) -> Option<&'static str> {
    match choice {
        Choice::Approved | Choice::Kept(_) => None,
        Choice::Redundant => Some("redundant: other rules notice all that it does"),
        Choice::Blind => Some("it notices none of the errors"),
        Choice::OverBudget => Some("with the others it would flag too many good rows"),
    }
}

fn value(book: &Book, tried: &Tried, found: &TriedRule) -> Value {
    let rule = spec(book, found);
    let (choice, adds) = match found.choice {
        Choice::Approved => ("approved", None),
        Choice::Kept(adds) => ("kept", Some(adds)),
        Choice::Redundant => ("redundant", None),
        Choice::Blind => ("blind", None),
        Choice::OverBudget => ("over_budget", None),
    };
    let shortfalls: Vec<_> = found.shortfalls.iter().map(ToString::to_string).collect();
    json!({
        "file": book.name,
        "line": rule.at.line,
        "rule": rule.id,
        "stream": tried.stream.as_ref().map(ToString::to_string),
        "evidence": found.evidence.node().to_json(),
        "holds": shortfalls.is_empty(),
        "shortfalls": shortfalls,
        "cover": choice,
        "adds": adds,
        "recorded_evidence_void": is_void(rule),
    })
}
