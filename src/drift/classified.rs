//! Which places that look personal a person has decided about already.

use super::change::Change;
use crate::plan::config::{Class, Config};
use crate::schema::path::{Path, Segment};
use crate::stage::spec::StageSpec;

/// Takes the places out of changes that the configuration classifies: a `mask`, a `drop` or a `detect` of their stream
/// names them, or what holds them.
pub fn clear(changes: &mut [Change], config: &Config) {
    for change in changes {
        let (namespace, name) = (change.stream.namespace.as_deref(), &change.stream.name);
        let Some(listed) = config.stream_for(namespace, name) else {
            continue;
        };
        let stages: Vec<_> = listed.stages.iter().map(|stage| &stage.value).collect();
        change
            .personal
            .retain(|found| !classified(&found.path, &stages));
        if change.personal.is_empty() && change.class == Class::Governance {
            change.class = Class::Safe;
        }
    }
}

fn classified(path: &Path, stages: &[&StageSpec]) -> bool {
    let mut path = path.clone();
    for stage in stages {
        match stage {
            StageSpec::Rename { from, to } => {
                if let Some(moved) = moved(&path, from, to) {
                    path = moved;
                }
            }
            StageSpec::Mask { column, .. } if covers(column, &path) => return true,
            StageSpec::Drop(columns) if columns.iter().any(|column| covers(column, &path)) => {
                return true;
            }
            // All columns at once is no word about this one.
            StageSpec::Detect { columns, pin, .. } => {
                let named = columns
                    .iter()
                    .any(|column| column.segments() != [Segment::Any] && covers(column, &path));
                if named || pin.iter().any(|(column, _)| covers(column, &path)) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Whether a path of a stage leads to a place, or to what holds it.
fn covers(column: &Path, path: &Path) -> bool {
    let (column, path) = (column.segments(), path.segments());
    let same = |(one, other): (&Segment, &Segment)| *one == Segment::Any || one == other;
    column.len() <= path.len() && column.iter().zip(path).all(same)
}

fn moved(path: &Path, from: &Path, to: &str) -> Option<Path> {
    let rest = path.segments().strip_prefix(from.segments())?;
    let mut segments = from.with_leaf(to).segments().to_vec();
    segments.extend_from_slice(rest);
    Path::new(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Problems;

    #[test]
    fn a_stage_that_names_a_place_classifies_it() {
        let text = "version: 1\nstreams:\n  s:\n    stages:\n\
            \x20     - rename: {from: mail, to: email}\n\
            \x20     - mask: {column: email, with: redact}\n\
            \x20     - drop: contact\n\
            \x20     - detect: {columns: [notes], with: redact, pin: {title: clean}}\n\
            \x20     - detect: {columns: ['*'], with: redact}\n";
        let mut problems = Problems::new();
        let config = Config::parse("f", text, &mut problems).expect("a configuration");
        assert!(problems.is_empty(), "{problems}");
        let stages: Vec<_> = config.streams[0]
            .stages
            .iter()
            .map(|stage| &stage.value)
            .collect();
        for (path, expected) in [
            ("mail", true),
            ("contact.phone", true),
            ("notes", true),
            ("title", true),
            ("surname", false),
        ] {
            let path: Path = path.parse().expect("a path");
            assert_eq!(classified(&path, &stages), expected, "{path}");
        }
    }
}
