//! The texts of a batch's rows.

use super::Part;
use crate::batch::{Batch, Current, Fate, RowId};

/// The rows that are still on their way, each with its text; `None` where all of its columns are blank.
///
/// Several values of one column stand on a line each. A value that is no text is written as it stands; what
/// is null, missing, or stands where the column cannot be is nothing.
pub(in crate::stage) fn texts(parts: &[Part], batch: &mut Batch) -> Vec<(RowId, Option<String>)> {
    let mut places = vec![0; parts.len()];
    let mut mismatched = vec![0; parts.len()];
    let mut texts = Vec::with_capacity(batch.rows().len());
    for row in 0..batch.rows().len() {
        let mut text = String::new();
        let mut blank = true;
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Column(column) => {
                    let from = text.len();
                    let cells = batch.column(column.id);
                    let behind = cells[places[at]..]
                        .iter()
                        .take_while(|&&cell| batch.cell(cell as usize).row as usize <= row)
                        .count();
                    let cells = &cells[places[at]..places[at] + behind];
                    places[at] += behind;
                    for &cell in cells {
                        let (cell, before) = (cell as usize, text.len());
                        if batch.is_misplaced(cell, column.id)
                            || !append(batch.current(cell), &mut text)
                        {
                            mismatched[at] += 1;
                        } else if before > from && text.len() > before {
                            text.insert(before, '\n');
                        }
                    }
                    blank &= text[from..].trim().is_empty();
                }
            }
        }
        let place = batch.rows()[row];
        if place.fate == Fate::Keep && place.data.is_some() {
            texts.push((row, (!blank).then_some(text)));
        }
    }
    for (part, count) in parts.iter().zip(mismatched) {
        if let Part::Column(column) = part
            && count > 0
        {
            batch.tally().find(column.id, "type_mismatch", count);
        }
    }
    texts
}

/// Appends a value; `false` when it is none.
fn append(value: Current<'_>, text: &mut String) -> bool {
    match value {
        Current::Null => {}
        Current::Bool(value) => text.push_str(if value { "true" } else { "false" }),
        Current::Number(literal) => text.push_str(literal),
        Current::Text(value) => text.push_str(&value),
        Current::Container(json) => text.push_str(&String::from_utf8_lossy(json)),
        Current::Broken => return false,
    }
    true
}
