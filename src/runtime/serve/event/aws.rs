//! Events of S3 and of what speaks like it, and what carries them: SQS, SNS, EventBridge, Lambda.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Event, Reading, broken, number, of, text, url};
use crate::error::Result;
use crate::runtime::serve::Staged;

/// A message of a queue, as Lambda hands it over.
#[derive(Debug)]
pub struct Message {
    /// By which a failed message is named.
    pub id: String,
    /// Whether messages behind a failed one must wait for it.
    pub ordered: bool,
    pub event: Result<Event>,
}

/// The messages of an invocation by SQS; `None` when it comes from elsewhere. A message without an id cannot be
/// reported by itself, so then they are none.
pub fn messages(value: &Value) -> Option<Vec<Message>> {
    let records = value["Records"].as_array().filter(|all| !all.is_empty())?;
    let message = |record: &Value| {
        if record["eventSource"] != "aws:sqs" {
            return None;
        }
        let queue = record["eventSourceARN"].as_str().unwrap_or_default();
        Some(Message {
            id: record["messageId"].as_str()?.to_owned(),
            ordered: queue.ends_with(".fifo"),
            event: of(&record["body"]),
        })
    };
    records.iter().map(message).collect()
}

impl Reading {
    /// A record of S3, or one that carries another event.
    pub(super) fn record(&mut self, record: &Value, depth: usize) -> Result<()> {
        if let Some(body) = record["body"].as_str() {
            return self.value(&Value::from(body), depth);
        }
        if record["Sns"].is_object() {
            return self.value(&record["Sns"]["Message"], depth);
        }
        if !record["s3"].is_object() {
            return Err(broken("the event has a record of no known kind"));
        }
        let name = text(record, "eventName")?;
        if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
            self.ignored = Some("no new object");
            return Ok(());
        }
        let object = &record["s3"]["object"];
        let bucket = text(&record["s3"]["bucket"], "name")?;
        let key = decoded(text(object, "key")?)?;
        self.push(Staged {
            url: url("s3", bucket, &key)?,
            size: number(&object["size"]),
            version: version(&object["eTag"], &object["versionId"]),
            sequencer: object["sequencer"].as_str().map(str::to_owned),
        })
    }

    /// A message of SNS.
    pub(super) fn notification(&mut self, value: &Value, depth: usize) -> Result<()> {
        match text(value, "Type")? {
            "Notification" => self.value(&value["Message"], depth),
            "SubscriptionConfirmation" => {
                self.asked = Some(Event::Confirmation {
                    topic: text(value, "TopicArn")?.to_owned(),
                    url: text(value, "SubscribeURL")?.to_owned(),
                });
                Ok(())
            }
            _ => {
                self.ignored = Some("no message of a topic");
                Ok(())
            }
        }
    }

    /// An event of EventBridge; unlike S3's own, it has its key as it is.
    pub(super) fn bridged(&mut self, value: &Value) -> Result<()> {
        if value["source"] != "aws.s3" || value["detail-type"] != "Object Created" {
            self.ignored = Some("no new object");
            return Ok(());
        }
        let object = &value["detail"]["object"];
        let bucket = text(&value["detail"]["bucket"], "name")?;
        self.push(Staged {
            url: url("s3", bucket, text(object, "key")?)?,
            size: number(&object["size"]),
            version: version(&object["etag"], &object["version-id"]),
            sequencer: object["sequencer"].as_str().map(str::to_owned),
        })
    }
}

/// Keys are encoded as forms are: `+` is a space.
fn decoded(key: &str) -> Result<String> {
    let spaced = key.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8();
    text.map(String::from)
        .map_err(|_| broken("the event has a key that is not UTF-8"))
}

/// The etag names the content, so that the same bytes are the same version; a version's id is the second choice.
fn version(etag: &Value, id: &Value) -> Option<String> {
    let given = |value: &Value| {
        let text = value.as_str()?.trim_matches('"');
        (!text.is_empty()).then(|| text.to_owned())
    };
    given(etag).or_else(|| given(id))
}
