//! Where events go, by the names that OpenLineage's own clients read, in the order in which they look.
//!
//! `OPENLINEAGE_DISABLED`; then the file of `OPENLINEAGE_CONFIG` (else `openlineage.yml` here or in `~/.openlineage`)
//! and, below it, `OPENLINEAGE__TRANSPORT__…`; then `OPENLINEAGE_URL` with `OPENLINEAGE_ENDPOINT` and
//! `OPENLINEAGE_API_KEY`. Where none of them says anything, nothing is sent. What we do not know is told as a note.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::transport::{Key, Server, Several, Target, Transport};
use crate::document::{self, Problems};
use crate::runtime::address::Address;
use crate::runtime::environment::Environment;

/// What is asked of a server unless it is told otherwise, as OpenLineage's own client for Python does.
const ENDPOINT: &str = "api/v1/lineage";
const TIMEOUT_SECONDS: f64 = 5.0;
const RETRIES: u64 = 5;
const WAIT_SECONDS: f64 = 0.3;

/// The longest that one request may take, and the most retries, whatever is asked for.
const TIMEOUT_SECONDS_MAX: f64 = 60.0;
const RETRIES_MAX: u64 = 20;

/// The longest file of settings.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where `OPENLINEAGE_URL` stands among several transports.
const FROM_URL: &str = "default_http";

/// How deep transports may hold others.
const DEPTH_MAX: usize = 4;

/// The transport that the environment asks for, and notes about what is not done.
pub(super) fn read(environment: &Environment) -> (Option<Transport>, Vec<String>) {
    let mut notes = Vec::new();
    if environment.says("OPENLINEAGE_DISABLED") {
        return (None, notes);
    }
    let mut config = Map::new();
    let mut variables: Vec<_> = environment.beginning("OPENLINEAGE__").collect();
    // In this order a whole value replaces its parts.
    variables.sort_by(|one, other| other.cmp(one));
    for (name, value) in variables {
        let keys: Vec<String> = name.split("__").map(str::to_lowercase).collect();
        insert(&mut config, &keys, value);
    }
    let mut config = Value::Object(config);
    if let Some(file) = file(environment) {
        match read_file(&file) {
            Ok(given) => merge(&mut config, given),
            Err(note) => notes.push(note),
        }
    }
    let mut transport = config["transport"].take();
    if transport["type"] == "composite"
        && let (Some(url), Some(others)) = (
            from_url(environment),
            transport["transports"].as_object_mut(),
        )
    {
        others.entry(FROM_URL).or_insert(url);
    }
    if !transport["type"].is_string() {
        transport = from_url(environment).unwrap_or_default();
    }
    let read = match transport.is_null() {
        true => None,
        false => self::transport(&transport, 0, &mut notes),
    };
    (read, notes)
}

/// What the plain names of a server say, in the form of the others.
fn from_url(environment: &Environment) -> Option<Value> {
    let mut transport = json!({"type": "http", "url": environment.text("OPENLINEAGE_URL")?});
    if let Some(endpoint) = environment.text("OPENLINEAGE_ENDPOINT") {
        transport["endpoint"] = endpoint.into();
    }
    if let Some(key) = environment.text("OPENLINEAGE_API_KEY") {
        transport["auth"] = json!({"type": "api_key", "apiKey": key});
    }
    Some(transport)
}

