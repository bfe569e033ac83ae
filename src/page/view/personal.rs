//! Personal data by column and kind, over all streams and in one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Known;
use super::streams::Order;
use crate::page::draw::length;
use crate::page::read::report::Stream;
use crate::page::words::{self, count};

/// What a `mask` stage counts, whatever it masks.
const MASKED: &str = "masked";
/// The most columns of a heat table that are kinds; the rest become one.
const KINDS_MAX: usize = 8;
/// The most places that are named behind a kind.
const PLACES_MAX: usize = 3;
/// Steps of a heat table, besides nothing.
const STEPS: f64 = 5.0;

/// Findings over all streams.
#[derive(Debug, Serialize)]
pub struct Personal {
    pub observe: bool,
    pub kinds: Vec<Kind>,
    /// Values that did not fit a stage or a type, by what was wrong.
    pub misfits: Vec<Kind>,
}

/// A kind of personal data and where it was.
#[derive(Debug, Serialize)]
pub struct Kind {
    pub name: String,
    pub count: String,
    pub number: u64,
    pub bar: f64,
    /// How many.
    pub columns: String,
    pub places: Vec<Place>,
    pub places_left: usize,
}

/// A column that holds a kind.
#[derive(Debug, Serialize)]
pub struct Place {
    pub stream: String,
    pub column: String,
    pub count: String,
    /// Where the stream stands on the page, if it does.
    pub to: Option<usize>,
}

/// Counts of findings.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Found by detection.
    pub personal: u64,
    /// Masked by name.
    pub masked: u64,
    /// Streams with either.
    pub streams: u64,
}

impl Found {
    /// Whether there is anything.
    pub fn any(self) -> bool {
        self.streams > 0
    }
}

/// Whether a finding is a kind of personal data: those are written in capitals, what else is counted is not.
pub fn is_personal(kind: &str) -> bool {
    kind.chars().next().is_some_and(char::is_uppercase)
}

/// Findings of streams.
pub fn sum<'a>(streams: impl Iterator<Item = &'a Stream>) -> Found {
    let mut found = Found::default();
    for stream in streams {
        let before = (found.personal, found.masked);
        for (kind, count) in stream.findings.values().flatten() {
            match kind.as_str() {
                MASKED => found.masked += count,
                kind if is_personal(kind) => found.personal += count,
                _ => {}
            }
        }
        found.streams += u64::from(before != (found.personal, found.masked));
    }
    found
}

/// A column as it is shown. What a search of all columns finds is counted under `*`.
fn column_name(column: &str) -> String {
    match column {
        "*" => "all columns searched".to_owned(),
        column => words::name(column),
    }
}

impl Personal {
    pub(super) fn of(known: &Known, order: &Order) -> Option<Self> {
        let mut kinds: BTreeMap<&str, Vec<Counted>> = BTreeMap::new();
        for (name, stream) in &known.report.streams {
            for (column, found) in &stream.findings {
                for (kind, count) in found.iter().filter(|(_, count)| **count > 0) {
                    kinds.entry(kind).or_default().push((name, column, *count));
                }
            }
        }
        let (personal, misfits): (Vec<_>, Vec<_>) = kinds
            .into_iter()
            .partition(|(kind, _)| is_personal(kind) || *kind == MASKED);
        if personal.is_empty() && misfits.is_empty() {
            return None;
        }
        Some(Self {
            observe: known.report.observe,
            kinds: told(personal, order),
            misfits: told(misfits, order),
        })
    }
}

/// Stream, column, and how often.
type Counted<'a> = (&'a str, &'a str, u64);

/// Kinds by their counts, each with the columns that have most of it.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn told(kinds: Vec<(&str, Vec<Counted>)>, order: &Order) -> Vec<Kind> {
    let total = |places: &[Counted]| places.iter().map(|(_, _, count)| count).sum::<u64>();
    let most = kinds
        .iter()
        .map(|(_, places)| total(places))
        .max()
        .unwrap_or(0);
    let mut told: Vec<Kind> = kinds
        .into_iter()
        .map(|(kind, mut places)| {
            let number = total(&places);
            places.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
            let shown = places
                .iter()
                .take(PLACES_MAX)
                .map(|(stream, column, number)| Place {
                    stream: words::name(stream),
                    column: column_name(column),
                    count: count(*number),
                    to: order.section_of(stream),
                });
            Kind {
                name: kind_name(kind),
                count: count(number),
                number,
                bar: length(number as f64, most as f64),
                columns: count(places.len() as u64),
                places: shown.collect(),
                places_left: places.len().saturating_sub(PLACES_MAX),
            }
        })
        .collect();
    told.sort_by(|a, b| b.number.cmp(&a.number).then_with(|| a.name.cmp(&b.name)));
    told
}

