//! One stream over the whole input: its slices and columns.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Facts;
use super::distinct::{Sample, Sketch};
use super::form::{CursorProfile, KeyProfile, StreamProfile};
use super::measured::Measured;
use super::pairs::pairs;
use super::part::{self, StreamHints, StreamPart};
use super::rows::Rows;
use super::whole::{Whole, pairwise};
use crate::protocol::state::Descriptor;
use crate::schema::LogicalType;
use crate::schema::path::Path;

/// Records of a slice at first.
const SLICE_RECORDS: u64 = 1_000;

/// Slices of a stream.
const SLICES_MAX: usize = 16;

/// Columns of a stream.
const COLUMNS_MAX: usize = 1_000;

/// Hashes of primary keys that are kept with their counts.
pub const KEYS: usize = 1_024;

/// A stream of the input.
#[derive(Debug)]
pub struct Stream {
    pub descriptor: Descriptor,
    pub facts: Arc<Facts>,
    records: u64,
    bytes: u64,
    left_out: u64,
    /// Records of each slice.
    slices: Vec<u64>,
    /// Records from which on a slice is full.
    full: u64,
    columns: Vec<Whole>,
    by_path: HashMap<String, usize>,
    pub rows: Rows,
    /// Place, offset and text of the lines that are kept.
    pub lines: Vec<(u64, u64, Box<[u8]>)>,
    lines_max: usize,
    key: Key,
    hints: Arc<StreamHints>,
}

#[derive(Debug)]
struct Key {
    nulls: u64,
    sketch: Sketch,
    sample: Sample,
}

impl Stream {
    /// A stream without records.
    pub fn new(descriptor: Descriptor, facts: Arc<Facts>) -> Self {
        Self {
            descriptor,
            facts,
            records: 0,
            bytes: 0,
            left_out: 0,
            slices: Vec::new(),
            full: SLICE_RECORDS,
            columns: Vec::new(),
            by_path: HashMap::new(),
            rows: Rows::default(),
            lines: Vec::new(),
            lines_max: part::LINES_MAX,
            key: Key {
                nulls: 0,
                sketch: Sketch::default(),
                sample: Sample::of(KEYS),
            },
            hints: Arc::default(),
        }
    }

    /// Adds what a job found. `columns` is how many further columns the profile has room for; `memory` is to be used.
    pub fn add(&mut self, job: &StreamPart, columns: &mut usize, memory: &mut Measured) {
        self.open_slice();
        self.records += job.records;
        self.bytes += job.bytes;
        self.left_out += job.left_out;
        if let Some(last) = self.slices.last_mut() {
            *last += job.records;
        }
        let mut found = vec![None; job.columns.len()];
        for node in &job.touched {
            let column = &job.columns[*node as usize];
            let Some(at) = self.column(&column.path, columns) else {
                self.left_out += column.direct.present;
                continue;
            };
            self.columns[at].add(column, self.slices.len(), memory);
            found[*node as usize] = Some(at);
        }
        self.rows.add(&job.rows, &found, self.slices.len() - 1);
        self.key.nulls += job.key.nulls;
        self.key.sketch.merge(&job.key.sketch);
        self.key.sample.add(job.key.hashes.iter().copied());
        self.lines.extend(job.lines.held.iter().cloned());
        let limit = part::settle(&mut self.lines, self.lines_max);
        let hints = job.hints.get_or_init(|| Arc::clone(&self.hints));
        hints.limit.store(limit, Ordering::Relaxed);
        hints.level.store(self.rows.level(), Ordering::Relaxed);
        hints
            .key_limit
            .store(self.key.sample.limit(), Ordering::Relaxed);
    }

    /// Makes sure that the last slice is not full.
    fn open_slice(&mut self) {
        if self
            .slices
            .last()
            .is_some_and(|records| *records < self.full)
        {
            return;
        }
        if self.slices.len() >= SLICES_MAX {
            self.join_slices();
            return self.open_slice();
        }
        self.slices.push(0);
    }

    /// Makes one slice of every two neighbours, and the next ones as long.
    pub fn join_slices(&mut self) {
        let slices = self.slices.len();
        self.columns
            .iter_mut()
            .for_each(|column| column.join_slices(slices));
        self.slices = pairwise(std::mem::take(&mut self.slices), |one, next| *one += next);
        self.rows.join_slices();
        self.full *= 2;
    }

