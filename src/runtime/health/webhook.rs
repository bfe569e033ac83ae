//! Sends the health of a run to an address. Who knows the address may send there, so nothing names it.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::health::Health;
use crate::health::anomaly::Severity;
use crate::plan::config::{Alerts, Occasion, WebhookFormat};
use crate::runtime::http::{Http, Patience};

/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 64 << 10;

/// A run's end must not wait long for somebody who is only told.
const PATIENCE: Patience = Patience {
    tries: 3,
    wait: Duration::from_millis(300),
    wait_max: Duration::from_secs(2),
    timeout: Duration::from_secs(5),
};

/// Whether somebody wants to know of this.
pub fn wants(alerts: &Alerts, health: &Health) -> bool {
    match alerts.on {
        Occasion::Always => true,
        Occasion::Failure => health.failed(),
        Occasion::Anomaly => health.is_bad(Severity::Notice),
    }
}

/// Sends it, three times at most.
///
/// # Errors
/// `Config` when there is no address, `Output` when nobody took it. Neither names the address.
pub fn send(alerts: &Alerts, health: &Health) -> Result<()> {
    let url = alerts
        .url
        .as_ref()
        .map_err(|why| Error::new(ErrorKind::Config, why.clone()))?;
    let plain = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !plain {
        let message = "the address of the webhook is none of http:// or https://";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let body = match alerts.format {
        WebhookFormat::Generic => health.to_json(),
        WebhookFormat::Slack => health.to_slack(),
    };
    let http = Http::new("the webhook", url, None, PATIENCE)?.unnamed();
    let sent = http.post("", &body, ANSWER_BYTES);
    sent.map(drop).map_err(|refused| {
        let why = refused.error;
        Error::new(ErrorKind::Output, why.message().to_owned())
            .hint("the run itself is told in its report and its history")
    })
}
