//! Which rows of a chunk its STATEs cover: a STATE of one stream says nothing about the rows of another.

use std::collections::HashMap;

use crate::decode::{EventKind, StreamId};
use crate::pipeline::Done;
use crate::plan::Plan;
use crate::protocol::state::{Descriptor, Scope};

/// How far a chunk's STATEs reach.
#[derive(Debug, Default)]
pub struct Covered {
    /// Behind the last STATE that covers every stream, in bytes of the run's input.
    all: Option<u64>,
    /// The same for STATEs of single streams.
    streams: HashMap<StreamId, u64>,
}

impl Covered {
    /// Reads the STATEs of a chunk.
    pub fn of(done: &Done, plan: &Plan) -> Self {
        let mut covered = Self::default();
        for event in &done.decoded.events {
            let EventKind::State(state) = &event.kind else {
                continue;
            };
            let at = done.chunk.offset + u64::from(event.line.start);
            let of = |scope: &Descriptor| {
                (0..plan.streams()).find(|&id| plan.stream(id).descriptor == *scope)
            };
            match plan.covered(&state.scope).as_ref() {
                Scope::Stream(stream) => {
                    covered.streams.extend(of(stream).map(|id| (id, at)));
                }
                Scope::Global(streams) if !streams.is_empty() => {
                    let streams = streams.iter().filter_map(of);
                    covered.streams.extend(streams.map(|id| (id, at)));
                }
                Scope::Global(_) | Scope::Legacy => covered.all = Some(at),
            }
        }
        covered
    }

    /// Whether there is a STATE that covers this stream.
    pub fn covers(&self, stream: StreamId) -> bool {
        self.until(stream) > 0
    }

    /// Up to where the rows of a stream are covered; 0 when no STATE covers it.
    pub fn until(&self, stream: StreamId) -> u64 {
        let own = self.streams.get(&stream).copied();
        own.max(self.all).map_or(0, |at| at.max(1))
    }
}
