//! Threads that process objects, behind a bounded queue.
//!
//! An object that is asked for again while it waits or is in process is not processed twice: whoever asks gets the
//! same answer. An older event that waits behind a newer one of its key is answered when the newer one is done.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::answer::Answer;
use super::order::Latest;
use super::place::{Guard, Verdict};
use super::{Outcome, Process, Staged};
use crate::error::{Error, ErrorKind, Result};

/// How large a pool is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Threads.
    pub workers: usize,
    /// Objects that may wait; a request that finds as many waiting is refused.
    pub queue: usize,
}

/// Why objects were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Full,
    Stopping,
}

/// An object that was asked for.
#[derive(Debug)]
pub struct Ticket {
    pub url: String,
    answer: watch::Receiver<Option<Answer>>,
}

/// The threads and their queue. Dropped, it answers what waits and lets the threads end.
pub struct Pool(Arc<Shared>);

struct Shared {
    process: Arc<dyn Process>,
    guard: Guard,
    queue: usize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Job>>,
    /// Everything that waits or is in process and may be shared.
    jobs: HashMap<Key, Arc<Job>>,
    latest: Latest,
    /// Objects in process.
    going: usize,
    stopping: bool,
}

/// An object's URL, which events spell in one way, and its version.
type Key = (String, Option<String>);

struct Job {
    key: Key,
    object: Staged,
    /// When it is too late to begin.
    until: Option<Instant>,
    answer: watch::Sender<Option<Answer>>,
}

fn key(object: &Staged) -> Key {
    (object.url.clone(), object.version.clone())
}

impl Ticket {
    /// The answer, when there is one.
    pub async fn wait(&mut self) -> Answer {
        let answered = self.answer.wait_for(Option::is_some).await;
        let answer = answered.ok().and_then(|answer| answer.clone());
        answer.unwrap_or(Answer::Unfinished)
    }

    /// The answer, if there is one.
    pub fn now(&self) -> Answer {
        self.answer.borrow().clone().unwrap_or(Answer::Unfinished)
    }

