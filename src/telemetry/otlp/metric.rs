//! Metrics as messages.

use prost::{Message, Oneof};
use serde::Serialize;

use super::{KeyValue, Resource, Scope, as_text};
use crate::telemetry::family::{Family, Number, Shape};

/// Values since the beginning of the run, as opposed to those since the last time.
const CUMULATIVE: i32 = 2;

/// A body of `/v1/metrics`.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    #[prost(message, repeated, tag = "1")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Metric {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(string, tag = "3")]
    pub unit: String,
    #[prost(oneof = "Data", tags = "5, 7")]
    #[serde(flatten)]
    pub data: Option<Data>,
}

#[derive(Clone, PartialEq, Oneof, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Data {
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    #[prost(message, tag = "7")]
    Sum(Sum),
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gauge {
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<Point>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<Point>,
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    pub is_monotonic: bool,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    #[prost(fixed64, tag = "2")]
    #[serde(serialize_with = "as_text")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    #[serde(serialize_with = "as_text")]
    pub time_unix_nano: u64,
    #[prost(oneof = "Reached", tags = "4, 6")]
    #[serde(flatten)]
    pub value: Option<Reached>,
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Oneof, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reached {
    #[prost(double, tag = "4")]
    AsDouble(f64),
    #[prost(sfixed64, tag = "6")]
    #[serde(serialize_with = "as_text")]
    AsInt(i64),
}

impl Metrics {
    /// The body of families that a resource tells: values from `began_ns` to `at_ns`.
    pub fn of(resource: Resource, families: &[Family], began_ns: u64, at_ns: u64) -> Self {
        let told = families.iter().filter(|family| !family.samples.is_empty());
        let metrics = told.map(|family| metric(family, began_ns, at_ns)).collect();
        Self {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(Scope::own()),
                    metrics,
                }],
            }],
        }
    }
}

fn metric(family: &Family, began_ns: u64, at_ns: u64) -> Metric {
    let points = family.samples.iter().map(|sample| Point {
        start_time_unix_nano: began_ns,
        time_unix_nano: at_ns,
        value: Some(match sample.value {
            Number::Whole(count) => Reached::AsInt(i64::try_from(count).unwrap_or(i64::MAX)),
            Number::Real(value) => Reached::AsDouble(value),
        }),
        attributes: sample
            .labels
            .iter()
            .map(|(key, value)| KeyValue::text(key, value.clone()))
            .collect(),
    });
    let data_points = points.collect();
    let data = match family.shape {
        Shape::Counter => Data::Sum(Sum {
            data_points,
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        Shape::Gauge => Data::Gauge(Gauge { data_points }),
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        unit: family.unit.to_owned(),
        data: Some(data),
    }
}
