//! `midflight sync` and `midflight pipe --standalone` between connectors that behave as badly as they are told to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Ended, KEY, Program, midflight, root};

const CONFIG: &str = "\
version: 1
keys: {k: {env: MIDFLIGHT_KEY}}
unlisted: pass
streams:
  users:
    stages:
      - filter: \"country <> 'XX'\"
      - mask: {column: email, with: hash, key: k}
";

/// A folder with everything a sync needs.
struct Place {
    folder: TempDir,
    source: Value,
    destination: Value,
}

fn catalog(modes: [&str; 2]) -> Value {
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}, "email": {"type": "string"},
        "country": {"type": "string"}, "cursor": {"type": "integer"}}});
    let [read, write] = modes;
    let streams = ["users", "orders"].map(|name| {
        json!({"stream": {"name": name, "json_schema": schema, "supported_sync_modes": [read]}, "sync_mode": read,
            "destination_sync_mode": write, "primary_key": [["id"]], "cursor_field": ["cursor"]})
    });
    json!({"streams": streams})
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Self {
            folder,
            source: json!({"streams": {"users": 30, "orders": 12}, "given": "source_given.json"}),
            destination: json!({"rows": "rows.jsonl", "given": "destination_given.json"}),
        };
        place.put("midflight.yaml", CONFIG);
        place.put(
            "catalog.json",
            &catalog(["incremental", "append"]).to_string(),
        );
        place
    }

    /// With more said about the source and the destination.
    fn with(mut self, source: Value, destination: Value) -> Self {
        for (config, more) in [
            (&mut self.source, source),
            (&mut self.destination, destination),
        ] {
            for (key, value) in more.as_object().expect("an object") {
                config[key] = value.clone();
            }
        }
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a file");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap_or_default()
    }

    fn program(&self, further: &[&str]) -> Program {
        self.put("source.json", &self.source.to_string());
        self.put("destination.json", &self.destination.to_string());
        let [source, destination] = ["source.py", "destination.py"].map(|name| {
            format!(
                "python3 '{}'",
                root().join("tests/sync").join(name).display()
            )
        });
        let arguments = [
            "sync",
            "--source",
            &source,
            "--destination",
            &destination,
            "--source-config",
            "source.json",
            "--destination-config",
            "destination.json",
            "--catalog",
            "catalog.json",
            "--state",
            "state.json",
            "--config",
            "midflight.yaml",
            "--format",
            "json",
        ];
        midflight(&[&arguments[..], further].concat())
            .within(self.path())
            .env("MIDFLIGHT_KEY", KEY)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
    }

    fn run(&self) -> (Ended, Value) {
        let ended = self.program(&[]).run("");
        let told = serde_json::from_slice(&ended.stdout).unwrap_or_default();
        (ended, told)
    }

    /// Rows in the destination, by stream.
    fn rows(&self) -> BTreeMap<String, Vec<i64>> {
        let mut rows: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for line in self.text("rows.jsonl").lines() {
            let row: Value = serde_json::from_str(line).expect("a row");
            let stream = row["stream"].as_str().expect("a name").to_owned();
            rows.entry(stream)
                .or_default()
                .push(row["data"]["id"].as_i64().expect("an id"));
        }
        rows
    }

    /// How far the state file says that a stream was read.
    fn cursor(&self, stream: &str) -> i64 {
        let states = self.json("state.json");
        let states = states.as_array().cloned().unwrap_or_default();
        let cursor = |holder: &Value| {
            (holder["stream_descriptor"]["name"] == stream)
                .then(|| holder["stream_state"]["cursor"].as_i64())
                .flatten()
        };
        let of = |state: &Value| match state["type"].as_str() {
            Some("STREAM") => cursor(&state["stream"]),
            Some("GLOBAL") => state["global"]["stream_states"]
                .as_array()
                .and_then(|all| all.iter().find_map(cursor)),
            _ => state["data"][stream].as_i64(),
        };
        states.iter().find_map(of).unwrap_or(0)
    }

    /// Whether every row that the state file covers is there, once.
    fn covers_what_is_there(&self) {
        let rows = self.rows();
        for (stream, keeps) in [("users", [1, 2].as_slice()), ("orders", &[0, 1, 2])] {
            let expected = (1..=self.cursor(stream)).filter(|id| keeps.contains(&(id % 3)));
            let there = rows.get(stream).cloned().unwrap_or_default();
            for id in expected {
                assert!(
                    there.contains(&id),
                    "{stream} {id} is covered and not there"
                );
            }
        }
    }
}

