//! A line as large as a word: how a count went over the last runs.

use std::fmt::Write;

use serde::Serialize;

use super::rounded;

const WIDTH: f64 = 80.0;
const HEIGHT: f64 = 20.0;
const MARGIN: f64 = 2.5;

/// A line, from the earliest value on the left to the latest, which has a dot. Zero is at the bottom.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    pub points: String,
    pub x: f64,
    pub y: f64,
}

/// The line of these values; `None` of fewer than three.
#[expect(clippy::cast_precision_loss, reason = "places on a drawing")]
pub fn line(values: &[u64]) -> Option<Line> {
    if values.len() < 3 {
        return None;
    }
    let most = values.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = (WIDTH - 2.0 * MARGIN) / (values.len() - 1) as f64;
    let place = |(at, value): (usize, &u64)| {
        let height = *value as f64 / most * (HEIGHT - 2.0 * MARGIN);
        (
            rounded(MARGIN + at as f64 * step),
            rounded(HEIGHT - MARGIN - height),
        )
    };
    let places: Vec<_> = values.iter().enumerate().map(place).collect();
    let mut points = String::new();
    for (x, y) in &places {
        let space = if points.is_empty() { "" } else { " " };
        let _ = write!(points, "{space}{x},{y}");
    }
    let (x, y) = *places.last()?;
    Some(Line { points, x, y })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_at_the_bottom_and_the_most_at_the_top() {
        let drawn = line(&[0, 10, 5]).expect("a line");
        assert_eq!(drawn.points, "2.5,17.5 40,2.5 77.5,10");
        assert_eq!((drawn.x, drawn.y), (77.5, 10.0));
        assert_eq!(line(&[1, 2]), None);
        assert!(line(&[0, 0, 0]).is_some());
    }
}
