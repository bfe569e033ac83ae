//! The ledger: counts what leaves between the STATEs of a stream, so that every STATE says the truth.
//!
//! A STATE of a stream closes that stream's count; a GLOBAL state closes those of the streams it lists (of
//! all, when it lists none) and carries their sum; a LEGACY state closes all.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind};
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

    /// The first of these states that differs in type from those before it, by its place, and the error
    /// it is: no reader can tell which records such a state covers.
    pub fn mixed<'a>(&self, states: impl Iterator<Item = &'a State>) -> Option<(usize, Error)> {
        let mut first = self.kind;
        for (place, state) in states.enumerate() {
            let kind = state.scope.name();
            let first = *first.get_or_insert(kind);
            if first != kind {
                let message = format!("a {kind} state after {first} states");
                let hint =
                    "a sync uses one type of state; which records this one covers cannot be told";
                return Some((place, Error::new(ErrorKind::Protocol, message).hint(hint)));
            }
        }
        None
    }

    /// Closes the counts that a STATE covers and returns their sum.
    pub fn close(&mut self, state: &State) -> u64 {
        self.kind.get_or_insert(state.scope.name());
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
        count
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
        assert_eq!(ledger.close(&of("a")), 3);
        assert_eq!(ledger.close(&of("a")), 0);
        ledger.leave(&stream("b"), 1);
        assert_eq!(ledger.close(&of("b")), 6);
    }

    #[test]
    fn global_states_sum_the_streams_they_list() {
        let mut ledger = Ledger::default();
        for name in ["a", "b", "c"] {
            ledger.leave(&stream(name), 1);
        }
        let listed = state(Scope::Global(vec![stream("a"), stream("b")]));
        assert_eq!(ledger.close(&listed), 2);
        assert_eq!(ledger.close(&state(Scope::Global(vec![]))), 1);
    }

    #[test]
    fn the_first_state_of_another_type_is_found() {
        let global = || state(Scope::Global(vec![]));
        let of = |scopes: Vec<Scope>| scopes.into_iter().map(state).collect::<Vec<_>>();
        let mut ledger = Ledger::default();
        let place =
            |ledger: &Ledger, states: &[State]| ledger.mixed(states.iter()).map(|(at, _)| at);
        let mixed = of(vec![Scope::Legacy, Scope::Legacy, Scope::Global(vec![])]);
        assert_eq!(place(&ledger, &mixed), Some(2));
        assert_eq!(place(&ledger, &[global(), global()]), None);
        ledger.close(&global());
        assert_eq!(place(&ledger, &mixed), Some(0));
        assert_eq!(place(&ledger, &[global()]), None);
    }
}
