//! What is told of a run, read by the standards' own libraries: OpenLineage's client, Prometheus's parser, and a
//! receiver of OTLP that is made of OpenTelemetry's own messages.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::venv::Venv;
use crate::support::case::Case;
use crate::support::root;
use crate::telling::lineage::{folder, pipe, records};
use crate::telling::metrics::Scraped;

fn python(what: &[&str]) -> Command {
    let mut command = Command::new(Venv::of("telling").python());
    command
        .arg(root().join("tests/python/telling.py"))
        .args(what);
    command.stderr(Stdio::inherit());
    command
}

/// Every sort of facet that we make, by runs that need it.
#[test]
fn the_client_for_python_takes_every_event() {
    let all = tempfile::NamedTempFile::new().expect("a file");
    let wanted = [
        "check/enforced",
        "check/monitor",
        "drift-run/evolve",
        "drift-run/hold",
        "embed/stream",
        "mask/",
        "detect/",
        "split/entity",
        "messages/namespaces",
    ];
    let mut runs = 0;
    for case in Case::all() {
        if !wanted.iter().any(|name| case.name.starts_with(name)) {
            continue;
        }
        let (copy, _) = case.run_in_copy(&["--workers", "1"]);
        if let Ok(events) = fs::read(copy.path().join("report/lineage.jsonl")) {
            all.as_file().write_all(&events).expect("written");
            runs += 1;
        }
    }
    let folder = folder();
    let parent = "airflow/shop.sync/01941f29-7c00-7000-8000-000000000001";
    let ended = pipe(folder.path())
        .env("OPENLINEAGE_PARENT_ID", parent)
        .env("OPENLINEAGE_ROOT_PARENT_ID", parent)
        .run(records());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let events = fs::read(folder.path().join("report/lineage.jsonl")).expect("events");
    all.as_file().write_all(&events).expect("written");
    let path = all.path().display().to_string();
    let output = python(&["lineage", &path]).output().expect("Python");
    assert!(output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(runs >= 20, "{runs} runs");
    assert_eq!(told["events"].as_array().map(Vec::len), Some(2 * runs + 2));
    let facets: Vec<_> = told["facets"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        facets,
        [
            "columnLineage 1-2-0",
            "dataQualityAssertions 1-1-0",
            "dataQualityMetrics 1-0-3",
            "errorMessage 1-0-1",
            "inputStatistics 1-0-0",
            "jobType 2-0-3",
            "lifecycleStateChange 1-0-1",
            "nominalTime 1-0-1",
            "outputStatistics 1-0-2",
            "parent 1-1-0",
            "processing_engine 1-1-1",
            "schema 1-2-0",
            "tags 1-0-0",
            "test 1-0-1"
        ]
    );
    // The two that the schema leaves room for.
    assert_eq!(
        told["unknown"],
        json!(["errorMessage.errorClass", "errorMessage.retry"])
    );
}

#[test]
fn prometheus_reads_the_counts_of_the_report() {
    let folder = folder();
    let mut run = Scraped::start(folder.path(), &["--metrics-linger", "60"]);
    run.feed(&records());
    run.close();
    let text = run.wait_for("midflight_run_status{status=\"succeeded\"} 1");
    assert!(run.child.wait().expect("an end").success());
    let mut parser = python(&["prometheus"]);
    let mut parser = parser
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    parser
        .stdin
        .take()
        .expect("a pipe")
        .write_all(text.as_bytes())
        .expect("written");
    let output = parser.wait_with_output().expect("an end");
    assert!(output.status.success());
    let samples: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let value = |name: &str| -> f64 {
        let of = samples.iter().filter(|sample| sample["name"] == name);
        of.map(|sample| sample["value"].as_f64().expect("a number"))
            .sum()
    };
    let report = fs::read(folder.path().join("report/report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    for count in ["read", "emitted", "filtered", "rejected"] {
        let told = report["records"][count].as_f64().expect("a count");
        assert!(
            (value(&format!("midflight_records_{count}_total")) - told).abs() < 0.5,
            "{count}"
        );
    }
    assert!(
        (value("midflight_bytes_read_total") - report["bytes"].as_f64().expect("bytes")).abs()
            < 0.5
    );
    let kinds = samples
        .iter()
        .filter(|sample| sample["name"] == "midflight_findings_total");
    assert!(
        kinds
            .clone()
            .any(|sample| sample["labels"] == json!({"stream": "crm.users", "kind": "EMAIL"}))
    );
    assert!(
        samples.iter().all(|sample| sample["type"] != "unknown"),
        "every metric has a type"
    );
}

#[test]
fn the_messages_of_opentelemetry_are_what_a_receiver_reads() {
    let mut receiver = python(&["receive"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut lines = BufReader::new(receiver.stdout.take().expect("a pipe")).lines();
    let port = lines.next().expect("a port").expect("text");
    for protocol in ["http/protobuf", "http/json"] {
        let folder = folder();
        let ended = pipe(folder.path())
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                &format!("http://127.0.0.1:{port}"),
            )
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
            .run(records());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.text().contains("telemetry:"), "{}", ended.text());
        let mut told = || -> Value {
            let line = lines.next().expect("a request").expect("text");
            serde_json::from_str(&line).expect("JSON")
        };
        let (metrics, traces) = (told(), told());
        assert_eq!(
            (&metrics["path"], &traces["path"]),
            (&json!("/v1/metrics"), &json!("/v1/traces"))
        );
        let spans = traces["body"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .expect("spans");
        let names: Vec<_> = spans
            .iter()
            .filter_map(|span| span["name"].as_str())
            .collect();
        assert_eq!(
            names[..2],
            ["midflight pipe", "stream crm.users"],
            "{protocol}"
        );
        assert_eq!(spans[1]["parentSpanId"], spans[0]["spanId"], "{protocol}");
        let all = metrics["body"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
            .as_array()
            .expect("metrics");
        let metric = |name: &str| {
            all.iter()
                .find(|metric| metric["name"] == name)
                .expect(name)
        };
        let read = &metric("midflight.records.read")["sum"];
        assert_eq!(read["dataPoints"][0]["asInt"], "3", "{protocol}");
        assert_eq!(
            read["aggregationTemporality"],
            "AGGREGATION_TEMPORALITY_CUMULATIVE"
        );
        assert_eq!(read["isMonotonic"], true);
        assert_eq!(
            read["dataPoints"][0]["attributes"],
            json!([{"key": "stream", "value": {"stringValue": "crm.users"}}])
        );
        let seconds = &metric("midflight.run.seconds")["gauge"]["dataPoints"][0]["asDouble"];
        assert!(
            seconds.as_f64().is_some_and(|seconds| seconds > 0.0),
            "{protocol}: {seconds}"
        );
    }
    receiver.kill().expect("an end");
    let _ = receiver.wait();
}
