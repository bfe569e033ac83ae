//! Traces and metrics by OTLP: the bytes of the standard, the counts of the report.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use midflight::telemetry::otlp::metric::{Data, Metrics, Reached};
use midflight::telemetry::otlp::trace::{Span, Traces};
use midflight::telemetry::otlp::{AnyValue, KeyValue, Value as Any};
use prost::Message;
use serde_json::Value;

use super::lineage::{folder, pipe, records};
use crate::support::server::{Asked, Reply, Server};

fn collector(answer: Vec<u8>, wait: Duration) -> Server {
    Server::start(move |_, _: &Asked| {
        std::thread::sleep(wait);
        Reply {
            status: 200,
            body: answer.clone(),
            ..Reply::default()
        }
    })
}

fn of<'a>(asked: &'a [Asked], path: &str) -> Vec<&'a Asked> {
    let line = format!("POST {path} ");
    asked
        .iter()
        .filter(|one| one.head.starts_with(&line))
        .collect()
}

fn spans(bytes: &[u8]) -> Vec<Span> {
    let traces = Traces::decode(bytes).expect("a message");
    let scopes = traces
        .resource_spans
        .into_iter()
        .flat_map(|of| of.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<Any> {
    let found = attributes.iter().find(|pair| pair.key == key)?;
    let AnyValue { value } = found.value.clone()?;
    value
}

/// The value of a metric, added up.
fn sum(bytes: &[u8], name: &str) -> i64 {
    let metrics = Metrics::decode(bytes).expect("a message");
    let scopes = metrics
        .resource_metrics
        .iter()
        .flat_map(|of| &of.scope_metrics);
    let metric = scopes
        .flat_map(|scope| &scope.metrics)
        .find(|metric| metric.name == name);
    let Some(Data::Sum(sum)) = metric.and_then(|metric| metric.data.clone()) else {
        return 0;
    };
    let points = sum.data_points.iter().map(|point| match point.value {
        Some(Reached::AsInt(count)) => count,
        _ => panic!("{name} is a count"),
    });
    points.sum()
}

#[test]
fn spans_and_metrics_say_what_the_report_says() {
    let (server, folder) = (collector(Vec::new(), Duration::ZERO), folder());
    let ended = pipe(folder.path())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", server.root())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=Qx7Secret")
        .env("OTEL_SERVICE_NAME", "nightly")
        .env(
            "TRACEPARENT",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .run(records());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(!ended.text().contains("WARN"), "{}", ended.text());
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|one| {
        one.head.contains("x-key: Qx7Secret\r\n")
            && one
                .head
                .contains("content-type: application/x-protobuf\r\n")
    }));
    let traces = &of(&asked, "/v1/traces")[0].bytes;
    let read = Traces::decode(traces.as_slice()).expect("a message");
    let resource = read.resource_spans[0].resource.clone().expect("a resource");
    assert_eq!(
        attribute(&resource.attributes, "service.name"),
        Some(Any::StringValue("nightly".to_owned()))
    );
    let spans = spans(traces);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names[..2], ["midflight pipe", "stream crm.users"]);
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("stage "))
            .count(),
        8,
        "{names:?}"
    );
    assert_eq!(hex::encode(&spans[0].parent_span_id), "b7ad6b7169203331");
    for span in &spans {
        assert_eq!(
            hex::encode(&span.trace_id),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert!(
            span.start_time_unix_nano <= span.end_time_unix_nano,
            "{}",
            span.name
        );
        assert!(
            span.start_time_unix_nano >= spans[0].start_time_unix_nano,
            "{}",
            span.name
        );
        assert!(
            span.end_time_unix_nano <= spans[0].end_time_unix_nano,
            "{}",
            span.name
        );
    }
    let report = fs::read(folder.path().join("report/report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let metrics = &of(&asked, "/v1/metrics")[0].bytes;
    for count in ["read", "emitted", "filtered", "rejected"] {
        let told = report["records"][count].as_i64().expect("a count");
        assert_eq!(
            sum(metrics, &format!("midflight.records.{count}")),
            told,
            "{count}"
        );
        let of_span = attribute(&spans[0].attributes, &format!("midflight.records.{count}"));
        assert_eq!(of_span, Some(Any::IntValue(told)), "{count}");
    }
    assert_eq!(
        sum(metrics, "midflight.bytes.read"),
        report["bytes"].as_i64().expect("bytes")
    );
    assert_eq!(sum(metrics, "midflight.violations"), 2);
    for one in &asked {
        let text = String::from_utf8_lossy(&one.bytes).to_lowercase();
        assert!(!text.contains("qx7") && !text.contains("vole"));
    }
}

#[test]
fn json_and_gzip_are_spoken_too() {
    let (server, folder) = (collector(b"{}".to_vec(), Duration::ZERO), folder());
    let ended = pipe(folder.path())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", server.root())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        .run(records());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for one in &asked {
        assert!(
            one.head.contains("content-type: application/json\r\n"),
            "{}",
            one.head
        );
        assert!(
            one.head.contains("content-encoding: gzip\r\n"),
            "{}",
            one.head
        );
        let mut text = String::new();
        GzDecoder::new(one.bytes.as_slice())
            .read_to_string(&mut text)
            .expect("gzip");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert!(
            value
                .get("resourceSpans")
                .or(value.get("resourceMetrics"))
                .is_some(),
            "{text}"
        );
    }
}

#[test]
fn a_run_that_fails_is_an_error_of_its_span() {
    let (server, folder) = (collector(Vec::new(), Duration::ZERO), folder());
    let ended = pipe(folder.path())
        .env(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            &format!("{}/t", server.root()),
        )
        .run(format!("{}{{\"type\":\"RECORD\"", records()));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let asked = server.asked();
    let spans = spans(&of(&asked, "/t")[0].bytes);
    let status = spans[0].status.clone().expect("a status");
    assert_eq!(status.code, 2);
    assert!(status.message.contains("line 4"), "{}", status.message);
    assert_eq!(
        attribute(&spans[0].attributes, "error.type"),
        Some(Any::StringValue("protocol".to_owned()))
    );
}

/// Metrics come while a run goes on, and say how far it is.
#[test]
fn a_long_run_is_told_again_and_again() {
    let (server, folder) = (collector(Vec::new(), Duration::ZERO), folder());
    let program = pipe(folder.path())
        .env(
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            &format!("{}/m", server.root()),
        )
        .env("OTEL_METRIC_EXPORT_INTERVAL", "200");
    let mut command = program.command();
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(records().as_bytes()).expect("written");
    let begun = Instant::now();
    let mut asked = Vec::new();
    while !asked
        .iter()
        .any(|one: &Asked| sum(&one.bytes, "midflight.records.read") == 3)
    {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing came");
        std::thread::sleep(Duration::from_millis(50));
        asked.extend(server.asked());
    }
    drop(stdin);
    assert!(child.wait().expect("an end").success());
    assert!(!server.asked().is_empty(), "the end is told as well");
}

#[test]
fn a_collector_that_is_slow_down_or_choosy_is_a_note() {
    let folder = folder();
    let run = |url: &str| {
        let begun = Instant::now();
        let ended = pipe(folder.path())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
            .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Qx7Secret")
            .run(records());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{url}");
        assert!(
            begun.elapsed() < Duration::from_secs(25),
            "{url}: {:?}",
            begun.elapsed()
        );
        assert!(!ended.text().contains("Qx7Secret"), "{url}");
        let told: Vec<_> = ended
            .text()
            .lines()
            .filter(|line| line.contains("telemetry:"))
            .collect();
        told.join("\n")
    };
    let slow = collector(Vec::new(), Duration::from_secs(60));
    let told = run(slow.root());
    assert!(
        told.contains("within 10 seconds of the run's end"),
        "{told}"
    );
    let told = run("http://ann:Qx7Secret@127.0.0.1:9/?k=Qx7Secret");
    assert!(
        told.contains("the collector http://127.0.0.1:9") && told.contains("cannot be reached"),
        "{told}"
    );
    // partial_success { rejected: 5 }
    let choosy = collector(vec![0x0a, 0x02, 0x08, 0x05], Duration::ZERO);
    let told = run(choosy.root());
    assert!(told.contains("did not keep 5"), "{told}");
}
