//! What a cursor must not do: stand still though rows come, go back, lie in the future, be null or gone.

use super::words::time;
use super::{Anomaly, Severity};
use crate::health::Entry;
use crate::health::entry::CursorEntry;

/// Runs in a row whose newest time is the same, after which it is stuck.
const STUCK_TIMES: usize = 3;

/// The same for tags, of which one in sixteen is the same by chance.
const STUCK_TAGS: usize = 4;

/// Runs that must be known before something is called unusual.
const RUNS_MIN: usize = 5;

/// The part of its usual rows from which on a stream is not just quiet.
const QUIET: f64 = 0.2;
const ROWS_MIN: u64 = 10;

/// Seconds that a newest time may lie before the one of the run before.
const BACK: f64 = 60.0;

/// A stream's cursor in one run.
struct Seen<'a> {
    moment: f64,
    rows: u64,
    cursor: &'a CursorEntry,
}

impl Seen<'_> {
    /// The newest time, in seconds since 1970.
    fn newest(&self) -> Option<f64> {
        Some(self.moment - self.cursor.age?)
    }

    fn same(&self, other: &Self) -> bool {
        match (self.newest(), other.newest()) {
            // Ages are whole seconds, moments are not.
            (Some(own), Some(other)) => (own - other).abs() < 2.0,
            (None, None) => self.cursor.tag.is_some() && self.cursor.tag == other.cursor.tag,
            _ => false,
        }
    }
}

/// What is wrong with a stream's cursor.
pub fn check(learned: &[&Entry], judged: &Entry, name: &str) -> Vec<Anomaly> {
    let Some(now) = seen(judged, name) else {
        return Vec::new();
    };
    let past: Vec<Seen<'_>> = learned
        .iter()
        .filter_map(|entry| seen(entry, name))
        .filter(|past| past.cursor.column == now.cursor.column)
        .collect();
    let found = [
        gone(&past, &now),
        stuck(&past, &now),
        back(&past, &now),
        within(&past, &now),
        nulls(&past, &now),
        future(&past, &now),
    ];
    let column = &now.cursor.column;
    let anomaly = |(metric, value, severity, says): Found| Anomaly {
        stream: Some(name.to_owned()),
        metric,
        direction: None,
        value,
        usual: None,
        severity,
        says: format!("the cursor `{column}` of `{name}` {says}"),
    };
    found.into_iter().flatten().map(anomaly).collect()
}

type Found = (&'static str, Option<f64>, Severity, String);

fn seen<'a>(entry: &'a Entry, name: &str) -> Option<Seen<'a>> {
    let stream = entry.streams.get(name)?;
    Some(Seen {
        moment: entry.moment()?,
        rows: stream.records.read,
        cursor: stream.cursor.as_ref()?,
    })
}