/// The ids up to `count` that the filter keeps.
fn kept(count: i64) -> Vec<i64> {
    (1..=count).filter(|id| id % 3 != 0).collect()
}

#[test]
fn rows_arrive_states_are_kept_and_the_next_run_goes_on() {
    for kind in ["STREAM", "GLOBAL", "LEGACY"] {
        let mut place = Place::new().with(
            json!({"kind": kind, "statuses": true}),
            json!({"needs_complete": true}),
        );
        let (ended, told) = place.run();
        assert_eq!(ended.code, 0, "{kind}: {}", ended.stderr);
        assert_eq!(place.rows()["users"], kept(30), "{kind}");
        assert_eq!(place.rows()["orders"], (1..=12).collect::<Vec<_>>());
        assert!(!place.text("rows.jsonl").contains('@') || !place.text("rows.jsonl").contains("\"stream\": \"users\", \"generation\": 0, \"data\": {\"id\": 1, \"email\": \"u1@"));
        assert_eq!(
            (place.cursor("users"), place.cursor("orders")),
            (30, 12),
            "{kind}"
        );
        assert_eq!(told["outcome"], "succeeded");
        assert_eq!(told["records"]["read"], 42);
        assert_eq!(told["records"]["filtered"], 10);
        assert_eq!(told["states"]["handed_on"], told["states"]["given_back"]);
        assert_eq!(told["states"]["missing"], 0);
        assert_eq!(told["source"]["exit_code"], 0);
        let given = place.json("destination_given.json");
        assert_eq!(
            given["complete"],
            json!(["users", "orders"]),
            "every stream, once"
        );
        assert_eq!(given["types"], json!(["RECORD", "STATE", "TRACE"]));
        // What belongs to a run is not kept.
        let state = place.text("state.json");
        assert!(
            !state.contains("sourceStats")
                && !state.contains("\"id\"")
                && !state.contains("destinationStats"),
            "{state}"
        );

        place.source["streams"] = json!({"users": 35, "orders": 12});
        let (ended, told) = place.run();
        assert_eq!(ended.code, 0, "{kind}: {}", ended.stderr);
        assert_eq!(told["records"]["read"], 5, "{kind}: only what is new");
        assert_eq!(
            place.json("source_given.json")["state"]
                .as_array()
                .map(Vec::is_empty),
            Some(false)
        );
        assert_eq!(place.rows()["users"], kept(35), "{kind}");
        place.covers_what_is_there();
    }
}

