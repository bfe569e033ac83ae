//! The ledger: counts what leaves between the STATEs of a stream, so that every STATE says the truth.
//!
//! A STATE of a stream closes that stream's count; a GLOBAL state closes those of the streams it lists (of
//! all, when it lists none) and carries their sum; a LEGACY state closes all.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::{Descriptor, Scope, State};

/// Records that left since the last STATE, per stream, and the kind of states seen.
#[derive(Debug, Default)]
pub struct Ledger {
    open: HashMap<Descriptor, u64>,
    kind: Option<&'static str>,
    states: u64,
    /// States whose own count differed from the records the source had sent.
    corrected: u64,
}

impl Ledger {
    /// Counts records of a stream on their way out.
    pub fn leave(&mut self, stream: &Descriptor, records: u64) {
        match self.open.get_mut(stream) {
            Some(count) => *count += records,
            None => {
                self.open.insert(stream.clone(), records);
            }
        }
    }

    /// Closes the counts that a STATE covers and returns their sum.
    ///
    /// # Errors
    /// `Protocol` when states of different types are mixed: no reader can tell which records they cover.
    pub fn close(&mut self, state: &State, line: u64) -> Result<u64> {
        let kind = state.scope.name();
        let first = *self.kind.get_or_insert(kind);
        if first != kind {
            let message = format!("line {line}: a {kind} state after {first} states");
            return Err(Error::new(ErrorKind::Protocol, message).hint(
                "a sync uses one type of state; which records this one covers cannot be told",
            ));
        }
        self.states += 1;
        let count = match &state.scope {
            Scope::Stream(stream) => self.open.remove(stream).unwrap_or(0),
            Scope::Global(streams) if !streams.is_empty() => streams
                .iter()
                .map(|stream| self.open.remove(stream).unwrap_or(0))
                .sum(),
            Scope::Global(_) | Scope::Legacy => self.open.drain().map(|(_, count)| count).sum(),
        };
        if state.count.patch(count).is_some() && state.count.given.is_some() {
            self.corrected += 1;
        }
        Ok(count)
    }

    /// States passed, and those whose count was corrected.
    pub fn states(&self) -> (u64, u64) {
        (self.states, self.corrected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame::Span;
    use crate::protocol::state::CountPlace;

    fn stream(name: &str) -> Descriptor {
        Descriptor {
            namespace: None,
            name: name.into(),
        }
    }

    fn state(scope: Scope) -> State {
        State {
            scope,
            count: CountPlace {
                span: Span::default(),
                around: ("", ""),
                given: None,
            },
        }
    }

    #[test]
    fn every_record_is_counted_by_one_state() {
        let mut ledger = Ledger::default();
        ledger.leave(&stream("a"), 3);
        ledger.leave(&stream("b"), 5);
        let of = |name| state(Scope::Stream(stream(name)));
        assert_eq!(ledger.close(&of("a"), 1).ok(), Some(3));
        assert_eq!(ledger.close(&of("a"), 2).ok(), Some(0));
        ledger.leave(&stream("b"), 1);
        assert_eq!(ledger.close(&of("b"), 3).ok(), Some(6));
    }

    #[test]
    fn global_states_sum_the_streams_they_list() {
        let mut ledger = Ledger::default();
        for name in ["a", "b", "c"] {
            ledger.leave(&stream(name), 1);
        }
        let listed = state(Scope::Global(vec![stream("a"), stream("b")]));
        assert_eq!(ledger.close(&listed, 1).ok(), Some(2));
        assert_eq!(ledger.close(&state(Scope::Global(vec![])), 2).ok(), Some(1));
        assert!(ledger.close(&state(Scope::Legacy), 3).is_err());
    }
}
