//! Two profiles of the same streams become one: the slices of the later stand behind those of the earlier.

use std::collections::{BTreeMap, BTreeSet};

use super::distinct::{Sample, Sketch};
use super::form::{
    ColumnProfile, CursorProfile, KeyProfile, Measures, Numbers, Order, PairMeasures, PairProfile,
    Personal, Profile, StreamProfile, VERSION,
};
use super::hash::hash;
use super::stream::KEYS;
use super::sum::Sum;
use super::table::{Kind, VALUES_MAX};
use super::text::Characters;
use super::whole::{SAMPLE, pairwise};
use crate::error::{Error, ErrorKind, Result};

/// Slices of a merged stream.
const SLICES_MAX: usize = 64;
/// Forms of a merged column.
const SHAPES_MAX: usize = 64;

/// Reads a profile; `origin` names the file in errors.
///
/// # Errors
/// `Config` when it is none, or one of another version.
pub fn parse(text: &str, origin: &str) -> Result<Profile> {
    let wrong = |what: String| {
        Error::new(ErrorKind::Config, format!("{origin}: {what}"))
            .hint("`midflight profile` writes such files")
    };
    let profile: Profile = serde_json::from_str(text)
        .map_err(|error| wrong(format!("this is no profile: {error}")))?;
    if profile.version != VERSION {
        let version = profile.version;
        return Err(wrong(format!(
            "the profile is of version {version}, not {VERSION}"
        )));
    }
    let whole = profile.streams.iter().all(|stream| {
        let slices = stream.slices.len();
        let columns = stream
            .columns
            .iter()
            .all(|column| column.slices.len() == slices);
        columns && stream.pairs.iter().all(|pair| pair.slices.len() == slices)
    });
    match whole {
        true => Ok(profile),
        false => Err(wrong(
            "the slices of a column are not those of its stream".to_owned(),
        )),
    }
}

/// Joins an earlier profile with a later one.
pub fn merge(earlier: Profile, later: Profile) -> Profile {
    let mut streams: BTreeMap<(Option<String>, String), StreamProfile> = BTreeMap::new();
    for stream in earlier.streams.into_iter().chain(later.streams) {
        let name = (stream.namespace.clone(), stream.name.clone());
        let joined = match streams.remove(&name) {
            Some(before) => join(before, stream),
            None => stream,
        };
        streams.insert(name, joined);
    }
    let mut notes = earlier.notes;
    notes.extend(later.notes);
    notes.dedup();
    Profile {
        version: VERSION,
        midflight: later.midflight,
        notes,
        streams: streams.into_values().collect(),
    }
}

fn join(before: StreamProfile, after: StreamProfile) -> StreamProfile {
    let counts = (before.slices.len(), after.slices.len());
    let mut columns: Vec<ColumnProfile> = Vec::with_capacity(before.columns.len());
    let mut theirs: BTreeMap<String, ColumnProfile> = after
        .columns
        .iter()
        .map(|column| (column.path.clone(), column.clone()))
        .collect();
    for column in before.columns {
        let empty = empty_column(&column.path, counts.1);
        let next = theirs.remove(&column.path).unwrap_or(empty);
        columns.push(join_column(column, next));
    }
    for column in after.columns {
        if let Some(next) = theirs.remove(&column.path) {
            columns.push(join_column(empty_column(&column.path, counts.0), next));
        }
    }
    let mut joined = StreamProfile {
        name: after.name,
        namespace: after.namespace,
        records: before.records + after.records,
        bytes: before.bytes + after.bytes,
        slices: [before.slices, after.slices].concat(),
        key: join_key(
            before.key,
            after.key,
            before.primary_key == after.primary_key,
        ),
        cursor_course: match (before.cursor_course, after.cursor_course) {
            (Some(one), Some(next)) if before.cursor == after.cursor => Some(CursorProfile {
                nulls: one.nulls + next.nulls,
                backwards: one.backwards + next.backwards,
                future: one.future + next.future,
            }),
            (_, next) => next,
        },
        primary_key: after.primary_key,
        cursor: after.cursor,
        left_out: before.left_out + after.left_out,
        columns,
        pairs: join_pairs(before.pairs, &after.pairs),
    };
    while joined.slices.len() > SLICES_MAX {
        joined.slices = pairwise(joined.slices, |one, next| *one += next);
        for column in &mut joined.columns {
            column.slices = pairwise(std::mem::take(&mut column.slices), |one, next| {
                add(one, &next)
            });
        }
        for pair in &mut joined.pairs {
            pair.slices = pairwise(std::mem::take(&mut pair.slices), |one, next| one.add(&next));
        }
    }
    super::personal::leave_out(&mut joined);
    joined
}

