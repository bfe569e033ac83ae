//! Rules get their names and say where they come from.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::document::{Node, Position};
use crate::plan::rules::{RuleSpec, RuleTests, Status};
use crate::profile::form::StreamProfile;
use crate::schema::path::Path;

/// The longest id, in bytes, with room for a number.
const ID_BYTES: usize = 90;

/// The drafts as rules, each with a name of its own in the stream.
pub fn named(stream: &StreamProfile, drafts: Vec<Draft>, profile: &str) -> Vec<RuleSpec> {
    let mut taken = BTreeSet::new();
    drafts
        .into_iter()
        .map(|draft| {
            let wanted = id(&stream.name, &draft.columns, draft.label);
            let numbered = (2..).map(|number| format!("{wanted}_{number}"));
            let id = std::iter::once(wanted.clone())
                .chain(numbered)
                .find(|id| !taken.contains(id));
            let id = id.unwrap_or(wanted);
            taken.insert(id.clone());
            rule(id, draft, profile)
        })
        .collect()
}

fn id(stream: &str, columns: &[Path], label: &str) -> String {
    let mut id = String::new();
    let columns = columns.iter().map(ToString::to_string);
    for part in std::iter::once(stream.to_owned()).chain(columns) {
        for c in part.chars() {
            let plain = c.is_ascii_alphanumeric() || c == '_';
            id.push(if plain { c.to_ascii_lowercase() } else { '_' });
        }
        id.push('_');
    }
    id.truncate(ID_BYTES - label.len());
    id + label
}

fn rule(id: String, draft: Draft, profile: &str) -> RuleSpec {
    let source = Node::map([
        ("kind", Node::text("profile")),
        (
            "suggester",
            Node::text(concat!("midflight ", env!("CARGO_PKG_VERSION"))),
        ),
        ("profile", Node::text(format!("sha256:{profile}"))),
    ]);
    RuleSpec {
        id,
        form: draft.form,
        columns: draft.columns,
        severity: draft.severity,
        on_fail: draft.on_fail,
        status: Status::Proposed,
        dimension: Some(draft.dimension),
        description: Some(draft.description),
        source: Some(source),
        evidence: None,
        approved: None,
        tests: RuleTests {
            pass: draft.pass,
            fail: draft.fail,
        },
        at: Position { line: 0, column: 0 },
    }
}
