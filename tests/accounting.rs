//! Counts of STATEs wherever midflight stands: what a destination that counts must be told, and what a platform
//! compares. Records are filtered, rejected, multiplied and copied on their way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Ended, KEY, midflight, root};

const CONFIG: &str = "\
version: 1
keys: {k: {env: MIDFLIGHT_KEY}}
unlisted: pass
reject: {to: rejects}
streams:
  \"*tickets\":
    stages:
      - filter: \"country <> 'XX'\"
      - mask: {column: email, with: hash, key: k}
      - embed: {text: \"{{notes}}\", output: stream, chunk: {tokens: 12, overlap: 3}, before_masking: true}
  \"*others\":
";

const NOTES: &str = "The parcel came late. It was broken! Please send my money back today.\n\nI paid twice for the \
    blue box, and the small one is still missing.";

/// Records of `tickets` and `others` before each checkpoint.
const PARTS: [(u64, u64); 4] = [(7, 2), (0, 3), (11, 0), (1, 1)];

/// A sync: messages, and what each of its STATEs covers.
struct Sync {
    /// What the platform puts before the names of streams; states over all streams do not have it.
    prefix: &'static str,
    lines: Vec<Value>,
    covers: Vec<Covers>,
}

/// Records of a STATE: how many came, and how many of them are filtered or rejected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Covers {
    came: u64,
    left_out: u64,
}

impl Sync {
    fn new(kind: &'static str, prefix: &'static str) -> Self {
        let mut sync = Self {
            prefix,
            lines: Vec::new(),
            covers: Vec::new(),
        };
        let mut id = 0;
        for (tickets, others) in PARTS {
            let mut covers = [Covers::default(); 2];
            for n in 0..tickets.max(others) {
                if n < tickets {
                    id += 1;
                    covers[0].came += 1;
                    covers[0].left_out += u64::from(id % 5 < 2);
                    sync.ticket(id);
                }
                if n < others {
                    covers[1].came += 1;
                    sync.record("others", json!({"id": n}));
                }
            }
            match kind {
                "STREAM" => {
                    sync.state(
                        json!({"type": kind, "stream": sync.entry("tickets")}),
                        covers[0],
                    );
                    sync.state(
                        json!({"type": kind, "stream": sync.entry("others")}),
                        covers[1],
                    );
                }
                _ => {
                    let [a, b] = covers;
                    let both = Covers {
                        came: a.came + b.came,
                        left_out: a.left_out + b.left_out,
                    };
                    let listed = ["tickets", "others"]
                        .map(|name| json!({"stream_descriptor": {"name": name}}));
                    let state = match kind {
                        "GLOBAL" => {
                            json!({"type": kind, "global": {"shared_state": {"n": id}, "stream_states": listed}})
                        }
                        _ => json!({"type": kind, "data": {"n": id}}),
                    };
                    sync.state(state, both);
                }
            }
        }
        sync
    }

    fn entry(&self, name: &str) -> Value {
        json!({"stream_descriptor": {"name": format!("{}{name}", self.prefix)}, "stream_state": {}})
    }

    /// Every fifth is filtered, and of every fifth the mask cannot be applied.
    fn ticket(&mut self, id: u64) {
        let email = if id % 5 == 1 {
            json!({"a": 7})
        } else {
            json!("a@b.de")
        };
        let country = if id.is_multiple_of(5) { "XX" } else { "DE" };
        self.record(
            "tickets",
            json!({"id": id, "email": email, "country": country, "notes": NOTES}),
        );
    }

    fn record(&mut self, stream: &str, data: Value) {
        let stream = format!("{}{stream}", self.prefix);
        self.lines.push(
            json!({"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}}),
        );
    }

    /// A STATE as a platform sends it: with a true count, and an id.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are doubles in the protocol"
    )]
    fn state(&mut self, mut state: Value, covers: Covers) {
        self.covers.push(covers);
        state["id"] = json!(self.covers.len());
        state["sourceStats"] = json!({"recordCount": covers.came as f64});
        self.lines.push(json!({"type": "STATE", "state": state}));
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn states(&self) -> Vec<Value> {
        self.lines
            .iter()
            .filter(|line| line["type"] == "STATE")
            .cloned()
            .collect()
    }

    fn catalog(&self, modes: [&str; 2], ids: Option<[i64; 3]>) -> Value {
        let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}, "email": {"type": "string"},
            "country": {"type": "string"}, "notes": {"type": "string"}}});
        let streams = ["tickets", "others"].map(|name| {
            let mut stream = json!({"stream": {"name": format!("{}{name}", self.prefix), "json_schema": schema},
                "sync_mode": modes[0], "destination_sync_mode": modes[1], "primary_key": [["id"]],
                "generation_id": null, "minimum_generation_id": null, "sync_id": null});
            if let Some(ids) = ids {
                for (key, id) in ["generation_id", "minimum_generation_id", "sync_id"].iter().zip(ids) {
                    stream[*key] = json!(id);
                }
            }
            stream
        });
        json!({"streams": streams})
    }
}

