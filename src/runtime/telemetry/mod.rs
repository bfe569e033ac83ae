//! Traces and metrics on their way to a collector, by OTLP over HTTP.
//!
//! A thread of its own sends metrics while the run goes on, and metrics and spans at its end. A collector that is down or
//! slow is a note: the end of a run waits for it, but not for long.

mod settings;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::environment::Environment;
use super::http::{Http, Patience, Payload};
use super::live::Live;
use super::notes;
use crate::telemetry::otlp::metric::Metrics;
use crate::telemetry::otlp::trace::Traces;
use crate::telemetry::{Reading, families, spans};
use settings::{Settings, Target};

/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 1 << 20;

/// What a collector is called in messages.
const COLLECTOR: &str = "the collector";

/// Tries of one request, and the wait before the second.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_millis(500);

/// Notes that are kept.
const NOTES_MAX: usize = 64;

/// The way to the thread.
#[derive(Debug)]
pub struct Exporter {
    end: SyncSender<()>,
    notes: Receiver<String>,
}

/// What is to be sent, and what was wrong with the settings.
#[derive(Debug)]
pub struct Asked {
    settings: Option<Settings>,
    pub notes: Vec<String>,
}

impl Asked {
    /// What the environment asks for.
    pub fn of(environment: &Environment) -> Self {
        let (settings, notes) = settings::read(environment);
        Self { settings, notes }
    }

    /// Whether somebody is to be told.
    pub fn any(&self) -> bool {
        self.settings.is_some()
    }

    /// Starts the thread, which reads from `live`; `None` where nobody is to be told.
    pub fn start(&mut self, live: &Live) -> Option<Exporter> {
        let settings = self.settings.take()?;
        let (end, ended) = sync_channel(1);
        let (told, notes) = sync_channel(NOTES_MAX);
        let live = live.clone();
        let work = move || {
            let tell = |note: Option<String>| note.map(|note| told.try_send(note));
            let mut metrics = settings.metrics.as_ref().map(Way::open);
            loop {
                let waited = ended.recv_timeout(settings.interval);
                let over = !matches!(waited, Err(RecvTimeoutError::Timeout));
                let reading = live.read();
                if let Some(way) = &mut metrics {
                    tell(way.send(|target| body_of_metrics(&settings, target, &reading)));
                }
                if over {
                    if let Some(target) = &settings.traces {
                        let mut way = Way::open(target);
                        tell(way.send(|target| body_of_traces(&settings, target, &reading)));
                    }
                    return;
                }
            }
        };
        // Without its thread nothing is sent, and the end finds the channel closed.
        let _ = std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(work);
        Some(Exporter { end, notes })
    }
}

impl Exporter {
    /// Has the rest sent, once the last counts can be read, and gives what went wrong, each thing once.
    pub fn finish(self) -> Vec<String> {
        let _ = self.end.try_send(());
        notes::until_the_end(
            &self.notes,
            &format!("telemetry: {COLLECTOR}"),
            "everything",
        )
    }
}

fn body_of_metrics(settings: &Settings, target: &Target, reading: &Reading) -> Vec<u8> {
    let families = families(reading);
    let resource = settings.resource.clone();
    let metrics = Metrics::of(resource, &families, reading.began_ns, reading.at_ns);
    target.encoding.write(&metrics)
}

fn body_of_traces(settings: &Settings, target: &Target, reading: &Reading) -> Vec<u8> {
    let traces = Traces::of(settings.resource.clone(), spans(reading, settings.parent));
    target.encoding.write(&traces)
}

/// One signal's way to its collector.
struct Way<'a> {
    target: &'a Target,
    http: Result<Http, String>,
}

impl<'a> Way<'a> {
    fn open(target: &'a Target) -> Self {
        Self {
            target,
            http: client(target),
        }
    }

    /// Sends what `body` makes, and gives what went wrong.
    fn send(&mut self, body: impl FnOnce(&Target) -> Vec<u8>) -> Option<String> {
        let http = match &mut self.http {
            Ok(http) => http,
            Err(note) => return Some(note.clone()),
        };
        let encoding = self.target.encoding;
        let payload = Payload::new(encoding.content_type(), body(self.target));
        let payload = match self.target.gzip {
            true => payload.zipped(),
            false => payload,
        };
        match http.send("", &payload, ANSWER_BYTES) {
            Ok(answer) => {
                http.trying(TRIES);
                let refused = encoding.refused(&answer);
                (refused > 0).then(|| {
                    format!(
                        "telemetry: {COLLECTOR} {} did not keep {refused} of what it was sent",
                        http.url()
                    )
                })
            }
            Err(refused) => {
                // It was waited for long enough; the next time it is tried once.
                if refused.status.is_none() {
                    http.trying(1);
                }
                Some(format!("telemetry: {}", refused.error))
            }
        }
    }
}

fn client(target: &Target) -> Result<Http, String> {
    let mut headers = HeaderMap::new();
    let basic = target.address.credentials();
    let basic = basic.map(|value| (AUTHORIZATION.to_string(), value));
    for (name, value) in basic.into_iter().chain(target.headers.0.iter().cloned()) {
        let pair = HeaderName::try_from(name.as_str())
            .ok()
            .zip(HeaderValue::from_str(&value).ok());
        let Some((name, mut value)) = pair else {
            return Err(format!(
                "telemetry: the header `{name}` or its value is none; nothing is sent"
            ));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let patience = Patience {
        tries: TRIES,
        wait: WAIT,
        wait_max: Duration::from_secs(5),
        timeout: target.timeout,
    };
    Http::with_headers(COLLECTOR, &target.address.url(), headers, patience)
        .map_err(|error| format!("telemetry: {error}"))
}
