//! The source, midflight, or the reader is killed at any moment: what has left then, and what the next run makes of it.
//!
//! `MIDFLIGHT_KILLS=200` kills more often than the few times of every day; `MIDFLIGHT_KILL_SEED` repeats a course.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::*;
use crate::kill::chance::{Chance, kills, tell};

const STREAMS: [&str; 2] = ["alpha", "beta"];
const ROWS: u64 = 600;

/// Who goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Source(Duration),
    Midflight(Duration),
    /// After so many bytes.
    Reader(usize),
}

/// What a run left: its whole lines, and its exit code, if it was not killed.
struct Left {
    text: String,
    code: Option<i32>,
}

#[test]
fn kills_of_a_wrapped_source_lose_no_record() {
    let mut chance = Chance::seeded("a wrapped source");
    let source = source();
    // The first run finds out what the later ones know.
    run(&source, None);
    let calm = Instant::now();
    let all = run(&source, None);
    let mut took = calm.elapsed();
    assert_eq!(all.code, Some(0), "{}", all.text);
    let (mut killed, mut hit, mut syncs, mut again) = (0, [0; 3], 0, 0);
    let wanted = kills(9);
    while killed < wanted {
        syncs += 1;
        let _ = std::fs::remove_file(source.path("state.json"));
        let mut story = Story::default();
        loop {
            let victim = (killed < wanted).then(|| victim(&mut chance, took, all.text.len()));
            let (since, whole) = (Instant::now(), story.states().is_empty());
            let left = run(&source, victim);
            story.add(&left.text);
            let ended = left.code == Some(0);
            match victim {
                _ if ended => {}
                Some(Victim::Source(_)) => {
                    assert_eq!(left.code, Some(137), "{}", left.text);
                    assert!(left.text.contains("was ended by signal 9"), "{}", left.text);
                    hit[0] += 1;
                }
                Some(Victim::Midflight(_)) => {
                    assert_eq!(left.code, None);
                    hit[1] += 1;
                }
                Some(Victim::Reader(_)) => {
                    assert_eq!(left.code, Some(1));
                    hit[2] += 1;
                }
                None => panic!("{:?}: {}", left.code, left.text),
            }
            if ended {
                // What else runs on this machine comes and goes.
                if whole {
                    took = took.min(since.elapsed());
                }
                break;
            }
            killed += 1;
            source.write("state.json", &json!(story.states()).to_string());
        }
        for stream in 0..2 {
            assert_eq!(story.ids[stream], (1..=ROWS).collect::<BTreeSet<_>>());
        }
        again += story.again;
    }
    tell(&format!(
        "{killed} kills in {syncs} syncs: {} of the source, {} of midflight, {} of the reader; {again} records came again",
        hit[0], hit[1], hit[2]
    ));
}

fn victim(chance: &mut Chance, took: Duration, bytes: usize) -> Victim {
    let part = chance.below(1_000) as f64 / 1_000.0;
    match chance.below(3) {
        // It starts later than midflight and ends before it.
        0 => Victim::Source(took.mul_f64(part / 2.0)),
        1 => Victim::Midflight(took.mul_f64(part)),
        _ => Victim::Reader((bytes as f64 * part) as usize),
    }
}

fn source() -> Source {
    let columns = [("id", "integer"), ("email", "string"), ("pad", "string")];
    let streams = STREAMS.map(|name| stream(name, &columns));
    let sync = json!({"streams": STREAMS, "rows": ROWS, "every": 20, "pad": 300, "pause": 0.004});
    let source = Source::playing(
        json!({"discover": [{"say": catalog(&streams)}], "read": [{"sync": sync}]}),
    );
    source.configured("version: 1\nunlisted: pass\nstreams:\n  alpha: {stages: [{derive: {column: half, sql: 'id / 2'}}]}\n  beta: {stages: [{derive: {column: twice, sql: 'id * 2'}}]}\n");
    source.write("catalog.json", &configured(&streams).to_string());
    source
}

