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
        let Some(chosen) = self.chosen(line, line.raw(slot)) else {
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

    /// The option that a value takes: the first that it fits and is spelt as, else the first that it fits. A date can
    /// be read as a timestamp and the other way round, which would add or lose a time of day.
    fn chosen(&self, line: &Line<'_>, raw: &[u8]) -> Option<usize> {
        let mut fitting = self
            .order
            .iter()
            .copied()
            .filter(|&at| self.options[at].1.fits(line, raw));
        let first = fitting.next()?;
        let spelt = |at: &usize| is_spelt_as(raw, self.options[*at].0);
        Some(match spelt(&first) {
            true => first,
            false => fitting.find(spelt).unwrap_or(first),
        })
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

/// Whether a text has the parts that a type of this name writes: a time of day, an offset.
fn is_spelt_as(raw: &[u8], name: &str) -> bool {
    let clock = raw.iter().position(|&byte| byte == b':');
    let offset = clock.is_some_and(|at| raw[at..].iter().any(|byte| b"Zz+-".contains(byte)));
    match name {
        "date" => clock.is_none(),
        "timestamp_with_timezone" | "time_with_timezone" => offset,
        "timestamp_without_timezone" | "time_without_timezone" => clock.is_some() && !offset,
        _ => true,
    }
}
