//! The types a column can have: one closed set, and what each means for files, for SQL and for a
//! JSON value.
//!
//! Every column is nullable, whatever its schema says. Two Arrow types belong to each logical type:
//! [`LogicalType::arrow`] is how staged files store it, [`LogicalType::evaluation`] how an expression
//! sees it. Neither decides what leaves in protocol output: those are the input's own bytes.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit};

use super::kind::JsonKind;

/// Options a union may have before it says no more than `Unknown`.
pub const MAX_OPTIONS: usize = 256;

/// The type of a column as the catalog declares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LogicalType {
    String,
    Boolean,
    /// Unbounded; a value past 64 bits has no place in an `Int64` column.
    Integer,
    /// An unbounded decimal.
    Number,
    Date,
    TimestampTz,
    Timestamp,
    TimeTz,
    Time,
    /// An integer of any length, as a literal or as text; always handled as text.
    BigInteger,
    /// Bytes as base64 text.
    Binary,
    /// An array, with its element type when that is declared.
    Array(Option<Box<LogicalType>>),
    /// An object with declared keys.
    Object(Vec<Field>),
    /// An object about whose keys nothing is declared.
    SchemalessObject,
    /// Any JSON value, declared as such.
    Json,
    /// One of several types; built with [`LogicalType::union`].
    Union(Vec<LogicalType>),
    /// Nothing is declared.
    Unknown,
}

/// A declared key of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    pub name: String,
    pub ty: LogicalType,
    /// Whether the schema lists the key in `required`; Airbyte treats it as nullable all the same.
    pub required: bool,
}

