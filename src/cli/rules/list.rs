//! `midflight rules list`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::print;
use crate::cli::args::Format;
use crate::cli::output::table;
use crate::error::Result;
use crate::plan::rules::{RuleSpec, effective_action};
use crate::runtime::trial::Book;
use crate::trial::percent;

/// Characters of an expression that a table shows.
const DEMAND_CHARACTERS: usize = 60;

pub(super) fn run(files: &[PathBuf], format: Format) -> Result<()> {
    let books = Book::read_all(files)?;
    let mut text = String::new();
    let mut values = Vec::new();
    for book in &books {
        let file = &book.file;
        let mut rows = vec![["rule", "demands", "status", "may", "evidence"].map(str::to_owned)];
        let mut notes = Vec::new();
        for rule in &file.rules {
            let (standing, note) = rule.standing();
            let action = effective_action(file.phase, standing, rule.on_fail);
            let status = match standing == rule.status {
                true => standing.as_str().to_owned(),
                false => format!("{} (was {})", standing.as_str(), rule.status.as_str()),
            };
            rows.push([
                rule.id.clone(),
                demand(rule),
                status,
                action.as_str().to_owned(),
                evidence(rule),
            ]);
            values.push(value(book, rule));
            notes.extend(note);
        }
        let phase = serde_json::to_value(file.phase).unwrap_or_default();
        let phase = phase.as_str().unwrap_or_default();
        let stream = file.stream.as_str();
        text.push_str(&format!("{}: stream {stream}, phase {phase}\n", book.name));
        text.push_str(&table(&rows));
        text.extend(notes.iter().map(|note| format!("note: {note}\n")));
    }
    print(format, &text, &values)
}

/// What a rule demands, in one line.
fn demand(rule: &RuleSpec) -> String {
    let sql = rule.to_sql().unwrap_or_else(|| rule.form.name().to_owned());
    let line: Vec<_> = sql.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(DEMAND_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn evidence(rule: &RuleSpec) -> String {
    let Some(found) = rule.recorded_evidence() else {
        return "none".to_owned();
    };
    if rule.valid_evidence().is_none() {
        return "void: about another expression".to_owned();
    }
    let bound = percent(found.fpr_upper95);
    format!("{} of {} rows, below {bound}", found.violations, found.rows)
}

fn value(book: &Book, rule: &RuleSpec) -> Value {
    let (standing, note) = rule.standing();
    let approved = rule.approved.as_ref().map(|approval| {
        json!({
            "by": approval.by,
            "at": approval.at,
            "note": approval.note,
            "fingerprint": approval.fingerprint,
        })
    });
    let mut value = json!({
        "file": book.name,
        "line": rule.at.line,
        "stream": book.file.stream.as_str(),
        "phase": book.file.phase,
        "rule": rule.id,
        "demands": rule.to_sql().unwrap_or_else(|| rule.form.name().to_owned()),
        "columns": rule.columns,
        "severity": rule.severity,
        "on_fail": rule.on_fail,
        "status": rule.status,
        "standing": standing,
        "may": effective_action(book.file.phase, standing, rule.on_fail).as_str(),
        "fingerprint": rule.fingerprint(),
        "source": rule.source.as_ref().map(crate::document::Node::to_json),
        "evidence": rule.evidence.as_ref().map(crate::document::Node::to_json),
        "evidence_valid": rule.valid_evidence().is_some(),
        "approved": approved,
    });
    if let Some(note) = note {
        value["note"] = json!(note);
    }
    value
}
