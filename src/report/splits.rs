//! What a reader of the records must know of their splits to make them again, and how many went where.

use serde_json::{Value, json};

use crate::batch::Batch;
use crate::stage::spec::{Split, SplitBy};

/// How a key becomes a part; `src/stage/split/entity.rs` says it in full.
const HASH: &str =
    "SHA-256 of the salt, a zero byte and the key's values as a JSON array; its first 64 bits";

/// A split as configured: the column, its parts, and what decides them.
pub fn manifest(split: &Split) -> Value {
    let (into, missing) = (&split.into, &split.missing);
    match &split.by {
        SplitBy::Entity {
            key,
            fractions,
            salt,
        } => {
            let key: Vec<_> = key.iter().map(ToString::to_string).collect();
            let parts = fractions.iter();
            let parts = parts.map(|(name, fraction)| json!({"name": name, "fraction": fraction}));
            let parts: Vec<_> = parts.collect();
            json!({"into": into, "by": key, "salt": salt, "hash": HASH, "parts": parts, "missing": missing})
        }
        SplitBy::Time {
            column,
            until,
            rest,
        } => {
            let ended = until.iter().map(|ended| json!(ended));
            let parts = ended.chain([json!({"name": rest, "before": null})]);
            let (column, parts) = (column.to_string(), parts.collect::<Vec<_>>());
            json!({"into": into, "by_time": column, "parts": parts, "missing": missing})
        }
    }
}

/// Adds the rows of a batch that leave.
pub(super) fn count(batch: &Batch, parts: &mut Vec<Vec<u64>>) {
    for (split, part) in batch.assigned() {
        if parts.len() <= split {
            parts.resize_with(split + 1, Vec::new);
        }
        let counts = &mut parts[split];
        if counts.len() <= part {
            counts.resize(part + 1, 0);
        }
        counts[part] += 1;
    }
}

/// The manifests of a stream, each with the records emitted per part.
pub(super) fn counted(splits: &[Split], parts: &[Vec<u64>]) -> Value {
    let one = |(number, split): (usize, &Split)| {
        let count = |part: usize| {
            parts
                .get(number)
                .and_then(|counts| counts.get(part))
                .copied()
        };
        let names = split.parts().into_iter().enumerate();
        let counts: serde_json::Map<_, _> = names
            .map(|(part, name)| (name.to_owned(), json!(count(part).unwrap_or(0))))
            .collect();
        let mut told = manifest(split);
        told["records"] = Value::Object(counts);
        told
    };
    splits.iter().enumerate().map(one).collect()
}
