//! Health: what is unlike its history, how fresh streams are, how reliable runs.

use serde::Serialize;

use super::Known;
use crate::page::draw::length;
use crate::page::words;

/// The most anomalies and streams that are told.
const ROWS_MAX: usize = 30;

/// Health as it was judged.
#[derive(Debug, Serialize)]
pub struct HealthView {
    pub reliability: Option<Score>,
    /// Streams, the stalest first.
    pub freshness: Vec<Score>,
    pub freshness_left: usize,
    pub anomalies: Vec<AnomalyRow>,
    pub anomalies_left: usize,
}

/// A score from 0 to 1.
#[derive(Debug, Serialize)]
pub struct Score {
    pub name: String,
    pub score: String,
    pub bar: f64,
    pub low: bool,
}

/// Something unusual.
#[derive(Debug, Serialize)]
pub struct AnomalyRow {
    pub stream: String,
    pub metric: String,
    pub direction: String,
    pub value: String,
    pub usual: String,
    pub severity: String,
    pub says: String,
}

impl HealthView {
    pub(super) fn of(known: &Known) -> Option<Self> {
        let health = known.health.as_ref()?;
        let mut fresh: Vec<_> = health
            .freshness
            .iter()
            .filter_map(|(name, score)| Some((name, (*score)?)))
            .collect();
        fresh.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(b.0)));
        let anomalies = health
            .anomalies
            .iter()
            .take(ROWS_MAX)
            .map(|anomaly| AnomalyRow {
                stream: anomaly
                    .stream
                    .as_deref()
                    .map_or_else(|| "the whole run".to_owned(), words::name),
                metric: words::spoken(&anomaly.metric),
                direction: words::spoken_or_nothing(&anomaly.direction),
                value: anomaly.value.map_or_else(|| "–".to_owned(), words::number),
                usual: anomaly.usual.map_or_else(
                    || "–".to_owned(),
                    |usual| range(usual.low, usual.high, usual.median),
                ),
                severity: words::spoken_or_nothing(&anomaly.severity),
                says: words::sentence(&anomaly.says),
            });
        Some(Self {
            reliability: health.reliability.map(|score| scored("reliability", score)),
            freshness: fresh
                .iter()
                .take(ROWS_MAX)
                .map(|(name, score)| scored(name, *score))
                .collect(),
            freshness_left: fresh.len().saturating_sub(ROWS_MAX),
            anomalies: anomalies.collect(),
            anomalies_left: health.anomalies.len().saturating_sub(ROWS_MAX),
        })
    }
}

fn scored(name: &str, score: f64) -> Score {
    Score {
        name: words::name(name),
        score: format!("{score:.2}"),
        bar: length(score, 1.0),
        low: score < 0.8,
    }
}

fn range(low: Option<f64>, high: Option<f64>, median: Option<f64>) -> String {
    let range = match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}", words::number(low), words::number(high)),
        (Some(low), None) => format!("at least {}", words::number(low)),
        (None, Some(high)) => format!("at most {}", words::number(high)),
        (None, None) => String::new(),
    };
    match (range.as_str(), median) {
        ("", Some(median)) => words::number(median),
        ("", None) => "–".to_owned(),
        _ => range,
    }
}
