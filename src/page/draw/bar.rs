//! Bars: parts of a whole side by side, and lengths from zero.

use serde::Serialize;

use super::rounded;

/// How wide a whole bar is.
const WIDTH: f64 = 1_000.0;
/// The least width of a part that is not nothing.
const LEAST: f64 = 6.0;

/// A part of a bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// What it is, as a class of the style sheet.
    pub class: &'static str,
    pub x: f64,
    pub width: f64,
}

/// Parts side by side, 1,000 wide together. Each that is not nothing can be seen, at the cost of the largest.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
pub fn stack(parts: &[(&'static str, u64)]) -> Vec<Segment> {
    let there = parts.iter().filter(|(_, count)| *count > 0);
    let whole: f64 = there.clone().map(|(_, count)| *count as f64).sum();
    let widths: Vec<f64> = there
        .clone()
        .map(|(_, count)| (*count as f64 / whole * WIDTH).max(LEAST))
        .collect();
    let too_much = widths.iter().sum::<f64>() - WIDTH;
    let largest = widths.iter().copied().fold(0.0, f64::max);
    let (mut x, mut taken) = (0.0, false);
    let mut segments = Vec::new();
    for ((class, _), width) in there.zip(&widths) {
        let gives = !taken && (*width - largest).abs() < f64::EPSILON;
        taken |= gives;
        let width = if gives { width - too_much } else { *width };
        segments.push(Segment {
            class,
            x: rounded(x),
            width: rounded(width),
        });
        x += width;
    }
    segments
}

/// The length of a bar that stands for `value` where `most` is 100.
pub fn length(value: f64, most: f64) -> f64 {
    if value <= 0.0 || most <= 0.0 || !value.is_finite() || !most.is_finite() {
        return 0.0;
    }
    rounded((value / most * 100.0).clamp(0.5, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_are_seen_and_the_whole_stays_whole() {
        let bar = stack(&[("a", 1_000_000), ("b", 0), ("c", 1), ("d", 2)]);
        let classes: Vec<_> = bar.iter().map(|part| part.class).collect();
        assert_eq!(classes, ["a", "c", "d"]);
        assert_eq!((bar[1].width, bar[2].width), (6.0, 6.0));
        assert!((bar[2].x + bar[2].width - 1_000.0).abs() < 0.2);
        let halves = stack(&[("a", 5), ("b", 5)]);
        assert_eq!((halves[0].width, halves[1].x), (500.0, 500.0));
        assert!(stack(&[("a", 0)]).is_empty());
    }

    #[test]
    fn lengths_begin_at_zero() {
        assert_eq!(length(0.0, 10.0), 0.0);
        assert_eq!(length(5.0, 10.0), 50.0);
        assert_eq!(length(0.001, 10.0), 0.5);
        assert_eq!(length(5.0, 0.0), 0.0);
        assert_eq!(length(f64::NAN, 1.0), 0.0);
    }
}
