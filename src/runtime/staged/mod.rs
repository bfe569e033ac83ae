//! Staged files become lines of RECORD messages, as the engine takes them from a source.
//!
//! [`list()`] finds objects and tells their streams, [`divide()`] shares large ones out, [`open`] reads one part. Every
//! layout that destination-s3 writes or wrote is read: JSON Lines and CSV, plain, gzipped or zstd, Avro and Parquet,
//! with Airbyte's columns beside the record, around it, or without them. Memory does not grow with an object.
//!
//! A file's value that JSON cannot hold becomes null, with the change told in `meta`. Whatever is broken is an error
//! that names the object and the line.

mod avro;
mod cell;
mod columns;
mod csv;
mod divide;
mod envelope;
mod format;
mod infer;
mod json_lines;
mod lines;
mod list;
mod moment;
mod naming;
mod parquet;
mod pattern;
mod ranges;
mod unpack;
mod value;

use crate::error::Result;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::Bucket;
use crate::schema::types::LogicalType;

pub use divide::{Part, divide};
pub use format::Format;
pub use infer::infer_columns;
pub use list::{Object, find, list};
pub use naming::{Naming, PathPattern};
pub use pattern::Pattern;

use envelope::Envelope;

/// The columns of a stream, in order.
pub type Columns = Vec<(String, LogicalType)>;

/// Gives the rows of a file as lines, one by one.
trait Rows: Send {
    /// Appends the line of the next row, and says which row of the object it is, in bytes or rows; `None` at the end.
    fn next(&mut self, envelope: &Envelope, lines: &mut Vec<u8>) -> Result<Option<u64>>;

    /// The columns of the record, as far as the file declares them.
    fn columns(&self) -> Option<Columns> {
        None
    }
}

/// Reads one part of an object.
pub struct Reader {
    rows: Box<dyn Rows>,
    envelope: Envelope,
    offsets: Vec<u64>,
}

/// Opens a part of an object. `columns` are the types that its stream declares: they tell what text in a CSV is, where
/// text is JSON, and what a timestamp's zone is.
///
/// # Errors
/// `Input` when it cannot be read, `Protocol` when it is broken.
pub fn open(
    bucket: &Bucket,
    object: &Object,
    part: &Part,
    stream: &Descriptor,
    columns: Option<&[(String, LogicalType)]>,
) -> Result<Reader> {
    let url = object.url.clone();
    let rows: Box<dyn Rows> = match object.format {
        Format::JsonLines => {
            let text = unpack::open(bucket, object, part)?;
            Box::new(json_lines::JsonLines::new(url, text, part)?)
        }
        Format::Csv => {
            let text = unpack::open(bucket, object, &Part::Whole)?;
            Box::new(csv::Table::new(url, text, columns)?)
        }
        Format::Avro => Box::new(avro::Container::open(bucket, object, columns)?),
        Format::Parquet => Box::new(parquet::Groups::open(bucket, object, part, columns)?),
    };
    Ok(Reader {
        rows,
        envelope: Envelope::new(stream, object),
        offsets: Vec::new(),
    })
}

impl Reader {
    /// Appends whole lines until about `target` bytes have come; `false` when there was none left. After an error
    /// there are no further ones.
    ///
    /// # Errors
    /// `Input` when the object cannot be read or is no longer the one that was listed; `Protocol` when it is broken.
    /// The lines before it have been appended.
    pub fn read(&mut self, lines: &mut Vec<u8>, target: usize) -> Result<bool> {
        self.offsets.clear();
        let begin = lines.len();
        loop {
            let whole = lines.len();
            match self.rows.next(&self.envelope, lines) {
                Ok(Some(offset)) => self.offsets.push(offset),
                Ok(None) => {
                    // Who asks again has come to the end, not to a file that is cut off.
                    self.rows = Box::new(Nothing);
                    break;
                }
                Err(error) => {
                    lines.truncate(whole);
                    self.rows = Box::new(Nothing);
                    return Err(error);
                }
            }
            if lines.len() - begin >= target {
                break;
            }
        }
        Ok(lines.len() > begin)
    }

    /// For each line of the last [`Self::read`] a number that no other line of the object has, however it is divided:
    /// the byte at which its row starts in the unpacked text, or the row's place.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// The columns of the record in a format that declares them: Parquet and Avro. Airbyte's own are left out.
    pub fn columns(&self) -> Option<Columns> {
        self.rows.columns()
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// What is left of a file behind an error.
struct Nothing;

impl Rows for Nothing {
    fn next(&mut self, _: &Envelope, _: &mut Vec<u8>) -> Result<Option<u64>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
