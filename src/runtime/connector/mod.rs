//! A connector that runs beside us: its streams, the signals that are passed on to it, and how it ended.
//!
//! It has a process group of its own, so that a signal reaches what a script of it has started too, and so that a
//! terminal's Ctrl-C reaches it once, through us.

mod relay;
mod stderr;

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use crate::error::{Error, ErrorKind, Result};

pub use relay::asked_to_end;
pub use stderr::each_line;

/// How often a connector that was asked to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a connector may take to end once it was asked to.
pub const GRACE: Duration = Duration::from_secs(10);

/// A running connector.
#[derive(Debug)]
pub struct Connector {
    /// `the source`, `the destination`.
    role: &'static str,
    child: Child,
    group: Pid,
    ended: Option<Ending>,
}

/// Ends a connector that somebody else waits for.
#[derive(Debug, Clone, Copy)]
pub struct Leash(Pid);

impl Leash {
    /// Asks it to end, and ends it when it has not after `grace`. Nothing happens to one that has ended.
    pub fn end(self, grace: Duration) {
        let asked = Instant::now();
        relay::signal(self.0, Signal::TERM);
        while relay::knows(self.0) {
            if asked.elapsed() >= grace {
                relay::signal(self.0, Signal::KILL);
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Whether the connector itself has ended, whoever of those it has started may live on. Whoever waits for it is not
    /// kept from learning how it ended.
    pub fn is_over(self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // One that was waited for before is no child any more.
        !matches!(waitid(WaitId::Pid(self.0), look), Ok(None))
    }
}

/// How a connector ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Code(i32),
    Signal(i32),
}

impl Connector {
    /// Starts a command, whose streams are set, and passes SIGTERM, SIGINT and SIGHUP on to it from now on.
    ///
    /// # Errors
    /// `Child` when it cannot be started.
    pub fn start(role: &'static str, command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let cannot = |error: std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => "give its path, or look whether it is installed",
                _ => "look whether it may be executed",
            };
            let message = format!("{role} `{name}` cannot be started");
            Error::new(ErrorKind::Child, message)
                .hint(hint)
                .because(error)
        };
        relay::listen().map_err(cannot)?;
        let child = command.process_group(0).spawn().map_err(cannot)?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or_else(|| cannot(std::io::ErrorKind::Other.into()))?;
        relay::add(group);
        Ok(Self {
            role,
            child,
            group,
            ended: None,
        })
    }

    /// What ends it from another thread.
    pub fn leash(&self) -> Leash {
        Leash(self.group)
    }

    /// Its stdin, if that is a pipe and was not taken before.
    pub fn stdin(&mut self) -> Option<OwnedFd> {
        self.child.stdin.take().map(OwnedFd::from)
    }

    /// Its stdout, if that is a pipe and was not taken before.
    pub fn stdout(&mut self) -> Option<OwnedFd> {
        self.child.stdout.take().map(OwnedFd::from)
    }

    /// Its stderr, if that is a pipe and was not taken before.
    pub fn stderr(&mut self) -> Option<OwnedFd> {
        self.child.stderr.take().map(OwnedFd::from)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `Child` when it cannot be waited for.
    pub fn wait(&mut self) -> Result<Ending> {
        if let Some(ending) = self.ended {
            return Ok(ending);
        }
        let status = self.child.wait();
        relay::remove(self.group);
        let status = status.map_err(|error| {
            let message = format!("{} cannot be waited for", self.role);
            Error::new(ErrorKind::Child, message).because(error)
        })?;
        Ok(*self.ended.insert(Ending::of(status)))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// `Child` when that cannot be told.
    pub fn ended(&mut self) -> Result<Option<Ending>> {
        if self.ended.is_some() || matches!(self.child.try_wait(), Ok(None)) {
            return Ok(self.ended);
        }
        self.wait().map(Some)
    }

    /// Asks it to end, and ends it when it has not after `grace`.
    ///
    /// # Errors
    /// `Child` when it cannot be waited for.
    pub fn stop(&mut self, grace: Duration) -> Result<Ending> {
        let asked = Instant::now();
        self.signal(Signal::TERM);
        while self.ended.is_none() {
            if let Ok(Some(status)) = self.child.try_wait() {
                relay::remove(self.group);
                self.ended = Some(Ending::of(status));
                break;
            }
            if asked.elapsed() >= grace {
                self.signal(Signal::KILL);
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.wait()
    }

    /// Ends what it has started and left behind, which may hold its streams open.
    pub fn clear(&self) {
        if self.ended.is_some() {
            // Usually nobody is there any more.
            let _ = rustix::process::kill_process_group(self.group, Signal::KILL);
        }
    }

    fn signal(&self, signal: Signal) {
        if self.ended.is_none() {
            // One that has just ended needs no signal.
            let _ = rustix::process::kill_process_group(self.group, signal);
        }
    }

    /// The error that its end is; none when it ended well.
    ///
    /// # Errors
    /// `Child`, naming the exit code or the signal.
    pub fn verdict(&self, ending: Ending) -> Result<()> {
        if ending.is_success() {
            return Ok(());
        }
        let message = format!("{} {}", self.role, ending.sentence());
        let hint = match ending {
            Ending::Signal(9) => "too little memory is the usual cause of this signal",
            _ => "its own messages say why",
        };
        Err(Error::new(ErrorKind::Child, message).hint(hint))
    }
}

impl Drop for Connector {
    /// Nothing of a run stays behind.
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.stop(GRACE);
        }
    }
}

impl Ending {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }

    /// Whether it ended as one that did its work.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The exit code by which a shell would tell it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(code).unwrap_or(1),
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    /// The same in words, behind its name.
    pub fn sentence(self) -> String {
        match self {
            Self::Code(code) => format!("ended with exit code {code}"),
            Self::Signal(signal) => format!("was ended by signal {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str) -> Connector {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        Connector::start("the source", &mut command).expect("a shell")
    }

    #[test]
    fn its_end_is_told() {
        for (script, ending, says) in [
            ("exit 0", Ending::Code(0), None),
            ("exit 7", Ending::Code(7), Some("exit code 7")),
            ("kill -9 $$", Ending::Signal(9), Some("signal 9")),
        ] {
            let mut connector = shell(script);
            let found = connector.wait().expect("an end");
            assert_eq!(found, ending);
            let told = connector
                .verdict(found)
                .err()
                .map(|error| error.to_string());
            assert_eq!(told.is_some(), says.is_some());
            assert!(told.is_none_or(|told| says.is_some_and(|says| told.contains(says))));
        }
        let mut command = Command::new("/no/such/connector");
        let error = Connector::start("the source", &mut command).expect_err("nothing there");
        assert_eq!(error.kind(), ErrorKind::Child);
    }

    #[test]
    fn what_it_started_ends_with_it_and_what_will_not_is_ended() {
        for script in [
            // A script that waits for another process, as an image's entry point may be.
            "sleep 1000 & echo $!; wait",
            "trap '' TERM; echo 1; while :; do sleep 0.1; done",
        ] {
            let mut connector = shell(script);
            let mut stdout = std::fs::File::from(connector.stdout().expect("a pipe"));
            let mut first = [0; 1];
            stdout.read_exact(&mut first).expect("a line");
            let ending = connector.stop(Duration::from_millis(300)).expect("an end");
            assert!(!ending.is_success(), "{ending:?}");
            // Everybody who held the pipe is gone.
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).expect("the end");
        }
    }
}
