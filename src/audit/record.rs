//! What a record tells, before it has its place in a chain.

use serde_json::Value;

/// Something worth keeping: what kind of thing, and its particulars.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub kind: Kind,
    /// An object of names, counts, hashes and codes; never values of cells.
    pub payload: Value,
}

/// What records are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A run began: what it is made of.
    RunStarted,
    /// A run ended, and how.
    RunEnded,
    /// Whether a stream may leave the process, who said so and when.
    Preflight,
    /// One request to a language model and what became of its answer.
    LlmCall,
    /// What `midflight suggest` proposed and left out.
    RulesProposed,
    /// A back-test: which rules, over what, and its verdict.
    RulesTried,
    /// A person approved a rule.
    RuleApproved,
    /// A person retired a rule.
    RuleRetired,
    /// A rule lost standing because it fired too often.
    RuleDemoted,
    /// What a change of a stream's schema was taken for.
    DriftDecided,
    /// A torn last line was cut off.
    Mended,
}

impl Record {
    /// A record of these particulars.
    pub fn new(kind: Kind, payload: Value) -> Self {
        Self { kind, payload }
    }
}

impl Kind {
    /// The word that stands in the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunStarted => "run_started",
            Self::RunEnded => "run_ended",
            Self::Preflight => "preflight",
            Self::LlmCall => "llm_call",
            Self::RulesProposed => "rules_proposed",
            Self::RulesTried => "rules_tried",
            Self::RuleApproved => "rule_approved",
            Self::RuleRetired => "rule_retired",
            Self::RuleDemoted => "rule_demoted",
            Self::DriftDecided => "drift_decided",
            Self::Mended => "mended",
        }
    }
}
