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

/// Lengths below it are counted one by one.
const SHORT_MAX: usize = 512;

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
    /// Texts by their length, before they are added to `lengths`.
    short: Vec<u64>,
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
        let ascii = text.is_ascii();
        let length = match ascii {
            true => text.len(),
            false => text.chars().count(),
        };
        match length {
            0..SHORT_MAX => {
                if self.short.len() <= length {
                    self.short.resize(SHORT_MAX.min(length * 2 + 16), 0);
                }
                self.short[length] += times;
            }
            _ => self.lengths.add(length as f64, true, 0, times),
        }
        self.characters.add(text, ascii);
        self.shapes.add(text, ascii, times);
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
        let short = other.short.iter().enumerate();
        for (length, count) in short.filter(|(_, count)| **count > 0) {
            self.lengths.add(length as f64, true, 0, *count);
        }
        self.shapes.merge(&other.shapes);
        self.characters.merge(&other.characters);
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let sums = self.numbers.bytes() + self.moments.bytes() + self.lengths.bytes();
        size_of::<Self>() + sums + self.shapes.held.len() * 80
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        (self.present, self.nulls) = (0, 0);
        (self.types, self.reads) = ([0; 6], [0; 8]);
        self.numbers.clear();
        self.moments.clear();
        self.lengths.clear();
        self.short.clear();
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
    /// The form that was met last: most texts are of the form of the one before.
    last: usize,
    dead: bool,
}

impl Shapes {
    #[inline]
    fn add(&mut self, text: &str, ascii: bool, times: u64) {
        if self.dead {
            return;
        }
        match Shape::of(text, ascii) {
            Some(shape) => self.count(hash(0, shape.as_bytes()), shape.as_bytes(), times),
            None => self.die(),
        }
    }

    #[inline]
    fn count(&mut self, hash: u64, shape: &[u8], times: u64) {
        let is = |held: &(u64, Box<[u8]>, u64)| held.0 == hash && *held.1 == *shape;
        if !self.held.get(self.last).is_some_and(is) {
            self.last = self.held.iter().position(is).unwrap_or(self.held.len());
        }
        if let Some(held) = self.held.get_mut(self.last) {
            held.2 += times;
        } else if self.held.len() < SHAPES_MAX {
            self.held.push((hash, shape.into(), times));
        } else {
            self.die();
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
