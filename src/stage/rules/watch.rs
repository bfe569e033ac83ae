//! Rules that lose standing while a run goes on: one that fires far more often than its evidence allows is only
//! counted from some row on.
//!
//! Which row that is, is found in the order of the input and told here; a chunk that was judged without knowing is
//! judged again. So what becomes of a row does not depend on chunks or workers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The watched rules of a stream. Shared by all workers.
#[derive(Debug, Default)]
pub struct Watch {
    rules: Vec<Watched>,
    /// Where each rule was demoted.
    points: RwLock<Vec<Option<Point>>>,
    version: AtomicU64,
}

/// A rule that is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// Its place among the rules of the stream.
    pub rule: usize,
    pub id: String,
    pub fingerprint: String,
    /// The rate of violations that it must not surely exceed.
    pub bound: f64,
}

/// Where a rule was demoted: rows behind this one are only counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Place of the chunk among those of the run.
    pub chunk: u64,
    /// The row in the stream's batch of that chunk.
    pub row: usize,
    /// The message that leaves behind that row's line.
    pub message: Arc<str>,
}

/// What a chunk knows of demotions.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub version: u64,
    /// Per watched rule, the first row of the batch that it does not act on any more.
    from: Vec<Option<usize>>,
    /// Messages, with the rows behind which they leave.
    pub messages: Vec<(usize, Arc<str>)>,
}

impl Watch {
    /// Watches these rules.
    pub fn new(rules: Vec<Watched>) -> Self {
        let points = RwLock::new(vec![None; rules.len()]);
        Self {
            rules,
            points,
            version: AtomicU64::new(0),
        }
    }

    /// The watched rules.
    pub fn rules(&self) -> &[Watched] {
        &self.rules
    }

    /// Another run begins.
    pub fn begin(&self) {
        let mut points = self.points.write().unwrap_or_else(PoisonError::into_inner);
        points.iter_mut().for_each(|point| *point = None);
        self.version.store(0, Ordering::Release);
    }

    /// How many demotions there have been.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether a watched rule has been demoted.
    pub fn is_demoted(&self, watched: usize) -> bool {
        let points = self.points.read().unwrap_or_else(PoisonError::into_inner);
        points.get(watched).is_some_and(Option::is_some)
    }

    /// Demotes a watched rule. A rule is demoted once.
    pub fn demote(&self, watched: usize, at: Point) {
        let mut points = self.points.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(point @ None) = points.get_mut(watched) {
            *point = Some(at);
            self.version.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What holds in a chunk, as far as is known now.
    pub fn standing(&self, chunk: u64) -> Standing {
        let points = self.points.read().unwrap_or_else(PoisonError::into_inner);
        let mut messages = Vec::new();
        let from = points.iter().map(|point| {
            let point = point.as_ref().filter(|point| point.chunk <= chunk)?;
            if point.chunk < chunk {
                return Some(0);
            }
            messages.push((point.row, Arc::clone(&point.message)));
            Some(point.row + 1)
        });
        let from = from.collect();
        messages.sort_by_key(|(row, _)| *row);
        Standing {
            version: self.version(),
            from,
            messages,
        }
    }
}

impl Standing {
    /// Whether a watched rule is only counted in a row.
    pub fn is_demoted(&self, watched: usize, row: usize) -> bool {
        let from = self.from.get(watched).copied().flatten();
        from.is_some_and(|from| row >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demotion_holds_behind_its_row() {
        let rule = |rule| Watched {
            rule,
            id: "a".to_owned(),
            fingerprint: String::new(),
            bound: 0.1,
        };
        let watch = Watch::new(vec![rule(3), rule(5)]);
        let message: Arc<str> = Arc::from("demoted");
        watch.demote(
            1,
            Point {
                chunk: 4,
                row: 7,
                message: Arc::clone(&message),
            },
        );
        watch.demote(
            1,
            Point {
                chunk: 2,
                row: 0,
                message: Arc::clone(&message),
            },
        );
        assert_eq!(watch.version(), 1);
        let is = |chunk, watched, row| watch.standing(chunk).is_demoted(watched, row);
        assert!(!is(3, 1, 100) && !is(4, 1, 7) && is(4, 1, 8) && is(5, 1, 0));
        assert!(!is(5, 0, 0));
        assert_eq!(watch.standing(4).messages, [(7, message)]);
        assert!(watch.standing(5).messages.is_empty());
        watch.begin();
        assert!(!watch.is_demoted(1) && watch.version() == 0);
    }
}
