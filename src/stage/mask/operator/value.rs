//! What goes into an operator and what comes out: values, their types, and the reasons for refusing one.

use std::fmt;

/// A JSON scalar to be masked. Never null: nulls stay null before this is called.
#[derive(Clone, Copy)]
pub enum Scalar<'a> {
    /// The text itself, without escapes.
    Text(&'a str),
    /// A number as it is spelled.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
}

/// The type of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarType {
    /// A JSON string.
    Text,
    /// A JSON number.
    Number,
    /// A JSON boolean.
    Bool,
}

/// What replaces a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masked {
    /// The output holds text, without escapes.
    Text,
    /// The output holds a JSON number.
    Number,
    /// JSON null; the output is empty.
    Null,
}

/// The declared type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Strings without a format.
    Text,
    /// Whole numbers.
    Integer,
    /// Any numbers.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Strings with the format `date`.
    Date,
    /// Strings with the format `date-time`.
    Timestamp {
        /// Whether they carry an offset from UTC.
        zone: bool,
    },
    /// Strings with the format `time`.
    Time,
    /// Several types, or none declared.
    Other,
}

/// Why a value cannot be masked. The row that holds it is rejected; the value is never passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The operator works on another type.
    WrongType {
        /// What it needs, with its article.
        expected: &'static str,
        /// What came, with its article.
        found: &'static str,
    },
    /// Neither `YYYY-MM-DD` nor a timestamp that begins so, or a day that no calendar has.
    NotADate,
    /// No decimal number.
    NotANumber,
    /// No IPv4 or IPv6 address.
    NotAnAddress,
    /// Too few symbols to be encrypted safely in place.
    TooShort {
        /// Symbols that are always enough.
        minimum: usize,
    },
    /// More symbols than are encrypted in place.
    TooLong {
        /// The most that are.
        maximum: usize,
    },
    /// A letter or digit that the alphabet does not have and that would stay readable.
    OutOfAlphabet,
    /// The result would leave the years 0000 to 9999, or the number has too many digits.
    OutOfRange,
    /// No result was found in the steps allowed.
    Unsettled,
    /// The cipher does not take the value.
    Cipher,
}

impl<'a> Scalar<'a> {
    /// The value as it is spelled.
    pub fn text(self) -> &'a str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    /// The value's type.
    pub fn scalar_type(self) -> ScalarType {
        match self {
            Self::Text(_) => ScalarType::Text,
            Self::Number(_) => ScalarType::Number,
            Self::Bool(_) => ScalarType::Bool,
        }
    }

    /// The refusal of an operator that works on other types.
    pub fn is_not(self, expected: &'static str) -> Refusal {
        Refusal::WrongType {
            expected,
            found: self.scalar_type().describe(),
        }
    }
}

impl ScalarType {
    /// The type in words, with its article.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "a boolean",
        }
    }
}

impl ColumnType {
    /// The type's values in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integers",
            Self::Number => "numbers",
            Self::Boolean => "booleans",
            Self::Date => "dates",
            Self::Timestamp { zone: true } => "timestamps with a time zone",
            Self::Timestamp { zone: false } => "timestamps without a time zone",
            Self::Time => "times of day",
            Self::Other => "values of several types",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType { expected, found } => {
                write!(out, "expected {expected}, found {found}")
            }
            Self::NotADate => out.write_str("expected a date or a timestamp, found other text"),
            Self::NotANumber => out.write_str("expected a decimal number, found other text"),
            Self::NotAnAddress => out.write_str("expected an IP address, found other text"),
            Self::TooShort { minimum } => write!(
                out,
                "too few symbols of the alphabet to be encrypted safely; {minimum} are always enough"
            ),
            Self::TooLong { maximum } => {
                write!(out, "more than {maximum} symbols of the alphabet")
            }
            Self::OutOfAlphabet => {
                out.write_str("a letter or digit outside the alphabet would stay readable")
            }
            Self::OutOfRange => out.write_str("the result is out of range"),
            Self::Unsettled => out.write_str("no replacement was found in the steps allowed"),
            Self::Cipher => out.write_str("the cipher does not take the value"),
        }
    }
}

impl std::error::Error for Refusal {}
