//! The splice: the input's own bytes, with only the touched values replaced.
//!
//! [`render`] turns a decoded chunk into [`Piece`]s: runs of the chunk where nothing changed, and text
//! where something did. It changes no byte outside of an edit, whatever the line looks like.

use crate::batch::{Batch, Cell, Fate, Follower, Row, RowId, write_escaped};
use crate::decode::{Chunk, Copied, Decoded, EventKind, Item};
use crate::protocol::frame::{self, Span};
use crate::protocol::trace;

/// Runs of the input shorter than this are copied: a piece of its own would cost more.
const RUN_BYTES_MIN: u32 = 16 * 1024;

/// A rendered chunk.
#[derive(Debug, Default)]
pub struct Rendered {
    pub pieces: Vec<Piece>,
    /// What pieces of text point into.
    pub text: Vec<u8>,
    /// Records that leave behind the last STATE.
    pub leaving: Vec<Copied>,
}

/// A part of the output.
#[derive(Debug)]
pub enum Piece {
    /// Bytes of the chunk.
    Input(Span),
    /// Bytes of the text.
    Text(Span),
    /// The STATE of this event, with the records that left since the STATE before it.
    State { event: usize, leaving: Vec<Copied> },
    /// The line of this event, which is no message; `end` lies behind its newline.
    Foreign { event: usize, end: u32 },
    /// The line of this event, neither record nor STATE; `end` lies behind its newline.
    Said { event: usize, end: u32 },
}

/// How much of a chunk changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splicing {
    /// Every line stays as it is.
    pub observe: bool,
    /// Lines of our own about rows are for whoever writes the chunk to tell.
    pub quiet: bool,
}

/// Splices a chunk, writing text into `memory`.
pub fn render(
    chunk: &Chunk,
    decoded: &mut Decoded,
    splicing: Splicing,
    mut memory: Vec<u8>,
) -> Rendered {
    let Splicing { observe, quiet } = splicing;
    memory.clear();
    if !observe {
        drop_emptied(decoded);
    }
    let mut splice = Splice {
        bytes: chunk.bytes.as_slice(),
        limit: decoded.len.min(chunk.len) as u32,
        from: 0,
        cells: vec![0; decoded.batches.len()],
        followers: vec![0; decoded.batches.len()],
        touched: decoded
            .batches
            .iter()
            .map(|(_, batch)| !observe && batch.is_touched())
            .collect(),
        run_bytes_min: RUN_BYTES_MIN,
        out: Rendered {
            text: memory,
            ..Rendered::default()
        },
        start: 0,
    };
    for &item in &decoded.items {
        match item {
            Item::Row { batch, row } => {
                let at = batch as usize;
                let (stream, batch) = &decoded.batches[at];
                let kept = splice.row(at, batch, row as usize);

                let followers = match observe {
                    true => 0,
                    false => splice.follow(at, batch, row as usize, kept),
                };
                if !observe && !quiet {
                    splice.said(batch, row, kept);
                }
                if kept || observe {
                    let bytes = batch.rows()[row as usize].line.len() as u64 + 1;
                    let leaving = Copied {
                        stream: *stream,
                        records: 1,
                        bytes,
                        followers,
                    };
                    leaving.add_to(&mut splice.out.leaving);
                }
            }
            Item::Event(event) => {
                let line = &decoded.events[event as usize];
                line.copied
                    .iter()
                    .for_each(|copied| copied.add_to(&mut splice.out.leaving));
                match line.kind {
                    EventKind::State(_) => splice.state(event as usize, line.line),
                    EventKind::Said { .. } | EventKind::Status => {
                        splice.other(event as usize, line.line)
                    }
                    EventKind::Foreign if observe && !quiet => {}
                    EventKind::Foreign => splice.foreign(event as usize, line.line),
                }
            }
        }
    }
    decoded
        .copied
        .iter()
        .for_each(|copied| copied.add_to(&mut splice.out.leaving));
    splice.copy_to(splice.limit);
    splice.flush();
    splice.out
}

/// The record of a row as a line without newline, with its edits.
pub fn render_row(batch: &Batch, row: RowId) -> Vec<u8> {
    let first = batch
        .cells()
        .partition_point(|cell| (cell.row as usize) < row);
    let mut splice = Splice::of_rows(batch, first);
    splice.whole_row(batch, row);
    splice.out.text
}

/// The lines of the rows that leave a batch, with their edits: the text, and the place of each in it behind the row.
pub(super) fn render_rows(batch: &Batch) -> (Vec<u8>, Vec<(RowId, Span)>) {
    let mut splice = Splice::of_rows(batch, 0);
    let mut places = Vec::with_capacity(batch.rows().len());
    for row in 0..batch.rows().len() {
        if batch.rows()[row].fate == Fate::Keep {
            let start = splice.out.text.len() as u32;
            splice.whole_row(batch, row);
            let end = splice.out.text.len() as u32;
            places.push((row, Span { start, end }));
            splice.out.text.push(b'\n');
        }
    }
    (splice.out.text, places)
}