/// A column that an input does not have.
fn empty_column(path: &str, slices: usize) -> ColumnProfile {
    ColumnProfile {
        path: path.to_owned(),
        declared: None,
        total: Measures::empty(),
        slices: vec![Measures::empty(); slices],
        distinct: 0,
        singletons: Some(0),
        sketch: Sketch::default().written(),
        sample: String::new(),
        conflicts: 0,
        order: None,
        personal: Vec::new(),
        semantic: None,
    }
}

fn join_column(before: ColumnProfile, after: ColumnProfile) -> ColumnProfile {
    let (one, other) = (Known::of(&before), Known::of(&after));
    let mut total = before.total;
    add(&mut total, &after.total);
    let mut slices = [before.slices, after.slices].concat();
    // What the whole column has too much of, no slice tells.
    for slice in &mut slices {
        if total.values.is_none() {
            slice.values = None;
        }
        if total.shapes.is_none() {
            slice.shapes = None;
        }
        if total.characters.is_none() {
            slice.characters = None;
        }
    }
    let Known { mut sketch, sample } = one;
    sketch.merge(&other.sketch);
    let sample = sample.zip(other.sample).map(|(mut sample, other)| {
        sample.add(other.held().iter().copied());
        sample
    });
    let (distinct, singletons) = match &total.values {
        Some(values) => {
            let once = values.values().filter(|count| **count == 1).count();
            (values.len() as u64, Some(once as u64))
        }
        None => {
            let distinct = sketch.estimate();
            (
                distinct,
                sample.as_ref().map(|sample| sample.singletons(distinct)),
            )
        }
    };
    ColumnProfile {
        path: after.path,
        declared: after.declared.or(before.declared),
        sample: match &total.values {
            Some(_) => String::new(),
            None => sample.map(|sample| sample.written()).unwrap_or_default(),
        },
        total,
        slices,
        distinct,
        singletons,
        sketch: sketch.written(),
        conflicts: before.conflicts + after.conflicts,
        order: match (before.order, after.order) {
            (Some(one), Some(next)) => Some(Order {
                rises: one.rises + next.rises,
                repeats: one.repeats + next.repeats,
                falls: one.falls + next.falls,
            }),
            (one, next) => one.or(next),
        },
        personal: join_personal(before.personal, after.personal),
        semantic: after.semantic.or(before.semantic),
    }
}

/// What tells the values of a column apart.
struct Known {
    sketch: Sketch,
    sample: Option<Sample>,
}

impl Known {
    fn of(column: &ColumnProfile) -> Self {
        let sketch = Sketch::read(&column.sketch).unwrap_or_default();
        let sample = match &column.total.values {
            Some(values) => {
                let mut sample = Sample::of(SAMPLE);
                sample.add(
                    values
                        .iter()
                        .map(|(value, count)| (hash_of_json(value), *count)),
                );
                Some(sample)
            }
            None => Sample::read(&column.sample, SAMPLE).filter(|sample| !sample.held().is_empty()),
        };
        Self { sketch, sample }
    }
}

/// The hash of a value that is given as JSON text.
fn hash_of_json(text: &str) -> u64 {
    let kind = match text.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(text).unwrap_or_default();
            return hash(Kind::Text as u8, text.as_bytes());
        }
        Some(b't' | b'f') => Kind::Boolean,
        _ => Kind::Number,
    };
    hash(kind as u8, text.as_bytes())
}

