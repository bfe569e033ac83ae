//! Vectors and chunks as JSON. A number is the shortest decimal that reads back as the same 32 bits.

use super::Second;
use crate::batch::{Batch, Current, RowId, write_string};
use crate::model::Vector;

pub(super) trait Written {
    /// Appends itself as JSON.
    fn write(&self, out: &mut Vec<u8>);
}

impl Written for Vector {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, value) in self.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            // Adding zero makes -0 a 0.
            if serde_json::to_writer(&mut *out, &(value + 0.0)).is_err() {
                out.extend_from_slice(b"null");
            }
        }
        out.push(b']');
    }
}

/// Appends a list of chunks.
pub(super) fn list<'a>(chunks: impl Iterator<Item = (&'a str, &'a Vector)>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (n, (text, vector)) in chunks.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!("{{\"n\":{n},\"text\":").as_bytes());
        write_string(text, out);
        out.extend_from_slice(b",\"embedding\":");
        vector.write(out);
        out.push(b'}');
    }
    out.push(b']');
}

/// A record's key, as its chunks have it.
pub(super) struct Key {
    /// What stands before the number in a chunk's id.
    id: String,
    /// The key's members, as JSON, with a comma behind each.
    members: Vec<u8>,
}

/// The key of a row; `None` when a part of it is null, missing or no scalar.
pub(super) fn key(second: &Second, batch: &Batch, row: RowId) -> Option<Key> {
    let mut key = Key {
        id: String::new(),
        members: Vec::new(),
    };
    for (column, name) in &second.key {
        let cells = batch.column(column.id);
        let first = cells.partition_point(|&cell| (batch.cell(cell as usize).row as usize) < row);
        let in_row = |&&cell: &&u32| batch.cell(cell as usize).row as usize == row;
        // Of a key that stands twice, readers take the last.
        let cell = *cells[first..].iter().take_while(in_row).last()? as usize;
        let text = match batch.current(cell) {
            Current::Text(text) => text.into_owned(),
            Current::Number(literal) => literal.to_owned(),
            Current::Bool(value) => value.to_string(),
            Current::Null | Current::Container(_) | Current::Broken => return None,
        };
        if second.key.len() > 1 {
            // Parts are told apart by the slash, so one inside a part is written otherwise.
            key.id += &text.replace('%', "%25").replace('/', "%2F");
        } else {
            key.id += &text;
        }
        key.id.push('/');
        write_string(name, &mut key.members);
        key.members.push(b':');
        key.members.extend_from_slice(batch.raw(batch.cell(cell)));
        key.members.push(b',');
    }
    Some(key)
}

/// Appends the data of chunk `n` of `of`.
pub(super) fn record(
    key: &Key,
    (n, of): (usize, usize),
    (text, vector): (&str, &Vector),
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"id\":");
    write_string(&format!("{}{n}", key.id), out);
    out.push(b',');
    out.extend_from_slice(&key.members);
    out.extend_from_slice(format!("\"n\":{n},\"of\":{of},\"text\":").as_bytes());
    write_string(text, out);
    out.extend_from_slice(b",\"embedding\":");
    vector.write(out);
    out.push(b'}');
}
