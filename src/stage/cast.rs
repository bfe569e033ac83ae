//! Changes the type of a column. Digits are kept as written: a number that becomes text keeps its
//! spelling, text that becomes a number must already be one.

use super::spec::{CastFailure, CastType};
use super::{ColumnRef, Halt, Refusals, Refused, Stage};
use crate::batch::{Batch, CellId, Current};
use crate::error::{Error, ErrorKind};
use crate::schema::is_integral;

/// A compiled `cast`.
#[derive(Debug)]
pub struct Cast {
    pub column: ColumnRef,
    pub to: CastType,
    pub on_error: CastFailure,
    pub refusals: Refusals,
}

impl Stage for Cast {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        for at in 0..batch.column(self.column.id).len() {
            let cell = batch.column(self.column.id)[at] as usize;
            if batch.is_misplaced(cell, self.column.id) {
                self.fail(batch, cell)?;
                continue;
            }
            match converted(&batch.current(cell), self.to) {
                Converted::Same => {}
                Converted::Text(text) => batch.replace_text(cell, &text),
                Converted::Json(json) => batch.replace(cell, json.as_bytes()),
                Converted::Unfit => self.fail(batch, cell)?,
            }
        }
        Ok(())
    }
}

impl Cast {
    fn fail(&self, batch: &mut Batch, cell: CellId) -> Result<(), Halt> {
        let row = batch.cell(cell).row as usize;
        batch.tally().find(self.column.id, "cast_failed", 1);
        let message = || {
            format!(
                "{}: a value cannot be cast to {}",
                self.column.place,
                name(self.to)
            )
        };
        match self.on_error {
            CastFailure::Null => {
                batch.replace(cell, b"null");
                batch.nulled(row, &self.column.name);
                Ok(())
            }
            CastFailure::Reject => self.refusals.refuse(
                batch,
                Refused {
                    row,
                    stage: &format!("cast {}", self.column.name),
                    code: "cast_failed",
                    message: message(),
                },
            ),
            CastFailure::Fail => Err(Halt {
                row,
                error: Error::new(ErrorKind::Limit, message())
                    .hint("`on_error: null` or `on_error: reject` would go on"),
            }),
        }
    }
}

