//! Sends events on a thread of its own, so that no record waits for a server.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::transport::Transport;

/// Events that wait; a run has two.
const WAITING: usize = 8;

/// How long the end of a run waits for its events to be taken.
const FAREWELL: Duration = Duration::from_secs(10);

/// The way to the thread.
#[derive(Debug)]
pub(super) struct Sender {
    events: SyncSender<String>,
    notes: Receiver<String>,
    /// Where events go, for messages.
    what: String,
}

impl Sender {
    /// Starts the thread.
    pub fn start(transport: Transport) -> Self {
        let (events, waiting) = sync_channel::<String>(WAITING);
        let (told, notes) = sync_channel(WAITING * 4);
        let what = transport.name();
        let work = move || {
            let mut opened = transport.open();
            for event in waiting {
                for note in opened.send(&event) {
                    let _ = told.try_send(note);
                }
            }
        };
        // Without its thread nothing is sent, and the end finds the channel closed.
        let _ = std::thread::Builder::new()
            .name("lineage".to_owned())
            .spawn(work);
        Self {
            events,
            notes,
            what,
        }
    }

    /// Hands an event over.
    pub fn send(&self, event: String) {
        let _ = self.events.try_send(event);
    }

    /// Waits until everything is sent, but not for long, and gives what went wrong, each thing once.
    pub fn finish(self) -> Vec<String> {
        drop(self.events);
        let deadline = Instant::now() + FAREWELL;
        let mut notes: Vec<String> = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.notes.recv_timeout(left) {
                Ok(note) if notes.contains(&note) => {}
                Ok(note) => notes.push(note),
                Err(RecvTimeoutError::Disconnected) => return notes,
                Err(RecvTimeoutError::Timeout) => {
                    notes.push(format!(
                        "lineage: {} did not take the events within {} seconds of the run's end",
                        self.what,
                        FAREWELL.as_secs()
                    ));
                    return notes;
                }
            }
        }
    }
}
