//! What the runs before lead to expect of the next value, and how far from it is too far.
//!
//! A value is compared with a forecast: the run before (so that a slow growth is no news), unless the middle of the last
//! runs, the same weekday or the same hour of earlier days foretold the past clearly better. The bound is the largest
//! miss of that forecast in the past, on the same side, and three quarters of it more. No distribution is assumed: if
//! the present run is like the n before it, its miss is the largest of all with a probability of at most 1/(n+1), and of
//! 2/(n+1) where a single far miss was left out; the margin makes it rarer still. The first run of a stream, which
//! loads all there is, teaches nothing. What lay outside teaches nothing either, until it has lain there three times in
//! a row: then that is how it is now.

use super::Direction;
use super::metric::Metric;

/// A value on its metric's scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds since 1970.
    pub at: f64,
    pub value: f64,
}

/// Misses without which nothing is said.
const MISSES_MIN: usize = 10;

/// Misses without which a pattern of days is not believed.
const PATTERN_MISSES_MIN: usize = 14;

/// Runs that are looked back on.
const WINDOW: usize = 60;

/// How much better another forecast must be than a simpler one.
const CLEARLY: f64 = 0.8;

/// The part of misses that a forecast is measured by; those of two days in seven lie above it.
const MEASURED: f64 = 0.85;

/// How many times the largest miss is too far.
const MARGIN: f64 = 1.75;

/// The least distance on a scale that is too far.
const DISTANCE_MIN: f64 = 0.1;

/// A single miss so many times the next one is left out.
const ALONE: f64 = 3.0;

/// Unusual runs in a row after which they are the rule.
const IN_A_ROW: usize = 3;

const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;

/// Where a forecast comes from, the simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forecast {
    /// The run before.
    Before,
    /// The middle of the last five.
    Middle,
    /// The middle of the same hour of the last days.
    Hour,
    /// The middle of the same weekday of the last weeks.
    Weekday,
}

const FORECASTS: [Forecast; 4] = [
    Forecast::Before,
    Forecast::Middle,
    Forecast::Hour,
    Forecast::Weekday,
];

/// What was learned of one metric.
#[derive(Debug)]
pub struct Series {
    accepted: Vec<Point>,
    /// What each forecast missed each of them by, where it said something.
    misses: Vec<[Option<f64>; FORECASTS.len()]>,
    metric: Metric,
}

/// A value that lies outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub direction: Direction,
    pub low: f64,
    pub high: f64,
    pub expected: f64,
    pub forecast: Forecast,
    /// Misses that it was compared with.
    pub misses: usize,
}

impl Series {
    /// Learns from the runs before, the oldest first.
    pub fn learn(points: &[Point], metric: Metric) -> Self {
        let mut series = Self {
            accepted: Vec::new(),
            misses: Vec::new(),
            metric,
        };
        let mut outside: Vec<(Direction, Point)> = Vec::new();
        // The first run of a stream loads all there is.
        for point in points.iter().skip(1) {
            match series.judge(*point) {
                None => {
                    outside.clear();
                    series.accept(*point);
                }
                Some(verdict) => {
                    outside.retain(|(direction, _)| *direction == verdict.direction);
                    outside.push((verdict.direction, *point));
                    if outside.len() == IN_A_ROW {
                        outside
                            .drain(..)
                            .for_each(|(_, point)| series.accept(point));
                    }
                }
            }
        }
        series
    }

    fn accept(&mut self, point: Point) {
        let told = FORECASTS.map(|forecast| forecast.of(&self.accepted, point.at));
        let missed = told.map(|told| told.map(|expected| point.value - expected));
        self.accepted.push(point);
        self.misses.push(missed);
        // Weeks are looked back on beyond the window.
        if self.accepted.len() > 8 * WINDOW {
            self.accepted.drain(..4 * WINDOW);
            self.misses.drain(..4 * WINDOW);
        }
    }

