//! The records of one stream in one chunk: where their values stand, and what shall become of them.
//!
//! A [`Batch`] is the only bridge between lines and columns. Stages speak its verbs (replace, remove,
//! rename, add; drop, reject); the input's bytes are never changed, a sink reads the edits off. Arrow
//! arrays are made for the columns that an expression reads, text without a copy.

mod arrays;
mod cell;
mod cursor;
mod row;
mod tally;
pub mod temporal;
mod watched;

pub use arrays::Column;
pub use cell::{Cell, Current, Edit, unescape_onto, write_escaped, write_string};
pub use cursor::{CursorKind, CursorTally, Mark};
pub use row::{Change, Fate, Reason, Row};
pub use tally::{Embedded, Tally};
pub use watched::Watched;

use arrow::buffer::Buffer;

/// Index of a column in a batch; the plan hands them out.
pub type ColumnId = usize;
/// Index of a row in a batch.
pub type RowId = usize;
/// Index of a cell in a batch.
pub type CellId = usize;

/// Marks a row without a value in an added column.
const NONE: u32 = u32::MAX;

/// Rows, the cells that the plan reads, and the edits made to them.
#[derive(Debug)]
pub struct Batch {
    chunk: Buffer,
    number: u64,
    rows: Vec<Row>,
    cells: Vec<Cell>,
    columns: Vec<Vec<u32>>,
    /// Cells, with a column, that stand where a value of the column cannot stand.
    misplaced: Vec<(u32, ColumnId)>,
    edits: Vec<Edit>,
    /// JSON text of replaced values.
    text: Vec<u8>,
    names: Vec<String>,
    added: Vec<Added>,
    changes: Vec<Change>,
    reasons: Vec<Reason>,
    /// Per `split` stage, the part of every row.
    parts: Vec<Vec<u32>>,
    followers: Vec<Follower>,
    /// Messages of our own, with the rows behind whose lines they leave.
    messages: Vec<(u32, std::sync::Arc<str>)>,
    watched: Option<Watched>,
    tally: Tally,
    removals: bool,
}

/// A record of another stream that leaves right behind a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follower {
    pub row: u32,
    /// Range of its line in the batch's text, up to the end of its data.
    line: (u32, u32),
}

/// A column that no record had: its name and one cell per row.
#[derive(Debug)]
struct Added {
    column: ColumnId,
    name: String,
    cells: Vec<u32>,
}

impl Batch {
    /// A batch over the bytes of a chunk, with room for `columns`.
    pub fn new(chunk: Buffer, columns: usize) -> Self {
        Self {
            chunk,
            number: 0,
            rows: Vec::new(),
            cells: Vec::new(),
            columns: vec![Vec::new(); columns],
            misplaced: Vec::new(),
            edits: Vec::new(),
            text: Vec::new(),
            names: Vec::new(),
            added: Vec::new(),
            changes: Vec::new(),
            reasons: Vec::new(),
            parts: Vec::new(),
            followers: Vec::new(),
            messages: Vec::new(),
            watched: None,
            tally: Tally::default(),
            removals: false,
        }
    }

    /// Empties the batch and gives it another chunk, keeping its memory.
    pub fn reset(&mut self, chunk: Buffer) {
        self.chunk = chunk;
        self.rows.clear();
        self.cells.clear();
        self.columns.iter_mut().for_each(Vec::clear);
        self.misplaced.clear();
        self.edits.clear();
        self.text.clear();
        self.names.clear();
        self.added.clear();
        self.changes.clear();
        self.reasons.clear();
        self.parts.clear();
        self.followers.clear();
        self.messages.clear();
        self.watched = None;
        self.tally = Tally::default();
        self.removals = false;
    }

    /// Says which chunk of the run this is.
    pub fn set_chunk(&mut self, number: u64) {
        self.number = number;
    }

    /// Place of the chunk among those of the run.
    pub fn chunk_number(&self) -> u64 {
        self.number
    }