/// What was decided once stays; otherwise the later finding holds.
fn join_personal(before: Vec<Personal>, after: Vec<Personal>) -> Vec<Personal> {
    let found: BTreeSet<String> = after.iter().map(|personal| personal.kind.clone()).collect();
    let mut joined = after;
    for personal in before {
        match joined.iter_mut().find(|found| found.kind == personal.kind) {
            Some(found) => found.decided |= personal.decided,
            None if personal.decided || found.is_empty() => joined.push(personal),
            None => {}
        }
    }
    joined
}

fn join_key(
    before: Option<KeyProfile>,
    after: Option<KeyProfile>,
    same: bool,
) -> Option<KeyProfile> {
    let (Some(one), Some(next)) = (&before, &after) else {
        return after.or(before.filter(|_| same));
    };
    if !same {
        return after;
    }
    let mut sketch = Sketch::read(&one.sketch)?;
    sketch.merge(&Sketch::read(&next.sketch)?);
    let known = |text: &str| Sample::read(text, KEYS).filter(|sample| !sample.held().is_empty());
    let sample = known(&one.sample)
        .zip(known(&next.sample))
        .map(|(mut sample, next)| {
            sample.add(next.held().iter().copied());
            sample
        });
    let distinct = sketch.estimate();
    Some(KeyProfile {
        nulls: one.nulls + next.nulls,
        distinct,
        singletons: sample.as_ref().map(|sample| sample.singletons(distinct)),
        sketch: sketch.written(),
        sample: sample.map(|sample| sample.written()).unwrap_or_default(),
    })
}

/// Facts that both profiles tell; of others it is not known whether they hold in all slices.
fn join_pairs(before: Vec<PairProfile>, after: &[PairProfile]) -> Vec<PairProfile> {
    let joined = before.into_iter().filter_map(|mut pair| {
        let next = after
            .iter()
            .find(|next| next.a == pair.a && next.b == pair.b)?;
        pair.slices.extend(next.slices.iter().cloned());
        let mut total = PairMeasures::default();
        pair.slices.iter().for_each(|slice| total.add(slice));
        pair.total = total;
        Some(pair)
    });
    joined.collect()
}

/// Adds measures up.
pub fn add(measures: &mut Measures, other: &Measures) {
    measures.present += other.present;
    measures.nulls += other.nulls;
    add_counts(&mut measures.types, &other.types);
    add_counts(&mut measures.reads_as, &other.reads_as);
    add_numbers(&mut measures.numbers, other.numbers.as_ref());
    add_numbers(&mut measures.moments, other.moments.as_ref());
    add_numbers(&mut measures.lengths, other.lengths.as_ref());
    measures.shapes = added(measures.shapes.take(), other.shapes.as_ref(), SHAPES_MAX);
    measures.values = added(measures.values.take(), other.values.as_ref(), VALUES_MAX);
    let mut characters = Characters::read(measures.characters.as_deref());
    characters.merge(&Characters::read(other.characters.as_deref()));
    measures.characters = characters.written();
}

fn added(
    ours: Option<BTreeMap<String, u64>>,
    theirs: Option<&BTreeMap<String, u64>>,
    most: usize,
) -> Option<BTreeMap<String, u64>> {
    let mut joined = ours?;
    add_counts(&mut joined, theirs?);
    (joined.len() <= most).then_some(joined)
}

fn add_counts(counts: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    for (name, count) in other {
        *counts.entry(name.clone()).or_default() += count;
    }
}

/// Adds numbers up.
pub fn add_numbers(numbers: &mut Option<Numbers>, other: Option<&Numbers>) {
    let Some(other) = other else {
        return;
    };
    let mut sum = numbers.as_ref().map(Sum::read).unwrap_or_default();
    sum.merge(&Sum::read(other));
    *numbers = sum.written();
}

impl Measures {
    /// Those of no value at all.
    pub fn empty() -> Self {
        Self {
            shapes: Some(BTreeMap::new()),
            characters: Some(String::new()),
            values: Some(BTreeMap::new()),
            ..Self::default()
        }
    }
}
