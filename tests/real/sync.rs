//! `midflight sync` between the real `source-faker` and the real `destination-ailake`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::venv::Venv;
use super::{MASKS, chain};
use crate::support::{KEY, midflight, root};

/// What a sync in `folder` is given.
fn prepare(folder: &Path, users: u64, slice: u64) {
    let source = json!({"count": users, "seed": 42, "records_per_slice": slice, "always_updated": false, "parallelism": 1});
    let embed = format!(
        "{} {}",
        Venv::of("destination-ailake").python().display(),
        root().join("tests/python/embed.py").display()
    );
    let destination = json!({
        "table_base_path": folder.join("lake"), "embed_mode": "cmd", "embed_cmd": embed, "embedding_dim": 4,
        "text_field": "email", "extra_columns": ["id", "telephone", "address"],
    });
    let catalog =
        std::fs::read_to_string(root().join("fixtures/faker/catalog.json")).expect("a catalog");
    let mut catalog: Value = serde_json::from_str(&catalog).expect("JSON");
    let streams = catalog["streams"].as_array_mut().expect("streams");
    streams.retain(|stream| stream["stream"]["name"] == "users");
    for stream in streams {
        stream["sync_mode"] = json!("incremental");
        stream["destination_sync_mode"] = json!("append");
        stream["cursor_field"] = json!(["updated_at"]);
    }
    for (name, text) in [
        ("source.json", source.to_string()),
        ("destination.json", destination.to_string()),
        ("catalog.json", catalog.to_string()),
        ("midflight.yaml", MASKS.to_owned()),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
}

fn command(folder: &Path) -> Command {
    let program = |venv: &str, name: &str| {
        let program = Venv::of(venv).program(name);
        format!("'{}'", program.get_program().to_string_lossy())
    };
    let (source, destination) = (
        program("source-faker", "source-faker"),
        program("destination-ailake", "airbyte-destination-ailake"),
    );
    let arguments = [
        "sync",
        "--source",
        &source,
        "--source-config",
        "source.json",
        "--destination",
        &destination,
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
    let program = midflight(&arguments)
        .within(folder)
        .env("MIDFLIGHT_KEY", KEY);
    let program = program
        .env("AIRBYTE_OFFLINE_MODE", "1")
        .env("DO_NOT_TRACK", "1");
    program
        .env("PYTHONWARNINGS", "ignore")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .command()
}

/// Runs a sync. Gives its exit code and what it told.
fn sync(folder: &Path) -> (Option<i32>, Value) {
    let output = command(folder)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains('@'), "nothing of a record is told");
    let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!({"stderr": stderr}));
    (output.status.code(), told)
}

/// The users in the destination, by their ids, and how often each is there.
fn stored(folder: &Path) -> BTreeMap<i64, usize> {
    if !folder.join("lake").exists() {
        return BTreeMap::new();
    }
    let mut reader = Command::new(Venv::of("destination-ailake").python());
    reader
        .arg(root().join("tests/python/read_parquet.py"))
        .arg(folder.join("lake"));
    let mut users = BTreeMap::new();
    for line in chain::run(&mut [reader])[0].lines() {
        let row: Value = serde_json::from_str(line).expect("a row");
        let row = &row["row"];
        let email = row["text"].as_str().expect("a text");
        assert!(
            email.len() == 64 && email.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "masked"
        );
        assert_eq!(
            (&row["telephone"], &row["address"]),
            (&json!("<PHONE>"), &json!("<STREET_ADDRESS>"))
        );
        let id = row["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .or(row["id"].as_i64());
        *users.entry(id.expect("an id")).or_default() += 1;
    }
    users
}

/// How many users the state file says are stored.
fn covered(folder: &Path) -> i64 {
    let Ok(text) = std::fs::read_to_string(folder.join("state.json")) else {
        return 0;
    };
    let states: Value = serde_json::from_str(&text).expect("whole at every moment");
    states[0]["stream"]["stream_state"]["loop_offset"]
        .as_i64()
        .unwrap_or(0)
}

#[test]
fn users_arrive_masked_and_a_second_sync_goes_on_from_the_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    prepare(folder, 600, 100);
    let (code, told) = sync(folder);
    assert_eq!(code, Some(0), "{told}");
    let all = |count: i64| -> BTreeMap<i64, usize> { (1..=count).map(|id| (id, 1)).collect() };
    assert_eq!(stored(folder), all(600));
    assert_eq!(covered(folder), 600);
    assert_eq!(
        (&told["records"]["emitted"], &told["states"]["missing"]),
        (&json!(600), &json!(0))
    );
    assert_eq!(told["states"]["handed_on"], told["states"]["given_back"]);

    // This source has nothing new where it is given a state, and says so by its state alone.
    let (code, told) = sync(folder);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        (&told["records"]["emitted"], &told["sync_id"]),
        (&json!(0), &json!(2))
    );
    assert_eq!((stored(folder), covered(folder)), (all(600), 600));
}

/// The process that a sync has started whose command line holds this.
fn child_of(sync: &Child, holds: &str) -> Option<u32> {
    let listed = Command::new("ps")
        .args(["-o", "pid=,args=", "--ppid", &sync.id().to_string()])
        .output();
    let listed = String::from_utf8(listed.expect("ps runs").stdout).expect("text");
    let line = listed.lines().find(|line| line.contains(holds))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn whichever_side_is_killed_the_state_file_covers_only_what_is_there() {
    for victim in ["source-faker", "airbyte-destination-ailake"] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        prepare(folder, 20_000, 100);
        let mut running = command(folder);
        running
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let running = running.spawn().expect("it starts");
        let began = Instant::now();
        while covered(folder) == 0 {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "no state is kept"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let process = child_of(&running, victim).expect("it runs");
        let killed = Command::new("kill")
            .args(["-9", &process.to_string()])
            .status();
        assert!(killed.is_ok_and(|status| status.success()));
        let output = running.wait_with_output().expect("an end");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{stderr}");
        assert!(stderr.contains("was ended by signal 9"), "{stderr}");
        let (there, count) = (stored(folder), covered(folder));
        assert!(count > 0 && count < 20_000, "in the middle: {count}");
        assert!(
            (1..=count).all(|id| there.contains_key(&id)),
            "{victim}: {count} are covered"
        );

        // The next run is given that state, and both take it.
        let (code, told) = sync(folder);
        assert_eq!((code, covered(folder)), (Some(0), count), "{told}");
        assert_eq!(stored(folder), there, "{victim}");
    }
}
