//! Finds an object's declared keys: the next expected one first.

use std::collections::HashMap;

use crate::decode::head;

/// Keys that are compared one by one; more have an index.
const FEW: usize = 16;
/// Places behind the expected key that are looked at: absent columns are few and near.
const NEAR: usize = 4;

/// The declared keys of one object.
#[derive(Debug, Default)]
pub(super) struct Keys {
    entries: Vec<Entry>,
    /// Bit `n` is set when a key has a length of `n` modulo 64.
    lengths: u64,
    /// Place of every key; empty when there are few.
    places: HashMap<Box<[u8]>, usize>,
}

#[derive(Debug)]
struct Entry {
    key: Box<[u8]>,
    head: u64,
}

impl Entry {
    #[inline(always)]
    fn is(&self, key: &[u8], head: u64) -> bool {
        self.head == head
            && self.key.len() == key.len()
            && (key.len() <= 8 || self.key[8..] == key[8..])
    }
}

impl Keys {
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for key in keys {
            found.lengths |= 1 << (key.len() & 63);
            found.entries.push(Entry {
                key: key.as_bytes().into(),
                head: head(key.as_bytes(), 0, key.len()),
            });
        }
        if found.entries.len() > FEW {
            let places = found.entries.iter().map(|entry| entry.key.clone());
            found.places = places.zip(0..).collect();
        }
        found
    }

    /// The place of a key.
    pub(super) fn place_of(&self, key: &[u8]) -> Option<usize> {
        self.search(key, head(key, 0, key.len()), &mut 0)
    }

    /// The place of the key that stands in `bytes` from `start` to `end`; `guess` remembers where the next one
    /// is expected.
    #[inline(always)]
    pub(super) fn find(
        &self,
        bytes: &[u8],
        start: usize,
        end: usize,
        guess: &mut usize,
    ) -> Option<usize> {
        let key = &bytes[start..end];
        if self.lengths >> (key.len() & 63) & 1 == 0 {
            return None;
        }
        let head = head(bytes, start, key.len());
        if let Some(entry) = self.entries.get(*guess)
            && entry.is(key, head)
        {
            *guess += 1;
            return Some(*guess - 1);
        }
        self.search(key, head, guess)
    }

    fn search(&self, key: &[u8], head: u64, guess: &mut usize) -> Option<usize> {
        let is = |entry: &Entry| entry.is(key, head);
        let near = self.entries.get(*guess..).unwrap_or_default();
        let near = near.iter().take(NEAR).position(is).map(|at| *guess + at);
        let found = near.or_else(|| match self.places.is_empty() {
            true => self.entries.iter().position(is),
            false => self.places.get(key).copied(),
        })?;
        *guess = found + 1;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_order() {
        let names: Vec<String> = (0..40).map(|i| format!("a_long_key_{i}")).collect();
        for count in [0, 1, 5, FEW + 1, 40] {
            let keys = Keys::new(names[..count].iter().map(String::as_str));
            let mut guess = 0;
            for at in (0..40).chain((0..40).rev()).chain([7, 3, 39, 0]) {
                let name = names[at].as_bytes();
                let found = keys.find(name, 0, name.len(), &mut guess);
                assert_eq!(found, (at < count).then_some(at), "{at} of {count}");
            }
            assert_eq!(keys.find(b"x", 0, 1, &mut guess), None);
        }
    }
}
