//! `midflight serve`

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::Serve;
use super::batch::{format, naming};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::serve::auth::Secret;
use crate::runtime::serve::{
    Configuration, Log, Settings, configuration, http, lambda, listen, listener,
};
use crate::runtime::{Files, batch};

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
    let to = to(arguments)?;
    let settings = Settings {
        output: vec![to.clone()],
        ..settings(arguments)?
    };
    if lambda::inside() {
        let process = process(arguments, configuration, to)?;
        return lambda::run(&settings, process, Log::stderr());
    }
    let address = listen(arguments.listen.as_deref(), &variable)?;
    settings.safe_at(address)?;
    let process = process(arguments, configuration, to)?;
    let listener = listener(&settings, address)?;
    let objects = Arc::clone(&process);
    http::run(&settings, objects, listener, Log::stderr(), http::signals())?;
    process.end()
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

/// Where objects go.
fn to(arguments: &Serve) -> Result<String> {
    let named = std::env::var("MIDFLIGHT_TO").ok();
    let named = arguments.to.clone().or(named);
    named.filter(|to| !to.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "nothing says where the rows go")
            .hint("give `--to URL`, or set MIDFLIGHT_TO")
    })
}

/// What is done to objects under this configuration.
fn process(
    arguments: &Serve,
    configuration: Configuration,
    to: String,
) -> Result<Arc<batch::Single>> {
    let mut files = Files {
        catalog: arguments.catalog.clone(),
        ..Files::default()
    };
    match configuration {
        Configuration::Default => {}
        Configuration::File(path) => files.config = Some(path),
        Configuration::Text(text) => {
            files.text = Some(("MIDFLIGHT_CONFIG_YAML".to_owned(), text));
        }
    }
    let options = batch::Options {
        to,
        naming: naming(&arguments.naming)?,
        format: arguments.naming.input_format.map(format),
        ..batch::Options::default()
    };
    let places = arguments.allow.clone();
    batch::Single::new(files, options, places).map(Arc::new)
}
