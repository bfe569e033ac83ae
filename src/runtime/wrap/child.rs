//! The connector that runs inside of a wrapped one: what it says on stderr goes on to ours, and whoever asks us to end
//! asks it.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::health::Origin;
use crate::runtime::connector::{Connector, Ending, asked_to_end, each_line};
use crate::runtime::health::Ear;

/// How often is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long what was said on stderr is waited for once the connector has ended: a process of it may live on and hold it.
const STDERR_WAIT: Duration = Duration::from_secs(2);

/// A running connector. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Child {
    connector: Arc<Mutex<Connector>>,
    grace: Duration,
    over: Arc<AtomicBool>,
    stderr: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Child {
    /// Starts a connector; gives its stdout too. From now on it has `grace` to end once it, or we, were asked to. What it
    /// says on stderr is heard by `ear`.
    ///
    /// # Errors
    /// `Child` when it cannot be started.
    pub fn start(
        mut command: Command,
        grace: Duration,
        ear: Option<Ear>,
    ) -> Result<(Self, OwnedFd)> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut connector = Connector::start("the connector", &mut command)?;
        let (Some(stdout), Some(stderr)) = (connector.stdout(), connector.stderr()) else {
            let message = "the connector has no stdout";
            return Err(Error::new(ErrorKind::Internal, message));
        };
        let child = Self {
            connector: Arc::new(Mutex::new(connector)),
            grace,
            over: Arc::new(AtomicBool::new(false)),
            stderr: Arc::new(Mutex::new(Some(hand_on(stderr, ear)?))),
        };
        child.watch()?;
        Ok((child, stdout))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// `Child` when that cannot be told.
    pub fn ended(&self) -> Result<Option<Ending>> {
        self.held().ended()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `Child` when that cannot be told.
    pub fn wait(&self) -> Result<Ending> {
        // Looked at again and again, so that somebody else can end it meanwhile.
        loop {
            if let Some(ending) = self.ended()? {
                self.finish();
                return Ok(ending);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Asks it to end, and ends it when it does not.
    ///
    /// # Errors
    /// `Child` when that cannot be told.
    pub fn stop(&self) -> Result<Ending> {
        let ending = self.held().stop(self.grace);
        self.finish();
        ending
    }

    /// The error that its end is, with its exit code.
    ///
    /// # Errors
    /// `Child`, unless it ended well.
    pub fn verdict(&self, ending: Ending) -> Result<()> {
        let verdict = self.held().verdict(ending);
        verdict.map_err(|error| error.exiting(ending.exit_code()))
    }

    /// Ends it when we were asked to end and it does not.
    fn watch(&self) -> Result<()> {
        let (connector, over, grace) = (
            Arc::downgrade(&self.connector),
            Arc::clone(&self.over),
            self.grace,
        );
        let watch = move || {
            let mut asked: Option<Instant> = None;
            while !over.load(Ordering::Relaxed) {
                let late =
                    asked_to_end() && asked.get_or_insert_with(Instant::now).elapsed() > grace;
                if let Some(connector) = connector.upgrade().filter(|_| late) {
                    // How it ended is told to whoever waits for it.
                    let _ = held(&connector).stop(Duration::ZERO);
                    return;
                }
                std::thread::sleep(LOOK_EVERY * 10);
            }
        };
        spawn("watch", watch).map(drop)
    }

    /// What it said last is handed on before anything that we say about its end.
    fn finish(&self) {
        self.over.store(true, Ordering::Relaxed);
        let mut stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = stderr.take() else {
            return;
        };
        let waiting = Instant::now();
        while !thread.is_finished() && waiting.elapsed() < STDERR_WAIT {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn held(&self) -> MutexGuard<'_, Connector> {
        held(&self.connector)
    }
}

fn held(connector: &Mutex<Connector>) -> MutexGuard<'_, Connector> {
    connector.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread.
///
/// # Errors
/// `Internal` when the system allows none.
pub fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(|error| {
        Error::new(ErrorKind::Internal, "a thread cannot be started").because(error)
    })
}

/// Hands lines on to our stderr, each as a whole. One that nobody reads there any more is still read here, so that the
/// connector does not wait for ever.
fn hand_on(stderr: OwnedFd, ear: Option<Ear>) -> Result<JoinHandle<()>> {
    spawn("stderr", move || {
        each_line(stderr, |line| {
            let _ = std::io::stderr().lock().write_all(line);
            if let Some(ear) = &ear {
                ear.text(Origin::Source, &String::from_utf8_lossy(line));
            }
        });
    })
}
