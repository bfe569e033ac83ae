//! One measure over the last runs: a column per run, from zero, with what is usual, unusual and failed marked.

use serde::Serialize;

use super::rounded;

/// The view box.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 150.0;
/// The plot inside it.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 318.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 122.0;
/// Columns are no wider, however few there are.
const COLUMN_MAX: f64 = 14.0;
/// Completed runs from which on others can be unusual.
const RUNS_MIN: usize = 8;
/// How many deviations from the median are unusual; and what part of the median at least.
const DEVIATIONS: f64 = 4.0;
const PART: f64 = 0.1;
/// How many times the square root of a count it changes by chance alone.
const CHANCE: f64 = 3.0;

/// A measure: its name, what its axis counts, and how its values are written.
#[derive(Clone, Copy)]
pub struct Measure {
    pub id: &'static str,
    pub title: &'static str,
    /// It counts things, of which there are no halves.
    pub whole: bool,
    pub write: fn(f64) -> String,
    /// How they are written beside the axis, in few characters.
    pub axis: fn(f64) -> String,
    /// What its axis is divided by into round numbers: 60 where values of this size are told in minutes.
    pub unit: fn(f64) -> f64,
}

/// The measure in one run.
#[derive(Debug, Clone)]
pub struct Point {
    /// `None` where the run has no such value.
    pub value: Option<f64>,
    pub failed: bool,
    /// When the run began.
    pub when: String,
}

/// A drawn measure.
#[derive(Debug, Clone, Serialize)]
pub struct Chart {
    pub id: &'static str,
    pub title: &'static str,
    /// The same as a sentence.
    pub says: String,
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub right: f64,
    pub bottom: f64,
    pub columns: Vec<Column>,
    pub ticks: Vec<Tick>,
    pub usual: Option<Tick>,
    pub latest: String,
}

/// One run of a chart.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    /// The middle, where marks stand.
    pub middle: f64,
    pub failed: bool,
    pub unusual: bool,
    pub latest: bool,
    pub says: String,
}

/// A line across a chart with its label.
#[derive(Debug, Clone, Serialize)]
pub struct Tick {
    pub y: f64,
    pub label: String,
}

/// Draws a measure; `None` where no run has a value.
#[expect(clippy::cast_precision_loss, reason = "places on a drawing")]
pub fn draw(measure: Measure, points: &[Point]) -> Option<Chart> {
    let write = measure.write;
    let values = points.iter().filter_map(|point| point.value);
    let most = values.clone().fold(0.0, f64::max);
    let latest = points.last()?.value;
    values.clone().next()?;
    let unit = (measure.unit)(most);
    let top = ceiling(most / unit) * unit;
    let height = |value: f64| {
        if top > 0.0 {
            value / top * (BOTTOM - TOP)
        } else {
            0.0
        }
    };
    let usual = median(
        points
            .iter()
            .filter(|point| !point.failed)
            .filter_map(|point| point.value)
            .collect(),
    );
    let unusual = unusual(points, measure.whole);
    let pitch = (RIGHT - LEFT) / points.len() as f64;
    let width = (pitch * 0.75).min(COLUMN_MAX);
    let columns: Vec<Column> = points
        .iter()
        .enumerate()
        .map(|(at, point)| {
            let middle = LEFT + pitch * (at as f64 + 0.5);
            let value = point.value.unwrap_or(0.0);
            let tall = if value > 0.0 {
                height(value).max(1.0)
            } else {
                0.0
            };
            Column {
                x: rounded(middle - width / 2.0),
                y: rounded(BOTTOM - tall),
                width: rounded(width),
                height: rounded(tall),
                middle: rounded(middle),
                failed: point.failed,
                unusual: unusual[at],
                latest: at + 1 == points.len(),
                says: says(point, unusual[at], write),
            }
        })
        .collect();
    let tick = |value: f64| Tick {
        y: rounded(BOTTOM - height(value)),
        label: (measure.axis)(value),
    };
    let halved = !measure.whole || (top / 2.0).fract() == 0.0;
    let ticks = match most > 0.0 {
        true if halved => vec![tick(0.0), tick(top / 2.0), tick(top)],
        true => vec![tick(0.0), tick(top)],
        false => vec![tick(0.0)],
    };
    let written = latest.map_or_else(|| "none".to_owned(), write);
    let failed = points.iter().filter(|point| point.failed).count();
    let odd = unusual.iter().filter(|odd| **odd).count();
    Some(Chart {
        id: measure.id,
        title: measure.title,
        says: format!(
            "{} over {} runs: latest {written}, median {}, highest {}; {failed} failed, {odd} unusual.",
            measure.title,
            points.len(),
            usual.map_or_else(|| "none".to_owned(), write),
            write(most),
        ),
        width: WIDTH,
        height: HEIGHT,
        left: LEFT,
        right: RIGHT,
        bottom: BOTTOM,
        columns,
        ticks,
        usual: usual
            .filter(|usual| *usual > 0.0 && points.len() >= 3)
            .map(|usual| Tick {
                label: write(usual),
                ..tick(usual)
            }),
        latest: written,
    })
}