#[test]
fn a_destination_gives_states_back_as_it_likes() {
    for (echo, cursor, late, unknown, missing) in [
        ("in_order", 30, 0, 0, false),
        ("without_ids", 30, 0, 0, false),
        ("reversed", 30, 1, 0, false),
        ("never", 0, 0, 0, true),
        ("unknown", 0, 0, 1, true),
    ] {
        let place = Place::new().with(
            json!({"streams": {"users": 30}}),
            json!({"echo": echo, "noise": true}),
        );
        let (ended, told) = place.run();
        assert_eq!(ended.code, 0, "{echo}: {}", ended.stderr);
        assert_eq!(place.cursor("users"), cursor, "{echo}");
        let states = &told["states"];
        assert!(
            states["late"].as_u64().expect("a count") >= late,
            "{echo} {states}"
        );
        assert!(
            states["unknown"].as_u64().expect("a count") >= unknown,
            "{echo} {states}"
        );
        assert_eq!(
            states["missing"].as_u64().expect("a count") > 0,
            missing,
            "{echo} {states}"
        );
        for says in [
            "destination: INFO a word of the destination",
            "destination: ERROR a complaint of the destination",
            "destination: a line on stderr of the destination",
            "destination: INFO a line that is no message (30 bytes); its text is withheld",
        ] {
            assert!(ended.stderr.contains(says), "{echo}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    }
}

#[test]
fn what_the_source_says_goes_to_people_and_not_to_the_destination() {
    let place = Place::new().with(json!({"noise": true, "statuses": true}), json!({}));
    let (ended, _) = place.run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for says in [
        "source: WARN a word of the source",
        "source: WARN asks for another configuration of itself, which is not kept",
        "source: a line on stderr of the source",
        "source: stream `users` COMPLETE",
        "midflight: INFO line 5 is not an Airbyte message",
    ] {
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    let types = &place.json("destination_given.json")["types"];
    assert_eq!(*types, json!(["RECORD", "STATE", "TRACE"]));
}

#[test]
fn a_source_that_fails_leaves_what_it_had_sent() {
    for (how, says) in [
        (
            json!({"die_after": 17, "exit": 7}),
            "the source ended with exit code 7",
        ),
        (
            json!({"die_after": 17, "signal": 9}),
            "the source was ended by signal 9",
        ),
        (
            json!({"die_after": 17, "signal": 9, "torn": true}),
            "the source was ended by signal 9",
        ),
        (
            json!({"exit": 3, "statuses": true}),
            "the source ended with exit code 3",
        ),
    ] {
        let whole = how.get("die_after").is_none();
        let place = Place::new().with(how, json!({}));
        let (ended, told) = place.run();
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("error: {says}")),
            "{}",
            ended.stderr
        );
        assert_eq!(told["error"]["exit_code"], 4);
        assert_eq!(place.json("destination_given.json")["complete"], json!([]));
        assert_eq!(place.cursor("users"), if whole { 30 } else { 10 });
        place.covers_what_is_there();
        // What was sent behind the last state is sent again, and there is no gap.
        let place = Place {
            source: json!({"streams": {"users": 30, "orders": 12}}),
            ..place
        };
        let (ended, _) = place.run();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(place.rows()["users"], kept(30));
    }
}

#[test]
fn a_destination_that_fails_stops_the_source() {
    for (how, says) in [
        (
            json!({"die_after": 15, "exit": 6}),
            "the destination ended with exit code 6",
        ),
        (
            json!({"die_after": 15, "signal": 9}),
            "the destination was ended by signal 9",
        ),
        (
            json!({"die_after": 15, "exit": 0}),
            "the destination ended before its input did",
        ),
        (json!({"exit": 5}), "the destination ended with exit code 5"),
    ] {
        // A source that would take half an hour is stopped at once, one that is quiet too.
        let slow = how.get("die_after").is_some();
        let source = match slow {
            true => json!({"streams": {"users": 40}, "pause": 0.02, "hang": true}),
            false => json!({}),
        };
        let place = Place::new().with(source, how);
        let began = Instant::now();
        let (ended, told) = place.run();
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("error: {says}")),
            "{says}: {}",
            ended.stderr
        );
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it was not waited for"
        );
        assert_eq!(told["outcome"], "failed");
        if slow {
            // The fifteenth that the filter keeps is the twenty-second.
            assert_eq!(place.cursor("users"), 20);
        }
        place.covers_what_is_there();
    }
}

#[test]
fn the_engines_own_failure_ends_both_in_order() {
    let place = Place::new().with(json!({"pause": 0.01, "broken_after": 17}), json!({}));
    let (ended, told) = place.run();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("error: line 19"), "{}", ended.stderr);
    assert_eq!(told["outcome"], "failed");
    assert_eq!(place.json("destination_given.json")["complete"], json!([]));
    assert_eq!(place.cursor("users"), 10, "what came before is kept");
    place.covers_what_is_there();
}

