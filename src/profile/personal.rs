//! What a profile does not keep of columns that hold personal data.

use super::form::{ColumnProfile, Measures, Numbers, StreamProfile};

/// Takes labels, characters and ends out of the columns that are decided to be personal data, and out of the facts
/// about them.
pub fn leave_out(stream: &mut StreamProfile) {
    let mut hidden = Vec::new();
    for column in &mut stream.columns {
        if is_decided(column) {
            hidden.push(column.path.clone());
            column.sample = String::new();
            std::iter::once(&mut column.total)
                .chain(&mut column.slices)
                .for_each(leave_out_values);
        }
    }
    for pair in &mut stream.pairs {
        if !hidden.contains(&pair.a) && !hidden.contains(&pair.b) {
            continue;
        }
        for measures in std::iter::once(&mut pair.total).chain(&mut pair.slices) {
            measures.together = None;
            leave_out_ends(&mut measures.difference);
        }
    }
    if stream.primary_key.iter().any(|path| hidden.contains(path))
        && let Some(key) = &mut stream.key
    {
        key.sample = String::new();
    }
}

fn is_decided(column: &ColumnProfile) -> bool {
    column.personal.iter().any(|personal| personal.decided)
}

fn leave_out_values(measures: &mut Measures) {
    (measures.values, measures.characters) = (None, None);
    leave_out_ends(&mut measures.numbers);
    leave_out_ends(&mut measures.moments);
}

fn leave_out_ends(numbers: &mut Option<Numbers>) {
    if let Some(numbers) = numbers {
        (numbers.min, numbers.max, numbers.sum) = (0.0, 0.0, 0.0);
    }
}
