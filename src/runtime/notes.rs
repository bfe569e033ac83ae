//! What a thread that sends at the end of a run has to say of it, waited for, but not for long.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long the end of a run waits for those it tells.
const FAREWELL: Duration = Duration::from_secs(10);

/// Everything that is noted until the thread ends, each thing once. `who` did not take `what` if that lasts too long.
pub(super) fn until_the_end(notes: &Receiver<String>, who: &str, what: &str) -> Vec<String> {
    let deadline = Instant::now() + FAREWELL;
    let mut told: Vec<String> = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match notes.recv_timeout(left) {
            Ok(note) if told.contains(&note) => {}
            Ok(note) => told.push(note),
            Err(RecvTimeoutError::Disconnected) => return told,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = FAREWELL.as_secs();
                told.push(format!(
                    "{who} did not take {what} within {seconds} seconds of the run's end"
                ));
                return told;
            }
        }
    }
}
