//! Requests in their course: repeated, out of order, too many, refused, and cut off by the server's end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use midflight::error::ErrorKind;
use midflight::runtime::serve::auth::Secret;
use midflight::runtime::serve::{Log, Settings, http, listener};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::server::{Answer, Lines, PATIENCE, Script, Server, client, event, record};

const SECRET: &str = "correct horse battery";

fn small() -> Settings {
    Settings {
        workers: 1,
        queue: 1,
        ..Settings::default()
    }
}

fn guarded() -> Settings {
    Settings {
        secret: Secret::new(SECRET, "a test").ok(),
        ..small()
    }
}

#[test]
fn an_event_that_comes_again_is_answered_again() {
    let server = Server::start(&small());
    let idle = json!({"status": "ok", "waiting": 0, "in_process": 0});
    assert_eq!(health(&server), idle);
    let cold = server.ask(&event(&["x"]));
    assert_eq!((cold.status, cold.told()), (200, vec!["done"]));
    assert_eq!(cold.body["objects"][0]["rows"], 3);
    let warm = server.ask(&event(&["x"]));
    assert_eq!((warm.status, warm.told()), (200, vec!["already"]));
    let another = server.ask(&json!({"Records": [record("x", "e2", "02")]}));
    assert_eq!(another.told(), ["done"]);
}

#[test]
fn an_object_in_process_holds_no_other_up() {
    let server = Server::start(&Settings {
        workers: 3,
        ..Settings::default()
    });
    let first = server.begin(&event(&["a-slow"]));
    server.script.wait(1);
    let same = server.begin(&event(&["a-slow"]));
    let other = server.ask(&event(&["b"]));
    assert_eq!(other.told(), ["done"]);
    server.script.open();
    for answer in [first, same] {
        assert_eq!(answer.join().expect("an answer").status, 200);
    }
}

#[test]
fn without_a_version_what_comes_later_is_processed_again() {
    let server = Server::start(&Settings {
        workers: 2,
        ..Settings::default()
    });
    let mut unversioned = event(&["a-slow"]);
    let object = &mut unversioned["Records"][0]["s3"]["object"];
    object.as_object_mut().expect("an object").remove("eTag");
    let first = server.begin(&unversioned);
    server.script.wait(1);
    let second = server.begin(&unversioned);
    server.script.wait(2);
    server.script.open();
    for answer in [first, second] {
        assert_eq!(answer.join().expect("an answer").status, 200);
    }
}

#[test]
fn an_older_event_behind_a_newer_one_is_superseded() {
    let server = Server::start(&small());
    let at = |etag: &str, sequencer: &str| json!({"Records": [record("x", etag, sequencer)]});
    assert_eq!(server.ask(&at("e2", "0055AED6DC")).told(), ["done"]);
    let older = server.ask(&at("e1", "0055AED6"));
    assert_eq!((older.status, older.told()), (200, vec!["superseded"]));
    assert_eq!(server.ask(&at("e3", "0055AED6DD")).told(), ["done"]);
    assert_eq!(server.script.seen().len(), 2);
}

#[test]
fn an_older_event_that_waits_behind_a_newer_one_is_superseded() {
    let server = Server::start(&small());
    let at = |etag: &str, sequencer: &str| json!({"Records": [record("x-slow", etag, sequencer)]});
    let newer = server.begin(&at("e2", "02"));
    server.script.wait(1);
    let older = server.begin(&at("e1", "01"));
    wait_for_full(&server);
    server.script.open();
    assert_eq!(newer.join().expect("an answer").told(), ["done"]);
    assert_eq!(older.join().expect("an answer").told(), ["superseded"]);
}

#[test]
fn a_newer_event_that_failed_supersedes_nothing() {
    let server = Server::start(&small());
    let at = |etag: &str, sequencer: &str| json!({"Records": [record("busy", etag, sequencer)]});
    assert_eq!(server.ask(&at("e2", "02")).status, 503);
    assert_eq!(server.ask(&at("e1", "01")).told(), ["failed"]);
}

