//! One column: takes a value of the line per row, in its type, or notes why it cannot.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int64Array, NullBufferBuilder, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::changes::{Changes, Loss};
use super::choice::Choice;
use super::extra::Extra;
use super::line::{Line, Slot};
use super::list::List;
use super::number::{self, Literal};
use super::object::Object;
use super::text::{Text, whole};
use crate::batch::temporal::{self, Reading};
use crate::batch::unescape_onto;
use crate::protocol::walk::Malformed;

/// What is written beside the declared columns.
#[derive(Debug)]
pub(super) struct Notes {
    pub changes: Changes,
    /// Undeclared members, where they are kept.
    pub extra: Option<Extra>,
}

/// What became of a value. Only of the first two something was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Whole,
    /// Digits were lost.
    Part,
    /// JSON null.
    Null,
    Not(Loss),
}

/// The values of one column.
#[derive(Debug)]
pub(super) struct Column {
    /// The path that changes name.
    pub path: Arc<str>,
    pub data_type: DataType,
    pub nulls: NullBufferBuilder,
    pub values: Values,
}

/// JSON values that a column of JSON text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accept {
    Any,
    Objects,
    Arrays,
}

/// Values by how they are read.
#[derive(Debug)]
pub(super) enum Values {
    /// Strings.
    Text(Text),
    /// Whole numbers, as literals or strings.
    Digits(Text),
    /// Numbers as written.
    Literal(Text),
    /// JSON as written.
    Json(Text, Accept),
    Boolean(BooleanBufferBuilder),
    Integer(Vec<i64>),
    Decimal(Vec<i128>, u8, i8),
    Double(Vec<f64>),
    Single(Vec<f32>),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    List(List),
    Object(Object),
    Choice(Choice),
}

impl Column {
    /// The same column, empty.
    pub(super) fn fresh(&self) -> Self {
        Self {
            path: self.path.clone(),
            data_type: self.data_type.clone(),
            nulls: whole(),
            values: self.values.fresh(),
        }
    }

    /// Appends the value at `slot`, or null and a change.
    #[inline]
    pub(super) fn append(
        &mut self,
        line: &Line<'_>,
        slot: Slot,
        notes: &mut Notes,
    ) -> Result<(), Malformed> {
        let raw = line.raw(slot);
        let kept = match raw {
            b"null" => Kept::Null,
            _ => self.values.put(line, raw, slot, notes)?,
        };
        match kept {
            Kept::Whole => self.nulls.append_non_null(),
            Kept::Null => self.null(),
            Kept::Part => {
                self.nulls.append_non_null();
                notes.changes.truncated(&self.path);
            }
            Kept::Not(loss) => {
                self.null();
                notes.changes.nulled(&self.path, loss);
            }
        }
        Ok(())
    }

    /// Appends null.
    pub(super) fn null(&mut self) {
        self.nulls.append_null();
        match &mut self.values {
            Values::Text(text)
            | Values::Digits(text)
            | Values::Literal(text)
            | Values::Json(text, _) => text.close(),
            Values::Boolean(bits) => bits.append(false),
            Values::Integer(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.push(0);
            }
            Values::Decimal(values, ..) => values.push(0),
            Values::Double(values) => values.push(0.0),
            Values::Single(values) => values.push(0.0),
            Values::Date(values) => values.push(0),
            Values::List(list) => list.null(),
            Values::Object(object) => object.null(),
            Values::Choice(choice) => choice.null(),
        }
    }

