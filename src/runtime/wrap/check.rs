//! The test of a connection: first our part, then the connector's own.

use std::path::Path;

use serde_json::json;

use super::lines::{self, Answer, Kind};
use super::{Failure, Wrap};
use crate::error::{Error, Result};

/// Compiles our configuration, opens what it needs, and asks the connector.
pub(super) fn run(wrap: &Wrap<'_>, config: &Path) -> Result<(), Failure> {
    let own = wrap.own(config).and_then(|own| {
        wrap.first_plan(&own)?.prepare()?;
        Ok(own)
    });
    let own = match own {
        Ok(own) => own,
        Err(error) => return Ok(wrap.output.say(refusal(&error).as_bytes())?),
    };
    let mut found = false;
    let command = wrap.asked.command("check", &[("--config", own.child())]);
    let grace = wrap.options.grace;
    let told = lines::run(command, grace, Some(&own), &wrap.output, |kind, _| {
        found |= kind == Kind::Status;
        Ok(Answer::Pass)
    })?;
    wrap.conclude(&told, found, "CONNECTION_STATUS")
}

/// The status that says what is wrong with our part, with its newline.
fn refusal(error: &Error) -> String {
    let advice = error.advice().map(|advice| format!("; {advice}"));
    let message = format!("midflight: {error}{}", advice.unwrap_or_default());
    let status = json!({"status": "FAILED", "message": message});
    format!(
        "{}\n",
        json!({"type": "CONNECTION_STATUS", "connectionStatus": status})
    )
}
