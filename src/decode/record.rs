//! One record's `data`: walks every key and hands the places of a projection to the batch.

use super::projection::{ColumnId, Node, Projection, Target};
use crate::batch::{Batch, Cell, CellId};
use crate::protocol::walk::{Key, Malformed, Next, Value, Walker};

/// Deepest path a projection follows by recursion; paths come from configurations and catalogs, whose
/// readers allow no deeper ones.
const DEPTH_MAX: usize = 128;

/// Walks one record into a batch.
pub(super) struct Reader<'a, 'w> {
    pub bytes: &'a [u8],
    pub walker: &'w mut Walker<'a>,
    pub batch: &'w mut Batch,
    pub row: u32,
    /// Keys of the line may hold escapes.
    pub escaped: bool,
    /// Where the key of the object or array being read starts; 0 at the top.
    pub holder: u32,
}

impl Reader<'_, '_> {
    /// Walks `data`, whose opening brace the walker stands on, up to its closing brace. Returns the number
    /// of its members.
    pub fn read(&mut self, projection: &Projection) -> Result<u32, Malformed> {
        self.object(projection.root(), 0)
    }

    fn object(&mut self, node: &Node, depth: usize) -> Result<u32, Malformed> {
        if depth > DEPTH_MAX {
            return Err(self.walker.malformed("is nested deeper than a path may be"));
        }
        let mut guess = 0;
        let mut members = 0;
        while let Some(key) = self.walker.key()? {
            let target = match self.plain_key(key)? {
                None => node.find(self.bytes, key.start as usize, key.end as usize, &mut guess),
                Some(text) => node.find(text.as_bytes(), 0, text.len(), &mut guess),
            };
            let value = self.walker.value()?;
            self.visit(value, Some(key), members, target, &node.deep, depth)?;
            members += 1;
            if self.walker.next(b'}')? == Next::Closed {
                break;
            }
        }
        Ok(members)
    }

    /// The text of a key that is spelt with escapes.
    fn plain_key(&self, key: Key) -> Result<Option<String>, Malformed> {
        let inner = &self.bytes[key.start as usize..key.end as usize];
        if !self.escaped || memchr::memchr(b'\\', inner).is_none() {
            return Ok(None);
        }
        let quoted = &self.bytes[key.start as usize - 1..=key.end as usize];
        match crate::batch::Current::of(quoted) {
            crate::batch::Current::Text(text) => Ok(Some(text.into_owned())),
            _ => Err(self.walker.malformed("has a key with a broken escape")),
        }
    }

    #[inline]
    fn visit(
        &mut self,
        value: Value,
        key: Option<Key>,
        ordinal: u32,
        target: Option<&Target>,
        deep: &[ColumnId],
        depth: usize,
    ) -> Result<(), Malformed> {
        let target = match target {
            Some(target) => target,
            None if deep.is_empty() => return self.pass(value),
            None => return self.unnamed(value, key, ordinal, deep),
        };
        match value {
            Value::Scalar { start, end } => {
                let cell = || self.cell(key, ordinal, start, end);
                if !target.below.is_empty() && &self.bytes[start as usize..end as usize] != b"null"
                {
                    let cell = self.batch.push_cell(cell(), &target.columns, &target.deep);
                    self.batch.misplace(cell, &target.below);
                } else if !target.columns.is_empty() || !target.deep.is_empty() {
                    self.batch.push_cell(cell(), &target.columns, &target.deep);
                }
                Ok(())
            }
            Value::Object { start } | Value::Array { start } => {
                let strays = strays(value, target);
                let cell = (!target.columns.is_empty() || !strays.is_empty()).then(|| {
                    let cell = self.cell(key, ordinal, start, start);
                    let cell = self.batch.push_cell(cell, &target.columns, &[]);
                    self.batch.misplace(cell, strays);
                    cell
                });
                match strays {
                    [] => {
                        self.container(value, target.node.as_deref(), &target.deep, depth, key)?
                    }
                    strays => self.scalars(&target.deep, strays, key)?,
                }
                self.finish(cell)
            }
        }
    }

