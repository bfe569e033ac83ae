//! Stores that fail: what a run says then, how often it asked, what readers see, and what the next run makes of it.

mod cases;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use midflight::runtime::bucket::Bucket;
use serde_json::{Value, json};

use super::kill::Server;
use crate::kill::chance::{Chance, tell};
use crate::kill::course::{Course, Danger, Target, run};
use crate::kill::front::{Act, Request};
use crate::kill::platform::{Kind, Sync, acknowledge, write_files};
use crate::kill::trial::{Place, Story};
use crate::support::midflight;
use cases::{CASES, RETRIES};

fn destination(
    server: &Server,
    folder: &std::path::Path,
    story: &mut Story,
    sync: &Sync,
    name: &str,
) -> (Course, usize) {
    write_files(folder, sync, &server.url(name));
    let arguments = [
        "destination",
        "write",
        "--config",
        "settings.json",
        "--catalog",
        "catalog.json",
        "--no-progress",
        "--chunk-bytes",
        "20000",
    ];
    let mut program = midflight(&arguments)
        .within(folder)
        .env("MIDFLIGHT_STORE_RETRIES", &RETRIES.to_string())
        .env("MIDFLIGHT_STORE_ANSWER_SECONDS", "1")
        .env("MIDFLIGHT_STORE_TRIES_SECONDS", "5");
    for (name, value) in server.variables() {
        program = program.env(&name, &value);
    }
    let danger = Danger {
        moment: None,
        watched: None,
        target: Target::default(),
    };
    let course = run(
        program.command(),
        sync.input(&story.reached).as_bytes(),
        &danger,
    );
    let states = acknowledge(&mut story.reached, &course.stdout);
    (course, states)
}

/// What the TRACE ERROR of an output says.
fn trace(course: &Course) -> Value {
    let text = String::from_utf8_lossy(&course.stdout).into_owned();
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a message"));
    let mut errors = messages.filter(|message| message["trace"]["type"] == "ERROR");
    errors
        .next()
        .map(|mut message| message["trace"]["error"].take())
        .unwrap_or_default()
}

#[test]
fn faults_of_a_bucket_end_a_run_clearly_and_the_next_one_goes_on() {
    let server = Server::start();
    let mut chance = Chance::of(7);
    for (number, case) in CASES.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!("fault-{number}");
        let sync = Sync::new(Kind::Streams, 1, 0, 900, &mut chance);
        let mut story = Story::new(server.open(&name), &sync);
        story.begin(&sync);
        let (rule, count) = (case.rule, AtomicUsize::new(0));
        server.front.rule(move |request, answered| {
            let number = match answered {
                true => count.load(Ordering::SeqCst),
                false => count.fetch_add(1, Ordering::SeqCst) + 1,
            };
            rule(request, answered, number)
        });
        let start = Instant::now();
        let (course, _) = destination(&server, folder.path(), &mut story, &sync, &name);
        let requests = server.front.requests();
        let mut same: BTreeMap<(String, String), usize> = BTreeMap::new();
        for request in &requests {
            *same
                .entry((request.method.clone(), request.path.clone()))
                .or_default() += 1;
        }
        let most = same
            .iter()
            .max_by_key(|(_, count)| **count)
            .map(|((method, path), count)| format!("{count} {method} {path}"));
        tell(&format!(
            "{}: {} requests in {:.1} s, at most {}",
            case.name,
            requests.len(),
            start.elapsed().as_secs_f64(),
            most.unwrap_or_default()
        ));
        let said = trace(&course);
        let all = format!("{said}\n{}", course.stderr);
        match case.told {
            [] => {
                assert_eq!(course.code, Some(0), "{}: {all}", case.name);
                story.check(&sync, true);
            }
            told => {
                assert_eq!(
                    (course.code, &said["failure_type"]),
                    (Some(1), &json!("transient_error")),
                    "{}: {all}",
                    case.name
                );
                for part in told {
                    assert!(
                        all.contains(part),
                        "{}: `{part}` is not in {all}",
                        case.name
                    );
                }
                assert!(
                    !all.contains("the key of someone"),
                    "{}: the answer is quoted: {all}",
                    case.name
                );
                server.front.rule(|_, _| Act::Pass);
                story.check(&sync, false);
                assert_eq!(story.lost_states, 0, "{}", case.name);
                let (course, _) = destination(&server, folder.path(), &mut story, &sync, &name);
                assert_eq!(
                    course.code,
                    Some(0),
                    "{}: afterwards: {}",
                    case.name,
                    course.stderr
                );
                story.check(&sync, true);
            }
        }
        story.settled(&sync);
    }
}

