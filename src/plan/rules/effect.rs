//! What a rule may do: the weakest of what it asks for, what its status allows and what the phase of
//! its file allows.

use serde::Serialize;

use crate::stage::rules::Action;

/// The ceiling for every rule of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Rules run and are counted.
    #[default]
    Monitor,
    /// Rules may set rows aside, where a person has approved them.
    Assisted,
    /// Rules may do what they ask for.
    Enforced,
}

/// How far a rule has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has approved it; it is counted.
    #[default]
    Proposed,
    /// A person has approved it; it may set rows aside.
    Approved,
    /// It may do what it asks for.
    Enforced,
    /// It does not run.
    Retired,
}

impl Status {
    /// The word of rule files and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Enforced => "enforced",
            Self::Retired => "retired",
        }
    }
}

/// What a rule asks for when a row fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// The row says which rule it failed.
    Annotate,
    /// The row goes to the reject store.
    Quarantine,
    /// The row is left out.
    Drop,
    /// The rule's columns become null.
    Nullify,
    /// The run stops.
    Fail,
}

/// The weakest of the three.
pub fn effective_action(phase: Phase, status: Status, on_fail: OnFail) -> Action {
    let phase_ceiling = match phase {
        Phase::Monitor => Action::Count,
        Phase::Assisted => Action::Quarantine,
        Phase::Enforced => Action::Fail,
    };
    let status_ceiling = match status {
        Status::Retired => Action::Ignore,
        Status::Proposed => Action::Count,
        Status::Approved => Action::Quarantine,
        Status::Enforced => Action::Fail,
    };
    let asked = match on_fail {
        OnFail::Annotate => Action::Annotate,
        OnFail::Nullify => Action::Nullify,
        OnFail::Quarantine => Action::Quarantine,
        OnFail::Drop => Action::Drop,
        OnFail::Fail => Action::Fail,
    };
    asked.min(status_ceiling).min(phase_ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weakest_of_three_is_done() {
        use Phase::{Assisted, Enforced as Full, Monitor};
        use Status::{Approved, Enforced, Proposed, Retired};
        for (phase, status, on_fail, expected) in [
            (Monitor, Enforced, OnFail::Fail, Action::Count),
            (Monitor, Approved, OnFail::Annotate, Action::Count),
            (Monitor, Retired, OnFail::Fail, Action::Ignore),
            (Assisted, Proposed, OnFail::Quarantine, Action::Count),
            (Assisted, Approved, OnFail::Annotate, Action::Annotate),
            (Assisted, Approved, OnFail::Nullify, Action::Nullify),
            (Assisted, Approved, OnFail::Drop, Action::Quarantine),
            (Assisted, Enforced, OnFail::Fail, Action::Quarantine),
            (Full, Proposed, OnFail::Fail, Action::Count),
            (Full, Approved, OnFail::Fail, Action::Quarantine),
            (Full, Enforced, OnFail::Drop, Action::Drop),
            (Full, Enforced, OnFail::Fail, Action::Fail),
            (Full, Enforced, OnFail::Annotate, Action::Annotate),
            (Full, Retired, OnFail::Fail, Action::Ignore),
        ] {
            let action = effective_action(phase, status, on_fail);
            assert_eq!(action, expected, "{phase:?} {status:?} {on_fail:?}");
        }
    }
}
