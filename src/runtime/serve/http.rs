//! The server: `POST /` takes an event, `OPTIONS /` a CloudEvents handshake, `GET /healthz` says that it lives,
//! `GET /metrics` what it did.
//!
//! An event is answered when its objects are processed: 200 done, 4xx never (a dead letter), 5xx once more, 429
//! later. What is asked for again meanwhile waits for the same work.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use super::answer::{Standing, failures, summary};
use super::auth::Proof;
use super::event::{self, Event};
use super::metrics::Answered;
use super::pool::{Pool, Refused, Ticket};
use super::{Log, Process, Settings, Staged, sns};
use crate::error::{Error, ErrorKind, Result};
use crate::telemetry::prometheus;

/// Bytes of an event, at most.
const BODY_BYTES: usize = 8 << 20;

/// Bodies that are held at once, and how long one may take to arrive.
const BODIES: usize = 16;
const ARRIVAL: Duration = Duration::from_secs(30);

/// After how many seconds it is worth to ask again.
const SOON: &str = "5";
const LATER: &str = "30";

/// Time for the last answers to leave.
const FAREWELL: Duration = Duration::from_millis(500);

/// Whether the server still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing is begun any more.
    Stopping,
    /// Nothing is waited for any more.
    Over,
}

struct Server {
    settings: Settings,
    pool: Pool,
    log: Log,
    answered: Answered,
    bodies: Semaphore,
    phase: watch::Sender<Phase>,
}

/// Answers events until `stop` comes, then finishes what is in process. Blocks.
///
/// # Errors
/// `Usage` when it is not safe to listen there, `Config` when a place is none, `Input` when listening fails.
pub fn run(
    settings: &Settings,
    process: Arc<dyn Process>,
    listener: TcpListener,
    log: Log,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Input, "the server cannot listen").because(error)
    };
    let address = listener.local_addr().map_err(failed)?;
    settings.safe_at(address)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let server = Arc::new(Server {
        settings: settings.clone(),
        pool: Pool::start(process, settings.guard()?, settings.size())?,
        answered: Answered::default(),
        bodies: Semaphore::new(BODIES),
        phase: watch::channel(Phase::Open).0,
        log,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "the server's threads do not start").because(error)
        })?;
    server.log.info(&format!("listening on http://{address}"));
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        serve(&server, listener, stop).await
    });
    // A thread that still processes an object is not waited for.
    runtime.shutdown_background();
    served.map_err(failed)
}

async fn serve(
    server: &Arc<Server>,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let events = post(take).options(handshake);
    let routes = Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .route("/", events.clone())
        // Azure Functions adds the function's name.
        .route("/{name}", events)
        .with_state(Arc::clone(server));
    let stopping = Arc::clone(server);
    let begun = async move {
        stop.await;
        stopping
            .log
            .info("stopping: what is in process is finished");
        stopping.phase.send_replace(Phase::Stopping);
        stopping.pool.stop();
    };
    let ending = Arc::clone(server);
    let over = async move {
        let mut phase = ending.phase.subscribe();
        let _ = phase.wait_for(|phase| *phase != Phase::Open).await;
        tokio::time::sleep(ending.settings.stop_within).await;
        ending.phase.send_replace(Phase::Over);
        tokio::time::sleep(FAREWELL).await;
    };
    let served = axum::serve(listener, routes).with_graceful_shutdown(begun);
    tokio::select! {
        served = served.into_future() => served,
        () = over => Ok(()),
    }
}

/// Waits until the process is told to end.
pub async fn signals() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Without a handler the signal ends the process, as it would have.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}

/// That the server lives, and what it has to do.
async fn health(State(server): State<Arc<Server>>) -> Response {
    let (waiting, in_process) = server.pool.load();
    told(
        StatusCode::OK,
        &json!({"status": "ok", "waiting": waiting, "in_process": in_process}),
    )
}

/// How events were answered, for Prometheus.
async fn metrics(State(server): State<Arc<Server>>) -> Response {
    let kind = [(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)];
    (kind, server.answered.text(server.pool.load())).into_response()
}

/// An event.
async fn take(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let body = match server.body(body).await {
        Ok(body) => body,
        Err(answer) => return *answer,
    };
    if !server.admits(&parts.headers, query, &body) {
        return refusal();
    }
    let named = |name: &str| text(&parts.headers, name);
    match event::read(&body, named("content-type"), named("ce-type")) {
        Ok(event) => {
            // Only the objects are needed while they are processed.
            drop(body);
            server.answer(event, &parts.headers).await
        }
        Err(error) => {
            server.log.warn(&format!("an event is refused: {error}"));
            told(poison(&parts.headers), &json!({"error": error.to_string()}))
        }
    }
}

/// A CloudEvents handshake: whoever knows the secret may send.
async fn handshake(State(server): State<Arc<Server>>, request: Request) -> Response {
    let headers = request.headers();
    if !server.admits(headers, request.uri().query().unwrap_or_default(), b"") {
        return refusal();
    }
    match headers.get("webhook-request-origin") {
        Some(origin) => {
            let allowed = [
                ("webhook-allowed-origin", origin.clone()),
                ("webhook-allowed-rate", HeaderValue::from_static("*")),
            ];
            (StatusCode::OK, allowed).into_response()
        }
        None => told(
            StatusCode::BAD_REQUEST,
            &json!({"error": "the header `webhook-request-origin` is missing"}),
        ),
    }
}

