//! `midflight rules`

pub(super) mod backtest;
mod exchange;
mod list;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{
    Format, GateArguments, Rules, RulesAction, RulesApprove, RulesRetire, RulesTest,
};
use super::output::{self, table};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::Status;
use crate::runtime::trial::{self, Approving, Book, Decision, Types, examine};
use crate::trial::Gate;

pub(super) fn run(arguments: &Rules) -> Result<()> {
    match &arguments.action {
        RulesAction::List { files, format } => list::run(files, *format),
        RulesAction::Test(arguments) => test(arguments),
        RulesAction::Backtest(arguments) => backtest::run(arguments),
        RulesAction::Approve(arguments) => approve(arguments),
        RulesAction::Retire(arguments) => retire(arguments),
        RulesAction::Export(arguments) => exchange::export(arguments),
        RulesAction::Import(arguments) => exchange::import(arguments),
    }
}

fn test(arguments: &RulesTest) -> Result<()> {
    let books = Book::read_all(&arguments.files)?;
    let types = Types::load(arguments.catalog.as_deref(), arguments.config.as_deref())?;
    let mut rows = vec![["rule", "tests", "verdict"].map(str::to_owned)];
    let mut values = Vec::new();
    let mut short = 0;
    for book in &books {
        for found in examine(book, &types) {
            let rule = &book.file.rules[found.place];
            short += usize::from(!found.problems.is_empty());
            let verdict = match found.problems.is_empty() {
                true if rule.status == Status::Retired => "retired".to_owned(),
                true => "holds".to_owned(),
                false => found.problems.join("; "),
            };
            rows.push([rule.id.clone(), found.tests.to_string(), verdict]);
            values.push(json!({
                "file": book.name,
                "line": rule.at.line,
                "rule": rule.id,
                "tests": found.tests,
                "holds": found.problems.is_empty(),
                "problems": found.problems,
            }));
        }
    }
    print(arguments.format, &table(&rows), &values)?;
    fell_short(short)
}

fn approve(arguments: &RulesApprove) -> Result<()> {
    let book = one(&arguments.file)?;
    let types = Types::load(arguments.catalog.as_deref(), None)?;
    let asked = Approving {
        by: &arguments.by,
        note: arguments.note.as_deref(),
        enforce: arguments.enforce,
        without_evidence: arguments.without_evidence,
        gate: gate(&arguments.gate),
        types: &types,
    };
    let audit = audit(arguments.audit.as_deref(), &book);
    let decisions = trial::approve(&book, &arguments.ids, &asked, &audit)?;
    decided(&decisions, &book, &audit, arguments.format)
}

fn retire(arguments: &RulesRetire) -> Result<()> {
    let book = one(&arguments.file)?;
    let audit = audit(arguments.audit.as_deref(), &book);
    let decisions = trial::retire(
        &book,
        &arguments.ids,
        &arguments.by,
        &arguments.note,
        &audit,
    )?;
    decided(&decisions, &book, &audit, arguments.format)
}

fn decided(decisions: &[Decision], book: &Book, audit: &Path, format: Format) -> Result<()> {
    let text: String = (decisions.iter())
        .map(|decision| {
            let (from, to) = (decision.from.as_str(), decision.to.as_str());
            format!("{}: {from} -> {to}\n", decision.id)
        })
        .collect();
    let values: Vec<_> = (decisions.iter())
        .map(|decision| {
            json!({
                "file": book.name,
                "rule": decision.id,
                "from": decision.from,
                "to": decision.to,
                "fingerprint": decision.fingerprint,
                "audit": audit.display().to_string(),
            })
        })
        .collect();
    print(format, &text, &values)
}

fn print(format: Format, text: &str, values: &[Value]) -> Result<()> {
    match format {
        Format::Text => output::result(text),
        Format::Json => output::result(&format!("{:#}", json!(values))),
    }
}

/// The one error of a command that judged rules.
fn fell_short(rules: usize) -> Result<()> {
    match rules {
        0 => Ok(()),
        1 => Err(Error::new(ErrorKind::Limit, "1 rule falls short")),
        rules => Err(Error::new(
            ErrorKind::Limit,
            format!("{rules} rules fall short"),
        )),
    }
}

fn one(file: &PathBuf) -> Result<Book> {
    let books = Book::read_all(std::slice::from_ref(file))?;
    books.into_iter().next().ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            format!("{} is no rule file", file.display()),
        )
    })
}

/// Where decisions about a file go on record.
fn audit(given: Option<&Path>, book: &Book) -> PathBuf {
    match given {
        Some(path) => path.to_owned(),
        None => book.path.with_file_name("audit.jsonl"),
    }
}

fn gate(arguments: &GateArguments) -> Gate {
    Gate {
        tolerance: arguments.tolerance,
        rows_min: arguments.min_rows,
    }
}