fn says(point: &Point, unusual: bool, write: fn(f64) -> String) -> String {
    let mut text = point.when.clone();
    text.push_str(": ");
    text.push_str(&point.value.map_or_else(|| "no value".to_owned(), write));
    for (is, word) in [(point.failed, ", failed"), (unusual, ", unusual")] {
        text.push_str(if is { word } else { "" });
    }
    text
}

/// Which runs are far from what the others that completed are like. A run that failed is marked as such instead.
fn unusual(points: &[Point], counts: bool) -> Vec<bool> {
    let whole = points.iter().filter(|point| !point.failed);
    let values: Vec<f64> = whole.filter_map(|point| point.value).collect();
    if values.len() < RUNS_MIN {
        return vec![false; points.len()];
    }
    let middle = median(values.clone()).unwrap_or(0.0);
    let far = |value: f64| (value - middle).abs();
    // 1.4826 makes it the standard deviation where values are normal.
    let deviation =
        1.4826 * median(values.iter().map(|value| far(*value)).collect()).unwrap_or(0.0);
    let chance = if counts { CHANCE * middle.sqrt() } else { 0.0 };
    let limit = (DEVIATIONS * deviation).max(PART * middle).max(chance);
    let odd = |point: &Point| {
        !point.failed
            && point
                .value
                .is_some_and(|value| far(value) > limit && far(value) > 0.0)
    };
    points.iter().map(odd).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    match values.len() % 2 {
        0 => Some((upper + values[half - 1]) / 2.0),
        _ => Some(upper),
    }
}

/// The least of 1, 2, 4, 6, 8, 10 times a power of ten that is no less than the value: its half is a short number too.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    let step = steps
        .iter()
        .find(|step| **step * power >= value * 0.999_999);
    step.unwrap_or(&10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Measure = Measure {
        id: "rows",
        title: "Records",
        whole: true,
        write: |value| format!("{value}"),
        axis: |value| format!("{value}"),
        unit: |_| 1.0,
    };

    fn points(values: &[f64]) -> Vec<Point> {
        let one = |value: &f64| Point {
            value: Some(*value),
            failed: false,
            when: "now".to_owned(),
        };
        values.iter().map(one).collect()
    }

    #[test]
    fn columns_begin_at_zero_and_stay_inside() {
        let chart = draw(ROWS, &points(&[0.0, 50.0, 100.0])).expect("a chart");
        assert_eq!(chart.columns[0].height, 0.0);
        assert_eq!(chart.columns[2].height, 2.0 * chart.columns[1].height);
        assert_eq!(chart.columns[2].y, TOP);
        for column in &chart.columns {
            assert!(column.x >= LEFT && column.x + column.width <= RIGHT);
            assert_eq!(column.y + column.height, BOTTOM);
        }
        let labels: Vec<_> = chart.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0", "50", "100"]);
        assert_eq!(chart.usual.expect("a median").label, "50");
        assert!(draw(ROWS, &[]).is_none());
        assert!(
            draw(ROWS, &points(&[0.0, 0.0]))
                .expect("a chart")
                .ticks
                .len()
                == 1
        );
    }

    #[test]
    fn what_is_far_from_the_others_is_marked_once_there_are_enough() {
        let mut values = vec![100.0, 101.0, 99.0, 100.0, 102.0, 98.0, 100.0];
        values.push(10.0);
        let marked = |points: &[Point]| {
            let chart = draw(ROWS, points).expect("a chart");
            let odd = chart.columns.iter().map(|column| column.unusual);
            odd.collect::<Vec<_>>()
        };
        assert!(marked(&points(&values[..7])).iter().all(|odd| !odd));
        let mut all = points(&values);
        assert_eq!(
            marked(&all),
            [false, false, false, false, false, false, false, true]
        );
        all.extend(points(&[100.0]));
        all[7].failed = true;
        assert!(
            marked(&all).iter().all(|odd| !odd),
            "it failed, which is told"
        );
        assert!(marked(&points(&[0.0; 9])).iter().all(|odd| !odd));
        let few = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0];
        assert!(marked(&points(&few)).iter().all(|odd| !odd), "chance");
        assert!(
            !marked(&points(&[
                100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 105.0
            ]))[8]
        );
    }

    #[test]
    fn ceilings_are_short_numbers() {
        for (value, expected) in [
            (0.0, 0.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (0.033, 0.04),
            (5_400.0, 6_000.0),
            (99.0, 100.0),
        ] {
            assert!((ceiling(value) - expected).abs() < 1e-9, "{value}");
        }
    }
}
