//! What the rows of a batch hold in their stream's cursor: counts, and marks that can be compared.

use std::cmp::Ordering;

/// A cursor's value, as far as it can be compared. It never leaves the program.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Microseconds since 1970-01-01.
    Time(i64),
    /// A number, and its whole part where that tells equal doubles apart.
    Number(f64, i64),
    /// The first bytes of a text.
    Text(Box<[u8]>),
}

/// What the values of a cursor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CursorKind {
    Time,
    Number,
    Text,
}

impl CursorKind {
    /// Every kind, in the order in which they are preferred where a cursor holds equally many of several.
    pub const ALL: [Self; 3] = [Self::Time, Self::Number, Self::Text];

    /// The word of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

impl Mark {
    /// What it is a value of.
    pub fn kind(&self) -> CursorKind {
        match self {
            Self::Time(_) => CursorKind::Time,
            Self::Number(..) => CursorKind::Number,
            Self::Text(_) => CursorKind::Text,
        }
    }

    /// Whether it lies beyond another of its kind; not beyond one of another kind.
    pub fn is_beyond(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Time(own), Self::Time(other)) => own > other,
            (Self::Number(own, whole), Self::Number(other, others)) => {
                own.total_cmp(other).then(whole.cmp(others)) == Ordering::Greater
            }
            (Self::Text(own), Self::Text(other)) => own > other,
            _ => false,
        }
    }

    /// Bytes that are the same for equal marks.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Time(micros) => micros.to_le_bytes().to_vec(),
            Self::Number(number, whole) => [number.to_le_bytes(), whole.to_le_bytes()].concat(),
            Self::Text(text) => text.to_vec(),
        }
    }
}

/// What a batch's cursor column holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CursorTally {
    pub rows: u64,
    /// Rows whose cursor is null.
    pub nulls: u64,
    /// Rows without the column.
    pub missing: u64,
    /// Rows whose cursor lies in the future.
    pub future: u64,
    /// Rows whose cursor is neither a time, a number nor a text.
    pub odd: u64,
    /// The rows with a mark, in their order.
    pub marks: Vec<(u32, Mark)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_one_kind_have_an_order() {
        let text = |text: &str| Mark::Text(text.as_bytes().into());
        for (greater, less) in [
            (Mark::Time(2), Mark::Time(-1)),
            (Mark::Number(2.5, 2), Mark::Number(2.0, 2)),
            // Equal as doubles.
            (
                Mark::Number(9_007_199_254_740_992.0, 9_007_199_254_740_993),
                Mark::Number(9_007_199_254_740_992.0, 9_007_199_254_740_992),
            ),
            (text("b"), text("abc")),
        ] {
            assert!(greater.is_beyond(&less) && !less.is_beyond(&greater));
            assert!(!greater.is_beyond(&greater));
            assert_ne!(greater.bytes(), less.bytes());
        }
        assert!(!text("b").is_beyond(&Mark::Time(1)) && !Mark::Time(1).is_beyond(&text("b")));
    }
}