#[test]
fn what_connectors_leave_behind_does_not_keep_a_sync_from_its_end() {
    for (source, code) in [(json!({}), 0), (json!({"die_after": 17, "signal": 9}), 4)] {
        let place = Place::new()
            .with(source, json!({"child": true}))
            .with(json!({"child": true}), json!({}));
        let began = Instant::now();
        let (ended, _) = place.run();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "nobody was waited for"
        );
        place.covers_what_is_there();
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_starts() {
    type Change = fn(&Place);
    let cases: [(Change, &[&str], i32, &str); 9] = [
        (
            |place| place.put("state.json", "{oops"),
            &[],
            2,
            "state.json: this is no JSON, at line 1 column 2",
        ),
        (
            |place| place.put("state.json", "{}"),
            &[],
            2,
            "this is no list",
        ),
        (
            |place| {
                place.put(
                    "state.json",
                    r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"invoices"}}}]"#,
                )
            },
            &[],
            2,
            "the state of another sync: it knows `invoices`",
        ),
        (
            |place| {
                place.put(
                    "state.json.midflight",
                    r#"{"version":1,"source":"x","destination":"y","syncs":1,"streams":[]}"#,
                )
            },
            &[],
            2,
            "kept for another source",
        ),
        (
            |place| {
                place.put(
                    "midflight.yaml",
                    "version: 1\nstreams: {users: {stages: [{drop: nmae}]}}",
                )
            },
            &[],
            2,
            "midflight.yaml:2",
        ),
        (
            |_| {},
            &["--source", "python3 'x"],
            2,
            "--source: a ' is not closed",
        ),
        (
            |_| {},
            &["--catalog", "missing.json"],
            2,
            "missing.json cannot be read",
        ),
        (
            |_| {},
            &["--destination-config", "missing.json"],
            2,
            "--destination-config: there is no file missing.json",
        ),
        (
            |_| {},
            &["--destination", "/no/such/destination"],
            4,
            "the destination `/no/such/destination` cannot be started",
        ),
    ];
    for (change, instead, code, says) in cases {
        let place = Place::new();
        change(&place);
        let before = place.text("state.json");
        let program = place.program(&[]);
        let mut command = program.command();
        let given: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
        if let [option, value] = instead {
            let mut given = given.clone();
            let at = given
                .iter()
                .position(|word| word == option)
                .expect("an option");
            given[at + 1] = (*value).into();
            let envs: Vec<_> = command
                .get_envs()
                .map(|(k, v)| (k.to_owned(), v.map(std::ffi::OsStr::to_owned)))
                .collect();
            command = std::process::Command::new(env!("CARGO_BIN_EXE_midflight"));
            command.args(given).current_dir(place.path()).env_clear();
            command.envs(envs.into_iter().filter_map(|(k, v)| Some((k, v?))));
        }
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{says}: {stderr}");
        assert!(stderr.contains(says), "{says}: {stderr}");
        assert!(stderr.contains("hint:") || code == 2, "{stderr}");
        assert_eq!(
            place.text("source_given.json"),
            "",
            "{says}: the source was not started"
        );
        assert_eq!(
            place.text("state.json"),
            if code == 4 { before.clone() } else { before },
            "{says}"
        );
    }
}

