//! Shapes of drawings: places and sizes in the units of a view box. The template writes them as SVG.

mod bar;
mod chart;
mod line;

pub use bar::{Segment, length, stack};
pub use chart::{Chart, Measure, Point, draw};
pub use line::{Line, line};

/// A place or size with one digit: more cannot be seen.
fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}
