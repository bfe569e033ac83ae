//! What has been decided about columns, and on which evidence: names, kinds and counts, never a value.

use serde_json::{Map, Value, json};

use crate::detect::Detector;
use crate::detect::column::{Decision, Known};
use crate::plan::StreamPlan;

/// The decisions of a stream by column; empty where no stage looks for personal data.
pub fn decisions(plan: &StreamPlan) -> Map<String, Value> {
    let mut columns = Map::new();
    for learning in plan.learners() {
        for (known, unlike) in learning.learner.columns() {
            let entry = describe(&learning.detector, &known, unlike);
            columns.insert(known.place.path.to_string(), entry);
        }
    }
    columns.sort_keys();
    columns
}

/// The word for a decision: a kind, `text`, `clean` or `undecided`.
pub fn word(detector: &Detector, decision: Decision) -> &str {
    match decision {
        Decision::Undecided => "undecided",
        Decision::Personal(kind) => detector.kind_name(kind),
        Decision::Text => "text",
        Decision::Clean => "clean",
    }
}

fn describe(detector: &Detector, known: &Known, unlike: u64) -> Value {
    let by_kind = |counts: &dyn Fn(&[u32; 2]) -> u32| {
        let kinds = known.evidence.whole.iter();
        let counted =
            kinds.map(|(kind, each)| (detector.kind_name(*kind).to_owned(), counts(each)));
        let mut counted: Map<String, Value> = counted
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| (kind, json!(count)))
            .collect();
        counted.sort_keys();
        counted
    };
    let said: Map<String, Value> = known
        .place
        .said
        .iter()
        .filter(|(_, probability)| *probability >= 0.1)
        .map(|(kind, probability)| (detector.kind_name(*kind).to_owned(), rounded(*probability)))
        .collect();
    json!({
        "decision": word(detector, known.verdict.decision),
        "confidence": rounded(known.verdict.confidence),
        "pinned": known.place.pinned.is_some(),
        "decided_after": known.verdict.records,
        "evidence": {
            "name": said,
            "values": known.evidence.values,
            "with_findings": known.evidence.touched,
            "recognised": by_kind(&|[recognised, _]| *recognised),
            "tagged": by_kind(&|[_, tagged]| *tagged),
        },
        "unlike_sample": unlike,
    })
}

/// Two digits: more would be of this machine, not of the data.
fn rounded(probability: f32) -> Value {
    json!((f64::from(probability) * 100.0).round() / 100.0)
}
