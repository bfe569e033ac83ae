//! Numbers added up: exact counts, sum and ends, and logarithmic buckets for quantiles.
//!
//! Buckets are those of DDSketch (Masson, Rim, Lee 2019). Bucket `n` holds what lies above `G^(n-1-40000)` and up to
//! `G^(n-40000)`, where `G` is 1.01/0.99, so that its middle is within 1 % of everything in it; `-n` holds the same
//! below zero. Where a column spreads over more than 2,048 buckets of a sign, two neighbours become one,
//! as often as it takes: `coarse` says how often.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::exact::Exact;
use super::form::Numbers;

/// How far apart the ends of a bucket are.
const G: f64 = 1.01 / 0.99;
/// One over the logarithm of [`G`].
const PER_E: f64 = 49.998_333_288_886_78;
const OFFSET: i32 = 40_000;
/// No double has a greater one.
const BUCKET_MAX: i32 = 80_000;
/// Buckets that a window grows by.
const STEP: i32 = 64;
/// Buckets of a sign.
const SPAN_MAX: usize = 2_048;

/// The bucket of a number; 0 for zero.
#[inline]
pub fn bucket_of(value: f64) -> i32 {
    let size = value.abs();
    if size == 0.0 {
        return 0;
    }
    // Lengths, ages and quantities are small and whole, and a logarithm is dear.
    let small = size as usize;
    if small < SMALL_MAX && small as f64 == size {
        let bucket = small_buckets()[small];
        return if value < 0.0 { -bucket } else { bucket };
    }
    bucket_by_logarithm(value)
}

/// Whole numbers whose buckets are looked up.
const SMALL_MAX: usize = 1_024;

#[inline]
fn small_buckets() -> &'static [i32; SMALL_MAX] {
    static BUCKETS: OnceLock<[i32; SMALL_MAX]> = OnceLock::new();
    BUCKETS.get_or_init(|| std::array::from_fn(|small| bucket_by_logarithm(small as f64)))
}

#[inline]
fn bucket_by_logarithm(value: f64) -> i32 {
    let size = value.abs();
    let exact = size.ln() * PER_E;
    // Rounded up; `ceil` would be a call.
    let bucket = exact as i32 + i32::from(exact > f64::from(exact as i32)) + OFFSET;
    if value < 0.0 { -bucket } else { bucket }
}

/// The number that stands for a bucket.
pub fn middle_of(bucket: i32, coarse: u32) -> f64 {
    let size =
        |bucket: i64| G.powf((bucket * (1_i64 << coarse.min(20)) - i64::from(OFFSET)) as f64);
    let at = i64::from(bucket.abs());
    match bucket {
        0 => 0.0,
        _ => {
            let (low, high) = (size(at - 1), size(at));
            let middle = 2.0 * low * (high / (low + high));
            if bucket < 0 { -middle } else { middle }
        }
    }
}

/// The bucket that takes this one and its neighbour.
fn halved(bucket: i32) -> i32 {
    bucket.signum() * ((bucket.abs() + 1) / 2)
}

/// Numbers in sum. Two of them add up.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    plain: Plain,
    sum: Exact,
    above: Window,
    below: Window,
    coarse: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Plain {
    count: u64,
    min: f64,
    max: f64,
    whole: u64,
    zeros: u64,
    negative: u64,
    scale: u32,
}

/// Counts of neighbouring buckets.
#[derive(Debug, Clone, Default)]
struct Window {
    first: i32,
    counts: Vec<u64>,
}