impl LogicalType {
    /// The union of these types: nested unions are opened, repetitions dropped, `Integer` is part of
    /// `Number`, one option is that option, none is `Unknown`. What allows every value says so: `Unknown`
    /// and `Json` swallow other options, a choice between all JSON types, none of them narrowed, is
    /// `Json`, and more than [`MAX_OPTIONS`] options are `Unknown`.
    pub fn union(options: impl IntoIterator<Item = Self>) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        for option in options {
            let inner = match option {
                Self::Union(inner) => inner,
                other => vec![other],
            };
            for ty in inner {
                if !flat.contains(&ty) {
                    flat.push(ty);
                }
                if flat.len() > MAX_OPTIONS {
                    return Self::Unknown;
                }
            }
        }
        if flat.contains(&Self::Number) {
            flat.retain(|ty| *ty != Self::Integer);
        }
        let everything = [
            Self::String,
            Self::Boolean,
            Self::Number,
            Self::Array(None),
            Self::SchemalessObject,
        ];
        match flat.len() {
            0 => Self::Unknown,
            1 => flat.swap_remove(0),
            _ if flat.contains(&Self::Unknown) => Self::Unknown,
            _ if flat.contains(&Self::Json) => Self::Json,
            _ if everything.iter().all(|ty| flat.contains(ty)) => Self::Json,
            _ => Self::Union(flat),
        }
    }

    /// The type in staged files. It follows destination-s3: `Number` is a double, so digits past the
    /// 17th are lost in a file (never in protocol output), times of day are UTC, and whatever has no
    /// fixed shape is JSON text. `Binary` stays base64, `BigInteger` stays text.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::TimestampTz => {
                DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("+00:00")))
            }
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimeTz | Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Array(Some(item)) => {
                DataType::List(Arc::new(ArrowField::new("item", item.arrow(), true)))
            }
            Self::Object(fields) if !fields.is_empty() => DataType::Struct(
                fields
                    .iter()
                    .map(|field| ArrowField::new(&field.name, field.ty.arrow(), true))
                    .collect::<Fields>(),
            ),
            _ => DataType::Utf8,
        }
    }

    /// The flat type an expression sees. It differs from [`Self::arrow`] in what has parts: arrays,
    /// objects and unions are `Utf8View` holding the value's JSON text. `Number` is a double here too;
    /// an exact decision about digits is taken on the value's own text.
    pub fn evaluation(&self) -> DataType {
        match self {
            Self::Boolean
            | Self::Integer
            | Self::Number
            | Self::Date
            | Self::TimestampTz
            | Self::Timestamp
            | Self::TimeTz
            | Self::Time => self.arrow(),
            _ => DataType::Utf8View,
        }
    }

    /// Whether a JSON value of this kind fits the declared type. Null always does. `1.0` is a
    /// [`JsonKind::Number`] and does not fit `Integer`; a caller that wants to let a zero fraction pass
    /// asks [`super::is_integral`].
    pub fn accepts(&self, kind: JsonKind) -> bool {
        use JsonKind as Kind;
        match (self, kind) {
            (_, Kind::Null) | (Self::Json | Self::Unknown, _) => true,
            (Self::Union(options), _) => options.iter().any(|option| option.accepts(kind)),
            (Self::Boolean, _) => kind == Kind::Bool,
            (Self::Integer, _) => kind == Kind::Integer,
            (Self::Number, _) => matches!(kind, Kind::Integer | Kind::Number),
            (Self::BigInteger, _) => matches!(kind, Kind::Integer | Kind::Text),
            (Self::Array(_), _) => kind == Kind::Array,
            (Self::Object(_) | Self::SchemalessObject, _) => kind == Kind::Object,
            _ => kind == Kind::Text,
        }
    }

    /// Whether every value is a JSON string: text, temporal and binary types and unions of them.
    pub fn is_text_like(&self) -> bool {
        match self {
            Self::String
            | Self::Date
            | Self::TimestampTz
            | Self::Timestamp
            | Self::TimeTz
            | Self::Time
            | Self::Binary => true,
            Self::Union(options) => options.iter().all(Self::is_text_like),
            _ => false,
        }
    }

    /// Whether no value is an object or array.
    pub fn is_scalar(&self) -> bool {
        match self {
            Self::Array(_)
            | Self::Object(_)
            | Self::SchemalessObject
            | Self::Json
            | Self::Unknown => false,
            Self::Union(options) => options.iter().all(Self::is_scalar),
            _ => true,
        }
    }

    /// Whether a JSON string may occur in a value, at any depth; true where nothing is declared.
    pub fn may_hold_text(&self) -> bool {
        match self {
            Self::Boolean | Self::Integer | Self::Number => false,
            Self::Array(Some(item)) => item.may_hold_text(),
            Self::Object(fields) => fields.iter().any(|field| field.ty.may_hold_text()),
            Self::Union(options) => options.iter().any(Self::may_hold_text),
            _ => true,
        }
    }

    /// The name for messages, as `integer`, `array of string`, `string or object`.
    pub fn name(&self) -> String {
        self.to_string()
    }
}

/// Options of a union that a name spells out.
const NAMED_OPTIONS: usize = 4;