#[test]
fn failures_say_whether_to_come_again() {
    let server = Server::start(&small());
    let poison = server.ask(&event(&["a-poison"]));
    assert_eq!((poison.status, poison.told()), (422, vec!["failed"]));
    assert_eq!(poison.retry_after, None);
    assert_eq!(
        poison.body["objects"][0],
        json!({"url": "s3://raw/a-poison", "status": "failed", "error": "a mask cannot be applied", "retry": false, "hint": "look at it"})
    );
    let busy = server.ask(&event(&["b-busy"]));
    assert_eq!((busy.status, busy.told()), (503, vec!["failed"]));
    assert!(busy.retry_after.is_some());
    let both = server.ask(&event(&["c", "d-poison", "e-busy"]));
    assert_eq!(
        (both.status, both.told()),
        (503, vec!["done", "failed", "failed"])
    );
    let rest = server.ask(&event(&["c", "d-poison"]));
    assert_eq!((rest.status, rest.told()), (422, vec!["already", "failed"]));
    assert!(
        server
            .log
            .text()
            .contains("s3://raw/e-busy: the store is busy")
    );
}

#[test]
fn event_grid_is_told_400_where_it_shall_give_up() {
    let server = Server::start(&small());
    let request = server
        .post(event(&["a-poison"]))
        .header("aeg-event-type", "Notification");
    let answer = Answer::of(request.send().expect("an answer"));
    assert_eq!((answer.status, answer.told()), (400, vec!["failed"]));
}

#[test]
fn a_defect_is_an_answer_and_the_server_goes_on() {
    let server = Server::start(&small());
    let defect = server.ask(&event(&["a-panic"]));
    assert_eq!((defect.status, defect.told()), (422, vec!["failed"]));
    let told = format!("{}{}", defect.text, server.log.text());
    assert!(
        told.contains("a defect showed") && !told.contains("nobody may see"),
        "{told}"
    );
    assert_eq!(server.ask(&event(&["b"])).told(), ["done"]);
    let metrics = client().get(format!("{}metrics", server.url)).send();
    let metrics = metrics.expect("an answer").text().expect("a text");
    for line in [
        "midflight_events_answered_total{answer=\"done\"} 1",
        "midflight_events_answered_total{answer=\"poison\"} 1",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{metrics}");
    }
}

/// Waits until an object waits: then the queue is full.
fn wait_for_full(server: &Server) {
    until("the queue does not fill", || health(server)["waiting"] == 1);
}

fn health(server: &Server) -> Value {
    let answer = client().get(format!("{}healthz", server.url)).send();
    let answer = Answer::of(answer.expect("an answer"));
    assert_eq!(answer.status, 200);
    answer.body
}

fn until(otherwise: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{otherwise}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_full_queue_refuses_what_is_new() {
    let server = Server::start(&small());
    let first = server.begin(&event(&["a-slow"]));
    server.script.wait(1);
    let second = server.begin(&event(&["b"]));
    wait_for_full(&server);
    let refused = server.ask(&event(&["c"]));
    assert_eq!(refused.status, 429);
    assert!(refused.retry_after.is_some());
    // What is no work, or is being done, needs no room.
    let own = server.ask(&event(&["_midflight/x"]));
    assert_eq!((own.status, own.told()), (200, vec!["skipped"]));
    server.script.open();
    for answer in [first, second] {
        assert_eq!(answer.join().expect("an answer").status, 200);
    }
    assert_eq!(server.ask(&event(&["c"])).told(), ["done"]);
}

#[test]
fn a_request_that_outlasts_its_limit_is_answered_while_work_goes_on() {
    let server = Server::start(&Settings {
        answer_within: Duration::from_secs(1),
        ..small()
    });
    let late = server.ask(&event(&["a-slow"]));
    assert_eq!((late.status, late.told()), (503, vec!["unfinished"]));
    assert!(late.retry_after.is_some());
    server.script.open();
    let again = server.ask(&event(&["a-slow"]));
    assert_eq!(again.status, 200, "{}", again.text);
    assert!(matches!(again.told()[..], ["done" | "already"]));
}

#[test]
fn only_allowed_places_are_processed() {
    let server = Server::start(&Settings {
        allow: vec!["s3://raw/in".to_owned()],
        ..small()
    });
    let answer = server.ask(&event(&["in/x", "elsewhere/x"]));
    assert_eq!(
        (answer.status, answer.told()),
        (422, vec!["done", "failed"])
    );
    let seen = server.script.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].url, "s3://raw/in/x");
}

