//! The parts that one worker has open.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::DataType;

use super::entry::Part;
use super::part::{Target, Writing};
use super::{Naming, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::sink::names;
use crate::sink::spec::Format;

/// Bytes in memory that the parts of one worker may hold; beyond that the largest one is completed.
const HELD_BYTES: usize = 96 << 20;

/// Parts open at once.
const OPEN: usize = 128;

/// What a worker writes.
#[derive(Debug)]
pub struct Parts<'s> {
    stage: &'s Stage,
    /// By stream and Hive folders.
    open: HashMap<(usize, String), Writing>,
    /// With the stream's number.
    closed: Vec<(usize, Part)>,
    held: usize,
    /// Whose rows come now.
    input: Option<u32>,
}

impl<'s> Parts<'s> {
    /// Nothing yet.
    pub fn new(stage: &'s Stage) -> Self {
        Self {
            stage,
            open: HashMap::new(),
            closed: Vec::new(),
            held: HELD_BYTES,
            input: None,
        }
    }

    /// What comes from here on are rows of the input that will have this number in the commit. Lines have no place
    /// to say whose they are, so that each part of lines is of one input.
    ///
    /// # Errors
    /// `Output` when a part cannot be written.
    pub fn reading(&mut self, input: usize) -> Result<()> {
        self.input = Some(input as u32);
        if self.stage.spec().format == Format::Parquet {
            return Ok(());
        }
        let places: Vec<_> = self.open.keys().cloned().collect();
        places.iter().try_for_each(|place| self.close(place))
    }

    /// Holds at most so many bytes in memory.
    #[must_use]
    pub fn holding(mut self, bytes: usize) -> Self {
        self.held = bytes;
        self
    }

    /// Appends rows of a stream, `number` being its own.
    ///
    /// # Errors
    /// `Output` when they cannot be written.
    pub fn append(
        &mut self,
        number: usize,
        target: &Arc<Target>,
        rows: &RecordBatch,
    ) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        if target.partition_by.is_empty() {
            return self.put((number, String::new()), target, rows);
        }
        for (folders, rows) in partitions(target, rows)? {
            self.put((number, folders), target, &rows)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        place: (usize, String),
        target: &Arc<Target>,
        rows: &RecordBatch,
    ) -> Result<()> {
        if !self.open.contains_key(&place) {
            if self.open.len() >= OPEN {
                self.close_largest()?;
            }
            let (key, upload) = self.stage.begin(&Naming {
                stream: &target.stream,
                sync_id: target.sync_id,
                partition: &place.1,
            })?;
            let writing = Writing::begin(Arc::clone(target), key, upload, self.stage.spec(), rows)?;
            self.open.insert(place.clone(), writing);
        }
        if let Some(writing) = self.open.get_mut(&place) {
            writing.append(rows, self.input)?;
            if writing.bytes() >= self.stage.spec().part_bytes {
                self.close(&place)?;
            }
        }
        while self.open.values().map(Writing::held).sum::<usize>() > self.held {
            self.close_largest()?;
        }
        Ok(())
    }

    fn close_largest(&mut self) -> Result<()> {
        let largest = self.open.iter().max_by_key(|(_, writing)| writing.held());
        match largest.map(|(place, _)| place.clone()) {
            Some(place) => self.close(&place),
            None => Ok(()),
        }
    }

    fn close(&mut self, place: &(usize, String)) -> Result<()> {
        if let Some(writing) = self.open.remove(place) {
            self.closed.push((place.0, writing.finish()?));
        }
        Ok(())
    }

    /// Whether nothing of these streams has been written since their parts were last taken.
    pub fn is_empty(&self, which: &dyn Fn(usize) -> bool) -> bool {
        !self.open.keys().any(|(stream, _)| which(*stream))
            && !self.closed.iter().any(|(stream, _)| which(*stream))
    }

    /// Bytes written of these streams since their parts were last taken, about.
    pub fn bytes(&self, which: &dyn Fn(usize) -> bool) -> u64 {
        let open = self.open.iter().filter(|((stream, _), _)| which(*stream));
        let open = open.map(|(_, writing)| writing.bytes()).sum::<u64>();
        let closed = self.closed.iter().filter(|(stream, _)| which(*stream));
        open + closed.map(|(_, part)| part.bytes).sum::<u64>()
    }

    /// Completes every part of these streams, and gives those completed since the last time.
    ///
    /// # Errors
    /// `Output` when one cannot be written.
    pub fn take(&mut self, which: &dyn Fn(usize) -> bool) -> Result<Vec<Part>> {
        let places = self.open.keys().filter(|(stream, _)| which(*stream));
        let places: Vec<_> = places.cloned().collect();
        places.iter().try_for_each(|place| self.close(place))?;
        let all = std::mem::take(&mut self.closed);
        let (taken, left): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(stream, _)| which(*stream));
        self.closed = left;
        let mut taken: Vec<Part> = taken.into_iter().map(|(_, part)| part).collect();
        taken.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(taken)
    }
}

/// The rows of every combination of the partition columns' values, with its folders, in the order of their first
/// rows.
fn partitions(target: &Target, rows: &RecordBatch) -> Result<Vec<(String, RecordBatch)>> {
    let wrong = |error: arrow::error::ArrowError| {
        let message = format!("the rows of `{}` cannot be partitioned", target.stream);
        Error::new(ErrorKind::Internal, message).because(error)
    };
    let texts: Result<Vec<(String, ArrayRef)>> = target
        .partition_by
        .iter()
        .map(|&at| {
            let text = cast(rows.column(at), &DataType::Utf8).map_err(wrong)?;
            Ok((target.schema.field(at).name().clone(), text))
        })
        .collect();
    let texts = texts?;
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<(String, Vec<u32>)> = Vec::new();
    for row in 0..rows.num_rows() {
        let mut folders = String::new();
        for (name, text) in &texts {
            let value = text
                .as_any()
                .downcast_ref::<StringArray>()
                .filter(|text| text.is_valid(row))
                .map(|text| text.value(row));
            folders.push_str(&names::partition(name, value));
        }
        let place = *places.entry(folders.clone()).or_insert_with(|| {
            found.push((folders, Vec::new()));
            found.len() - 1
        });
        found[place].1.push(row as u32);
    }
    found
        .into_iter()
        .map(|(folders, rows_of)| {
            let taken = take_record_batch(rows, &UInt32Array::from(rows_of)).map_err(wrong)?;
            Ok((folders, taken))
        })
        .collect()
}
