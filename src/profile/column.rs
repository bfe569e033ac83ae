//! One column in one worker: what its values were in the chunks of a job.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::course::{Course, Key};
use super::distinct::Sketch;
use super::hash::hash;
use super::measured::{ARRAY, BOOLEAN, INTEGER, Measured, NUMBER, OBJECT, STRING};
use super::number::{self, Number};
use super::table::{Kind, Table, VALUE_BYTES_MAX, Value};
use super::text;

/// What the whole run knows of a column, for the workers: it spares them work and changes no result.
#[derive(Debug)]
pub struct Hints {
    /// There are too many values to keep them all; too many forms, too many characters.
    pub many: AtomicBool,
    pub shapeless: AtomicBool,
    pub motley: AtomicBool,
    /// Hashes above it are of no interest.
    pub limit: AtomicU64,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            many: AtomicBool::default(),
            shapeless: AtomicBool::default(),
            motley: AtomicBool::default(),
            limit: AtomicU64::new(u64::MAX),
        }
    }
}

/// Hashes that wait before those of no interest are taken out.
const HASHES_MAX: usize = 8_192;

/// What a value is for rows that are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    Number(f64),
    /// Seconds since 1970-01-01T00:00:00Z.
    Moment(f64),
    /// The hash of anything else.
    Text(u64),
}

/// Why a value cannot be counted: it is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// A column's values in a job.
#[derive(Debug, Default)]
pub struct Column {
    /// As [`crate::schema::path::Path`] is written.
    pub path: String,
    /// What of the primary key it is, by place.
    pub key_part: Option<u8>,
    /// Counts of all values; the rest of those alone that are not in the table.
    pub direct: Measured,
    pub table: Table,
    /// Values are no longer put into the table.
    pub many: bool,
    /// Of values that are not in the table.
    pub sketch: Option<Sketch>,
    /// Their hashes, as far as they may be of the sample.
    pub hashes: Vec<(u64, u64)>,
    pub course: Course,
    pub hints: OnceLock<Arc<Hints>>,
    /// It has been met in this job.
    pub met: bool,
    /// Values of this job are in the sketch.
    pub sketched: bool,
    /// Reads of the table's values, by number.
    keys: Vec<Option<Key>>,
    limit: u64,
}

impl Column {
    /// A column that was never met.
    pub fn new(path: String, key_part: Option<u8>) -> Self {
        Self {
            path,
            key_part,
            ..Self::default()
        }
    }

    /// Begins a job.
    pub fn begin(&mut self) {
        self.met = true;
        (self.many, self.limit) = (false, u64::MAX);
        let Some(hints) = self.hints.get() else {
            return;
        };
        self.many = hints.many.load(Ordering::Relaxed);
        if self.many {
            (self.table, self.keys) = (Table::default(), Vec::new());
        }
        self.limit = hints.limit.load(Ordering::Relaxed);
        if hints.shapeless.load(Ordering::Relaxed) {
            self.direct.shapes.die();
        }
        if hints.motley.load(Ordering::Relaxed) {
            self.direct.characters.die();
        }
    }

    /// Forgets the job that has ended. The sketch stays: it says the same however often it is told.
    pub fn clear(&mut self) {
        (self.met, self.sketched) = (false, false);
        self.direct.clear();
        self.table.clear();
        self.keys.clear();
        self.hashes.clear();
        self.course = Course::default();
    }

    /// Forgets the job that has ended, and gives its memory back.
    pub fn release(&mut self) {
        *self = Self {
            path: std::mem::take(&mut self.path),
            key_part: self.key_part,
            hints: std::mem::take(&mut self.hints),
            ..Self::default()
        };
    }

    /// Counts an object or array.
    #[inline]
    pub fn container(&mut self, object: bool) {
        self.direct.present += 1;
        self.direct.types[if object { OBJECT } else { ARRAY }] += 1;
    }

    /// Counts a null.
    #[inline]
    pub fn null(&mut self) {
        self.direct.present += 1;
        self.direct.nulls += 1;
    }

