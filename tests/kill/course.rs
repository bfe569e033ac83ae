//! A process that is killed at some moment.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::chance::Chance;

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// After a time.
    Time(Duration),
    /// After it was given so many bytes, and a time.
    Bytes(usize, Duration),
    /// Right after so many objects have appeared, or, where requests pass a [front](super::front), at that request:
    /// before it is passed on, or after it was answered and before the answer arrives.
    Event { number: usize, before: bool },
}

/// What a process left.
pub struct Course {
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// `None` when it was killed.
    pub code: Option<i32>,
    pub took: Duration,
}

/// The process that runs now, for those who kill it.
#[derive(Clone, Default)]
pub struct Target(Arc<Mutex<Option<Child>>>);

impl Target {
    pub fn kill(&self) {
        if let Some(child) = self.0.lock().expect("a child").as_mut() {
            let _ = child.kill();
        }
    }

    fn ended(&self) -> Option<std::process::ExitStatus> {
        let mut child = self.0.lock().expect("a child");
        child
            .as_mut()
            .and_then(|child| child.try_wait().expect("a child"))
    }
}

/// What may happen to a process from outside.
pub struct Danger<'a> {
    pub moment: Option<Moment>,
    /// The directory whose changes are events.
    pub watched: Option<&'a Path>,
    pub target: Target,
}

/// Runs a process on `input`, and kills it at its moment, if that comes.
pub fn run(mut command: Command, input: &[u8], danger: &Danger<'_>) -> Course {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let (mut stdin, mut stdout, mut stderr) = (
        child.stdin.take().expect("a pipe"),
        child.stdout.take().expect("a pipe"),
        child.stderr.take().expect("a pipe"),
    );
    let target = &danger.target;
    *target.0.lock().expect("a child") = Some(child);
    std::thread::scope(|scope| {
        let out = scope.spawn(move || {
            let mut all = Vec::new();
            let _ = stdout.read_to_end(&mut all);
            all
        });
        let told = scope.spawn(move || {
            let mut all = String::new();
            let _ = stderr.read_to_string(&mut all);
            all
        });
        scope.spawn(move || {
            let until = match danger.moment {
                Some(Moment::Bytes(bytes, _)) => bytes.min(input.len()),
                _ => input.len(),
            };
            let _ = stdin.write_all(&input[..until]);
            if let Some(Moment::Bytes(_, wait)) = danger.moment {
                std::thread::sleep(wait);
                target.kill();
            }
        });
        let mut seen = Seen::default();
        let status = loop {
            if let Some(status) = target.ended() {
                break status;
            }
            match (danger.moment, danger.watched) {
                (Some(Moment::Time(wait)), _) if start.elapsed() >= wait => target.kill(),
                (Some(Moment::Event { number, .. }), Some(folder))
                    if seen.count(folder) >= number =>
                {
                    target.kill()
                }
                (Some(Moment::Event { .. }), Some(_)) => {}
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        *target.0.lock().expect("a child") = None;
        Course {
            stdout: out.join().expect("an output"),
            stderr: told.join().expect("an output"),
            code: status.code(),
            took: start.elapsed(),
        }
    })
}

/// Files that have appeared below a directory, of one name or another.
#[derive(Default)]
struct Seen {
    at_start: Option<usize>,
    most: usize,
}

impl Seen {
    fn count(&mut self, folder: &Path) -> usize {
        let mut count = 0;
        let mut open: Vec<PathBuf> = vec![folder.to_owned()];
        while let Some(at) = open.pop() {
            for entry in std::fs::read_dir(at).into_iter().flatten().flatten() {
                match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    true => open.push(entry.path()),
                    false => count += 1,
                }
            }
        }
        let at_start = *self.at_start.get_or_insert(count);
        self.most = self.most.max(count.saturating_sub(at_start));
        self.most
    }
}

/// A moment by chance, of a run that takes about so long, is given so many bytes and causes so many events.
pub fn moment(chance: &mut Chance, took: Duration, bytes: usize, events: usize) -> Moment {
    // What comes after the end kills nobody, so the last moments are rare.
    let part = |chance: &mut Chance, whole: u64| {
        let rare = chance.below(8) == 0;
        chance.below(if rare { whole } else { whole * 7 / 8 } + 2)
    };
    match chance.below(4) {
        0 => Moment::Time(Duration::from_micros(part(chance, took.as_micros() as u64))),
        1 => {
            let wait = Duration::from_micros(chance.below(30_000));
            Moment::Bytes(part(chance, bytes as u64) as usize, wait)
        }
        _ => Moment::Event {
            number: part(chance, events as u64) as usize + 1,
            before: chance.below(2) == 0,
        },
    }
}

/// Counts events.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub fn reset(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}
