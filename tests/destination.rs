//! `midflight destination`: what becomes of rows that are already there, in the world of a platform that counts
//! generations and in the one that does not, and the way back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use midflight::runtime::bucket::Bucket;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::stage::rows;
use crate::support::{Ended, midflight};

/// A stage, and a destination's configuration for it.
fn place() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = json!({"stage": folder.path().join("stage"), "config": "version: 1\nunlisted: pass\ntagger: none\n"});
    fs::write(folder.path().join("destination.json"), settings.to_string()).expect("a file");
    folder
}

/// How the platform speaks of the stream: its mode, and generation and minimum where it has them.
type World = (&'static str, Option<(i64, i64)>);

fn catalog(folder: &Path, names: &[&str], (mode, ids): World) {
    let streams = names.iter().map(|name| {
        let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
        let mut stream = json!({"stream": {"name": name, "json_schema": schema}, "sync_mode": "full_refresh",
            "destination_sync_mode": mode, "generation_id": null, "minimum_generation_id": null, "sync_id": null});
        if let Some((generation, minimum)) = ids {
            stream["generation_id"] = json!(generation);
            stream["minimum_generation_id"] = json!(minimum);
            stream["sync_id"] = json!(generation + 100);
        }
        stream
    });
    let catalog = json!({"streams": streams.collect::<Vec<_>>()});
    fs::write(folder.join("catalog.json"), catalog.to_string()).expect("a file");
}

fn record(stream: &str, id: i64) -> String {
    format!(
        "{}\n",
        json!({"type": "RECORD", "record": {"stream": stream, "data": {"id": id}, "emitted_at": 1}})
    )
}

fn state(stream: &str, id: i64) -> String {
    let state = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": {"at": id}}, "id": id});
    format!("{}\n", json!({"type": "STATE", "state": state}))
}

fn complete(stream: &str) -> String {
    let status = json!({"stream_descriptor": {"name": stream}, "status": "COMPLETE"});
    format!(
        "{}\n",
        json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1, "stream_status": status}})
    )
}

/// Records of `users`, with a STATE behind them.
fn users(ids: std::ops::RangeInclusive<i64>) -> String {
    let last = *ids.end();
    let records: String = ids.map(|id| record("users", id)).collect();
    records + &state("users", last)
}

fn write(folder: &Path, world: World, input: &str) -> Ended {
    catalog(folder, &["users"], world);
    written(folder, input)
}

fn written(folder: &Path, input: &str) -> Ended {
    let arguments = [
        "destination",
        "write",
        "--config",
        "destination.json",
        "--catalog",
        "catalog.json",
    ];
    midflight(&arguments)
        .within(folder)
        .env("WORKER_JOB_ID", "7")
        .run(input)
}

/// The ids that readers see, and their generations.
fn seen(folder: &Path) -> Vec<(i64, i64)> {
    let bucket = Bucket::open(
        &folder.join("stage").display().to_string(),
        &BTreeMap::new(),
    )
    .expect("a place");
    let number =
        |row: &crate::support::stage::Row, column: &str| row[column].parse().expect("a number");
    let mut seen: Vec<(i64, i64)> = rows(&bucket, "users")
        .iter()
        .map(|row| (number(row, "id"), number(row, "_airbyte_generation_id")))
        .collect();
    seen.sort_unstable();
    seen
}

fn ids(ids: std::ops::RangeInclusive<i64>, generation: i64) -> Vec<(i64, i64)> {
    ids.map(|id| (id, generation)).collect()
}

fn done(ended: &Ended) {
    assert_eq!(ended.code, 0, "{} {}", ended.stderr, ended.text());
}

#[test]
fn rows_are_added_where_the_minimum_is_zero() {
    let folder = place();
    let folder = folder.path();
    done(&write(
        folder,
        ("append", Some((1, 0))),
        &(users(1..=2) + &complete("users")),
    ));
    // The next generation, as a merge refresh makes one, and a source that did not end well.
    done(&write(
        folder,
        ("append", Some((2, 0))),
        &(users(3..=4) + &record("users", 5)),
    ));
    assert_eq!(
        seen(folder),
        [ids(1..=2, 1), ids(3..=4, 2)].concat(),
        "what no state covers is sent again"
    );
    done(&write(
        folder,
        ("append", Some((2, 0))),
        &(users(5..=6) + &complete("users")),
    ));
    assert_eq!(seen(folder), [ids(1..=2, 1), ids(3..=6, 2)].concat());
}

