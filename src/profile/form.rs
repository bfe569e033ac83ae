//! A profile as data: what is written to a file, read again, merged and compared.
//!
//! Everything is counted per *slice*, a stretch of a stream's records in the order of the input, so that what was
//! seen in one stretch can be tried on another. `total` is the sum of the slices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the format.
pub const VERSION: u32 = 1;

/// What was measured about all streams of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`VERSION`].
    pub version: u32,
    /// The version of the program that measured.
    pub midflight: String,
    /// What a reader should know: what could not be done, what was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// In the order of their names.
    pub streams: Vec<StreamProfile>,
}

/// What was measured about one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamProfile {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub records: u64,
    /// Bytes of the records' JSON.
    pub bytes: u64,
    /// Records of each slice, in the order of the input.
    pub slices: Vec<u64>,
    /// Paths of the primary key, as the catalog says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Path of the cursor, as the catalog says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How the primary key behaves, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyProfile>,
    /// How the cursor behaves, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_course: Option<CursorProfile>,
    /// Values of columns beyond the bound, which were not measured.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// In the order in which they were met; objects and arrays are columns too, and so is what is in them.
    pub columns: Vec<ColumnProfile>,
    /// Facts about two columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairProfile>,
}

/// How a primary key behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyProfile {
    /// Records in which a part of the key is null or missing.
    pub nulls: u64,
    /// About how many different keys.
    pub distinct: u64,
    /// About how many keys were met once; the others repeat. `None` where it cannot be told any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub singletons: Option<u64>,
    /// The sketch and the sample behind these numbers, for merging; the sample is left out of personal data.
    pub sketch: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sample: String,
}

/// How a cursor behaves, from record to record in the order of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorProfile {
    /// Records in which it is null or missing.
    pub nulls: u64,
    /// Records in which it is less than in the record before.
    pub backwards: u64,
    /// Records in which it is a moment later than the run.
    pub future: u64,
}

/// What was measured about one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnProfile {
    /// As [`crate::schema::path::Path`] is written.
    pub path: String,
    /// The type that the catalog declares, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    pub total: Measures,
    /// One for each slice of the stream.
    pub slices: Vec<Measures>,
    /// About how many different values; exact while all `values` are listed.
    pub distinct: u64,
    /// About how many values were met once; exact while all `values` are listed. `None` where it cannot be told any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub singletons: Option<u64>,
    /// The sketch behind `distinct`, for merging.
    pub sketch: String,
    /// Hashes of some values, with their counts, behind `singletons`; empty while all values are listed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sample: String,
    /// Values whose JSON type the declared type does not take.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conflicts: u64,
    /// How values follow one another in the order of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Kinds of personal data found, surest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<Personal>,
    /// What the values mean, where that could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<Semantic>,
}

/// Counts over the values of one column in one slice. Two of them add up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Values that are there, null among them. Below an array there may be more than records.
    pub present: u64,
    /// Values that are null.
    pub nulls: u64,
    /// Values of each JSON type: `boolean`, `integer`, `number` (with a point or exponent), `string`, `object`, `array`.
    pub types: BTreeMap<String, u64>,
    /// Strings that read as something else: `integer`, `number`, `boolean`, `date`, `timestamp`,
    /// `timestamp_with_timezone`, `time`, `uuid`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads_as: BTreeMap<String, u64>,
    /// JSON numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// Strings that are dates or timestamps, as seconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<Numbers>,
    /// Characters of strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Numbers>,
    /// Strings by their form: `a` a run of lower-case letters, `A` of upper-case, `9` of digits, others as they are,
    /// runs marked by `+` behind them; `+` and `\` themselves stand behind a `\`. `None` once there are too many forms
    /// in the whole column, or one is too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shapes: Option<BTreeMap<String, u64>>,
    /// Every character seen in strings, in order. `None` once there are too many in the whole column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<String>,
    /// Every value and how often, as JSON text. `None` once there are too many in the whole column, or one is too
    /// long. Nulls, objects and arrays are none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, u64>>,
}

/// Numbers in sum: exact but for the quantiles.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    pub count: u64,
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    /// Those without a fraction.
    pub whole: u64,
    pub zeros: u64,
    pub negative: u64,
    /// Digits behind the point at most.
    pub scale: u32,
    /// How often buckets were made twice as wide, because values spread too far.
    #[serde(default, skip_serializing_if = "is_zero_32")]
    pub coarse: u32,
    /// Counts per logarithmic bucket, for quantiles within 1 % ([`Numbers::quantile`]). Buckets add up; zeros are in
    /// none. Where personal data is left out, `min`, `max` and `sum` are 0 and buckets are all that is told.
    pub buckets: BTreeMap<i32, u64>,
}

/// How a column's values follow one another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Values above, equal to and below the one before.
    pub rises: u64,
    pub repeats: u64,
    pub falls: u64,
}

/// Personal data found in a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// As the recognisers and the tagger name it.
    pub kind: String,
    /// How much of the sample holds it, from 0 to 1.
    pub share: f64,
    /// From 0 to 1.
    pub confidence: f64,
    /// The whole column is of this kind.
    pub decided: bool,
}

/// What the values of a column mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Semantic {
    /// A name from the list of types.
    #[serde(rename = "type")]
    pub name: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// What told it: `name`, `values`, `model`.
    pub by: String,
}

/// What was measured about two columns together, over a bounded sample of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairProfile {
    pub a: String,
    pub b: String,
    pub total: PairMeasures,
    pub slices: Vec<PairMeasures>,
}

/// Counts over two columns in one slice. Two of them add up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairMeasures {
    pub rows: u64,
    /// Rows in which both are null or absent, only `a` is, only `b` is.
    pub both_null: u64,
    pub a_null: u64,
    pub b_null: u64,
    /// Rows in which `a` is below, equal to, above `b`; for two numbers or two moments.
    pub below: u64,
    pub equal: u64,
    pub above: u64,
    /// `a - b`, where both are numbers or moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Numbers>,
    /// How often values stand together, `a` then `b` as JSON text. `None` once there are too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<BTreeMap<String, BTreeMap<String, u64>>>,
    /// Whether one decides the other; where values of one repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_decides_b: Option<Decides>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_decides_a: Option<Decides>,
}

impl PairMeasures {
    /// Adds what another slice has.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.both_null += other.both_null;
        self.a_null += other.a_null;
        self.b_null += other.b_null;
        self.below += other.below;
        self.equal += other.equal;
        self.above += other.above;
        super::merge::add_numbers(&mut self.difference, other.difference.as_ref());
        self.together = match (self.together.take(), &other.together) {
            (None, theirs) if self.rows == other.rows => theirs.clone(),
            (Some(mut ours), Some(theirs)) => {
                for (a, with) in theirs {
                    let ours = ours.entry(a.clone()).or_default();
                    with.iter()
                        .for_each(|(b, count)| *ours.entry(b.clone()).or_default() += count);
                }
                Some(ours)
            }
            _ => None,
        };
        Decides::join(&mut self.a_decides_b, other.a_decides_b);
        Decides::join(&mut self.b_decides_a, other.b_decides_a);
    }
}

impl Decides {
    fn join(ours: &mut Option<Self>, theirs: Option<Self>) {
        if let Some(theirs) = theirs {
            let ours = ours.get_or_insert_default();
            ours.same += theirs.same;
            ours.other += theirs.other;
        }
    }
}

/// Rows in which the first value had been seen before in the sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decides {
    /// And stands with the second value that it stood with first.
    pub same: u64,
    /// And stands with another.
    pub other: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero_32(number: &u32) -> bool {
    *number == 0
}