    /// Counts a string, given without quotes and escapes. Gives its hash.
    #[inline]
    pub fn text(&mut self, text: &str, now: i64) -> (Cell, u64) {
        self.direct.present += 1;
        self.direct.types[STRING] += 1;
        let value = Value {
            kind: Kind::Text,
            text: text.as_bytes(),
        };
        let hash = hash(Kind::Text as u8, value.text);
        if let Some(number) = self.listed(hash, value) {
            if number == self.keys.len() {
                self.keys.push(text::read(text).1.map(Key::Moment));
            }
            return (self.follow(number, hash, now), hash);
        }
        self.unlisted(hash);
        let cell = match self.direct.text(text, 1) {
            Some(moment) => {
                self.course.follow(Key::Moment(moment), now);
                Cell::Moment(super::measured::seconds(moment))
            }
            None => Cell::Text(hash),
        };
        (cell, hash)
    }

    /// Counts a number or a truth value, given as its text. Gives its hash.
    ///
    /// # Errors
    /// [`Broken`] when it is neither.
    #[inline]
    pub fn literal(&mut self, text: &[u8], now: i64) -> Result<(Cell, u64), Broken> {
        if text == b"true" || text == b"false" {
            return Ok(self.boolean(text));
        }
        let kind = Kind::Number;
        let value = Value { kind, text };
        let hash = hash(kind as u8, text);
        if let Some(number) = self.listed(hash, value) {
            if number == self.keys.len() {
                let Some(read) = number::read(text) else {
                    return Err(Broken);
                };
                self.keys.push(Some(key(&read)));
            }
            let pointed = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
            self.numbered(pointed);
            return Ok((self.follow(number, hash, now), hash));
        }
        let read = number::read(text).ok_or(Broken)?;
        self.numbered(read.pointed);
        self.unlisted(hash);
        self.direct.number(&read, 1);
        self.course.follow(key(&read), now);
        Ok((Cell::Number(read.value), hash))
    }

    #[inline]
    fn numbered(&mut self, pointed: bool) {
        self.direct.present += 1;
        self.direct.types[if pointed { NUMBER } else { INTEGER }] += 1;
    }

    fn boolean(&mut self, text: &[u8]) -> (Cell, u64) {
        self.direct.present += 1;
        self.direct.types[BOOLEAN] += 1;
        let kind = Kind::Boolean;
        let hash = hash(kind as u8, text);
        match self.listed(hash, Value { kind, text }) {
            Some(number) => {
                if number == self.keys.len() {
                    self.keys.push(None);
                }
            }
            None => self.unlisted(hash),
        }
        (Cell::Text(hash), hash)
    }

    /// Counts the value in the table, if it is there or finds a place.
    #[inline]
    fn listed(&mut self, hash: u64, value: Value<'_>) -> Option<usize> {
        if self.many {
            return None;
        }
        let number = match value.text.len() {
            ..=VALUE_BYTES_MAX => self.table.number(hash, value),
            _ => None,
        };
        match number {
            Some(number) => self.table.count(number, 1),
            None => self.many = true,
        }
        number
    }

    #[inline]
    fn follow(&mut self, number: usize, hash: u64, now: i64) -> Cell {
        let Some(Some(key)) = self.keys.get(number).copied() else {
            return Cell::Text(hash);
        };
        self.course.follow(key, now);
        match key {
            #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
            Key::Integer(number) => Cell::Number(number as f64),
            Key::Real(number) => Cell::Number(number),
            Key::Moment(moment) => Cell::Moment(super::measured::seconds(moment)),
        }
    }

    /// Tells a value apart that is in no table.
    #[inline]
    fn unlisted(&mut self, hash: u64) {
        self.sketched = true;
        self.sketch.get_or_insert_default().add(hash);
        if hash <= self.limit {
            self.hashes.push((hash, 1));
            if self.hashes.len() > HASHES_MAX {
                self.limit = settle(&mut self.hashes, self.limit);
            }
        }
    }
}

fn key(number: &Number) -> Key {
    number.integer.map_or(Key::Real(number.value), Key::Integer)
}

/// Takes out what cannot be of the sample. Gives the hash above which nothing can.
#[cold]
fn settle(hashes: &mut Vec<(u64, u64)>, limit: u64) -> u64 {
    let mut sample = super::distinct::Sample::of(super::whole::SAMPLE);
    sample.add(hashes.drain(..));
    hashes.extend_from_slice(sample.held());
    limit.min(sample.limit())
}