/// What was written, in its order.
struct Written {
    lines: Vec<Value>,
}

impl Written {
    fn of(text: &str) -> Self {
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a message"));
        Self {
            lines: lines.collect(),
        }
    }

    fn states(&self) -> Vec<&Value> {
        self.lines
            .iter()
            .filter(|line| line["type"] == "STATE")
            .collect()
    }

    /// Records before each STATE that it covers, and the chunks among them.
    fn covered(&self, kind: &str) -> Vec<[u64; 2]> {
        let mut open: BTreeMap<String, u64> = BTreeMap::new();
        let mut covered = Vec::new();
        for line in &self.lines {
            if line["type"] == "RECORD" {
                let stream = line["record"]["stream"].as_str().expect("a name");
                *open.entry(stream.to_owned()).or_default() += 1;
            } else if line["type"] == "STATE" {
                covered.push(match kind {
                    "STREAM" => {
                        let name = line["state"]["stream"]["stream_descriptor"]["name"].as_str();
                        [open.remove(name.expect("a name")).unwrap_or(0), 0]
                    }
                    _ => {
                        let all = std::mem::take(&mut open);
                        let chunks = all.iter().filter(|(name, _)| name.ends_with("_chunks"));
                        [all.values().sum(), chunks.map(|(_, count)| count).sum()]
                    }
                });
            }
        }
        covered
    }
}

fn count(state: &Value, stats: &str, key: &str) -> Option<u64> {
    let count = state["state"][stats][key].as_f64()?;
    // With a decimal point, as the protocol wants it.
    assert!(
        state.to_string().contains(&format!("\"{key}\":{count:.1}")),
        "{state}"
    );
    Some(count as u64)
}

