//! Changes, decisions and statements as people and programs read them.

use std::fmt::Write;

use serde_json::{Value, json};

use super::ddl::{Dialect, Statement};
use super::decide::Decision;

/// A decision with the statements that follow it.
#[derive(Debug, Clone)]
pub struct Told {
    pub decision: Decision,
    pub statements: Vec<Statement>,
}

/// A table of changes and, behind it, the statements.
pub fn to_text(told: &[Told], dialect: Option<Dialect>) -> String {
    if told.is_empty() {
        return "no changes\n".to_owned();
    }
    let head = ["STREAM", "CHANGE", "CLASS", "ANSWER", "AIRBYTE", ""].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head)
        .chain(told.iter().map(|told| row(&told.decision)))
        .collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if let Some(dialect) = dialect {
        let _ = write!(text, "\n{}", script(told, dialect));
    }
    text
}

/// The statements alone: those of changes that wait or fail are comments.
pub fn script(told: &[Told], dialect: Dialect) -> String {
    let mut text = format!("-- {}\n", dialect.title());
    for told in told {
        let waits = told.decision.stops();
        for statement in &told.statements {
            let _ = match (statement, waits) {
                (Statement::Run(sql), false) => writeln!(text, "{sql};"),
                (Statement::Run(sql), true) => writeln!(text, "-- waits: {};", one_line(sql)),
                (Statement::Note(note), _) => writeln!(text, "-- {}", one_line(note)),
            };
        }
    }
    text
}

/// A name may hold a newline, which would end a comment, and a row.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn row(decision: &Decision) -> [String; 6] {
    let change = &decision.change;
    let class = serde_json::to_value(change.class).unwrap_or_default();
    [
        change.stream.to_string(),
        change.kind.name().to_owned(),
        class.as_str().unwrap_or_default().to_owned(),
        decision.answer().word().to_owned(),
        if change.breaks_airbyte {
            "breaking"
        } else {
            ""
        }
        .to_owned(),
        change.sentence(),
    ]
    .map(|cell| one_line(&cell))
}

/// The same for programs.
pub fn to_json(told: &[Told], dialect: Option<Dialect>) -> Value {
    let changes: Vec<Value> = told.iter().map(|told| change(told, dialect)).collect();
    let held = told.iter().filter(|told| told.decision.stops()).count();
    json!({"changes": changes, "held": held})
}

fn change(told: &Told, dialect: Option<Dialect>) -> Value {
    let mut json = told.decision.to_json();
    if dialect.is_some() {
        let statements = told.statements.iter().map(|statement| match statement {
            Statement::Run(sql) => json!({"sql": sql}),
            Statement::Note(note) => json!({"note": note}),
        });
        json["statements"] = statements.collect();
    }
    json
}
