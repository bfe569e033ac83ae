//! Looks at the cursor of an incremental stream, before anything is masked. Counts, and changes nothing.

use super::{Halt, Stage};
use crate::batch::temporal::timestamp;
use crate::batch::{Batch, CellId, ColumnId, Current, CursorTally, Mark};
use crate::schema::LogicalType;

/// Bytes of a text that are compared.
const TEXT_BYTES: usize = 256;

/// Microseconds that clocks may differ.
const TOLERANCE: i64 = 5 * 60 * 1_000_000;

/// The same where a text has no offset and may be local time anywhere.
const TOLERANCE_LOCAL: i64 = 14 * 3_600 * 1_000_000;

/// The compiled stage.
#[derive(Debug)]
pub struct Cursor {
    pub column: ColumnId,
    pub ty: LogicalType,
    /// The column's name is one of a time: whole numbers of the right size count from 1970.
    pub named_time: bool,
    /// When the run started, in microseconds since 1970.
    pub now: Option<i64>,
}

impl Stage for Cursor {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let mut tally = CursorTally {
            rows: batch.rows().len() as u64,
            ..CursorTally::default()
        };
        let cells = batch.column(self.column);
        let mut next = 0;
        for row in 0..batch.rows().len() {
            // Of repeated keys the last counts.
            let mut found = None;
            while let Some(&cell) = cells.get(next)
                && batch.cell(cell as usize).row as usize == row
            {
                found = Some(cell as usize);
                next += 1;
            }
            match found {
                Some(cell) => self.look(batch, row, cell, &mut tally),
                None => tally.missing += 1,
            }
        }
        batch.tally().follow_cursor(tally);
        Ok(())
    }
}

impl Cursor {
    fn look(&self, batch: &Batch, row: usize, cell: CellId, tally: &mut CursorTally) {
        if batch.is_misplaced(cell, self.column) {
            tally.odd += 1;
            return;
        }
        let (mark, tolerance) = match batch.current(cell) {
            Current::Null => {
                tally.nulls += 1;
                return;
            }
            Current::Number(digits) => match self.number(digits) {
                Some(mark) => (mark, TOLERANCE),
                None => {
                    tally.odd += 1;
                    return;
                }
            },
            Current::Text(text) => self.text(&text),
            Current::Bool(_) | Current::Container(_) | Current::Broken => {
                tally.odd += 1;
                return;
            }
        };
        if let (Mark::Time(micros), Some(now)) = (&mark, self.now)
            && *micros > now.saturating_add(tolerance)
        {
            // One wrong clock must not hide how old the others are.
            tally.future += 1;
            return;
        }
        tally.marks.push((row as u32, mark));
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction is cut, and larger numbers saturate"
    )]
    fn number(&self, digits: &str) -> Option<Mark> {
        let number: f64 = digits
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())?;
        let whole: i64 = digits.parse().unwrap_or(number as i64);
        if self.named_time
            && let Some(micros) = since_1970(whole)
        {
            return Some(Mark::Time(micros));
        }
        Some(Mark::Number(number, whole))
    }

    fn text(&self, text: &str) -> (Mark, i64) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let count = digits.bytes().all(|b| b.is_ascii_digit()) && (1..=18).contains(&digits.len());
        if count
            && !matches!(self.ty, LogicalType::Date)
            && let Some(mark) = self.number(text)
        {
            return (mark, TOLERANCE);
        }
        if let Some(read) = timestamp(text) {
            let tolerance = match has_offset(text) {
                true => TOLERANCE,
                false => TOLERANCE_LOCAL,
            };
            return (Mark::Time(read.value), tolerance);
        }
        let kept = &text.as_bytes()[..text.len().min(TEXT_BYTES)];
        (Mark::Text(kept.into()), TOLERANCE)
    }
}

/// Whether a time says how far from UTC it is.
fn has_offset(text: &str) -> bool {
    let clock = text.as_bytes().get(10..).unwrap_or_default();
    clock.iter().any(|byte| b"Zz+-".contains(byte))
}

/// Microseconds since 1970 of a count of seconds, milliseconds or microseconds between the years 2001 and 2103.
fn since_1970(count: i64) -> Option<i64> {
    const SECONDS: std::ops::Range<i64> = 1_000_000_000..4_200_000_000;
    [1_000_000, 1_000, 1].into_iter().find_map(|unit| {
        let per_second = 1_000_000 / unit;
        SECONDS
            .contains(&(count / per_second))
            .then(|| count * unit)
    })
}

/// Whether a column of this name holds a time.
pub fn names_time(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["_at", "_on", "_ts", "at", "ts"];
    let holds = ["time", "date", "modified", "updated", "created", "epoch"];
    holds.iter().any(|word| name.contains(word))
        || ends[..3].iter().any(|end| name.ends_with(end))
        || ends[3..].contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(ty: LogicalType, named_time: bool) -> Cursor {
        Cursor {
            column: 0,
            ty,
            named_time,
            now: Some(0),
        }
    }

    #[test]
    fn what_a_cursor_holds_is_told_by_its_value_and_its_name() {
        let second = 1_000_000;
        for (raw, named, expected) in [
            ("\"2026-01-31\"", false, Mark::Time(1_769_817_600 * second)),
            (
                "\"2026-01-31T00:00:01Z\"",
                false,
                Mark::Time(1_769_817_601 * second),
            ),
            ("1769817600", true, Mark::Time(1_769_817_600 * second)),
            ("1769817600000", true, Mark::Time(1_769_817_600 * second)),
            (
                "\"1769817600000\"",
                true,
                Mark::Time(1_769_817_600 * second),
            ),
            ("1769817600000000", true, Mark::Time(1_769_817_600 * second)),
            (
                "1769817600",
                false,
                Mark::Number(1_769_817_600.0, 1_769_817_600),
            ),
            ("7", true, Mark::Number(7.0, 7)),
            ("1.5e1", false, Mark::Number(15.0, 15)),
            ("\"00012\"", false, Mark::Number(12.0, 12)),
            ("\"v12\"", false, Mark::Text(b"v12".as_slice().into())),
        ] {
            let stage = cursor(LogicalType::Unknown, named);
            let found = match Current::of(raw.as_bytes()) {
                Current::Number(digits) => stage.number(digits),
                Current::Text(text) => Some(stage.text(&text).0),
                _ => None,
            };
            assert_eq!(found, Some(expected), "{raw}");
        }
    }

    #[test]
    fn names_of_times_are_known() {
        for name in [
            "updated_at",
            "lastModified",
            "ts",
            "event_ts",
            "created",
            "_ab_cdc_updated_at",
        ] {
            assert!(names_time(name), "{name}");
        }
        for name in ["id", "version", "seats", "parts", "lsn"] {
            assert!(!names_time(name), "{name}");
        }
    }
}