    /// Whether a value lies outside; `None` when it does not, or too little is known.
    pub fn judge(&self, now: Point) -> Option<Verdict> {
        let (forecast, misses) = self.forecast()?;
        let expected = forecast.of(&self.accepted, now.at)?;
        let (up, down) = (largest(&misses, 1.0), largest(&misses, -1.0));
        let bound = |own: f64, other: f64| (own.max(other / 2.0) * MARGIN).max(DISTANCE_MIN);
        let (low, high) = (expected - bound(down, up), expected + bound(up, down));
        let direction = match now.value {
            value if value > high => Direction::Up,
            value if value < low => Direction::Down,
            _ => return None,
        };
        self.metric.matters(now.value, expected).then_some(Verdict {
            direction,
            low,
            high,
            expected,
            forecast,
            misses: misses.len(),
        })
    }

    /// The forecast that foretold the past best, and its misses.
    fn forecast(&self) -> Option<(Forecast, Vec<f64>)> {
        let mut best: Option<(Forecast, Vec<f64>, f64)> = None;
        let last = &self.misses[self.misses.len().saturating_sub(WINDOW)..];
        for (place, forecast) in FORECASTS.into_iter().enumerate() {
            let misses: Vec<f64> = last.iter().filter_map(|misses| misses[place]).collect();
            let least = match forecast {
                Forecast::Before | Forecast::Middle => MISSES_MIN,
                Forecast::Weekday | Forecast::Hour => PATTERN_MISSES_MIN,
            };
            if misses.len() < least {
                continue;
            }
            let spread = quantile(misses.iter().map(|miss| miss.abs()).collect(), MEASURED);
            if best
                .as_ref()
                .is_none_or(|(.., known)| spread < CLEARLY * known)
            {
                best = Some((forecast, misses, spread));
            }
        }
        best.map(|(forecast, misses, _)| (forecast, misses))
    }
}

impl Forecast {
    /// What it says of a value at a moment, from the values before; `None` where it says nothing.
    fn of(self, before: &[Point], at: f64) -> Option<f64> {
        match self {
            Self::Before => before.last().map(|point| point.value),
            Self::Middle => {
                let last = &before[before.len().checked_sub(5)?..];
                Some(middle(last.iter().map(|point| point.value).collect()))
            }
            Self::Weekday => recurring(before, at, 7.0 * DAY),
            // Where runs are a day apart, it would be the run before.
            Self::Hour if gap(before)? > DAY / 3.0 => None,
            Self::Hour => recurring(before, at, DAY),
        }
    }
}

/// The middle of the values one to four periods ago.
fn recurring(before: &[Point], at: f64, period: f64) -> Option<f64> {
    let near = (gap(before)? / 2.0).clamp(HOUR / 4.0, DAY / 2.0);
    let values: Vec<f64> = (1..=4)
        .filter_map(|count| {
            let wanted = at - f64::from(count) * period;
            let found = before.partition_point(|point| point.at < wanted);
            let around = &before[found.saturating_sub(1)..before.len().min(found + 1)];
            let distance = |point: &&Point| (point.at - wanted).abs();
            let nearest = around
                .iter()
                .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
            (distance(&nearest) <= near).then_some(nearest.value)
        })
        .collect();
    // The week before must be there: others alone may be long past.
    (!values.is_empty()).then(|| middle(values))
}

/// Seconds from run to run, in the middle.
fn gap(points: &[Point]) -> Option<f64> {
    let last = &points[points.len().saturating_sub(15)..];
    let gaps: Vec<f64> = last
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    (!gaps.is_empty()).then(|| middle(gaps))
}

/// The largest miss on one side, without a single one that stands far out; 0 when there is none.
fn largest(misses: &[f64], side: f64) -> f64 {
    let (mut first, mut second) = (0.0_f64, 0.0_f64);
    for miss in misses.iter().map(|miss| miss * side) {
        if miss > first {
            (first, second) = (miss, first);
        } else if miss > second {
            second = miss;
        }
    }
    let spread = quantile(misses.iter().map(|miss| miss.abs()).collect(), MEASURED);
    match first > ALONE * second.max(spread) {
        true => second,
        false => first,
    }
}

