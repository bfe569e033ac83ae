//! One value after the other, from Avro's bytes to JSON.

use arrow::datatypes::i256;

use super::super::value::Out;
use super::schema::{Field, Schema, Shape};

/// Records inside each other.
const DEPTH_MAX: usize = 128;

/// What is wrong with a record, to be read behind "the row".
pub type What = &'static str;

const CUT: What = "ends behind its block";

/// Bytes that are read value by value.
pub struct Datum<'d> {
    schema: &'d Schema,
    bytes: &'d [u8],
    /// The line may not grow beyond this.
    limit: usize,
    depth: usize,
}

impl<'d> Datum<'d> {
    pub fn new(schema: &'d Schema, bytes: &'d [u8], limit: usize) -> Self {
        Self {
            schema,
            bytes,
            limit,
            depth: 0,
        }
    }

    /// Bytes that have not been read.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Writes a value.
    pub fn write(&mut self, shape: &Shape, out: &mut Out<'_>) -> Result<(), What> {
        if out.json.len() > self.limit {
            return Err("is longer than a line may be");
        }
        match shape {
            Shape::Null => out.null(),
            Shape::Boolean => out.boolean(self.boolean()?),
            Shape::Integer => out.shown(self.long()?),
            Shape::Date => out.date(self.long()?),
            Shape::Time { per_second, zone } => out.time(self.long()?, *per_second, *zone),
            Shape::Timestamp { per_second, zone } => {
                out.timestamp(self.long()?, *per_second, *zone)
            }
            Shape::Float => out.float(f32::from_le_bytes(self.chunk()?)),
            Shape::Double => out.double(f64::from_le_bytes(self.chunk()?)),
            Shape::Bytes => out.base64(self.sized()?),
            Shape::Text(json) => {
                let text = self.text()?;
                out.text_or_json(text, json.as_ref());
            }
            Shape::Fixed(size) => out.base64(self.take(*size)?),
            Shape::Uuid => out.uuid(self.take(16)?),
            Shape::Duration => duration(self.chunk()?, out),
            Shape::Decimal { scale, fixed } => {
                let bytes = match fixed {
                    Some(size) => self.take(*size)?,
                    None => self.sized()?,
                };
                let digits = digits(bytes).ok_or("has a decimal of more than 76 digits")?;
                out.decimal(&digits, *scale);
            }
            Shape::Enum(symbols) => {
                let symbol = usize::try_from(self.long()?).ok();
                let symbol = symbol.and_then(|symbol| symbols.get(symbol));
                out.raw(symbol.ok_or("has a symbol that its enum does not have")?);
            }
            Shape::Union(branches) => {
                let branch = usize::try_from(self.long()?).ok();
                let branch = branch.and_then(|branch| branches.get(branch));
                self.inside(
                    branch.ok_or("has a type that its union does not have")?,
                    out,
                )?;
            }
            Shape::Array(item) => {
                out.raw(b"[");
                self.each(out, |datum, out| datum.inside(item, out))?;
                out.raw(b"]");
            }
            Shape::Map(value) => {
                out.raw(b"{");
                self.each(out, |datum, out| {
                    out.text(datum.text()?);
                    out.raw(b":");
                    datum.inside(value, out)
                })?;
                out.raw(b"}");
            }
            Shape::Record(number) => {
                out.raw(b"{");
                for field in self.schema.record(*number) {
                    self.member(field, out)?;
                }
                out.raw(b"}");
            }
        }
        Ok(())
    }

    /// Writes a field as a member, behind a comma unless a brace stands before it.
    pub fn member(&mut self, field: &Field, out: &mut Out<'_>) -> Result<(), What> {
        let begin = out.json.len();
        if out.json.last() != Some(&b'{') {
            out.raw(b",");
        }
        if field.is_further() {
            let mut members = Vec::new();
            let mut inner = Out {
                json: &mut members,
                lost: false,
            };
            self.inside(&field.shape, &mut inner)?;
            out.lost |= inner.lost;
            match &*members {
                [b'{', inside @ .., b'}'] if !inside.is_empty() => out.raw(inside),
                _ => out.json.truncate(begin),
            }
            return Ok(());
        }
        out.raw(&field.key);
        self.inside(&field.shape, out)
    }

    fn inside(&mut self, shape: &Shape, out: &mut Out<'_>) -> Result<(), What> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("nests too deep");
        }
        let written = self.write(shape, out);
        self.depth -= 1;
        written
    }

    /// The elements of an array or a map, in its blocks.
    fn each(
        &mut self,
        out: &mut Out<'_>,
        mut write: impl FnMut(&mut Self, &mut Out<'_>) -> Result<(), What>,
    ) -> Result<(), What> {
        let mut first = true;
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                count = count.saturating_neg();
                self.long()?;
            }
            for _ in 0..count {
                if !std::mem::take(&mut first) {
                    out.raw(b",");
                }
                write(self, out)?;
            }
        }
    }

    fn boolean(&mut self) -> Result<bool, What> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err("has a boolean that is neither true nor false"),
        }
    }

    fn long(&mut self) -> Result<i64, What> {
        let mut value = 0u64;
        for (at, byte) in self.bytes.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                self.bytes = &self.bytes[at + 1..];
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(if self.bytes.len() < 10 {
            CUT
        } else {
            "has a number that does not end"
        })
    }

    fn text(&mut self) -> Result<&'d str, What> {
        let bytes = self.sized()?;
        simdutf8::basic::from_utf8(bytes).map_err(|_| "has text that is not valid UTF-8")
    }

    fn sized(&mut self) -> Result<&'d [u8], What> {
        let length = usize::try_from(self.long()?).map_err(|_| "has a length that cannot be")?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<&'d [u8], What> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(CUT)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], What> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(CUT)?;
        self.bytes = rest;
        Ok(*taken)
    }
}

/// The digits of a number in two's complement, highest byte first.
fn digits(bytes: &[u8]) -> Option<String> {
    let Some(first) = bytes.first() else {
        return Some("0".to_owned());
    };
    let sign = if *first >= 0x80 { 0xff } else { 0 };
    let significant = bytes
        .iter()
        .position(|byte| *byte != sign)
        .unwrap_or(bytes.len());
    let bytes = &bytes[significant.saturating_sub(1)..];
    let mut whole = [sign; 32];
    let at = whole.len().checked_sub(bytes.len())?;
    whole[at..].copy_from_slice(bytes);
    Some(i256::from_be_bytes(whole).to_string())
}

/// A length of time, as ISO 8601 writes it.
fn duration(bytes: [u8; 12], out: &mut Out<'_>) {
    let part = |at: usize| {
        let mut four = [0; 4];
        four.copy_from_slice(&bytes[at..at + 4]);
        u32::from_le_bytes(four)
    };
    let (months, days, millis) = (part(0), part(4), part(8));
    let (seconds, millis) = (millis / 1000, millis % 1000);
    out.shown(format_args!("\"P{months}M{days}DT{seconds}.{millis:03}S\""));
}
