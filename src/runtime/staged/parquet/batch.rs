//! Rows in memory, and the writers of their columns.

use arrow::array::RecordBatch;

use super::super::cell::{Cell, Member, cell};
use super::super::envelope::{self, Envelope, Own, Tail};
use super::super::value::Out;
use crate::schema::LogicalType;

/// Rows in memory, with the writers of their columns.
pub struct Batch {
    rows: usize,
    next: usize,
    own: Vec<(Own, Cell)>,
    /// Columns of the record, with their names.
    members: Vec<(String, Member)>,
    raw: Vec<u8>,
}

impl Batch {
    /// Finds the writer of every column.
    ///
    /// # Errors
    /// What is wrong with a column, to be read behind the file's name.
    pub fn new(
        batch: &RecordBatch,
        declared: Option<&[(String, LogicalType)]>,
    ) -> std::result::Result<Self, String> {
        let mut own = Vec::new();
        let mut members = Vec::new();
        let schema = batch.schema();
        let record = LogicalType::Object(Vec::new());
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let unknown = || {
                let ty = field.data_type();
                format!(
                    "column `{}` has the type {ty}, which is not known",
                    field.name()
                )
            };
            match Own::of(field.name().as_bytes()) {
                Some(kind) => {
                    // An object stays one, whatever its keys are called.
                    let ty = matches!(kind, Own::Data | Own::Meta).then_some(&record);
                    own.push((kind, cell(column, field, ty).ok_or_else(unknown)?));
                }
                None => {
                    let ty = declared.and_then(|declared| {
                        let (_, ty) = declared.iter().find(|(name, _)| name == field.name())?;
                        Some(ty)
                    });
                    let column = Member::new(column, field, ty).ok_or_else(unknown)?;
                    members.push((field.name().clone(), column));
                }
            }
        }
        if !members.is_empty() && own.iter().any(|(own, _)| *own == Own::Data) {
            return Err("has `_airbyte_data` beside columns of the record".to_owned());
        }
        Ok(Self {
            rows: batch.num_rows(),
            next: 0,
            own,
            members,
            raw: Vec::new(),
        })
    }

    /// Whether every row has been written.
    pub fn is_done(&self) -> bool {
        self.next == self.rows
    }

    /// Writes the next row.
    ///
    /// # Errors
    /// What is wrong with it, to be read behind "the row".
    pub fn write(
        &mut self,
        envelope: &Envelope,
        lines: &mut Vec<u8>,
        tail: &mut Tail,
    ) -> std::result::Result<(), &'static str> {
        let row = self.next;
        self.next += 1;
        tail.clear();
        envelope.begin(lines);
        let mut lost = Vec::new();
        let mut whole = false;
        for (own, write) in &self.own {
            self.raw.clear();
            let mut out = Out {
                json: &mut self.raw,
                lost: false,
            };
            write(row, &mut out);
            if *own == Own::Data {
                whole = true;
                lines.extend_from_slice(&envelope::record(&self.raw)?);
            } else {
                tail.set(*own, &self.raw)?;
            }
        }
        if !whole {
            let mut first = true;
            lines.push(b'{');
            for (name, column) in &self.members {
                let mut out = Out {
                    json: lines,
                    lost: false,
                };
                column.write(row, &mut out, &mut first);
                if out.lost {
                    lost.push(name.as_str());
                }
            }
            lines.push(b'}');
        }
        envelope.end(lines, tail, &lost);
        Ok(())
    }
}