fn insert(config: &mut Map<String, Value>, keys: &[String], value: &str) {
    let Some((first, rest)) = keys.split_first() else {
        return;
    };
    if rest.is_empty() {
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        config.insert(first.clone(), value);
        return;
    }
    let inner = config.entry(first.clone()).or_insert_with(|| json!({}));
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

/// Puts what a file says over what is there.
fn merge(config: &mut Value, given: Value) {
    match (config, given) {
        (Value::Object(config), Value::Object(given)) => {
            for (name, value) in given {
                merge(config.entry(name).or_insert(Value::Null), value);
            }
        }
        (config, given) => *config = given,
    }
}

fn file(environment: &Environment) -> Option<PathBuf> {
    let named = environment.text("OPENLINEAGE_CONFIG").map(PathBuf::from);
    let home = environment.text("HOME");
    let home = home.map(|home| Path::new(&home).join(".openlineage/openlineage.yml"));
    // One that is named and is not there is told.
    named.or_else(|| {
        let here = [Some(PathBuf::from("openlineage.yml")), home];
        here.into_iter().flatten().find(|file| file.is_file())
    })
}

fn read_file(file: &Path) -> Result<Value, String> {
    let name = file.display().to_string();
    let wrong = |what: &str| format!("lineage: {name} {what}");
    let length = std::fs::metadata(file).map_or(0, |found| found.len());
    if length > FILE_BYTES_MAX {
        return Err(wrong("is too large for settings"));
    }
    let text = std::fs::read_to_string(file).map_err(|_| wrong("cannot be read"))?;
    let mut problems = Problems::new();
    let node = document::parse(&name, &text, &mut problems);
    match (node, problems.iter().next()) {
        (Some(node), None) => Ok(node.to_json()),
        // A parser's sentence may quote what it cannot read, and that may be a key.
        (_, problem) => {
            let at = problem.and_then(|problem| problem.at);
            Err(wrong(&match at {
                Some(at) => format!("is no YAML at {}:{}", at.line, at.column),
                None => "is no YAML".to_owned(),
            }))
        }
    }
}

fn transport(config: &Value, depth: usize, notes: &mut Vec<String>) -> Option<Transport> {
    let word = config["type"].as_str().unwrap_or_default();
    match word {
        "http" | "async_http" => http(config, notes).map(Transport::Http),
        "file" => {
            let path = config["log_file_path"].as_str().map(PathBuf::from);
            if path.is_none() {
                notes.push("lineage: a transport `file` needs `log_file_path`".to_owned());
            }
            Some(Transport::File(Target {
                path: path?,
                append: truth(&config["append"]).unwrap_or(false),
            }))
        }
        "console" => Some(Transport::Console),
        "noop" => None,
        "composite" if depth < DEPTH_MAX => {
            let list: Vec<&Value> = match &config["transports"] {
                Value::Array(all) => all.iter().collect(),
                Value::Object(all) => all.values().filter(|one| !one.is_null()).collect(),
                _ => Vec::new(),
            };
            let all: Vec<_> = list
                .into_iter()
                .filter_map(|one| transport(one, depth + 1, notes))
                .collect();
            let flag = |name: &str| truth(&config[name]).unwrap_or(true);
            (!all.is_empty()).then(|| {
                Transport::Several(Several {
                    all,
                    continue_on_failure: flag("continue_on_failure"),
                    continue_on_success: flag("continue_on_success"),
                })
            })
        }
        _ => {
            // Only a word is quoted: a setting in a wrong place may be a key.
            let plain = word.len() <= 40
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
            notes.push(match plain && !word.is_empty() {
                true => format!(
                    "lineage: the transport `{word}` is not known; known are http, file, console and composite"
                ),
                false => "lineage: a transport has no `type`".to_owned(),
            });
            None
        }
    }
}

fn http(config: &Value, notes: &mut Vec<String>) -> Option<Server> {
    let endpoint = config["endpoint"].as_str().unwrap_or(ENDPOINT);
    let address = config["url"].as_str().and_then(Address::parse);
    let Some(address) = address.and_then(|address| address.join(endpoint)) else {
        notes.push(
            "lineage: the address of the server is none; it looks like http://localhost:5000"
                .to_owned(),
        );
        return None;
    };
    let auth = &config["auth"];
    let key = ["apiKey", "apikey", "api_key"]
        .iter()
        .find_map(|name| auth[*name].as_str());
    match auth["type"].as_str() {
        None => {}
        Some("api_key") if key.is_some() => {}
        Some("api_key") => {
            notes.push(
                "lineage: `auth` of type `api_key` needs `apiKey`; nothing is sent".to_owned(),
            );
            return None;
        }
        Some(_) => {
            notes.push(
                "lineage: only `api_key` is known as type of `auth`; nothing is sent".to_owned(),
            );
            return None;
        }
    }
    if truth(&config["verify"]) == Some(false) {
        notes.push("lineage: certificates are verified, whatever `verify` says".to_owned());
    }
    let headers = config["custom_headers"].as_object().into_iter().flatten();
    let headers =
        headers.filter_map(|(name, value)| Some((name.clone(), Key(value.as_str()?.to_owned()))));
    let retry = &config["retry"];
    Some(Server {
        headers: headers.collect(),
        key: key
            .filter(|_| auth["type"].is_string())
            .map(|key| Key(key.to_owned())),
        gzip: config["compression"] == "gzip",
        timeout: seconds(&config["timeout"], TIMEOUT_SECONDS).max(Duration::from_millis(10)),
        retries: u32::try_from(whole(&retry["total"]).unwrap_or(RETRIES).min(RETRIES_MAX))
            .unwrap_or(0),
        wait: seconds(&retry["backoff_factor"], WAIT_SECONDS),
        address,
    })
}

/// A flag as it stands in a file, or as text.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    }
}

