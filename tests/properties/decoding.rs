//! What the decoder finds at a path is what a strict reader finds there.

use midflight::decode::{Chunk, Decoder, Projection, Route, Routes};
use midflight::error::Result;
use midflight::protocol::scan::PADDING;
use midflight::schema::path::{Path, Segment};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

use super::budget::{Verdict, check};
use super::json::{Json, blank, key, shallow};
use super::lines::{self, Line};
use super::{must, strict};

struct All(Arc<Projection>);

impl Routes for All {
    fn route(&self, _: Option<&str>, _: &str) -> Result<Route> {
        Ok(Route { stream: 0, projection: Some(Arc::clone(&self.0)) })
    }
}

fn path() -> impl Strategy<Value = Path> {
    let segment = select(vec!["email", "address", "items", "street", "id", "", "a.b", "日", "a\"b"]);
    let segment = prop_oneof![
        5 => segment.prop_map(|key| Segment::Key(key.to_owned())),
        2 => Just(Segment::Items),
        1 => Just(Segment::Any),
    ];
    let segments = vec(segment, 1..4).prop_filter("data is an object", |path| path[0] != Segment::Items);
    segments.prop_map(|segments| Path::new(segments).expect("not empty"))
}

/// The byte ranges of what stands at a path inside `text`, which lies in `line`.
fn find(line: &str, text: &str, path: &[Segment], out: &mut Vec<(usize, usize)>) -> Verdict {
    let Some((first, rest)) = path.split_first() else {
        let start = text.as_ptr() as usize - line.as_ptr() as usize;
        out.push((start, start + text.len()));
        return Ok(());
    };
    let members = strict::members(text).map_err(|error| strict::unreadable(&error))?;
    let deep = *first == Segment::Any && rest.is_empty();
    for (name, value) in members.0 {
        let value = value.get();
        let container = value.starts_with(['{', '[']);
        let (here, rest) = match (first, &name) {
            _ if deep => (true, if container { path } else { &[] }),
            (Segment::Key(wanted), Some(name)) => (wanted == name, rest),
            (Segment::Any, Some(_)) | (Segment::Items, None) => (true, rest),
            _ => (false, rest),
        };
        if here {
            find(line, value, rest, out)?;
        }
    }
    Ok(())
}

fn object() -> impl Strategy<Value = Option<Json>> {
    (vec((key(), shallow()), 0..8), blank()).prop_map(|(members, blank)| Some(Json::Object(members, blank)))
}

#[test]
fn the_decoder_finds_what_a_strict_reader_finds() {
    // Halves of surrogate pairs are JSON by the grammar, and no text for the strict reader.
    let whole = |text: &String| serde_json::from_str::<serde_json::Value>(text).is_ok();
    let line = lines::record(object()).prop_map(|record| Line::Record(record).text(None, &|text| text.to_owned()));
    let line = line.prop_filter("readable", whole);
    check(&(vec(line, 1..4), vec(path(), 1..5)), |(lines, paths)| {
        let text = lines.join("\n") + "\n";
        let mut bytes = text.clone().into_bytes();
        bytes.resize(text.len() + PADDING, b'\n');
        let chunk = Chunk { bytes: arrow::buffer::Buffer::from_vec(bytes), len: text.len() };
        let decoded = Decoder::default().read(&chunk, &All(Arc::new(Projection::new(&paths))));
        must(decoded.stop.is_none(), || format!("{:?}", decoded.stop))?;
        for (column, path) in paths.iter().enumerate() {
            let mut wanted = Vec::new();
            for line in text.lines() {
                for record in strict::all(line, "record").map_err(|error| strict::unreadable(&error))? {
                    for data in strict::all(record, "data").map_err(|error| strict::unreadable(&error))? {
                        find(&text, data, path.segments(), &mut wanted)?;
                    }
                }
            }
            let batch = &decoded.batches[0].1;
            let cells = batch.column(column).iter().map(|&cell| batch.cell(cell as usize));
            let mut found: Vec<_> = cells.map(|cell| (cell.start as usize, cell.end as usize)).collect();
            found.sort_unstable();
            wanted.sort_unstable();
            must(found == wanted, || {
                let shown = |spans: &[(usize, usize)]| spans.iter().map(|&(from, to)| text[from..to].to_owned()).collect::<Vec<_>>();
                format!("`{path}` found {:?}, not {:?}", shown(&found), shown(&wanted))
            })?;
        }
        Ok(())
    });
}
