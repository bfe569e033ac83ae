//! A run's metrics for Prometheus, while it goes on: `GET /metrics`, and `GET /healthz`.
//!
//! The server has a thread of its own and reads what the account hands over. Nothing it is asked can hold up a record.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::oneshot;

use super::live::Live;
use crate::error::{Error, ErrorKind, Result};
use crate::telemetry::{Outcome, families, prometheus};

/// The longest that a run stays for its last scrape, in seconds.
pub const LINGER_SECONDS_MAX: u64 = 3_600;

/// The server.
#[derive(Debug)]
pub struct Metrics {
    address: SocketAddr,
    asked: Arc<Asked>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Whether somebody has read the counts of a run that is over.
#[derive(Debug, Default)]
struct Asked {
    whole: Mutex<bool>,
    told: Condvar,
}

#[derive(Clone)]
struct Shown {
    live: Live,
    asked: Arc<Asked>,
}

impl Metrics {
    /// Listens at `address`, a host and a port; `:9090` is this machine alone, port 0 any that is free.
    ///
    /// # Errors
    /// `Usage` when the address is none, `Input` when nobody can listen there.
    pub fn start(address: &str, live: Live) -> Result<Self> {
        let listener = listen(address)?;
        let failed = |error: std::io::Error| {
            let message = format!("metrics cannot be served at {address}");
            Error::new(ErrorKind::Input, message).because(error)
        };
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let asked = Arc::<Asked>::default();
        let shown = Shown {
            live,
            asked: Arc::clone(&asked),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let routes = Router::new()
                    .route("/metrics", get(metrics))
                    .route("/healthz", get(health))
                    .with_state(shown);
                tokio::select! {
                    served = axum::serve(listener, routes).into_future() => served,
                    _ = stopped => Ok(()),
                }
            });
            drop(served);
            runtime.shutdown_timeout(Duration::from_millis(100));
        };
        let thread = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(serve)
            .map_err(failed)?;
        Ok(Self {
            address: bound,
            asked,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the counts of the run, which is over, have been read once, but no longer than this, and ends.
    pub fn finish(self, linger: Duration) {
        let whole = self
            .asked
            .whole
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .asked
            .told
            .wait_timeout_while(whole, linger, |whole| !*whole);
        drop(waited);
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(address: &str) -> Result<TcpListener> {
    let whole = match address.strip_prefix(':') {
        Some(port) => format!("127.0.0.1:{port}"),
        None => address.to_owned(),
    };
    let places: Vec<SocketAddr> = whole
        .to_socket_addrs()
        .map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!("--metrics: `{address}` is no address"),
            )
            .because(error)
            .hint("write host and port, as `127.0.0.1:9464`, or `:0` for any port that is free")
        })?
        .collect();
    TcpListener::bind(places.as_slice()).map_err(|error| {
        Error::new(
            ErrorKind::Input,
            format!("--metrics: nobody can listen at {whole}"),
        )
        .because(error)
        .hint("choose an address of this machine and a port that is free; `:0` takes any and tells which")
    })
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let reading = shown.live.read();
    let text = prometheus::text(&families(&reading));
    if reading.outcome != Outcome::Running {
        // A little later, so that the answer leaves before the process does.
        let asked = Arc::clone(&shown.asked);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            *asked.whole.lock().unwrap_or_else(PoisonError::into_inner) = true;
            asked.told.notify_all();
        });
    }
    let kind = [(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)];
    (kind, text).into_response()
}

async fn health(State(shown): State<Shown>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let status = shown.live.read().outcome.word();
    (kind, format!("{{\"status\":\"{status}\"}}\n")).into_response()
}