    /// Whether a value is of this column's type, its size aside.
    pub(super) fn fits(&self, line: &Line<'_>, raw: &[u8]) -> bool {
        let text = || line.text(raw);
        match &self.values {
            Values::Text(_) => raw.first() == Some(&b'"'),
            Values::Digits(_) if raw.first() == Some(&b'"') => true,
            Values::Json(_, accept) => accept.takes(raw) && line.is_json(raw),
            Values::Boolean(_) => matches!(raw, b"true" | b"false"),
            Values::Digits(_) | Values::Integer(_) => {
                Literal::of(raw).is_some() && crate::schema::is_integral(raw)
            }
            Values::Literal(_) | Values::Decimal(..) | Values::Double(_) | Values::Single(_) => {
                Literal::of(raw).is_some()
            }
            Values::Date(_) => text().is_some_and(|text| temporal::date(&text).is_some()),
            Values::Time(_) => text().is_some_and(|text| temporal::time(&text).is_some()),
            Values::Timestamp(_) => text().is_some_and(|text| temporal::timestamp(&text).is_some()),
            Values::List(_) => raw.first() == Some(&b'['),
            Values::Object(_) => raw.first() == Some(&b'{'),
            Values::Choice(choice) => choice.options.iter().any(|(_, it)| it.fits(line, raw)),
        }
    }

    /// Forgets everything behind the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows);
        match &mut self.values {
            Values::Text(text)
            | Values::Digits(text)
            | Values::Literal(text)
            | Values::Json(text, _) => text.truncate(rows),
            Values::Boolean(bits) => bits.truncate(rows),
            Values::Integer(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.truncate(rows);
            }
            Values::Decimal(values, ..) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Single(values) => values.truncate(rows),
            Values::Date(values) => values.truncate(rows),
            Values::List(list) => list.truncate(rows),
            Values::Object(object) => object.truncate(rows),
            Values::Choice(choice) => choice.truncate(rows),
        }
    }

    /// The array of what was appended; starts anew.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = &mut self.nulls;
        Ok(match &mut self.values {
            Values::Text(text)
            | Values::Digits(text)
            | Values::Literal(text)
            | Values::Json(text, _) => return text.finish(nulls),
            Values::List(list) => return list.finish(nulls),
            Values::Object(object) => return object.finish(nulls),
            Values::Choice(choice) => return choice.finish(nulls),
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls.finish())),
            Values::Integer(values) => {
                Arc::new(Int64Array::try_new(taken(values), nulls.finish())?)
            }
            Values::Decimal(values, precision, scale) => {
                let array = Decimal128Array::try_new(taken(values), nulls.finish())?;
                Arc::new(array.with_precision_and_scale(*precision, *scale)?)
            }
            Values::Double(values) => {
                Arc::new(Float64Array::try_new(taken(values), nulls.finish())?)
            }
            Values::Single(values) => {
                Arc::new(Float32Array::try_new(taken(values), nulls.finish())?)
            }
            Values::Date(values) => Arc::new(Date32Array::try_new(taken(values), nulls.finish())?),
            Values::Time(values) => {
                let array = Time64MicrosecondArray::try_new(taken(values), nulls.finish())?;
                Arc::new(array)
            }
            Values::Timestamp(values) => {
                let array = TimestampMicrosecondArray::try_new(taken(values), nulls.finish())?;
                Arc::new(array.with_data_type(self.data_type.clone()))
            }
        })
    }
}

/// The values, leaving as much room as they took.
fn taken<T: arrow::datatypes::ArrowNativeType>(
    values: &mut Vec<T>,
) -> arrow::buffer::ScalarBuffer<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room).into()
}

impl Values {
    fn fresh(&self) -> Self {
        match self {
            Self::Text(_) => Self::Text(Text::new()),
            Self::Digits(_) => Self::Digits(Text::new()),
            Self::Literal(_) => Self::Literal(Text::new()),
            Self::Json(_, accept) => Self::Json(Text::new(), *accept),
            Self::Boolean(_) => Self::Boolean(BooleanBufferBuilder::new(0)),
            Self::Integer(_) => Self::Integer(Vec::new()),
            Self::Decimal(_, precision, scale) => Self::Decimal(Vec::new(), *precision, *scale),
            Self::Double(_) => Self::Double(Vec::new()),
            Self::Single(_) => Self::Single(Vec::new()),
            Self::Date(_) => Self::Date(Vec::new()),
            Self::Time(_) => Self::Time(Vec::new()),
            Self::Timestamp(_) => Self::Timestamp(Vec::new()),
            Self::List(list) => Self::List(list.fresh()),
            Self::Object(object) => Self::Object(object.fresh()),
            Self::Choice(choice) => Self::Choice(choice.fresh()),
        }
    }

