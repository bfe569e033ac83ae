//! What has been answered before: bounded, by a keyed hash of the question, so that a repeated value costs
//! no inference and no text is kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// Parts with a lock of their own.
const SHARDS: usize = 16;

/// Answers by question. When half of the room is full, the older half is forgotten.
#[derive(Debug)]
pub struct Memory<V> {
    shards: Vec<Mutex<Generations<V>>>,
    /// Two independent keys: 128 bits, so that no two questions are taken for one.
    keys: [RandomState; 2],
    room: usize,
}

#[derive(Debug)]
struct Generations<V> {
    young: HashMap<u128, V>,
    old: HashMap<u128, V>,
}

impl<V> Generations<V> {
    fn insert(&mut self, key: u128, answer: V, room: usize) {
        if self.young.len() >= room {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, answer);
    }
}

impl<V: Clone> Memory<V> {
    /// Room for `entries` answers; none are kept when it is 0.
    pub fn new(entries: usize) -> Self {
        let empty = || Generations {
            young: HashMap::new(),
            old: HashMap::new(),
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(empty())).collect(),
            keys: [RandomState::new(), RandomState::new()],
            room: entries / SHARDS / 2,
        }
    }

    /// The key of a question.
    pub fn key(&self, question: impl Hash) -> u128 {
        let [one, other] = &self.keys;
        u128::from(one.hash_one(&question)) << 64 | u128::from(other.hash_one(&question))
    }

    /// The answer given before.
    pub fn recall(&self, key: u128) -> Option<V> {
        let mut shard = self.shard(key);
        match shard.young.get(&key) {
            Some(answer) => Some(answer.clone()),
            None => shard
                .old
                .remove(&key)
                .inspect(|answer| shard.insert(key, answer.clone(), self.room)),
        }
    }

    /// Keeps an answer.
    pub fn keep(&self, key: u128, answer: V) {
        if self.room == 0 {
            return;
        }
        self.shard(key).insert(key, answer, self.room);
    }

    /// The answers to some questions: those that are not remembered are put to `ask`, each once, and kept.
    ///
    /// # Errors
    /// What `ask` says; `Internal` when it gives another number of answers.
    pub fn answer<Q: Hash + Copy>(
        &self,
        questions: &[Q],
        ask: impl FnOnce(&[Q]) -> Result<Vec<V>>,
    ) -> Result<Vec<V>> {
        let keys: Vec<u128> = questions
            .iter()
            .map(|question| self.key(question))
            .collect();
        let known: Vec<Option<V>> = keys.iter().map(|&key| self.recall(key)).collect();
        let mut places: HashMap<u128, usize> = HashMap::new();
        let mut unknown: Vec<Q> = Vec::new();
        for ((&key, &question), known) in keys.iter().zip(questions).zip(&known) {
            if known.is_none() && !places.contains_key(&key) {
                places.insert(key, unknown.len());
                unknown.push(question);
            }
        }
        let found = ask(&unknown)?;
        for (&key, &place) in &places {
            if let Some(answer) = found.get(place) {
                self.keep(key, answer.clone());
            }
        }
        let all = keys
            .iter()
            .zip(known)
            .map(|(key, known)| known.or_else(|| found.get(*places.get(key)?).cloned()));
        all.collect::<Option<_>>()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "fewer answers than questions"))
    }

    fn shard(&self, key: u128) -> std::sync::MutexGuard<'_, Generations<V>> {
        let shard = &self.shards[key as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_recalled_and_bounded() {
        let memory = Memory::new(320);
        for number in 0..10_000_u32 {
            memory.keep(memory.key(number), number);
        }
        let known = (0..10_000).filter(|&number| memory.recall(memory.key(number)).is_some());
        let known = known.count();
        assert!((100..=320).contains(&known), "{known}");
        assert_eq!(memory.recall(memory.key(9_999_u32)), Some(9_999));
        let none = Memory::new(0);
        none.keep(1, 1);
        assert_eq!(none.recall(1), None);
    }
}
