//! Facts about two columns, over the rows that were kept. What would be so without any tie between the two is left
//! out: each pair is compared with what chance would give.

use std::collections::{BTreeMap, HashMap};

use super::form::{Decides, PairMeasures, PairProfile};
use super::rows::{RowColumn, Rows, Tag};
use super::sum::Sum;
use super::table::Kind;
use super::whole::Whole;
use super::{number, text};

/// Different values of a column whose combinations are counted, and combinations.
const VALUES_MAX: usize = 200;
const TOGETHER_MAX: usize = 2_000;

/// Pairs of a stream that are kept.
const PAIRS_MAX: usize = 500;

/// Rows below which nothing is said.
const ROWS_MIN: u64 = 30;
/// How much of the rows a fact must hold in.
const HOLDS: f64 = 0.99;
/// Combinations that chance would give so often are missed when they are rare.
const EXPECTED: f64 = 5.0;

/// The facts of a stream.
pub fn pairs(rows: &Rows, columns: &[Whole], slices: usize) -> Vec<PairProfile> {
    let sides: Vec<Side<'_>> = rows
        .columns()
        .iter()
        .map(|cells| Side::new(cells, &columns[cells.column], rows.len()))
        .collect();
    let mut pairs = Vec::new();
    for (at, a) in sides.iter().enumerate() {
        for b in &sides[at + 1..] {
            if pairs.len() < PAIRS_MAX {
                pairs.extend(pair(rows, a, b, slices));
            }
        }
    }
    pairs
}

/// One column and what is asked of it often.
struct Side<'a> {
    cells: &'a RowColumn,
    path: &'a str,
    /// What most of its cells are.
    tag: Tag,
    /// The number of each row's value, and how many values there are; where these are few.
    codes: Option<(Vec<u16>, usize)>,
    /// The values as JSON text, by number; where they can be told.
    labels: Option<Vec<String>>,
    /// Rows whose value stood in a row before.
    repeats: usize,
}

/// The code of a null.
const NONE: u16 = u16::MAX;

impl<'a> Side<'a> {
    fn new(cells: &'a RowColumn, whole: &'a Whole, rows: usize) -> Self {
        let mut counts = [0_u64; 4];
        cells.tags.iter().for_each(|tag| counts[*tag as usize] += 1);
        let tags = [Tag::Number, Tag::Moment, Tag::Text];
        let tag = tags
            .into_iter()
            .max_by_key(|tag| counts[*tag as usize])
            .unwrap_or(Tag::Text);
        let mut known: HashMap<(Tag, u64), u16> = HashMap::new();
        let mut codes = Vec::with_capacity(rows);
        let mut values = Vec::new();
        let (mut distinct, mut repeats) = (0, 0);
        for (tag, bits) in cells.tags.iter().zip(&cells.bits) {
            if *tag == Tag::Null {
                codes.push(NONE);
                continue;
            }
            let code = *known.entry((*tag, *bits)).or_insert_with(|| {
                distinct += 1;
                if values.len() < VALUES_MAX {
                    values.push((*tag, *bits));
                }
                (distinct - 1).min(usize::from(NONE - 1)) as u16
            });
            codes.push(code);
        }
        repeats += cells.tags.iter().filter(|tag| **tag != Tag::Null).count() - distinct;
        let few = distinct <= VALUES_MAX;
        Self {
            cells,
            path: &whole.path,
            tag,
            labels: if few { labels(whole, &values) } else { None },
            codes: few.then_some((codes, distinct)),
            repeats,
        }
    }

    fn is(&self, row: usize, tag: Tag) -> bool {
        self.cells.tags[row] == tag
    }
}

/// The JSON text of values, by the column's own table.
fn labels(whole: &Whole, values: &[(Tag, u64)]) -> Option<Vec<String>> {
    if whole.many {
        return None;
    }
    let mut known: HashMap<(Tag, u64), String> = HashMap::new();
    for (value, hash, _) in whole.table.values() {
        let mut name = |tag, bits| {
            known.entry((tag, bits)).or_insert_with(|| value.json());
        };
        match value.kind {
            Kind::Number => {
                if let Some(number) = number::read(value.text) {
                    name(Tag::Number, (number.value + 0.0).to_bits());
                }
            }
            Kind::Text => match std::str::from_utf8(value.text)
                .ok()
                .and_then(|text| text::read(text).1)
            {
                Some(moment) => name(
                    Tag::Moment,
                    (super::measured::seconds(moment) + 0.0).to_bits(),
                ),
                None => name(Tag::Text, hash),
            },
            Kind::Boolean => name(Tag::Text, hash),
        }
    }
    values
        .iter()
        .map(|value| known.get(value).cloned())
        .collect()
}

