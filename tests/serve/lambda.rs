//! A runtime API on this machine, and a process of ours that speaks to it as it would to Lambda's.
//!
//! The process is this test program, started once more with the variables of a function: [`function`] then answers
//! invocations instead of testing anything.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use midflight::error::ErrorKind;
use midflight::runtime::serve::{Log, Settings, lambda};
use serde_json::{Value, json};

use super::server::{Lines, PATIENCE, Script, event, record};

/// An invocation, and its deadline in milliseconds since 1970.
struct Invocation {
    event: String,
    deadline: u128,
}

/// What the function answered: whether it succeeded, and with what.
#[derive(Debug)]
pub struct Answer {
    pub path: String,
    pub body: Value,
}

/// A function that lives as long as the test.
pub struct Function {
    child: Child,
    invocations: Sender<Invocation>,
    answers: Receiver<Answer>,
}

impl Function {
    fn start() -> Self {
        let own = std::env::current_exe().expect("a path");
        let mut command = Command::new(own);
        command.args(["--exact", "serve::lambda::function", "--nocapture"]);
        Self::of(command)
    }

    /// The function whose program this command starts.
    pub fn of(mut command: Command) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (invocations, next) = channel();
        let (answered, answers) = channel();
        let next = Arc::new(Mutex::new(next));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (next, answered) = (Arc::clone(&next), answered.clone());
                std::thread::spawn(move || api(stream, &next, &answered));
            }
        });
        let child = command
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "midflight")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            child: child.expect("it starts"),
            invocations,
            answers,
        }
    }

    /// The answer to an invocation that has this long.
    pub fn invoke(&self, event: &Value, time: Duration) -> Answer {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time");
        self.until(event, (now + time).as_millis())
    }

    fn until(&self, event: &Value, deadline: u128) -> Answer {
        let event = event.to_string();
        self.invocations
            .send(Invocation { event, deadline })
            .expect("a runtime API");
        self.answers.recv_timeout(PATIENCE).expect("an answer")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers the requests of one connection.
fn api(
    stream: TcpStream,
    next: &Mutex<Receiver<Invocation>>,
    answered: &Sender<Answer>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let header = |name: &str| {
            let of = |line: &str| {
                let (found, value) = line.split_once(':')?;
                found
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            };
            head.lines().find_map(of)
        };
        let mut body = Vec::new();
        match header("content-length") {
            Some(length) => {
                body.resize(length.parse().ok()?, 0);
                reader.read_exact(&mut body).ok()?;
            }
            None => assert!(header("transfer-encoding").is_none(), "{head}"),
        }
        let path = head.split(' ').nth(1)?.to_owned();
        let inner = path
            .strip_prefix("/2018-06-01/runtime/")
            .expect("a path of the API");
        if inner == "invocation/next" {
            let Invocation { event, deadline } = next.lock().ok()?.recv().ok()?;
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: 8476a536\r\nlambda-runtime-deadline-ms: {deadline}\r\nlambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:1:function:midflight\r\nlambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\ncontent-length: {}\r\n\r\n{event}", event.len()).ok()?;
        } else {
            let answer = Answer {
                path: inner.to_owned(),
                body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            };
            answered.send(answer).ok()?;
            write!(stream, "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
        stream.flush().ok()?;
    }
}

/// Where this program was started as a function, it is one.
#[test]
fn function() {
    if !lambda::inside() {
        return;
    }
    let settings = Settings {
        workers: 1,
        ..Settings::default()
    };
    let script = Arc::new(Script::default());
    let ended = lambda::run(&settings, script, Log::stderr());
    ended.expect("a runtime API");
}

pub const OK: &str = "invocation/8476a536/response";
pub const FAILED: &str = "invocation/8476a536/error";
pub const MINUTE: Duration = Duration::from_secs(60);

pub fn message(id: &str, body: &Value) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:staged", "body": body.to_string()})
}

pub fn failures(ids: &[&str]) -> Value {
    let ids: Vec<_> = ids.iter().map(|id| json!({"itemIdentifier": id})).collect();
    json!({ "batchItemFailures": ids })
}

#[test]
fn an_event_of_s3_is_answered() {
    let function = Function::start();
    let cold = function.invoke(&event(&["x"]), MINUTE);
    assert_eq!(cold.path, OK, "{cold:?}");
    assert_eq!(
        cold.body,
        json!({"objects": [{"url": "s3://raw/x", "status": "done", "rows": 3}]})
    );
    let warm = function.invoke(&event(&["x"]), MINUTE);
    assert_eq!(warm.body["objects"][0]["status"], "already");
    let test = function.invoke(
        &json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
        MINUTE,
    );
    assert_eq!(
        (test.path.as_str(), &test.body["ignored"]),
        (OK, &json!("a test event"))
    );
}

#[test]
fn what_fails_is_an_error_that_lambda_repeats() {
    let function = Function::start();
    for (keys, kind, told) in [
        (
            &["a", "b-busy"][..],
            "midflight.Again",
            "s3://raw/b-busy: the store is busy",
        ),
        (
            &["c-poison"],
            "midflight.Poison",
            "s3://raw/c-poison: a mask cannot be applied",
        ),
        (
            &["d-panic"],
            "midflight.Poison",
            "s3://raw/d-panic: a defect showed",
        ),
    ] {
        let failed = function.invoke(&event(keys), MINUTE);
        assert_eq!(
            (failed.path.as_str(), failed.body["errorType"].as_str()),
            (FAILED, Some(kind))
        );
        assert_eq!(failed.body["errorMessage"], told);
    }
    let unknown = function.invoke(&json!({"hello": "canary"}), MINUTE);
    assert_eq!(unknown.path, FAILED);
    assert_eq!(
        unknown.body["errorMessage"],
        "the event is of no known kind"
    );
    assert_eq!(
        function.invoke(&event(&["e"]), MINUTE).path,
        OK,
        "it goes on"
    );
}

#[test]
fn a_queue_is_told_which_messages_failed() {
    let function = Function::start();
    let records = [
        message("m1", &event(&["a"])),
        message("m2", &event(&["b-busy"])),
        message("m3", &json!("no event")),
        message("m4", &json!({"Event": "s3:TestEvent"})),
        message("m5", &event(&["c", "d-poison"])),
        message(
            "m6",
            &json!({"Type": "Notification", "TopicArn": "t", "Message": event(&["e"]).to_string()}),
        ),
    ];
    let told = function.invoke(&json!({ "Records": records }), MINUTE);
    assert_eq!(
        (told.path.as_str(), told.body),
        (OK, failures(&["m2", "m3", "m5"]))
    );
    let told = function.invoke(&json!({"Records": [message("m1", &event(&["a"]))]}), MINUTE);
    assert_eq!(told.body, failures(&[]));
}

#[test]
fn a_queue_with_an_order_keeps_it() {
    let function = Function::start();
    let ordered = |id: &str, key: &str| {
        let mut message = message(id, &json!({"Records": [record(key, "e1", "01")]}));
        message["eventSourceARN"] = json!("arn:aws:sqs:eu-west-1:1:staged.fifo");
        message
    };
    let records = [
        ordered("m1", "a"),
        ordered("m2", "b-busy"),
        ordered("m3", "c"),
    ];
    let told = function.invoke(&json!({ "Records": records }), MINUTE);
    assert_eq!(told.body, failures(&["m2", "m3"]));
    let told = function.invoke(&json!({"Records": [ordered("m3", "c")]}), MINUTE);
    assert_eq!(told.body, failures(&[]), "{told:?}");
}

#[test]
fn time_that_is_left_is_respected() {
    let function = Function::start();
    let second = Duration::from_secs(1);
    // The one thread is held by the first, and what waits for it is not begun.
    let records = [
        message("m1", &event(&["a-slow"])),
        message("m2", &event(&["b"])),
    ];
    let late = function.invoke(&json!({ "Records": records }), second);
    assert_eq!(
        (late.path.as_str(), late.body),
        (OK, failures(&["m1", "m2"]))
    );
    let late = function.invoke(&event(&["c"]), second);
    assert_eq!(
        (late.path.as_str(), late.body["errorType"].as_str()),
        (FAILED, Some("midflight.Unfinished"))
    );
    assert_eq!(
        late.body["errorMessage"],
        "s3://raw/c: not finished in time"
    );
}

#[test]
fn a_deadline_of_0_is_no_limit() {
    let function = Function::start();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_millis();
    for deadline in [0, now] {
        let told = function.until(&event(&[&format!("at-{deadline}")]), deadline);
        assert_eq!(
            (told.path.as_str(), &told.body["objects"][0]["status"]),
            (OK, &json!("done"))
        );
    }
}

#[test]
fn outside_of_lambda_there_is_nothing_to_speak_to() {
    if lambda::inside() {
        return;
    }
    let process = Arc::new(Script::default());
    let ended = lambda::run(&Settings::default(), process, Log::to(Lines::default()));
    assert_eq!(ended.map_err(|error| error.kind()), Err(ErrorKind::Config));
}
