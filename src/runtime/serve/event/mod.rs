//! Events of every sender, reduced to the objects they speak of. Pure: bytes and two headers in, objects out.
//!
//! Senders wrap each other (SNS in SQS, a CloudEvent in a batch), so reading is recursive. It takes the fields it
//! needs and leaves the rest alone: no two implementations of a bucket agree about the others.

mod aws;
mod azure;
mod google;

use serde_json::Value;

use super::Staged;
use crate::error::{Error, ErrorKind, Result};

pub use aws::{Message, messages};

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Objects are new.
    Objects(Vec<Staged>),
    /// Nothing is to be done, for this reason: a test event, a deletion, a directory.
    Ignored(&'static str),
    /// Event Grid asks whether its events are welcome; the answer is the code.
    Validation(String),
    /// SNS asks whether its messages are welcome; the answer is a request to the URL.
    Confirmation { topic: String, url: String },
}

/// Wrappers around an event, at most.
const DEPTH: usize = 6;

/// Objects of one event, at most: as many as SQS hands over at once.
const OBJECTS: usize = 10_000;

/// Reads the body of a request. `content_type` and `ce_type` are the headers of those names.
///
/// # Errors
/// `Protocol` when it is no JSON, or no event of a known kind. The message quotes nothing of it.
pub fn read(body: &[u8], content_type: Option<&str>, ce_type: Option<&str>) -> Result<Event> {
    let value = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        broken(format!("the event is no JSON ({place})"))
    })?;
    // A CloudEvent whose envelope is in the body names its type there.
    let structured = content_type.is_some_and(|kind| kind.starts_with("application/cloudevents"));
    match ce_type.filter(|_| !structured) {
        Some(kind) => {
            let mut reading = Reading::default();
            reading.cloud_event(kind, &value, 0)?;
            Ok(reading.event())
        }
        None => of(&value),
    }
}

/// Reads an event.
///
/// # Errors
/// `Protocol` when it is no event of a known kind.
pub fn of(value: &Value) -> Result<Event> {
    let mut reading = Reading::default();
    reading.value(value, 0)?;
    Ok(reading.event())
}

/// What has been read of an event so far.
#[derive(Debug, Default)]
struct Reading {
    objects: Vec<Staged>,
    ignored: Option<&'static str>,
    asked: Option<Event>,
}

impl Reading {
    fn event(self) -> Event {
        match (self.asked, self.objects.is_empty()) {
            (Some(asked), _) => asked,
            (None, false) => Event::Objects(self.objects),
            (None, true) => Event::Ignored(self.ignored.unwrap_or("no event in it")),
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        if depth > DEPTH {
            return Err(broken("the event is wrapped too often"));
        }
        let deeper = depth + 1;
        match value {
            Value::String(text) => {
                let inner = serde_json::from_str(text)
                    .map_err(|_| broken("the event holds text that is no event"))?;
                self.value(&inner, deeper)
            }
            Value::Array(events) => events
                .iter()
                .try_for_each(|event| self.value(event, deeper)),
            Value::Object(_) => self.object(value, deeper),
            _ => Err(broken("the event is no JSON object")),
        }
    }

    /// An object is known by its keys. The order matters: wrappers first.
    fn object(&mut self, value: &Value, depth: usize) -> Result<()> {
        if value["specversion"].is_string() {
            let kind = text(value, "type")?;
            let data = google::data(value)?;
            return self.cloud_event(kind, &data, depth);
        }
        if let Some(records) = value["Records"].as_array() {
            if records.is_empty() {
                self.ignored = Some("no record in it");
            }
            return records
                .iter()
                .try_for_each(|record| self.record(record, depth));
        }
        if value["Event"] == "s3:TestEvent" {
            self.ignored = Some("a test event");
            return Ok(());
        }
        if value["Type"].is_string() && value["TopicArn"].is_string() {
            return self.notification(value, depth);
        }
        if value["detail-type"].is_string() {
            return self.bridged(value);
        }
        if let Some(kind) = value["eventType"].as_str() {
            return self.grid(kind, &value["data"]);
        }
        if value["message"].is_object() {
            return self.published(&value["message"]);
        }
        // A custom handler of Azure Functions is given its trigger's data by name.
        if let (Some(data), true) = (value["Data"].as_object(), value["Metadata"].is_object()) {
            return data.values().try_for_each(|data| self.value(data, depth));
        }
        Err(broken("the event is of no known kind"))
    }

    fn cloud_event(&mut self, kind: &str, data: &Value, depth: usize) -> Result<()> {
        if kind.starts_with("google.") {
            self.google(kind, data, depth)
        } else if kind.starts_with("Microsoft.") {
            self.grid(kind, data)
        } else {
            self.ignored = Some("no event of a bucket");
            Ok(())
        }
    }

    /// Takes a new object, unless there is nothing in it.
    fn push(&mut self, object: Staged) -> Result<()> {
        if object.url.ends_with('/') {
            self.ignored = Some("a directory");
        } else if object.size == Some(0) {
            self.ignored = Some("an empty object");
        } else if self.objects.len() == OBJECTS {
            return Err(broken(format!("the event has more than {OBJECTS} objects")));
        } else {
            self.objects.push(object);
        }
        Ok(())
    }
}

/// A text that the event must have.
fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str> {
    let found = value[key].as_str().filter(|text| !text.is_empty());
    found.ok_or_else(|| broken(format!("the event has no `{key}`")))
}

/// A number that is written as a number or as text.
fn number(value: &Value) -> Option<u64> {
    let written = value.as_str().and_then(|text| text.parse().ok());
    written.or_else(|| value.as_u64())
}

/// The URL of an object. A bucket whose name could change what the URL means is refused.
fn url(scheme: &str, bucket: &str, key: &str) -> Result<String> {
    if !named(bucket) || key.is_empty() {
        return Err(broken("the event names no object"));
    }
    Ok(format!("{scheme}://{bucket}/{key}"))
}

/// Whether this can be the name of a bucket, a container or an account.
fn named(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$');
    !name.is_empty() && name.len() <= 255 && name.chars().all(letter)
}

fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, message)
}
