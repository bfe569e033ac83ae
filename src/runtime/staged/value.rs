//! Values of files as JSON: their digits, their moments, and text that is JSON itself.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::envelope;
use crate::schema::{LogicalType, kind_of};

/// A line being written.
pub struct Out<'l> {
    pub json: &'l mut Vec<u8>,
    /// A value had no place in JSON, and became null.
    pub lost: bool,
}

impl Out<'_> {
    pub fn raw(&mut self, json: &[u8]) {
        self.json.extend_from_slice(json);
    }

    pub fn null(&mut self) {
        self.raw(b"null");
    }

    /// Null for a value that JSON cannot hold.
    pub fn lose(&mut self) {
        self.lost = true;
        self.null();
    }

    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { b"true" } else { b"false" });
    }

    pub fn text(&mut self, text: &str) {
        string(self.json, text);
    }

    /// A number, a moment, or whatever needs no escapes.
    pub fn shown(&mut self, value: impl std::fmt::Display) {
        let _ = write!(self.json, "{value}");
    }

    /// The shortest text that gives the same number.
    pub fn double(&mut self, value: f64) {
        if value.is_finite() {
            let _ = serde_json::to_writer(&mut *self.json, &value);
        } else {
            self.lose();
        }
    }

    /// As [`Self::double`], of a number of half the size.
    pub fn float(&mut self, value: f32) {
        if value.is_finite() {
            let _ = serde_json::to_writer(&mut *self.json, &value);
        } else {
            self.lose();
        }
    }

    pub fn base64(&mut self, bytes: &[u8]) {
        self.json.push(b'"');
        self.raw(STANDARD.encode(bytes).as_bytes());
        self.json.push(b'"');
    }

    /// A UUID's text.
    pub fn uuid(&mut self, bytes: &[u8]) {
        let hex = hex::encode(bytes);
        match [
            hex.get(..8),
            hex.get(8..12),
            hex.get(12..16),
            hex.get(16..20),
            hex.get(20..32),
        ] {
            [Some(a), Some(b), Some(c), Some(d), Some(e)] if bytes.len() == 16 => {
                self.shown(format_args!("\"{a}-{b}-{c}-{d}-{e}\""));
            }
            _ => self.base64(bytes),
        }
    }

    /// Digits with a point before the last `scale` of them.
    pub fn decimal(&mut self, digits: &str, scale: i64) {
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", digits),
        };
        let Ok(places) = usize::try_from(scale) else {
            // Places before the point; zero has none.
            let zeros = usize::try_from(-scale).unwrap_or(0);
            let zeros = if digits == "0" { 0 } else { zeros };
            return self.shown(format_args!("{sign}{digits}{:0<zeros$}", ""));
        };
        if places == 0 {
            return self.shown(format_args!("{sign}{digits}"));
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        self.shown(format_args!("{sign}{whole}.{fraction}"));
    }

    /// A day, counted from 1970.
    pub fn date(&mut self, days: i64) {
        let day = i32::try_from(days)
            .ok()
            .and_then(|days| days.checked_add(719_163))
            .and_then(NaiveDate::from_num_days_from_ce_opt);
        match day {
            Some(day) => {
                let era = year(day.year()).1;
                self.json.push(b'"');
                self.day(day);
                self.shown(format_args!("{era}\""));
            }
            None => self.lose(),
        }
    }

    /// A time of day, in parts of a second.
    pub fn time(&mut self, value: i64, per_second: i64, zone: bool) {
        let seconds = u32::try_from(value.div_euclid(per_second)).ok();
        let nanos = (value.rem_euclid(per_second) * (1_000_000_000 / per_second)) as u32;
        let time = seconds
            .and_then(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos));
        match time {
            Some(time) => {
                self.json.push(b'"');
                self.clock(time);
                self.raw(if zone { b"Z\"" } else { b"\"" });
            }
            None => self.lose(),
        }
    }

    /// A moment, in parts of a second since 1970; with `Z` when it is one of UTC.
    pub fn timestamp(&mut self, value: i64, per_second: i64, zone: bool) {
        let nanos = (value.rem_euclid(per_second) * (1_000_000_000 / per_second)) as u32;
        match DateTime::from_timestamp(value.div_euclid(per_second), nanos) {
            Some(moment) => self.moment(moment.naive_utc(), zone),
            None => self.lose(),
        }
    }

    fn moment(&mut self, moment: NaiveDateTime, zone: bool) {
        let era = year(moment.year()).1;
        self.json.push(b'"');
        self.day(moment.date());
        self.json.push(b'T');
        self.clock(moment.time());
        self.shown(format_args!("{}{era}\"", if zone { "Z" } else { "" }));
    }

    fn day(&mut self, day: NaiveDate) {
        let (year, _) = year(day.year());
        self.shown(format_args!(
            "{year:04}-{:02}-{:02}",
            day.month(),
            day.day()
        ));
    }

    /// With as many digits behind the second as are not zero, by threes.
    fn clock(&mut self, time: NaiveTime) {
        self.shown(format_args!(
            "{:02}:{:02}:{:02}",
            time.hour(),
            time.minute(),
            time.second()
        ));
        match time.nanosecond() % 1_000_000_000 {
            0 => {}
            nanos if nanos % 1_000_000 == 0 => {
                self.shown(format_args!(".{:03}", nanos / 1_000_000))
            }
            nanos if nanos % 1000 == 0 => self.shown(format_args!(".{:06}", nanos / 1000)),
            nanos => self.shown(format_args!(".{nanos:09}")),
        }
    }

    /// Text, which is JSON itself where its column's type is `json` and it fits.
    pub fn text_or_json(&mut self, text: &str, json: Option<&LogicalType>) {
        let verbatim = json.and_then(|ty| {
            let value = envelope::one_line(text.as_bytes())?;
            ty.accepts(kind_of(&value)?).then_some(value)
        });
        match verbatim {
            Some(value) => self.raw(&value),
            None => self.text(text),
        }
    }
}