/// Appends the line of a follower, whose row was emitted when `emitted` says.
pub(super) fn write_follower(
    batch: &Batch,
    follower: Follower,
    emitted: Option<Span>,
    text: &mut Vec<u8>,
) {
    text.extend_from_slice(batch.following(follower));
    if let Some(emitted) = emitted {
        text.extend_from_slice(b",\"emitted_at\":");
        text.extend_from_slice(emitted.of(batch.bytes()));
    }
    text.extend_from_slice(b"}}");
}

/// Records that stages left without any member are dropped: platforms drop `{}` without a word.
pub(super) fn drop_emptied(decoded: &mut Decoded) {
    for (_, batch) in &mut decoded.batches {
        if !batch.has_removals() {
            continue;
        }
        for row in 0..batch.rows().len() {
            if is_emptied(batch, row) {
                batch.drop_row(row);
            }
        }
    }
}

fn is_emptied(batch: &Batch, row: RowId) -> bool {
    let Some(data) = batch.rows()[row].data else {
        return false;
    };
    let first = batch
        .cells()
        .partition_point(|cell| (cell.row as usize) < row);
    let cells = batch.cells()[first..]
        .iter()
        .take_while(|cell| cell.row as usize == row);
    let mut front = data.start;
    for cell in cells {
        let removed = batch.edit(cell).is_some_and(|edit| edit.removed);
        if removed && !cell.is_added() && cell.before == front {
            front = cell.after;
        }
    }
    front != data.start && front + 1 == data.end && batch.added(row).next().is_none()
}

struct Splice<'a> {
    bytes: &'a [u8],
    limit: u32,
    /// First byte of the chunk that is not yet in the output.
    from: u32,
    /// Next cell of every batch.
    cells: Vec<usize>,
    /// Next follower of every batch.
    followers: Vec<usize>,
    touched: Vec<bool>,
    /// Runs from this length on become pieces of their own.
    run_bytes_min: u32,
    out: Rendered,
    /// First byte of text that no piece holds yet.
    start: u32,
}

impl<'a> Splice<'a> {
    /// One that writes single rows of a batch, whose cells begin with the one of this number.
    fn of_rows(batch: &'a Batch, first: usize) -> Self {
        Self {
            bytes: batch.bytes(),
            limit: 0,
            from: 0,
            cells: vec![first],
            followers: Vec::new(),
            touched: vec![true],
            run_bytes_min: u32::MAX,
            out: Rendered::default(),
            start: 0,
        }
    }

    /// Appends the line of a row to the text.
    fn whole_row(&mut self, batch: &Batch, row: RowId) {
        let line = batch.rows()[row].line;
        self.from = line.start;
        self.edit_row(0, batch, row);
        self.copy(line.end);
    }

    /// Puts a row into the output, or leaves it out. Says whether it leaves.
    fn row(&mut self, at: usize, batch: &Batch, row: RowId) -> bool {
        if !self.touched[at] {
            return true;
        }
        let Row { fate, line, .. } = batch.rows()[row];
        if fate == Fate::Keep {
            self.edit_row(at, batch, row);
            return true;
        }
        self.copy_to(line.start);
        self.from = (line.end + 1).min(self.limit);
        false
    }

    /// Puts the records that follow a row behind its line, if that leaves, and counts them. A row that
    /// stays takes its followers with it.
    fn follow(&mut self, at: usize, batch: &Batch, row: RowId, kept: bool) -> u64 {
        let all = batch.followers();
        let mut next = self.followers[at];
        while all.get(next).is_some_and(|one| (one.row as usize) < row) {
            next += 1;
        }
        let of_row = |one: &&Follower| one.row as usize == row;
        let count = all[next..].iter().take_while(of_row).count();
        self.followers[at] = next + count;
        if count == 0 || !kept {
            return 0;
        }
        let line = batch.rows()[row].line;
        let emitted = frame::emitted_at(self.bytes, line.start as usize);
        self.copy_to(line.end);
        for &one in &all[next..next + count] {
            // Before the row's own newline, which the last line of the input may lack.
            self.out.text.push(b'\n');
            write_follower(batch, one, emitted, &mut self.out.text);
        }
        count as u64
    }

    /// Puts our own lines about a row behind its line, or in its place.
    fn said(&mut self, batch: &Batch, row: u32, kept: bool) {
        for (_, said) in batch.said().iter().filter(|(of, _)| *of == row) {
            if kept {
                // Before the row's own newline, which the last line of the input may lack.
                self.copy_to(batch.rows()[row as usize].line.end);
                self.out.text.push(b'\n');
            }
            self.out.text.extend_from_slice(said.as_bytes());
            if !kept {
                self.out.text.push(b'\n');
            }
        }
    }