#[test]
fn only_who_knows_the_secret_may_send() {
    let server = Server::start(&guarded());
    let body = event(&["x"]).to_string();
    let status = |query: &str, headers: &[(&str, &str)]| {
        let request = client()
            .post(format!("{}{query}", server.url))
            .body(body.clone());
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.send().expect("an answer").status().as_u16()
    };
    assert_eq!(status("", &[]), 401);
    assert_eq!(
        status("", &[("authorization", "Bearer correct horse")]),
        401
    );
    assert_eq!(status("?code=wrong", &[]), 401);
    assert!(server.script.seen().is_empty());
    assert_eq!(
        status("", &[("authorization", &format!("Bearer {SECRET}"))]),
        200
    );
    assert_eq!(status("", &[("x-midflight-secret", SECRET)]), 200);
    assert_eq!(status("?code=correct%20horse+battery", &[]), 200);
    assert_eq!(status("events?token=correct+horse+battery", &[]), 200);
    let health = client().get(format!("{}healthz", server.url)).send();
    assert_eq!(health.expect("an answer").status(), 200);
}

#[test]
fn a_signature_must_be_of_the_body() {
    let server = Server::start(&guarded());
    let body = event(&["x"]).to_string();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let status = |body: &str, signature: &str| {
        let request = server.post(body).header("x-midflight-signature", signature);
        request.send().expect("an answer").status().as_u16()
    };
    assert_eq!(status(&body, &signature), 200);
    assert_eq!(status(&body.replace("e1", "e2"), &signature), 401);
    assert_eq!(status(&body, "sha256=00"), 401);
    assert_eq!(server.script.seen().len(), 1);
}

#[test]
fn cloudevents_ask_before_they_come() {
    let server = Server::start(&guarded());
    let ask = |query: &str, origin: Option<&str>| {
        let request = client().request(Method::OPTIONS, format!("{}{query}", server.url));
        let request = match origin {
            Some(origin) => request.header("webhook-request-origin", origin),
            None => request,
        };
        request.send().expect("an answer")
    };
    let known = ask("?code=correct+horse+battery", Some("eventgrid.azure.net"));
    assert_eq!(known.status(), 200);
    assert_eq!(
        known.headers()["webhook-allowed-origin"],
        "eventgrid.azure.net"
    );
    assert_eq!(ask("", Some("eventgrid.azure.net")).status(), 401);
    assert_eq!(ask("?code=correct+horse+battery", None).status(), 400);
}