/// Appends text as a JSON string.
pub fn string(json: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(json, text);
}

/// A year as it is counted in its era; there is none between 1 and 1 BC.
fn year(year: i32) -> (i32, &'static str) {
    if year > 0 {
        (year, "")
    } else {
        (1 - year, " BC")
    }
}

/// The type whose values stand as JSON in a column of text, if this is one.
pub fn json_text(ty: Option<&LogicalType>) -> Option<&LogicalType> {
    ty.filter(|ty| {
        matches!(
            ty,
            LogicalType::Array(_)
                | LogicalType::Object(_)
                | LogicalType::SchemalessObject
                | LogicalType::Json
                | LogicalType::Unknown
                | LogicalType::Union(_)
        ) && !ty.is_text_like()
    })
}

/// Whether a moment is written with its zone: as declared, else as the file says.
pub fn zoned(ty: Option<&LogicalType>, file: bool) -> bool {
    match ty {
        Some(LogicalType::TimestampTz | LogicalType::TimeTz) => true,
        Some(LogicalType::Timestamp | LogicalType::Time) => false,
        _ => file,
    }
}

/// The option of a union that the values of a branch belong to.
pub fn option(
    union: Option<&LogicalType>,
    fits: impl Fn(&LogicalType) -> bool,
) -> Option<&LogicalType> {
    match union? {
        LogicalType::Union(options) => options.iter().find(|option| fits(option)),
        // One option besides null is no union in the catalog.
        ty => fits(ty).then_some(ty),
    }
}

/// The type of a key of an object, where its type declares it.
pub fn member<'t>(ty: Option<&'t LogicalType>, name: &str) -> Option<&'t LogicalType> {
    match ty? {
        LogicalType::Object(fields) => {
            let field = fields.iter().find(|field| field.name == name)?;
            Some(&field.ty)
        }
        _ => None,
    }
}

/// The type of an array's elements, where it is declared.
pub fn item(ty: Option<&LogicalType>) -> Option<&LogicalType> {
    match ty? {
        LogicalType::Array(item) => item.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Out<'_>)) -> String {
        let mut json = Vec::new();
        let mut out = Out {
            json: &mut json,
            lost: false,
        };
        write(&mut out);
        let lost = if out.lost { " lost" } else { "" };
        format!("{}{lost}", String::from_utf8_lossy(&json))
    }

    #[test]
    fn digits_are_exact() {
        for (digits, scale, text) in [
            ("0", 0, "0"),
            ("-5", 2, "-0.05"),
            ("12300", 2, "123.00"),
            (
                "99999999999999999999999999999999999999",
                38,
                "0.99999999999999999999999999999999999999",
            ),
            ("7", -3, "7000"),
            ("0", -3, "0"),
        ] {
            assert_eq!(written(|out| out.decimal(digits, scale)), text);
        }
        assert_eq!(written(|out| out.double(0.1)), "0.1");
        assert_eq!(written(|out| out.double(5e-324)), "5e-324");
        assert_eq!(written(|out| out.float(0.1)), "0.1");
        assert_eq!(written(|out| out.double(f64::NAN)), "null lost");
    }

    #[test]
    fn moments_follow_rfc_3339() {
        for (value, per_second, zone, text) in [
            (0, 1, true, r#""1970-01-01T00:00:00Z""#),
            (-1, 1000, false, r#""1969-12-31T23:59:59.999""#),
            (
                1_700_000_000_000_001,
                1_000_000,
                true,
                r#""2023-11-14T22:13:20.000001Z""#,
            ),
            (
                1,
                1_000_000_000,
                true,
                r#""1970-01-01T00:00:00.000000001Z""#,
            ),
            (-62_135_596_801, 1, true, r#""0001-12-31T23:59:59Z BC""#),
            (i64::MAX, 1, true, "null lost"),
        ] {
            assert_eq!(written(|out| out.timestamp(value, per_second, zone)), text);
        }
        assert_eq!(written(|out| out.date(19_723)), r#""2024-01-01""#);
        assert_eq!(written(|out| out.date(-719_163)), r#""0001-12-31 BC""#);
        assert_eq!(written(|out| out.date(i64::MAX)), "null lost");
        assert_eq!(
            written(|out| out.time(86_399_999, 1000, true)),
            r#""23:59:59.999Z""#
        );
        assert_eq!(written(|out| out.time(-1, 1000, true)), "null lost");
        assert_eq!(written(|out| out.time(86_400, 1, true)), "null lost");
    }

    #[test]
    fn text_is_json_only_where_it_is_declared_and_fits() {
        let object = LogicalType::SchemalessObject;
        for (text, ty, json) in [
            (r#"{"a":1}"#, None, r#""{\"a\":1}""#),
            (r#"{"a":1}"#, Some(&object), r#"{"a":1}"#),
            ("[1]", Some(&object), r#""[1]""#),
            ("{", Some(&object), r#""{""#),
            ("1", Some(&LogicalType::Json), "1"),
            ("x", Some(&LogicalType::Json), r#""x""#),
        ] {
            assert_eq!(written(|out| out.text_or_json(text, json_text(ty))), json);
        }
    }
}
