//! What one worker found in one job, stream by stream. A part is added to the whole once and used again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::column::{Cell, Column};
use super::distinct::{Sample, Sketch};
use super::hash::join;
use super::trie::{Node, Trie};
use super::{Facts, Settings};
use crate::decode::Stop;
use crate::protocol::state::Descriptor;

/// Streams of an input.
const STREAMS_MAX: usize = 10_000;

/// Columns of a stream that one job may meet.
const MET_MAX: usize = 4_096;

/// Columns of a stream that a worker remembers from job to job.
const KNOWN_MAX: usize = 8_192;

/// Columns of a stream from which on a worker keeps no memory for them from job to job.
const WIDE: usize = 256;

/// Parts of a primary key that are looked at.
pub const KEY_PARTS_MAX: usize = 16;

/// The findings of a job.
#[derive(Debug, Default)]
pub struct Part {
    pub streams: Vec<StreamPart>,
    /// The streams that were met, in order.
    pub met: Vec<usize>,
    pub lines: u64,
    pub bytes: u64,
    /// The line at which the job ended early.
    pub stop: Option<Stop>,
}

impl Part {
    /// The number of a stream, known or new; `None` when there are too many.
    pub fn stream(
        &mut self,
        settings: &Settings,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<usize> {
        let known = self.streams.iter().position(|stream| {
            stream.descriptor.name == name && stream.descriptor.namespace.as_deref() == namespace
        });
        if known.is_some() || self.streams.len() >= STREAMS_MAX {
            return known;
        }
        let descriptor = Descriptor {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        self.streams.push(StreamPart::new(settings, descriptor));
        Some(self.streams.len() - 1)
    }

    /// A stream of which this job has a record.
    pub fn meet(&mut self, stream: usize) -> &mut StreamPart {
        let part = &mut self.streams[stream];
        if part.records == 0 && !part.met {
            part.begin();
            self.met.push(stream);
        }
        part
    }

    /// Forgets the job, keeps the memory.
    pub fn clear(&mut self) {
        for stream in self.met.drain(..) {
            self.streams[stream].clear();
        }
        (self.lines, self.bytes, self.stop) = (0, 0, None);
    }
}

/// What the whole run knows of a stream, for the workers: it spares them work and changes no result.
#[derive(Debug)]
pub struct StreamHints {
    /// Rows are kept whose places end in so many zero bits.
    pub level: AtomicU32,
    /// Lines are kept whose places are not above it.
    pub limit: AtomicU64,
    /// Key hashes are of interest that are not above it.
    pub key_limit: AtomicU64,
}

impl Default for StreamHints {
    fn default() -> Self {
        Self {
            level: AtomicU32::new(0),
            limit: AtomicU64::new(u64::MAX),
            key_limit: AtomicU64::new(u64::MAX),
        }
    }
}

/// A stream in a job.
#[derive(Debug)]
pub struct StreamPart {
    pub descriptor: Descriptor,
    pub records: u64,
    pub bytes: u64,
    pub trie: Trie,
    /// By node of the trie.
    pub columns: Vec<Column>,
    /// The columns that were met, in order.
    pub touched: Vec<Node>,
    /// Values of columns that were too many.
    pub left_out: u64,
    pub rows: Rows,
    pub lines: Lines,
    pub key: KeyPart,
    pub hints: OnceLock<Arc<StreamHints>>,
    facts: Arc<Facts>,
    met: bool,
}

impl StreamPart {
    fn new(settings: &Settings, descriptor: Descriptor) -> Self {
        let facts = settings.facts(&descriptor);
        Self {
            descriptor,
            records: 0,
            bytes: 0,
            trie: Trie::default(),
            columns: vec![Column::default()],
            touched: Vec::new(),
            left_out: 0,
            rows: Rows::default(),
            lines: Lines::default(),
            key: KeyPart::new(facts.primary_key.len()),
            hints: OnceLock::new(),
            facts,
            met: false,
        }
    }

    fn begin(&mut self) {
        self.met = true;
        let hints = self.hints.get();
        let hinted = |of: fn(&StreamHints) -> &AtomicU64| {
            hints.map_or(u64::MAX, |hints| of(hints).load(Ordering::Relaxed))
        };
        self.rows.level = hints.map_or(0, |hints| hints.level.load(Ordering::Relaxed));
        self.lines.limit = hinted(|hints| &hints.limit);
        self.key.limit = hinted(|hints| &hints.key_limit);
    }

    fn clear(&mut self) {
        self.met = false;
        (self.records, self.bytes, self.left_out) = (0, 0, 0);
        let wide = self.columns.len() > WIDE;
        for node in self.touched.drain(..) {
            let column = &mut self.columns[node as usize];
            match wide {
                true => column.release(),
                false => column.clear(),
            }
        }
        self.rows.clear();
        self.lines.held.clear();
        self.key.clear();
        // Whether a key is met must not depend on what other jobs met.
        if self.columns.len() > KNOWN_MAX {
            self.trie = Trie::default();
            self.columns.truncate(1);
        }
    }

    /// A column that is met for the first time in this job, known before or made; `None` when there are too many.
    pub fn met(
        &mut self,
        known: Option<Node>,
        add: impl FnOnce(&mut Trie) -> Node,
    ) -> Option<Node> {
        if let Some(node) = known.filter(|node| self.columns[*node as usize].met) {
            return Some(node);
        }
        if self.touched.len() >= MET_MAX {
            self.left_out += 1;
            return None;
        }
        let node = known.unwrap_or_else(|| {
            let node = add(&mut self.trie);
            let path = self.trie.path_text(node);
            let key_part = self.facts.primary_key.iter().position(|part| *part == path);
            let key_part = key_part.and_then(|part| u8::try_from(part).ok());
            self.columns.push(Column::new(path, key_part));
            node
        });
        self.columns[node as usize].begin();
        self.touched.push(node);
        Some(node)
    }

    /// A record has been read to its end.
    #[inline]
    pub fn end_record(&mut self) {
        self.key.end();
    }
}

/// Rows that are kept, as far as their values stand in no array.
#[derive(Debug, Default)]
pub struct Rows {
    level: u32,
    /// The place of each row, and where its cells begin.
    pub held: Vec<(u64, u32)>,
    pub cells: Vec<(Node, Cell)>,
}

impl Rows {
    /// Begins a row; says whether it is kept.
    #[inline]
    pub fn begin(&mut self, place: u64) -> bool {
        let kept = place.trailing_zeros() >= self.level;
        if kept {
            self.held.push((place, self.cells.len() as u32));
        }
        kept
    }

    #[inline]
    pub fn put(&mut self, node: Node, cell: Cell) {
        self.cells.push((node, cell));
    }

    /// Every row with its cells.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[(Node, Cell)])> {
        let ends = self.held.iter().skip(1).map(|(_, start)| *start as usize);
        let ends = ends.chain([self.cells.len()]);
        let rows = self.held.iter().zip(ends);
        rows.map(|((place, start), end)| (*place, &self.cells[*start as usize..end]))
    }

    fn clear(&mut self) {
        self.held.clear();
        self.cells.clear();
    }
}

/// Lines that are kept to look for personal data.
#[derive(Debug, Default)]
pub struct Lines {
    limit: u64,
    /// Place, offset in the input, and the line.
    pub held: Vec<(u64, u64, Box<[u8]>)>,
}

/// Lines kept of a stream.
pub const LINES_MAX: usize = 256;
/// Longest line that is kept.
const LINE_BYTES_MAX: usize = 16 << 10;

impl Lines {
    #[inline]
    pub fn offer(&mut self, place: u64, offset: u64, line: &[u8]) {
        if place <= self.limit && line.len() <= LINE_BYTES_MAX {
            self.held.push((place, offset, line.into()));
            if self.held.len() > 2 * LINES_MAX {
                self.limit = settle(&mut self.held, LINES_MAX).min(self.limit);
            }
        }
    }
}

/// Keeps the lines of the `most` least places. Gives the place above which none are kept.
pub fn settle(held: &mut Vec<(u64, u64, Box<[u8]>)>, most: usize) -> u64 {
    held.sort_unstable_by_key(|(place, offset, _)| (*place, *offset));
    held.truncate(most);
    match held.last() {
        Some((place, ..)) if held.len() == most => *place,
        None if most == 0 => 0,
        _ => u64::MAX,
    }
}

/// The primary keys of a job's records.
#[derive(Debug)]
pub struct KeyPart {
    parts: Vec<Option<u64>>,
    /// Records in which a part is null or missing.
    pub nulls: u64,
    pub sketch: Sketch,
    pub hashes: Vec<(u64, u64)>,
    limit: u64,
}

/// Hashes of keys that wait before those of no interest are taken out.
const HASHES_MAX: usize = 16_384;

impl KeyPart {
    fn new(parts: usize) -> Self {
        Self {
            parts: vec![None; if parts > KEY_PARTS_MAX { 0 } else { parts }],
            nulls: 0,
            sketch: Sketch::default(),
            hashes: Vec::new(),
            limit: u64::MAX,
        }
    }

    /// A part of the present record's key.
    #[inline]
    pub fn put(&mut self, part: u8, hash: u64) {
        if let Some(place) = self.parts.get_mut(usize::from(part)) {
            *place = Some(hash);
        }
    }

    #[inline]
    fn end(&mut self) {
        if self.parts.is_empty() {
            return;
        }
        let mut key = Some(0);
        for part in &mut self.parts {
            key = key.and_then(|key| Some(join(key, part.take()?)));
        }
        let Some(key) = key else {
            self.nulls += 1;
            return;
        };
        self.sketch.add(key);
        if key <= self.limit {
            self.hashes.push((key, 1));
            if self.hashes.len() > HASHES_MAX {
                let mut sample = Sample::of(super::stream::KEYS);
                sample.add(self.hashes.drain(..));
                self.hashes.extend_from_slice(sample.held());
                self.limit = self.limit.min(sample.limit());
            }
        }
    }

    fn clear(&mut self) {
        self.nulls = 0;
        self.hashes.clear();
    }
}
