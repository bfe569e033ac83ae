//! One part on its way to the stage.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::dictionary::without_useless;
use super::entry;
use super::lines::Lines;
use super::rows::{self, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Upload;
use crate::sink::spec::{Format, PartSpec};

/// Bytes of rows, in memory, that are sorted together.
const SORTED_BYTES: usize = 64 << 20;

/// How the rows of one stream become parts.
#[derive(Debug, Clone)]
pub struct Target {
    pub stream: entry::Name,
    pub schema: SchemaRef,
    pub properties: WriterProperties,
    /// Columns, by index, whose values are folders.
    pub partition_by: Vec<usize>,
    /// Columns, by index, by which rows are sorted.
    pub sort_by: Vec<usize>,
    pub generation: i64,
    pub sync_id: i64,
    /// Written for readers to see once the generation is published.
    pub pending: bool,
}

/// A file that is being written.
pub struct Writing {
    target: Arc<Target>,
    key: String,
    body: Body,
    /// Rows that wait to be sorted.
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    /// Whose rows those are.
    waiting_of: Vec<Run>,
    rows: u64,
    /// Whose rows are written.
    runs: Vec<Run>,
}

enum Body {
    Parquet(Box<ArrowWriter<Upload>>),
    Lines(Box<Lines>),
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Writing")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Writing {
    /// Begins a file under this key, whose first rows these are; they are not written yet.
    ///
    /// # Errors
    /// `Internal` when its schema cannot be a Parquet file's.
    pub fn begin(
        target: Arc<Target>,
        key: String,
        upload: Upload,
        spec: &PartSpec,
        first: &RecordBatch,
    ) -> Result<Self> {
        let body = match spec.format {
            Format::Parquet => {
                let schema = Arc::clone(&target.schema);
                let properties = without_useless(&target.properties, first);
                let writer = ArrowWriter::try_new(upload, schema, Some(properties));
                Body::Parquet(Box::new(writer.map_err(|error| failed(&key, error))?))
            }
            Format::Jsonl => {
                let lines = Lines::new(upload, spec.compression, spec.flatten);
                Body::Lines(Box::new(lines.map_err(|error| broken(&key, error))?))
            }
        };
        Ok(Self {
            target,
            key,
            body,
            waiting: Vec::new(),
            waiting_bytes: 0,
            waiting_of: Vec::new(),
            rows: 0,
            runs: Vec::new(),
        })
    }

    /// Appends rows, of the input with this number if they are of one.
    ///
    /// # Errors
    /// `Output` when they cannot be written.
    pub fn append(&mut self, rows: &RecordBatch, input: Option<u32>) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        let runs = match self.target.sort_by.is_empty() {
            true => &mut self.runs,
            false => &mut self.waiting_of,
        };
        if let Some(input) = input {
            rows::push(runs, input, rows.num_rows() as u64);
        }
        if self.target.sort_by.is_empty() {
            return self.write(rows);
        }
        self.waiting_bytes += rows.get_array_memory_size();
        self.waiting.push(rows.clone());
        match self.waiting_bytes > SORTED_BYTES {
            true => self.sort(),
            false => Ok(()),
        }
    }

    fn sort(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let sorted = (|| -> Result<_, ArrowError> {
            let rows = concat_batches(&self.target.schema, &waiting)?;
            let columns: Vec<SortColumn> = self
                .target
                .sort_by
                .iter()
                .map(|&at| SortColumn {
                    values: Arc::clone(rows.column(at)),
                    options: None,
                })
                .collect();
            let order = lexsort_to_indices(&columns, None)?;
            Ok((take_record_batch(&rows, &order)?, order))
        })();
        let (rows, order) = sorted.map_err(|error| {
            let message = format!("the rows of {} cannot be sorted", self.key);
            Error::new(ErrorKind::Internal, message).because(error)
        })?;
        rows::reorder(
            &mut self.runs,
            &std::mem::take(&mut self.waiting_of),
            &order,
        );
        self.write(&rows)?;
        // Sorted runs are row groups of their own: only then is the file's claim to be sorted true.
        match &mut self.body {
            Body::Parquet(writer) => writer.flush().map_err(|error| failed(&self.key, error)),
            Body::Lines(_) => Ok(()),
        }
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        match &mut self.body {
            Body::Parquet(writer) => writer.write(rows).map_err(|error| failed(&self.key, error)),
            Body::Lines(lines) => lines.write(rows).map_err(|error| broken(&self.key, error)),
        }
    }

    /// Bytes that it holds in memory.
    pub fn held(&self) -> usize {
        let body = match &self.body {
            Body::Parquet(writer) => writer.memory_size() + writer.inner().held(),
            Body::Lines(lines) => lines.held(),
        };
        body + self.waiting_bytes
    }

    /// Bytes of the file so far, with those that wait.
    pub fn bytes(&self) -> u64 {
        match &self.body {
            Body::Parquet(writer) => (writer.bytes_written() + writer.in_progress_size()) as u64,
            Body::Lines(lines) => lines.bytes(),
        }
    }

    /// Completes the file; then it is there, though no reader knows of it.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub fn finish(mut self) -> Result<entry::Part> {
        self.sort()?;
        let input = match (&self.body, self.runs.first()) {
            (Body::Lines(_), Some((input, _))) => Some(*input),
            _ => None,
        };
        let upload = match self.body {
            Body::Parquet(mut writer) => {
                if !self.runs.is_empty() {
                    writer.append_key_value_metadata(rows::to_metadata(&self.runs));
                }
                writer
                    .into_inner()
                    .map_err(|error| failed(&self.key, error))
            }
            Body::Lines(lines) => lines.finish().map_err(|error| broken(&self.key, error)),
        }?;
        let bytes = upload.bytes();
        upload.finish()?;
        Ok(entry::Part {
            stream: self.target.stream.clone(),
            path: self.key,
            rows: self.rows,
            bytes,
            generation: self.target.generation,
            pending: self.target.pending,
            entry: None,
            input,
        })
    }
}

/// The error behind one of the Parquet writer, which wraps those of its output.
pub(super) fn failed(key: &str, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(inner) => broken(key, *inner),
            Err(inner) => unwritable(ErrorKind::Output, key).because(inner),
        },
        error => unwritable(ErrorKind::Internal, key).because(error),
    }
}

/// The error behind one of an upload that was written to as a file is.
fn broken(key: &str, error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => unwritable(ErrorKind::Output, key).because(error),
    }
}

fn unwritable(kind: ErrorKind, key: &str) -> Error {
    Error::new(kind, format!("the part {key} cannot be written"))
}
