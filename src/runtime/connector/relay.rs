//! Signals that ask us to end, passed on to the connectors that run.
//!
//! With connectors running, their end ends us: what they still send is taken along. Without any, a signal does what it
//! would have done anyway.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static LISTENING: Mutex<bool> = Mutex::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether a signal has asked us to end.
pub fn asked_to_end() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Starts to pass signals on, once.
///
/// # Errors
/// When the system allows no handler or no thread.
pub(super) fn listen() -> std::io::Result<()> {
    let mut listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    if *listening {
        return Ok(());
    }
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(pass_on))?;
    *listening = true;
    Ok(())
}

fn pass_on(number: i32) {
    ASKED.store(true, Ordering::Relaxed);
    let groups = groups();
    if groups.is_empty() {
        drop(groups);
        let _ = emulate_default_handler(number);
        return;
    }
    let Some(signal) = Signal::from_named_raw(number) else {
        return;
    };
    for group in groups.iter() {
        // One that has just ended needs no signal.
        let _ = rustix::process::kill_process_group(*group, signal);
    }
}

pub(super) fn add(group: Pid) {
    groups().push(group);
}

pub(super) fn remove(group: Pid) {
    groups().retain(|known| *known != group);
}

/// Whether a connector of this group has not ended.
pub(super) fn knows(group: Pid) -> bool {
    groups().contains(&group)
}

/// Sends a signal to a connector, unless it has ended.
pub(super) fn signal(group: Pid, signal: Signal) {
    let groups = groups();
    if groups.contains(&group) {
        // One that has just ended needs no signal.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}
