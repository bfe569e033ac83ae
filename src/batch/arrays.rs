//! Arrow arrays of a batch's columns, in the types that expressions are compiled for.

use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal256Builder, Float64Builder, Int64Builder,
    StringViewBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cast_utils::parse_decimal;
use arrow::datatypes::i256;
use arrow::datatypes::{DataType, Decimal256Type, TimeUnit};

use super::{Batch, Cell, ColumnId, Current, temporal};
use crate::schema::LogicalType;

/// Digits an integer may have to take part in an expression.
const WIDE_DIGITS: u8 = 76;

/// A column as an array, and where its values were not of the declared type.
#[derive(Debug, Clone)]
pub struct Column {
    /// One value per row; null where the record has none or one of another type.
    pub values: ArrayRef,
    /// Rows whose value has another type than declared.
    pub mismatched: Option<BooleanBuffer>,
}

/// Collects one array; `push` says whether the value fits.
trait Collect {
    fn push(&mut self, value: Current<'_>) -> bool;
    fn push_null(&mut self);
    fn finish(&mut self) -> ArrayRef;
}

impl Batch {
    /// The values of a column, one per row; of repeated keys the last counts, as for most readers.
    pub fn array(&self, column: ColumnId, ty: &LogicalType) -> Column {
        match ty.evaluation() {
            DataType::Int64 => self.integers(column),
            DataType::Float64 => self.collect(column, &mut Floats(Float64Builder::new())),
            DataType::Boolean => self.collect(column, &mut Booleans(BooleanBuilder::new())),
            DataType::Date32 => self.collect(column, &mut Dates(Date32Builder::new())),
            DataType::Time64(_) => {
                self.collect(column, &mut Times(Time64MicrosecondBuilder::new()))
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let builder = TimestampMicrosecondBuilder::new();
                self.collect(column, &mut Timestamps(builder.with_timezone_opt(zone)))
            }
            _ => self.texts(column, ty),
        }
    }

    fn integers(&self, column: ColumnId) -> Column {
        let mut narrow = Integers {
            builder: Int64Builder::new(),
            wide: false,
        };
        let column_narrow = self.collect(column, &mut narrow);
        if !narrow.wide {
            return column_narrow;
        }
        let builder = Decimal256Builder::new();
        let builder = builder.with_data_type(DataType::Decimal256(WIDE_DIGITS, 0));
        self.collect(column, &mut WideIntegers(builder))
    }

    /// Text without a copy where the record holds it unescaped and unchanged.
    fn texts(&self, column: ColumnId, ty: &LogicalType) -> Column {
        let mut texts = Texts {
            builder: StringViewBuilder::with_capacity(self.rows.len()),
            block: None,
            any: !ty.is_text_like(),
        };
        self.walk(column, |cell| match cell {
            Some(cell) => texts.push_cell(self, cell),
            None => {
                texts.builder.append_null();
                true
            }
        })
        .finish(Arc::new(texts.builder.finish()))
    }

    fn collect(&self, column: ColumnId, into: &mut dyn Collect) -> Column {
        self.walk(column, |cell| {
            match cell.map(|cell| Current::of(self.raw(cell))) {
                None | Some(Current::Null) => {
                    into.push_null();
                    true
                }
                Some(value) => {
                    let fits = into.push(value);
                    if !fits {
                        into.push_null();
                    }
                    fits
                }
            }
        })
        .finish(into.finish())
    }

    /// Calls `visit` with the last cell of every row; it says whether the value fits.
    fn walk(&self, column: ColumnId, mut visit: impl FnMut(Option<&Cell>) -> bool) -> Mismatches {
        let mut cells = self.column(column).iter().copied().peekable();
        let row_of = |cell: u32| self.cells[cell as usize].row as usize;
        let mut mismatches = Mismatches(None);
        for row in 0..self.rows.len() {
            let mut last = None;
            while cells.peek().is_some_and(|&cell| row_of(cell) == row) {
                last = cells.next();
            }
            let misplaced = last.is_some_and(|cell| self.is_misplaced(cell as usize, column));
            let cell = last
                .filter(|_| !misplaced)
                .map(|cell| &self.cells[cell as usize]);
            if !visit(cell) || misplaced {
                mismatches.add(row, self.rows.len());
            }
        }
        mismatches
    }
}

struct Mismatches(Option<BooleanBufferBuilder>);

impl Mismatches {
    fn add(&mut self, row: usize, rows: usize) {
        let bits = self.0.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(rows);
            bits.append_n(rows, false);
            bits
        });
        bits.set_bit(row, true);
    }

    fn finish(self, values: ArrayRef) -> Column {
        Column {
            values,
            mismatched: self.0.map(|mut bits| bits.finish()),
        }
    }
}