#[test]
fn the_minimum_replaces_earlier_rows_whatever_the_mode_says() {
    for mode in ["append", "overwrite"] {
        let folder = place();
        let folder = folder.path();
        done(&write(
            folder,
            (mode, Some((1, 1))),
            &(users(1..=3) + &complete("users")),
        ));
        assert_eq!(seen(folder), ids(1..=3, 1));
        // It fails: nobody says that the stream is complete, and the old rows stay.
        let ended = write(
            folder,
            (mode, Some((2, 2))),
            &(users(11..=12) + &record("users", 13)),
        );
        done(&ended);
        assert!(
            ended.text().contains("was not declared complete"),
            "{}",
            ended.text()
        );
        assert_eq!(seen(folder), ids(1..=3, 1), "{mode}");
        // The retry of the same generation goes on behind the state, and keeps what was loaded.
        done(&write(
            folder,
            (mode, Some((2, 2))),
            &(users(13..=14) + &complete("users")),
        ));
        assert_eq!(seen(folder), ids(11..=14, 2), "{mode}");
        let kept = undo(folder, &["--stream", "users"]);
        assert_eq!(
            kept.code,
            2,
            "what generations replace is deleted: {}",
            kept.text()
        );
        // A later generation replaces them with nothing, where the source has nothing.
        done(&write(folder, (mode, Some((3, 3))), &complete("users")));
        assert_eq!(seen(folder), []);
    }
}

#[test]
fn a_failed_truncate_may_be_given_up() {
    let folder = place();
    let folder = folder.path();
    done(&write(
        folder,
        ("append", Some((1, 0))),
        &(users(1..=3) + &complete("users")),
    ));
    done(&write(folder, ("append", Some((2, 2))), &users(11..=12)));
    // The user asks for another refresh instead.
    done(&write(
        folder,
        ("append", Some((3, 3))),
        &(users(21..=22) + &complete("users")),
    ));
    assert_eq!(seen(folder), ids(21..=22, 3));
}

#[test]
fn overwrite_without_a_minimum_follows_the_mode() {
    let folder = place();
    let folder = folder.path();
    catalog(folder, &["users"], ("overwrite", Some((1, 0))));
    let text = fs::read_to_string(folder.join("catalog.json")).expect("a file");
    let without = text.replace(
        "\"minimum_generation_id\":0",
        "\"minimum_generation_id\":null",
    );
    for generation in [1, 2] {
        let catalog = without.replace(
            "\"generation_id\":1",
            &format!("\"generation_id\":{generation}"),
        );
        fs::write(folder.join("catalog.json"), catalog).expect("a file");
        done(&written(
            folder,
            &(users(generation..=3) + &complete("users")),
        ));
    }
    assert_eq!(seen(folder), ids(2..=3, 2));
}