fn run(source: &Source, victim: Option<Victim>) -> Left {
    let before = source.seen().len();
    let mut command = source.reading(&["--workers", "2"]).command();
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let stdout = child.stdout.take().expect("a pipe");
    let until = match victim {
        Some(Victim::Reader(bytes)) => Some(bytes),
        _ => None,
    };
    let bytes = std::thread::scope(|scope| {
        let reader = scope.spawn(move || taken(stdout, until));
        kill(source, before, &child, victim);
        reader.join().expect("an output")
    });
    let status = child.wait().expect("an end");
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    Left {
        text: String::from_utf8(bytes[..whole].to_vec()).expect("text"),
        code: status.code(),
    }
}

/// What is read, until the end or until enough was read.
fn taken(mut stdout: ChildStdout, until: Option<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match until {
        Some(most) => {
            let _ = (&mut stdout).take(most as u64).read_to_end(&mut bytes);
        }
        None => drop(stdout.read_to_end(&mut bytes)),
    }
    bytes
}

fn kill(source: &Source, before: usize, child: &Child, victim: Option<Victim>) {
    match victim {
        Some(Victim::Midflight(wait)) => {
            std::thread::sleep(wait);
            let _ = kill_process(Pid::from_child(child), Signal::KILL);
        }
        Some(Victim::Source(wait)) => {
            let since = Instant::now();
            while source.seen().len() == before && since.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(wait);
            let pid = source.seen().last().and_then(|seen| seen["pid"].as_i64());
            let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            let _ = kill_process(pid.expect("a pid"), Signal::KILL);
        }
        Some(Victim::Reader(_)) | None => {}
    }
}

/// What must hold of a sync, however often it was begun.
#[derive(Default)]
struct Story {
    ids: [BTreeSet<u64>; 2],
    states: [Option<Value>; 2],
    again: usize,
}

impl Story {
    /// Adds what a run has let through: a state covers no record that was not let through before it.
    fn add(&mut self, text: &str) {
        let mut since = [0.0; 2];
        for message in lines(text) {
            let (name, state) = (&message["record"]["stream"], &message["state"]);
            let descriptor = &state["stream"]["stream_descriptor"]["name"];
            let place = |name: &Value| STREAMS.iter().position(|stream| name == stream);
            if let Some(stream) = place(name) {
                let id = message["record"]["data"]["id"].as_u64().expect("an id");
                since[stream] += 1.0;
                self.again += usize::from(!self.ids[stream].insert(id));
            } else if let Some(stream) = place(descriptor) {
                let upto = state["stream"]["stream_state"]["upto"]
                    .as_u64()
                    .expect("a number");
                let covered = self.ids[stream].range(..=upto).count() as u64;
                assert_eq!(covered, upto, "a state covers records that have not left");
                let count = &state["sourceStats"]["recordCount"];
                assert_eq!(count.as_f64(), Some(since[stream]), "a count is wrong");
                since[stream] = 0.0;
                self.states[stream] = Some(state.clone());
            }
        }
    }

    /// The last states, as the platform gives them back.
    fn states(&self) -> Vec<&Value> {
        self.states.iter().flatten().collect()
    }
}

#[test]
fn the_judge_can_fail() {
    let record = |id: u64| {
        json!({"type": "RECORD", "record": {"stream": "alpha", "data": {"id": id}}}).to_string()
    };
    let state = |upto: u64, count: f64| {
        json!({"type": "STATE", "state": {"stream": {"stream_descriptor": {"name": "alpha"}, "stream_state": {"upto": upto}}, "sourceStats": {"recordCount": count}}}).to_string()
    };
    let judged = |all: &[String]| {
        let text = all.join("\n");
        std::panic::catch_unwind(|| Story::default().add(&text)).is_ok()
    };
    assert!(judged(&[record(1), record(2), state(2, 2.0)]));
    assert!(!judged(&[record(1), state(2, 1.0), record(2)]));
    assert!(!judged(&[record(1), record(2), state(2, 1.0)]));
}
