//! Protocol messages from one file descriptor to another.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::account::{Account, check_limits};
use super::audit;
use super::drift;
use super::input::Lines;
use super::output::Writer;
use super::progress::Progress;
use crate::decode::{Chunk, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{self, Done, Worker};
use crate::plan::Plan;
use crate::protocol::trace;
use crate::window::{self, Work};

/// How a pipe runs.
#[derive(Debug, Default)]
pub struct Options {
    /// Where `report.json` goes.
    pub report: Option<PathBuf>,
    /// Threads; one per core when 0.
    pub workers: usize,
    /// Bytes after which a chunk is handed on, for tests.
    pub chunk_bytes: Option<usize>,
    pub progress: bool,
}

struct Task<'a> {
    plan: &'a Plan,
    worker: Worker,
}

impl Work<Chunk, Done> for Task<'_> {
    fn work(&mut self, chunk: Chunk) -> Done {
        pipeline::process(self.plan, &mut self.worker, chunk)
    }

    fn shorten(&mut self, done: Done, stop: Stop) -> Done {
        pipeline::shorten(self.plan, &mut self.worker, done, stop)
    }

    fn again(&mut self, done: Done) -> Done {
        pipeline::again(self.plan, &mut self.worker, done)
    }

    fn reclaim(&mut self, done: Done) -> Vec<u8> {
        let bytes = self.worker.reclaim(done);
        bytes.into_vec().unwrap_or_default()
    }
}

/// Runs a plan over `input` until its end. What goes wrong is told in the output as a TRACE ERROR, and
/// returned.
///
/// # Errors
/// The first error in the order of the input; everything before it has left.
pub fn run(plan: &Plan, input: OwnedFd, output: OwnedFd, options: &Options) -> Result<()> {
    let start = Instant::now();
    plan.begin();
    plan.prepare()?;
    let account = Account::open(plan, &run_name(), Progress::new(options.progress))?;
    widen(&input);
    widen(&output);
    let mut writer = Writer::new(plan, output, account);
    let lines = Lines::new(input, plan.max_line_bytes(), options.chunk_bytes);
    let audit = audit::Run::begin(plan, "pipe", options.report.as_deref())?;
    writer.account.record_to(audit.log());
    let first = writer
        .say(&trace::log("INFO", &plan.greeting()))
        .and_then(|()| {
            let lines = drift::lines(plan);
            lines.iter().try_for_each(|line| writer.say(line))
        })
        .and_then(|()| drift::record(plan, &audit))
        .and_then(|()| drift::verdict(plan));
    let workers = super::threads(options.workers);
    let (mut writer, ended) = match first {
        Ok(()) => window::run(workers, lines, writer, || Task {
            plan,
            worker: Worker::default(),
        }),
        Err(error) => (writer, Err(error)),
    };
    writer.account.finish();
    let ended = ended.and_then(|()| check_limits(plan, &writer.account.totals));
    let ended = audit.end(plan, &mut writer.account.totals, ended);
    let mode = if plan.observe() {
        "observed, nothing changed: "
    } else {
        ""
    };
    let ended = ended
        .and_then(|()| {
            let message = format!("midflight: {mode}{}", writer.account.totals.sentence());
            writer.say(&trace::log("INFO", &message))
        })
        .and_then(|()| drift::settle(plan))
        .and_then(|left| left.map_or(Ok(()), |left| writer.say(&trace::log("WARN", &left))));
    if let Err(error) = &ended {
        // An output that is gone cannot be told.
        let _ = writer.say(&trace::error(error, now_ms()));
    }
    if let Some(directory) = &options.report {
        let (states, time) = (writer.ledger.states(), start.elapsed());
        writer
            .account
            .report(directory, states, time, ended.as_ref().err())?;
    }
    ended
}

/// Reads the messages of a file as a pipe that observes would, so that the plan learns what columns hold.
///
/// # Errors
/// `Input` when the file cannot be read; otherwise what [`run`] says.
pub fn observe(plan: &Plan, file: &Path) -> Result<()> {
    let open = |path: &Path, options: &mut std::fs::OpenOptions| {
        options.open(path).map(OwnedFd::from).map_err(|error| {
            let message = format!("{} cannot be opened", path.display());
            Error::new(ErrorKind::Input, message).because(error)
        })
    };
    let input = open(file, std::fs::OpenOptions::new().read(true))?;
    let nowhere = open(
        Path::new("/dev/null"),
        std::fs::OpenOptions::new().write(true),
    )?;
    run(plan, input, nowhere, &Options::default())
}

/// Bytes a pipe should hold: enough that a chunk goes in or out at once.
const PIPE_BYTES: usize = 1 << 20;

/// Lets a pipe hold more, which saves a third of the time spent in the kernel. What is no pipe, or may not
/// grow, works as well.
#[cfg(target_os = "linux")]
pub(super) fn widen(fd: &OwnedFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(fd, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn widen(_: &OwnedFd) {}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

/// A name for this run: its start, to the millisecond.
pub(super) fn run_name() -> String {
    chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ").to_string()
}
