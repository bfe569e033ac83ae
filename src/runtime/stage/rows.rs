//! Whose rows a part holds, in its own metadata: runs of rows, each of one input of the entry that the part is of.

use std::collections::BTreeSet;

use arrow::array::UInt32Array;
use parquet::arrow::arrow_reader::RowSelector;
use parquet::file::metadata::KeyValue;

/// The key of the metadata.
pub const KEY: &str = "midflight.inputs";

/// The number of an input, and how many of its rows follow one another.
pub type Run = (u32, u64);

/// Appends rows of an input.
pub fn push(runs: &mut Vec<Run>, input: u32, rows: u64) {
    match runs.last_mut() {
        Some((last, count)) if *last == input => *count += rows,
        _ if rows > 0 => runs.push((input, rows)),
        _ => {}
    }
}

/// Appends what became of the rows of `waiting` when they were put in this order.
pub fn reorder(runs: &mut Vec<Run>, waiting: &[Run], order: &UInt32Array) {
    let rows = waiting
        .iter()
        .flat_map(|&(input, rows)| std::iter::repeat_n(input, rows as usize));
    let rows: Vec<u32> = rows.collect();
    for &row in order.values() {
        if let Some(&input) = rows.get(row as usize) {
            push(runs, input, 1);
        }
    }
}

/// Runs as `0:120,1:80`.
pub fn to_metadata(runs: &[Run]) -> KeyValue {
    let texts: Vec<String> = runs
        .iter()
        .map(|(input, rows)| format!("{input}:{rows}"))
        .collect();
    KeyValue::new(KEY.to_owned(), texts.join(","))
}

/// The runs that metadata tells; `None` when it does not tell them of exactly so many rows.
pub fn from_metadata(metadata: &[KeyValue], rows: u64) -> Option<Vec<Run>> {
    let text = metadata
        .iter()
        .find(|entry| entry.key == KEY)?
        .value
        .as_deref()?;
    let runs = text.split(',').map(|run| {
        let (input, rows) = run.split_once(':')?;
        Some((input.parse().ok()?, rows.parse().ok()?))
    });
    let runs: Vec<Run> = runs.collect::<Option<_>>()?;
    let told = runs
        .iter()
        .try_fold(0_u64, |all, (_, rows)| all.checked_add(*rows))?;
    (told == rows).then_some(runs)
}

/// The runs that stay without some inputs, and the rows of all to take and to leave out.
pub fn without(runs: &[Run], inputs: &BTreeSet<u32>) -> (Vec<Run>, Vec<RowSelector>) {
    let mut stay = Vec::new();
    let select = |&(input, rows): &Run| match inputs.contains(&input) {
        true => RowSelector::skip(rows as usize),
        false => {
            push(&mut stay, input, rows);
            RowSelector::select(rows as usize)
        }
    };
    let selectors = runs.iter().map(select).collect();
    (stay, selectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_as_they_were_written() {
        let mut runs = Vec::new();
        for (input, rows) in [(0, 2), (0, 1), (3, 4), (1, 0), (0, 1)] {
            push(&mut runs, input, rows);
        }
        assert_eq!(runs, [(0, 3), (3, 4), (0, 1)]);
        let metadata = [to_metadata(&runs)];
        assert_eq!(from_metadata(&metadata, 8), Some(runs));
        assert_eq!(from_metadata(&metadata, 9), None);
        assert_eq!(from_metadata(&[], 0), None);
        for broken in ["", "1", "1:x", "1:2,", "0:18446744073709551615,0:9"] {
            let metadata = [KeyValue::new(KEY.to_owned(), broken.to_owned())];
            assert_eq!(from_metadata(&metadata, 8), None, "{broken}");
        }
    }

    #[test]
    fn rows_that_are_sorted_stay_whose_they_are() {
        let mut runs = vec![(7, 1)];
        reorder(
            &mut runs,
            &[(7, 2), (8, 3)],
            &UInt32Array::from(vec![1, 0, 4, 2, 3]),
        );
        assert_eq!(runs, [(7, 3), (8, 3)]);
        let mut runs = Vec::new();
        reorder(
            &mut runs,
            &[(7, 2), (8, 1)],
            &UInt32Array::from(vec![0, 2, 1]),
        );
        assert_eq!(runs, [(7, 1), (8, 1), (7, 1)]);
        let (stay, selectors) = without(&runs, &BTreeSet::from([8]));
        assert_eq!(stay, [(7, 2)]);
        let expected = [
            RowSelector::select(1),
            RowSelector::skip(1),
            RowSelector::select(1),
        ];
        assert_eq!(selectors, expected);
    }
}
