//! Unions as destination-s3 stores them: the name of the option that fits, and one column per option.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullBufferBuilder, StructArray};
use arrow::datatypes::Fields;
use arrow::error::ArrowError;

use super::changes::Loss;
use super::column::{Column, Kept, Notes};
use super::line::{Line, Slot};
use super::text::{Text, whole};
use crate::protocol::walk::Malformed;

/// The values of a union column.
#[derive(Debug)]
pub(super) struct Choice {
    pub arrow: Fields,
    /// The name of the option that every value took.
    pub name: Text,
    /// The options with their names, in the order of the schema.
    pub options: Vec<(&'static str, Column)>,
    /// The order in which they are tried: what takes any text last.
    pub order: Vec<usize>,
}

impl Choice {
    /// The same column, empty.
    pub(super) fn fresh(&self) -> Self {
        let options = self.options.iter();
        Self {
            arrow: self.arrow.clone(),
            name: Text::new(),
            options: options.map(|(name, it)| (*name, it.fresh())).collect(),
            order: self.order.clone(),
        }
    }

    pub(super) fn put(
        &mut self,
        line: &Line<'_>,
        slot: Slot,
        notes: &mut Notes,
    ) -> Result<Kept, Malformed> {
        let raw = line.raw(slot);
        let fits = |&&at: &&usize| self.options[at].1.fits(line, raw);
        let Some(&chosen) = self.order.iter().find(fits) else {
            return Ok(Kept::Not(Loss::Serialization));
        };
        self.name.push(self.options[chosen].0.as_bytes());
        for (at, (_, option)) in self.options.iter_mut().enumerate() {
            if at == chosen {
                option.append(line, slot, notes)?;
            } else {
                option.null();
            }
        }
        Ok(Kept::Whole)
    }

    pub(super) fn null(&mut self) {
        self.name.push(b"");
        for (_, option) in &mut self.options {
            option.null();
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.name.truncate(rows);
        for (_, option) in &mut self.options {
            option.truncate(rows);
        }
    }

    pub(super) fn finish(&mut self, nulls: &mut NullBufferBuilder) -> Result<ArrayRef, ArrowError> {
        let mut columns = vec![self.name.finish(&mut whole())?];
        for (_, option) in &mut self.options {
            columns.push(option.finish()?);
        }
        let array = StructArray::try_new(self.arrow.clone(), columns, nulls.finish())?;
        Ok(Arc::new(array))
    }
}
