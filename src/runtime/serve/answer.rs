//! What senders are told about objects: names and errors, never values.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Outcome;
use super::pool::Ticket;
use crate::error::Error;

/// What became of an object.
#[derive(Debug, Clone)]
pub enum Answer {
    Ended(Outcome),
    /// A later event of the same key was processed before.
    Superseded,
    Failed(Arc<Error>),
    /// There was no time to do it, or to wait for its end.
    Unfinished,
}

/// What the answers of all objects of an event amount to. The greatest decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// The event is done with.
    Done,
    /// It can never be done: it belongs into the dead letters.
    Poison,
    /// It must be delivered again, because an object failed or because time ran out.
    Again,
    /// It is still being worked on.
    Unfinished,
}

impl Answer {
    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Ended(_) | Self::Superseded => Standing::Done,
            Self::Failed(error) if error.kind().outcome().retry => Standing::Again,
            Self::Failed(_) => Standing::Poison,
            Self::Unfinished => Standing::Unfinished,
        }
    }

    fn json(&self, url: &str) -> Value {
        match self {
            Self::Ended(Outcome::Done { rows }) => {
                json!({"url": url, "status": "done", "rows": rows})
            }
            Self::Ended(Outcome::Already) => json!({"url": url, "status": "already"}),
            Self::Ended(Outcome::Skipped(reason)) => {
                json!({"url": url, "status": "skipped", "reason": reason})
            }
            Self::Superseded => json!({"url": url, "status": "superseded"}),
            Self::Failed(error) => {
                let retry = error.kind().outcome().retry;
                let mut told = json!({"url": url, "status": "failed", "error": error.to_string(), "retry": retry});
                if let Some(hint) = error.advice() {
                    told["hint"] = hint.into();
                }
                told
            }
            Self::Unfinished => json!({"url": url, "status": "unfinished", "retry": true}),
        }
    }
}

/// What the objects of an event amount to now, and the list of them.
pub(super) fn summary(tickets: &[Ticket]) -> (Standing, Value) {
    let answers = || tickets.iter().map(|ticket| (&ticket.url, ticket.now()));
    let standing = answers().map(|(_, answer)| answer.standing()).max();
    let objects: Vec<_> = answers().map(|(url, answer)| answer.json(url)).collect();
    (
        standing.unwrap_or(Standing::Done),
        json!({"objects": objects}),
    )
}

/// The failures of an event in one line each, for the log and for Lambda.
pub(super) fn failures(tickets: &[Ticket]) -> Vec<String> {
    let line = |ticket: &Ticket| match ticket.now() {
        Answer::Failed(error) => Some(format!("{}: {error}", ticket.url)),
        Answer::Unfinished => Some(format!("{}: not finished in time", ticket.url)),
        Answer::Ended(_) | Answer::Superseded => None,
    };
    tickets.iter().filter_map(line).collect()
}
