//! Events of Azure Blob Storage by Event Grid, in its own schema and as CloudEvents.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::{Host, Url};

use super::{Event, Reading, broken, named, number, text};
use crate::error::Result;
use crate::runtime::serve::Staged;

impl Reading {
    /// An event of this kind with this data.
    pub(super) fn grid(&mut self, kind: &str, data: &Value) -> Result<()> {
        match kind {
            "Microsoft.EventGrid.SubscriptionValidationEvent" => {
                let code = text(data, "validationCode")?.to_owned();
                self.asked = Some(Event::Validation(code));
                Ok(())
            }
            "Microsoft.Storage.BlobCreated" => self.push(Staged {
                url: place(text(data, "url")?)?,
                size: number(&data["contentLength"]),
                version: data["eTag"]
                    .as_str()
                    .map(|tag| tag.trim_matches('"').to_owned()),
                sequencer: data["sequencer"].as_str().map(str::to_owned),
            }),
            _ => {
                self.ignored = Some("no new object");
                Ok(())
            }
        }
    }
}

/// The URL by which a blob is opened: `abfss://` names its account, the emulator's path `az://`.
fn place(blob: &str) -> Result<String> {
    let wrong = || broken("the event names no blob");
    let url = Url::parse(blob).map_err(|_| wrong())?;
    let path = percent_decode_str(url.path().trim_start_matches('/'))
        .decode_utf8()
        .map_err(|_| wrong())?;
    let split = |path: &str| {
        let (container, key) = path.split_once('/')?;
        let whole = named(container) && !key.is_empty();
        whole.then(|| (container.to_owned(), key.to_owned()))
    };
    match url.host() {
        Some(Host::Domain(host)) if host != "localhost" => {
            let (container, key) = split(&path).ok_or_else(wrong)?;
            let host = host.replacen(".blob.", ".dfs.", 1);
            Ok(format!("abfss://{container}@{host}/{key}"))
        }
        // The emulator has the account as the first part of the path.
        Some(_) => {
            let (_, path) = path.split_once('/').ok_or_else(wrong)?;
            let (container, key) = split(path).ok_or_else(wrong)?;
            Ok(format!("az://{container}/{key}"))
        }
        None => Err(wrong()),
    }
}
