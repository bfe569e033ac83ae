//! The workers of a batch: each takes shares of objects, writes parts, and commits them with the inputs they hold.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use twox_hash::XxHash3_128;

use super::Options;
use super::progress::Progress;
use super::rejected::Rejected;
use super::source::{Source, chunk};
use crate::error::{Error, Result};
use crate::pipeline::{self, Done, Form, Worker};
use crate::plan::Plan;
use crate::report::Totals;
use crate::runtime::account::{check_limits, check_limits_early};
use crate::runtime::live::Pulse;
use crate::runtime::stage::entry::{Commit, Input, Part};
use crate::runtime::stage::{Parts, Stage, View};
use crate::runtime::staged;
use crate::runtime::tables::{Filler, Tables};

/// Bytes of lines that are processed at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Bytes of a large object that one worker takes.
const SHARE_BYTES: u64 = 256 << 20;

/// Bytes that the parts of all workers hold in memory.
const HELD_BYTES: usize = 160 << 20;

/// What the workers share.
#[derive(Debug)]
pub struct Work<'a> {
    plan: &'a Plan,
    source: &'a Source,
    stage: &'a Stage,
    tables: &'a Tables<'a>,
    /// The entries of the stage's log when the objects were found.
    since: u64,
    share_bytes: u64,
    held_bytes: usize,
    every: Duration,
    queue: Mutex<Queue>,
    finished: Mutex<Finished>,
    rejected: Option<Rejected>,
    progress: Progress,
    pulse: Mutex<Option<Pulse>>,
    /// Numbers chunks.
    chunks: AtomicU64,
    stopped: AtomicBool,
}

/// What is left to do.
#[derive(Debug, Default)]
struct Queue {
    /// The next object.
    next: usize,
    /// Shares of objects that nobody has taken.
    shares: VecDeque<(usize, staged::Part)>,
}

/// What has been done.
#[derive(Debug, Default)]
pub struct Finished {
    pub totals: Totals,
    /// Objects that an earlier run had done, whole.
    pub done_before: u64,
    /// Inputs that another run has committed meanwhile, and those of which it has committed another version.
    pub elsewhere: u64,
    pub overtaken: u64,
    /// Bytes of the objects that were read.
    pub bytes: u64,
    pub parts: u64,
    pub part_bytes: u64,
}

impl<'a> Work<'a> {
    /// Prepares the work of some number of workers, on objects that were found when the log had `since` entries. Other
    /// works may go on beside it; `workers` are those of all.
    ///
    /// # Errors
    /// `Output` when the reject store cannot be opened.
    pub fn new(
        plan: &'a Plan,
        source: &'a Source,
        stage: &'a Stage,
        tables: &'a Tables<'a>,
        options: &Options,
        (since, workers): (u64, usize),
    ) -> Result<Self> {
        let rejected = plan.reject_to().filter(|_| !plan.observe());
        let bytes = source.objects.iter().map(|(object, _)| object.size).sum();
        Ok(Self {
            plan,
            source,
            stage,
            tables,
            since,
            share_bytes: options.share_bytes.unwrap_or(SHARE_BYTES),
            held_bytes: HELD_BYTES / workers.max(1),
            every: Duration::from_secs(stage.spec().commit_seconds),
            queue: Mutex::default(),
            finished: Mutex::default(),
            rejected: rejected.map(Rejected::open).transpose()?,
            progress: Progress::new(options.run.progress, bytes),
            // Chunks that were learned from have other numbers.
            chunks: AtomicU64::new(1 << 32),
            stopped: AtomicBool::new(false),
            pulse: Mutex::new(None),
        })
    }

    /// Hands counts over to those who look at the run.
    #[must_use]
    pub fn beating(self, pulse: Option<Pulse>) -> Self {
        let pulse = Mutex::new(pulse);
        Self { pulse, ..self }
    }