/// Whether a count was nothing in all of enough runs.
fn never(past: &[Seen<'_>], count: impl Fn(&CursorEntry) -> u64) -> bool {
    let told: Vec<_> = past.iter().filter(|past| past.rows > 0).collect();
    told.len() >= RUNS_MIN && told.iter().all(|past| count(past.cursor) == 0)
}

/// No record has the column.
fn gone(past: &[Seen<'_>], now: &Seen<'_>) -> Option<Found> {
    let all = |seen: &Seen<'_>| seen.rows > 0 && seen.cursor.missing >= seen.rows;
    let before = past.iter().rev().find(|past| past.rows > 0)?;
    (all(now) && !all(before)).then(|| {
        let says = format!(
            "is in none of {} records, so nothing new can be told from old",
            now.rows
        );
        ("cursor_missing", None, Severity::Critical, says)
    })
}

/// Rows come as always, and the greatest value is the one of the runs before.
fn stuck(past: &[Seen<'_>], now: &Seen<'_>) -> Option<Found> {
    let mut rows: Vec<u64> = past.iter().map(|past| past.rows).collect();
    rows.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "counts are compared roughly")]
    let quiet = |seen: &Seen<'_>| {
        let usual = rows.get(rows.len() / 2).copied().unwrap_or_default() as f64;
        seen.rows < ROWS_MIN || (seen.rows as f64) < QUIET * usual
    };
    let alike = past
        .iter()
        .rev()
        .take_while(|past| past.same(now) && !quiet(past));
    let alike = alike.count();
    let moved = past.len() > alike;
    let needed = match now.cursor.age {
        Some(_) => STUCK_TIMES,
        None => STUCK_TAGS,
    };
    (!quiet(now) && moved && alike + 1 >= needed).then(|| {
        let severity = match alike + 1 >= needed + 2 {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        let says = format!(
            "has not moved for {} runs, though {} records came: the same ones may be read again and again",
            alike + 1,
            now.rows
        );
        #[expect(clippy::cast_precision_loss, reason = "a handful of runs")]
        ("cursor_stuck", Some((alike + 1) as f64), severity, says)
    })
}

/// The newest time lies before the one of the run before.
fn back(past: &[Seen<'_>], now: &Seen<'_>) -> Option<Found> {
    let newest = now.newest().filter(|_| now.rows >= ROWS_MIN)?;
    let before = past.iter().rev().find_map(Seen::newest)?;
    let jumps = past.windows(2).filter(|pair| {
        let [one, two] = pair else { return false };
        let (one, two) = (one.newest(), two.newest());
        one.zip(two).is_some_and(|(one, two)| two < one - BACK)
    });
    (before - newest > BACK && jumps.count() == 0).then(|| {
        let says = format!(
            "went back by {} since the run before",
            time(before - newest)
        );
        (
            "cursor_backwards",
            Some(before - newest),
            Severity::Warning,
            says,
        )
    })
}

/// Behind a STATE stand only smaller values than before it, which never happened.
fn within(past: &[Seen<'_>], now: &Seen<'_>) -> Option<Found> {
    let count = now.cursor.backwards;
    (count > 0 && never(past, |cursor| cursor.backwards)).then(|| {
        let says = format!("went back {count} times from one STATE to a later one within the run");
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        (
            "cursor_backwards",
            Some(count as f64),
            Severity::Warning,
            says,
        )
    })
}

fn nulls(past: &[Seen<'_>], now: &Seen<'_>) -> Option<Found> {
    let count = now.cursor.nulls;
    (count > 0 && never(past, |cursor| cursor.nulls)).then(|| {
        let says = format!(
            "is null in {count} of {} records, which it never was",
            now.rows
        );
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        ("cursor_null", Some(count as f64), Severity::Warning, says)
    })
}

fn future(past: &[Seen<'_>], now: &Seen<'_>) -> Option<Found> {
    let count = now.cursor.future;
    (count > 0 && never(past, |cursor| cursor.future)).then(|| {
        let says = format!(
            "lies in the future in {count} of {} records: what comes until then may be passed over",
            now.rows
        );
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        ("cursor_future", Some(count as f64), Severity::Warning, says)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::entry::StreamEntry;
    use crate::health::testing::daily;

    fn found(
        ages: &[(f64, u64)],
        change: impl Fn(&mut CursorEntry),
    ) -> Vec<(&'static str, Severity)> {
        let mut entries: Vec<Entry> = ages
            .iter()
            .enumerate()
            .map(|(day, (age, rows))| {
                let mut entry = daily(day);
                let mut stream = StreamEntry::default();
                stream.records.read = *rows;
                stream.cursor = Some(CursorEntry {
                    column: "updated_at".to_owned(),
                    kind: Some("time".to_owned()),
                    rows: *rows,
                    age: Some(*age),
                    ..CursorEntry::default()
                });
                entry.streams.insert("users".to_owned(), stream);
                entry
            })
            .collect();
        let last = entries
            .last_mut()
            .and_then(|entry| entry.streams.get_mut("users"));
        change(
            last.and_then(|stream| stream.cursor.as_mut())
                .expect("a cursor"),
        );
        let (judged, past) = entries.split_last().expect("runs");
        let past: Vec<&Entry> = past.iter().collect();
        let anomalies = check(&past, judged, "users");
        anomalies
            .iter()
            .map(|found| (found.metric, found.severity))
            .collect()
    }

    const DAY: f64 = 86_400.0;

    #[test]
    fn a_cursor_that_stands_still_is_stuck_unless_it_is_quiet() {
        let usual = [(60.0, 100); 6];
        let still = |runs: usize, rows: u64| -> Vec<(f64, u64)> {
            let stuck = (1..=runs).map(|run| (60.0 + run as f64 * DAY, rows));
            usual.iter().copied().chain(stuck).collect()
        };
        assert_eq!(found(&usual, |_| {}), []);
        assert_eq!(found(&still(1, 100), |_| {}), []);
        assert_eq!(
            found(&still(2, 100), |_| {}),
            [("cursor_stuck", Severity::Warning)]
        );
        assert_eq!(
            found(&still(5, 100), |_| {}),
            [("cursor_stuck", Severity::Critical)]
        );
        // The boundary's rows come again, and nothing new.
        assert_eq!(found(&still(5, 3), |_| {}), []);
    }

    #[test]
    fn what_never_happened_is_told_when_it_does() {
        let usual = [(60.0, 100); 8];
        for (change, metric, severity) in [
            (
                (|cursor| cursor.nulls = 3) as fn(&mut CursorEntry),
                "cursor_null",
                Severity::Warning,
            ),
            (
                |cursor| cursor.future = 1,
                "cursor_future",
                Severity::Warning,
            ),
            (
                |cursor| cursor.backwards = 1,
                "cursor_backwards",
                Severity::Warning,
            ),
            (
                |cursor| (cursor.missing, cursor.age, cursor.kind) = (100, None, None),
                "cursor_missing",
                Severity::Critical,
            ),
            (
                |cursor| cursor.age = Some(3.0 * DAY),
                "cursor_backwards",
                Severity::Warning,
            ),
        ] {
            assert_eq!(found(&usual, change), [(metric, severity)]);
            // Too little is known to say so.
            assert!(metric == "cursor_missing" || found(&usual[..3], change).len() <= 1);
        }
    }

    #[test]
    fn tags_need_more_runs() {
        let tagged = |tags: &[u8]| {
            let mut entries: Vec<Entry> = (0..tags.len()).map(daily).collect();
            for (entry, tag) in entries.iter_mut().zip(tags) {
                let mut stream = StreamEntry::default();
                stream.records.read = 50;
                stream.cursor = Some(CursorEntry {
                    tag: Some(*tag),
                    ..CursorEntry::default()
                });
                entry.streams.insert("users".to_owned(), stream);
            }
            let (judged, past) = entries.split_last().expect("runs");
            check(&past.iter().collect::<Vec<_>>(), judged, "users").len()
        };
        assert_eq!(tagged(&[1, 2, 3, 7, 7, 7]), 0);
        assert_eq!(tagged(&[1, 2, 3, 7, 7, 7, 7]), 1);
        assert_eq!(
            tagged(&[7, 7, 7, 7]),
            0,
            "it never moved, so nobody knows that it should"
        );
    }
}
