//! Learning over chunks: what a chunk may know, and what it adds, in the order of the input.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::evidence::Seen;
use super::known::{Knowledge, Known, Place};
use super::shape::Shape;
use super::turns::Turns;

/// Chunks behind the newest one whose beginnings are remembered: more than can be in flight at once.
const CHUNKS_KEPT: u64 = 1024;

/// What one stage has learned of a stream. Shared by all workers.
#[derive(Debug)]
pub struct Learner {
    turns: Arc<Turns>,
    state: Mutex<State>,
    /// The chunk in which learning ended; chunks behind it need no turn.
    last: AtomicU64,
    /// Learning was ended before everything was decided.
    settled: AtomicBool,
    /// Values per clean column that were unlike its sample.
    strangers: Mutex<BTreeMap<usize, u64>>,
}

#[derive(Debug, Default)]
struct State {
    latest: Arc<Knowledge>,
    /// The chunk that taught it.
    chunk: u64,
    /// What was known when a chunk began: it may have to be taken through its stages again.
    beginnings: BTreeMap<u64, Arc<Knowledge>>,
}

/// What one chunk knows of its stream, and learns.
#[derive(Debug)]
pub struct Course<'a> {
    learner: &'a Learner,
    chunk: u64,
    knowledge: Arc<Knowledge>,
    learning: bool,
}

impl Learner {
    /// Learns in the order that `turns` keep.
    pub fn new(turns: Arc<Turns>) -> Self {
        Self {
            turns,
            state: Mutex::default(),
            last: AtomicU64::new(u64::MAX),
            settled: AtomicBool::new(false),
            strangers: Mutex::default(),
        }
    }

    /// Whether a chunk has to learn.
    pub fn is_learning(&self, chunk: u64) -> bool {
        !self.settled.load(Ordering::Acquire) && chunk <= self.last.load(Ordering::Acquire)
    }

    /// Ends learning for good: what is undecided stays so.
    pub fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// What a chunk may know. While there is something to learn, waits until all chunks before it have
    /// passed their turn on.
    pub fn course(&self, chunk: u64) -> Course<'_> {
        let course = |knowledge: Arc<Knowledge>| Course {
            learner: self,
            chunk,
            learning: !knowledge.is_settled() && !self.settled.load(Ordering::Acquire),
            knowledge,
        };
        if self.is_learning(chunk) {
            if let Some(beginning) = self.lock().beginnings.get(&chunk) {
                return course(Arc::clone(beginning));
            }
            self.turns.wait(chunk);
        }
        let mut state = self.lock();
        let beginning = Arc::clone(&state.latest);
        if !beginning.is_settled() && !self.settled.load(Ordering::Acquire) {
            state.beginnings.insert(chunk, Arc::clone(&beginning));
            let kept = chunk.saturating_sub(CHUNKS_KEPT);
            state.beginnings = state.beginnings.split_off(&kept);
        }
        course(beginning)
    }

    /// Forgets everything: another run begins.
    pub fn begin(&self) {
        *self.lock() = State::default();
        self.last.store(u64::MAX, Ordering::Release);
        self.settled.store(false, Ordering::Release);
        let strangers = &mut *self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        strangers.clear();
    }

    /// The columns as far as they are known, with the number of values that were unlike the sample.
    pub fn columns(&self) -> Vec<(Known, u64)> {
        let strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let columns = self.lock().latest.columns().to_vec();
        let count = |at: usize| strangers.get(&at).copied().unwrap_or(0);
        columns
            .into_iter()
            .enumerate()
            .map(|(at, known)| (known, count(at)))
            .collect()
    }

    /// Counts values that were unlike their column's sample.
    pub fn meet_strangers(&self, column: usize, count: u64) {
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *strangers.entry(column).or_default() += count;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Course<'_> {
    /// How many of the next `rows` rows are judged by what is known now.
    pub fn stretch(&self, rows: usize) -> usize {
        let stretch = self.knowledge.stretch().filter(|_| self.learning);
        stretch.map_or(rows, |stretch| {
            rows.min(usize::try_from(stretch).unwrap_or(rows))
        })
    }

    /// Whether values are still learned from.
    pub fn is_learning(&self) -> bool {
        self.learning && !self.knowledge.is_settled()
    }

    /// The number of a column, if something is known or learned of it.
    pub fn find(&mut self, place: &Arc<Place>) -> Option<usize> {
        match self.knowledge.find(&place.path) {
            None if self.is_learning() => Arc::make_mut(&mut self.knowledge).meet(place),
            found => found,
        }
    }

    /// A column.
    pub fn column(&self, column: usize) -> Option<&Known> {
        self.knowledge.column(column)
    }

    /// Adds a value to a column's sample.
    pub fn learn(&mut self, column: usize, text: &str, shape: Shape, seen: Seen) {
        if self.is_learning() {
            Arc::make_mut(&mut self.knowledge).learn(column, text, shape, seen);
        }
    }

    /// Rows have been judged.
    pub fn advance(&mut self, rows: usize) {
        if self.is_learning() {
            Arc::make_mut(&mut self.knowledge).advance(rows as u64);
        }
    }

    /// Hands what has been learned to the chunks behind this one.
    pub fn finish(self) {
        if !self.learning {
            return;
        }
        let mut state = self.learner.lock();
        // A chunk that is taken through its stages again, when later ones have learned, teaches nobody.
        if self.chunk < state.chunk {
            return;
        }
        state.chunk = self.chunk;
        state.latest = Arc::clone(&self.knowledge);
        drop(state);
        if self.knowledge.is_settled() {
            self.learner.last.fetch_min(self.chunk, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::Decision;
    use super::*;

    /// Reads `rows` of a chunk, all of kind 1; gives the verdicts by which they were judged.
    fn read(learner: &Learner, chunk: u64, rows: usize) -> Vec<Decision> {
        let place = Arc::new(Place {
            path: "a".into(),
            words: "a".into(),
            said: Arc::from([]),
            pinned: None,
        });
        let mut course = learner.course(chunk);
        let mut decisions = Vec::new();
        while decisions.len() < rows {
            let stretch = course.stretch(rows - decisions.len());
            for _ in 0..stretch {
                let column = course.find(&place).expect("room");
                decisions.push(course.column(column).expect("known").verdict.decision);
                let seen = Seen {
                    whole: Some((1, false)),
                    touched: true,
                };
                course.learn(column, "x", Shape::of("x"), seen);
            }
            course.advance(stretch);
        }
        course.finish();
        decisions
    }

    #[test]
    fn verdicts_do_not_depend_on_how_the_input_was_cut() {
        let whole = Learner::new(Arc::default());
        let expected = read(&whole, 0, 600);
        assert_eq!(
            expected
                .iter()
                .filter(|&&one| one == Decision::Undecided)
                .count(),
            16
        );
        assert!(!whole.is_learning(1));
        for size in [1, 3, 8, 100, 256, 257] {
            let turns = Arc::new(Turns::default());
            let learner = Learner::new(Arc::clone(&turns));
            let mut decisions = Vec::new();
            let mut chunk = 0;
            while decisions.len() < 600 {
                let rows = size.min(600 - decisions.len());
                let first = read(&learner, chunk, rows);
                // Taken through its stages again, a chunk is judged as the first time.
                assert_eq!(read(&learner, chunk, rows), first);
                decisions.extend(first);
                turns.of(chunk).pass();
                chunk += 1;
            }
            assert_eq!(decisions, expected, "{size}");
            assert_eq!(read(&learner, 0, size.min(600)), expected[..size.min(600)]);
        }
    }
}