fn seconds(value: &Value, otherwise: f64) -> Duration {
    let given = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    let given = given.filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0);
    Duration::from_secs_f64(given.unwrap_or(otherwise).min(TIMEOUT_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(environment: &Environment) -> Server {
        match read(environment) {
            (Some(Transport::Http(server)), notes) if notes.is_empty() => server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_plain_names_make_a_server() {
        let read_server = server(&Environment::from([
            ("OPENLINEAGE_URL", "http://localhost:5000"),
            ("OPENLINEAGE_ENDPOINT", "lineage"),
            ("OPENLINEAGE_API_KEY", "s3cret"),
        ]));
        assert_eq!(read_server.address.url(), "http://localhost:5000/lineage");
        assert_eq!(read_server.key, Some(Key("s3cret".to_owned())));
        assert!(!format!("{read_server:?}").contains("s3cret"));
        let plain = server(&Environment::from([("OPENLINEAGE_URL", "http://h")]));
        assert_eq!(plain.address.url(), "http://h/api/v1/lineage");
        assert_eq!((plain.retries, plain.gzip, plain.key), (5, false, None));
        assert_eq!(plain.timeout, Duration::from_secs(5));
    }

    #[test]
    fn the_long_names_come_first_and_whole_values_replace_their_parts() {
        let long = server(&Environment::from([
            ("OPENLINEAGE_URL", "http://other"),
            ("OPENLINEAGE__TRANSPORT__TYPE", "http"),
            ("OPENLINEAGE__TRANSPORT__URL", "https://h:1/a/"),
            ("OPENLINEAGE__TRANSPORT__COMPRESSION", "gzip"),
            ("OPENLINEAGE__TRANSPORT__TIMEOUT", "2.5"),
            (
                "OPENLINEAGE__TRANSPORT__AUTH",
                r#"{"type":"api_key","apiKey":"k"}"#,
            ),
            ("OPENLINEAGE__TRANSPORT__RETRY__TOTAL", "0"),
            ("OPENLINEAGE__TRANSPORT__CUSTOM_HEADERS__X", "y"),
        ]));
        assert_eq!(long.address.url(), "https://h:1/a/api/v1/lineage");
        assert_eq!((long.gzip, long.retries), (true, 0));
        assert_eq!(long.timeout, Duration::from_millis(2500));
        assert_eq!(long.key, Some(Key("k".to_owned())));
        assert_eq!(long.headers, [("x".to_owned(), Key("y".to_owned()))]);
    }

    #[test]
    fn several_are_told_one_after_the_other_and_unknown_ones_are_noted() {
        let environment = Environment::from([
            ("OPENLINEAGE_URL", "http://h"),
            ("OPENLINEAGE__TRANSPORT__TYPE", "composite"),
            ("OPENLINEAGE__TRANSPORT__TRANSPORTS__A__TYPE", "file"),
            (
                "OPENLINEAGE__TRANSPORT__TRANSPORTS__A__LOG_FILE_PATH",
                "/tmp/a",
            ),
            ("OPENLINEAGE__TRANSPORT__TRANSPORTS__B__TYPE", "kafka"),
            ("OPENLINEAGE__TRANSPORT__CONTINUE_ON_FAILURE", "false"),
        ]);
        let (transport, notes) = read(&environment);
        let Some(Transport::Several(several)) = transport else {
            panic!("several");
        };
        assert!(matches!(
            several.all[..],
            [Transport::File(_), Transport::Http(_)]
        ));
        assert_eq!(
            (several.continue_on_failure, several.continue_on_success),
            (false, true)
        );
        assert_eq!(
            notes,
            [
                "lineage: the transport `kafka` is not known; known are http, file, console and composite"
            ]
        );
    }

    #[test]
    fn nothing_is_sent_where_nothing_is_asked_for_or_it_is_forbidden() {
        assert_eq!(read(&Environment::default()), (None, Vec::new()));
        let disabled = Environment::from([
            ("OPENLINEAGE_DISABLED", "True"),
            ("OPENLINEAGE_URL", "http://h"),
        ]);
        assert_eq!(read(&disabled), (None, Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_without_quoting_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ol.yml");
        let named = file.display().to_string();
        let of = |pairs: [(&str, &str); 2]| read(&Environment::from(pairs));
        let note = |pairs| {
            let (transport, notes) = of(pairs);
            assert!(transport.is_none());
            assert!(!notes.concat().contains("s3cret"), "{notes:?}");
            notes.concat()
        };
        let config = ("OPENLINEAGE_CONFIG", named.as_str());
        assert!(note([config, ("A", "")]).ends_with("ol.yml cannot be read"));
        std::fs::write(&file, "transport: {type: http, url: [s3cret").expect("written");
        assert!(note([config, ("A", "")]).contains("ol.yml is no YAML"));
        std::fs::write(&file, "transport: {type: http, url: s3cret}").expect("written");
        assert!(note([config, ("A", "")]).contains("the address of the server is none"));
        std::fs::write(
            &file,
            "transport: {type: http, url: 'http://h', auth: {type: oauth2, clientSecret: s3cret}}",
        )
        .expect("written");
        assert!(note([config, ("A", "")]).contains("only `api_key` is known"));
        // The file comes before the variables.
        std::fs::write(&file, "transport: {type: console}").expect("written");
        let (transport, _) = of([config, ("OPENLINEAGE__TRANSPORT__TYPE", "noop")]);
        assert_eq!(transport, Some(Transport::Console));
    }
}
