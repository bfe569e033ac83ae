//! A bounded sample of a stream's rows, column by column, for facts about two columns.
//!
//! A row's place in the input decides at which level it is kept; with every level half of the rows go. So which rows
//! are kept depends on how many there are, and on nothing else.

use super::column::Cell;
use super::part;
use super::trie::Node;

/// Rows of a stream, cells of a stream, and of all streams.
const ROWS_MAX: usize = 65_536;
const CELLS_MAX: usize = 4_000_000;
pub const ALL_CELLS_MAX: usize = 8_000_000;

/// Columns of a stream that are kept.
const COLUMNS_MAX: usize = 64;

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    Null,
    Number,
    Moment,
    Text,
}

/// The rows that are kept.
#[derive(Debug, Default)]
pub struct Rows {
    level: u32,
    places: Vec<u64>,
    /// The slice of each row.
    slices: Vec<u8>,
    columns: Vec<RowColumn>,
}

/// One column of the rows that are kept.
#[derive(Debug)]
pub struct RowColumn {
    /// Its place among the stream's columns.
    pub column: usize,
    pub tags: Vec<Tag>,
    /// The bits of a number, of a moment in seconds, of a text's hash.
    pub bits: Vec<u64>,
}

impl RowColumn {
    /// The number or moment in a row.
    #[inline]
    pub fn real(&self, row: usize) -> f64 {
        f64::from_bits(self.bits[row])
    }

    fn pad(&mut self, rows: usize) {
        self.tags.resize(rows, Tag::Null);
        self.bits.resize(rows, 0);
    }

    fn put(&mut self, row: usize, cell: Cell) {
        self.pad(row + 1);
        (self.tags[row], self.bits[row]) = match cell {
            // -0.0 is the same number.
            Cell::Number(number) => (Tag::Number, (number + 0.0).to_bits()),
            Cell::Moment(moment) => (Tag::Moment, (moment + 0.0).to_bits()),
            Cell::Text(hash) => (Tag::Text, hash),
        };
    }
}

impl Rows {
    /// How many zero bits the places of kept rows end in.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// How many rows are kept.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// How many cells.
    pub fn cells(&self) -> usize {
        self.places.len() * self.columns.len()
    }

    /// The columns that are kept.
    pub fn columns(&self) -> &[RowColumn] {
        &self.columns
    }

    /// The slice of each row.
    pub fn slices(&self) -> &[u8] {
        &self.slices
    }

    /// Adds the rows of a job to a slice. `found` are the places of its columns among the stream's, by node.
    pub fn add(&mut self, job: &part::Rows, found: &[Option<usize>], slice: usize) {
        for (place, cells) in job.iter() {
            if place.trailing_zeros() < self.level {
                continue;
            }
            let row = self.places.len();
            self.places.push(place);
            self.slices.push(slice as u8);
            for (node, cell) in cells {
                if let Some(column) = self.column(found, *node) {
                    column.put(row, *cell);
                }
            }
            while self.places.len() > ROWS_MAX || self.cells() > CELLS_MAX {
                self.thin();
            }
        }
        let rows = self.places.len();
        self.columns.iter_mut().for_each(|column| column.pad(rows));
    }

    fn column(&mut self, found: &[Option<usize>], node: Node) -> Option<&mut RowColumn> {
        let column = (*found.get(node as usize)?)?;
        // Columns are few, and mostly met in the same order.
        let at = self.columns.iter().position(|known| known.column == column);
        let at = match at {
            Some(at) => at,
            None if self.columns.len() >= COLUMNS_MAX => return None,
            None => {
                self.columns.push(RowColumn {
                    column,
                    tags: Vec::new(),
                    bits: Vec::new(),
                });
                self.columns.len() - 1
            }
        };
        self.columns.get_mut(at)
    }

    /// Keeps half of the rows.
    pub fn thin(&mut self) {
        self.level += 1;
        let rows = self.places.len();
        self.columns.iter_mut().for_each(|column| column.pad(rows));
        let mut kept = 0;
        for row in 0..rows {
            if self.places[row].trailing_zeros() < self.level {
                continue;
            }
            self.places[kept] = self.places[row];
            self.slices[kept] = self.slices[row];
            for column in &mut self.columns {
                column.tags[kept] = column.tags[row];
                column.bits[kept] = column.bits[row];
            }
            kept += 1;
        }
        self.places.truncate(kept);
        self.slices.truncate(kept);
        self.columns.iter_mut().for_each(|column| {
            column.tags.truncate(kept);
            column.bits.truncate(kept);
        });
    }

    /// Every two neighbouring slices have become one.
    pub fn join_slices(&mut self) {
        self.slices.iter_mut().for_each(|slice| *slice /= 2);
    }

    /// The last of so many slices has become part of the one before.
    pub fn join_last(&mut self, slices: usize) {
        let last = (slices as u8).saturating_sub(2);
        self.slices
            .iter_mut()
            .for_each(|slice| *slice = (*slice).min(last));
    }
}
