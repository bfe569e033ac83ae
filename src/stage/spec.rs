//! What a configuration can ask for, stage by stage: plain data that can be printed, compared and sent.

use serde::Serialize;

pub use super::classify::spec::ClassifySpec;
use super::embed::cut::Size;
use super::embed::template::Template;
pub use super::split::spec::{Split, SplitBy};
use crate::model::embedding::Wanted;
use crate::schema::path::Path;

/// One step of a stream, as configured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageSpec {
    /// Keeps the rows for which the expression is true or NULL.
    Filter(String),
    /// Evaluates the stream's rule file here; without this stage it is evaluated first.
    Check,
    /// Gives a column another name in the same object.
    Rename { from: Path, to: String },
    /// Removes columns.
    Drop(Vec<Path>),
    /// Changes the type of a column.
    Cast {
        column: Path,
        to: CastType,
        on_error: CastFailure,
    },
    /// Adds a top-level column computed from others.
    Derive { column: String, sql: String },
    /// Masks every value of a column.
    Mask { column: Path, with: Operator },
    /// Finds personal data inside text and masks what it finds.
    Detect {
        columns: Vec<Path>,
        kinds: Kinds,
        with: Operator,
        /// Columns whose decision is not left to the vote.
        pin: Vec<(Path, Pin)>,
    },
    /// Makes vectors of text.
    Embed(Box<EmbedSpec>),
    /// Adds a top-level column with the part of a data set that the record belongs to.
    Split(Split),
    /// Adds a top-level column with the category that a text is nearest to.
    Classify(Box<ClassifySpec>),
}

/// What a column is, by the configuration's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// Every value is of this kind.
    Kind(String),
    /// Texts in which personal data may stand anywhere.
    Text,
    /// Nothing personal: its values are not searched.
    Clean,
}

/// What an `embed` stage is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbedSpec {
    pub text: Template,
    pub into: EmbedInto,
    /// The size of chunks, where it is given.
    pub chunk: Option<Size>,
    pub wanted: Wanted,
    /// A later stage may mask what is embedded here.
    pub before_masking: bool,
}

/// Where vectors go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbedInto {
    /// A column with the vector of the whole text.
    Vector(String),
    /// A column with a list of chunks.
    Chunks(String),
    /// A second stream of chunks.
    Stream,
}

/// Target types of `cast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CastType {
    String,
    Integer,
    Number,
    Boolean,
    Date,
    TimestampWithTimezone,
    TimestampWithoutTimezone,
}

/// What happens to a value that cannot be cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CastFailure {
    /// The value becomes null and the record's `meta.changes` says so.
    Null,
    /// The row is rejected.
    Reject,
    /// The run stops.
    Fail,
}

/// Which kinds of personal data a `detect` stage looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kinds {
    All,
    Only(Vec<String>),
    Except(Vec<String>),
}

/// How a value is masked. Keys are named here and resolved when the plan is compiled.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "with")]
pub enum Operator {
    /// A placeholder naming the kind, as `<EMAIL>`, or the one given.
    Redact { placeholder: Option<String> },
    /// Keeps some characters and fills the rest; without options, what suits the kind.
    Partial {
        keep_first: Option<usize>,
        keep_last: Option<usize>,
        keep_domain: Option<bool>,
        fill: Option<char>,
    },
    /// HMAC-SHA-256 as lower-case hex, optionally after a prefix.
    Hash {
        key: String,
        prefix: Option<String>,
        normalize: bool,
    },
    /// AES-SIV: deterministic, reversible with the key.
    Token { key: String },
    /// FF1: keeps length and alphabet.
    Fpe { key: String, alphabet: Alphabet },
    /// A consistent, plausible replacement of the given kind (NAME, EMAIL, PHONE, …).
    Pseudonym { key: String, kind: Option<String> },
    /// Moves a date by a keyed offset of up to `days`, one offset per value of `subject`.
    ShiftDate {
        key: String,
        days: u32,
        subject: Option<Path>,
    },
    /// Makes a value coarser.
    Generalize(Generalize),
    /// AES-256-GCM.
    Encrypt { key: String },
    /// JSON null.
    Nullify,
}

/// The symbols that format-preserving encryption permutes; others stay in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// `0-9`
    Digits,
    /// `a-z`, each letter keeping its case
    Letters,
    /// `0-9a-z`, each letter keeping its case
    Alphanumeric,
}

/// The ways of making a value coarser.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Generalize {
    /// Numbers to the range `[n·width, (n+1)·width)`, written as `30-39` for integers, `30..40` otherwise.
    Range { width: u64 },
    /// Dates and timestamps to their month, as `2024-05`.
    Month,
    /// Dates and timestamps to their year, as `2024`.
    Year,
    /// Text to its first characters (postcodes, addresses), the rest `*`.
    Prefix { characters: usize },
    /// IP addresses to their network, as `192.0.2.0/24`.
    Network { ipv4_bits: u8, ipv6_bits: u8 },
}
