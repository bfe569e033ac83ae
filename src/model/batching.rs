//! Which windows run together: those of one length, so that nothing is padded, and no more tokens than a
//! core's cache holds well.

use std::ops::Range;

/// Tokens of one batch. Small batches of one length are the fastest on a CPU: about 16 windows of 12
/// tokens, one of 128.
pub const TOKENS_MAX: usize = 192;

/// Sorts `order`, indices into `lengths`, by length, and gives the ranges of it that run together.
/// `together` is false for models whose results depend on the rows beside them.
pub fn batches(order: &mut [usize], lengths: &[usize], together: bool) -> Vec<Range<usize>> {
    order.sort_by_key(|&at| lengths[at]);
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < order.len() {
        let length = lengths[order[start]];
        let room = match together {
            true => (TOKENS_MAX / length.max(1)).max(1),
            false => 1,
        };
        let same = order[start..]
            .iter()
            .take(room)
            .take_while(|&&at| lengths[at] == length)
            .count();
        ranges.push(start..start + same);
        start += same;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_windows_of_one_length_and_bounded_tokens() {
        let lengths = [5, 128, 5, 7, 128, 5, 0, 300];
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        let ranges = batches(&mut order, &lengths, true);
        let sizes: Vec<_> = ranges
            .iter()
            .map(|range| (lengths[order[range.start]], range.len()))
            .collect();
        assert_eq!(
            sizes,
            [(0, 1), (5, 3), (7, 1), (128, 1), (128, 1), (300, 1)]
        );
        let many = vec![6; 100];
        let mut order: Vec<usize> = (0..100).collect();
        let ranges = batches(&mut order, &many, true);
        assert!(ranges.iter().all(|range| range.len() * 6 <= TOKENS_MAX));
        assert_eq!(batches(&mut order, &many, false).len(), 100);
    }
}
