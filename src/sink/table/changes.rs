//! `_airbyte_meta`: the run's sync, and what became of values that could not be kept.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;

use super::line::{Line, Slot};
use super::text::{Text, whole};
use crate::protocol::walk::{Malformed, Next};

/// Changes told per record, its own included; further ones are left out.
pub const CHANGES_MAX: usize = 256;

/// Why a value could not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    FieldSize,
    Typecast,
    Serialization,
}

impl Loss {
    fn reason(self) -> &'static str {
        match self {
            Self::FieldSize => "DESTINATION_FIELD_SIZE_LIMITATION",
            Self::Typecast => "DESTINATION_TYPECAST_ERROR",
            Self::Serialization => "DESTINATION_SERIALIZATION_ERROR",
        }
    }
}

/// The changes of all rows.
#[derive(Debug)]
pub(super) struct Changes {
    /// Where the changes of every row end.
    ends: Vec<i32>,
    field: Text,
    change: Text,
    reason: Text,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self {
            ends: vec![0],
            field: Text::new(),
            change: Text::new(),
            reason: Text::new(),
        }
    }

    /// A value of this row became null.
    #[cold]
    pub(super) fn nulled(&mut self, path: &str, loss: Loss) {
        self.add(path.as_bytes(), b"NULLED", loss.reason().as_bytes());
    }

    /// A value of this row lost digits.
    #[cold]
    pub(super) fn truncated(&mut self, path: &str) {
        let reason = Loss::FieldSize.reason();
        self.add(path.as_bytes(), b"TRUNCATED", reason.as_bytes());
    }

    fn add(&mut self, field: &[u8], change: &[u8], reason: &[u8]) {
        let start = self.ends.last().map_or(0, |&end| end as usize);
        let mut known = (start..self.field.len()).rev();
        let same = |at| {
            self.field.get(at) == field
                && self.change.get(at) == change
                && self.reason.get(at) == reason
        };
        if self.field.len() - start < CHANGES_MAX && !known.any(same) {
            self.field.push(field);
            self.change.push(change);
            self.reason.push(reason);
        }
    }

    /// Takes the changes that the record came with; `meta` is the place of its `meta`. What has not the form of
    /// a change is passed over.
    pub(super) fn read(&mut self, line: &Line<'_>, meta: Slot) -> Result<(), Malformed> {
        let mut list = Slot::default();
        members(line, meta, |name, value| {
            if name == b"changes" {
                list = value;
            }
        })?;
        if list.is_absent() || line.raw(list).first() != Some(&b'[') {
            return Ok(());
        }
        let mut walker = line.walker(list.at);
        if walker.empty_array()? {
            return Ok(());
        }
        loop {
            let value = line.value(&mut walker)?;
            self.read_one(line, value)?;
            if walker.next(b']')? == Next::Closed {
                return Ok(());
            }
        }
    }

    fn read_one(&mut self, line: &Line<'_>, change: Slot) -> Result<(), Malformed> {
        let mut parts = [Slot::default(); 3];
        members(line, change, |name, value| match name {
            b"field" => parts[0] = value,
            b"change" => parts[1] = value,
            b"reason" => parts[2] = value,
            _ => {}
        })?;
        let text = |slot| line.text(line.raw(slot));
        if let [Some(field), Some(change), Some(reason)] = parts.map(text) {
            self.add(field.as_bytes(), change.as_bytes(), reason.as_bytes());
        }
        Ok(())
    }

    /// Ends the row.
    pub(super) fn close(&mut self) {
        self.ends.push(self.field.len() as i32);
    }

    /// Bytes of the rows' changes.
    pub(super) fn bytes(&self) -> usize {
        self.field.bytes.len() + self.change.bytes.len() + self.reason.bytes.len()
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows + 1);
        let kept = self.ends.last().map_or(0, |&end| end as usize);
        for text in [&mut self.field, &mut self.change, &mut self.reason] {
            text.truncate(kept);
        }
    }

    /// The column `_airbyte_meta`; starts anew.
    pub(super) fn finish(&mut self, sync_id: i64) -> Result<ArrayRef, ArrowError> {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let texts = [&mut self.field, &mut self.change, &mut self.reason];
        let texts = texts.map(|text| text.finish(&mut whole()));
        let texts = texts.into_iter().collect::<Result<Vec<_>, _>>()?;
        let sync_ids = Int64Array::from_value(sync_id, ends.len() - 1);
        let changes = StructArray::try_new(change_fields(), texts, None)?;
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        let changes = ListArray::try_new(change_field(), ends, Arc::new(changes), None)?;
        let columns: Vec<ArrayRef> = vec![Arc::new(sync_ids), Arc::new(changes)];
        Ok(Arc::new(StructArray::try_new(
            meta_fields(),
            columns,
            None,
        )?))
    }
}

/// Calls `visit` with the members of an object whose keys are plain; with none for another value.
fn members(
    line: &Line<'_>,
    object: Slot,
    mut visit: impl FnMut(&[u8], Slot),
) -> Result<(), Malformed> {
    if line.raw(object).first() != Some(&b'{') {
        return Ok(());
    }
    let mut walker = line.walker(object.at);
    while let Some(key) = walker.key()? {
        let value = line.value(&mut walker)?;
        visit(&line.bytes[key.start as usize..key.end as usize], value);
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    Ok(())
}

fn change_fields() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Fields::from(vec![text("field"), text("change"), text("reason")])
}

fn change_field() -> FieldRef {
    let change = DataType::Struct(change_fields());
    Arc::new(Field::new(super::list::ELEMENT, change, false))
}

/// The parts of `_airbyte_meta`.
pub(super) fn meta_fields() -> Fields {
    Fields::from(vec![
        Field::new("sync_id", DataType::Int64, false),
        Field::new("changes", DataType::List(change_field()), false),
    ])
}
