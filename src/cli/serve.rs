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
use crate::runtime::{Files, batch, run as running};

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
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let arguments = &filled_in(arguments, &variable)?;
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

/// The arguments, with those that are not given taken from the environment: a function has no arguments.
fn filled_in(given: &Serve, variable: &dyn Fn(&str) -> Option<String>) -> Result<Serve> {
    let mut arguments = given.clone();
    if arguments.allow.is_empty() {
        let places = variable("MIDFLIGHT_ALLOW").unwrap_or_default();
        let places = places.split(',').map(str::trim);
        arguments.allow = places
            .filter(|place| !place.is_empty())
            .map(str::to_owned)
            .collect();
    }
    if let (0, Some(number)) = (arguments.workers, variable("MIDFLIGHT_WORKERS")) {
        arguments.workers = number.parse().map_err(|_| {
            let message = "the environment variable `MIDFLIGHT_WORKERS` holds no number";
            Error::new(ErrorKind::Usage, message)
        })?;
    }
    let catalog = || variable("MIDFLIGHT_CATALOG").map(Into::into);
    arguments.catalog = arguments.catalog.or_else(catalog);
    arguments.to = arguments.to.or_else(|| variable("MIDFLIGHT_TO"));
    let naming = &mut arguments.naming;
    if naming.stream.is_none() && naming.path_pattern.is_none() {
        naming.stream = variable("MIDFLIGHT_STREAM");
        naming.namespace = naming
            .stream
            .as_ref()
            .and_then(|_| variable("MIDFLIGHT_NAMESPACE"));
    }
    Ok(arguments)
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
    let named = arguments.to.clone().filter(|to| !to.is_empty());
    named.ok_or_else(|| {
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
        run: running::Options {
            workers: arguments.workers,
            outside: true,
            ..running::Options::default()
        },
        ..batch::Options::default()
    };
    let places = arguments.allow.clone();
    batch::Single::new(files, options, places).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Arguments, Command};

    fn serve(arguments: &[&str]) -> Serve {
        let whole = [&["midflight", "serve"], arguments].concat();
        match Arguments::try_parse_from(whole).expect("arguments").command {
            Command::Serve(serve) => serve,
            other => panic!("{other:?}"),
        }
    }

    fn variable(name: &str) -> Option<String> {
        let text = match name {
            "MIDFLIGHT_ALLOW" => "s3://raw/a, s3://raw/b,",
            "MIDFLIGHT_WORKERS" => "3",
            "MIDFLIGHT_CATALOG" => "/var/task/catalog.json",
            "MIDFLIGHT_STREAM" => "users",
            "MIDFLIGHT_NAMESPACE" => "shop",
            "MIDFLIGHT_TO" => "s3://clean",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn the_environment_says_what_arguments_do_not() {
        let filled = filled_in(&serve(&[]), &variable).expect("arguments");
        assert_eq!(filled.allow, ["s3://raw/a", "s3://raw/b"]);
        assert_eq!(
            (filled.workers, filled.to.as_deref()),
            (3, Some("s3://clean"))
        );
        assert_eq!(
            filled.catalog.as_deref(),
            Some(Path::new("/var/task/catalog.json"))
        );
        let naming = (
            filled.naming.namespace.as_deref(),
            filled.naming.stream.as_deref(),
        );
        assert_eq!(naming, (Some("shop"), Some("users")));
        let given = serve(&[
            "--allow",
            "s3://c",
            "--workers",
            "1",
            "--stream",
            "orders",
            "--to",
            "d",
        ]);
        let filled = filled_in(&given, &variable).expect("arguments");
        assert_eq!(
            (filled.allow, filled.workers),
            (vec!["s3://c".to_owned()], 1)
        );
        let naming = (
            filled.naming.namespace.as_deref(),
            filled.naming.stream.as_deref(),
        );
        assert_eq!(
            (naming, filled.to.as_deref()),
            ((None, Some("orders")), Some("d"))
        );
        let wrong = filled_in(&serve(&[]), &|name| {
            variable(name).map(|text| format!("x{text}"))
        });
        assert_eq!(
            wrong.map_err(|error| error.kind()).err(),
            Some(ErrorKind::Usage)
        );
    }
}
