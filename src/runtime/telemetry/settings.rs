//! Whom traces and metrics are sent to, by the names that OpenTelemetry's SDKs read.
//!
//! Nothing is sent unless an endpoint is named, or `OTEL_TRACES_EXPORTER` or `OTEL_METRICS_EXPORTER` is `otlp`. What is
//! particular to a signal comes before what holds for both.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::runtime::address::Address;
use crate::runtime::environment::Environment;
use crate::telemetry::Context;
use crate::telemetry::otlp::{Encoding, KeyValue, Resource};

/// Where a collector is looked for unless it is named.
const ENDPOINT: &str = "http://localhost:4318";

/// For one request.
const TIMEOUT_MS: u64 = 10_000;
const TIMEOUT_MS_MAX: u64 = 60_000;

/// Between two exports of metrics.
const INTERVAL_MS: u64 = 60_000;
const INTERVAL_MS_MIN: u64 = 100;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Settings {
    pub traces: Option<Target>,
    pub metrics: Option<Target>,
    pub interval: Duration,
    pub resource: Resource,
    pub parent: Option<Context>,
}

/// A collector, for one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub address: Address,
    pub headers: Headers,
    pub encoding: Encoding,
    pub gzip: bool,
    pub timeout: Duration,
}

/// Names and values; values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Headers(pub Vec<(String, String)>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// One of the two signals, as variables name it.
struct Signal {
    word: &'static str,
    path: &'static str,
}

const TRACES: Signal = Signal {
    word: "TRACES",
    path: "v1/traces",
};
const METRICS: Signal = Signal {
    word: "METRICS",
    path: "v1/metrics",
};

/// What the environment asks for, and notes about what is not done. `None` where it asks for nothing.
pub(super) fn read(environment: &Environment) -> (Option<Settings>, Vec<String>) {
    let mut notes = Vec::new();
    if environment.says("OTEL_SDK_DISABLED") {
        return (None, notes);
    }
    let parent = environment.text("TRACEPARENT");
    let parent = parent.and_then(|text| Context::parse(&text));
    let unwanted = parent.is_some_and(|parent| !parent.sampled);
    let traces = target(environment, &TRACES, &mut notes).filter(|_| !unwanted);
    let metrics = target(environment, &METRICS, &mut notes);
    notes.dedup();
    if traces.is_none() && metrics.is_none() {
        return (None, notes);
    }
    let interval = milliseconds(environment, "OTEL_METRIC_EXPORT_INTERVAL");
    let settings = Settings {
        traces,
        metrics,
        interval: Duration::from_millis(interval.unwrap_or(INTERVAL_MS).max(INTERVAL_MS_MIN)),
        resource: resource(environment),
        parent,
    };
    (Some(settings), notes)
}

fn target(environment: &Environment, signal: &Signal, notes: &mut Vec<String>) -> Option<Target> {
    let word = signal.word;
    let given = |name: &str| {
        let own = environment.text(&format!("OTEL_EXPORTER_OTLP_{word}_{name}"));
        own.or_else(|| environment.text(&format!("OTEL_EXPORTER_OTLP_{name}")))
    };
    let own = environment.text(&format!("OTEL_EXPORTER_OTLP_{word}_ENDPOINT"));
    let both = environment.text("OTEL_EXPORTER_OTLP_ENDPOINT");
    match environment
        .text(&format!("OTEL_{word}_EXPORTER"))
        .as_deref()
    {
        Some("none") => return None,
        Some("otlp") => {}
        Some(_) => {
            notes.push(format!(
                "telemetry: `OTEL_{word}_EXPORTER` is neither `otlp` nor `none`; nothing is sent"
            ));
            return None;
        }
        None if own.is_none() && both.is_none() => return None,
        None => {}
    }
    let encoding = match given("PROTOCOL").as_deref() {
        None | Some("http/protobuf") => Encoding::Protobuf,
        Some("http/json") => Encoding::Json,
        Some(_) => {
            notes.push(
                "telemetry: `OTEL_EXPORTER_OTLP_PROTOCOL` is neither `http/protobuf` nor `http/json`; nothing is sent"
                    .to_owned(),
            );
            return None;
        }
    };
    let address = match own {
        Some(own) => Address::parse(&own),
        None => Address::parse(both.as_deref().unwrap_or(ENDPOINT))
            .and_then(|address| address.below(signal.path)),
    };
    if address.is_none() {
        notes.push(
            "telemetry: the endpoint is no address; it looks like http://localhost:4318".to_owned(),
        );
    }
    let timeout = given("TIMEOUT").and_then(|text| text.parse().ok());
    Some(Target {
        address: address?,
        headers: Headers(pairs(&given("HEADERS").unwrap_or_default())),
        encoding,
        gzip: given("COMPRESSION").as_deref() == Some("gzip"),
        timeout: Duration::from_millis(timeout.unwrap_or(TIMEOUT_MS).clamp(1, TIMEOUT_MS_MAX)),
    })
}

