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
        Ok(Route {
            stream: 0,
            projection: Some(Arc::clone(&self.0)),
        })
    }
}

fn path() -> impl Strategy<Value = Path> {
    let segment = select(vec![
        "email", "address", "items", "street", "id", "", "a.b", "日", "a\"b",
    ]);
    let segment = prop_oneof![
        5 => segment.prop_map(|key| Segment::Key(key.to_owned())),
        2 => Just(Segment::Items),
        1 => Just(Segment::Any),
    ];
    let segments =
        vec(segment, 1..4).prop_filter("data is an object", |path| path[0] != Segment::Items);
    segments.prop_map(|segments| Path::new(segments).expect("not empty"))
}

/// The byte ranges of what stands at a path inside `text`, which lies in `line`. With `arrays`, a trailing
/// wildcard also takes what stands in an array.
fn find(
    line: &str,
    text: &str,
    path: &[Segment],
    arrays: bool,
    out: &mut Vec<(usize, usize)>,
) -> Verdict {
    let Some((first, rest)) = path.split_first() else {
        let start = text.as_ptr() as usize - line.as_ptr() as usize;
        out.push((start, start + text.len()));
        return Ok(());
    };
    if *first == Segment::Any && rest.is_empty() {
        let taken = text.starts_with('{') || arrays && text.starts_with('[');
        return if taken {
            scalars(line, text, out)
        } else {
            Ok(())
        };
    }
    for (name, value) in strict::members(text)
        .map_err(|error| strict::unreadable(&error))?
        .0
    {
        let here = match (first, &name) {
            (Segment::Key(wanted), Some(name)) => wanted == name,
            (Segment::Any, Some(_)) | (Segment::Items, None) => true,
            _ => false,
        };
        if here {
            find(line, value.get(), rest, arrays, out)?;
        }
    }
    Ok(())
}

/// The byte ranges of every scalar at or below `text`.
fn scalars(line: &str, text: &str, out: &mut Vec<(usize, usize)>) -> Verdict {
    if !text.starts_with(['{', '[']) {
        return find(line, text, &[], false, out);
    }
    let members = strict::members(text).map_err(|error| strict::unreadable(&error))?;
    members
        .0
        .into_iter()
        .try_for_each(|(_, value)| scalars(line, value.get(), out))
}

/// The byte ranges of what stands at a path in the data of every line.
fn spans(text: &str, path: &Path, arrays: bool) -> Result<Vec<(usize, usize)>, TestCaseError> {
    let mut out = Vec::new();
    for line in text.lines() {
        for record in strict::all(line, "record").map_err(|error| strict::unreadable(&error))? {
            for data in strict::all(record, "data").map_err(|error| strict::unreadable(&error))? {
                find(text, data, path.segments(), arrays, &mut out)?;
            }
        }
    }
    Ok(out)
}

fn object() -> impl Strategy<Value = Option<Json>> {
    (vec((key(), shallow()), 0..8), blank())
        .prop_map(|(members, blank)| Some(Json::Object(members, blank)))
}

#[test]
fn the_decoder_finds_what_a_strict_reader_finds() {
    // Halves of surrogate pairs are JSON by the grammar, and no text for the strict reader.
    let whole = |text: &String| serde_json::from_str::<serde_json::Value>(text).is_ok();
    let line = lines::record(object())
        .prop_map(|record| Line::Record(record).text(None, &|text| text.to_owned()));
    let line = line.prop_filter("readable", whole);
    check(&(vec(line, 1..4), vec(path(), 1..5)), |(lines, paths)| {
        let text = lines.join("\n") + "\n";
        let mut bytes = text.clone().into_bytes();
        bytes.resize(text.len() + PADDING, b'\n');
        let chunk = Chunk {
            bytes: arrow::buffer::Buffer::from_vec(bytes),
            len: text.len(),
            number: 0,
            offset: 0,
        };
        let decoded = Decoder::default().read(&chunk, &All(Arc::new(Projection::new(&paths))));
        must(decoded.stop.is_none(), || format!("{:?}", decoded.stop))?;
        for (column, path) in paths.iter().enumerate() {
            let (wanted, allowed) = (spans(&text, path, false)?, spans(&text, path, true)?);
            let batch = &decoded.batches[0].1;
            // Values of another shape on the way to a path are found too, and told apart.
            let cells = batch.column(column).iter().map(|&cell| cell as usize);
            let cells = cells
                .filter(|&cell| !batch.is_misplaced(cell, column))
                .map(|cell| batch.cell(cell));
            let mut found: Vec<_> = cells
                .map(|cell| (cell.start as usize, cell.end as usize))
                .collect();
            found.sort_unstable();
            let fine = wanted.iter().all(|span| found.contains(span))
                && found.iter().all(|span| allowed.contains(span));
            must(fine, || {
                let shown = |spans: &[(usize, usize)]| {
                    spans
                        .iter()
                        .map(|&(from, to)| text[from..to].to_owned())
                        .collect::<Vec<_>>()
                };
                format!(
                    "`{path}` found {:?}, not {:?}",
                    shown(&found),
                    shown(&wanted)
                )
            })?;
        }
        Ok(())
    });
}
