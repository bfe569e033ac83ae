//! `midflight health`

use super::args::{Format, Health, Severity, WebhookFormat};
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::health::anomaly;
use crate::plan::config;
use crate::runtime::health;

pub(super) fn run(arguments: &Health) -> Result<()> {
    let alerts = arguments
        .webhook_env
        .as_deref()
        .map(|variable| health::asked(variable, format(arguments.webhook_format)))
        .transpose()?;
    let found = health::look(&arguments.history, &arguments.run)?;
    if let Some(folder) = &arguments.report {
        health::write(folder, &found)?;
    }
    output::result(&match arguments.format {
        Format::Text => found.to_text(),
        Format::Json => found.to_json(),
    })?;
    if let Some(alerts) = &alerts {
        health::send(alerts, &found)?;
    }
    match arguments.fail_on.map(severity) {
        Some(severity) if found.is_bad(severity) => {
            let message = match found.failed() {
                true => "the run failed".to_owned(),
                false => "the run is unusual".to_owned(),
            };
            Err(Error::new(ErrorKind::Limit, message))
        }
        _ => Ok(()),
    }
}

fn severity(severity: Severity) -> anomaly::Severity {
    match severity {
        Severity::Notice => anomaly::Severity::Notice,
        Severity::Warning => anomaly::Severity::Warning,
        Severity::Critical => anomaly::Severity::Critical,
    }
}

fn format(format: WebhookFormat) -> config::WebhookFormat {
    match format {
        WebhookFormat::Generic => config::WebhookFormat::Generic,
        WebhookFormat::Slack => config::WebhookFormat::Slack,
    }
}
