//! Runs that are killed at any moment: what is committed then, what was acknowledged, and what the next run makes of
//! it.
//!
//! `MIDFLIGHT_KILLS=300` kills more often than the few times of every day; `MIDFLIGHT_KILL_SEED` repeats a course.

pub mod chance;
pub mod course;
pub mod front;
pub mod look;
pub mod platform;
pub mod trial;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use midflight::runtime::bucket::Bucket;
use serde_json::json;

use chance::{Chance, kills};
use course::{Danger, Moment, Target, run};
use platform::{Kind, Sync, acknowledge, write_files};
use trial::{Place, Story, Trial, unfinished};

use crate::support::{self, midflight};

/// A stage in a directory of its own.
struct Folder(tempfile::TempDir);

impl Place for Folder {
    fn url(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn open(&self, name: &str) -> Bucket {
        Bucket::open(&self.url(name), &BTreeMap::new()).expect("a place")
    }

    fn watched(&self, name: &str) -> Option<std::path::PathBuf> {
        Some(self.0.path().join(name))
    }
}

#[test]
fn kills_of_a_destination_lose_no_row_in_a_directory() {
    let mut chance = Chance::seeded("destination in a directory");
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let mut trial = Trial::new(&place, &mut chance, 5_000);
    trial.destination(kills(20));
}

#[test]
fn kills_of_a_batch_lose_no_row_in_a_directory() {
    let mut chance = Chance::seeded("batch in a directory");
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let mut trial = Trial::new(&place, &mut chance, 5_000);
    trial.batch(kills(10));
}

#[test]
fn a_full_disk_ends_a_run_clearly_and_the_next_one_goes_on() {
    let mut chance = Chance::of(11);
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let folder = tempfile::tempdir().expect("a folder");
    for (number, kibibytes) in [1, 8, 40].into_iter().enumerate() {
        let name = format!("full-{number}");
        let sync = Sync::new(Kind::Streams, 1, 0, 1_500, &mut chance);
        let mut story = Story::new(place.open(&name), &sync);
        story.begin(&sync);
        let write = |story: &mut Story, full: bool| {
            write_files(folder.path(), &sync, &place.url(&name));
            let arguments = [
                "destination",
                "write",
                "--config",
                "settings.json",
                "--catalog",
                "catalog.json",
                "--no-progress",
            ];
            let program = midflight(&arguments).within(folder.path());
            let command = match full {
                true => limited(&program.command(), kibibytes),
                false => program.command(),
            };
            let danger = Danger {
                moment: None,
                watched: None,
                target: Target::default(),
            };
            let course = run(command, sync.input(&story.reached).as_bytes(), &danger);
            acknowledge(&mut story.reached, &course.stdout);
            course
        };
        let course = write(&mut story, true);
        let said = String::from_utf8_lossy(&course.stdout).into_owned();
        assert_eq!(course.code, Some(1), "{said}");
        for told in [
            &*place.url(&name),
            "cannot be written",
            "File too large",
            "make room",
            "transient_error",
        ] {
            assert!(said.contains(told), "`{told}` is not in {said}");
        }
        story.check(&sync, false);
        assert_eq!(write(&mut story, false).code, Some(0));
        story.check(&sync, true);
        assert_eq!(story.repeated, 0);
        story.settled(&sync);
    }
}

#[test]
fn rows_that_no_state_covers_are_not_committed_before_the_end() {
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let folder = tempfile::tempdir().expect("a folder");
    let sync = Sync::new(Kind::Streams, 1, 0, 1, &mut Chance::of(1));
    write_files(folder.path(), &sync, &place.url("stage"));
    let record = |stream: &str, id: usize| {
        let pad = "x".repeat(2_000);
        format!(
            r#"{{"type":"RECORD","record":{{"stream":"{stream}","data":{{"id":{id},"pad":"{pad}"}},"emitted_at":1}}}}"#
        ) + "\n"
    };
    let state = |stream: &str, upto: usize| {
        format!(
            r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"{stream}"}},"stream_state":{{"upto":{upto}}}}}}}}}"#
        ) + "\n"
    };
    // `beta` sends more than memory holds back, and none of its STATEs.
    let mut input = String::new();
    for id in 0..30_000 {
        input.push_str(&record("beta", id));
        if id % 10 == 0 {
            input.push_str(&record("alpha", id / 10));
        }
        if id % 1_000 == 999 {
            input.push_str(&state("alpha", id / 10 + 1));
        }
    }
    input.push_str(&record("alpha", 3_000));
    let write = |input: &str| {
        let arguments = [
            "destination",
            "write",
            "--config",
            "settings.json",
            "--catalog",
            "catalog.json",
            "--no-progress",
        ];
        midflight(&arguments).within(folder.path()).run(input)
    };
    let mut look = look::Look::new(place.open("stage"));
    let mut counts = |ended: support::Ended| {
        let mut reached = [0; 2];
        acknowledge(&mut reached, &ended.stdout);
        look.refresh();
        let [visible, _] = look.standing();
        (
            ended.code,
            reached,
            look.union(&visible)
                .map(|rows| rows.values().sum::<usize>()),
        )
    };
    let cut = format!("{input}{{\"type\":\"REC\n");
    assert_eq!(counts(write(&cut)), (1, [3_000, 0], [3_000, 0]));
    let rest = input
        .split_inclusive('\n')
        .filter(|line| !line.contains(r#""alpha""#));
    let last = record("alpha", 3_000) + &state("alpha", 3_001);
    let rest = rest.collect::<String>();
    // The end of the input is not that of a stream, where the platform would have said so.
    let ended = counts(write(&(rest.clone() + &last)));
    assert_eq!(ended, (0, [3_001, 0], [3_001, 0]));
    let complete = r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"status":"COMPLETE","stream_descriptor":{"name":"beta"}}}}"#;
    let ended = counts(write(&format!("{rest}{complete}\n")));
    assert_eq!(ended, (0, [0, 0], [3_001, 30_000]));
}

