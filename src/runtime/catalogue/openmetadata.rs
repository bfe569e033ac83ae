//! OpenMetadata: tables by their fully qualified name, with the tags of the table and its columns.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;

use super::{ANSWER_BYTES, Asked, failure, now, unknown};
use crate::plan::catalogue::{Catalogue, StreamAnswer};
use crate::protocol::state::Descriptor;
use crate::schema::path::{Path, Segment};

/// What may not stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Columns inside columns are followed this deep.
const DEPTH_MAX: usize = 32;

/// A server of OpenMetadata.
#[derive(Debug)]
pub(super) struct OpenMetadata(pub Asked);

#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    tags: Vec<Label>,
    #[serde(default)]
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    #[serde(default)]
    tags: Vec<Label>,
    #[serde(default)]
    children: Vec<Column>,
}

#[derive(Deserialize)]
struct Label {
    #[serde(rename = "tagFQN")]
    name: String,
}

impl Catalogue for OpenMetadata {
    fn answer(&self, stream: &Descriptor) -> StreamAnswer {
        let asked = &self.0;
        let source = format!("openmetadata {}", asked.http.url());
        let name = asked.name(stream, &quoted);
        let path = format!(
            "/api/v1/tables/name/{}?fields=columns,tags",
            utf8_percent_encode(&name, SEGMENT)
        );
        let table = match asked.http.get(&path, ANSWER_BYTES) {
            Ok(answer) => serde_json::from_slice::<Table>(&answer),
            Err(refused) => return unknown(&source, &failure(&refused)),
        };
        let Ok(table) = table else {
            return unknown(&source, "not_understood");
        };
        let mut columns = Vec::new();
        gather(&table.columns, &mut Vec::new(), &mut columns);
        let told = columns
            .iter()
            .map(|(path, tags)| (path.clone(), tags.as_slice()));
        asked.tags.judge(&source, &now(), &names(&table.tags), told)
    }
}

/// A part of a name; one with a dot or a quote is quoted.
fn quoted(part: &str) -> String {
    match part.contains(['.', '"']) {
        true => format!("\"{}\"", part.replace('"', "\"\"")),
        false => part.to_owned(),
    }
}

fn names(labels: &[Label]) -> Vec<String> {
    labels.iter().map(|label| label.name.clone()).collect()
}

fn gather(columns: &[Column], above: &mut Vec<Segment>, out: &mut Vec<(String, Vec<String>)>) {
    if above.len() >= DEPTH_MAX {
        return;
    }
    for column in columns {
        above.push(Segment::Key(column.name.clone()));
        if let Some(path) = Path::new(above.clone()) {
            out.push((path.to_string(), names(&column.tags)));
        }
        gather(&column.children, above, out);
        above.pop();
    }
}
