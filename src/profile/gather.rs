//! All jobs together, in the order of the input.

use std::collections::{BTreeMap, HashMap};

use super::Settings;
use super::form::{Profile, VERSION};
use super::measured::Measured;
use super::part::Part;
use super::rows;
use super::stream::Stream;
use super::whole::Whole;
use crate::protocol::state::Descriptor;

/// Columns of a profile.
const COLUMNS_MAX: usize = 4_000;

/// Bytes of lines that are kept of all streams.
const LINE_BYTES_MAX: usize = 32 << 20;

/// Bytes of lists of values of all columns.
const LISTED_BYTES_MAX: usize = 48 << 20;

/// Bytes of what is measured slice by slice.
const SLICE_BYTES_MAX: usize = 96 << 20;

/// Lines of streams.
pub type Lines = BTreeMap<Descriptor, Vec<Box<[u8]>>>;

/// What was found so far.
#[derive(Debug)]
pub struct Gather<'a> {
    settings: &'a Settings,
    streams: Vec<Stream>,
    by_name: HashMap<Descriptor, usize>,
    /// Further columns that there is room for.
    room: usize,
    pub records: u64,
    pub lines: u64,
    pub bytes: u64,
    memory: Measured,
}

impl<'a> Gather<'a> {
    /// Nothing yet.
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            streams: Vec::new(),
            by_name: HashMap::new(),
            room: COLUMNS_MAX,
            records: 0,
            lines: 0,
            bytes: 0,
            memory: Measured::default(),
        }
    }

    /// Adds what the next job found.
    pub fn add(&mut self, job: &Part) {
        self.lines += job.lines;
        self.bytes += job.bytes;
        for stream in job.met.iter().map(|at| &job.streams[*at]) {
            self.records += stream.records;
            let at = match self.by_name.get(&stream.descriptor) {
                Some(at) => *at,
                None => {
                    let facts = self.settings.facts(&stream.descriptor);
                    self.streams
                        .push(Stream::new(stream.descriptor.clone(), facts));
                    self.by_name
                        .insert(stream.descriptor.clone(), self.streams.len() - 1);
                    self.streams.len() - 1
                }
            };
            self.streams[at].add(stream, &mut self.room, &mut self.memory);
        }
        self.keep_within_bounds();
    }

    /// The streams share room for rows, for lines and for lists of values.
    fn keep_within_bounds(&mut self) {
        self.shorten(
            rows::ALL_CELLS_MAX,
            |stream| stream.rows.cells(),
            |stream| stream.rows.thin(),
        );
        self.shorten(LINE_BYTES_MAX, Stream::line_bytes, Stream::keep_fewer_lines);
        self.shorten(SLICE_BYTES_MAX, Stream::slice_bytes, Stream::join_slices);
        let mut columns: Vec<&mut Whole> =
            self.streams.iter_mut().flat_map(Stream::columns).collect();
        let mut listed: usize = columns.iter().map(|column| column.listed_bytes()).sum();
        while listed > LISTED_BYTES_MAX
            && let Some(largest) = columns
                .iter_mut()
                .max_by_key(|column| column.listed_bytes())
        {
            listed -= largest.listed_bytes();
            largest.overflow();
        }
    }

    /// Makes the stream with the most of something keep less of it, until all together have no more than `most`.
    fn shorten(&mut self, most: usize, of: impl Fn(&Stream) -> usize, less: impl Fn(&mut Stream)) {
        let mut held: usize = self.streams.iter().map(&of).sum();
        while held > most
            && let Some(largest) = self.streams.iter_mut().max_by_key(|stream| of(stream))
        {
            held -= of(largest);
            less(largest);
            held += of(largest);
        }
    }

    /// The lines that were kept, in an order of chance: the first of them are spread over the input as well.
    pub fn kept_lines(&mut self) -> Lines {
        let mut lines = Lines::new();
        for stream in &mut self.streams {
            let held = std::mem::take(&mut stream.lines);
            let kept = held.into_iter().map(|(_, _, line)| line).collect();
            lines.insert(stream.descriptor.clone(), kept);
        }
        lines
    }

    /// The profile of everything; afterwards there is nothing more.
    pub fn written(&mut self) -> Profile {
        self.streams
            .sort_by(|one, other| one.descriptor.cmp(&other.descriptor));
        Profile {
            version: VERSION,
            midflight: env!("CARGO_PKG_VERSION").to_owned(),
            notes: Vec::new(),
            streams: self.streams.iter_mut().map(Stream::written).collect(),
        }
    }
}
