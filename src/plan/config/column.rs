//! Columns as the configuration and the rule files name them.

use super::read::{bounded, read_name};
use super::{COLUMNS_MAX, NAME_BYTES_MAX};
use crate::document::{Node, Position, Problems};
use crate::schema::path::Path;

/// The path of a column.
pub(super) fn read_path(node: &Node, file: &str, problems: &mut Problems) -> Option<Path> {
    let text = read_name(node, "the column", file, problems)?;
    parse_path(text, node.at, file, problems)
}

/// One path or a list of them, each once.
pub(in crate::plan) fn read_paths(
    node: &Node,
    file: &str,
    problems: &mut Problems,
) -> Option<Vec<Path>> {
    let texts = node.read_texts(file, problems)?;
    if texts.len() > COLUMNS_MAX {
        let message = format!("more than {COLUMNS_MAX} columns");
        problems.push_at(file, node.at, message);
        return None;
    }
    let mut paths = Vec::with_capacity(texts.len());
    for (text, at) in texts {
        let text = bounded(text, at, "the column", NAME_BYTES_MAX, file, problems);
        let Some(path) = text.and_then(|text| parse_path(text, at, file, problems)) else {
            continue;
        };
        if paths.contains(&path) {
            problems.push_at(file, at, format!("the column `{path}` stands twice"));
        } else {
            paths.push(path);
        }
    }
    Some(paths)
}

fn parse_path(text: &str, at: Position, file: &str, problems: &mut Problems) -> Option<Path> {
    text.parse()
        .map_err(|error| {
            problems.push_at(
                file,
                at,
                format!("`{text}` is no path of a column: {error}"),
            );
        })
        .ok()
}

/// The name of one column, without its object.
pub(super) fn read_column_name(node: &Node, file: &str, problems: &mut Problems) -> Option<String> {
    let path = read_path(node, file, problems)?;
    let name = path.as_key().map(str::to_owned);
    if name.is_none() {
        let message = format!("`{path}` is a path, and a single name is wanted");
        let hint = "a name with dots stands in double quotes, as '\"a.b\"'";
        problems.push_hint(file, node.at, message, hint);
    }
    name
}