impl Sum {
    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.plain.count == 0
    }

    /// How many have no fraction.
    pub fn whole(&self) -> u64 {
        self.plain.whole
    }

    /// Adds a number so many times.
    #[inline]
    pub fn add(&mut self, value: f64, whole: bool, scale: u32, times: u64) {
        self.plain.add(value, whole, scale, times);
        if value == 0.0 {
            self.plain.zeros += times;
            return;
        }
        self.sum.add(value, times);
        let bucket = bucket_of(value);
        if self.coarse == 0 && self.window(bucket).add(bucket.abs(), times) {
            return;
        }
        let mut bucket = bucket;
        (0..self.coarse).for_each(|_| bucket = halved(bucket));
        self.put(bucket, times);
    }

    /// Adds to a bucket of the present width, making buckets wider as often as it takes.
    fn put(&mut self, mut bucket: i32, times: u64) {
        while !self.window(bucket).add(bucket.abs(), times) {
            self.widen();
            bucket = halved(bucket);
        }
    }

    #[inline]
    fn window(&mut self, bucket: i32) -> &mut Window {
        if bucket < 0 {
            &mut self.below
        } else {
            &mut self.above
        }
    }

    fn widen(&mut self) {
        self.coarse += 1;
        for window in [&mut self.above, &mut self.below] {
            let held = std::mem::take(window);
            for (bucket, count) in held.buckets() {
                window.add(halved(bucket), count);
            }
        }
    }

    /// Adds what another has.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.plain.merge(&other.plain);
        self.sum.merge(&other.sum);
        while self.coarse < other.coarse {
            self.widen();
        }
        for (sign, window) in [(1, &other.above), (-1, &other.below)] {
            for (bucket, count) in window.buckets() {
                let mut bucket = bucket * sign;
                (other.coarse..self.coarse).for_each(|_| bucket = halved(bucket));
                self.put(bucket, count);
            }
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let buckets = self.above.counts.capacity() + self.below.counts.capacity();
        buckets * size_of::<u64>() + self.sum.bytes()
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        self.plain = Plain::default();
        self.sum.clear();
        self.coarse = 0;
        self.above.counts.clear();
        self.below.counts.clear();
    }

    /// As it is written down; `None` when nothing was added.
    pub fn written(&self) -> Option<Numbers> {
        let plain = &self.plain;
        let above = self.above.buckets();
        let below = self.below.buckets().map(|(bucket, count)| (-bucket, count));
        let buckets: BTreeMap<i32, u64> = above.chain(below).collect();
        (plain.count > 0).then(|| Numbers {
            count: plain.count,
            min: plain.min,
            max: plain.max,
            sum: self.sum.value(),
            whole: plain.whole,
            zeros: plain.zeros,
            negative: plain.negative,
            scale: plain.scale,
            coarse: self.coarse,
            buckets,
        })
    }

    /// As it was before it was written down.
    pub fn read(written: &Numbers) -> Self {
        let mut sum = Self {
            plain: Plain {
                count: written.count,
                min: written.min,
                max: written.max,
                whole: written.whole,
                zeros: written.zeros,
                negative: written.negative,
                scale: written.scale,
            },
            coarse: written.coarse.min(20),
            ..Self::default()
        };
        sum.sum.add(written.sum, 1);
        for (bucket, count) in &written.buckets {
            // No number has a greater bucket, and no sum is to take the time that one would.
            if *bucket != 0 && (-BUCKET_MAX..=BUCKET_MAX).contains(bucket) {
                sum.put(*bucket, *count);
            }
        }
        sum
    }
}

impl Plain {
    /// Adds a number; zeros are counted by the caller.
    #[inline]
    fn add(&mut self, value: f64, whole: bool, scale: u32, times: u64) {
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
        self.count += times;
        self.whole += times * u64::from(whole);
        self.negative += times * u64::from(value < 0.0);
        self.scale = self.scale.max(scale);
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.whole += other.whole;
        self.zeros += other.zeros;
        self.negative += other.negative;
        self.scale = self.scale.max(other.scale);
    }
}

impl Window {
    /// Counts a bucket; `false` when the window would become too wide.
    #[inline]
    fn add(&mut self, bucket: i32, times: u64) -> bool {
        let at = bucket.wrapping_sub(self.first) as usize;
        match self.counts.get_mut(at) {
            Some(count) => {
                *count += times;
                true
            }
            None => self.stretch(bucket, times),
        }
    }

    #[cold]
    fn stretch(&mut self, bucket: i32, times: u64) -> bool {
        // Whole steps: memory that grows bucket by bucket would be scattered.
        let (mut first, mut last) = (bucket & !(STEP - 1), bucket | (STEP - 1));
        if self.counts.is_empty() {
            self.first = first;
        } else {
            first = first.min(self.first);
            last = last.max(self.first + self.counts.len() as i32 - 1);
        }
        let span = (last - first + 1) as usize;
        if span > SPAN_MAX {
            return false;
        }
        let before = (self.first - first) as usize;
        self.counts.splice(..0, std::iter::repeat_n(0, before));
        self.counts.resize(span, 0);
        self.first = first;
        self.counts[(bucket - first) as usize] += times;
        true
    }

    fn buckets(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        let numbered = (self.first..).zip(self.counts.iter().copied());
        numbered.filter(|(_, count)| *count > 0)
    }
}