    fn answered(url: &str, answer: Answer) -> Self {
        let (_, receiver) = watch::channel(Some(answer));
        Self {
            url: url.to_owned(),
            answer: receiver,
        }
    }
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// `Internal` when a thread cannot be started.
    pub fn start(process: Arc<dyn Process>, guard: Guard, size: Size) -> Result<Self> {
        let shared = Arc::new(Shared {
            process,
            guard,
            queue: size.queue.max(1),
            state: Mutex::default(),
            wake: Condvar::new(),
        });
        let pool = Self(Arc::clone(&shared));
        for number in 0..size.workers.max(1) {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("objects-{number}"));
            thread.spawn(move || shared.work()).map_err(|error| {
                Error::new(ErrorKind::Internal, "a thread cannot be started").because(error)
            })?;
        }
        Ok(pool)
    }

    /// Takes all objects or none. A request that is taken may have any number of objects: events are bounded, and
    /// half an event cannot be refused.
    ///
    /// # Errors
    /// When there is no room for them, or the pool stops.
    pub fn ask(&self, objects: &[Staged]) -> Result<Vec<Ticket>, Refused> {
        let mut state = self.0.lock();
        let full = state.waiting.len() >= self.0.queue;
        if full && objects.iter().any(|object| self.0.is_work(&state, object)) {
            return Err(Refused::Full);
        }
        self.0.take_all(&mut state, objects, None)
    }

    /// Takes all objects, however many wait; none is begun after `until`.
    ///
    /// # Errors
    /// When the pool stops.
    pub fn ask_all(
        &self,
        objects: &[Staged],
        until: Option<Instant>,
    ) -> Result<Vec<Ticket>, Refused> {
        let mut state = self.0.lock();
        self.0.take_all(&mut state, objects, until)
    }

    /// How many objects wait, and how many are in process.
    pub fn load(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.waiting.len(), state.going)
    }

    /// Takes nothing more and begins nothing more: what waits is answered as unfinished, what is in process goes on.
    pub fn stop(&self) {
        let mut state = self.0.lock();
        state.stopping = true;
        for job in std::mem::take(&mut state.waiting) {
            state.jobs.remove(&job.key);
            job.answer.send_replace(Some(Answer::Unfinished));
        }
        self.0.wake.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about an object without processing it.
    fn foreseen(&self, state: &State, object: &Staged) -> Option<Answer> {
        match self.guard.judge(object) {
            Verdict::Own(reason) => Some(Answer::Ended(Outcome::Skipped(reason))),
            Verdict::Foreign => {
                let message = "it lies outside the places that are allowed";
                let error = Error::new(ErrorKind::Policy, message).hint("allow its prefix");
                Some(Answer::Failed(Arc::new(error)))
            }
            Verdict::Welcome => {
                let sequencer = object.sequencer.as_deref();
                let overtaken = state.latest.overtaken(&object.url, sequencer);
                overtaken.then_some(Answer::Superseded)
            }
        }
    }

    fn is_work(&self, state: &State, object: &Staged) -> bool {
        self.foreseen(state, object).is_none() && !state.jobs.contains_key(&key(object))
    }

    fn take_all(
        &self,
        state: &mut State,
        objects: &[Staged],
        until: Option<Instant>,
    ) -> Result<Vec<Ticket>, Refused> {
        if state.stopping {
            return Err(Refused::Stopping);
        }
        let tickets = objects.iter().map(|object| self.take(state, object, until));
        let tickets = tickets.collect();
        self.wake.notify_all();
        Ok(tickets)
    }

    fn take(&self, state: &mut State, object: &Staged, until: Option<Instant>) -> Ticket {
        if let Some(answer) = self.foreseen(state, object) {
            return Ticket::answered(&object.url, answer);
        }
        let job = state.jobs.entry(key(object)).or_insert_with_key(|key| {
            let job = Arc::new(Job {
                key: key.clone(),
                object: object.clone(),
                until,
                answer: watch::channel(None).0,
            });
            state.waiting.push_back(Arc::clone(&job));
            job
        });
        Ticket {
            url: object.url.clone(),
            answer: job.answer.subscribe(),
        }
    }

    /// A thread's life.
    fn work(&self) {
        while let Some((job, known)) = self.next() {
            let answer = known.unwrap_or_else(|| self.process(&job));
            let mut state = self.lock();
            if let Answer::Ended(Outcome::Done { .. } | Outcome::Already) = &answer {
                let sequencer = job.object.sequencer.as_deref();
                state.latest.note(&job.key.0, sequencer);
            }
            if state
                .jobs
                .get(&job.key)
                .is_some_and(|own| Arc::ptr_eq(own, &job))
            {
                state.jobs.remove(&job.key);
            }
            state.going -= 1;
            drop(state);
            job.answer.send_replace(Some(answer));
        }
    }

    /// The next object, with its answer if that became known while it waited; `None` when the pool stops.
    fn next(&self) -> Option<(Arc<Job>, Option<Answer>)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.going += 1;
                let late = job.until.is_some_and(|until| Instant::now() >= until);
                let known = self.foreseen(&state, &job.object);
                // What may have changed since cannot be shared once it is being read.
                if job.key.1.is_none() {
                    state.jobs.remove(&job.key);
                }
                return Some((job, known.or(late.then_some(Answer::Unfinished))));
            }
            if state.stopping {
                return None;
            }
            let woken = self.wake.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn process(&self, job: &Job) -> Answer {
        // The panic hook told where; a thread less would be a server that stands still.
        let ended = catch_unwind(AssertUnwindSafe(|| self.process.process(&job.object)));
        let ended =
            ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a defect showed")));
        match ended {
            Ok(outcome) => Answer::Ended(outcome),
            Err(error) => Answer::Failed(Arc::new(error)),
        }
    }
}