fn start(place: &Place) -> Child {
    let mut command = place.program(&[]).command();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

fn wait_for(what: &str, until: impl Fn() -> bool) {
    let began = Instant::now();
    while !until() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn two_runs_on_one_state_file_do_not_meet() {
    let place = Place::new().with(json!({"streams": {"users": 200}, "pause": 0.02}), json!({}));
    let first = start(&place);
    wait_for("the first run reads", || {
        !place.text("rows.jsonl").is_empty()
    });
    let (second, _) = place.run();
    assert_eq!(second.code, 1, "{}", second.stderr);
    assert!(
        second
            .stderr
            .contains("another sync is keeping its states in state.json"),
        "{}",
        second.stderr
    );
    let output = first.wait_with_output().expect("the first ends");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(place.cursor("users"), 200);
}

#[test]
fn a_signal_ends_both_and_nothing_is_declared_complete() {
    for (hang, signal) in [(true, "TERM"), (false, "INT")] {
        // The source obeys with exit code 0, as if it had done its work.
        let place = Place::new().with(
            json!({"streams": {"users": if hang { 20 } else { 400 }}, "pause": 0.01, "hang": hang}),
            json!({}),
        );
        let run = start(&place);
        wait_for("states are kept", || place.cursor("users") >= 10);
        let sent = std::process::Command::new("kill")
            .args([format!("-{signal}"), run.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
        let output = run.wait_with_output().expect("an end");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{stderr}");
        assert_eq!(place.json("destination_given.json")["complete"], json!([]));
        assert!(
            stderr.contains("a signal asked")
                || stderr.contains("the destination was ended by signal"),
            "{stderr}"
        );
        place.covers_what_is_there();
    }
}

#[test]
fn a_full_refresh_is_read_anew_once_it_was_complete() {
    let mut place = Place::new();
    place.put(
        "catalog.json",
        &catalog(["full_refresh", "overwrite"]).to_string(),
    );
    let ids = |place: &Place| {
        let given = &place.json("destination_given.json")["catalog"]["streams"][0];
        ["generation_id", "minimum_generation_id", "sync_id"]
            .map(|key| given[key].as_i64().unwrap_or(-1))
    };
    let (ended, _) = place.run();
    assert_eq!(
        (ended.code, ids(&place)),
        (0, [1, 1, 1]),
        "{}",
        ended.stderr
    );
    // Complete: its state is of an earlier generation, and is not given to the source.
    let (ended, told) = place.run();
    assert_eq!(
        (ended.code, ids(&place)),
        (0, [2, 2, 2]),
        "{}",
        ended.stderr
    );
    assert_eq!(told["records"]["read"], 42, "all of it");
    assert_eq!(place.json("source_given.json")["state"], json!([]));
    // It fails: the same generation goes on behind the state that was kept.
    place.source["die_after"] = json!(15);
    let (ended, _) = place.run();
    assert_eq!(
        (ended.code, ids(&place)),
        (4, [3, 3, 3]),
        "{}",
        ended.stderr
    );
    assert_eq!(place.cursor("users"), 10);
    place.source["die_after"] = Value::Null;
    let (ended, told) = place.run();
    assert_eq!(
        (ended.code, ids(&place)),
        (0, [3, 3, 4]),
        "{}",
        ended.stderr
    );
    assert_eq!(told["records"]["read"], 32, "behind the tenth user");
    // It fails before there is a state: nothing can be gone on with.
    place.source["die_after"] = json!(5);
    let (ended, _) = place.run();
    assert_eq!(
        (ended.code, ids(&place)),
        (4, [4, 4, 5]),
        "{}",
        ended.stderr
    );
    assert_eq!(
        place.json("state.json"),
        json!([]),
        "nothing of the generation before"
    );
    place.source["die_after"] = Value::Null;
    let (ended, told) = place.run();
    assert_eq!(
        (ended.code, ids(&place)),
        (0, [5, 5, 6]),
        "{}",
        ended.stderr
    );
    assert_eq!(told["records"]["read"], 42);
    // The source is given the same numbers. This stream never had a state that it could go on from.
    let given = &place.json("source_given.json")["catalog"]["streams"][1];
    assert_eq!(
        (given["generation_id"].as_i64(), given["sync_id"].as_i64()),
        (Some(6), Some(6))
    );
}

#[test]
fn a_stream_that_is_said_to_be_incomplete_is_not_declared_complete() {
    let place = Place::new().with(
        json!({"statuses": true, "incomplete": ["orders"]}),
        json!({}),
    );
    let (ended, told) = place.run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        place.json("destination_given.json")["complete"],
        json!(["users"])
    );
    assert_eq!(
        (
            told["streams"]["users"]["complete"].as_bool(),
            told["streams"]["orders"]["complete"].as_bool()
        ),
        (Some(true), Some(false))
    );
    assert!(
        ended
            .stderr
            .contains("stream `orders` is not declared complete"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_state_file_that_cannot_be_written_ends_the_sync() {
    // Root may write everywhere: a folder stands where the file would be renamed to.
    let place = Place::new().with(
        json!({"streams": {"users": 2000}, "pause": 0.005}),
        json!({}),
    );
    let run = start(&place);
    wait_for("states are kept", || place.cursor("users") >= 10);
    fs::remove_file(place.path().join("state.json")).expect("it was there");
    fs::create_dir_all(place.path().join("state.json/x")).expect("a folder");
    let output = run.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("state.json cannot be written"), "{stderr}");
}

/// Runs `source | midflight pipe --standalone | destination`. Gives the middle's end and what the destination was told.
fn standalone(place: &Place, further: &[&str]) -> (Ended, Value) {
    place.put("source.json", &place.source.to_string());
    place.put("destination.json", &place.destination.to_string());
    let python = |script: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new("python3");
        command
            .arg(root().join("tests/sync").join(script))
            .args(arguments)
            .current_dir(place.path());
        command
    };
    let mut source = python(
        "source.py",
        &[
            "read",
            "--config",
            "source.json",
            "--catalog",
            "catalog.json",
        ],
    );
    let sent = source
        .stderr(Stdio::null())
        .output()
        .expect("the source runs")
        .stdout;
    let arguments = [
        "pipe",
        "--standalone",
        "--config",
        "midflight.yaml",
        "--catalog",
        "catalog.json",
    ];
    let program = midflight(&[&arguments[..], further].concat())
        .within(place.path())
        .env("MIDFLIGHT_KEY", KEY);
    let ended = program.run(&sent);
    let mut destination = python(
        "destination.py",
        &[
            "write",
            "--config",
            "destination.json",
            "--catalog",
            "catalog.json",
        ],
    );
    let mut child = destination
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the destination starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, &ended.stdout).expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("an end").success(), "{}", ended.text());
    (ended, place.json("destination_given.json"))
}

#[test]
fn a_standalone_pipe_declares_complete_what_the_source_did() {
    for (source, further, complete) in [
        (
            json!({"statuses": true}),
            &[][..],
            json!(["users", "orders"]),
        ),
        (
            json!({"statuses": true}),
            &["--observe"],
            json!(["users", "orders"]),
        ),
        (json!({}), &[], json!([])),
        (
            json!({}),
            &["--source-complete", "always"],
            json!(["users", "orders"]),
        ),
        (
            json!({"statuses": true, "die_after": 33}),
            &[],
            json!(["users"]),
        ),
        (
            json!({"statuses": true, "die_after": 33}),
            &["--source-complete", "always"],
            json!(["users"]),
        ),
        (
            json!({"statuses": true, "incomplete": ["users"]}),
            &[],
            json!([]),
        ),
        (
            json!({"statuses": true, "error": true}),
            &["--source-complete", "always"],
            json!([]),
        ),
    ] {
        let place = Place::new().with(source.clone(), json!({}));
        let (ended, given) = standalone(&place, further);
        assert_eq!(ended.code, 0, "{source} {}", ended.stderr);
        assert_eq!(given["complete"], complete, "{source} {further:?}");
        let warns = complete.as_array().map(Vec::len) != Some(2);
        assert_eq!(
            ended.stderr.contains("not declared complete"),
            warns,
            "{}",
            ended.stderr
        );
        let states: Vec<Value> = ended
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a message"))
            .filter(|message: &Value| message["type"] == "STATE")
            .collect();
        let ids: Vec<_> = states
            .iter()
            .map(|state| state["state"]["id"].as_u64().expect("an id"))
            .collect();
        assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_standalone_pipe_gives_records_and_states_alone() {
    let mut place = Place::new().with(
        json!({"noise": true, "statuses": true, "error": true}),
        json!({}),
    );
    for further in [&[][..], &["--observe"]] {
        let (ended, given) = standalone(&place, further);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(
            given["types"],
            json!(["RECORD", "STATE"]),
            "{}",
            ended.text()
        );
        for says in [
            "source: WARN a word of the source",
            "source: ERROR the source says that it failed",
        ] {
            assert!(ended.stderr.contains(says), "{}", ended.stderr);
        }
        assert!(!ended.stderr.contains("s3cret") && !ended.text().contains("s3cret"));
    }
    // An id that is there is kept, and no other state gets it.
    place.source = json!({"streams": {}});
    let state = |name: &str, id: &str| {
        format!(
            "{{\"type\":\"STATE\",\"state\":{{\"type\":\"STREAM\",\"stream\":{{\"stream_descriptor\":{{\"name\":\"{name}\"}}}}{id}}}}}\n"
        )
    };
    let input = [
        state("users", ""),
        state("users", ",\"id\":7"),
        state("orders", ""),
        state("users", ",\"id\":null"),
    ]
    .concat();
    let program =
        midflight(&["pipe", "--standalone", "--catalog", "catalog.json"]).within(place.path());
    let ended = program.run(&input);
    let ids: Vec<_> = ended
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["state"]["id"].as_u64())
        .collect();
    assert_eq!(
        ids,
        [Some(1), Some(7), Some(8), Some(9)],
        "{}",
        ended.text()
    );
    let ended = midflight(&["pipe", "--standalone"])
        .within(place.path())
        .run("");
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("--standalone needs the catalog"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_standalone_pipe_that_fails_declares_nothing_complete() {
    let place = Place::new().with(json!({"statuses": true, "broken_after": 35}), json!({}));
    let (ended, given) = standalone(&place, &["--source-complete", "always"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(given["complete"], json!([]));
    assert_eq!(
        given["types"],
        json!(["RECORD", "STATE"]),
        "no TRACE ERROR goes to the destination"
    );
}