/// The fact about two columns; `None` when there is nothing to say.
fn pair(rows: &Rows, a: &Side<'_>, b: &Side<'_>, slices: usize) -> Option<PairProfile> {
    let count = rows.len();
    if (count as u64) < ROWS_MIN {
        return None;
    }
    let mut found = vec![PairMeasures::default(); slices];
    let mut differences = vec![Sum::default(); slices];
    for row in 0..count {
        let slice = usize::from(rows.slices()[row]);
        nulls(&mut found[slice], a, b, row);
    }
    let total = |found: &[PairMeasures]| {
        let mut total = PairMeasures::default();
        found.iter().for_each(|slice| total.add(slice));
        total
    };
    let tied = nulls_are_tied(&total(&found));
    let ordered = a.tag == b.tag && a.tag != Tag::Text && order_says_something(a, b, count);
    if ordered {
        for row in 0..count {
            let slice = usize::from(rows.slices()[row]);
            if a.is(row, a.tag) && b.is(row, a.tag) {
                compare(
                    &mut found[slice],
                    &mut differences[slice],
                    a.cells.real(row),
                    b.cells.real(row),
                );
            }
        }
        for (slice, difference) in found.iter_mut().zip(&differences) {
            slice.difference = difference.written();
        }
    }
    let together = together(rows, a, b, &mut found);
    let decided = [
        decides(rows, a, b, &mut found, false),
        decides(rows, b, a, &mut found, true),
    ];
    if !(tied || ordered || together || decided.contains(&true)) {
        return None;
    }
    let total = total(&found);
    Some(PairProfile {
        a: a.path.to_owned(),
        b: b.path.to_owned(),
        total,
        slices: found,
    })
}

fn nulls(found: &mut PairMeasures, a: &Side<'_>, b: &Side<'_>, row: usize) {
    found.rows += 1;
    match (a.is(row, Tag::Null), b.is(row, Tag::Null)) {
        (true, true) => found.both_null += 1,
        (true, false) => found.a_null += 1,
        (false, true) => found.b_null += 1,
        (false, false) => {}
    }
}

fn compare(found: &mut PairMeasures, differences: &mut Sum, a: f64, b: f64) {
    match a.partial_cmp(&b) {
        Some(std::cmp::Ordering::Less) => found.below += 1,
        Some(std::cmp::Ordering::Equal) => found.equal += 1,
        Some(std::cmp::Ordering::Greater) => found.above += 1,
        None => {}
    }
    let difference = (a - b).clamp(-f64::MAX, f64::MAX);
    differences.add(difference, difference.fract() == 0.0, 0, 1);
}

/// Nulls stand together, or apart, far more often than by chance.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn nulls_are_tied(total: &PairMeasures) -> bool {
    let rows = total.rows as f64;
    let a = (total.both_null + total.a_null) as f64;
    let b = (total.both_null + total.b_null) as f64;
    let some = |nulls: f64| nulls >= EXPECTED && rows - nulls >= EXPECTED;
    let expected = a * b / rows;
    let spread = (expected * (1.0 - a / rows) * (1.0 - b / rows)).sqrt();
    some(a) && some(b) && (total.both_null as f64 - expected).abs() > 6.0 * spread + 1.0
}

/// One is nearly always below, equal to or above the other, and would not be if rows were mixed up.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn order_says_something(a: &Side<'_>, b: &Side<'_>, rows: usize) -> bool {
    let share = |shift: usize| {
        let mut counts = [0_u64; 3];
        for row in 0..rows {
            let other = (row + shift) % rows;
            if a.is(row, a.tag) && b.is(other, a.tag) {
                let order = a.cells.real(row).total_cmp(&b.cells.real(other));
                counts[(order as i8 + 1) as usize] += 1;
            }
        }
        let all = counts.iter().sum::<u64>();
        let best = [counts[1], counts[0] + counts[1], counts[1] + counts[2]];
        (all, best.map(|count| count as f64 / all.max(1) as f64))
    };
    let (all, held) = share(0);
    if all < ROWS_MIN || held.iter().all(|share| *share < HOLDS) {
        return false;
    }
    let mixed = [share(rows / 2).1, share(rows / 3).1];
    (0..3).any(|at| held[at] >= HOLDS && mixed.iter().any(|mixed| mixed[at] < held[at] - 0.02))
}

