//! Avro object containers, decoded straight into JSON.
//!
//! Arrow's reader ends without a word where a file is cut, and does not compare the marks between blocks; here a
//! record that is not exactly what its schema says is an error.

mod blocks;
mod datum;
mod schema;

use super::envelope::{self, Envelope, Own, Tail};
use super::lines::LINE_BYTES_MAX;
use super::list::Object;
use super::ranges::{Fetch, Ranges};
use super::value::Out;
use super::{Columns, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;
use crate::schema::LogicalType;
use blocks::Blocks;
use datum::Datum;
use schema::{Field, Schema};

/// Reads the records of a file.
pub struct Container {
    blocks: Blocks,
    schema: Schema,
    /// Records left in the block, and where the next one starts in it.
    left: u64,
    at: usize,
    /// Records given.
    row: u64,
    tail: Tail,
    raw: Vec<u8>,
}

impl Container {
    pub fn open(
        bucket: &Bucket,
        object: &Object,
        declared: Option<&[(String, LogicalType)]>,
    ) -> Result<Self> {
        let input = Ranges::new(Fetch::new(bucket, object), 0, object.size)?;
        let (blocks, schema) = Blocks::open(input, object.url.clone())?;
        let schema = Schema::parse(&schema, declared).map_err(|what| {
            Error::new(
                ErrorKind::Protocol,
                format!("{}: its schema {what}", object.url),
            )
        })?;
        Ok(Self {
            blocks,
            schema,
            left: 0,
            at: 0,
            row: 0,
            tail: Tail::default(),
            raw: Vec::new(),
        })
    }

    fn write(
        &mut self,
        envelope: &Envelope,
        lines: &mut Vec<u8>,
    ) -> std::result::Result<(), &'static str> {
        self.tail.clear();
        envelope.begin(lines);
        let limit = lines.len() + LINE_BYTES_MAX;
        let mut datum = Datum::new(&self.schema, &self.blocks.data()[self.at..], limit);
        let mut lost = Vec::new();
        let mut whole = false;
        let begin = lines.len();
        lines.push(b'{');
        for field in self.schema.fields() {
            if let Some(own) = Own::of(field.name.as_bytes()) {
                self.raw.clear();
                let mut out = Out {
                    json: &mut self.raw,
                    lost: false,
                };
                datum.write(&field.shape, &mut out)?;
                if own == Own::Data {
                    whole = true;
                    lines.truncate(begin);
                    lines.extend_from_slice(&envelope::record(&self.raw)?);
                } else {
                    self.tail.set(own, &self.raw)?;
                }
            } else {
                let mut out = Out {
                    json: lines,
                    lost: false,
                };
                datum.member(field, &mut out)?;
                if out.lost {
                    lost.push(field.name.as_str());
                }
            }
        }
        if !whole {
            lines.push(b'}');
        }
        self.at = self.blocks.data().len() - datum.left();
        envelope.end(lines, &self.tail, &lost);
        Ok(())
    }

    fn wrong(&self, what: &str) -> Error {
        let (url, row) = (self.blocks.url(), self.row + 1);
        Error::new(ErrorKind::Protocol, format!("{url}: row {row} {what}"))
    }
}

impl Rows for Container {
    fn next(&mut self, envelope: &Envelope, lines: &mut Vec<u8>) -> Result<Option<u64>> {
        while self.left == 0 {
            if self.at != self.blocks.data().len() {
                return Err(self.wrong("starts behind bytes that belong to no record"));
            }
            match self.blocks.next()? {
                Some(records) => (self.left, self.at) = (records, 0),
                None => return Ok(None),
            }
        }
        self.write(envelope, lines)
            .map_err(|what| self.wrong(what))?;
        self.left -= 1;
        self.row += 1;
        Ok(Some(self.row - 1))
    }

    fn columns(&self) -> Option<Columns> {
        self.schema.columns()
    }
}

/// Whether a record has fields of its own beside `_airbyte_data`, which would be lost.
fn is_ambiguous(fields: &[Field]) -> bool {
    let own = |field: &Field| Own::of(field.name.as_bytes());
    fields.iter().any(|field| own(field) == Some(Own::Data))
        && fields.iter().any(|field| own(field).is_none())
}
