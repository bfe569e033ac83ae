//! Protocol messages from one file descriptor to another.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{SystemTime, UNIX_EPOCH};

use super::account::check_limits;
use super::delivery::Delivery;
use super::drift;
use super::input::Lines;
use super::outlet::Outlet;
use super::output::Writer;
use super::run::{Options, Run};
use crate::decode::{Chunk, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{self, Done, Form, Worker};
use crate::plan::Plan;
use crate::protocol::trace;
use crate::window::{self, Input, Work};

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
    let run = Run::new(plan, "pipe", options);
    flow(plan, run, input, output, |ended| ended)
}

/// Where a run's messages go.
#[derive(Debug)]
pub(super) struct Goal {
    pub output: Outlet,
    /// What is given on, where a destination reads the output. Otherwise all is.
    pub delivery: Option<Delivery>,
    /// STATEs that were kept, to be shown.
    pub kept: Option<Arc<AtomicU64>>,
    /// Set when what still comes is not needed, or nothing will come though the input is held open.
    pub gone: Option<Arc<AtomicBool>>,
    /// To be set when the input ends within a line.
    pub torn: Option<Arc<AtomicBool>>,
}

impl Goal {
    /// An output whose reader is given everything.
    pub fn of(output: Outlet) -> Self {
        Self {
            output,
            delivery: None,
            kept: None,
            gone: None,
            torn: None,
        }
    }
}

/// Takes a run's messages from `input` to `output`. `conclude` is asked once the input has ended, or what stopped it is
/// known, and gives how the run ended as a whole.
///
/// # Errors
/// What `conclude` gives, or what goes wrong behind it.
pub(super) fn flow(
    plan: &Plan,
    run: Run<'_>,
    input: OwnedFd,
    output: OwnedFd,
    conclude: impl FnOnce(Result<()>) -> Result<()>,
) -> Result<()> {
    let goal = Goal::of(Outlet::new(output));
    carry(plan, run, input, goal, |ended, _| conclude(ended))
}

/// The same for any reader of the output; `conclude` may say the last words to it, and close it.
///
/// # Errors
/// As [`flow`].
pub(super) fn carry<'a>(
    plan: &'a Plan,
    run: Run<'a>,
    input: OwnedFd,
    goal: Goal,
    conclude: impl FnOnce(Result<()>, &mut Writer<'a>) -> Result<()>,
) -> Result<()> {
    widen(&input);
    let lines = Lines::new(input, plan.max_line_bytes(), run.options().chunk_bytes);
    let mut goal = goal;
    let lines = lines.until(goal.gone.take()).telling(goal.torn.take());
    Flow::open(plan, run, goal)?.run(lines, conclude)
}

/// A run whose report, reject store and models are open, and of which nothing has been read.
pub(super) struct Flow<'a> {
    plan: &'a Plan,
    run: Run<'a>,
    writer: Writer<'a>,
}

impl<'a> Flow<'a> {
    /// Opens what a run needs. Whatever can be wrong before the first record is found here.
    ///
    /// # Errors
    /// `Model` when a model cannot be opened; `Output` when report, audit, reject store or a cache cannot be.
    pub fn open(plan: &'a Plan, mut run: Run<'a>, goal: Goal) -> Result<Self> {
        plan.begin();
        plan.prepare()?;
        widen(&goal.output);
        let mut writer = Writer::new(plan, goal.output, run.account()?);
        if let Some(kept) = goal.kept {
            writer.account.progress.count(kept);
        }
        if let Some(delivery) = &goal.delivery {
            delivery.voice().above(&writer.account.progress);
        }
        writer.delivery = goal.delivery;
        run.begin()?;
        writer.account.record_to(run.log());
        Ok(Self { plan, run, writer })
    }

    /// Leaves LOG, CONTROL and TRACE lines to whoever reads the input: they are counted, and not written.
    #[must_use]
    pub fn express(mut self) -> Self {
        self.writer.express = true;
        self
    }

    /// Ends a run that has no input after all. Whoever was told that it began is told that it failed.
    pub fn give_up(mut self, error: Error) -> Error {
        self.writer.account.finish();
        let totals = &mut self.writer.account.totals;
        let ended = self.run.settle(totals, Err(error.again()));
        // The first error is the one to be told.
        let _ = self.run.tell(totals, (0, 0), &ended);
        error
    }

    /// Takes the messages from `lines` to the output. `conclude` is asked once the input has ended, or what stopped it
    /// is known, and gives how the run ended as a whole. What goes wrong is told in the output.
    ///
    /// # Errors
    /// What `conclude` gives, or what goes wrong behind it.
    pub fn run(
        self,
        lines: impl Input<Chunk = Chunk>,
        conclude: impl FnOnce(Result<()>, &mut Writer<'a>) -> Result<()>,
    ) -> Result<()> {
        let Self {
            plan,
            mut run,
            mut writer,
        } = self;
        let form = match &writer.delivery {
            Some(_) => Form::Messages,
            None => Form::Lines,
        };
        let first = writer
            .say(&trace::log("INFO", &plan.greeting()))
            .and_then(|()| {
                let lines = drift::lines(plan);
                lines.iter().try_for_each(|line| writer.say(line))
            })
            .and_then(|()| drift::verdict(plan));
        let workers = super::threads(run.options().workers);
        let (mut writer, ended) = match first {
            Ok(()) => window::run(workers, lines, writer, || Task {
                plan,
                worker: Worker::new(form),
            }),
            Err(error) => {
                drop(lines);
                (writer, Err(error))
            }
        };
        writer.account.finish();
        let ended = ended.and_then(|()| check_limits(plan, &writer.account.totals));
        let ended = conclude(ended, &mut writer);
        let ended = run.settle(&mut writer.account.totals, ended);
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
            writer.fail(error, now_ms());
        }
        let states = writer.ledger.states();
        let notes = run.tell(&writer.account.totals, states, &ended)?;
        for note in notes {
            let _ = writer.say(&trace::log("WARN", &note));
        }
        ended
    }
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
pub(super) fn widen(fd: &impl AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(fd, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn widen(_: &impl AsFd) {}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}
