//! What is measured over a stretch of a column's values. Two of them add up, in any order.

use std::collections::BTreeMap;

use super::form::Measures;
use super::hash::hash;
use super::number::Number;
use super::sum::Sum;
use super::text::{self, Characters, READS, Shape};

/// The names of JSON types, in the order of their counts.
pub const TYPES: [&str; 6] = ["boolean", "integer", "number", "string", "object", "array"];
pub const BOOLEAN: usize = 0;
pub const INTEGER: usize = 1;
pub const NUMBER: usize = 2;
pub const STRING: usize = 3;
pub const OBJECT: usize = 4;
pub const ARRAY: usize = 5;

/// Forms that are kept.
const SHAPES_MAX: usize = 64;

/// Counts over values.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub present: u64,
    pub nulls: u64,
    pub types: [u64; 6],
    reads: [u64; 8],
    pub numbers: Sum,
    pub moments: Sum,
    pub lengths: Sum,
    pub shapes: Shapes,
    pub characters: Characters,
}

impl Measured {
    /// Adds a number's value so many times.
    #[inline]
    pub fn number(&mut self, number: &Number, times: u64) {
        self.numbers
            .add(number.value, number.is_whole(), number.scale, times);
    }

    /// Adds a text so many times. Gives the moment that it names, in microseconds.
    #[inline]
    pub fn text(&mut self, text: &str, times: u64) -> Option<i64> {
        let (reads, moment) = text::read(text);
        if let Some(reads) = reads {
            self.reads[reads as usize] += times;
        }
        if let Some(moment) = moment {
            self.moments
                .add(seconds(moment), moment % 1_000_000 == 0, 0, times);
        }
        let length = text.chars().count();
        #[expect(clippy::cast_precision_loss, reason = "a line is no longer than 2^53")]
        self.lengths.add(length as f64, true, 0, times);
        self.characters.add(text);
        self.shapes.add(text, times);
        moment
    }

    /// Adds what another has.
    pub fn merge(&mut self, other: &Self) {
        self.present += other.present;
        self.nulls += other.nulls;
        add(&mut self.types, &other.types);
        add(&mut self.reads, &other.reads);
        self.numbers.merge(&other.numbers);
        self.moments.merge(&other.moments);
        self.lengths.merge(&other.lengths);
        self.shapes.merge(&other.shapes);
        self.characters.merge(&other.characters);
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        (self.present, self.nulls) = (0, 0);
        (self.types, self.reads) = ([0; 6], [0; 8]);
        self.numbers.clear();
        self.moments.clear();
        self.lengths.clear();
        self.shapes.clear();
        self.characters.clear();
    }

    /// As it is written down; `values` are counted elsewhere.
    pub fn written(&self, values: Option<BTreeMap<String, u64>>) -> Measures {
        Measures {
            present: self.present,
            nulls: self.nulls,
            types: named(&TYPES, &self.types),
            reads_as: named(&READS, &self.reads),
            numbers: self.numbers.written(),
            moments: self.moments.written(),
            lengths: self.lengths.written(),
            shapes: self.shapes.written(),
            characters: self.characters.written(),
            values,
        }
    }
}

/// Microseconds as seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds beyond 2^53 are rounded"
)]
pub fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

fn add(counts: &mut [u64], others: &[u64]) {
    counts
        .iter_mut()
        .zip(others)
        .for_each(|(count, other)| *count += other);
}

fn named(names: &[&str], counts: &[u64]) -> BTreeMap<String, u64> {
    let pairs = names.iter().zip(counts).filter(|(_, count)| **count > 0);
    pairs
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

/// The forms of texts and how often; nothing once there are too many, or one is too long.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    held: Vec<(u64, Box<[u8]>, u64)>,
    dead: bool,
}

impl Shapes {
    #[inline]
    fn add(&mut self, text: &str, times: u64) {
        if self.dead {
            return;
        }
        match Shape::of(text) {
            Some(shape) => self.count(hash(0, shape.as_bytes()), shape.as_bytes(), times),
            None => self.die(),
        }
    }

    #[inline]
    fn count(&mut self, hash: u64, shape: &[u8], times: u64) {
        let known = self
            .held
            .iter()
            .position(|held| held.0 == hash && *held.1 == *shape);
        match known {
            Some(at) => self.held[at].2 += times,
            None if self.held.len() >= SHAPES_MAX => self.die(),
            None => self.held.push((hash, shape.into(), times)),
        }
    }

    fn merge(&mut self, other: &Self) {
        if other.dead {
            self.die();
        }
        for (hash, shape, times) in &other.held {
            if !self.dead {
                self.count(*hash, shape, *times);
            }
        }
    }

    /// Keeps nothing from now on.
    pub fn die(&mut self) {
        self.held = Vec::new();
        self.dead = true;
    }

    /// Whether there are too many.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    fn clear(&mut self) {
        self.held.clear();
        self.dead = false;
    }

    fn written(&self) -> Option<BTreeMap<String, u64>> {
        let held = self.held.iter();
        let written =
            held.map(|(_, shape, count)| (String::from_utf8_lossy(shape).into_owned(), *count));
        (!self.dead).then(|| written.collect())
    }
}
