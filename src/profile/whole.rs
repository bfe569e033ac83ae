//! One column over the whole input, slice by slice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::column::{Column, Hints};
use super::course::Course;
use super::distinct::{Sample, Sketch};
use super::form::{ColumnProfile, Measures};
use super::measured::{INTEGER, Measured};
use super::number;
use super::table::{Kind, Table, Value};
use crate::schema::{JsonKind, LogicalType};

/// Hashes of a column's values that are kept with their counts.
pub const SAMPLE: usize = 256;

/// A column of a stream.
#[derive(Debug)]
pub struct Whole {
    pub path: String,
    pub total: Measured,
    pub slices: Vec<Measured>,
    /// All values, unless there are too many.
    pub table: Table,
    /// Counts of each slice, by the values' numbers.
    counts: Vec<Vec<u64>>,
    pub many: bool,
    /// Of all values, once there are too many for the table.
    sketch: Sketch,
    sample: Sample,
    pub course: Course,
    pub hints: Arc<Hints>,
}

impl Whole {
    /// A column without values.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            total: Measured::default(),
            slices: Vec::new(),
            table: Table::default(),
            counts: Vec::new(),
            many: false,
            sketch: Sketch::default(),
            sample: Sample::of(SAMPLE),
            course: Course::default(),
            hints: Arc::default(),
        }
    }

    /// Adds the column of a job to the last of `slices` slices. `listed` is memory to use.
    pub fn add(&mut self, job: &Column, slices: usize, listed: &mut Measured) {
        self.slices.resize_with(slices, Measured::default);
        self.counts.resize_with(slices, Vec::new);
        listed.clear();
        for (value, _, count) in job.table.values() {
            measure(listed, value, count);
        }
        for to in self.slices.last_mut().into_iter().chain([&mut self.total]) {
            to.merge(&job.direct);
            to.merge(listed);
        }
        self.course.join(&job.course);
        self.add_values(job);
        let hints = job.hints.get_or_init(|| Arc::clone(&self.hints));
        hints.many.store(self.many, Ordering::Relaxed);
        hints
            .shapeless
            .store(self.total.shapes.is_dead(), Ordering::Relaxed);
        hints
            .motley
            .store(self.total.characters.is_dead(), Ordering::Relaxed);
        if self.many {
            hints.limit.store(self.sample.limit(), Ordering::Relaxed);
        }
    }

    fn add_values(&mut self, job: &Column) {
        let mut numbers = Vec::with_capacity(job.table.len());
        if job.sketched {
            self.overflow();
        }
        if !self.many {
            for (value, hash, count) in job.table.values() {
                let Some(number) = self.table.number(hash, value) else {
                    self.withdraw(&numbers, job);
                    self.overflow();
                    break;
                };
                self.table.count(number, count);
                if let Some(counts) = self.counts.last_mut() {
                    counts.resize(counts.len().max(number + 1), 0);
                    counts[number] += count;
                }
                numbers.push(number);
            }
        }
        if !self.many {
            return;
        }
        for (_, hash, _) in job.table.values() {
            self.sketch.add(hash);
        }
        if let Some(sketch) = job.sketch.as_ref().filter(|_| job.sketched) {
            self.sketch.merge(sketch);
        }
        let listed = job.table.values().map(|(_, hash, count)| (hash, count));
        self.sample.add(listed.chain(job.hashes.iter().copied()));
    }

    /// Takes back what a job's first values were counted, before all of them are counted elsewhere.
    fn withdraw(&mut self, numbers: &[usize], job: &Column) {
        for (number, (_, _, count)) in numbers.iter().zip(job.table.values()) {
            self.table.discount(*number, count);
        }
    }

    /// Gives up the list of values: from now on they are only told apart.
    pub fn overflow(&mut self) {
        if std::mem::replace(&mut self.many, true) {
            return;
        }
        let table = std::mem::take(&mut self.table);
        let met = || table.values().filter(|(_, _, count)| *count > 0);
        met().for_each(|(_, hash, _)| self.sketch.add(hash));
        self.sample.add(met().map(|(_, hash, count)| (hash, count)));
        self.counts
            .iter_mut()
            .for_each(|counts| *counts = Vec::new());
        self.hints.many.store(true, Ordering::Relaxed);
    }

    /// Bytes that its list of values takes.
    pub fn listed_bytes(&self) -> usize {
        self.table.bytes()
            + self
                .counts
                .iter()
                .map(|counts| counts.capacity() * 8)
                .sum::<usize>()
    }

    /// Bytes that its slices take, about.
    pub fn slice_bytes(&self) -> usize {
        self.slices.iter().map(Measured::bytes).sum()
    }

    /// Makes one slice of every two neighbours.
    pub fn join_slices(&mut self, slices: usize) {
        self.slices.resize_with(slices, Measured::default);
        self.counts.resize_with(slices, Vec::new);
        self.slices = pairwise(std::mem::take(&mut self.slices), |one, next| {
            one.merge(&next)
        });
        self.counts = pairwise(
            std::mem::take(&mut self.counts),
            |one: &mut Vec<u64>, next| {
                one.resize(one.len().max(next.len()), 0);
                one.iter_mut()
                    .zip(next)
                    .for_each(|(count, next)| *count += next);
            },
        );
    }

    /// Joins the last slice with the one before it.
    pub fn join_last(&mut self, slices: usize) {
        self.slices.resize_with(slices, Measured::default);
        self.counts.resize_with(slices, Vec::new);
        if let (Some(last), Some(counts)) = (self.slices.pop(), self.counts.pop()) {
            if let Some(before) = self.slices.last_mut() {
                before.merge(&last);
            }
            if let Some(before) = self.counts.last_mut() {
                before.resize(before.len().max(counts.len()), 0);
                before
                    .iter_mut()
                    .zip(counts)
                    .for_each(|(count, last)| *count += last);
            }
        }
    }

    /// As it is written down, over `slices` slices.
    pub fn written(&mut self, slices: usize, declared: Option<&LogicalType>) -> ColumnProfile {
        self.slices.resize_with(slices, Measured::default);
        self.counts.resize_with(slices, Vec::new);
        let (shapeless, motley) = (self.total.shapes.is_dead(), self.total.characters.is_dead());
        let written: Vec<Measures> = self
            .slices
            .iter_mut()
            .zip(&self.counts)
            .map(|(slice, counts)| {
                if shapeless {
                    slice.shapes.die();
                }
                if motley {
                    slice.characters.die();
                }
                let values = (!self.many).then(|| named(&self.table, counts));
                slice.written(values)
            })
            .collect();
        let all: Vec<u64> = self.table.values().map(|(_, _, count)| count).collect();
        let total = self
            .total
            .written((!self.many).then(|| named(&self.table, &all)));
        let (sketch, sample, distinct, singletons) = self.told_apart();
        ColumnProfile {
            path: self.path.clone(),
            declared: declared.map(LogicalType::name),
            total,
            slices: written,
            distinct,
            singletons: Some(singletons),
            sketch,
            sample,
            order: self.course.written(),
            conflicts: declared.map_or(0, |declared| self.conflicts(declared)),
            personal: Vec::new(),
            semantic: None,
        }
    }

    fn told_apart(&self) -> (String, String, u64, u64) {
        if self.many {
            // There are no more values than were met.
            let met = self.total.present - self.total.nulls;
            let distinct = self.sketch.estimate().min(met);
            let singletons = self.sample.singletons(distinct);
            return (
                self.sketch.written(),
                self.sample.written(),
                distinct,
                singletons,
            );
        }
        let mut sketch = Sketch::default();
        let (mut distinct, mut singletons) = (0, 0);
        for (_, hash, count) in self.table.values() {
            sketch.add(hash);
            distinct += u64::from(count > 0);
            singletons += u64::from(count == 1);
        }
        (sketch.written(), String::new(), distinct, singletons)
    }

    /// Values that the declared type does not take.
    fn conflicts(&self, declared: &LogicalType) -> u64 {
        let kinds = [
            JsonKind::Bool,
            JsonKind::Integer,
            JsonKind::Number,
            JsonKind::Text,
            JsonKind::Object,
            JsonKind::Array,
        ];
        let counted = kinds.iter().zip(self.total.types);
        let refused = counted.filter(|(kind, _)| !declared.accepts(**kind));
        let refused: u64 = refused.map(|(_, count)| count).sum();
        // `1.0` is an integer that is spelt as a number.
        let spelt = match declared.accepts(JsonKind::Integer) && !declared.accepts(JsonKind::Number)
        {
            true => self.total.numbers.whole() - self.total.types[INTEGER],
            false => 0,
        };
        refused - spelt
    }
}

fn measure(to: &mut Measured, value: Value<'_>, count: u64) {
    match value.kind {
        Kind::Boolean => {}
        Kind::Number => {
            if let Some(number) = number::read(value.text) {
                to.number(&number, count);
            }
        }
        Kind::Text => {
            to.text(&String::from_utf8_lossy(value.text), count);
        }
    }
}

fn named(table: &Table, counts: &[u64]) -> BTreeMap<String, u64> {
    let counted = table.values().zip(counts).filter(|(_, count)| **count > 0);
    counted
        .map(|((value, ..), count)| (value.json(), *count))
        .collect()
}

/// Joins every two neighbours; an odd one stays.
pub fn pairwise<T>(items: Vec<T>, join: impl Fn(&mut T, T)) -> Vec<T> {
    let mut joined: Vec<T> = Vec::with_capacity(items.len().div_ceil(2));
    for (at, item) in items.into_iter().enumerate() {
        match joined.last_mut() {
            Some(before) if at % 2 == 1 => join(before, item),
            _ => joined.push(item),
        }
    }
    joined
}
