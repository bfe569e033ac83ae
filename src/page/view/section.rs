//! A stream by itself: its counts, stages, columns, findings, rules, rejects, splits and vectors.

use serde::Serialize;

use super::Known;
use super::head::Flow;
use super::personal::{self, Heat};
use super::shares::{Reasons, Rules, Stages};
use super::streams::{Order, looks, ways};
use crate::page::draw::{Segment, length};
use crate::page::read::report::{Column, Split, Stream};
use crate::page::words::{self, count};

/// The most streams that have a section.
pub const SECTIONS_MAX: usize = 200;
/// Streams up to which sections stand open from the start.
const OPEN_MAX: usize = 3;
/// Rows of tables that all sections may have together, and bounds for one table.
const ROWS: usize = 2_000;
const ROWS_LEAST: usize = 5;
const ROWS_MOST: usize = 200;

/// A stream.
#[derive(Debug, Serialize)]
pub struct Section {
    pub number: usize,
    pub name: String,
    pub open: bool,
    pub looks: Vec<String>,
    pub bar: Vec<Segment>,
    pub flow: Flow,
    /// Names and values of the line of facts.
    pub facts: Vec<(&'static str, String)>,
    pub stages: Option<Stages>,
    pub heat: Option<Heat>,
    pub columns: Option<Columns>,
    pub rules: Option<Rules>,
    pub reasons: Option<Reasons>,
    pub splits: Vec<SplitView>,
    pub embedded: Vec<EmbeddedRow>,
}

/// What was decided about columns.
#[derive(Debug, Serialize)]
pub struct Columns {
    pub rows: Vec<ColumnRow>,
    pub left_out: usize,
}

/// A column.
#[derive(Debug, Serialize)]
pub struct ColumnRow {
    pub name: String,
    pub decision: String,
    /// `personal`, `text`, `clean` or `open`: a class of the style sheet.
    pub class: &'static str,
    pub confidence: String,
    pub bar: f64,
    pub evidence: String,
    pub masks: Vec<String>,
}

/// How records were divided.
#[derive(Debug, Serialize)]
pub struct SplitView {
    pub into: String,
    pub by: String,
    pub rows: Vec<SplitRow>,
}

/// One part.
#[derive(Debug, Serialize)]
pub struct SplitRow {
    pub name: String,
    pub wanted: String,
    pub count: String,
    pub share: String,
    pub bar: f64,
}

/// Texts and their vectors.
#[derive(Debug, Serialize)]
pub struct EmbeddedRow {
    pub name: String,
    pub texts: String,
    pub vectors: String,
}

/// The sections of the first streams, and how many have none. The more streams, the fewer rows each shows.
pub(super) fn all(known: &Known, order: &Order) -> (Vec<Section>, usize) {
    let shown = order.names.len().min(SECTIONS_MAX);
    let rows = (ROWS / shown.max(1)).clamp(ROWS_LEAST, ROWS_MOST);
    let names = order.names.iter().take(shown).enumerate();
    let sections = names.filter_map(|(place, name)| {
        let stream = known.report.streams.get(*name)?;
        Some(section(
            known,
            place + 1,
            name,
            stream,
            (rows, order.names.len() <= OPEN_MAX),
        ))
    });
    (sections.collect(), order.names.len() - shown)
}

fn section(
    known: &Known,
    number: usize,
    name: &str,
    stream: &Stream,
    (rows, open): (usize, bool),
) -> Section {
    let embedded = stream
        .embedded
        .iter()
        .take(rows)
        .map(|(name, embedded)| EmbeddedRow {
            name: words::name(name),
            texts: count(embedded.texts),
            vectors: count(embedded.vectors),
        });
    Section {
        number,
        name: words::name(name),
        open,
        looks: looks(known, name, stream),
        bar: ways(stream),
        flow: Flow::of(stream.records()),
        facts: facts(known, stream),
        stages: Stages::of(stream, rows),
        heat: Heat::of(known, name, stream, rows),
        columns: columns(known, name, stream, rows),
        rules: Rules::of(name, stream, known.audit.as_ref(), rows),
        reasons: Reasons::of_stream(stream, rows),
        splits: stream.splits.iter().take(rows).map(split).collect(),
        embedded: embedded.collect(),
    }
}

fn facts(known: &Known, stream: &Stream) -> Vec<(&'static str, String)> {
    let mut facts = vec![("came", words::bytes(stream.bytes))];
    if let Some(rate) = words::rate(stream.read, known.report.seconds) {
        facts.push(("speed", format!("{rate} records/s")));
    }
    let found = personal::sum([stream].into_iter());
    if found.any() {
        let values = words::counted(found.personal + found.masked, "value", "values");
        facts.push(("personal data", values));
    }
    if stream.chunks > 0 {
        facts.push((
            "second stream",
            words::counted(stream.chunks, "record", "records"),
        ));
    }
    facts
}

/// Columns that were decided, personal ones first.
fn columns(known: &Known, name: &str, stream: &Stream, most: usize) -> Option<Columns> {
    let mut columns: Vec<_> = stream
        .columns
        .iter()
        .map(|(name, column)| (class(column), name, column))
        .collect();
    columns.sort_by_key(|(class, name, _)| {
        let rank = ["personal", "text", "open", "clean"]
            .iter()
            .position(|known| known == class);
        (rank, name.as_str())
    });
    let rows = columns
        .iter()
        .take(most)
        .map(|(class, column, told)| ColumnRow {
            name: words::name(column),
            decision: words::name(&told.decision),
            class,
            confidence: if told.pinned {
                "pinned".to_owned()
            } else {
                format!("{:.2}", told.confidence)
            },
            bar: if told.pinned {
                0.0
            } else {
                length(told.confidence, 1.0)
            },
            evidence: evidence(told),
            masks: known.masks(name, column),
        });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then_some(Columns {
        rows,
        left_out: columns.len().saturating_sub(most),
    })
}

fn class(column: &Column) -> &'static str {
    match column.decision.as_str() {
        "text" => "text",
        "clean" => "clean",
        "undecided" => "open",
        _ => "personal",
    }
}