fn name(to: CastType) -> &'static str {
    match to {
        CastType::String => "string",
        CastType::Integer => "integer",
        CastType::Number => "number",
        CastType::Boolean => "boolean",
        CastType::Date => "date",
        CastType::TimestampWithTimezone => "timestamp_with_timezone",
        CastType::TimestampWithoutTimezone => "timestamp_without_timezone",
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Converted {
    Same,
    Text(String),
    Json(String),
    Unfit,
}

fn converted(value: &Current<'_>, to: CastType) -> Converted {
    match (to, value) {
        (_, Current::Null)
        | (CastType::String, Current::Text(_))
        | (CastType::Number, Current::Number(_))
        | (CastType::Boolean, Current::Bool(_)) => Converted::Same,
        (CastType::String, Current::Number(literal)) => Converted::Text((*literal).to_owned()),
        (CastType::String, Current::Bool(value)) => Converted::Text(value.to_string()),
        (CastType::String, Current::Container(json)) => {
            Converted::Text(String::from_utf8_lossy(json).into_owned())
        }
        (CastType::Integer, Current::Number(literal)) => integer(literal, true),
        (CastType::Integer, Current::Text(text)) => integer(text.trim(), false),
        (CastType::Number, Current::Text(text)) => match Current::of(text.trim().as_bytes()) {
            Current::Number(literal) => Converted::Json(literal.to_owned()),
            _ => Converted::Unfit,
        },
        (CastType::Integer | CastType::Number, Current::Bool(value)) => {
            Converted::Json(u8::from(*value).to_string())
        }
        (CastType::Boolean, Current::Text(text)) => boolean(text),
        (CastType::Boolean, Current::Number("0")) => Converted::Json("false".to_owned()),
        (CastType::Boolean, Current::Number("1")) => Converted::Json("true".to_owned()),
        (CastType::Date, Current::Text(text)) => date(text),
        (CastType::TimestampWithTimezone, Current::Text(text)) => timestamp(text, true),
        (CastType::TimestampWithoutTimezone, Current::Text(text)) => timestamp(text, false),
        _ => Converted::Unfit,
    }
}

/// A whole number; `10.0` gives `10`, a fraction does not fit.
fn integer(literal: &str, was_number: bool) -> Converted {
    match Current::of(literal.as_bytes()) {
        Current::Number(digits) if !digits.contains(['.', 'e', 'E']) => match was_number {
            true => Converted::Same,
            false => Converted::Json(digits.to_owned()),
        },
        Current::Number(digits) if is_integral(digits.as_bytes()) => match digits.split_once('.') {
            Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => {
                Converted::Json(whole.to_owned())
            }
            _ => match digits.parse::<f64>() {
                Ok(value) if value.abs() < 9_007_199_254_740_992.0 => {
                    Converted::Json(format!("{value:.0}"))
                }
                _ => Converted::Unfit,
            },
        },
        _ => Converted::Unfit,
    }
}

fn boolean(text: &str) -> Converted {
    let text = text.trim();
    if ["true", "t", "yes", "y", "1"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
    {
        Converted::Json("true".to_owned())
    } else if ["false", "f", "no", "n", "0"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
    {
        Converted::Json("false".to_owned())
    } else {
        Converted::Unfit
    }
}

fn date(text: &str) -> Converted {
    if text.parse::<chrono::NaiveDate>().is_ok() && text.len() == 10 {
        return Converted::Same;
    }
    match instant(text) {
        Some(instant) => Converted::Text(instant.naive_local().date().to_string()),
        None => Converted::Unfit,
    }
}

fn timestamp(text: &str, zoned: bool) -> Converted {
    let with_zone = chrono::DateTime::parse_from_rfc3339(text).is_ok();
    match instant(text) {
        Some(_) if with_zone == zoned => Converted::Same,
        Some(instant) if zoned => {
            Converted::Text(instant.format("%Y-%m-%dT%H:%M:%S%.f%:z").to_string())
        }
        Some(instant) => Converted::Text(instant.format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
        None => Converted::Unfit,
    }
}

/// A date or timestamp; without an offset it is taken as UTC.
fn instant(text: &str) -> Option<chrono::DateTime<chrono::FixedOffset>> {
    if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(instant);
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok());
    let naive = naive.or_else(|| text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0));
    Some(naive?.and_utc().fixed_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_casts() {
        use CastType as T;
        let json = |t: &str| Converted::Json(t.into());
        let text = |t: &str| Converted::Text(t.into());
        for (raw, to, expected) in [
            ("1.10", T::String, text("1.10")),
            ("1.10", T::Number, Converted::Same),
            ("10.0", T::Integer, json("10")),
            ("1E2", T::Integer, json("100")),
            ("1.5", T::Integer, Converted::Unfit),
            (
                "\"123456789012345678901234567890\"",
                T::Integer,
                json("123456789012345678901234567890"),
            ),
            ("\"007\"", T::Integer, Converted::Unfit),
            ("\" 1e-9 \"", T::Number, json("1e-9")),
            ("\"Yes\"", T::Boolean, json("true")),
            ("2", T::Boolean, Converted::Unfit),
            (
                "\"2024-02-29T23:59:59.5+02:00\"",
                T::Date,
                text("2024-02-29"),
            ),
            ("\"2024-02-30\"", T::Date, Converted::Unfit),
            (
                "\"2024-02-29 10:00:00\"",
                T::TimestampWithTimezone,
                text("2024-02-29T10:00:00+00:00"),
            ),
            (
                "\"2024-02-29T10:00:00Z\"",
                T::TimestampWithoutTimezone,
                text("2024-02-29T10:00:00"),
            ),
            ("null", T::Integer, Converted::Same),
            ("{\"a\":1}", T::String, text("{\"a\":1}")),
            ("[1]", T::Integer, Converted::Unfit),
        ] {
            assert_eq!(
                converted(&Current::of(raw.as_bytes()), to),
                expected,
                "{raw} to {to:?}"
            );
        }
    }
}