#[test]
fn numbers_that_contradict_each_other_are_refused() {
    let folder = place();
    for minimum in [1, 3] {
        let ended = write(folder.path(), ("append", Some((2, minimum))), &users(1..=1));
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!(
                "`minimum_generation_id` is {minimum} where 0 or 2 is known"
            )),
            "{}",
            ended.stderr
        );
        assert!(!folder.path().join("stage/users").exists());
    }
    let ended = write(folder.path(), ("append_dedup", None), "");
    assert!(
        ended.code == 2 && ended.stderr.contains("only `append` and `overwrite`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn without_generations_appended_rows_are_seen_at_once() {
    let folder = place();
    let folder = folder.path();
    done(&write(folder, ("append", None), &users(1..=2)));
    // The end of a source that failed looks like this one, so what no state covers is kept too.
    done(&write(
        folder,
        ("append", None),
        &(users(3..=4) + &record("users", 5)),
    ));
    assert_eq!(seen(folder), ids(1..=5, 0));
}

fn kept(folder: &Path) -> Vec<Value> {
    let arguments = [
        "destination",
        "kept",
        "--config",
        "destination.json",
        "--format",
        "json",
    ];
    let ended = midflight(&arguments).within(folder).run("");
    done(&ended);
    serde_json::from_slice(&ended.stdout).expect("JSON")
}

fn undo(folder: &Path, further: &[&str]) -> Ended {
    let arguments = [
        &["destination", "undo", "--config", "destination.json"],
        further,
    ]
    .concat();
    midflight(&arguments).within(folder).run("")
}

#[test]
fn without_generations_what_is_replaced_is_kept_and_can_be_brought_back() {
    let folder = place();
    let folder = folder.path();
    let overwrite = ("overwrite", None);
    done(&write(folder, overwrite, &users(1..=4)));
    assert_eq!(undo(folder, &[]).code, 2, "nothing was replaced");
    // A source that died after one record.
    done(&write(folder, overwrite, &record("users", 11)));
    assert_eq!(seen(folder), ids(11..=11, 2));
    let of = |set: &Value| [set["generation"].as_i64(), set["rows"].as_i64()];
    let before = kept(folder);
    assert_eq!(
        (of(&before[0]["seen"]), of(&before[0]["kept"])),
        ([Some(2), Some(1)], [Some(1), Some(4)])
    );

    let ended = undo(folder, &["--stream", "users"]);
    done(&ended);
    assert_eq!(
        ended.text().lines().nth(1),
        Some("users   generation 1, 4 rows  generation 2, 1 row")
    );
    assert_eq!(seen(folder), ids(1..=4, 1));
    // It undoes itself.
    done(&undo(folder, &[]));
    assert_eq!(seen(folder), ids(11..=11, 2));
    done(&undo(folder, &[]));

    // The next sync replaces what is seen; what was put aside before is gone.
    done(&write(folder, overwrite, &users(21..=22)));
    assert_eq!(seen(folder), ids(21..=22, 3));
    let after = kept(folder);
    assert_eq!(
        (of(&after[0]["seen"]), of(&after[0]["kept"])),
        ([Some(3), Some(2)], [Some(1), Some(4)])
    );
    for (further, says) in [
        (["--stream", "usres"], "there is no stream `usres`"),
        (["--config", "missing.json"], "missing.json"),
    ] {
        let ended = match further[0] {
            "--config" => midflight(&["destination", "undo", "--config", "missing.json"])
                .within(folder)
                .run(""),
            _ => undo(folder, &further),
        };
        assert!(
            ended.code == 2 && ended.stderr.contains(says),
            "{} {}",
            ended.code,
            ended.stderr
        );
    }
}

#[test]
fn a_source_that_sent_nothing_replaced_all_and_is_undone() {
    let folder = place();
    let folder = folder.path();
    done(&write(folder, ("overwrite", None), &users(1..=4)));
    done(&write(folder, ("overwrite", None), ""));
    assert_eq!(seen(folder), []);
    let ended = undo(folder, &["--stream", "users"]);
    done(&ended);
    assert_eq!(seen(folder), ids(1..=4, 1));
    done(&write(folder, ("overwrite", None), &users(5..=6)));
    assert_eq!(
        seen(folder).iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [5, 6]
    );
}

#[test]
fn a_global_state_with_other_names_comes_back_behind_its_rows() {
    // A platform that gives streams a prefix leaves the names inside of GLOBAL states alone.
    let folder = place();
    let folder = folder.path();
    let global = json!({"type": "STATE", "state": {"type": "GLOBAL", "id": 1, "global": {"shared_state": {},
        "stream_states": [{"stream_descriptor": {"name": "ers"}}]}, "sourceStats": {"recordCount": 3.0}}});
    let records: String = (1..=3).map(|id| record("users", id)).collect();
    let input = format!("{records}{global}\n{{\"type\":\"RECORD\",\"record\":{{\n");
    let ended = write(folder, ("append", Some((1, 0))), &input);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let back = ended
        .text()
        .lines()
        .find(|line| line.contains("\"STATE\""))
        .expect("the state is given back");
    assert!(
        back.contains(r#""destinationStats":{"recordCount":3.0,"rejectedRecordCount":0.0}"#),
        "{back}"
    );
    assert_eq!(seen(folder), ids(1..=3, 1), "what it covers is there");
}
