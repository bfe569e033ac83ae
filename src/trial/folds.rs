//! Rows in contiguous folds, in the order of the input, whose number is not known before its end.
//!
//! Folds have a power of two of rows each. When twice the asked number are full, neighbours become one, so that
//! between the asked number and twice as many remain, in bounded memory. How the rows arrived makes no difference.

use arrow::buffer::BooleanBuffer;

/// The fewest folds that may be asked for.
pub const FOLDS_MIN: usize = 2;
/// The most.
pub const FOLDS_MAX: usize = 50;

/// A stretch of rows and how many of them violate each rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fold {
    pub rows: u64,
    /// One count for each rule.
    pub violations: Vec<u64>,
}

impl Fold {
    fn join(&mut self, later: &Self) {
        self.rows += later.rows;
        for (count, more) in self.violations.iter_mut().zip(&later.violations) {
            *count += more;
        }
    }
}

/// Contiguous folds that grow with the input.
#[derive(Debug, Clone)]
pub struct Folds {
    rules: usize,
    least: usize,
    size: u64,
    /// All full but the last.
    folds: Vec<Fold>,
}

impl Folds {
    /// Folds for so many rules; `least` of them at the end, if there are as many rows.
    pub fn new(rules: usize, least: usize) -> Self {
        Self {
            rules,
            least: least.clamp(FOLDS_MIN, FOLDS_MAX),
            size: 1,
            folds: Vec::new(),
        }
    }

    /// Adds the next rows, with those that violate each rule; nothing for a rule that all of them pass.
    pub fn add(&mut self, rows: usize, violations: &[Option<&BooleanBuffer>]) {
        let mut done = 0;
        while done < rows {
            let count = {
                let size = self.size;
                let fold = self.open();
                let room = usize::try_from(size - fold.rows).unwrap_or(usize::MAX);
                let count = room.min(rows - done);
                fold.rows += count as u64;
                for (total, violated) in fold.violations.iter_mut().zip(violations) {
                    let here = violated.map_or(0, |rows| rows.slice(done, count).count_set_bits());
                    *total += here as u64;
                }
                count
            };
            done += count;
        }
    }

    /// The fold that the next row goes into.
    fn open(&mut self) -> &mut Fold {
        let full = self.folds.last().is_none_or(|fold| fold.rows == self.size);
        if full {
            if self.folds.len() == 2 * self.least {
                self.halve();
            }
            let violations = vec![0; self.rules];
            self.folds.push(Fold {
                rows: 0,
                violations,
            });
        }
        let last = self.folds.len() - 1;
        &mut self.folds[last]
    }

    fn halve(&mut self) {
        self.size *= 2;
        let folds = std::mem::take(&mut self.folds);
        for pair in folds.chunks(2) {
            let mut joined = pair[0].clone();
            pair.iter().skip(1).for_each(|later| joined.join(later));
            self.folds.push(joined);
        }
    }

    /// The folds in the order of the input. A last one that is less than half full belongs to the one before it.
    pub fn finish(mut self) -> Vec<Fold> {
        let short = (self.folds.last()).is_some_and(|fold| 2 * fold.rows < self.size);
        if short
            && self.folds.len() > self.least
            && let Some(last) = self.folds.pop()
            && let Some(before) = self.folds.last_mut()
        {
            before.join(&last);
        }
        self.folds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folds of rows 0.. of which every `n`th violates rule `n - 1`, added in batches of these sizes.
    fn folds(rows: usize, least: usize, batches: &[usize]) -> Vec<Fold> {
        let mut folds = Folds::new(3, least);
        let (mut from, mut batches) = (0, batches.iter().cycle());
        while from < rows {
            let count = batches.next().copied().unwrap_or(1).min(rows - from);
            let every = |n: usize| BooleanBuffer::collect_bool(count, |row| (from + row) % n == 0);
            let (two, three) = (every(2), every(3));
            folds.add(count, &[None, Some(&two), Some(&three)]);
            from += count;
        }
        folds.finish()
    }

    #[test]
    fn folds_are_contiguous_whatever_the_batches() {
        for rows in [0, 1, 4, 5, 10, 11, 100, 1_000, 4_097] {
            let whole = folds(rows, 5, &[rows.max(1)]);
            assert_eq!(whole, folds(rows, 5, &[1]));
            assert_eq!(whole, folds(rows, 5, &[7, 1, 30]));
            let total: u64 = whole.iter().map(|fold| fold.rows).sum();
            assert_eq!(total, rows as u64);
            let least = rows.min(5);
            assert!(
                (least..=10).contains(&whole.len()),
                "{rows}: {}",
                whole.len()
            );
            let (mut from, mut seen) = (0, 0);
            for fold in &whole {
                let to = from + fold.rows as usize;
                let twos = (from..to).filter(|row| row % 2 == 0).count() as u64;
                assert_eq!((fold.violations[0], fold.violations[1]), (0, twos));
                from = to;
                seen += fold.violations[2];
            }
            assert_eq!(seen, rows.div_ceil(3) as u64);
        }
    }

    #[test]
    fn no_fold_but_the_last_is_short() {
        for rows in 11..600 {
            let folds = folds(rows, 5, &[64]);
            let longest = folds.iter().map(|fold| fold.rows).max().unwrap_or(0);
            assert!(
                folds.iter().all(|fold| 4 * fold.rows >= longest),
                "{rows}: {folds:?}"
            );
        }
    }
}