#[test]
fn the_log_tells_how_to_confirm_a_subscription() {
    let server = Server::start(&small());
    let url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1";
    let mut asked = json!({"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "SubscribeURL": url});
    assert_eq!(server.ask(&asked).status, 200);
    let told = server.log.text();
    assert!(
        told.contains(url) && told.contains("--confirm-sns"),
        "{told}"
    );
    asked["SubscribeURL"] = Value::from("https://169.254.169.254/?Token=1");
    let confirming = Server::start(&Settings {
        confirm_sns: true,
        ..small()
    });
    assert_eq!(confirming.ask(&asked).status, 422, "whatever is allowed");
}

#[test]
fn bodies_have_a_bound() {
    let server = Server::start(&small());
    let text = "x".repeat(8 << 20);
    let answer = Answer::of(
        server
            .post(format!("\"{text}\""))
            .send()
            .expect("an answer"),
    );
    assert_eq!(answer.status, 413);
    let nested = "[".repeat(100_000);
    assert_eq!(
        Answer::of(server.post(nested).send().expect("an answer")).status,
        422
    );
    let objects: Vec<_> = (0..10_001).map(|_| record("x", "e1", "01")).collect();
    let many = server.ask(&json!({ "Records": objects }));
    assert_eq!(many.status, 422);
    assert!(server.script.seen().is_empty());
}

#[test]
fn a_server_that_stops_finishes_what_it_began() {
    let mut server = Server::start(&small());
    let begun = server.begin(&event(&["a-slow"]));
    server.script.wait(1);
    let waiting = server.begin(&event(&["b"]));
    wait_for_full(&server);
    server.stop();
    let waiting = waiting.join().expect("an answer");
    assert_eq!((waiting.status, waiting.told()), (503, vec!["unfinished"]));
    let address: SocketAddr = server.url[7..server.url.len() - 1]
        .parse()
        .expect("an address");
    until("somebody is let in", || {
        TcpStream::connect(address).is_err()
    });
    server.script.open();
    assert_eq!(begun.join().expect("an answer").told(), ["done"]);
    let (ended, _) = server.end();
    assert!(ended.is_ok());
    assert_eq!(server.script.seen().len(), 1);
}

#[test]
fn a_server_that_stops_does_not_wait_for_ever() {
    let mut server = Server::start(&Settings {
        stop_within: Duration::from_millis(300),
        ..small()
    });
    let begun = server.begin(&event(&["a-slow"]));
    server.script.wait(1);
    // Half a request holds nobody up either.
    let address: SocketAddr = server.url[7..server.url.len() - 1]
        .parse()
        .expect("an address");
    let mut half = TcpStream::connect(address).expect("a connection");
    half.write_all(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
        .expect("half a request");
    let (ended, took) = server.end();
    assert!(ended.is_ok());
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(10),
        "{took:?}"
    );
    let begun = begun.join().expect("an answer");
    assert_eq!((begun.status, begun.told()), (503, vec!["unfinished"]));
    let _ = half.read(&mut [0; 1]);
}

#[test]
fn nobody_is_let_in_without_a_secret() {
    let settings = small();
    let refused = listener(&settings, "0.0.0.0:0".parse().expect("an address"));
    assert_eq!(
        refused.map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::Usage)
    );
    let open = TcpListener::bind("0.0.0.0:0").expect("a port");
    let process = Arc::new(Script::default());
    let refused = http::run(&settings, process, open, Log::to(Lines::default()), async {
    });
    assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::Usage));
}

/// The variable with which this program is started as a server.
const SERVER: &str = "MIDFLIGHT_TEST_SERVER";

/// Where this program was started as a server, it is one, until a signal ends it.
#[test]
fn served() {
    if std::env::var_os(SERVER).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let process = Arc::new(Script::default());
    process.open();
    let ended = http::run(&small(), process, listener, Log::stderr(), http::signals());
    ended.expect("a graceful end");
}

#[test]
fn signals_end_the_server_gracefully() {
    for signal in ["-TERM", "-INT"] {
        let own = std::env::current_exe().expect("a path");
        let child = Command::new(own)
            .args(["--exact", "serve::requests::served", "--nocapture"])
            .env(SERVER, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("listening on http://") {
            line.clear();
            assert!(
                log.read_line(&mut line).expect("a log") > 0,
                "it does not listen"
            );
        }
        let line: Value = serde_json::from_str(&line).expect("a line of JSON");
        let url = line["message"]
            .as_str()
            .and_then(|text| text.strip_prefix("listening on "));
        // The answer shows that the server has begun, and with it to look out for signals.
        let answer = client()
            .post(url.expect("a URL"))
            .body(event(&["x"]).to_string())
            .send();
        assert_eq!(Answer::of(answer.expect("an answer")).told(), ["done"]);
        let told = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(told.expect("kill").success());
        let mut rest = String::new();
        log.read_to_string(&mut rest).expect("a log");
        assert!(rest.contains("stopping"), "{rest}");
        assert!(child.wait().expect("it ends").success(), "{signal}");
    }
}
