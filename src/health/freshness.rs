//! How fresh a stream is: `exp(-age / gap)`, where the gap is the one that 95 of 100 of its updates do not exceed.
//!
//! The score is 1 when data has just come, 0.37 when its age is the longest gap that is usual, and goes to 0 as nothing
//! comes. The age is that of the newest cursor where the cursor is a time, else of the last run that brought records.

use std::collections::BTreeMap;

use super::Entry;
use super::anomaly::quantile;

/// Gaps without which nothing is said.
const GAPS_MIN: usize = 3;

/// Seconds below which a gap is no gap.
const GAP_MIN: f64 = 60.0;

/// The part of gaps that are not longer.
const PART: f64 = 0.95;

/// The score of each stream at a moment, in seconds since 1970, by the runs up to then. Streams of which too little is
/// known have none.
pub fn scores(entries: &[Entry], now: f64) -> BTreeMap<String, f64> {
    let mut updates: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut latest: &[Entry] = &[];
    for (place, entry) in entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.succeeded())
    {
        latest = &entries[place..=place];
        let Some(moment) = entry.moment() else {
            continue;
        };
        for (name, stream) in &entry.streams {
            if stream.records.read == 0 {
                continue;
            }
            let age = stream.cursor.as_ref().and_then(|cursor| cursor.age);
            let newest = moment - age.unwrap_or(0.0).max(0.0);
            let known = updates.entry(name).or_default();
            if known.last().is_none_or(|last| newest > last + 1.0) {
                known.push(newest);
            }
        }
    }
    let current = latest.iter().flat_map(|entry| entry.streams.keys());
    let scores = current.filter_map(|name| {
        let updates = updates.get(name.as_str())?;
        let gaps: Vec<f64> = updates.windows(2).map(|pair| pair[1] - pair[0]).collect();
        if gaps.len() < GAPS_MIN {
            return None;
        }
        let age = (now - updates.last()?).max(0.0);
        let score = (-age / quantile(gaps, PART).max(GAP_MIN)).exp();
        Some((name.clone(), (score * 1_000.0).round() / 1_000.0))
    });
    scores.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::entry::{CursorEntry, StreamEntry};
    use crate::health::testing::daily;

    const DAY: f64 = 86_400.0;

    fn entries(days: usize, age: Option<f64>) -> Vec<Entry> {
        let entry = |day| {
            let mut entry = daily(day);
            let mut stream = StreamEntry::default();
            stream.records.read = 5;
            stream.cursor = age.map(|age| CursorEntry {
                age: Some(age),
                ..CursorEntry::default()
            });
            entry.streams.insert("users".to_owned(), stream);
            entry
        };
        (0..days).map(entry).collect()
    }

    fn score(entries: &[Entry], later: f64) -> Option<f64> {
        let now = entries.last()?.moment()? + later;
        scores(entries, now).get("users").copied()
    }

    #[test]
    fn a_score_falls_with_the_age_by_the_usual_gap() {
        assert_eq!(score(&entries(3, None), 0.0), None, "two gaps");
        let runs = entries(10, None);
        assert_eq!(score(&runs, 0.0), Some(1.0));
        assert_eq!(score(&runs, DAY), Some(0.368));
        assert_eq!(score(&runs, 7.0 * DAY), Some(0.001));
        // The newest record was half a day old.
        assert_eq!(score(&entries(10, Some(DAY / 2.0)), 0.0), Some(0.607));
    }

    #[test]
    fn runs_that_bring_nothing_do_not_refresh() {
        let mut runs = entries(10, None);
        let last = runs
            .last_mut()
            .and_then(|entry| entry.streams.get_mut("users"));
        last.expect("a stream").records.read = 0;
        assert_eq!(score(&runs, 0.0), Some(0.368));
    }
}
