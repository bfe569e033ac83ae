//! The history as objects, one for each run.

use object_store::path::Path;

use super::is_past;
use crate::error::Result;
use crate::health::Entry;
use crate::plan::config::Keep;
use crate::runtime::bucket::Bucket;

/// What the name of an entry ends with.
const SUFFIX: &str = ".json";

pub(super) fn append(bucket: &Bucket, entry: &Entry, keep: Option<Keep>) -> Result<()> {
    let path = bucket.path(&format!("{}-{}{SUFFIX}", stamp(entry), entry.run))?;
    bucket.put(&path, format!("{}\n", entry.line()))?;
    let Some(keep) = keep else {
        return Ok(());
    };
    let names = names(bucket)?;
    let now = entry.moment().unwrap_or_default();
    let past = match keep {
        Keep::Runs(runs) => names.len().saturating_sub(runs as usize),
        Keep::Days(_) => {
            let old = |path: &&Path| {
                let moment = bucket.key(path).and_then(moment);
                moment.is_some_and(|moment| is_past(Some(keep), moment, now))
            };
            names.iter().take_while(old).count()
        }
    };
    bucket.delete(names[..past].to_vec())
}

pub(super) fn last(bucket: &Bucket, runs: usize) -> Result<Vec<Entry>> {
    let names = names(bucket)?;
    let last = &names[names.len().saturating_sub(runs)..];
    let mut entries = Vec::new();
    for path in last {
        // One that was deleted meanwhile is none.
        let object = bucket.get(path)?;
        entries.extend(object.and_then(|bytes| Entry::read(&bytes)));
    }
    Ok(entries)
}

/// The names of entries, the oldest first. Other objects are somebody else's.
fn names(bucket: &Bucket) -> Result<Vec<Path>> {
    let listed = bucket.list(&bucket.path("")?)?;
    let mut names: Vec<Path> = listed
        .into_iter()
        .map(|object| object.location)
        .filter(|path| bucket.key(path).is_some_and(|key| moment(key).is_some()))
        .collect();
    names.sort();
    Ok(names)
}

/// When a run started, as the beginning of a name: `20260131T100000.500Z`.
fn stamp(entry: &Entry) -> String {
    let plain = entry.started.chars();
    plain.filter(|c| !matches!(c, '-' | ':')).collect()
}

/// When the run of an entry's name started, in seconds since 1970; `None` for other names.
fn moment(key: &str) -> Option<f64> {
    let (stamp, _) = key.strip_suffix(SUFFIX)?.split_once('-')?;
    let moment = chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%S%.3fZ").ok()?;
    #[expect(clippy::cast_precision_loss, reason = "seconds of any year fit")]
    Some(moment.and_utc().timestamp() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries_are_told_from_others() {
        let of = |name: &str| moment(name);
        assert_eq!(of("20260131T100000.500Z-0190.json"), Some(1_769_853_600.0));
        for other in [
            "a.json",
            "20260131.json",
            "x/20260131T100000.500Z-0190.json",
            "20260131T100000.500Z-0190",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