    /// The bytes that cells point into.
    pub fn bytes(&self) -> &[u8] {
        self.chunk.as_slice()
    }

    /// The rows in the order of their lines.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All cells, in byte order.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells of a column, in byte order. A record may hold several, through arrays, wildcards and
    /// repeated keys.
    pub fn column(&self, column: ColumnId) -> &[u32] {
        self.columns.get(column).map_or(&[], Vec::as_slice)
    }

    /// The cell of a row in a column; of repeated keys the last counts, as for most readers.
    pub fn cell_of(&self, column: ColumnId, row: RowId) -> Option<CellId> {
        let cells = self.column(column);
        let row_of = |cell: u32| self.cells[cell as usize].row as usize;
        let end = cells.partition_point(|&cell| row_of(cell) <= row);
        let last = *cells.get(end.checked_sub(1)?)?;
        (row_of(last) == row).then_some(last as usize)
    }

    /// What has been counted so far.
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Reads of what has been counted.
    pub fn counted(&self) -> &Tally {
        &self.tally
    }

    /// Whether anything differs from the input.
    pub fn is_touched(&self) -> bool {
        !self.edits.is_empty()
            || !self.changes.is_empty()
            || self.rows.iter().any(|row| row.fate != Fate::Keep)
    }

    /// Appends a row.
    pub fn push_row(&mut self, row: Row) -> RowId {
        self.rows.push(row);
        self.rows.len() - 1
    }

    /// The row that was appended last.
    pub fn last_row(&mut self) -> Option<&mut Row> {
        self.rows.last_mut()
    }

    /// Forgets the last row and every cell of it.
    pub fn pop_row(&mut self) {
        let Some(row) = self.rows.len().checked_sub(1) else {
            return;
        };
        let kept = self.cells.partition_point(|cell| (cell.row as usize) < row);
        self.cells.truncate(kept);
        for column in &mut self.columns {
            let kept = column.partition_point(|&cell| (cell as usize) < kept);
            column.truncate(kept);
        }
        self.misplaced.retain(|(cell, _)| (*cell as usize) < kept);
        self.rows.truncate(row);
    }

    /// Gives a cell to columns whose values should stand below it, or not be containers.
    pub fn misplace(&mut self, cell: CellId, columns: &[ColumnId]) {
        for &column in columns {
            self.columns[column].push(cell as u32);
            self.misplaced.push((cell as u32, column));
        }
    }

    /// Whether a cell of a column is there only because something of another shape stands in its place.
    pub fn is_misplaced(&self, cell: CellId, column: ColumnId) -> bool {
        // Cells are misplaced in the order in which they are found.
        let first = self
            .misplaced
            .partition_point(|(known, _)| (*known as usize) < cell);
        let same = self.misplaced[first..]
            .iter()
            .take_while(|(known, _)| *known as usize == cell);
        same.into_iter().any(|(_, known)| *known == column)
    }

    /// Appends a cell to some columns.
    #[inline]
    pub fn push_cell(&mut self, cell: Cell, columns: &[ColumnId], more: &[ColumnId]) -> CellId {
        let id = self.cells.len();
        self.cells.push(cell);
        for &column in columns.iter().chain(more) {
            self.columns[column].push(id as u32);
        }
        id
    }

    /// Sets where a container's cell ends.
    pub fn close_cell(&mut self, cell: CellId, end: u32, after: u32) {
        self.cells[cell].end = end;
        self.cells[cell].after = after;
    }

    /// A cell.
    pub fn cell(&self, cell: CellId) -> &Cell {
        &self.cells[cell]
    }

    /// The edit of a cell, if there is one.
    #[inline]
    pub fn edit(&self, cell: &Cell) -> Option<&Edit> {
        self.edits.get((cell.edit as usize).wrapping_sub(1))
    }

