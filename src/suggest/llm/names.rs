//! Which columns may be named to a language model. Names come from data too: the keys of a map may be people.
//!
//! A declared column is named as its source declares it. An undeclared one is named only if enough records have it,
//! if it does not look like a key of a map, and if there are not too many beside it. No name is told in which a
//! recogniser finds personal data.

use std::collections::{HashMap, HashSet};

use crate::detect::{ColumnContext, Detector, Finding, Library, Scratch};
use crate::error::Result;
use crate::profile::form::{ColumnProfile, StreamProfile};
use crate::schema::path::{Path, Segment};

use super::payload::ROWS_MIN;

/// The most undeclared columns of a stream.
const UNDECLARED_MAX: usize = 200;
/// The most undeclared keys of one object; a larger one is a map.
const KEYS_MAX: usize = 32;
/// The least part of an object's occurrences in which a key of it stands, unless the key is declared.
const PRESENT_MIN: f64 = 0.2;
/// The longest name of a key, in characters.
const NAME_CHARACTERS_MAX: usize = 80;

/// The recognisers, as names are searched.
#[derive(Debug)]
pub(super) struct Recogniser {
    detector: Detector,
    column: ColumnContext,
}

impl Recogniser {
    /// All kinds are looked for.
    ///
    /// # Errors
    /// A damaged library, which a test rules out.
    pub fn new() -> Result<Self> {
        let detector = Detector::compile(Library::builtin()?, &[], &|_| true)?;
        Ok(Self {
            detector,
            column: ColumnContext::default(),
        })
    }

    /// Whether a text holds personal data that has a form, itself or with its joints taken for blanks.
    pub fn finds(&self, text: &str) -> bool {
        let mut scratch = self.detector.scratch();
        let spaced: String = text
            .chars()
            .map(|c| if matches!(c, '_' | '.') { ' ' } else { c })
            .collect();
        self.finds_in(text, &mut scratch) || self.finds_in(&spaced, &mut scratch)
    }

    fn finds_in(&self, text: &str, scratch: &mut Scratch) -> bool {
        let mut found: Vec<Finding> = Vec::new();
        self.detector.find(text, &self.column, scratch, &mut found);
        !found.is_empty()
    }
}

/// The columns that may be named, in the order of the profile.
pub(super) fn named<'a>(
    stream: &'a StreamProfile,
    recogniser: &Recogniser,
) -> Vec<(&'a ColumnProfile, Path)> {
    let all: Vec<(&ColumnProfile, Path)> = stream
        .columns
        .iter()
        .filter_map(|column| Some((column, column.path.parse().ok()?)))
        .collect();
    let occurrences: HashMap<&[Segment], u64> = all
        .iter()
        .map(|(column, path)| (path.segments(), column.total.present))
        .collect();
    let mut beside: HashMap<&[Segment], usize> = HashMap::new();
    for (column, path) in &all {
        if column.declared.is_none() {
            *beside.entry(above(path)).or_default() += 1;
        }
    }
    let mut left_out: HashSet<&[Segment]> = HashSet::new();
    let mut undeclared = 0;
    let mut kept = Vec::new();
    for (column, path) in &all {
        let holder = above(path);
        let within = occurrences.get(holder).copied().unwrap_or(stream.records);
        let own = column.declared.is_some() || {
            undeclared += 1;
            let keys_max = if holder.is_empty() {
                UNDECLARED_MAX
            } else {
                KEYS_MAX
            };
            undeclared <= UNDECLARED_MAX
                && beside.get(holder).is_none_or(|count| *count <= keys_max)
                && column.total.present >= ROWS_MIN
                && (holder.is_empty() || part(column.total.present, within) >= PRESENT_MIN)
        };
        let below =
            (1..path.segments().len()).any(|depth| left_out.contains(&path.segments()[..depth]));
        let speaks = speaks(path, column.declared.is_some(), recogniser);
        if own && !below && speaks {
            kept.push((*column, path.clone()));
        } else {
            left_out.insert(path.segments());
        }
    }
    kept
}

fn above(path: &Path) -> &[Segment] {
    let segments = path.segments();
    &segments[..segments.len() - 1]
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn part(present: u64, within: u64) -> f64 {
    present as f64 / within.max(1) as f64
}

/// Whether every key of the path is a name and no value: nothing that a recogniser knows, and unless it is declared,
/// short, of letters, digits and joints, without a number that could be somebody's.
fn speaks(path: &Path, declared: bool, recogniser: &Recogniser) -> bool {
    path.segments().iter().all(|segment| match segment {
        Segment::Items | Segment::Any => true,
        Segment::Key(name) => {
            let plain = |c: char| {
                c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '$' | ':' | '/')
            };
            let digits = name
                .split(|c: char| !c.is_ascii_digit())
                .map(str::len)
                .max()
                .unwrap_or_default();
            let short = name.chars().count() <= NAME_CHARACTERS_MAX;
            let plain = short && digits < 5 && name.chars().all(plain);
            !name.is_empty() && (declared || plain) && !recogniser.finds(name)
        }
    })
}
