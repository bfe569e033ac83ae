//! Arrays with declared elements.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;

use super::column::{Column, Kept, Notes};
use super::line::{Line, Slot};
use crate::protocol::walk::{Malformed, Next};

/// The name of a list's element in Parquet.
pub(super) const ELEMENT: &str = "element";

/// The values of an array column.
#[derive(Debug)]
pub(super) struct List {
    pub field: FieldRef,
    /// The key, with quotes, as it is written in JSON.
    pub quoted: Box<[u8]>,
    pub ends: Vec<i32>,
    pub item: Box<Column>,
}

impl List {
    /// The same column, empty.
    pub(super) fn fresh(&self) -> Self {
        Self {
            field: self.field.clone(),
            quoted: self.quoted.clone(),
            ends: vec![0],
            item: Box::new(self.item.fresh()),
        }
    }

    /// Appends the array at `slot`.
    pub(super) fn put(
        &mut self,
        line: &Line<'_>,
        slot: Slot,
        notes: &mut Notes,
    ) -> Result<Kept, Malformed> {
        let mut walker = line.walker(slot.at);
        let mut end = self.end();
        if let Some(extra) = &mut notes.extra {
            extra.enter_array();
        }
        if !walker.empty_array()? {
            loop {
                let item = line.value(&mut walker)?;
                self.item.append(line, item, notes)?;
                end += 1;
                if walker.next(b']')? == Next::Closed {
                    break;
                }
            }
        }
        if let Some(extra) = &mut notes.extra {
            extra.leave_array(&self.quoted, line.raw(slot));
        }
        self.ends.push(end);
        Ok(Kept::Whole)
    }

    pub(super) fn null(&mut self) {
        self.ends.push(self.end());
    }

    fn end(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows + 1);
        self.item.truncate(self.end() as usize);
    }

    pub(super) fn finish(&mut self, nulls: &mut NullBufferBuilder) -> Result<ArrayRef, ArrowError> {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        let items = self.item.finish()?;
        let list = ListArray::try_new(self.field.clone(), ends, items, nulls.finish())?;
        Ok(Arc::new(list))
    }
}