    /// A value that no column is about.
    #[inline]
    fn pass(&mut self, value: Value) -> Result<(), Malformed> {
        match value {
            Value::Scalar { .. } => Ok(()),
            Value::Object { .. } | Value::Array { .. } => {
                self.walker.skip()?;
                self.walker.leave()
            }
        }
    }

    /// A value whose scalars go to `deep`.
    fn unnamed(
        &mut self,
        value: Value,
        key: Option<Key>,
        ordinal: u32,
        deep: &[ColumnId],
    ) -> Result<(), Malformed> {
        match value {
            Value::Scalar { start, end } => {
                let cell = self.cell(key, ordinal, start, end);
                self.batch.push_cell(cell, &[], deep);
                Ok(())
            }
            Value::Object { .. } | Value::Array { .. } => {
                self.scalars(deep, &[], key)?;
                self.walker.leave()
            }
        }
    }

    /// From the opening to the closing character of a container.
    fn container(
        &mut self,
        value: Value,
        node: Option<&Node>,
        deep: &[ColumnId],
        depth: usize,
        key: Option<Key>,
    ) -> Result<(), Malformed> {
        let outside = self.holder;
        let inside = key.map_or(outside, |key| key.start);
        match (value, node) {
            (Value::Object { .. }, Some(node)) => {
                self.holder = inside;
                self.object(node, depth + 1)?;
            }
            (Value::Array { .. }, Some(node)) if node.items.is_some() || !deep.is_empty() => {
                self.holder = inside;
                self.array(node, deep, depth + 1)?;
            }
            _ if deep.is_empty() => self.walker.skip()?,
            _ => self.scalars(deep, &[], key)?,
        }
        self.holder = outside;
        Ok(())
    }

    fn array(&mut self, node: &Node, deep: &[ColumnId], depth: usize) -> Result<(), Malformed> {
        if depth > DEPTH_MAX {
            return Err(self.walker.malformed("is nested deeper than a path may be"));
        }
        if self.walker.empty_array()? {
            return Ok(());
        }
        let mut ordinal = 0;
        loop {
            let value = self.walker.value()?;
            self.visit(value, None, ordinal, node.items.as_deref(), deep, depth)?;
            ordinal += 1;
            if self.walker.next(b']')? == Next::Closed {
                return Ok(());
            }
        }
    }

    /// Every scalar of a container, at any depth and without recursion; `strays` take them as misplaced.
    fn scalars(
        &mut self,
        deep: &[ColumnId],
        strays: &[ColumnId],
        key: Option<Key>,
    ) -> Result<(), Malformed> {
        let row = self.row;
        let batch = &mut *self.batch;
        self.walker
            .scalars(key, self.holder, |key, holder, start, end| {
                let mut cell = Cell::found(row);
                cell.holder = holder;
                place(&mut cell, key, start, end);
                let cell = batch.push_cell(cell, deep, &[]);
                batch.misplace(cell, strays);
            })
    }

    fn cell(&self, key: Option<Key>, ordinal: u32, start: u32, end: u32) -> Cell {
        let mut cell = Cell::found(self.row);
        place(&mut cell, key, start, end);
        cell.ordinal = ordinal;
        cell.holder = self.holder;
        cell.after = self.walker.here();
        cell
    }

    /// Sets the end of a captured container and steps behind it.
    fn finish(&mut self, cell: Option<CellId>) -> Result<(), Malformed> {
        let end = self.walker.here() + 1;
        self.walker.leave()?;
        if let Some(cell) = cell {
            self.batch.close_cell(cell, end, self.walker.here());
        }
        Ok(())
    }
}

/// The columns that take a container because something else should stand in its place.
fn strays(value: Value, target: &Target) -> &[ColumnId] {
    match (value, target.node.as_deref()) {
        (_, None) => &target.opened,
        (Value::Object { .. }, Some(node)) if node.has_keys() => &[],
        (Value::Array { .. }, Some(node)) if node.items.is_some() => &[],
        _ => &target.below,
    }
}

fn place(cell: &mut Cell, key: Option<Key>, start: u32, end: u32) {
    (cell.start, cell.end) = (start, end);
    match key {
        Some(key) => {
            (cell.key_start, cell.key_end, cell.before) = (key.start, key.end, key.before);
        }
        None => (cell.key_start, cell.key_end, cell.before) = (start, start, start),
    }
}
