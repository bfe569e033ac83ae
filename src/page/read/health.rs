//! `health.json`: how well the streams are, and why a run failed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Result;

/// What is known of the health of a connection.
#[derive(Debug, Clone, Deserialize)]
pub struct Health {
    pub run: Option<String>,
    /// Stream, then from 0 to 1.
    #[serde(default)]
    pub freshness: BTreeMap<String, Option<f64>>,
    /// From 0 to 1.
    pub reliability: Option<f64>,
    #[serde(default)]
    pub anomalies: Vec<Anomaly>,
    pub failure: Option<Failure>,
}

/// A measure of a stream that is unlike its history.
#[derive(Debug, Clone, Deserialize)]
pub struct Anomaly {
    pub stream: Option<String>,
    #[serde(default)]
    pub metric: String,
    #[serde(default)]
    pub direction: String,
    pub value: Option<f64>,
    pub usual: Option<Usual>,
    #[serde(default)]
    pub severity: String,
    #[serde(default)]
    pub says: String,
}

/// What a measure has been like.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Usual {
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub median: Option<f64>,
}

/// Why a run failed, and what to do.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    pub class: Option<String>,
    pub origin: Option<String>,
    pub cause: Option<String>,
    pub next: Option<String>,
    pub confidence: Option<f64>,
}

impl Health {
    /// Reads `health.json`.
    ///
    /// # Errors
    /// `Input` when it is not one of this version.
    pub fn read(text: &str) -> Result<Self> {
        super::versioned("health.json", text)
    }
}