    /// Runs to the end, or to the first error.
    ///
    /// # Errors
    /// The first that a worker met.
    pub fn run(&self, workers: usize) -> Result<()> {
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    if let Err(error) = self.worker() {
                        self.stopped.store(true, Ordering::Relaxed);
                        lock(&failed).get_or_insert(error);
                    }
                });
            }
        });
        self.progress.finish();
        lock(&failed).take().map_or(Ok(()), Err)
    }

    /// What was done, once all workers have ended.
    pub fn finish(self) -> Finished {
        self.finished
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn worker(&self) -> Result<()> {
        let mut hand = Hand {
            worker: Worker::new(Form::Rows),
            filler: Filler::new(self.tables),
            parts: Parts::new(self.stage).holding(self.held_bytes),
            done: Vec::new(),
            text: Vec::new(),
            last: Instant::now(),
        };
        loop {
            while let Some((object, share)) = self.take()? {
                self.read(&mut hand, object, share)?;
                // What is held may end in the middle of an object now.
                if self.stopped.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let due = hand.parts.bytes(&|_| true) >= self.stage.spec().part_bytes
                    || hand.last.elapsed() >= self.every;
                if due {
                    self.commit(&mut hand)?;
                }
            }
            // What others were faster with may have to be read once more.
            if self.commit(&mut hand)? {
                return Ok(());
            }
        }
    }

    /// The next share that nobody has done.
    fn take(&self) -> Result<Option<(usize, staged::Part)>> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(share) = queue.shares.pop_front() {
                return Ok(Some(share));
            }
            let number = queue.next;
            let Some((object, _)) = self.source.objects.get(number) else {
                return Ok(None);
            };
            queue.next += 1;
            let shares = staged::divide(&self.source.bucket, object, self.share_bytes)?;
            let all = shares.len();
            let open: Vec<_> = shares
                .into_iter()
                .filter(|share| {
                    !self
                        .stage
                        .view(|view| view.is_done(&self.input(number, share)))
                })
                .collect();
            if open.is_empty() {
                lock(&self.finished).done_before += 1;
            }
            if open.len() < all {
                let part = object.size * (all - open.len()) as u64 / all as u64;
                self.progress.skip(part);
            }
            queue
                .shares
                .extend(open.into_iter().map(|share| (number, share)));
        }
    }

    fn input(&self, object: usize, share: &staged::Part) -> Input {
        let (object, stream) = &self.source.objects[object];
        Input {
            url: object.url.clone(),
            part: match share {
                staged::Part::Whole => String::new(),
                staged::Part::Bytes(range) => format!("bytes {}-{}", range.start, range.end),
                staged::Part::RowGroups(range) => format!("groups {}-{}", range.start, range.end),
            },
            tag: object.tag.clone().unwrap_or_default(),
            // A share of another division is another one.
            plan: match share {
                staged::Part::Whole => format!("{} {stream}", self.plan.sources().fingerprint),
                _ => format!(
                    "{} {stream} in {}",
                    self.plan.sources().fingerprint,
                    self.share_bytes
                ),
            },
        }
    }

    fn read(&self, hand: &mut Hand<'_>, number: usize, share: staged::Part) -> Result<()> {
        let (object, stream) = &self.source.objects[number];
        let columns = self.source.columns(stream);
        let input = self.input(number, &share);
        let mut reader = staged::open(&self.source.bucket, object, &share, stream, columns)?;
        hand.parts.reading(hand.done.len())?;
        let mut rejected = self.rejected.as_ref().map(|store| store.of(&input, stream));
        // Tells equal rows of two shares apart.
        let mut offset =
            XxHash3_128::oneshot(format!("{} {}", input.url, input.part).as_bytes()) as u64;
        let size = object.size.max(1);
        let mut rows = 0;
        loop {
            let mut lines = std::mem::take(&mut hand.text);
            lines.clear();
            if !reader.read(&mut lines, CHUNK_BYTES)? {
                break;
            }
            let len = lines.len() as u64;
            let chunk = chunk(lines, self.chunks.fetch_add(1, Ordering::Relaxed), offset);
            offset = offset.wrapping_add(len);
            let done = pipeline::process(self.plan, &mut hand.worker, chunk);
            if let Some(stop) = &done.decoded.stop {
                let row = rows + stop.line + 1;
                return Err(stop.error.within(&format!(
                    "{}: record {row} of {}",
                    object.url,
                    told(&input)
                )));
            }
            if let Some(rejected) = &mut rejected {
                rejected.store(&done, rows)?;
            }
            rows += done.decoded.lines;
            let (filled, _) = hand.filler.fill(&done, |_| u64::MAX)?;
            for (table, rows) in &filled {
                hand.parts.append(table.number, &table.target, rows)?;
            }
            self.count(&done);
            hand.text = hand.worker.reclaim(done).into_vec().unwrap_or_default();
            if self.stopped.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        if let Some(rejected) = rejected {
            rejected.sync()?;
        }
        let read = match &share {
            staged::Part::Bytes(range) => range.end - range.start,
            _ => size,
        };
        lock(&self.finished).bytes += read;
        self.progress.advance(read);
        hand.done.push((number, share, input));
        Ok(())
    }

    fn count(&self, done: &Done) {
        let mut finished = lock(&self.finished);
        finished.totals.add(self.plan, done);
        self.progress.tell(&finished.totals);
        if let Some(pulse) = lock(&self.pulse).as_mut() {
            pulse.tick(self.plan, &finished.totals, done);
        }
    }

    /// Commits what a hand holds. `false` when inputs of it have to be read once more.
    fn commit(&self, hand: &mut Hand<'_>) -> Result<bool> {
        hand.last = Instant::now();
        let parts = hand.parts.take(&|_| true)?;
        let done = std::mem::take(&mut hand.done);
        if parts.is_empty() && done.is_empty() {
            return Ok(true);
        }
        // What a single object holds is all that can be known of it.
        let alone = self.source.objects.len() == 1 && lock(&self.queue).shares.is_empty();
        let check = if alone {
            check_limits
        } else {
            check_limits_early
        };
        check(self.plan, &lock(&self.finished).totals)?;
        let inputs: Vec<Input> = done.iter().map(|(.., input)| input.clone()).collect();
        let mut stale = Vec::new();
        // Others change parts while theirs are replaced.
        let made = loop {
            let outdated = self.stage.view(|view| view.outdated(&inputs));
            let replacement = self.stage.replace(&outdated)?;
            let commit = Commit {
                parts: [&parts[..], &replacement.parts].concat(),
                replaced: replacement.replaced.clone(),
                inputs: inputs.clone(),
                ..Commit::default()
            };
            let made = self.stage.commit(&mut |view| {
                stale = inputs
                    .iter()
                    .map(|input| self.standing(view, input))
                    .collect();
                let fresh = stale.iter().all(|standing| *standing == Standing::Fresh);
                (fresh && view.outdated(&inputs) == outdated).then(|| commit.clone())
            })?;
            if made.seen()? {
                break true;
            }
            self.abandon(&replacement.parts)?;
            if stale.iter().any(|standing| *standing != Standing::Fresh) {
                break false;
            }
        };
        if !made {
            self.abandon(&parts)?;
            self.put_back(done, &stale);
            return Ok(false);
        }
        let mut finished = lock(&self.finished);
        finished.parts += parts.len() as u64;
        finished.part_bytes += parts.iter().map(|part| part.bytes).sum::<u64>();
        Ok(true)
    }

    /// Events come more than once and batches may run beside them: whoever commits first has done it.
    fn standing(&self, view: &View, input: &Input) -> Standing {
        if view.is_done(input) {
            return Standing::Done;
        }
        match view.is_overtaken(input, self.since) {
            true => Standing::Overtaken,
            false => Standing::Fresh,
        }
    }

    /// Inputs that could not be committed beside those that others have done are read once more.
    fn put_back(&self, done: Vec<(usize, staged::Part, Input)>, standings: &[Standing]) {
        let (mut queue, mut finished) = (lock(&self.queue), lock(&self.finished));
        for ((object, share, _), standing) in done.into_iter().zip(standings) {
            match standing {
                Standing::Done => finished.elsewhere += 1,
                Standing::Overtaken => finished.overtaken += 1,
                Standing::Fresh => queue.shares.push_back((object, share)),
            }
        }
    }

    fn abandon(&self, parts: &[Part]) -> Result<()> {
        let keys: Vec<String> = parts.iter().map(|part| part.path.clone()).collect();
        self.stage.abandon(&keys)
    }
}

/// How an input that was read stands when it is to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Fresh,
    /// This version was done by another.
    Done,
    /// Another did another version after this one was found.
    Overtaken,
}

/// What one worker has in its hands.
struct Hand<'a> {
    worker: Worker,
    filler: Filler<'a>,
    parts: Parts<'a>,
    /// Inputs whose rows are all in parts.
    done: Vec<(usize, staged::Part, Input)>,
    text: Vec<u8>,
    last: Instant,
}

fn told(input: &Input) -> &str {
    match input.part.as_str() {
        "" => "the object",
        part => part,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