impl fmt::Display for LogicalType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Date => "date",
            Self::TimestampTz => "timestamp_with_timezone",
            Self::Timestamp => "timestamp_without_timezone",
            Self::TimeTz => "time_with_timezone",
            Self::Time => "time_without_timezone",
            Self::BigInteger => "big_integer",
            Self::Binary => "binary",
            Self::Array(None) => "array",
            Self::Array(Some(item)) => return write!(out, "array of {item}"),
            Self::Object(_) => "object",
            Self::SchemalessObject => "object without declared keys",
            Self::Json => "json",
            Self::Unknown => "unknown",
            Self::Union(options) => {
                for (i, option) in options.iter().take(NAMED_OPTIONS).enumerate() {
                    if i > 0 {
                        out.write_str(" or ")?;
                    }
                    write!(out, "{option}")?;
                }
                if options.len() > NAMED_OPTIONS {
                    write!(out, " or {} more", options.len() - NAMED_OPTIONS)?;
                }
                return Ok(());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_its_declared_type() {
        use JsonKind as K;
        let all = [K::Bool, K::Integer, K::Number, K::Text, K::Array, K::Object];
        let table: [(LogicalType, &[JsonKind]); 12] = [
            (LogicalType::String, &[K::Text]),
            (LogicalType::TimestampTz, &[K::Text]),
            (LogicalType::Boolean, &[K::Bool]),
            (LogicalType::Integer, &[K::Integer]),
            (LogicalType::Number, &[K::Integer, K::Number]),
            (LogicalType::BigInteger, &[K::Integer, K::Text]),
            (LogicalType::Array(None), &[K::Array]),
            (LogicalType::Object(Vec::new()), &[K::Object]),
            (LogicalType::SchemalessObject, &[K::Object]),
            (LogicalType::Json, &all),
            (LogicalType::Unknown, &all),
            (
                LogicalType::union([LogicalType::Integer, LogicalType::Date]),
                &[K::Integer, K::Text],
            ),
        ];
        for (ty, fitting) in table {
            assert!(ty.accepts(K::Null), "{ty}");
            for kind in all {
                assert_eq!(ty.accepts(kind), fitting.contains(&kind), "{ty} {kind}");
            }
        }
    }

    #[test]
    fn unions_are_flat_and_without_repetition() {
        use LogicalType as T;
        assert_eq!(T::union([]), T::Unknown);
        assert_eq!(T::union([T::String, T::String]), T::String);
        assert_eq!(T::union([T::Integer, T::Number]), T::Number);
        assert_eq!(T::union([T::String, T::Unknown, T::Json]), T::Unknown);
        assert_eq!(T::union([T::Json, T::String]), T::Json);
        let objects = |count: usize| {
            T::union((0..count).map(|i| {
                T::Object(vec![Field {
                    name: i.to_string(),
                    ty: T::String,
                    required: false,
                }])
            }))
        };
        assert!(matches!(objects(MAX_OPTIONS), T::Union(options) if options.len() == MAX_OPTIONS));
        assert_eq!(objects(MAX_OPTIONS + 1), T::Unknown);
        let nested = T::union([T::union([T::String, T::Boolean]), T::Boolean, T::Date]);
        assert_eq!(nested, T::Union(vec![T::String, T::Boolean, T::Date]));
        assert_eq!(nested.name(), "string or boolean or date");
        assert!(!nested.is_text_like());
        assert!(T::union([T::String, T::Date]).is_text_like());
    }

    #[test]
    fn expressions_see_flat_types_and_files_nested_ones() {
        use LogicalType as T;
        let list = T::Array(Some(Box::new(T::Integer)));
        let object = T::Object(vec![Field {
            name: String::new(),
            ty: list.clone(),
            required: true,
        }]);
        assert!(
            matches!(list.arrow(), DataType::List(item) if *item.data_type() == DataType::Int64)
        );
        assert!(
            matches!(object.arrow(), DataType::Struct(fields) if fields.len() == 1 && fields[0].is_nullable())
        );
        assert_eq!(T::Object(Vec::new()).arrow(), DataType::Utf8);
        for ty in [list, object, T::String, T::BigInteger, T::Json, T::Unknown] {
            assert_eq!(ty.evaluation(), DataType::Utf8View, "{ty}");
        }
        assert_eq!(T::Date.evaluation(), DataType::Date32);
        assert_eq!(T::Number.evaluation(), DataType::Float64);
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("+00:00")));
        assert_eq!(T::TimestampTz.evaluation(), utc);
    }

    #[test]
    fn text_is_found_at_any_depth() {
        use LogicalType as T;
        let deep = T::Array(Some(Box::new(T::Object(vec![Field {
            name: "a".to_owned(),
            ty: T::String,
            required: false,
        }]))));
        assert!(deep.may_hold_text() && !deep.is_text_like());
        assert!(!T::Array(Some(Box::new(T::Integer))).may_hold_text());
        assert!(T::Array(None).may_hold_text() && T::Unknown.may_hold_text());
    }
}
