//! Objects with declared keys, the record itself among them.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullBufferBuilder, StructArray};
use arrow::datatypes::Fields;
use arrow::error::ArrowError;

use super::column::{Column, Kept, Notes};
use super::keys::Keys;
use super::line::{Line, Slot};
use crate::protocol::walk::{Malformed, Next, Walker};

/// The values of an object's columns.
///
/// An object is read twice: first the places of its members are noted, so that of a repeated key the last counts
/// and an absent one is known; then every column takes one value.
#[derive(Debug)]
pub(super) struct Object {
    pub keys: Arc<Keys>,
    pub fields: Vec<Column>,
    pub arrow: Fields,
    /// The key, with quotes, as it is written in JSON.
    pub quoted: Box<[u8]>,
    /// Where the value of every key stands in the object being read.
    pub slots: Vec<Slot>,
}

impl Object {
    /// The same columns, empty.
    pub(super) fn fresh(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            fields: self.fields.iter().map(Column::fresh).collect(),
            arrow: self.arrow.clone(),
            quoted: self.quoted.clone(),
            slots: vec![Slot::default(); self.slots.len()],
        }
    }

    /// Notes where the members stand of the object that the walker stands on; ends on its closing brace.
    pub(super) fn gather<'a>(
        &mut self,
        line: &Line<'a>,
        walker: &mut Walker<'a>,
        notes: &mut Notes,
    ) -> Result<(), Malformed> {
        if let Some(extra) = &mut notes.extra {
            extra.begin();
        }
        let mut guess = 0;
        while let Some(key) = walker.key()? {
            let (start, end) = (key.start as usize, key.end as usize);
            let found = match line.spelt(key)? {
                None => self.keys.find(line.bytes, start, end, &mut guess),
                Some(text) => self.keys.find(text.as_bytes(), 0, text.len(), &mut guess),
            };
            let value = line.value(walker)?;
            match found {
                Some(at) => self.slots[at] = value,
                None => {
                    if let Some(extra) = &mut notes.extra {
                        extra.undeclared(key, value);
                    }
                }
            }
            if walker.next(b'}')? == Next::Closed {
                break;
            }
        }
        Ok(())
    }

    /// Appends what was gathered, one value per column.
    pub(super) fn spill(&mut self, line: &Line<'_>, notes: &mut Notes) -> Result<(), Malformed> {
        if let Some(extra) = &mut notes.extra {
            extra.write_members(line)?;
        }
        for (field, slot) in self.fields.iter_mut().zip(&mut self.slots) {
            let slot = std::mem::take(slot);
            if slot.is_absent() {
                field.null();
            } else {
                field.append(line, slot, notes)?;
            }
        }
        Ok(())
    }

    /// Appends the object at `slot`.
    pub(super) fn put(
        &mut self,
        line: &Line<'_>,
        slot: Slot,
        notes: &mut Notes,
    ) -> Result<Kept, Malformed> {
        self.gather(line, &mut line.walker(slot.at), notes)?;
        let outer = notes.extra.as_mut().map(|extra| extra.enter());
        self.spill(line, notes)?;
        if let (Some(extra), Some(outer)) = (&mut notes.extra, outer) {
            extra.leave(outer, &self.quoted);
        }
        Ok(Kept::Whole)
    }

    pub(super) fn null(&mut self) {
        self.fields.iter_mut().for_each(Column::null);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.slots.fill(Slot::default());
        for field in &mut self.fields {
            field.truncate(rows);
        }
    }

    pub(super) fn finish(&mut self, nulls: &mut NullBufferBuilder) -> Result<ArrayRef, ArrowError> {
        let columns = self.fields.iter_mut().map(Column::finish);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let array = StructArray::try_new(self.arrow.clone(), columns, nulls.finish())?;
        Ok(Arc::new(array))
    }
}