    /// The JSON text a cell holds now; empty when it has been removed.
    #[inline]
    pub fn raw(&self, cell: &Cell) -> &[u8] {
        match self.edit(cell) {
            None => &self.bytes()[cell.start as usize..cell.end as usize],
            Some(edit) if edit.removed => &[],
            Some(edit) => match edit.value {
                Some((from, to)) => &self.text[from as usize..to as usize],
                None => &self.bytes()[cell.start as usize..cell.end as usize],
            },
        }
    }

    /// What a cell holds now, strings unescaped.
    pub fn current(&self, cell: CellId) -> Current<'_> {
        Current::of(self.raw(&self.cells[cell]))
    }

    /// The JSON text that an edit or added cell writes.
    pub fn replaced(&self, (from, to): (u32, u32)) -> &[u8] {
        &self.text[from as usize..to as usize]
    }

    /// The new name of a renamed member.
    pub fn name(&self, edit: &Edit) -> Option<&str> {
        self.names.get(edit.name?).map(String::as_str)
    }

    fn edit_mut(&mut self, cell: CellId) -> &mut Edit {
        if self.cells[cell].edit == 0 {
            self.edits.push(Edit::default());
            self.cells[cell].edit = self.edits.len() as u32;
        }
        let at = self.cells[cell].edit as usize - 1;
        &mut self.edits[at]
    }

    /// Gives a cell another value: `json` must be one JSON value.
    pub fn replace(&mut self, cell: CellId, json: &[u8]) {
        let from = self.text.len();
        self.text.extend_from_slice(json);
        self.point(cell, from);
    }

    /// Gives a cell another value that is a string.
    pub fn replace_text(&mut self, cell: CellId, text: &str) {
        let from = self.text.len();
        cell::write_string(text, &mut self.text);
        self.point(cell, from);
    }

    /// Makes what has been written from `from` on a cell's value.
    ///
    /// # Panics
    /// When a chunk's new values pass 4 GiB, as only a line far longer than the default limit can make
    /// them: stopping is better than pointing at other bytes.
    fn point(&mut self, cell: CellId, from: usize) {
        let to = self.text.len();
        assert!(to <= u32::MAX as usize, "new values of a chunk pass 4 GiB");
        self.edit_mut(cell).value = Some((from as u32, to as u32));
    }

    /// Removes a cell with its key. Elements of arrays become null: removing them would move the others.
    pub fn remove(&mut self, cell: CellId) {
        if self.cells[cell].is_element() {
            self.replace(cell, b"null");
        } else {
            self.edit_mut(cell).removed = true;
            self.removals = true;
        }
    }

    /// Whether any member has been removed.
    pub fn has_removals(&self) -> bool {
        self.removals
    }

    /// Gives the members of a column another key.
    pub fn rename(&mut self, column: ColumnId, name: &str) {
        self.names.push(name.to_owned());
        let name = self.names.len() - 1;
        for at in 0..self.column(column).len() {
            let cell = self.columns[column][at] as usize;
            if !self.is_misplaced(cell, column) {
                self.edit_mut(cell).name = Some(name);
            }
        }
    }

    /// Sets a top-level value by column: the record's own member if it has one, a new one otherwise.
    pub fn put(&mut self, column: ColumnId, name: &str, row: RowId, json: &[u8]) {
        let own =
            self.columns[column].partition_point(|&c| (self.cells[c as usize].row as usize) < row);
        let mut found = false;
        for at in own..self.columns[column].len() {
            let cell = self.columns[column][at] as usize;
            if self.cells[cell].row as usize != row {
                break;
            }
            self.replace(cell, json);
            found = true;
        }
        if !found {
            self.add(column, name, row, json);
        }
    }

    fn add(&mut self, column: ColumnId, name: &str, row: RowId, json: &[u8]) {
        let id = self.cells.len() as u32;
        let at = self.added.iter().position(|added| added.column == column);
        let at = at.unwrap_or_else(|| {
            self.added.push(Added {
                column,
                name: name.to_owned(),
                cells: vec![NONE; self.rows.len()],
            });
            self.added.len() - 1
        });
        self.added[at].cells[row] = id;
        self.cells.push(Cell::added(row as u32));
        let place = self.columns[column]
            .partition_point(|&cell| (self.cells[cell as usize].row as usize) <= row);
        self.columns[column].insert(place, id);
        self.replace(id as usize, json);
    }

    /// Names and JSON texts of the members a row gains.
    pub fn added(&self, row: RowId) -> impl Iterator<Item = (&str, &[u8])> {
        self.added.iter().filter_map(move |added| {
            let cell = self.cells.get(added.cells[row] as usize)?;
            let edit = self.edit(cell)?;
            let name = self.name(edit).unwrap_or(&added.name);
            let value = edit.value.filter(|_| !edit.removed)?;
            Some((name, self.replaced(value)))
        })
    }

    /// Notes for the record's `meta.changes` that a field was nulled.
    pub fn nulled(&mut self, row: RowId, field: &str) {
        self.changes.push(Change {
            row,
            field: field.to_owned(),
        });
    }

    /// The changes noted for a row.
    pub fn changes(&self, row: RowId) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.row == row)
    }

    /// Whether any row has changes.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Takes a row out because a rule says so. A rejected row stays rejected.
    pub fn drop_row(&mut self, row: RowId) {
        if self.rows[row].fate == Fate::Keep {
            self.rows[row].fate = Fate::Filtered;
        }
    }

    /// Notes to which part a row belongs by the stream's `split` number `split`.
    pub fn assign(&mut self, split: usize, row: RowId, part: usize) {
        if self.parts.len() <= split {
            self.parts.resize_with(split + 1, Vec::new);
        }
        let parts = &mut self.parts[split];
        if parts.is_empty() {
            parts.resize(self.rows.len(), NONE);
        }
        parts[row] = part as u32;
    }

    /// The parts of the rows that leave: split, part.
    pub fn assigned(&self) -> impl Iterator<Item = (usize, usize)> {
        let splits = self.parts.iter().enumerate();
        splits.flat_map(|(split, parts)| {
            let rows = parts.iter().zip(&self.rows);
            let kept = rows.filter(|(part, row)| **part != NONE && row.fate == Fate::Keep);
            kept.map(move |(part, _)| (split, *part as usize))
        })
    }

    /// Sends a row to the reject store; every reason is kept.
    pub fn reject(&mut self, reason: Reason) {
        self.rows[reason.row].fate = Fate::Rejected;
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Lets a record of another stream follow a row, if that leaves; rows in their order. `line` is the
    /// record's line up to the end of its data; the rest is the row's own.
    ///
    /// # Panics
    /// As [`Self::replace`].
    pub fn follow(&mut self, row: RowId, line: &[u8]) {
        let from = self.text.len();
        self.text.extend_from_slice(line);
        let to = self.text.len();
        assert!(to <= u32::MAX as usize, "new values of a chunk pass 4 GiB");
        self.followers.push(Follower {
            row: row as u32,
            line: (from as u32, to as u32),
        });
    }

    /// Lets a line of our own leave behind a row's line, whether that leaves or not; rows in their order.
    pub fn say(&mut self, row: RowId, line: std::sync::Arc<str>) {
        self.messages.push((row as u32, line));
    }

    /// The lines of our own, in the order of the rows.
    pub fn said(&self) -> &[(u32, std::sync::Arc<str>)] {
        &self.messages
    }

    /// Keeps what watched rules found.
    pub fn watch(&mut self, found: Watched) {
        self.watched = Some(found);
    }

    /// What watched rules found, where there are any.
    pub fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref()
    }

    /// The records that follow rows, in the order of the rows.
    pub fn followers(&self) -> &[Follower] {
        &self.followers
    }

    /// A follower's line, up to the end of its data.
    pub fn following(&self, follower: Follower) -> &[u8] {
        self.replaced(follower.line)
    }

    /// Why a row was rejected, in the order of the stages.
    pub fn reasons(&self, row: RowId) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(move |reason| reason.row == row)
    }
}