    /// Bytes that its slices take, about; nothing where there is one alone.
    pub fn slice_bytes(&self) -> usize {
        match self.slices.len() {
            0 | 1 => 0,
            _ => self.columns.iter().map(Whole::slice_bytes).sum(),
        }
    }

    fn column(&mut self, path: &str, room: &mut usize) -> Option<usize> {
        if let Some(at) = self.by_path.get(path) {
            return Some(*at);
        }
        if self.columns.len() >= COLUMNS_MAX || *room == 0 {
            return None;
        }
        *room -= 1;
        self.columns.push(Whole::new(path));
        self.by_path.insert(path.to_owned(), self.columns.len() - 1);
        Some(self.columns.len() - 1)
    }

    /// Bytes of the lines that are kept.
    pub fn line_bytes(&self) -> usize {
        self.lines.iter().map(|(_, _, line)| line.len()).sum()
    }

    /// Keeps half as many lines.
    pub fn keep_fewer_lines(&mut self) {
        self.lines_max = self.lines.len() / 2;
        part::settle(&mut self.lines, self.lines_max);
    }

    /// The columns.
    pub fn columns(&mut self) -> &mut [Whole] {
        &mut self.columns
    }

    /// As it is written down; afterwards it is empty.
    pub fn written(&mut self) -> StreamProfile {
        self.close_slices();
        let slices = self.slices.len();
        let facts = Arc::clone(&self.facts);
        let pairs = pairs(&std::mem::take(&mut self.rows), &self.columns, slices);
        let cursor_course = self.cursor_course();
        // Each column goes as soon as it is written down: there is not room for all of them twice.
        let whole = std::mem::take(&mut self.columns).into_iter();
        let columns: Vec<_> = whole
            .map(|mut column| {
                let declared = declared(&facts, &column.path);
                column.written(slices, declared.as_ref())
            })
            .collect();
        let key = (!facts.primary_key.is_empty() && facts.primary_key.len() <= part::KEY_PARTS_MAX)
            .then(|| {
                let distinct = self
                    .key
                    .sketch
                    .estimate()
                    .min(self.records - self.key.nulls);
                KeyProfile {
                    nulls: self.key.nulls,
                    distinct,
                    singletons: Some(self.key.sample.singletons(distinct)),
                    sketch: self.key.sketch.written(),
                    sample: self.key.sample.written(),
                }
            });
        StreamProfile {
            name: self.descriptor.name.clone(),
            namespace: self.descriptor.namespace.clone(),
            records: self.records,
            bytes: self.bytes,
            slices: self.slices.clone(),
            primary_key: facts.primary_key.clone(),
            cursor: facts.cursor.clone(),
            key,
            cursor_course,
            left_out: self.left_out,
            columns,
            pairs,
        }
    }

    /// A last slice that is less than half full is none by itself.
    fn close_slices(&mut self) {
        let slices = self.slices.len();
        if slices > 1 && self.slices[slices - 1] < self.full / 2 {
            self.columns
                .iter_mut()
                .for_each(|column| column.join_last(slices));
            self.rows.join_last(slices);
            if let (Some(last), Some(before)) = (self.slices.pop(), self.slices.last_mut()) {
                *before += last;
            }
        }
    }

    fn cursor_course(&self) -> Option<CursorProfile> {
        let path = self.facts.cursor.as_ref()?;
        let Some(column) = self.by_path.get(path).map(|at| &self.columns[*at]) else {
            return Some(CursorProfile {
                nulls: self.records,
                backwards: 0,
                future: 0,
            });
        };
        let filled = column.total.present - column.total.nulls;
        Some(CursorProfile {
            nulls: self.records.saturating_sub(filled),
            backwards: column.course.written().map_or(0, |order| order.falls),
            future: column.course.future,
        })
    }
}

/// The type that the catalog declares for a path, if it says anything of it.
fn declared(facts: &Facts, path: &str) -> Option<LogicalType> {
    let schema = facts.schema.as_ref().filter(|schema| schema.is_known())?;
    let path: Path = path.parse().ok()?;
    schema
        .resolve(&path)
        .ok()
        .filter(|ty| *ty != LogicalType::Unknown)
}
