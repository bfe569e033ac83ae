//! A source that is run by midflight: every verb, as the platform asks for it, and everything that can go wrong on the
//! way. The source inside does what each test tells it to.

mod ends;
mod express;
mod kill;
mod read;
mod refused;
mod verbs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Ended, KEY, Program, midflight, root};

/// The interpreter itself: what stands in its place in PATH may be a slow script.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let mut command = Command::new("python3");
        command.args(["-c", "import sys; print(sys.executable)"]);
        let output = command.output().expect("these tests need python3");
        String::from_utf8(output.stdout)
            .expect("a path")
            .trim()
            .to_owned()
    })
}

/// A source that plays a part, and the folder that it and midflight run in.
pub struct Source {
    folder: TempDir,
}

impl Source {
    /// One that plays `play`, by verb.
    pub fn playing(play: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let source = root().join("tests/wrap/source.py");
        std::fs::copy(source, folder.path().join("source.py")).expect("a source");
        let source = Self { folder };
        source.write("play.json", &play.to_string());
        source.write("config.json", "{}");
        source
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).expect("a file");
        self
    }

    /// Writes the configuration that the platform keeps: the source's keys, and ours.
    pub fn configured(&self, ours: &str) -> &Self {
        let config = json!({"seed": 42, "midflight": {"config": ours, "secrets": [{"name": "SECRET_KEY", "value": KEY}]}});
        self.write("config.json", &config.to_string())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// midflight with the source inside, and Airbyte's arguments.
    pub fn wrapped(&self, options: &[&str], asked: &[&str]) -> Program {
        let script = self.path("source.py").display().to_string();
        let own = ["--", python(), &script];
        let arguments: Vec<&str> = [&["wrap"], options, &own, asked].concat();
        let path = std::env::var("PATH").expect("PATH");
        midflight(&arguments)
            .within(self.folder())
            .env("PATH", &path)
    }

    /// Runs `check`, `discover` or `spec`.
    pub fn ask(&self, verb: &str) -> Ended {
        let asked: &[&str] = match verb {
            "spec" => &["spec"],
            _ => &[verb, "--config", "config.json"],
        };
        self.wrapped(&[], asked).run("")
    }

    /// midflight's `read`, with `catalog.json` and further options of midflight.
    pub fn reading(&self, options: &[&str]) -> Program {
        let options = [&["--no-progress"], options].concat();
        let mut asked = vec![
            "read",
            "--config",
            "config.json",
            "--catalog",
            "catalog.json",
        ];
        if self.path("state.json").exists() {
            asked.extend(["--state", "state.json"]);
        }
        self.wrapped(&options, &asked)
    }

    pub fn read(&self) -> Ended {
        self.reading(&[]).run("")
    }

    /// How the source was started, each time.
    pub fn seen(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("seen.jsonl")).unwrap_or_default();
        lines(&text)
    }

    /// The verbs that the source was asked for.
    pub fn verbs(&self) -> Vec<String> {
        let seen = self.seen().into_iter();
        seen.map(|seen| seen["verb"].as_str().expect("a verb").to_owned())
            .collect()
    }
}

/// The messages of an output.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

pub fn of_type<'a>(messages: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let messages = messages.iter();
    messages.filter(|message| message["type"] == kind).collect()
}

/// The TRACE ERRORs of an output, their messages and failure types.
pub fn errors(messages: &[Value]) -> Vec<(String, String)> {
    let traces = of_type(messages, "TRACE").into_iter();
    let errors = traces.filter(|trace| trace["trace"]["type"] == "ERROR");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    errors
        .map(|trace| &trace["trace"]["error"])
        .map(|error| (text(&error["message"]), text(&error["failure_type"])))
        .collect()
}

/// A stream as `discover` finds it, with columns of these types.
pub fn stream(name: &str, columns: &[(&str, &str)]) -> Value {
    let properties: serde_json::Map<String, Value> = columns
        .iter()
        .map(|(name, ty)| ((*name).to_owned(), json!({"type": ty})))
        .collect();
    json!({
        "name": name,
        "json_schema": {"type": "object", "properties": properties},
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_primary_key": [["id"]],
    })
}

pub fn catalog(streams: &[Value]) -> Value {
    json!({"type": "CATALOG", "catalog": {"streams": streams}})
}

/// What the platform makes of discovered streams when a user takes all of them.
pub fn configured(streams: &[Value]) -> Value {
    let streams = streams.iter().map(|stream| {
        json!({
            "stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append_dedup",
            "primary_key": stream["source_defined_primary_key"], "cursor_field": ["id"],
        })
    });
    json!({"streams": streams.collect::<Vec<_>>()})
}

/// The streams of the CATALOG that was printed.
pub fn discovered(ended: &Ended) -> Vec<Value> {
    let messages = lines(ended.text());
    let catalogs = of_type(&messages, "CATALOG");
    assert_eq!(catalogs.len(), 1, "{}", ended.text());
    let streams = catalogs[0]["catalog"]["streams"].as_array();
    streams.expect("streams").clone()
}