/// The value in the middle.
pub fn middle(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of all values lies; 0 when there are none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a short list"
)]
pub fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1) as f64) * part;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    match (values.get(low), values.get(high)) {
        (Some(low), Some(high)) => low + (high - low) * place.fract(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Daily values, in rows.
    fn daily(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
        let values = values.into_iter().enumerate();
        let point = |(day, rows): (usize, f64)| Point {
            at: day as f64 * DAY,
            value: Metric::Rows.scaled(rows),
        };
        values.map(point).collect()
    }

    fn judged(before: &[f64], next: f64) -> Option<(Direction, Forecast)> {
        let points = daily(before.iter().copied().chain([next]));
        let (now, before) = points.split_last().expect("a value");
        let verdict = Series::learn(before, Metric::Rows).judge(*now)?;
        Some((verdict.direction, verdict.forecast))
    }

    fn wavering(days: usize) -> Vec<f64> {
        (0..days)
            .map(|day| 1_000.0 + 40.0 * ((day * 7 % 5) as f64 - 2.0))
            .collect()
    }

    #[test]
    fn few_runs_say_nothing() {
        assert_eq!(judged(&wavering(9), 0.0), None);
        assert!(judged(&wavering(12), 0.0).is_some());
    }

    #[test]
    fn a_fall_and_a_rise_are_seen_and_usual_values_are_not() {
        let before = wavering(30);
        for (next, expected) in [
            (0.0, Some(Direction::Down)),
            (500.0, Some(Direction::Down)),
            (930.0, None),
            (1_090.0, None),
            (2_500.0, Some(Direction::Up)),
        ] {
            assert_eq!(
                judged(&before, next).map(|(way, _)| way),
                expected,
                "{next}"
            );
        }
    }

    #[test]
    fn a_first_load_does_not_hide_later_falls() {
        let mut before = wavering(30);
        before[0] = 900_000.0;
        assert_eq!(
            judged(&before, 300.0).map(|(way, _)| way),
            Some(Direction::Down)
        );
    }

    #[test]
    fn growth_is_no_news() {
        let before: Vec<f64> = (0..40).map(|day| 1_000.0 * 1.05_f64.powi(day)).collect();
        assert_eq!(judged(&before, 1_000.0 * 1.05_f64.powi(40)), None);
        assert!(judged(&before, 1_000.0).is_some());
    }

    #[test]
    fn weekends_are_learned() {
        let week = [1_000.0, 1_040.0, 980.0, 1_010.0, 990.0, 100.0, 120.0];
        let before: Vec<f64> = (0..42)
            .map(|day| week[day % 7] + (day / 7) as f64)
            .collect();
        // Day 42 is a Monday of that pattern.
        assert_eq!(judged(&before, 1_000.0), None);
        assert_eq!(
            judged(&before, 110.0),
            Some((Direction::Down, Forecast::Weekday))
        );
        let till_saturday = &before[..40];
        assert_eq!(judged(till_saturday, 105.0), None);
    }

    #[test]
    fn what_was_unusual_teaches_nothing_until_it_stays() {
        let mut before = wavering(30);
        before.push(9_000.0);
        // Back to what it was.
        assert_eq!(judged(&before, 1_000.0), None);
        before.extend([9_100.0, 8_900.0]);
        assert_eq!(judged(&before, 9_000.0), None);
    }

    #[test]
    fn hours_of_the_day_are_learned() {
        let hourly = |hour: usize| Point {
            at: hour as f64 * HOUR,
            value: Metric::Rows.scaled(match hour % 24 {
                8..20 => 1_000.0 + (hour % 7) as f64,
                _ => 10.0 + (hour % 3) as f64,
            }),
        };
        let before: Vec<Point> = (0..144).map(hourly).collect();
        let series = Series::learn(&before, Metric::Rows);
        assert_eq!(series.judge(hourly(152)), None);
        let mut quiet = hourly(154);
        quiet.value = Metric::Rows.scaled(20.0);
        let verdict = series.judge(quiet).expect("a fall");
        assert_eq!(verdict.forecast, Forecast::Hour);
    }
}
