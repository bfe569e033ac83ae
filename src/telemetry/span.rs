//! A run as spans: one for the run, one for each stream inside it, one for each stage inside those.
//!
//! A stage works between others, a little in every chunk, and on several workers at once. So its span begins where its
//! stream does and is as long as its work, but no longer than the stream; `midflight.stage.work_seconds` is exact.

use sha2::{Digest, Sha256};

use super::otlp::KeyValue;
use super::otlp::trace::{Span, Status};
use super::reading::{Outcome, Reading, StreamReading};

/// Of a kind that neither asks nor is asked.
const INTERNAL: i32 = 1;

const DONE: i32 = 1;
const ERROR: i32 = 2;

/// The most spans of a run.
const SPANS_MAX: usize = 5_000;

/// The trace that a run is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    /// Whether anybody wants the spans of this trace.
    pub sampled: bool,
}

impl Context {
    /// Reads a `traceparent` of W3C's Trace Context.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        // A later version may have more behind these; the first has not.
        let known =
            version.len() == 2 && version != "ff" && (version != "00" || parts.next().is_none());
        if !known || ![version, trace, span, flags].into_iter().all(lower) {
            return None;
        }
        let mut context = Self {
            trace: [0; 16],
            span: [0; 8],
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        };
        hex::decode_to_slice(trace, &mut context.trace).ok()?;
        hex::decode_to_slice(span, &mut context.span).ok()?;
        (context.trace != [0; 16] && context.span != [0; 8]).then_some(context)
    }
}

/// The spans of a run that is over, within the trace of `parent`, else in one of its own.
pub fn spans(reading: &Reading, parent: Option<Context>) -> Vec<Span> {
    let trace = parent.map_or_else(|| named(reading, "trace"), |parent| parent.trace.to_vec());
    let root = span_name(reading, "run");
    let mut spans = vec![Span {
        trace_id: trace.clone(),
        span_id: root.clone(),
        parent_span_id: parent
            .map(|parent| parent.span.to_vec())
            .unwrap_or_default(),
        name: format!("midflight {}", reading.command),
        kind: INTERNAL,
        start_time_unix_nano: reading.began_ns,
        end_time_unix_nano: reading.at_ns,
        attributes: about_run(reading),
        status: Some(match &reading.outcome {
            Outcome::Failed { message, .. } => Status {
                message: message.clone(),
                code: ERROR,
            },
            _ => Status {
                message: String::new(),
                code: DONE,
            },
        }),
    }];
    for stream in reading
        .streams
        .iter()
        .filter(|stream| stream.totals.read > 0)
    {
        let known = |at: u64, otherwise: u64| if at == 0 { otherwise } else { at };
        let first = known(stream.first_ns, reading.began_ns);
        let last = known(stream.last_ns, reading.at_ns).max(first);
        let id = span_name(reading, &format!("stream {}", stream.name));
        let inner = |id: Vec<u8>, parent: &[u8], name: String, end: u64, attributes| Span {
            trace_id: trace.clone(),
            span_id: id,
            parent_span_id: parent.to_vec(),
            name,
            kind: INTERNAL,
            start_time_unix_nano: first,
            end_time_unix_nano: end,
            attributes,
            status: None,
        };
        let name = format!("stream {}", stream.name);
        spans.push(inner(id.clone(), &root, name, last, about_stream(stream)));
        for (stage, seconds) in &stream.totals.stage_seconds {
            let end = first.saturating_add(nanoseconds(*seconds)).min(last);
            let attributes = vec![
                KeyValue::text("midflight.stream", &stream.name),
                KeyValue::text("midflight.stage", stage),
                KeyValue::real("midflight.stage.work_seconds", *seconds),
            ];
            let of = span_name(reading, &format!("stage {} {stage}", stream.name));
            spans.push(inner(of, &id, format!("stage {stage}"), end, attributes));
        }
        if spans.len() >= SPANS_MAX {
            break;
        }
    }
    spans.truncate(SPANS_MAX);
    spans
}

fn about_run(reading: &Reading) -> Vec<KeyValue> {
    let sum = |count: fn(&StreamReading) -> u64| reading.streams.iter().map(count).sum();
    let mut attributes = vec![
        KeyValue::text("midflight.run.id", &reading.run),
        KeyValue::text("midflight.command", reading.command),
        KeyValue::count("midflight.bytes", reading.bytes),
        KeyValue::count("midflight.records.read", sum(|of| of.totals.read)),
        KeyValue::count("midflight.records.emitted", sum(|of| of.totals.emitted)),
        KeyValue::count("midflight.records.filtered", sum(|of| of.totals.filtered)),
        KeyValue::count("midflight.records.rejected", sum(|of| of.totals.rejected)),
        KeyValue::count("midflight.states", reading.states.0),
    ];
    if let Outcome::Failed { class, .. } = &reading.outcome {
        attributes.push(KeyValue::text("error.type", *class));
    }
    attributes
}

