//! The messages of OTLP, as protobuf and as JSON: what both signals share. Numbers of fields are `opentelemetry-proto`'s.

pub mod metric;
pub mod trace;

use prost::{Message, Oneof};
use serde::Serialize;
use serde::ser::Serializer;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// The type of a body.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// A message as a body.
    pub fn write(self, message: &(impl Message + Serialize)) -> Vec<u8> {
        match self {
            Self::Protobuf => message.encode_to_vec(),
            Self::Json => serde_json::to_vec(message).unwrap_or_default(),
        }
    }

    /// How many spans or points a collector says that it did not keep.
    pub fn refused(self, answer: &[u8]) -> u64 {
        let count = match self {
            Self::Protobuf => Answer::decode(answer)
                .ok()
                .and_then(|answer| answer.partial_success)
                .map_or(0, |partial| partial.rejected),
            Self::Json => refused_in_json(answer).unwrap_or(0),
        };
        u64::try_from(count).unwrap_or(0)
    }
}

/// In JSON a number of 64 bits may stand as text.
fn refused_in_json(answer: &[u8]) -> Option<i64> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let count = partial
        .get("rejectedSpans")
        .or_else(|| partial.get("rejectedDataPoints"))?;
    count.as_i64().or_else(|| count.as_str()?.parse().ok())
}

/// What a collector answers, for either signal.
#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
}

/// Who tells.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

/// By what it is told.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Scope {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub version: String,
}

impl Scope {
    /// This program.
    pub fn own() -> Self {
        Self {
            name: "midflight".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3, 4")]
    #[serde(flatten)]
    pub value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    #[prost(string, tag = "1")]
    StringValue(String),
    #[prost(int64, tag = "3")]
    #[serde(serialize_with = "as_text")]
    IntValue(i64),
    #[prost(double, tag = "4")]
    DoubleValue(f64),
}

impl KeyValue {
    pub fn text(key: &str, value: impl Into<String>) -> Self {
        Self::of(key, Value::StringValue(value.into()))
    }

    pub fn count(key: &str, value: u64) -> Self {
        Self::of(
            key,
            Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)),
        )
    }

    pub fn real(key: &str, value: f64) -> Self {
        Self::of(key, Value::DoubleValue(value))
    }

    fn of(key: &str, value: Value) -> Self {
        Self {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
        }
    }
}

/// Numbers of 64 bits are texts in JSON.
fn as_text<T: std::fmt::Display, S: Serializer>(number: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

/// Names of traces and spans are hexadecimal in JSON.
fn as_hex<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_did_not_keep_is_read() {
        assert_eq!(Encoding::Protobuf.refused(b""), 0);
        let answer = Answer {
            partial_success: Some(PartialSuccess { rejected: 7 }),
        };
        assert_eq!(Encoding::Protobuf.refused(&answer.encode_to_vec()), 7);
        assert_eq!(Encoding::Json.refused(b"{}"), 0);
        assert_eq!(
            Encoding::Json.refused(br#"{"partialSuccess":{"rejectedSpans":"3"}}"#),
            3
        );
        assert_eq!(
            Encoding::Json.refused(br#"{"partialSuccess":{"rejectedDataPoints":2}}"#),
            2
        );
    }
}
