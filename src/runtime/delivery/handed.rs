//! STATEs that were handed on and have not come back.
//!
//! A destination gives a STATE back with its id. One that loses ids gives them back in their order, stream by stream.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::state::{Descriptor, Scope};

/// STATEs that may be under way; the oldest are forgotten when there are more, and do not count when they come back.
const OPEN_MAX: usize = 100_000;

/// Whose progress a STATE tells; `None` for all streams together.
pub(in crate::runtime) type Whose = Option<Descriptor>;

/// Whose progress a scope tells.
pub(in crate::runtime) fn scope_of(scope: &Scope) -> Whose {
    match scope {
        Scope::Stream(stream) => Some(stream.clone()),
        Scope::Global(_) | Scope::Legacy => None,
    }
}

/// A STATE that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::runtime) struct Sent {
    /// The JSON text of its id.
    pub(in crate::runtime) id: String,
    pub(in crate::runtime) scope: Whose,
    /// Records it covers, and those of them that left.
    pub(in crate::runtime) received: u64,
    pub(in crate::runtime) left: u64,
    /// The JSON text of `sourceStats` as it came.
    pub(in crate::runtime) stats: Option<String>,
    /// Its place in the order of all, which is given when it is sent.
    pub(in crate::runtime) number: u64,
}

/// What a STATE is that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::runtime) enum Back {
    /// The newest of its scope so far.
    Newest(Sent),
    /// One behind which another of its scope came back before.
    Late(Sent),
    /// One that was not handed on, or came back before.
    Unknown,
}

/// The STATEs on their way. Clones speak of the same ones.
#[derive(Debug, Clone, Default)]
pub(in crate::runtime) struct Handed(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    sent: BTreeMap<u64, Sent>,
    by_id: HashMap<String, VecDeque<u64>>,
    /// The newest that has come back, by scope.
    newest: HashMap<Whose, u64>,
    count: u64,
}

impl Handed {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers one that is about to leave.
    pub(super) fn send(&self, mut sent: Sent) {
        let mut open = self.open();
        open.count += 1;
        sent.number = open.count;
        let (id, number) = (sent.id.clone(), sent.number);
        open.by_id.entry(id).or_default().push_back(number);
        open.sent.insert(number, sent);
        if open.sent.len() > OPEN_MAX
            && let Some(oldest) = open.sent.keys().next().copied()
        {
            open.forget(oldest);
        }
    }

    /// Takes one back.
    pub(in crate::runtime) fn back(&self, id: Option<&str>, scope: &Whose) -> Back {
        let mut open = self.open();
        let number = match id {
            Some(id) => open.by_id.get(id).and_then(|all| all.front().copied()),
            None => {
                let mut sent = open.sent.values();
                sent.find(|sent| sent.scope == *scope)
                    .map(|sent| sent.number)
            }
        };
        let Some(sent) = number.and_then(|number| open.sent.get(&number).cloned()) else {
            return Back::Unknown;
        };
        if sent.scope != *scope {
            return Back::Unknown;
        }
        open.forget(sent.number);
        let newest = open.newest.entry(sent.scope.clone()).or_default();
        if *newest > sent.number {
            return Back::Late(sent);
        }
        *newest = sent.number;
        Back::Newest(sent)
    }

    /// How many were handed on.
    pub(in crate::runtime) fn count(&self) -> u64 {
        self.open().count
    }

    /// How many have not come back though none behind them of their scope did: what a next run reads again.
    pub(in crate::runtime) fn missing(&self) -> u64 {
        let open = self.open();
        let missing = open.sent.values().filter(|sent| {
            let newest = open.newest.get(&sent.scope);
            newest.is_none_or(|newest| *newest < sent.number)
        });
        missing.count() as u64
    }
}

impl Open {
    fn forget(&mut self, number: u64) {
        let Some(sent) = self.sent.remove(&number) else {
            return;
        };
        if let Some(all) = self.by_id.get_mut(&sent.id) {
            all.retain(|other| *other != number);
            if all.is_empty() {
                self.by_id.remove(&sent.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str) -> Whose {
        Some(Descriptor {
            namespace: None,
            name: name.into(),
        })
    }

    fn handed(sent: &[(&str, &str)]) -> Handed {
        let handed = Handed::default();
        for (id, name) in sent {
            handed.send(Sent {
                id: (*id).into(),
                scope: stream(name),
                received: 3,
                left: 2,
                stats: None,
                number: 0,
            });
        }
        handed
    }

    fn number(back: Back) -> Result<u64, &'static str> {
        match back {
            Back::Newest(sent) => Ok(sent.number),
            Back::Late(_) => Err("late"),
            Back::Unknown => Err("unknown"),
        }
    }

    #[test]
    fn states_are_found_by_id_else_by_order() {
        let handed = handed(&[("1", "a"), ("2", "b"), ("3", "a"), ("4", "a"), ("4", "b")]);
        let back = |id, name: &str| number(handed.back(id, &stream(name)));
        assert_eq!(back(None, "a"), Ok(1));
        assert_eq!(back(Some("1"), "a"), Err("unknown"));
        assert_eq!(back(Some("4"), "a"), Ok(4));
        assert_eq!(back(Some("3"), "a"), Err("late"));
        assert_eq!(back(Some("2"), "a"), Err("unknown"), "another stream's");
        assert_eq!(back(Some("2"), "b"), Ok(2));
        assert_eq!((handed.missing(), handed.count()), (1, 5));
        assert_eq!(back(Some("4"), "b"), Ok(5));
        assert_eq!(back(None, "b"), Err("unknown"));
        assert_eq!(handed.missing(), 0);
    }

    #[test]
    fn a_skipped_state_is_not_missing() {
        let handed = handed(&[("1", "a"), ("2", "a")]);
        assert_eq!(handed.missing(), 2);
        assert_eq!(number(handed.back(Some("2"), &stream("a"))), Ok(2));
        assert_eq!(handed.missing(), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let all: Vec<(String, &str)> = (0..OPEN_MAX + 5).map(|n| (n.to_string(), "a")).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(id, name)| (id.as_str(), *name)).collect();
        let handed = handed(&all);
        assert_eq!(handed.open().sent.len(), OPEN_MAX);
        assert_eq!(handed.open().by_id.len(), OPEN_MAX);
        assert_eq!(handed.back(Some("0"), &stream("a")), Back::Unknown);
    }
}
