//! The ledger: counts what leaves between the STATEs of a stream, so that every STATE says the truth.
//!
//! A STATE of a stream closes that stream's count; a GLOBAL state closes those of the streams it lists (of
//! all, when it lists none) and carries their sum; a LEGACY state closes all.
//!
//! The records of a second stream have no STATE of their own. A stream's STATE leaves them out: who counts
//! by stream waits for that stream's records. A state over several streams counts them with the streams
//! they were made of: who counts over all streams counts every record that has arrived.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind};
use crate::protocol::state::{Descriptor, Scope, State};

/// Records that left since the last STATE, per stream, and the kind of states seen.
#[derive(Debug, Default)]
pub struct Ledger {
    open: HashMap<Descriptor, Open>,
    kind: Option<&'static str>,
    states: u64,
    /// States whose own count differed from the records the source had sent.
    corrected: u64,
}

/// Records of a stream since its last STATE.
#[derive(Debug, Default, Clone, Copy)]
struct Open {
    records: u64,
    /// Those of its second stream.
    followers: u64,
}

impl Open {
    fn all(self) -> u64 {
        self.records + self.followers
    }
}

impl Ledger {
    /// Counts records of a stream on their way out, and those of its second stream behind them.
    pub fn leave(&mut self, stream: &Descriptor, records: u64, followers: u64) {
        if !self.open.contains_key(stream) {
            self.open.insert(stream.clone(), Open::default());
        }
        if let Some(open) = self.open.get_mut(stream) {
            open.records += records;
            open.followers += followers;
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

    /// Closes the counts that a STATE covers and returns their sum. `scope` is whose records it covers here, which is
    /// more than it says where streams have other names by now.
    pub fn close(&mut self, state: &State, scope: &Scope) -> u64 {
        self.kind.get_or_insert(state.scope.name());
        self.states += 1;
        let count = match scope {
            Scope::Stream(stream) => self.open.remove(stream).map_or(0, |open| open.records),
            Scope::Global(streams) if !streams.is_empty() => streams
                .iter()
                .filter_map(|stream| self.open.remove(stream))
                .map(Open::all)
                .sum(),
            Scope::Global(_) | Scope::Legacy => self.open.drain().map(|(_, open)| open.all()).sum(),
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

    fn close(ledger: &mut Ledger, state: &State) -> u64 {
        ledger.close(state, &state.scope)
    }

    #[test]
    fn every_record_is_counted_by_one_state() {
        let mut ledger = Ledger::default();
        ledger.leave(&stream("a"), 3, 0);
        ledger.leave(&stream("b"), 5, 0);
        let of = |name| state(Scope::Stream(stream(name)));
        assert_eq!(close(&mut ledger, &of("a")), 3);
        assert_eq!(close(&mut ledger, &of("a")), 0);
        ledger.leave(&stream("b"), 1, 0);
        assert_eq!(close(&mut ledger, &of("b")), 6);
    }

    #[test]
    fn global_states_sum_the_streams_they_list() {
        let mut ledger = Ledger::default();
        for name in ["a", "b", "c"] {
            ledger.leave(&stream(name), 1, 0);
        }
        let listed = state(Scope::Global(vec![stream("a"), stream("b")]));
        assert_eq!(close(&mut ledger, &listed), 2);
        assert_eq!(close(&mut ledger, &state(Scope::Global(vec![]))), 1);
    }

    #[test]
    fn chunks_are_counted_where_streams_are_counted_together() {
        let mut ledger = Ledger::default();
        ledger.leave(&stream("a"), 2, 5);
        assert_eq!(close(&mut ledger, &state(Scope::Stream(stream("a")))), 2);
        ledger.leave(&stream("a"), 1, 3);
        ledger.leave(&stream("b"), 1, 0);
        assert_eq!(
            close(&mut ledger, &state(Scope::Global(vec![stream("a")]))),
            4
        );
        ledger.leave(&stream("a"), 1, 1);
        assert_eq!(close(&mut ledger, &state(Scope::Legacy)), 3);
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
        close(&mut ledger, &global());
        assert_eq!(place(&ledger, &mixed), Some(0));
        assert_eq!(place(&ledger, &[global()]), None);
    }
}
