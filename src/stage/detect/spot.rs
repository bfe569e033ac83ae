//! Which column a value belongs to, where every value has a key of its own.

use std::collections::HashMap;
use std::sync::Arc;

use super::Detect;
use crate::batch::{Batch, CellId};
use crate::detect::ColumnContext;
use crate::detect::column::{Course, Place};

/// Names of columns that a worker remembers; others are worked out anew.
const SPOTS_MAX: usize = 4096;

/// A column's name is believed without its values from this probability on.
const NAME_SURE: f32 = 0.8;

/// A column and what its name says.
#[derive(Debug)]
pub(super) struct Spot {
    pub place: Arc<Place>,
    pub context: ColumnContext,
    /// The kind that the name says by itself.
    pub sure: Option<u16>,
}

/// Columns by their path.
#[derive(Debug, Default)]
pub(super) struct Spots(HashMap<Box<str>, Arc<Spot>>);

impl Spots {
    fn get(&mut self, stage: &Detect, path: &str) -> Arc<Spot> {
        if let Some(spot) = self.0.get(path) {
            return Arc::clone(spot);
        }
        let spot = Arc::new(stage.spot(path));
        if self.0.len() < SPOTS_MAX {
            self.0.insert(path.into(), Arc::clone(&spot));
        }
        spot
    }
}

impl Detect {
    fn spot(&self, path: &str) -> Spot {
        let mut said: Vec<(u16, f32)> = Vec::new();
        for vote in self.names.kinds(&self.stream, path) {
            // What is less likely than that says nothing.
            if vote.probability < 0.02 {
                break;
            }
            if let Some(kind) = self.detector.wanted_kind(vote.kind) {
                said.push((kind, vote.probability));
            }
        }
        let sure = said
            .iter()
            .find(|(_, probability)| *probability >= NAME_SURE);
        Spot {
            sure: sure.map(|(kind, _)| *kind),
            context: self.detector.column(&self.stream, path),
            place: Arc::new(Place {
                path: path.into(),
                words: crate::detect::leaf_words(path).into(),
                said: said.into(),
                pinned: self.pins.of(path),
            }),
        }
    }
}

/// The columns met in one stretch. Records of a stream repeat their keys in order, so a column is looked
/// for where it was found in the record before.
pub(super) struct Ring<'a> {
    name: Option<&'a str>,
    met: Vec<Met>,
    next: usize,
}

struct Met {
    holder: Box<[u8]>,
    key: Box<[u8]>,
    spot: Arc<Spot>,
    known: Option<usize>,
}

impl<'a> Ring<'a> {
    /// For a column of this name, or one whose values have names of their own.
    pub fn new(name: Option<&'a str>) -> Self {
        Self {
            name,
            met: Vec::new(),
            next: 0,
        }
    }

    /// The column of a cell, and its number in what is known.
    pub fn find(
        &mut self,
        stage: &Detect,
        batch: &Batch,
        cell: CellId,
        course: &mut Course<'_>,
        spots: &mut Spots,
    ) -> (&Arc<Spot>, Option<usize>) {
        let (holder, key) = match self.name {
            Some(_) => (&[][..], &[][..]),
            None => keys(batch, cell),
        };
        let same = |met: &Met| *met.key == *key && *met.holder == *holder;
        if !self.met.get(self.next).is_some_and(same) {
            self.next = self.met.iter().position(same).unwrap_or_else(|| {
                let spot = match self.name {
                    Some(name) => spots.get(stage, name),
                    None => spots.get(stage, &path(holder, key)),
                };
                let known = course.find(&spot.place);
                self.met.push(Met {
                    holder: holder.into(),
                    key: key.into(),
                    spot,
                    known,
                });
                self.met.len() - 1
            });
        }
        let at = self.next;
        self.next = (at + 1) % self.met.len();
        let met = &self.met[at];
        (&met.spot, met.known)
    }
}

/// The key of what holds a cell, and its own; an element of an array goes by the array's.
fn keys(batch: &Batch, cell: CellId) -> (&[u8], &[u8]) {
    let cell = batch.cell(cell);
    let bytes = batch.bytes();
    let holder = match cell.holder as usize {
        0 => &[][..],
        start => {
            let rest = &bytes[start..];
            &rest[..memchr::memchr(b'"', rest).unwrap_or(0)]
        }
    };
    match cell.is_element() {
        true => (&[], holder),
        false => (
            holder,
            &bytes[cell.key_start as usize..cell.key_end as usize],
        ),
    }
}

fn path(holder: &[u8], key: &[u8]) -> String {
    let key = String::from_utf8_lossy(key);
    match holder {
        [] => key.into_owned(),
        holder => format!("{}.{key}", String::from_utf8_lossy(holder)),
    }
}
