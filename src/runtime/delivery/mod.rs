//! What a destination behind us is given: RECORDs, and STATEs whose ids and counts are such that they can be found
//! again when they come back. All else that is said goes to people, or to the platform.

pub(super) mod echo;
mod handed;
mod heard;
mod voice;

use std::collections::HashSet;

use crate::checkpoint::Ledger;
use crate::decode::{EventKind, Item};
use crate::pipeline::Done;
use crate::plan::Plan;
use crate::protocol::said;
use crate::protocol::state::{Descriptor, State, edit};
use crate::protocol::trace;

pub(super) use handed::{Back, Handed, Sent, scope_of};
pub(super) use heard::{Heard, Stated};
pub(super) use voice::Voice;

/// Where the statuses of streams come from.
#[derive(Debug)]
pub(super) enum Statuses {
    /// The source says them to us; the destination is told of complete streams once we know that they are.
    Withheld(Heard),
    /// A platform says them to the destination.
    Passed,
    /// A platform that says none: these streams are complete when the input ends.
    Assumed(HashSet<Descriptor>),
}

/// Says what the next hop is given where that is a destination.
#[derive(Debug)]
pub(super) struct Delivery {
    voice: Voice,
    pub(super) statuses: Statuses,
    /// The greatest id so far.
    last_id: i64,
    /// STATEs on their way, where they come back to us.
    handed: Option<Handed>,
    /// Records that came in since the last STATE, and those of them that left.
    received: Ledger,
    left: Ledger,
}

/// What a STATE covers: records that came in, and all that left, with those that were made of others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) came: u64,
    pub(super) count: u64,
}

impl Delivery {
    /// A delivery whose other lines go to `voice`.
    pub(super) fn new(voice: Voice, statuses: Statuses) -> Self {
        Self {
            voice,
            statuses,
            last_id: 0,
            handed: None,
            received: Ledger::default(),
            left: Ledger::default(),
        }
    }

    /// Remembers what is handed on in `handed`.
    #[must_use]
    pub(super) fn remembering(mut self, handed: &Handed) -> Self {
        self.handed = Some(handed.clone());
        self
    }

    /// Whether the source says no statuses.
    pub(super) fn is_silent(&self) -> bool {
        matches!(&self.statuses, Statuses::Withheld(heard) if heard.is_silent())
    }

    /// Who is told of all else.
    pub(super) fn voice(&self) -> &Voice {
        &self.voice
    }

    /// The records that each STATE of a chunk covers, as they came in, in the order of the STATEs.
    pub(super) fn receive(&mut self, plan: &Plan, done: &Done) -> Vec<u64> {
        let mut counts = Vec::new();
        if self.handed.is_none() {
            return counts;
        }
        let of = |stream| plan.stream(stream);
        for &item in &done.decoded.items {
            match item {
                Item::Row { batch, .. } => {
                    let (stream, _) = &done.decoded.batches[batch as usize];
                    self.received.leave(&of(*stream).descriptor, 1, 0);
                }
                Item::Event(event) => {
                    let event = &done.decoded.events[event as usize];
                    for copied in &event.copied {
                        let stream = of(copied.stream);
                        self.received.leave(&stream.descriptor, copied.records, 0);
                    }
                    if let EventKind::State(state) = &event.kind {
                        counts.push(self.received.close(state, &plan.covered(&state.scope)));
                    }
                }
            }
        }
        for copied in &done.decoded.copied {
            let stream = of(copied.stream);
            self.received.leave(&stream.descriptor, copied.records, 0);
        }
        counts
    }

    /// Counts records of a stream that leave.
    pub(super) fn leave(&mut self, stream: &Descriptor, records: u64) {
        if self.handed.is_some() {
            self.left.leave(stream, records, 0);
        }
    }

    /// A STATE as the destination is given it: with an id, and with the count of what left before it.
    pub(super) fn state(
        &mut self,
        plan: &Plan,
        line: &[u8],
        state: &State,
        counts: Counts,
    ) -> Vec<u8> {
        let stats = edit::value(line, "sourceStats");
        let counted = match state.count.patch(counts.count) {
            Some(_) => edit::count(line, counts.count),
            None => None,
        };
        let counted = counted.unwrap_or_else(|| line.to_vec());
        let given = edit::value(line, "id").map(str::to_owned);
        let id = match &given {
            Some(id) => {
                self.last_id = self.last_id.max(id.parse().unwrap_or(0));
                id.clone()
            }
            None => {
                self.last_id += 1;
                self.last_id.to_string()
            }
        };
        if let Some(handed) = &self.handed {
            handed.send(Sent {
                id: id.clone(),
                scope: scope_of(&state.scope),
                received: counts.came,
                left: self.left.close(state, &plan.covered(&state.scope)),
                stats: stats.map(str::to_owned),
                number: 0,
            });
        }
        match given {
            Some(_) => counted,
            None => edit::set(&counted, &[("id", id)]).unwrap_or(counted),
        }
    }

    /// Takes note of a message that the destination has no use for. Says whether it is given on all the same.
    pub(super) fn said(&mut self, line: &[u8]) -> bool {
        let Statuses::Withheld(heard) = &mut self.statuses else {
            return true;
        };
        let said = said::read(line);
        heard.hear(&said);
        self.voice.tell("source", &said);
        false
    }

    /// The lines by which streams are declared complete, those of `all` that are; with the others.
    pub(super) fn complete(
        &self,
        all: Vec<Descriptor>,
        second: impl Fn(&Descriptor) -> Option<String>,
        now_ms: u64,
    ) -> (Vec<String>, Vec<Descriptor>) {
        let (complete, others): (Vec<_>, Vec<_>) = match &self.statuses {
            Statuses::Withheld(heard) => all
                .into_iter()
                .partition(|stream| heard.is_complete(stream)),
            Statuses::Assumed(streams) => {
                all.into_iter().partition(|stream| streams.contains(stream))
            }
            Statuses::Passed => return (Vec::new(), Vec::new()),
        };
        let mut lines = Vec::new();
        for stream in complete {
            lines.push(trace::complete(&stream, now_ms));
            if let Some(name) = second(&stream) {
                let second = Descriptor { name, ..stream };
                lines.push(trace::complete(&second, now_ms));
            }
        }
        (lines, others)
    }
}
