//! `_airbyte_extra`: what a record holds beyond its declared columns, as JSON text by nesting.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow::array::{ArrayRef, NullBufferBuilder};
use arrow::error::ArrowError;

use super::line::{Line, Slot};
use super::text::{Text, whole};
use crate::batch::write_string;
use crate::protocol::walk::{Key, Malformed};

/// Members that are compared one by one when repeated keys are looked for.
const FEW: usize = 16;

/// Collects the undeclared members of every row.
#[derive(Debug)]
pub(super) struct Extra {
    values: Text,
    nulls: NullBufferBuilder,
    /// The row's members so far, without the outer braces.
    row: Vec<u8>,
    /// Where the members of the object being read begin in `row`.
    base: usize,
    /// Undeclared members of the object being read.
    members: Vec<(Key, Slot)>,
    /// Declared arrays around the place being read.
    arrays: u32,
    /// An element of such an array holds an undeclared member.
    stray: bool,
}

impl Extra {
    pub(super) fn new() -> Self {
        Self {
            values: Text::new(),
            nulls: whole(),
            row: Vec::new(),
            base: 0,
            members: Vec::new(),
            arrays: 0,
            stray: false,
        }
    }

    /// Begins the members of an object.
    pub(super) fn begin(&mut self) {
        self.members.clear();
    }

    /// An undeclared member. In an array its place cannot be told by keys, so the whole array is kept.
    pub(super) fn undeclared(&mut self, key: Key, value: Slot) {
        if self.arrays > 0 {
            self.stray = true;
        } else {
            self.members.push((key, value));
        }
    }

    /// Enters an object; the answer belongs to [`Self::leave`].
    pub(super) fn enter(&mut self) -> usize {
        std::mem::replace(&mut self.base, self.row.len())
    }

    /// Leaves an object, whose key `quoted` is; what was written since it was entered goes below that key.
    pub(super) fn leave(&mut self, outer: usize, quoted: &[u8]) {
        let start = std::mem::replace(&mut self.base, outer);
        if self.row.len() == start || self.arrays > 0 {
            return;
        }
        let comma: &[u8] = if start > outer { b"," } else { b"" };
        let parts = [comma, quoted, b":{"];
        self.row.splice(start..start, parts.concat());
        self.row.push(b'}');
    }

    /// Enters a declared array.
    pub(super) fn enter_array(&mut self) {
        self.arrays += 1;
    }

    /// Leaves an array; if it is the outermost and an element held an undeclared member, all of it is kept.
    pub(super) fn leave_array(&mut self, quoted: &[u8], raw: &[u8]) {
        self.arrays -= 1;
        if self.arrays == 0 && std::mem::take(&mut self.stray) {
            self.separate();
            for part in [quoted, b":", raw] {
                self.row.extend_from_slice(part);
            }
        }
    }

    /// Writes the undeclared members of the object, of a repeated key the last.
    pub(super) fn write_members(&mut self, line: &Line<'_>) -> Result<(), Malformed> {
        if self.members.is_empty() {
            return Ok(());
        }
        let members = std::mem::take(&mut self.members);
        let names = members.iter().map(|&(key, _)| name(line, key));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let last: Option<HashMap<_, _>> =
            (members.len() > FEW).then(|| names.iter().zip(0..).collect());
        for (at, &(key, value)) in members.iter().enumerate() {
            let repeated = match &last {
                Some(last) => last[&names[at]] != at,
                None => names[at + 1..].contains(&names[at]),
            };
            if !repeated {
                self.write(line, key, value);
            }
        }
        self.members = members;
        Ok(())
    }

    fn write(&mut self, line: &Line<'_>, key: Key, value: Slot) {
        self.separate();
        let quoted = &line.bytes[key.start as usize - 1..=key.end as usize];
        self.row.extend_from_slice(quoted);
        self.row.push(b':');
        let raw = line.raw(value);
        match std::str::from_utf8(raw) {
            // Text that is no JSON would make the whole column unreadable.
            Ok(text) if !line.is_json(raw) => write_string(text, &mut self.row),
            _ => self.row.extend_from_slice(raw),
        }
    }

    fn separate(&mut self) {
        if self.row.len() > self.base {
            self.row.push(b',');
        }
    }

    /// Ends the row.
    pub(super) fn close(&mut self) {
        if self.row.is_empty() {
            self.nulls.append_null();
        } else {
            self.nulls.append_non_null();
            self.values.bytes.push(b'{');
            self.values.bytes.append(&mut self.row);
            self.values.bytes.push(b'}');
        }
        self.values.close();
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
        self.row.clear();
        self.members.clear();
        (self.base, self.arrays, self.stray) = (0, 0, false);
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        self.values.finish(&mut self.nulls)
    }
}

fn name<'a>(line: &Line<'a>, key: Key) -> Result<Cow<'a, [u8]>, Malformed> {
    Ok(match line.spelt(key)? {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => Cow::Borrowed(&line.bytes[key.start as usize..key.end as usize]),
    })
}
