//! A run at a moment.

use crate::decode::StreamId;
use crate::plan::Plan;
use crate::report::{StreamTotals, Totals};

/// Streams that are told one by one; what there is beyond them is added up.
pub const STREAMS_MAX: usize = 1_000;

/// What further streams are called together.
const OTHERS: &str = "(others)";

/// What is known of a run. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The words of the command.
    pub command: &'static str,
    /// The run's name, a UUID.
    pub run: String,
    pub began_ns: u64,
    pub at_ns: u64,
    pub outcome: Outcome,
    pub bytes: u64,
    pub lines: u64,
    pub foreign: u64,
    /// STATEs that passed, and those of them whose counts were corrected.
    pub states: (u64, u64),
    /// By their names.
    pub streams: Vec<StreamReading>,
}

/// How a run stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Outcome {
    #[default]
    Running,
    Succeeded,
    Failed {
        /// The sort of failure in one word.
        class: &'static str,
        message: String,
    },
}

impl Outcome {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What is known of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamReading {
    /// With its namespace.
    pub name: String,
    /// When its records were first and last met; 0 where that is not known.
    pub first_ns: u64,
    pub last_ns: u64,
    pub totals: StreamTotals,
}

impl Reading {
    /// Takes the counts of streams anew. `seen` has when each was first and last met.
    pub fn count(&mut self, plan: &Plan, totals: &Totals, seen: &[(u64, u64)]) {
        (self.bytes, self.lines, self.foreign) = (totals.bytes, totals.lines, totals.foreign);
        let ids: Vec<StreamId> = (0..plan.streams()).collect();
        let read = |id: &StreamId| {
            let (first_ns, last_ns) = seen.get(*id).copied().unwrap_or_default();
            StreamReading {
                name: plan.stream(*id).descriptor.to_string(),
                first_ns,
                last_ns,
                totals: totals.of(*id).cloned().unwrap_or_default(),
            }
        };
        let mut streams: Vec<StreamReading> = ids.iter().take(STREAMS_MAX).map(read).collect();
        streams.sort_by(|one, other| one.name.cmp(&other.name));
        if ids.len() > STREAMS_MAX {
            let mut others = StreamReading {
                name: OTHERS.to_owned(),
                ..StreamReading::default()
            };
            for id in &ids[STREAMS_MAX..] {
                let Some(of) = totals.of(*id) else { continue };
                let sum = &mut others.totals;
                sum.read += of.read;
                sum.emitted += of.emitted;
                sum.filtered += of.filtered;
                sum.rejected += of.rejected;
                sum.bytes += of.bytes;
            }
            streams.push(others);
        }
        self.streams = streams;
    }

    /// Seconds from its beginning.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds of a run are far below 2^53 microseconds"
    )]
    pub fn seconds(&self) -> f64 {
        (self.at_ns.saturating_sub(self.began_ns) / 1_000) as f64 / 1e6
    }
}
