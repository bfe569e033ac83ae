//! A profile as a table for people.

use std::fmt::Write;

use crate::profile::form::{ColumnProfile, Measures, Numbers, Profile, StreamProfile};

/// The whole profile.
pub(super) fn text(profile: &Profile) -> String {
    let mut text = String::new();
    for stream in &profile.streams {
        describe(stream, &mut text);
    }
    for note in &profile.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn describe(stream: &StreamProfile, text: &mut String) {
    let name = match &stream.namespace {
        Some(namespace) => format!("{namespace}.{}", stream.name),
        None => stream.name.clone(),
    };
    let (records, slices) = (stream.records, stream.slices.len());
    let _ = writeln!(text, "stream {name}: {records} records in {slices} slices");
    if let Some(key) = &stream.key {
        let path = stream.primary_key.join(", ");
        let _ = writeln!(
            text,
            "  key {path}: about {} different, {} missing",
            key.distinct, key.nulls
        );
    }
    if let (Some(path), Some(cursor)) = (&stream.cursor, &stream.cursor_course) {
        let _ = writeln!(
            text,
            "  cursor {path}: {} missing, {} backwards, {} in the future",
            cursor.nulls, cursor.backwards, cursor.future
        );
    }
    let head = [
        "column", "type", "present", "nulls", "distinct", "from", "middle", "to", "what",
    ];
    let rows = stream.columns.iter().map(row);
    let rows: Vec<[String; 9]> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let mut line = String::from(" ");
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match at {
                2..=7 => write!(line, " {cell:>width$} "),
                _ => write!(line, " {cell:<width$} "),
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for pair in &stream.pairs {
        let _ = writeln!(text, "  {} with {}: {}", pair.a, pair.b, fact(pair));
    }
    text.push('\n');
}

fn row(column: &ColumnProfile) -> [String; 9] {
    let total = &column.total;
    let types: Vec<&str> = total.types.keys().map(String::as_str).collect();
    let [from, middle, to] = range(total);
    [
        column.path.clone(),
        types.join("|"),
        total.present.to_string(),
        total.nulls.to_string(),
        column.distinct.to_string(),
        from,
        middle,
        to,
        what(column),
    ]
}

fn range(total: &Measures) -> [String; 3] {
    if let Some(numbers) = &total.numbers {
        return ends(numbers, &|number| short(number));
    }
    if let Some(moments) = &total.moments {
        return ends(moments, &|seconds| {
            let moment = chrono::DateTime::from_timestamp(seconds as i64, 0);
            moment.map_or_else(
                || short(seconds),
                |moment| moment.format("%Y-%m-%d").to_string(),
            )
        });
    }
    match &total.lengths {
        Some(lengths) => ends(lengths, &|length| format!("{} ch", length.round())),
        None => Default::default(),
    }
}

fn ends(numbers: &Numbers, show: &dyn Fn(f64) -> String) -> [String; 3] {
    let at = |share| numbers.quantile(share).map(show).unwrap_or_default();
    let hidden = numbers.min == 0.0 && numbers.max == 0.0 && !numbers.buckets.is_empty();
    match hidden {
        true => [String::new(), at(0.5), String::new()],
        false => [show(numbers.min), at(0.5), show(numbers.max)],
    }
}

fn short(number: f64) -> String {
    match number.abs() {
        0.001..1e9 => format!("{}", (number * 1000.0).round() / 1000.0),
        0.0 => "0".to_owned(),
        _ => format!("{number:.3e}"),
    }
}

/// What the values are, in a few words.
fn what(column: &ColumnProfile) -> String {
    let total = &column.total;
    if let Some(personal) = column.personal.iter().find(|personal| personal.decided) {
        return format!("personal: {}", personal.kind);
    }
    let strings = total.types.get("string").copied().unwrap_or(0);
    let reads = total
        .reads_as
        .iter()
        .find(|(_, count)| **count == strings && strings > 0);
    if let Some((reads, _)) = reads {
        return reads.clone();
    }
    if let Some(shapes) = total
        .shapes
        .as_ref()
        .filter(|shapes| (1..=3).contains(&shapes.len()))
    {
        let shapes: Vec<&str> = shapes.keys().map(String::as_str).collect();
        return shapes.join(" ");
    }
    match &total.values {
        Some(values) if (1..=20).contains(&values.len()) => format!("{} values", values.len()),
        _ => String::new(),
    }
}

/// A fact about two columns in a few words.
fn fact(pair: &crate::profile::form::PairProfile) -> String {
    let total = &pair.total;
    let mut said = Vec::new();
    let compared = total.below + total.equal + total.above;
    if compared > 0 {
        said.push(format!(
            "{} below, {} equal, {} above",
            total.below, total.equal, total.above
        ));
    }
    for (decides, who) in [
        (total.a_decides_b, "the first"),
        (total.b_decides_a, "the second"),
    ] {
        if let Some(decides) = decides {
            let all = decides.same + decides.other;
            said.push(format!(
                "{who} decides the other in {} of {all}",
                decides.same
            ));
        }
    }
    if let Some(together) = &total.together {
        let combinations: usize = together.values().map(std::collections::BTreeMap::len).sum();
        said.push(format!("{combinations} combinations"));
    }
    if said.is_empty() {
        let (both, one, other) = (total.both_null, total.a_null, total.b_null);
        said.push(format!(
            "{both} both missing, {one} the first alone, {other} the second alone"
        ));
    }
    said.join("; ")
}