/// A kind as it is shown.
fn kind_name(kind: &str) -> String {
    match kind {
        MASKED => "masked by name".to_owned(),
        kind if is_personal(kind) => words::name(kind),
        kind => words::spoken(kind),
    }
}

/// Findings of one stream by column and kind.
#[derive(Debug, Serialize)]
pub struct Heat {
    pub kinds: Vec<String>,
    pub rows: Vec<HeatRow>,
    pub left_out: usize,
}

/// A column and how often it held each kind.
#[derive(Debug, Serialize)]
pub struct HeatRow {
    pub column: String,
    pub cells: Vec<Cell>,
    pub total: String,
    /// How the column was masked, where that is known.
    pub masks: Vec<String>,
}

/// A count and how much that is, from 0 to 5.
#[derive(Debug, Serialize)]
pub struct Cell {
    pub count: String,
    pub heat: u8,
}

impl Heat {
    /// The findings of a stream, columns with most first; `None` when there are none. `rows` bounds the columns.
    pub(super) fn of(known: &Known, name: &str, stream: &Stream, rows: usize) -> Option<Self> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (kind, count) in stream.findings.values().flatten() {
            *sums.entry(kind).or_default() += count;
        }
        sums.retain(|_, count| *count > 0);
        let mut kinds: Vec<(&str, u64)> = sums.into_iter().collect();
        kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let shown = if kinds.len() > KINDS_MAX {
            KINDS_MAX - 1
        } else {
            kinds.len()
        };
        let (shown, rest) = kinds.split_at(shown);
        let mut columns: Vec<_> = stream
            .findings
            .iter()
            .map(|(column, found)| (column, found, found.values().sum::<u64>()))
            .filter(|(_, _, total)| *total > 0)
            .collect();
        columns.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(b.0)));
        let counts = stream.findings.values().flat_map(BTreeMap::values);
        let counts = counts.copied().filter(|count| *count > 0);
        let scale = (counts.clone().min()?, counts.max()?);
        let left_out = columns.len().saturating_sub(rows);
        let row = |(column, found, total): &(&String, &BTreeMap<String, u64>, u64)| {
            let of = |kind: &str| found.get(kind).copied().unwrap_or(0);
            let mut cells: Vec<_> = shown
                .iter()
                .map(|(kind, _)| cell(of(kind), scale))
                .collect();
            if !rest.is_empty() {
                cells.push(cell(rest.iter().map(|(kind, _)| of(kind)).sum(), scale));
            }
            HeatRow {
                column: column_name(column),
                cells,
                total: count(*total),
                masks: known.masks(name, column),
            }
        };
        let mut names: Vec<_> = shown.iter().map(|(kind, _)| kind_name(kind)).collect();
        if !rest.is_empty() {
            names.push(format!("{} other kinds", rest.len()));
        }
        Some(Self {
            kinds: names,
            rows: columns.iter().take(rows).map(row).collect(),
            left_out,
        })
    }
}

/// A count among counts from the least to the most that are not nothing; steps are of equal ratios, as counts differ by
/// powers of ten.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "from 0 to 5"
)]
fn cell(number: u64, (least, most): (u64, u64)) -> Cell {
    let log = |number: u64| (number as f64).ln();
    let heat = match number {
        0 => 0.0,
        _ if most <= least => 3.0,
        _ => 1.0 + ((log(number) - log(least)) / (log(most) - log(least)) * (STEPS - 1.0)).round(),
    };
    Cell {
        count: if number == 0 {
            String::new()
        } else {
            count(number)
        },
        heat: heat.clamp(0.0, STEPS) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_rises_with_the_count() {
        let heat = |number, scale| cell(number, scale).heat;
        let all = [0, 1, 10, 100, 300].map(|number| heat(number, (1, 100)));
        assert_eq!(all, [0, 1, 3, 5, 5]);
        assert_eq!(heat(7, (7, 7)), 3);
        assert_eq!(cell(0, (1, 9)).count, "");
    }

    #[test]
    fn kinds_and_masks_are_told_apart_from_misfits() {
        let stream: Stream = serde_json::from_str(
            r#"{"read":1,"emitted":1,"filtered":0,"rejected":0,"findings":{"a":{"EMAIL":2,"type_mismatch":1},"b":{"masked":3},"c":{"undeclared":9}}}"#,
        )
        .expect("a stream");
        let found = Found {
            personal: 2,
            masked: 3,
            streams: 1,
        };
        assert_eq!(sum([&stream].into_iter()), found);
    }
}
