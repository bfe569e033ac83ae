//! `midflight serve`

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::Serve;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::serve::auth::Secret;
use crate::runtime::serve::{
    Configuration, Log, Process, Settings, configuration, http, lambda, listen, listener,
};

/// What Lambda calls the program of a function.
const BOOTSTRAP: &str = "bootstrap";

/// The arguments, spelt out where Lambda gives none: it starts the program by another name.
pub(super) fn spelt_out(mut arguments: Vec<OsString>, inside: bool) -> Vec<OsString> {
    if let [program] = arguments.as_slice()
        && Path::new(program)
            .file_name()
            .is_some_and(|name| name == BOOTSTRAP)
        && inside
    {
        arguments.push("serve".into());
    }
    arguments
}

pub(super) fn run(arguments: &Serve) -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    let configuration = configuration(arguments.config.clone(), &variable)?;
    let settings = settings(arguments)?;
    if lambda::inside() {
        let process = process(&configuration)?;
        return lambda::run(&settings, process, Log::stderr());
    }
    let address = listen(arguments.listen.as_deref(), &variable)?;
    settings.safe_at(address)?;
    let process = process(&configuration)?;
    let listener = listener(&settings, address)?;
    http::run(&settings, process, listener, Log::stderr(), http::signals())
}

fn settings(arguments: &Serve) -> Result<Settings> {
    let (variable, file) = (
        arguments.secret_env.as_deref(),
        arguments.secret_file.as_deref(),
    );
    Ok(Settings {
        secret: Secret::find(variable, file)?,
        open: arguments.no_auth,
        confirm_sns: arguments.confirm_sns,
        allow: arguments.allow.clone(),
        workers: arguments.workers,
        queue: arguments.queue,
        answer_within: Duration::from_secs(arguments.answer_within),
        stop_within: Duration::from_secs(arguments.stop_within),
        ..Settings::default()
    })
}

/// What is done to objects under this configuration.
fn process(_: &Configuration) -> Result<Arc<dyn Process>> {
    Err(Error::new(
        ErrorKind::Usage,
        "processing of objects is not built in",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_starts_the_program_by_its_own_name() {
        let serving = |arguments: &[&str], inside: bool| {
            let given = arguments.iter().map(OsString::from).collect();
            spelt_out(given, inside).last() == Some(&"serve".into())
        };
        assert!(serving(&["/var/task/bootstrap"], true));
        assert!(!serving(&["/var/task/bootstrap"], false));
        assert!(!serving(&["/var/task/bootstrap", "--help"], true));
        assert!(!serving(&["/usr/bin/midflight"], true));
    }
}