#[test]
fn a_large_part_that_was_being_written_is_swept() {
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut chance = Chance::of(3);
    let sync = Sync::new(Kind::Streams, 1, 0, 100, &mut chance);
    write_files(folder.path(), &sync, &place.url("stage"));
    let settings = json!({"stage": place.url("stage"), "config": "version: 1\nunlisted: pass\nstage: {row_group_bytes: 65536}\n"});
    std::fs::write(folder.path().join("settings.json"), settings.to_string()).expect("a file");
    let mut input = String::new();
    for id in 0..14_000 {
        let pad: String = (0..200)
            .map(|_| format!("{:016x}", chance.next()))
            .collect();
        let record = json!({"type": "RECORD", "record": {"stream": "alpha", "data": {"id": id, "pad": pad}, "emitted_at": 1}});
        input.push_str(&format!("{record}\n"));
    }
    let write = |input: &str, moment: Option<Moment>| {
        let arguments = [
            "destination",
            "write",
            "--config",
            "settings.json",
            "--catalog",
            "catalog.json",
            "--no-progress",
        ];
        let program = midflight(&arguments).within(folder.path());
        let danger = Danger {
            moment,
            watched: None,
            target: Target::default(),
        };
        run(program.command(), input.as_bytes(), &danger)
    };
    let at = Moment::Bytes(input.len() - (4 << 20), Duration::ZERO);
    assert_eq!(write(&input, Some(at)).code, None);
    let stage = place.0.path().join("stage");
    assert_eq!(
        unfinished(&stage.join("alpha")).len(),
        1,
        "a part is under way"
    );
    assert_eq!(write("", None).code, Some(0));
    assert_eq!(unfinished(&stage), [] as [std::path::PathBuf; 0]);
    let look = look::Look::new(place.open("stage"));
    assert_eq!(
        look.objects(),
        [
            std::collections::BTreeSet::new(),
            std::collections::BTreeSet::new()
        ]
    );
}

/// A run that may write files of so many KiB.
fn limited(command: &Command, kibibytes: u64) -> Command {
    let mut limited = Command::new("bash");
    limited.args([
        "-c",
        &format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" \"$@\""),
    ]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    limited.current_dir(command.get_current_dir().expect("a folder"));
    limited
}
