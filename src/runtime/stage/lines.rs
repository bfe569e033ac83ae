//! Parts of JSON Lines, as destination-s3 writes them: Airbyte's four columns, and the record in `_airbyte_data` or,
//! flattened, its members beside them.

use std::io::{self, Write};

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::Int64Type;
use flate2::write::GzEncoder;

use crate::batch::write_string;
use crate::runtime::bucket::Upload;
use crate::sink::spec::Compression;

/// Bytes of lines that are handed to the compressor at once.
const LINES: usize = 256 << 10;

/// Writes rows of tables that are not flattened as lines.
pub struct Lines {
    out: Packed,
    text: Vec<u8>,
    flatten: bool,
    /// Bytes of lines, before they are compressed.
    written: u64,
}

enum Packed {
    Plain(Upload),
    Gzip(GzEncoder<Upload>),
    Zstd(zstd::Encoder<'static, Upload>),
}

impl Lines {
    /// Writes to an upload.
    ///
    /// # Errors
    /// When the compressor cannot be made.
    pub fn new(upload: Upload, compression: Compression, flatten: bool) -> io::Result<Self> {
        let out = match compression {
            Compression::None | Compression::Snappy => Packed::Plain(upload),
            Compression::Gzip => {
                Packed::Gzip(GzEncoder::new(upload, flate2::Compression::default()))
            }
            Compression::Zstd(level) => Packed::Zstd(zstd::Encoder::new(upload, i32::from(level))?),
        };
        Ok(Self {
            out,
            text: Vec::new(),
            flatten,
            written: 0,
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// What the upload says.
    pub fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        let column = |at: usize| rows.column(at).as_any();
        let (Some(ids), Some(times), Some(meta), Some(generations), Some(data)) = (
            column(0).downcast_ref::<StringArray>(),
            column(1).downcast_ref::<Int64Array>(),
            column(2).downcast_ref::<StructArray>(),
            column(3).downcast_ref::<Int64Array>(),
            column(4).downcast_ref::<StringArray>(),
        ) else {
            return Err(io::Error::other("the rows are of another table"));
        };
        for row in 0..rows.num_rows() {
            let text = &mut self.text;
            text.extend_from_slice(b"{\"_airbyte_raw_id\":");
            write_string(ids.value(row), text);
            let time = times.value(row);
            text.extend_from_slice(
                format!(",\"_airbyte_extracted_at\":{time},\"_airbyte_meta\":").as_bytes(),
            );
            write_meta(meta, row, text);
            let generation = generations.value(row);
            text.extend_from_slice(format!(",\"_airbyte_generation_id\":{generation}").as_bytes());
            write_data(data.value(row), self.flatten, text);
            text.extend_from_slice(b"}\n");
            if text.len() >= LINES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.written += self.text.len() as u64;
        match &mut self.out {
            Packed::Plain(out) => out.write_all(&self.text)?,
            Packed::Gzip(out) => out.write_all(&self.text)?,
            Packed::Zstd(out) => out.write_all(&self.text)?,
        }
        self.text.clear();
        Ok(())
    }

    /// The upload, with everything in it.
    ///
    /// # Errors
    /// What the upload says.
    pub fn finish(mut self) -> io::Result<Upload> {
        self.flush()?;
        match self.out {
            Packed::Plain(out) => Ok(out),
            Packed::Gzip(out) => out.finish(),
            Packed::Zstd(out) => out.finish(),
        }
    }

    /// Bytes so far: those that have left the compressor.
    pub fn bytes(&self) -> u64 {
        self.upload().bytes()
    }

    /// Bytes held in memory, about.
    pub fn held(&self) -> usize {
        self.text.capacity() + self.upload().held()
    }

    fn upload(&self) -> &Upload {
        match &self.out {
            Packed::Plain(out) => out,
            Packed::Gzip(out) => out.get_ref(),
            Packed::Zstd(out) => out.get_ref(),
        }
    }
}

fn write_meta(meta: &StructArray, row: usize, text: &mut Vec<u8>) {
    let sync_id = meta.column(0).as_primitive::<Int64Type>().value(row);
    text.extend_from_slice(format!("{{\"sync_id\":{sync_id},\"changes\":[").as_bytes());
    let changes = meta.column(1).as_list::<i32>().value(row);
    let changes = changes.as_struct();
    for change in 0..changes.len() {
        text.extend_from_slice(if change == 0 { b"{" } else { b",{" });
        for (at, name) in ["field", "change", "reason"].into_iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            text.extend_from_slice(format!("{comma}\"{name}\":").as_bytes());
            write_string(changes.column(at).as_string::<i32>().value(change), text);
        }
        text.push(b'}');
    }
    text.extend_from_slice(b"]}");
}

/// The record, behind the columns of Airbyte.
fn write_data(data: &str, flatten: bool, text: &mut Vec<u8>) {
    let inner = data
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .map(str::trim);
    match inner {
        Some("") | None if flatten => {}
        Some(members) if flatten => {
            text.push(b',');
            text.extend_from_slice(members.as_bytes());
        }
        _ => {
            text.extend_from_slice(b",\"_airbyte_data\":");
            text.extend_from_slice(data.as_bytes());
        }
    }
}
