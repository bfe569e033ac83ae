//! Chunks learn one behind the other, in the order of the input, though any worker may hold any of them.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Whose turn it is to learn. A chunk's turn comes when all before it have passed theirs on.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Every chunk before this one has passed.
    next: u64,
    /// Chunks that passed though an earlier one has not: they had nothing to learn.
    early: BTreeSet<u64>,
}

/// A chunk's turn; passed on at the latest when it is dropped, so that a worker that fails holds nobody up.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    chunk: u64,
}

impl Turns {
    /// The turn of a chunk.
    pub fn of(&self, chunk: u64) -> Turn<'_> {
        Turn { turns: self, chunk }
    }

    /// Begins anew, at the first chunk.
    pub fn begin(&self) {
        *self.lock() = State::default();
    }

    /// Waits until every chunk before this one has passed.
    pub fn wait(&self, chunk: u64) {
        let mut state = self.lock();
        while state.next < chunk {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pass(&self, chunk: u64) {
        let mut state = self.lock();
        if chunk < state.next {
            return;
        }
        state.early.insert(chunk);
        let mut next = state.next;
        while state.early.remove(&next) {
            next += 1;
        }
        if next != state.next {
            state.next = next;
            drop(state);
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Lets the next chunk learn.
    pub fn pass(self) {}
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.pass(self.chunk);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn turns_come_in_order_and_are_passed_on_by_those_who_fail() {
        let (turns, next, learned) = (Turns::default(), AtomicU64::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let chunk = next.fetch_add(1, Ordering::SeqCst);
                        if chunk >= 400 {
                            return;
                        }
                        let turn = turns.of(chunk);
                        if chunk.is_multiple_of(3) {
                            turn.pass();
                        } else {
                            turns.wait(chunk);
                            learned.lock().expect("no panic").push(chunk);
                        }
                    }
                });
            }
        });
        let expected: Vec<u64> = (0..400).filter(|chunk| chunk % 3 != 0).collect();
        assert_eq!(learned.into_inner().expect("no panic"), expected);
        turns.of(7).pass();
        turns.wait(400);
    }
}