impl Numbers {
    /// The value below which this share of the numbers lies, within 1 % while [`Numbers::coarse`] is 0. Lies between
    /// the least and the greatest. `None` when there are no numbers, or their buckets were left out.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let counted = self.buckets.values().sum::<u64>() + self.zeros;
        if counted == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
        let rank = (share.clamp(0.0, 1.0) * (counted - 1) as f64).floor() as u64;
        let zeros = (self.zeros > 0).then_some((0, self.zeros));
        let below = self.buckets.range(..0).map(|(at, count)| (*at, *count));
        let above = self.buckets.range(1..).map(|(at, count)| (*at, *count));
        let mut before = 0;
        for (bucket, count) in below.chain(zeros).chain(above) {
            before += count;
            if before > rank {
                let middle = middle_of(bucket, self.coarse);
                let ends_left_out = self.min == 0.0 && self.max == 0.0;
                return Some(match ends_left_out {
                    true => middle,
                    false => middle.max(self.min).min(self.max),
                });
            }
        }
        None
    }

    /// How many lie above a limit, rather too many than too few: those of the limit's own bucket count, if any of all does.
    pub fn above(&self, limit: f64) -> u64 {
        if self.count == 0 || self.max <= limit {
            return 0;
        }
        let own = self.bucket(limit);
        let further = self
            .buckets
            .range(own..)
            .map(|(_, count)| count)
            .sum::<u64>();
        further + if limit < 0.0 { self.zeros } else { 0 }
    }

    /// How many lie below a limit, in the same way.
    pub fn below(&self, limit: f64) -> u64 {
        if self.count == 0 || self.min >= limit {
            return 0;
        }
        let own = self.bucket(limit);
        let further = self
            .buckets
            .range(..=own)
            .map(|(_, count)| count)
            .sum::<u64>();
        further + if limit > 0.0 { self.zeros } else { 0 }
    }

    fn bucket(&self, value: f64) -> i32 {
        (0..self.coarse).fold(bucket_of(value), |bucket, _| halved(bucket))
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_a_limit_is_counted_rather_too_high() {
        let mut sum = Sum::default();
        for value in [-5.0, -1.0, 0.0, 0.0, 1.0, 10.0, 100.0] {
            sum.add(value, true, 0, 1);
        }
        let numbers = sum.written().expect("numbers");
        for (limit, above, below) in [
            (100.0, 0, 7),
            (99.9, 1, 7),
            (9.0, 2, 5),
            (0.0, 3, 2),
            (-0.5, 5, 2),
            (-5.0, 7, 0),
            (-6.0, 7, 0),
        ] {
            assert!(
                numbers.above(limit) >= above && numbers.below(limit) >= below.min(6),
                "{limit}"
            );
        }
        assert_eq!((numbers.above(50.0), numbers.below(-3.0)), (1, 1));
        assert_eq!((numbers.above(100.0), numbers.below(-5.0)), (0, 0));
    }

    fn sum(values: &[f64]) -> Sum {
        let mut sum = Sum::default();
        values
            .iter()
            .for_each(|value| sum.add(*value, value.fract() == 0.0, 1, 1));
        sum
    }

    #[test]
    fn quantiles_are_within_one_percent_on_both_sides_of_zero() {
        let values: Vec<f64> = (-500..=1500).map(|n| f64::from(n) * 0.5).collect();
        let written = sum(&values).written().expect("numbers");
        assert_eq!(
            (written.count, written.zeros, written.negative),
            (2001, 1, 500)
        );
        assert_eq!(
            (written.min, written.max, written.sum),
            (-250.0, 750.0, 500_250.0)
        );
        for share in [0.0, 0.1, 0.25, 0.26, 0.5, 0.9, 1.0] {
            let exact = values[(share * 2000.0) as usize];
            let told = written.quantile(share).expect("a quantile");
            assert!(
                (told - exact).abs() <= 0.0101 * exact.abs(),
                "{share}: {told}, {exact}"
            );
        }
        assert_eq!(PER_E, 1.0 / G.ln());
    }

    #[test]
    fn sums_add_up_in_any_order_however_far_they_spread() {
        let values: Vec<f64> = (0..4000)
            .map(|n| 1.1_f64.powi(n % 700 - 350) * f64::from(1 - n % 3))
            .collect();
        let whole = sum(&values).written().expect("numbers");
        assert!(whole.coarse > 0, "wider than a window");
        for parts in [2, 7, 500] {
            let mut forward = Sum::default();
            let mut backward = Sum::default();
            for part in values.chunks(values.len() / parts) {
                forward.merge(&sum(part));
            }
            for part in values.chunks(values.len() / parts).rev() {
                backward.merge(&Sum::read(&sum(part).written().expect("numbers")));
            }
            for merged in [forward, backward] {
                let merged = merged.written().expect("numbers");
                assert_eq!(
                    (&merged.buckets, merged.coarse),
                    (&whole.buckets, whole.coarse)
                );
                assert_eq!(
                    (merged.count, merged.min, merged.max),
                    (whole.count, whole.min, whole.max)
                );
            }
        }
    }

    #[test]
    fn the_ends_of_doubles_have_buckets() {
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.0] {
            let bucket = bucket_of(value);
            assert!(bucket > 0 && bucket_of(-value) == -bucket, "{value}");
        }
    }
}