    #[inline]
    fn put(
        &mut self,
        line: &Line<'_>,
        raw: &[u8],
        slot: Slot,
        notes: &mut Notes,
    ) -> Result<Kept, Malformed> {
        Ok(match self {
            Self::Text(text) => put_text(text, line, raw),
            Self::Integer(values) => put_value(values, number::integer(raw)),
            Self::Decimal(values, precision, scale) => match Literal::of(raw) {
                None => Kept::Not(Loss::Typecast),
                Some(literal) => put_reading(
                    values,
                    literal.scaled(*precision, *scale).ok_or(Loss::FieldSize),
                ),
            },
            Self::Double(values) => put_value(values, number::double(raw)),
            Self::Single(values) => put_value(values, number::single(raw)),
            Self::Literal(text) => put_raw(text, raw, Literal::of(raw).is_some()),
            Self::Boolean(bits) => match raw {
                b"true" | b"false" => {
                    bits.append(raw.len() == 4);
                    Kept::Whole
                }
                _ => Kept::Not(Loss::Typecast),
            },
            Self::Digits(text) if raw.first() == Some(&b'"') => put_text(text, line, raw),
            Self::Digits(text) => {
                let fits = Literal::of(raw).is_some() && crate::schema::is_integral(raw);
                put_raw(text, raw, fits)
            }
            Self::Json(text, accept) => put_raw(text, raw, accept.takes(raw) && line.is_json(raw)),
            Self::Date(values) => put_reading(values, read(line, raw, temporal::date)),
            Self::Time(values) => put_reading(values, read(line, raw, temporal::time)),
            Self::Timestamp(values) => put_reading(values, read(line, raw, temporal::timestamp)),
            Self::List(list) if raw.first() == Some(&b'[') => list.put(line, slot, notes)?,
            Self::Object(object) if raw.first() == Some(&b'{') => object.put(line, slot, notes)?,
            Self::List(_) | Self::Object(_) => Kept::Not(Loss::Typecast),
            Self::Choice(choice) => choice.put(line, slot, notes)?,
        })
    }
}

impl Accept {
    fn takes(self, raw: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Objects => raw.first() == Some(&b'{'),
            Self::Arrays => raw.first() == Some(&b'['),
        }
    }
}

#[inline(always)]
fn put_text(text: &mut Text, line: &Line<'_>, raw: &[u8]) -> Kept {
    let [b'"', inner @ .., b'"'] = raw else {
        return Kept::Not(Loss::Typecast);
    };
    if !line.escaped || memchr::memchr(b'\\', inner).is_none() {
        text.push(inner);
        return Kept::Whole;
    }
    let start = text.bytes.len();
    if unescape_onto(inner, &mut text.bytes) {
        text.close();
        return Kept::Whole;
    }
    text.bytes.truncate(start);
    Kept::Not(Loss::Typecast)
}

#[inline(always)]
fn put_raw(text: &mut Text, raw: &[u8], fits: bool) -> Kept {
    if !fits {
        return Kept::Not(Loss::Typecast);
    }
    text.push(raw);
    Kept::Whole
}

#[inline(always)]
fn put_value<T>(values: &mut Vec<T>, value: Result<T, Loss>) -> Kept {
    match value {
        Ok(value) => {
            values.push(value);
            Kept::Whole
        }
        Err(loss) => Kept::Not(loss),
    }
}

#[inline(always)]
fn put_reading<T>(values: &mut Vec<T>, reading: Result<(T, bool), Loss>) -> Kept {
    match reading {
        Ok((value, cut)) => {
            values.push(value);
            if cut { Kept::Part } else { Kept::Whole }
        }
        Err(loss) => Kept::Not(loss),
    }
}

#[inline(always)]
fn read<T>(
    line: &Line<'_>,
    raw: &[u8],
    parse: impl Fn(&str) -> Option<Reading<T>>,
) -> Result<(T, bool), Loss> {
    let text = line.text(raw).ok_or(Loss::Typecast)?;
    let reading = parse(&text).ok_or(Loss::Serialization)?;
    Ok((reading.value, reading.cut))
}