/// Counts combinations; says whether some are missing that chance would give.
#[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
fn together(rows: &Rows, a: &Side<'_>, b: &Side<'_>, found: &mut [PairMeasures]) -> bool {
    let (Some((codes_a, values_a)), Some((codes_b, values_b))) = (&a.codes, &b.codes) else {
        return false;
    };
    let (Some(labels_a), Some(labels_b)) = (&a.labels, &b.labels) else {
        return false;
    };
    let few = (2..=VALUES_MAX).contains(values_a) && (2..=VALUES_MAX).contains(values_b);
    if !few || a.repeats < ROWS_MIN as usize || b.repeats < ROWS_MIN as usize {
        return false;
    }
    let mut counts: Vec<BTreeMap<(u16, u16), u64>> = vec![BTreeMap::new(); found.len()];
    let mut all = vec![0_u64; values_a * values_b];
    for ((code_a, code_b), slice) in codes_a.iter().zip(codes_b).zip(rows.slices()) {
        if *code_a != NONE && *code_b != NONE {
            *counts[usize::from(*slice)]
                .entry((*code_a, *code_b))
                .or_default() += 1;
            all[usize::from(*code_a) * values_b + usize::from(*code_b)] += 1;
        }
    }
    let sum = all.iter().sum::<u64>() as f64;
    let of_a: Vec<u64> = all.chunks(*values_b).map(|row| row.iter().sum()).collect();
    let of_b: Vec<u64> = (0..*values_b)
        .map(|at| all.iter().skip(at).step_by(*values_b).sum())
        .collect();
    let rare = all.iter().enumerate().any(|(at, count)| {
        let expected = of_a[at / values_b] as f64 * of_b[at % values_b] as f64 / sum;
        expected >= EXPECTED && (*count as f64) < expected / 10.0
    });
    let combinations = all.iter().filter(|count| **count > 0).count();
    if !rare || combinations > TOGETHER_MAX {
        return false;
    }
    for (slice, counts) in found.iter_mut().zip(counts) {
        let mut named: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for ((code_a, code_b), count) in counts {
            let name = |labels: &[String], code: u16| labels[usize::from(code)].clone();
            *named
                .entry(name(labels_a, code_a))
                .or_default()
                .entry(name(labels_b, code_b))
                .or_default() += count;
        }
        slice.together = Some(named);
    }
    true
}

/// Counts how often a value of `a` stands with the value of `b` that it stood with first; says whether that is more
/// than chance.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn decides(
    rows: &Rows,
    a: &Side<'_>,
    b: &Side<'_>,
    found: &mut [PairMeasures],
    swapped: bool,
) -> bool {
    if a.repeats < ROWS_MIN as usize || a.repeats * 20 < rows.len() {
        return false;
    }
    let mut first: HashMap<(Tag, u64), (Tag, u64)> = HashMap::new();
    let mut counted = vec![Decides::default(); found.len()];
    let mut before = None;
    let (mut alike, mut compared) = (0_u64, 0_u64);
    for row in 0..rows.len() {
        let key = |side: &Side<'_>| (side.cells.tags[row], side.cells.bits[row]);
        let (one, other) = (key(a), key(b));
        if one.0 == Tag::Null || other.0 == Tag::Null {
            continue;
        }
        let slice = &mut counted[usize::from(rows.slices()[row])];
        match first.entry(one) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(other);
            }
            std::collections::hash_map::Entry::Occupied(known) if *known.get() == other => {
                slice.same += 1
            }
            std::collections::hash_map::Entry::Occupied(_) => slice.other += 1,
        }
        if let Some((earlier, with)) = before.replace((one, other))
            && earlier != one
        {
            compared += 1;
            alike += u64::from(with == other);
        }
    }
    let same: u64 = counted.iter().map(|slice| slice.same).sum();
    let other: u64 = counted.iter().map(|slice| slice.other).sum();
    let holds = same as f64 / (same + other).max(1) as f64;
    let by_chance = alike as f64 / compared.max(1) as f64;
    if same + other < ROWS_MIN || first.len() < 3 || holds < HOLDS || by_chance > 0.9 {
        return false;
    }
    for (slice, counted) in found.iter_mut().zip(counted) {
        match swapped {
            false => slice.a_decides_b = Some(counted),
            true => slice.b_decides_a = Some(counted),
        }
    }
    true
}