fn about_stream(stream: &StreamReading) -> Vec<KeyValue> {
    let of = &stream.totals;
    // Kinds are written in capitals; masks without a search are counted beside them.
    let kinds = of.findings.values().flatten();
    let kinds =
        kinds.filter(|(kind, _)| kind.starts_with(|first: char| first.is_ascii_uppercase()));
    let findings = kinds.map(|(_, count)| count).sum();
    vec![
        KeyValue::text("midflight.stream", &stream.name),
        KeyValue::count("midflight.bytes", of.bytes),
        KeyValue::count("midflight.records.read", of.read),
        KeyValue::count("midflight.records.emitted", of.emitted),
        KeyValue::count("midflight.records.filtered", of.filtered),
        KeyValue::count("midflight.records.rejected", of.rejected),
        KeyValue::count("midflight.findings", findings),
        KeyValue::count("midflight.violations", of.violations.values().sum()),
    ]
}

/// 16 bytes that only this run has under this word.
fn named(reading: &Reading, word: &str) -> Vec<u8> {
    let digest = Sha256::digest(format!("midflight {} {word}", reading.run));
    digest[..16].to_vec()
}

fn span_name(reading: &Reading, word: &str) -> Vec<u8> {
    named(reading, word)[..8].to_vec()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion to an integer saturates"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::StreamTotals;
    use crate::telemetry::families;
    use crate::telemetry::otlp::metric::{Data, Metrics, Reached};
    use crate::telemetry::otlp::trace::Traces;
    use crate::telemetry::otlp::{Encoding, Resource};
    use prost::Message;

    fn reading() -> Reading {
        let mut totals = StreamTotals {
            read: 3,
            emitted: 2,
            filtered: 1,
            ..StreamTotals::default()
        };
        totals.stage_seconds.insert("01 mask email".to_owned(), 9.0);
        totals.violations.insert("r".to_owned(), 2);
        let kinds = [("EMAIL".to_owned(), 2)].into();
        totals.findings.insert("email".to_owned(), kinds);
        Reading {
            command: "pipe",
            run: "01941f29-7c00-7000-8000-000000000001".to_owned(),
            began_ns: 1_000_000_000,
            at_ns: 5_000_000_000,
            outcome: Outcome::Failed {
                class: "limit",
                message: "too many".to_owned(),
            },
            states: (4, 1),
            streams: vec![StreamReading {
                name: "users".to_owned(),
                first_ns: 2_000_000_000,
                last_ns: 4_000_000_000,
                totals,
            }],
            ..Reading::default()
        }
    }

    #[test]
    fn a_parent_is_read_as_it_is_written() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = Context::parse(text).expect("a parent");
        assert_eq!(
            hex::encode(context.trace),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert!(context.sampled);
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Context::parse(text), None, "{text}");
        }
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-x";
        assert_eq!(
            Context::parse(later).map(|context| context.sampled),
            Some(false)
        );
    }

    #[test]
    fn spans_lie_inside_each_other_and_survive_their_bytes() {
        let parent = Context::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let traces = Traces::of(Resource::default(), spans(&reading(), parent));
        let bytes = Encoding::Protobuf.write(&traces);
        let read = Traces::decode(bytes.as_slice()).expect("a message");
        assert_eq!(read, traces);
        let spans = &read.resource_spans[0].scope_spans[0].spans;
        let told: Vec<_> = spans
            .iter()
            .map(|span| {
                (
                    span.name.as_str(),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("midflight pipe", 1_000_000_000, 5_000_000_000),
                ("stream users", 2_000_000_000, 4_000_000_000),
                ("stage 01 mask email", 2_000_000_000, 4_000_000_000),
            ]
        );
        assert_eq!(hex::encode(&spans[0].parent_span_id), "b7ad6b7169203331");
        assert_eq!(spans[1].parent_span_id, spans[0].span_id);
        assert_eq!(spans[2].parent_span_id, spans[1].span_id);
        assert_eq!(
            spans[0].status.as_ref().map(|status| status.code),
            Some(ERROR)
        );
        let json: serde_json::Value =
            serde_json::from_slice(&Encoding::Json.write(&traces)).expect("JSON");
        let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span["endTimeUnixNano"], "5000000000");
        assert_eq!(span["attributes"][3]["value"]["intValue"], "3");
    }

    #[test]
    fn metrics_survive_their_bytes() {
        let reading = reading();
        let families = families(&reading);
        let metrics = Metrics::of(
            Resource::default(),
            &families,
            reading.began_ns,
            reading.at_ns,
        );
        let bytes = Encoding::Protobuf.write(&metrics);
        assert_eq!(
            Metrics::decode(bytes.as_slice()).expect("a message"),
            metrics
        );
        let told = &metrics.resource_metrics[0].scope_metrics[0].metrics;
        let found = told
            .iter()
            .find(|metric| metric.name == "midflight.findings")
            .expect("there");
        let Some(Data::Sum(sum)) = &found.data else {
            panic!("a sum");
        };
        assert_eq!(sum.data_points[0].value, Some(Reached::AsInt(2)));
        let json: serde_json::Value =
            serde_json::from_slice(&Encoding::Json.write(&metrics)).expect("JSON");
        let first = &json["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
        assert_eq!(first["gauge"]["dataPoints"][0]["asInt"], "1");
    }
}