#[test]
fn faults_of_large_objects_leave_nothing_half_written() {
    let server = Server::start();
    let mut options = server.options(&server.front.address);
    options.insert("midflight_store_retries".to_owned(), "1".to_owned());
    options.insert("midflight_store_answer_seconds".to_owned(), "10".to_owned());
    let bucket = Bucket::open("s3://stages/large", &options).expect("a bucket");
    let write = |key: &str| {
        let path = bucket.path(key).expect("a key");
        let mut upload = bucket.upload(path);
        for _ in 0..20 {
            upload.append(&[7; 1 << 20])?;
        }
        upload.finish()
    };
    let size = |key: &str| {
        let meta = bucket
            .head(&bucket.path(key).expect("a key"))
            .expect("an answer");
        meta.map(|meta| meta.size)
    };
    server.front.rule(|request, answered| {
        let completes = request.method == "POST" && request.path.contains("uploadId");
        if answered && completes {
            Act::Lose
        } else {
            Act::Pass
        }
    });
    write("answer-lost").expect("an object");
    server.front.rule(|request, _| {
        let piece = request.method == "PUT" && request.path.contains("partNumber=2");
        if piece {
            Act::Refuse(500, "InternalError")
        } else {
            Act::Pass
        }
    });
    let error = write("piece-refused").expect_err("an error");
    assert!(error.to_string().ends_with("large/piece-refused cannot be written: the store answered 500 Internal Server Error (InternalError)"), "{error}");
    let gives_up =
        |request: &Request| request.method == "DELETE" && request.path.contains("uploadId");
    assert_eq!(
        server
            .front
            .requests()
            .iter()
            .filter(|request| gives_up(request))
            .count(),
        1
    );
    server.front.rule(|_, _| Act::Pass);
    assert_eq!(
        (size("answer-lost"), size("piece-refused")),
        (Some(20 << 20), None)
    );
}

#[test]
fn faults_of_staged_files_end_a_batch_and_the_next_one_reads_them() {
    let server = Server::start();
    server.moto.ask("PUT", "/staged");
    let options = server.options(&server.moto.address);
    let from = Bucket::open("s3://staged/in", &options).expect("a bucket");
    for file in 0..4 {
        let rows = (0..2_000).map(|row| {
            format!(
                "{}\n",
                json!({"id": file * 2_000 + row, "pad": "x".repeat(100)})
            )
        });
        let path = from.path(&format!("alpha/{file}.jsonl")).expect("a key");
        from.put(&path, rows.collect::<String>())
            .expect("an object");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("batch.yaml"),
        "version: 1\nunlisted: pass\n",
    )
    .expect("a file");
    let batch = |name: &str| {
        let to = server.url(name);
        let arguments = [
            "batch",
            "--config",
            "batch.yaml",
            "--from",
            "s3://staged/in",
            "--to",
            &to,
            "--no-progress",
        ];
        let mut program = midflight(&arguments)
            .within(folder.path())
            .env("MIDFLIGHT_STORE_RETRIES", "2");
        for (name, value) in server.variables() {
            program = program.env(&name, &value);
        }
        program.run("")
    };
    type Fault = (&'static str, fn(&Request) -> Act, &'static str);
    let faults: [Fault; 3] = [
        (
            "cut",
            |request| {
                if request.path.contains("/2.jsonl") {
                    Act::Cut
                } else {
                    Act::Pass
                }
            },
            "alpha/2.jsonl cannot be read",
        ),
        (
            "listed",
            |request| {
                if request.path.contains("/staged?list-type") {
                    Act::Rewrite(|body| body[..body.len() * 2 / 3].to_vec())
                } else {
                    Act::Pass
                }
            },
            "s3://staged/in cannot be listed",
        ),
        (
            "denied",
            |request| {
                if request.path.contains("/3.jsonl") {
                    Act::Refuse(403, "AccessDenied")
                } else {
                    Act::Pass
                }
            },
            "alpha/3.jsonl cannot be read: the credentials do not allow it (AccessDenied)",
        ),
    ];
    for (name, fault, told) in faults {
        server
            .front
            .rule(move |request, answered| match (fault(request), answered) {
                (Act::Refuse(status, code), false) => Act::Refuse(status, code),
                (act, true) => act,
                _ => Act::Pass,
            });
        let ended = batch(name);
        assert!(
            ended.code == 1 && ended.stderr.contains(told),
            "{name}: {}",
            ended.stderr
        );
        server.front.rule(|_, _| Act::Pass);
        let ended = batch(name);
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        let mut look = crate::kill::look::Look::new(server.open(name));
        look.refresh();
        let paths = look.standing();
        let union = look.union(&paths[0]);
        assert_eq!(union[0].len(), 8_000);
        assert!(union[0].values().all(|count| *count == 1));
        crate::kill::trial::tidy(&look, &paths);
    }
}
