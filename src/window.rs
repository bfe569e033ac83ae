//! Chunks in flight: as many as there are workers, parallel inside, in arrival order outside.
//!
//! There is no reader or writer thread. Every worker takes the input's turn, reads one chunk, lets the next
//! worker read, does the work, waits for the output's turn and writes. What is in flight is bounded by one
//! chunk per worker, and a failure at one chunk stops every later write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::decode::Stop;
use crate::error::{Error, ErrorKind, Result};

/// Reads chunks.
pub trait Input: Send {
    type Chunk: Send;
    /// The next chunk, or `None` at the end or soon after `stopped` is set. `spare` is memory to use.
    ///
    /// # Errors
    /// What reading says.
    fn read(&mut self, spare: Vec<u8>, stopped: &AtomicBool) -> Result<Option<Self::Chunk>>;
}

/// Writes what a worker has done.
pub trait Output: Send {
    type Done;

    /// Where a chunk must end because of what has left before it, though it is sound by itself.
    fn stop(&self, _: &Self::Done) -> Option<Stop> {
        None
    }

    /// Whether a chunk must be worked on again before it is written, because of what shows in it together with what has
    /// left before it. It is asked until it says no.
    fn again(&mut self, _: &Self::Done) -> bool {
        false
    }

    /// Writes one chunk, in its turn.
    ///
    /// # Errors
    /// What writing says, or why nothing may follow.
    fn write(&mut self, done: &Self::Done) -> Result<()>;
}

/// Does the work between; one per thread.
pub trait Work<Chunk, Done> {
    fn work(&mut self, chunk: Chunk) -> Done;

    /// Does the work of a chunk again, up to the line that stops it.
    fn shorten(&mut self, done: Done, stop: Stop) -> Done;

    /// Does the work of a chunk once more, where the output may ask for it.
    fn again(&mut self, done: Done) -> Done {
        done
    }

    /// Takes the memory of a written chunk back.
    fn reclaim(&mut self, done: Done) -> Vec<u8>;
}

/// Runs every chunk of `input` through a worker, on `workers` threads, and writes the results in order.
/// Gives the output back with the first error, if there was one.
pub fn run<I: Input, O: Output, W: Work<I::Chunk, O::Done>>(
    workers: usize,
    input: I,
    output: O,
    worker: impl Fn() -> W + Sync,
) -> (O, Result<()>) {
    let window = Window {
        reading: Mutex::new(Reading { input, next: 0 }),
        writing: Mutex::new(Writing {
            output,
            turn: 0,
            failed: None,
        }),
        turned: Condvar::new(),
        stopped: AtomicBool::new(false),
    };
    if workers <= 1 {
        window.task(worker());
    } else {
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| window.task(worker()));
            }
        });
    }
    let writing = window
        .writing
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    (writing.output, writing.failed.map_or(Ok(()), Err))
}

struct Window<I, O> {
    reading: Mutex<Reading<I>>,
    writing: Mutex<Writing<O>>,
    turned: Condvar,
    stopped: AtomicBool,
}

struct Reading<I> {
    input: I,
    next: u64,
}

struct Writing<O> {
    output: O,
    turn: u64,
    failed: Option<Error>,
}

impl<I: Input, O: Output> Window<I, O> {
    fn task(&self, mut work: impl Work<I::Chunk, O::Done>) {
        let mut spare = Vec::new();
        while let Some((number, chunk)) = self.take(std::mem::take(&mut spare)) {
            let done = chunk.and_then(|chunk| guarded(|| work.work(chunk)));
            let mut writing = self.turn(number);
            let done = done.and_then(|mut done| {
                while writing.failed.is_none() && writing.output.again(&done) {
                    done = guarded(|| work.again(done))?;
                }
                Ok(done)
            });
            let done = done.and_then(|done| match writing.output.stop(&done) {
                Some(stop) if writing.failed.is_none() => guarded(|| work.shorten(done, stop)),
                _ => Ok(done),
            });
            let written = match (&writing.failed, &done) {
                (None, Ok(done)) => writing.output.write(done),
                _ => Ok(()),
            };
            if let Some(error) = written.err().or(match done {
                Ok(done) => {
                    spare = work.reclaim(done);
                    None
                }
                Err(error) => Some(error),
            }) {
                writing.failed.get_or_insert(error);
                self.stopped.store(true, Ordering::Relaxed);
            }
            writing.turn += 1;
            drop(writing);
            self.turned.notify_all();
        }
    }

    /// The next chunk and its number; `None` when there is no more to do.
    fn take(&self, spare: Vec<u8>) -> Option<(u64, Result<I::Chunk>)> {
        let mut reading = lock(&self.reading);
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let chunk = reading.input.read(spare, &self.stopped).transpose()?;
        let number = reading.next;
        reading.next += 1;
        if chunk.is_err() {
            self.stopped.store(true, Ordering::Relaxed);
        }
        Some((number, chunk))
    }

    /// Waits until everything before chunk `number` has been written.
    fn turn(&self, number: u64) -> MutexGuard<'_, Writing<O>> {
        let mut writing = lock(&self.writing);
        while writing.turn != number {
            writing = self
                .turned
                .wait(writing)
                .unwrap_or_else(PoisonError::into_inner);
        }
        writing
    }
}

/// What `work` gives; a panic of it is an error.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let message = "a worker panicked; this is a defect of midflight";
        Error::new(ErrorKind::Internal, message)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(u64);

    impl Input for Numbers {
        type Chunk = u64;

        fn read(&mut self, _: Vec<u8>, _: &AtomicBool) -> Result<Option<u64>> {
            self.0 += 1;
            Ok((self.0 <= 200).then_some(self.0))
        }
    }

    struct Collected(Vec<u64>, u64);

    impl Output for Collected {
        type Done = u64;

        fn stop(&self, done: &u64) -> Option<Stop> {
            let error = Error::new(ErrorKind::Protocol, "mixed");
            (*done == 7).then_some(Stop { line: 5, error })
        }

        fn again(&mut self, done: &u64) -> bool {
            *done == 20
        }

        fn write(&mut self, done: &u64) -> Result<()> {
            if *done == self.1 {
                return Err(Error::new(ErrorKind::Output, "full"));
            }
            self.0.push(*done);
            Ok(())
        }
    }

    struct Delay;

    impl Work<u64, u64> for Delay {
        fn work(&mut self, chunk: u64) -> u64 {
            assert_ne!(chunk, 150, "a panic of a worker");
            std::thread::sleep(std::time::Duration::from_micros(chunk * 37 % 11 * 30));
            chunk
        }

        fn shorten(&mut self, done: u64, stop: Stop) -> u64 {
            done * 1000 + stop.line
        }

        fn again(&mut self, done: u64) -> u64 {
            done + 1_000_000
        }

        fn reclaim(&mut self, _: u64) -> Vec<u8> {
            Vec::new()
        }
    }

    #[test]
    fn results_leave_in_order_shortened_where_asked_and_stop_at_the_first_failure() {
        for workers in [1, 2, 4] {
            for (fail_at, kind) in [(40, ErrorKind::Output), (999, ErrorKind::Internal)] {
                let (output, ended) =
                    run(workers, Numbers(0), Collected(vec![], fail_at), || Delay);
                let mut expected: Vec<_> = (1..fail_at.min(150)).collect();
                expected[6] = 7005;
                expected[19] = 1_000_020;
                assert_eq!(output.0, expected);
                assert_eq!(ended.map_err(|error| error.kind()), Err(kind));
            }
        }
    }
}
