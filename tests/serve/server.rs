//! A server of ours on a port of this machine, and a process that does what an object's name says.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use midflight::error::{Error, ErrorKind, Result};
use midflight::runtime::serve::{Log, Outcome, Process, Settings, Staged, http};
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Longer than anything takes that is not broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Does what the last word of a key says: `poison`, `busy`, `panic`, `slow` (waits until it is let go); anything else
/// is done, and was already when it comes again.
#[derive(Default)]
pub struct Script {
    state: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    begun: Vec<Staged>,
    done: BTreeSet<(String, Option<String>)>,
    open: bool,
}

impl Process for Script {
    fn process(&self, object: &Staged) -> Result<Outcome> {
        let mut seen = self.state.lock().expect("no panic");
        seen.begun.push(object.clone());
        self.changed.notify_all();
        let fails = |kind, message| Err(Error::new(kind, message).hint("look at it"));
        match object.url.rsplit(['/', '-']).next() {
            Some("poison") => return fails(ErrorKind::Policy, "a mask cannot be applied"),
            Some("busy") => return fails(ErrorKind::Input, "the store is busy"),
            Some("panic") => {
                drop(seen);
                panic!("a value that nobody may see");
            }
            Some("slow") => {
                let open = self
                    .changed
                    .wait_timeout_while(seen, PATIENCE, |seen| !seen.open);
                seen = open.expect("no panic").0;
            }
            _ => {}
        }
        match seen
            .done
            .insert((object.url.clone(), object.version.clone()))
        {
            true => Ok(Outcome::Done { rows: 3 }),
            false => Ok(Outcome::Already),
        }
    }
}

impl Script {
    /// The objects whose processing began, since the last call.
    pub fn seen(&self) -> Vec<Staged> {
        std::mem::take(&mut self.state.lock().expect("no panic").begun)
    }

    /// Waits until this many objects are in process or done.
    pub fn wait(&self, objects: usize) {
        let seen = self.state.lock().expect("no panic");
        let waited = self
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| seen.begun.len() < objects);
        let (seen, waited) = waited.expect("no panic");
        assert!(!waited.timed_out(), "only {} began", seen.begun.len());
    }

    /// Lets everything slow go on.
    pub fn open(&self) {
        self.state.lock().expect("no panic").open = true;
        self.changed.notify_all();
    }
}

/// A log that a test reads.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn text(&self) -> String {
        let bytes = self.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }
}

/// A server that lives as long as the test.
pub struct Server {
    pub url: String,
    pub script: Arc<Script>,
    pub log: Lines,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<JoinHandle<Result<()>>>,
}

impl Server {
    pub fn start(settings: &Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let (script, log) = (Arc::new(Script::default()), Lines::default());
        let (stop, stopped) = oneshot::channel();
        let (settings, process, lines) = (settings.clone(), Arc::clone(&script), log.clone());
        let ended = std::thread::spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            http::run(&settings, process, listener, Log::to(lines), stopped)
        });
        Self {
            url,
            script,
            log,
            stop: Some(stop),
            ended: Some(ended),
        }
    }

    /// A request with this body.
    pub fn post(&self, body: impl ToString) -> RequestBuilder {
        client().post(&self.url).body(body.to_string())
    }

    /// The answer to an event.
    pub fn ask(&self, event: &Value) -> Answer {
        Answer::of(self.post(event).send().expect("an answer"))
    }

    /// The answer to an event, when it comes.
    pub fn begin(&self, event: &Value) -> JoinHandle<Answer> {
        let request = self.post(event);
        std::thread::spawn(move || Answer::of(request.send().expect("an answer")))
    }

    /// Tells the server to stop.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// How the server ended, and how long it took.
    pub fn end(&mut self) -> (Result<()>, Duration) {
        let start = Instant::now();
        self.stop();
        let ended = self.ended.take().expect("a server that was not ended");
        (ended.join().expect("no panic"), start.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.script.open();
        self.stop();
        if let Some(ended) = self.ended.take() {
            let _ = ended.join();
        }
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().expect("text").to_owned());
        let text = response.text().expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status,
            retry_after,
            text,
            body,
        }
    }

    /// The status of each object.
    pub fn told(&self) -> Vec<&str> {
        let objects = self.body["objects"].as_array().expect("a list of objects");
        let status = |object: &'_ Value| object["status"].as_str().is_some();
        assert!(objects.iter().all(status), "{}", self.text);
        let told = objects
            .iter()
            .filter_map(|object| object["status"].as_str());
        told.collect()
    }
}

pub fn client() -> Client {
    let client = Client::builder().timeout(PATIENCE).no_proxy();
    client.build().expect("a client")
}

/// A record of S3 about a new object.
pub fn record(key: &str, etag: &str, sequencer: &str) -> Value {
    json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "raw"},
        "object": {"key": key, "size": 5, "eTag": etag, "sequencer": sequencer}}})
}

/// An event about new objects.
pub fn event(keys: &[&str]) -> Value {
    let records: Vec<_> = keys.iter().map(|key| record(key, "e1", "01")).collect();
    json!({ "Records": records })
}
