//! Events of Google Cloud Storage: CloudEvents as Eventarc sends them, and messages that Pub/Sub pushes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Reading, broken, number, text, url};
use crate::error::Result;
use crate::runtime::serve::Staged;

/// The data of a CloudEvent whose envelope is in the body.
pub(super) fn data(event: &Value) -> Result<Cow<'_, Value>> {
    match event["data_base64"].as_str() {
        Some(encoded) => unpacked(encoded).map(Cow::Owned),
        None => Ok(Cow::Borrowed(&event["data"])),
    }
}

fn unpacked(encoded: &str) -> Result<Value> {
    let bytes = STANDARD.decode(encoded).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| broken("the event's data is no JSON in base64"))
}

impl Reading {
    /// A CloudEvent of Google's.
    pub(super) fn google(&mut self, kind: &str, data: &Value, depth: usize) -> Result<()> {
        match kind {
            "google.cloud.storage.object.v1.finalized" => {
                let generation = number(&data["generation"]);
                self.push(Staged {
                    url: url("gs", text(data, "bucket")?, text(data, "name")?)?,
                    // 64 bits are written as text there.
                    size: number(&data["size"]),
                    version: generation.map(|generation| generation.to_string()),
                    sequencer: generation.map(sequencer),
                })
            }
            "google.cloud.pubsub.topic.v1.messagePublished" => self.value(data, depth + 1),
            _ => {
                self.ignored = Some("no new object");
                Ok(())
            }
        }
    }

    /// A message of Pub/Sub about an object: what happened stands in its attributes, the size only in its data.
    pub(super) fn published(&mut self, message: &Value) -> Result<()> {
        let attributes = &message["attributes"];
        if text(attributes, "eventType")? != "OBJECT_FINALIZE" {
            self.ignored = Some("no new object");
            return Ok(());
        }
        let data = message["data"]
            .as_str()
            .and_then(|data| unpacked(data).ok());
        let generation = number(&attributes["objectGeneration"]);
        self.push(Staged {
            url: url(
                "gs",
                text(attributes, "bucketId")?,
                text(attributes, "objectId")?,
            )?,
            size: data.and_then(|data| number(&data["size"])),
            version: generation.map(|generation| generation.to_string()),
            sequencer: generation.map(sequencer),
        })
    }
}

/// Generations grow; with as many digits as any has, they sort as text.
fn sequencer(generation: u64) -> String {
    format!("{generation:020}")
}