    /// Walks the row's cells in byte order and writes what they became.
    fn edit_row(&mut self, at: usize, batch: &Batch, row: RowId) {
        let cells = batch.cells();
        let mut next = self.cells[at];
        while cells
            .get(next)
            .is_some_and(|cell| (cell.row as usize) < row)
        {
            next += 1;
        }
        let Row {
            data,
            meta,
            close,
            members,
            ..
        } = batch.rows()[row];
        let changed = batch.has_changes() && batch.changes(row).next().is_some();
        if let Some(meta) = meta
            && changed
            && data.is_none_or(|data| meta.start < data.start)
        {
            self.meta(batch, row, Some(meta), close);
        }
        // Separators up to which members have been removed from the front of their object.
        let mut front = 0;
        while let Some(cell) = cells.get(next)
            && cell.row as usize == row
        {
            next += 1;
            if cell.edit_index() != 0 && !cell.is_added() && cell.start >= self.from {
                self.cell(batch, cell, &mut front);
            }
        }
        self.cells[at] = next;
        if let Some(data) = data {
            let empty = members == 0 || front != 0 && front + 1 == data.end;
            self.added(batch, row, data, empty);
        }
        if changed && meta.is_none_or(|meta| data.is_some_and(|data| meta.start > data.start)) {
            self.meta(batch, row, meta, close);
        }
    }

    fn cell(&mut self, batch: &Batch, cell: &Cell, front: &mut u32) {
        let Some(edit) = batch.edit(cell) else {
            return;
        };
        if edit.removed {
            let leads = self.bytes[cell.before as usize] == b'{' || cell.before == *front;
            if leads {
                *front = cell.after;
                self.copy(cell.before + 1);
                self.from = cell.after + u32::from(self.bytes[cell.after as usize] == b',');
            } else {
                self.copy(cell.before);
                self.from = cell.after;
            }
            return;
        }
        if let Some(name) = batch.name(edit)
            && cell.key_end > cell.key_start
        {
            self.copy(cell.key_start);
            write_escaped(name, &mut self.out.text);
            self.from = cell.key_end;
        }
        if let Some(value) = edit.value {
            self.copy(cell.start);
            self.out.text.extend_from_slice(batch.replaced(value));
            self.from = cell.end;
        }
    }

    fn added(&mut self, batch: &Batch, row: RowId, data: Span, mut empty: bool) {
        for (name, json) in batch.added(row) {
            self.copy(data.end - 1);
            let text = &mut self.out.text;
            text.extend_from_slice(if empty { b"\"" } else { b",\"" });
            write_escaped(name, text);
            text.extend_from_slice(b"\":");
            text.extend_from_slice(json);
            empty = false;
        }
    }

    fn meta(&mut self, batch: &Batch, row: RowId, meta: Option<Span>, close: u32) {
        let fields = batch.changes(row).map(|change| change.field.as_str());
        match meta {
            Some(meta) => {
                let text = trace::with_changes(meta.of(self.bytes), fields);
                self.copy(meta.start);
                self.out.text.extend_from_slice(text.as_bytes());
                self.from = meta.end;
            }
            None => {
                let text = trace::with_changes(b"{}", fields);
                self.copy(close);
                self.out.text.extend_from_slice(b",\"meta\":");
                self.out.text.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn state(&mut self, event: usize, line: Span) {
        self.copy_to(line.start);
        self.flush();
        let leaving = std::mem::take(&mut self.out.leaving);
        self.out.pieces.push(Piece::State { event, leaving });
        self.from = line.end;
    }

    fn other(&mut self, event: usize, line: Span) {
        self.copy_to(line.start);
        self.flush();
        // The last line of the input may have no newline.
        let end = (line.end + 1).min(self.limit);
        self.out.pieces.push(Piece::Said { event, end });
        self.from = end;
    }

    fn foreign(&mut self, event: usize, line: Span) {
        self.copy_to(line.start);
        self.flush();
        let end = (line.end + 1).min(self.limit);
        self.out.pieces.push(Piece::Foreign { event, end });
        self.from = end;
    }

    /// Appends the input up to `to`, as text.
    #[inline]
    fn copy(&mut self, to: u32) {
        if to > self.from {
            let run = &self.bytes[self.from as usize..to as usize];
            if run.len() >= self.run_bytes_min as usize {
                return self.copy_to(to);
            }
            self.out.text.extend_from_slice(run);
            self.from = to;
        }
    }

    /// Appends the input up to `to`; a long run becomes a piece of its own.
    fn copy_to(&mut self, to: u32) {
        if to <= self.from {
            return;
        }
        if to - self.from < self.run_bytes_min {
            let run = &self.bytes[self.from as usize..to as usize];
            self.out.text.extend_from_slice(run);
        } else {
            self.flush();
            self.out.pieces.push(Piece::Input(Span {
                start: self.from,
                end: to,
            }));
        }
        self.from = to;
    }

    fn flush(&mut self) {
        let end = self.out.text.len() as u32;
        if end > self.start {
            self.out.pieces.push(Piece::Text(Span {
                start: self.start,
                end,
            }));
            self.start = end;
        }
    }
}