fn folder(sync: &Sync, catalog: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("midflight.yaml", CONFIG.to_owned()),
        ("catalog.json", catalog.to_string()),
        ("input.jsonl", sync.text()),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn append(sync: &Sync) -> Value {
    sync.catalog(["incremental", "append"], None)
}

/// What a platform compares when a destination gives states back.
fn platform_is_satisfied(sync: &Sync, back: &[&Value]) {
    let sent = sync.states();
    assert_eq!(back.len(), sent.len(), "every state, once");
    for ((sent, back), covers) in sent.iter().zip(back).zip(&sync.covers) {
        let stored = count(back, "destinationStats", "recordCount").expect("a count");
        let rejected = count(back, "destinationStats", "rejectedRecordCount").expect("a count");
        assert_eq!(stored + rejected, covers.came, "{back}");
        assert_eq!(
            count(back, "sourceStats", "recordCount"),
            Some(covers.came),
            "{back}"
        );
        assert_eq!(back["state"]["id"], sent["state"]["id"]);
        let opaque = |state: &Value| {
            let mut state = state["state"].clone();
            for key in ["sourceStats", "destinationStats"] {
                state.as_object_mut().expect("an object").shift_remove(key);
            }
            state
        };
        assert_eq!(
            opaque(sent),
            opaque(back),
            "the state itself is the source's"
        );
    }
}

#[test]
fn behind_a_source_a_state_says_what_has_left() {
    for kind in ["STREAM", "GLOBAL", "LEGACY"] {
        let sync = Sync::new(kind, "");
        let folder = folder(&sync, &append(&sync));
        for further in [&[][..], &["--standalone"], &["--chunk-bytes", "300"]] {
            let arguments = [
                "pipe",
                "--config",
                "midflight.yaml",
                "--catalog",
                "catalog.json",
            ];
            let program = midflight(&[&arguments[..], further].concat())
                .within(folder.path())
                .env("MIDFLIGHT_KEY", KEY);
            let ended = program.run(sync.text());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            let written = Written::of(ended.text());
            let states = written.states();
            let covered = written.covered(kind);
            assert_eq!(
                (states.len(), covered.len()),
                (sync.covers.len(), sync.covers.len())
            );
            let mut chunks = 0;
            for ((state, [left, made]), covers) in states.iter().zip(covered).zip(&sync.covers) {
                // N − d + x, and what really was emitted: a destination that counts waits for exactly that.
                assert_eq!(left, covers.came - covers.left_out + made, "{kind} {state}");
                assert_eq!(
                    count(state, "sourceStats", "recordCount"),
                    Some(left),
                    "{kind} {state}"
                );
                chunks += made;
            }
            assert_eq!(
                chunks > 0,
                kind != "STREAM",
                "states of single streams leave chunks out"
            );
            let source = states.iter().map(|state| state["state"]["id"].as_u64());
            let ids: Vec<_> = (1..=states.len() as u64).map(Some).collect();
            assert_eq!(
                source.collect::<Vec<_>>(),
                ids,
                "ids that are there are kept"
            );
        }
    }
}

#[test]
fn as_a_destination_a_state_comes_back_with_what_became_of_its_records() {
    for (kind, prefix) in [
        ("STREAM", ""),
        ("GLOBAL", ""),
        ("LEGACY", ""),
        ("STREAM", "raw_"),
        ("GLOBAL", "raw_"),
    ] {
        let sync = Sync::new(kind, prefix);
        let folder = folder(&sync, &append(&sync));
        let config = CONFIG.replace(
            "reject: {to: rejects}",
            &format!(
                "reject: {{to: {}}}",
                folder.path().join("rejects").display()
            ),
        );
        let settings = json!({"stage": folder.path().join("stage"), "config": config,
            "secrets": [{"name": "MIDFLIGHT_KEY", "value": KEY}]});
        fs::write(folder.path().join("destination.json"), settings.to_string()).expect("a file");
        let arguments = [
            "destination",
            "write",
            "--config",
            "destination.json",
            "--catalog",
            "catalog.json",
        ];
        let ended = midflight(&arguments).within(folder.path()).run(sync.text());
        assert_eq!(ended.code, 0, "{kind} {}", ended.stderr);
        let written = Written::of(ended.text());
        let back = written.states();
        platform_is_satisfied(&sync, &back);
        for (state, covers) in back.iter().zip(&sync.covers) {
            let rejected = count(state, "destinationStats", "rejectedRecordCount");
            assert_eq!(rejected, Some(covers.left_out), "{kind} {prefix} {state}");
        }
    }
}

/// Runs the wrapped destination of the tests. Gives how it ended and what the platform was told.
fn wrapped(folder: &Path, sync: &Sync, inner: Value, job: Option<&str>) -> (Ended, Written, Value) {
    let mut config = json!({"rows": folder.join("rows.jsonl"), "given": folder.join("given.json")});
    for (key, value) in inner.as_object().expect("an object") {
        config[key] = value.clone();
    }
    let rejects = folder.join("rejects");
    let policy = CONFIG.replace(
        "reject: {to: rejects}",
        &format!("reject: {{to: {}}}", rejects.display()),
    );
    let policy = match config
        .as_object_mut()
        .and_then(|config| config.shift_remove("assume"))
    {
        Some(_) => format!("{policy}assume_complete: true\n"),
        None => policy,
    };
    config["midflight"] =
        json!({"config": policy, "secrets": [{"name": "MIDFLIGHT_KEY", "value": KEY}]});
    fs::write(folder.join("config.json"), config.to_string()).expect("a file");
    let script = root()
        .join("tests/sync/destination.py")
        .display()
        .to_string();
    let arguments = [
        "wrap",
        "--",
        "python3",
        &script,
        "write",
        "--config",
        "config.json",
        "--catalog",
        "catalog.json",
    ];
    let mut program = midflight(&arguments)
        .within(folder)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    if let Some(job) = job {
        program = program.env("WORKER_JOB_ID", job);
    }
    let ended = program.run(sync.text());
    let written = Written::of(ended.text());
    let given = fs::read_to_string(folder.join("given.json")).unwrap_or_default();
    (
        ended,
        written,
        serde_json::from_str(&given).unwrap_or_default(),
    )
}

#[test]
fn around_a_destination_both_sides_are_told_what_they_count() {
    for (kind, prefix) in [
        ("STREAM", ""),
        ("GLOBAL", ""),
        ("LEGACY", ""),
        ("STREAM", "raw_"),
        ("GLOBAL", "raw_"),
    ] {
        for (inner, some) in [
            (json!({}), false),
            (json!({"reject": 4}), true),
            (json!({"echo": "without_ids"}), false),
            (json!({"echo": "reversed"}), false),
        ] {
            let sync = Sync::new(kind, prefix);
            let folder = folder(
                &sync,
                &sync.catalog(["incremental", "append"], Some([3, 0, 9])),
            );
            // The inner one compares each state with what has arrived, and ends with 9 where they differ.
            let (ended, written, given) = wrapped(folder.path(), &sync, inner.clone(), None);
            assert_eq!(ended.code, 0, "{kind} {prefix} {inner} {}", ended.stderr);
            let mut back = written.states();
            back.sort_by_key(|state| state["state"]["id"].as_u64());
            platform_is_satisfied(&sync, &back);
            for (state, covers) in back.iter().zip(&sync.covers) {
                let rejected =
                    count(state, "destinationStats", "rejectedRecordCount").expect("a count");
                assert!(rejected >= covers.left_out, "{state}");
                assert!(
                    some || rejected == covers.left_out,
                    "{kind} {prefix} {inner} {state}"
                );
            }
            let ids = &given["catalog"]["streams"];
            assert_eq!(
                (&ids[0]["generation_id"], &ids[2]["sync_id"]),
                (&json!(3), &json!(9)),
                "with its second stream"
            );
            assert_eq!(
                given["complete"],
                json!([]),
                "the platform said nothing of it"
            );
        }
    }
}

#[test]
fn a_platform_without_generations_is_made_up_for() {
    for (modes, inner, complete, minimum) in [
        (["incremental", "append"], json!({}), 3, 0),
        (["full_refresh", "overwrite"], json!({}), 0, 812),
        (
            ["full_refresh", "overwrite"],
            json!({"assume": true}),
            3,
            812,
        ),
    ] {
        let sync = Sync::new("STREAM", "");
        let folder = folder(&sync, &sync.catalog(modes, None));
        let (ended, written, given) = wrapped(folder.path(), &sync, inner.clone(), Some("812"));
        assert_eq!(ended.code, 0, "{inner} {}", ended.stderr);
        platform_is_satisfied(&sync, &written.states());
        for stream in given["catalog"]["streams"].as_array().expect("streams") {
            assert_eq!(
                (
                    &stream["generation_id"],
                    &stream["minimum_generation_id"],
                    &stream["sync_id"]
                ),
                (&json!(minimum), &json!(minimum), &json!(812))
            );
        }
        assert_eq!(
            given["complete"].as_array().map(Vec::len),
            Some(complete),
            "{modes:?} {inner}"
        );
        let warned = written.lines.iter().any(|line| {
            line["log"]["message"]
                .as_str()
                .is_some_and(|text| text.contains("assume_complete"))
        });
        assert_eq!(warned, complete == 0);
    }
}

#[test]
fn a_wrapped_destination_that_fails_is_the_runs_failure() {
    let sync = Sync::new("STREAM", "");
    for (inner, says) in [
        (json!({"exit": 5}), "the destination ended with exit code 5"),
        (
            json!({"die_after": 4, "exit": 6}),
            "the destination ended with exit code 6",
        ),
        (
            json!({"needs_complete": true}),
            "the destination ended with exit code 1",
        ),
    ] {
        let folder = folder(&sync, &sync.catalog(["full_refresh", "overwrite"], None));
        let (ended, written, _) = wrapped(folder.path(), &sync, inner, None);
        assert!(
            [1, 5, 6].contains(&ended.code),
            "{} {}",
            ended.code,
            ended.stderr
        );
        let last = written.lines.last().expect("a line");
        let told = last["trace"]["error"]["message"].as_str();
        assert!(
            told.is_some_and(|told| told.contains(says)),
            "{says}: {last}"
        );
    }
}
