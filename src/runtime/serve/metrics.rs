//! What a server that answers events has to tell Prometheus: how events were answered, and what there is to do.

use std::sync::atomic::{AtomicU64, Ordering};

use super::answer::Standing;
use crate::telemetry::{Family, Number, Sample, Shape, prometheus};

/// How many events were answered, and how.
#[derive(Debug, Default)]
pub(super) struct Answered([AtomicU64; 4]);

/// The words for the answers, in the order of the counts.
const WORDS: [&str; 4] = ["done", "poison", "again", "unfinished"];

impl Answered {
    /// Counts an answer.
    pub fn note(&self, standing: Standing) {
        let at = match standing {
            Standing::Done => 0,
            Standing::Poison => 1,
            Standing::Again => 2,
            Standing::Unfinished => 3,
        };
        self.0[at].fetch_add(1, Ordering::Relaxed);
    }

    /// Everything as text, with the objects that wait and those in process.
    pub fn text(&self, (waiting, in_process): (usize, usize)) -> String {
        let answered = WORDS.iter().zip(&self.0).map(|(word, count)| Sample {
            labels: vec![("answer", (*word).to_owned())],
            value: Number::Whole(count.load(Ordering::Relaxed)),
        });
        let gauge = |name, help, count: usize| Family {
            name,
            help,
            unit: "{object}",
            shape: Shape::Gauge,
            samples: vec![Sample {
                labels: Vec::new(),
                value: Number::Whole(count as u64),
            }],
        };
        prometheus::text(&[
            Family {
                name: "midflight.events.answered",
                help: "Events that were answered, by the answer.",
                unit: "{event}",
                shape: Shape::Counter,
                samples: answered.collect(),
            },
            gauge("midflight.objects.waiting", "Objects that wait.", waiting),
            gauge(
                "midflight.objects.in_process",
                "Objects in process.",
                in_process,
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_their_kind() {
        let answered = Answered::default();
        answered.note(Standing::Done);
        answered.note(Standing::Done);
        answered.note(Standing::Again);
        let text = answered.text((3, 1));
        for line in [
            "midflight_events_answered_total{answer=\"done\"} 2",
            "midflight_events_answered_total{answer=\"again\"} 1",
            "midflight_events_answered_total{answer=\"poison\"} 0",
            "midflight_objects_waiting 3",
            "midflight_objects_in_process 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{text}");
        }
    }
}
