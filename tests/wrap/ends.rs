//! How a sync ends: by the source, by us, by whoever reads, by whoever asks us to end.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use super::*;

const RECORD: &str = r#"{"type":"RECORD","record":{"stream":"users","data":{"id":1,"email":"a@example.com"},"emitted_at":1}}"#;

/// A source of `users` that reads as it is told.
fn reads(play: Value) -> Source {
    let source = Source::playing(json!({"read": play}));
    source.configured("version: 1\nunlisted: pass\n");
    let users = stream(
        "users",
        &[("id", "integer"), ("email", "string"), ("pad", "string")],
    );
    source.write("catalog.json", &configured(&[users]).to_string());
    source
}

fn start(source: &Source, options: &[&str]) -> Child {
    let mut command = source.reading(options).command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Waits until the source runs, and for its next step.
fn running(source: &Source) -> Pid {
    let since = Instant::now();
    while !source.path("ready").exists() {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "the source does not start"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = source.seen().last().expect("a run")["pid"]
        .as_i64()
        .expect("a pid");
    Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid")
}

fn gone(pid: Pid) -> bool {
    let since = Instant::now();
    while test_kill_process(pid).is_ok() {
        if since.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

#[test]
fn the_exit_code_of_a_source_that_failed_is_ours() {
    for (step, code, says) in [
        (json!({"exit": 7}), 7, "ended with exit code 7"),
        (json!({"exit": 1}), 1, "ended with exit code 1"),
        (json!({"kill": 9}), 137, "was ended by signal 9"),
        (json!({"kill": 11}), 139, "was ended by signal 11"),
    ] {
        let source = reads(json!([{"say": RECORD}, step]));
        let ended = source.read();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let messages = lines(ended.text());
        assert_eq!(of_type(&messages, "RECORD").len(), 1);
        assert!(errors(&messages)[0].0.contains(says), "{}", ended.text());
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    }
}

#[test]
fn a_torn_line_is_the_failure_of_a_source_that_died() {
    let torn = r#"{"type":"RECORD","record":{"stream":"users","data":{"id":2,"em"#;
    for (step, code, says) in [
        (json!({"exit": 5}), 5, "ended with exit code 5"),
        (json!({"kill": 9}), 137, "signal 9"),
        // One that says that it did its work has broken the protocol.
        (json!({"exit": 0}), 1, "the line ends inside a string"),
    ] {
        let source = reads(json!([{"say": RECORD}, {"torn": torn}, step]));
        let ended = source.read();
        assert_eq!(ended.code, code, "{}", ended.text());
        let messages = lines(ended.text());
        let errors = errors(&messages);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].0.contains(says), "{errors:?}");
        assert_eq!(of_type(&messages, "RECORD").len(), 1);
    }
}

#[test]
fn who_asks_us_to_end_asks_the_source() {
    let source = reads(json!([{"on_term": 3}, {"say": RECORD}, {"touch": "ready"}, {"sleep": 30}]));
    let mut child = start(&source, &[]);
    let pid = running(&source);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal");
    let since = Instant::now();
    assert_eq!(child.wait().expect("an end").code(), Some(3));
    assert!(since.elapsed() < Duration::from_secs(5) && gone(pid));
    let mut text = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut text)
        .expect("lines");
    assert_eq!(of_type(&lines(&text), "RECORD").len(), 1);
    let file = source.seen()[0]["file"]
        .as_str()
        .expect("a file")
        .to_owned();
    assert!(!Path::new(&file).exists());
}

#[test]
fn a_source_that_will_not_end_is_ended() {
    let source =
        reads(json!([{"ignore": "TERM"}, {"say": RECORD}, {"touch": "ready"}, {"sleep": 60}]));
    let mut child = start(&source, &["--grace", "1"]);
    let pid = running(&source);
    let since = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(137));
    let took = since.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert!(gone(pid));
}

#[test]
fn a_policy_that_stops_the_run_stops_the_source() {
    let source = reads(json!([
        {"touch": "ready"}, {"say": RECORD},
        {"say": r#"{"type":"RECORD","record":{"stream":"other","data":{"id":1},"emitted_at":1}}"#},
        {"sync": {"streams": ["users"], "rows": 100}}, {"sleep": 60},
    ]));
    source.configured("version: 1\nunlisted: fail\nstreams: {users: {stages: [{mask: {column: email, with: nullify}}], unlisted: pass}}\n");
    let since = Instant::now();
    let ended = source.read();
    assert!(since.elapsed() < Duration::from_secs(20));
    assert_eq!(ended.code, 1, "{}", ended.text());
    let messages = lines(ended.text());
    let errors = errors(&messages);
    assert!(
        errors[0].0.contains("`other` is not listed") && errors[0].1 == "config_error",
        "{errors:?}"
    );
    assert_eq!(of_type(&messages, "RECORD").len(), 1);
    assert!(of_type(&messages, "STATE").is_empty());
    assert!(gone(running(&source)));
}

#[test]
fn a_reader_that_goes_away_ends_the_source() {
    let source = reads(
        json!([{"touch": "ready"}, {"sync": {"streams": ["users"], "rows": 200_000, "pad": 500}}, {"sleep": 60}]),
    );
    let mut child = start(&source, &[]);
    let mut stdout = child.stdout.take().expect("a pipe");
    let pid = running(&source);
    let mut some = [0; 5_000];
    stdout.read_exact(&mut some).expect("records");
    drop(stdout);
    assert_eq!(child.wait().expect("an end").code(), Some(1));
    assert!(gone(pid));
    let mut told = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut told)
        .expect("text");
    assert!(
        told.contains("the reader of the output went away"),
        "{told}"
    );
}

#[test]
fn a_source_may_say_much_on_stderr() {
    let source =
        reads(json!([{"stderr": 10_000_000}, {"say": RECORD}, {"error": "the last line"}]));
    let ended = source.read();
    assert_eq!(ended.code, 0);
    assert_eq!(of_type(&lines(ended.text()), "RECORD").len(), 1);
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(told.len(), 100_001);
    assert!(
        told[..100_000]
            .iter()
            .all(|line| line.len() == 99 && line.starts_with('e'))
    );
    assert_eq!(told[100_000], "the last line");
}

#[test]
fn a_source_that_closes_its_output_early_is_waited_for() {
    for (code, expected) in [(0, 0), (4, 4)] {
        let source = reads(
            json!([{"say": RECORD}, {"close": "stdout"}, {"sleep": 0.7}, {"touch": "late"}, {"exit": code}]),
        );
        let ended = source.read();
        assert_eq!(ended.code, expected, "{}", ended.text());
        assert!(source.path("late").exists());
        assert_eq!(of_type(&lines(ended.text()), "RECORD").len(), 1);
    }
}

#[test]
fn the_last_line_may_lack_its_newline() {
    let source = reads(json!([{"say": RECORD}, {"torn": RECORD}]));
    let ended = source.read();
    assert_eq!(ended.code, 0, "{}", ended.text());
    assert_eq!(of_type(&lines(ended.text()), "RECORD").len(), 2);
}
