//! What may be told of one column: counts in buckets, rounded quantiles, forms and labels that many rows share.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::names::Recogniser;
use super::payload::ROWS_MIN;
use crate::detect::NameModel;
use crate::profile::form::{ColumnProfile, Measures, Numbers};

/// The most labels of a category, and the longest of them in characters.
const LABELS_MAX: usize = 50;
const LABEL_CHARACTERS_MAX: usize = 40;
/// The most forms, and the longest of them.
const SHAPES_MAX: usize = 10;
const SHAPE_CHARACTERS_MAX: usize = 60;
/// Probability from which a column's name speaks of people.
const NAME_SURE: f32 = 0.5;

/// Kinds and meanings whose labels are never told, however many rows share them.
const CLOSED: &[&str] = &[
    "name", "person", "address", "street", "email", "phone", "city", "user", "account",
];

/// What is told of a column that may be described.
pub(super) fn told(
    stream: &str,
    column: &ColumnProfile,
    recogniser: &Recogniser,
) -> Map<String, Value> {
    let mut out = Map::new();
    let total = &column.total;
    out.insert("nullable".to_owned(), json!(total.nulls > 0));
    out.insert(
        "null_rate".to_owned(),
        json!(rate(total.nulls, total.present)),
    );
    out.insert(
        "distinct".to_owned(),
        json!(bucket(
            column.distinct,
            total.present - total.nulls.min(total.present)
        )),
    );
    if let Some(semantic) = &column.semantic {
        out.insert("semantic_type".to_owned(), json!(semantic.name));
    }
    let personal: Vec<_> = column
        .personal
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    if !personal.is_empty() {
        out.insert("personal_data".to_owned(), json!(personal));
    }
    if let Some(lengths) = total
        .lengths
        .as_ref()
        .filter(|lengths| lengths.count >= ROWS_MIN)
    {
        out.insert(
            "length".to_owned(),
            json!({"min": lengths.min as u64, "max": lengths.max as u64}),
        );
    }
    if let Some(reads_as) = dominant(&total.reads_as, total) {
        out.insert("text_reads_as".to_owned(), json!(reads_as));
    }
    let shapes = shapes(total);
    if !shapes.is_empty() {
        out.insert("shapes".to_owned(), json!(shapes));
    }
    if personal.is_empty() {
        let numbers = total.numbers.as_ref();
        if let Some(numbers) = numbers.filter(|numbers| numbers.count >= ROWS_MIN) {
            out.insert("numbers".to_owned(), described(numbers));
        }
        let moments = total.moments.as_ref();
        if let Some(moments) = moments.filter(|moments| moments.count >= ROWS_MIN) {
            out.insert("years".to_owned(), years(moments));
        }
        if let Some(labels) = labels(stream, column, recogniser) {
            out.insert("values".to_owned(), json!(labels));
        }
    }
    if let Some(order) = &column.order
        && order.falls == 0
        && order.rises >= ROWS_MIN
    {
        out.insert("never_falls".to_owned(), json!(true));
    }
    out
}

