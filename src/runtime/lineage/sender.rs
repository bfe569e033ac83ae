//! Sends events on a thread of its own, so that no record waits for a server.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::transport::Transport;
use crate::runtime::notes;

/// Events that wait; a run has two.
const WAITING: usize = 8;

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
        notes::until_the_end(
            &self.notes,
            &format!("lineage: {}", self.what),
            "the events",
        )
    }
}