/// What speaks for a decision, as a sentence.
fn evidence(column: &Column) -> String {
    let told = &column.evidence;
    let mut parts = Vec::new();
    if told.values > 0 {
        let values = words::counted(told.values, "value", "values");
        parts.push(format!(
            "{} of {values} with findings",
            count(told.with_findings)
        ));
    }
    parts.extend(
        told.name
            .iter()
            .map(|(kind, likely)| format!("name says {} ({likely:.2})", words::name(kind))),
    );
    for (kinds, by) in [(&told.recognised, "recognised"), (&told.tagged, "tagged")] {
        parts.extend(
            kinds
                .iter()
                .map(|(kind, number)| format!("{by} {} × {}", words::name(kind), count(*number))),
        );
    }
    if column.unlike_sample > 0 {
        parts.push(format!(
            "{} unlike the sample",
            words::counted(column.unlike_sample, "later value", "later values")
        ));
    }
    if parts.is_empty() {
        return "no values seen".to_owned();
    }
    let after = match column.decided_after {
        0 => String::new(),
        records => format!(
            "decided after {}: ",
            words::counted(records, "record", "records")
        ),
    };
    format!("{after}{}", parts.join(", "))
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn split(split: &Split) -> SplitView {
    let whole: u64 = split.records.values().sum();
    let wanted = |name: &str| {
        let part = split.parts.iter().find(|part| part.name == name);
        let fraction = part.and_then(|part| part.fraction).map(words::percent);
        let before = part.and_then(|part| part.before.as_deref());
        let before = before.map(|before| format!("before {}", words::name(before)));
        fraction.or(before).unwrap_or_else(|| "the rest".to_owned())
    };
    // In the order in which they were written, then those that no part names (records without a key).
    let named = split
        .parts
        .iter()
        .filter_map(|part| split.records.get_key_value(&part.name));
    let others = split
        .records
        .iter()
        .filter(|(name, _)| split.parts.iter().all(|part| part.name != **name));
    let rows = named.chain(others).map(|(name, number)| SplitRow {
        name: words::name(name),
        wanted: wanted(name),
        count: count(*number),
        share: words::share(*number, whole),
        bar: length(*number as f64, whole as f64),
    });
    SplitView {
        into: words::name(&split.into),
        by: match &split.by_time {
            Some(column) => format!("the time in {}", words::name(column)),
            None => split
                .by
                .iter()
                .map(|key| words::name(key))
                .collect::<Vec<_>>()
                .join(", "),
        },
        rows: rows.collect(),
    }
}