/// A rate in two digits; what is there at all is not told as nothing.
fn rate(count: u64, of: u64) -> String {
    let share = share(count, of);
    match (count, share) {
        (0, _) => "0".to_owned(),
        (_, share) if share < 0.01 => "<0.01".to_owned(),
        (_, share) => format!("{share:.2}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
pub(super) fn share(count: u64, of: u64) -> f64 {
    count as f64 / of.max(1) as f64
}

/// About how many different values there are.
fn bucket(distinct: u64, values: u64) -> String {
    if values >= ROWS_MIN && share(distinct, values) >= 0.99 {
        return "every value its own".to_owned();
    }
    let bounds = [1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
    let at = bounds.partition_point(|bound| *bound < distinct);
    match (
        at.checked_sub(1).and_then(|at| bounds.get(at)),
        bounds.get(at),
    ) {
        (None, _) => "at most 1".to_owned(),
        (Some(below), Some(bound)) if below + 1 == *bound => bound.to_string(),
        (Some(below), Some(bound)) => format!("{} to {bound}", below + 1),
        (Some(below), None) => format!("more than {below}"),
    }
}

fn dominant<'a>(reads_as: &'a BTreeMap<String, u64>, total: &Measures) -> Option<&'a str> {
    let texts = total.types.get("string").copied().unwrap_or_default();
    let (name, count) = reads_as.iter().max_by_key(|(_, count)| **count)?;
    (*count >= ROWS_MIN && share(*count, texts) >= 0.9).then_some(name.as_str())
}

/// Forms that enough rows share. Letters of scripts without case stand in them as they were, so what is not ASCII
/// becomes one more kind of letter before rows are counted.
fn shapes(total: &Measures) -> Vec<Value> {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let mut all = 0;
    for (shape, count) in total.shapes.iter().flatten() {
        all += count;
        *counted.entry(levelled(shape)).or_default() += count;
    }
    let mut shapes: Vec<_> = counted
        .into_iter()
        .filter(|(shape, count)| {
            *count >= ROWS_MIN && shape.chars().count() <= SHAPE_CHARACTERS_MAX
        })
        .collect();
    shapes.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    let shapes = shapes.into_iter().take(SHAPES_MAX);
    shapes
        .map(|(shape, count)| json!({"form": shape, "share": rate(count, all)}))
        .collect()
}

fn levelled(shape: &str) -> String {
    let mut out = String::with_capacity(shape.len());
    for c in shape.chars() {
        let c = match c {
            'a' | 'A' | '9' | '+' => c,
            c if c.is_ascii_alphanumeric() || !c.is_ascii() => 'x',
            c if c.is_ascii_control() => ' ',
            c => c,
        };
        if c != 'x' || !out.ends_with('x') {
            out.push(c);
        }
    }
    out
}

/// Numbers in two digits. The least and the greatest are somebody's, so quantiles end before them.
fn described(numbers: &Numbers) -> Value {
    let at = |part: f64| {
        numbers
            .quantile(part)
            .map_or(Value::Null, |value| json!(rounded(value)))
    };
    json!({
        "p01": at(0.01), "p05": at(0.05), "p25": at(0.25), "p50": at(0.5),
        "p75": at(0.75), "p95": at(0.95), "p99": at(0.99),
        "whole": numbers.whole == numbers.count,
        "digits_behind_the_point": numbers.scale.min(20),
        "negative": rate(numbers.negative, numbers.count),
        "zero": rate(numbers.zeros, numbers.count),
    })
}

/// The years of most moments.
fn years(moments: &Numbers) -> Value {
    const SECONDS: f64 = 365.2425 * 86_400.0;
    let year = |part: f64| {
        let seconds = moments.quantile(part)?;
        Some((1970.0 + seconds / SECONDS).floor() as i64)
    };
    json!({"p01": year(0.01), "p99": year(0.99)})
}

/// Two significant digits.
pub(super) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    format!("{value:.1e}").parse().unwrap_or(0.0)
}

/// The labels of a category: all of them, or none. Each stands in at least [`ROWS_MIN`] rows, and neither the
/// column's name nor a label speaks of people.
fn labels(stream: &str, column: &ColumnProfile, recogniser: &Recogniser) -> Option<Vec<Value>> {
    let values = column.total.values.as_ref()?;
    // A date or a number is no label, though many rows may share it.
    if values.is_empty()
        || !column.total.reads_as.is_empty()
        || values.len() > LABELS_MAX
        || values.values().any(|count| *count < ROWS_MIN)
    {
        return None;
    }
    let meaning = column
        .semantic
        .as_ref()
        .map(|semantic| semantic.name.to_lowercase());
    if meaning.is_some_and(|meaning| CLOSED.iter().any(|word| meaning.contains(word))) {
        return None;
    }
    let model = NameModel::builtin().ok()?;
    let votes = model.kinds(stream, &column.path);
    let speaks = |vote: &crate::detect::column::Vote<'_>| {
        vote.kind != NameModel::NONE && vote.probability >= NAME_SURE
    };
    if votes.iter().any(speaks) {
        return None;
    }
    values
        .keys()
        .map(|text| {
            let value: Value = serde_json::from_str(text).ok()?;
            match &value {
                Value::Bool(_) => Some(value),
                Value::String(label) => {
                    let short = label.chars().count() <= LABEL_CHARACTERS_MAX;
                    let word = short && label.chars().any(char::is_alphabetic);
                    (word && !recogniser.finds(label)).then_some(value)
                }
                _ => None,
            }
        })
        .collect()
}