struct Texts {
    builder: StringViewBuilder,
    block: Option<u32>,
    /// Values of any kind are taken, as their JSON text.
    any: bool,
}

impl Texts {
    fn push_cell(&mut self, batch: &Batch, cell: &Cell) -> bool {
        let raw = batch.raw(cell);
        if let [b'"', inner @ .., b'"'] = raw
            && batch.edit(cell).is_none()
            && memchr::memchr(b'\\', inner).is_none()
        {
            let block = *self
                .block
                .get_or_insert_with(|| self.builder.append_block(batch.chunk.clone()));
            // Lines are checked for UTF-8 before they are decoded; this check is the builder's own.
            let length = inner.len() as u32;
            return self
                .builder
                .try_append_view(block, cell.start + 1, length)
                .is_ok();
        }
        match Current::of(raw) {
            Current::Null => self.builder.append_null(),
            Current::Text(text) => self.builder.append_value(text),
            Current::Broken => {
                self.builder.append_null();
                return false;
            }
            _ => match std::str::from_utf8(raw) {
                Ok(json) if self.any => self.builder.append_value(json),
                _ => {
                    self.builder.append_null();
                    return false;
                }
            },
        }
        true
    }
}

struct Integers {
    builder: Int64Builder,
    wide: bool,
}

/// The digits of a number that is whole, `10` for `10`, `10.0` and `1E1`.
fn whole(literal: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !literal.contains(['.', 'e', 'E']) {
        return Some(literal.into());
    }
    if let Some((digits, fraction)) = literal.split_once('.')
        && fraction.bytes().all(|byte| byte == b'0')
    {
        return Some(digits.into());
    }
    let value: f64 = literal.parse().ok()?;
    let exact = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    exact.then(|| format!("{value:.0}").into())
}

impl Collect for Integers {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Number(literal) = value else {
            return false;
        };
        let Some(digits) = whole(literal) else {
            return false;
        };
        match digits.parse() {
            Ok(value) => self.builder.append_value(value),
            Err(_) => {
                self.wide = true;
                self.builder.append_null();
            }
        }
        true
    }

    fn push_null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct WideIntegers(Decimal256Builder);

impl Collect for WideIntegers {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Number(literal) = value else {
            return false;
        };
        let parsed: Option<i256> = whole(literal)
            .and_then(|digits| parse_decimal::<Decimal256Type>(&digits, WIDE_DIGITS, 0).ok());
        parsed
            .inspect(|value| self.0.append_value(*value))
            .is_some()
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Floats(Float64Builder);

impl Collect for Floats {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Number(literal) = value else {
            return false;
        };
        let parsed = literal.parse::<f64>();
        parsed.inspect(|value| self.0.append_value(*value)).is_ok()
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Booleans(BooleanBuilder);

impl Collect for Booleans {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Bool(value) = value else {
            return false;
        };
        self.0.append_value(value);
        true
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Dates(Date32Builder);

impl Collect for Dates {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Text(text) = value else {
            return false;
        };
        let parsed = temporal::date(&text);
        parsed
            .inspect(|days| self.0.append_value(days.value))
            .is_some()
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Times(Time64MicrosecondBuilder);

impl Collect for Times {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Text(text) = value else {
            return false;
        };
        let parsed = temporal::time(&text);
        parsed
            .inspect(|micros| self.0.append_value(micros.value))
            .is_some()
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Timestamps(TimestampMicrosecondBuilder);

impl Collect for Timestamps {
    fn push(&mut self, value: Current<'_>) -> bool {
        let Current::Text(text) = value else {
            return false;
        };
        temporal::timestamp(&text)
            .inspect(|micros| self.0.append_value(micros.value))
            .is_some()
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_integers_however_they_are_spelt() {
        let cases = [
            ("10", Some("10")),
            ("10.0", Some("10")),
            ("1E1", Some("10")),
            ("1.5", None),
        ];
        for (literal, expected) in cases {
            assert_eq!(whole(literal).as_deref(), expected, "{literal}");
        }
    }
}
