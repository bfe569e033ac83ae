//! Quarantined rows: one line each, masked like the rest, with every reason.
//!
//! A line is `{"line": …, "stream": …, "reasons": […], "message": <the masked RECORD>}`, so that
//! `jq -c .message` gives back what a later run can read.

use serde_json::json;

use crate::batch::{Batch, Fate};
use crate::protocol::state::Descriptor;

use super::lines::render_row;

/// A row on its way to the reject store.
#[derive(Debug)]
pub struct Rejected {
    /// Byte offset of its line in the chunk; the line's number follows from it.
    pub offset: u32,
    /// The text between the line number and the end of the entry.
    rest: String,
}

impl Rejected {
    /// The entry of a row whose line has this number, with its newline.
    pub fn entry(&self, line: u64) -> String {
        format!("{{\"line\":{line},{}\n", self.rest)
    }
}

/// The rejected rows of a batch, masked, in order.
pub fn collect(stream: &Descriptor, batch: &Batch) -> Vec<Rejected> {
    let rows = batch.rows().iter().enumerate();
    let rejected = rows.filter(|(_, row)| row.fate == Fate::Rejected);
    rejected
        .map(|(id, row)| {
            let reasons: Vec<_> = batch
                .reasons(id)
                .map(|reason| {
                    json!({
                        "rule": reason.rule,
                        "fingerprint": reason.fingerprint,
                        "severity": reason.severity,
                        "reason": reason.code,
                    })
                })
                .collect();
            let head = json!({
                "stream": stream.name,
                "namespace": stream.namespace,
                "reasons": reasons,
            });
            // The message is the line itself, so that its numbers and keys stay as they came.
            let message = render_row(batch, id);
            let head = head.to_string();
            let inner = &head[1..head.len() - 1];
            let message = String::from_utf8_lossy(&message);
            Rejected {
                offset: row.line.start,
                rest: format!("{inner},\"message\":{}}}", message.trim()),
            }
        })
        .collect()
}
