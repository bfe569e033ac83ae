//! What became known of a stream's cursor, merged in the order in which chunks leave.

use crate::batch::{CursorKind, CursorTally, Mark};

/// The cursor of one stream in one run. Its values stay here: who tells of it tells counts and ages.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Cursor {
    pub rows: u64,
    pub nulls: u64,
    pub missing: u64,
    pub future: u64,
    pub odd: u64,
    kinds: [Heights; 3],
    behind: u64,
}

/// The greatest values of one kind.
#[derive(Debug, Default, Clone, PartialEq)]
struct Heights {
    count: u64,
    /// Of the rows before the last STATE, and of those behind it.
    before: Option<Mark>,
    behind: Option<Mark>,
}

impl Heights {
    fn falls_back(&self) -> bool {
        match (&self.before, &self.behind) {
            (Some(before), Some(behind)) => before.is_beyond(behind),
            _ => false,
        }
    }
}

impl Cursor {
    /// Adds a batch; `states` are the rows before which a STATE of the stream stands, ascending and possibly one past
    /// the last row.
    pub fn add(&mut self, tally: &CursorTally, states: &[u32]) {
        self.rows += tally.rows;
        self.nulls += tally.nulls;
        self.missing += tally.missing;
        self.future += tally.future;
        self.odd += tally.odd;
        let mut states = states.iter().peekable();
        for (row, mark) in &tally.marks {
            while states.next_if(|state| *state <= row).is_some() {
                self.close();
            }
            let heights = &mut self.kinds[mark.kind() as usize];
            heights.count += 1;
            let greatest = &mut heights.behind;
            if greatest.as_ref().is_none_or(|known| mark.is_beyond(known)) {
                *greatest = Some(mark.clone());
            }
        }
        states.for_each(|_| self.close());
    }

    /// A STATE of the stream: what stands behind it is a segment of its own.
    pub fn close(&mut self) {
        for heights in &mut self.kinds {
            self.behind += u64::from(heights.falls_back());
            if let Some(mark) = heights.behind.take()
                && heights
                    .before
                    .as_ref()
                    .is_none_or(|known| mark.is_beyond(known))
            {
                heights.before = Some(mark);
            }
        }
    }

    /// Segments between STATEs whose greatest value is below an earlier one's.
    pub fn backwards(&self) -> u64 {
        let open = self.kinds.iter().filter(|heights| heights.falls_back());
        self.behind + open.count() as u64
    }

    /// What most of its values are, and the greatest of those.
    pub fn greatest(&self) -> Option<(CursorKind, &Mark)> {
        let kinds = CursorKind::ALL.into_iter().zip(&self.kinds);
        // Of equal ones the first counts.
        let (kind, heights) = kinds.rev().max_by_key(|(_, heights)| heights.count)?;
        let (before, behind) = (heights.before.as_ref(), heights.behind.as_ref());
        let greatest = match (before, behind) {
            (Some(before), Some(behind)) if before.is_beyond(behind) => Some(before),
            (before, behind) => behind.or(before),
        };
        Some((kind, greatest?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(times: &[i64]) -> CursorTally {
        let marks = times.iter().enumerate();
        CursorTally {
            rows: times.len() as u64,
            marks: marks
                .map(|(row, time)| (row as u32, Mark::Time(*time)))
                .collect(),
            ..CursorTally::default()
        }
    }

    #[test]
    fn segments_are_compared_with_all_that_stood_before_them() {
        for (rows, states, backwards, greatest) in [
            (&[1, 3, 2, 4][..], &[][..], 0, 4),
            (&[1, 3, 2, 4], &[2], 0, 4),
            (&[5, 3, 2, 4], &[1], 1, 5),
            (&[5, 3, 2, 6], &[1, 2, 3], 2, 6),
            // Two STATEs without rows between them.
            (&[5, 3], &[1, 1, 2], 1, 5),
        ] {
            let mut whole = Cursor::default();
            whole.add(&tally(rows), states);
            let found = (whole.backwards(), whole.greatest());
            assert_eq!(
                found,
                (backwards, Some((CursorKind::Time, &Mark::Time(greatest)))),
                "{rows:?} {states:?}"
            );
            // Row by row it is the same.
            let mut parts = Cursor::default();
            for (row, time) in rows.iter().enumerate() {
                let before = states.iter().filter(|state| **state == row as u32);
                before.for_each(|_| parts.close());
                parts.add(&tally(&[*time]), &[]);
            }
            let behind = states.iter().filter(|state| **state == rows.len() as u32);
            behind.for_each(|_| parts.close());
            assert_eq!((parts.backwards(), parts.greatest()), found);
        }
    }

    #[test]
    fn the_kind_of_most_values_counts() {
        let mut cursor = Cursor::default();
        let text = Mark::Text(b"x".as_slice().into());
        cursor.add(
            &CursorTally {
                marks: vec![(0, text.clone()), (1, text), (2, Mark::Time(9))],
                ..CursorTally::default()
            },
            &[],
        );
        assert_eq!(
            cursor.greatest().map(|(kind, _)| kind),
            Some(CursorKind::Text)
        );
        cursor.add(&tally(&[1]), &[]);
        assert_eq!(cursor.greatest(), Some((CursorKind::Time, &Mark::Time(9))));
        assert_eq!(Cursor::default().greatest(), None);
    }
}