fn resource(environment: &Environment) -> Resource {
    let mut all = pairs(
        &environment
            .text("OTEL_RESOURCE_ATTRIBUTES")
            .unwrap_or_default(),
    );
    if let Some(name) = environment.text("OTEL_SERVICE_NAME") {
        all.retain(|(key, _)| key != "service.name");
        all.push(("service.name".to_owned(), name));
    }
    for (key, value) in [
        ("service.name", "midflight"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ] {
        if !all.iter().any(|(known, _)| known == key) {
            all.push((key.to_owned(), value.to_owned()));
        }
    }
    Resource {
        attributes: all
            .into_iter()
            .map(|(key, value)| KeyValue::text(&key, value))
            .collect(),
    }
}

/// `name=value,name=value`, with what else they hold written as `%2C`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), value.into_owned()))
    });
    pairs.collect()
}

fn milliseconds(environment: &Environment, name: &str) -> Option<u64> {
    environment.text(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings<const N: usize>(pairs: [(&str, &str); N]) -> (Option<Settings>, Vec<String>) {
        read(&Environment::from(pairs))
    }

    #[test]
    fn both_signals_go_below_one_endpoint_unless_they_have_their_own() {
        let (settings, notes) = settings([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1/base/"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:2/x"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb, x = y"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "250"),
            ("OTEL_SERVICE_NAME", "sync"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=no,team=data"),
        ]);
        assert_eq!(notes, Vec::<String>::new());
        let settings = settings.expect("settings");
        let (traces, metrics) = (
            settings.traces.expect("traces"),
            settings.metrics.expect("metrics"),
        );
        assert_eq!(traces.address.url(), "https://c:1/base/v1/traces");
        assert_eq!(metrics.address.url(), "http://m:2/x");
        assert_eq!(
            (traces.encoding, metrics.encoding),
            (Encoding::Protobuf, Encoding::Json)
        );
        assert_eq!(
            traces.headers.0,
            [
                ("api-key".to_owned(), "a,b".to_owned()),
                ("x".to_owned(), "y".to_owned())
            ]
        );
        assert!(!format!("{traces:?}").contains("a,b"));
        assert!(traces.gzip);
        assert_eq!(traces.timeout, Duration::from_millis(1500));
        assert_eq!(settings.interval, Duration::from_millis(250));
        let told: Vec<_> = settings
            .resource
            .attributes
            .iter()
            .map(|pair| pair.key.as_str())
            .collect();
        assert_eq!(told, ["team", "service.name", "service.version"]);
    }

    #[test]
    fn nothing_is_sent_where_nobody_asks_or_it_cannot_be() {
        assert!(settings([]).0.is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c");
        assert!(
            settings([endpoint, ("OTEL_SDK_DISABLED", "true")])
                .0
                .is_none()
        );
        let (only, _) = settings([endpoint, ("OTEL_TRACES_EXPORTER", "none")]);
        assert!(only.is_some_and(|only| only.traces.is_none() && only.metrics.is_some()));
        let (asked, _) = settings([("OTEL_METRICS_EXPORTER", "otlp")]);
        let asked = asked.and_then(|asked| asked.metrics).expect("metrics");
        assert_eq!(asked.address.url(), "http://localhost:4318/v1/metrics");
        let (none, notes) = settings([endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert!(
            none.is_none() && notes.len() == 1 && notes[0].contains("http/protobuf"),
            "{notes:?}"
        );
        let (none, notes) = settings([("OTEL_EXPORTER_OTLP_ENDPOINT", "s3cret"), ("A", "")]);
        assert!(
            none.is_none() && notes.len() == 1 && !notes[0].contains("s3cret"),
            "{notes:?}"
        );
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let (left, _) = settings([endpoint, ("TRACEPARENT", unsampled)]);
        assert!(left.is_some_and(|left| left.traces.is_none() && left.metrics.is_some()));
    }
}