impl Server {
    /// The whole body, if it is small enough and comes soon enough.
    async fn body(&self, body: Body) -> Result<Bytes, Box<Response>> {
        let held = tokio::time::timeout(ARRIVAL, async {
            let _place = self.bodies.acquire().await;
            to_bytes(body, BODY_BYTES).await
        });
        let refused = |status, error| Err(Box::new(told(status, &json!({"error": error}))));
        match held.await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the event is larger than 8 MiB, or ended early",
            ),
            Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "the event takes too long"),
        }
    }

    fn admits(&self, headers: &HeaderMap, query: &str, body: &[u8]) -> bool {
        let Some(secret) = &self.settings.secret else {
            return true;
        };
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let parameter = pairs.find(|(name, _)| name == "code" || name == "token");
        let proof = Proof {
            authorization: text(headers, "authorization"),
            secret: text(headers, "x-midflight-secret"),
            parameter: parameter.as_ref().map(|(_, value)| value.as_ref()),
            signature: text(headers, "x-midflight-signature"),
        };
        secret.admits(&proof, body)
    }

    async fn answer(&self, event: Event, headers: &HeaderMap) -> Response {
        match event {
            Event::Objects(objects) => self.process(&objects, headers).await,
            Event::Ignored(reason) => {
                told(StatusCode::OK, &json!({"objects": [], "ignored": reason}))
            }
            Event::Validation(code) => told(StatusCode::OK, &json!({"validationResponse": code})),
            Event::Confirmation { topic, url } => self.confirm(&topic, &url).await,
        }
    }

    async fn process(&self, objects: &[Staged], headers: &HeaderMap) -> Response {
        let mut tickets = match self.pool.ask(objects) {
            Ok(tickets) => tickets,
            Err(Refused::Full) => {
                let told = told(
                    StatusCode::TOO_MANY_REQUESTS,
                    &json!({"error": "too much waits"}),
                );
                return later(told, SOON);
            }
            Err(Refused::Stopping) => return stopping(),
        };
        let mut phase = self.phase.subscribe();
        tokio::select! {
            () = all(&mut tickets) => {}
            _ = phase.wait_for(|phase| *phase == Phase::Over) => {}
            () = tokio::time::sleep(self.settings.answer_within) => {}
        }
        for failure in failures(&tickets) {
            self.log.warn(&failure);
        }
        let (standing, body) = summary(&tickets);
        self.answered.note(standing);
        match standing {
            Standing::Done => told(StatusCode::OK, &body),
            Standing::Poison => told(poison(headers), &body),
            Standing::Again | Standing::Unfinished => {
                later(told(StatusCode::SERVICE_UNAVAILABLE, &body), LATER)
            }
        }
    }

    /// Confirms a subscription of SNS, or tells how it is done.
    async fn confirm(&self, topic: &str, url: &str) -> Response {
        let Some(url) = sns::of_sns(url) else {
            let message = "a subscription is refused: its address is none of SNS";
            self.log.warn(message);
            return told(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": message}));
        };
        if !self.settings.confirm_sns {
            self.log.warn(&format!(
                "{topic} asks for a subscription; to confirm it, open {url} or start with --confirm-sns"
            ));
            let ignored = "the subscription is not confirmed";
            return told(StatusCode::OK, &json!({"objects": [], "ignored": ignored}));
        }
        let confirmed = tokio::task::spawn_blocking(move || sns::confirm(&url)).await;
        let confirmed =
            confirmed.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a defect showed")));
        match confirmed {
            Ok(()) => {
                self.log
                    .info(&format!("the subscription to {topic} is confirmed"));
                told(StatusCode::OK, &json!({"objects": [], "confirmed": topic}))
            }
            Err(error) => {
                self.log.warn(&format!("{topic}: {error}"));
                let body = json!({"error": error.to_string()});
                later(told(StatusCode::SERVICE_UNAVAILABLE, &body), SOON)
            }
        }
    }
}

async fn all(tickets: &mut [Ticket]) {
    for ticket in tickets {
        ticket.wait().await;
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What makes an event a dead letter: Event Grid gives up on nothing but 400.
fn poison(headers: &HeaderMap) -> StatusCode {
    match headers.contains_key("aeg-event-type") {
        true => StatusCode::BAD_REQUEST,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn told(status: StatusCode, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, format!("{body}\n")).into_response()
}

fn later(mut answer: Response, seconds: &'static str) -> Response {
    let seconds = HeaderValue::from_static(seconds);
    answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    answer
}

fn refusal() -> Response {
    let mut answer = told(
        StatusCode::UNAUTHORIZED,
        &json!({"error": "the secret is missing or wrong"}),
    );
    let scheme = HeaderValue::from_static("Bearer");
    answer
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    answer
}

fn stopping() -> Response {
    let body = json!({"error": "the server is stopping"});
    later(told(StatusCode::SERVICE_UNAVAILABLE, &body), SOON)
}
