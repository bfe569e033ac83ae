//! What a record's row must be, read from the record's tree one value at a time, without regard to speed.

use std::fmt::Write;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Timelike};
use midflight::schema::path::{Path, Segment};
use midflight::schema::{Field, LogicalType as T};
use midflight::sink::table::{Layout, NumberAs, TableSpec};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::json::{Json, Key};

const SIZE: &str = "DESTINATION_FIELD_SIZE_LIMITATION";
const CAST: &str = "DESTINATION_TYPECAST_ERROR";
const FORM: &str = "DESTINATION_SERIALIZATION_ERROR";

/// Field, change, reason.
pub type Change = (String, &'static str, &'static str);

pub struct Row {
    pub values: Vec<Value>,
    pub changes: Vec<Change>,
    pub extra: Option<String>,
}

/// Any moment of years with four digits, with an offset and up to nine digits of a second.
pub fn moment() -> impl Strategy<Value = DateTime<FixedOffset>> {
    let digits = prop_oneof![Just(1), Just(1_000), Just(1_000_000), Just(1_000_000_000)];
    let seconds = -60_000_000_000..250_000_000_000_i64;
    (seconds, 0..1_000_000_000_u32, digits, -23..24).prop_map(|(seconds, nanos, unit, hours)| {
        let moment = DateTime::from_timestamp(seconds, nanos / unit * unit).expect("a moment");
        moment.with_timezone(&FixedOffset::east_opt(hours * 3600).expect("an offset"))
    })
}

/// The columns of a table as the keys of an object.
pub fn fields(spec: &TableSpec) -> Vec<Field> {
    let columns = spec.columns.iter().map(|column| Field {
        name: column.name.clone(),
        ty: column.ty.clone(),
        required: false,
    });
    columns.collect()
}

pub fn row(spec: &TableSpec, record: &Json) -> Row {
    let mut reader = Reader {
        layout: spec.layout,
        number: NumberAs::Double,
        path: Vec::new(),
        changes: Vec::new(),
    };
    let values = spec.columns.iter().map(|column| {
        if spec.layout == Layout::Midflight {
            reader.number = column.number;
        }
        let value = last(record, &column.name);
        reader.under(Segment::Key(column.name.clone()), |it| {
            it.value(&column.ty, value)
        })
    });
    let values = values.collect();
    let extra = extra(&fields(spec), record);
    Row {
        values,
        changes: reader.changes,
        extra: (!extra.is_empty()).then(|| format!("{{{extra}}}")),
    }
}

fn members(json: &Json) -> &[(Key, Json)] {
    match json {
        Json::Object(members, _) => members,
        _ => &[],
    }
}

/// The last value of a key.
fn last<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    let mut found = members(json).iter().rev();
    found
        .find(|(key, _)| key.text == name)
        .map(|(_, value)| value)
}

/// Undeclared members by nesting, as the inside of an object.
fn extra(fields: &[Field], json: &Json) -> String {
    let mut parts = Vec::new();
    for (at, (key, value)) in members(json).iter().enumerate() {
        let again = members(json)[at + 1..]
            .iter()
            .any(|(other, _)| other.text == key.text);
        if !again && fields.iter().all(|field| field.name != key.text) {
            parts.push(format!("\"{}\":{}", key.raw, value.text()));
        }
    }
    for field in fields {
        let Some(value) = last(json, &field.name) else {
            continue;
        };
        let name = serde_json::to_string(&field.name).expect("a string");
        match (&field.ty, value) {
            (T::Object(inner), Json::Object(..)) if !inner.is_empty() => {
                let inner = extra(inner, value);
                if !inner.is_empty() {
                    parts.push(format!("{name}:{{{inner}}}"));
                }
            }
            (T::Array(Some(_)), Json::Array(..)) if strays(&field.ty, value) => {
                parts.push(format!("{name}:{}", value.text()));
            }
            _ => {}
        }
    }
    parts.join(",")
}

/// Whether a value holds an undeclared member.
fn strays(ty: &T, json: &Json) -> bool {
    match (ty, json) {
        (T::Array(Some(item)), Json::Array(items, _)) => items.iter().any(|it| strays(item, it)),
        (T::Object(fields), Json::Object(..)) if !fields.is_empty() => {
            !extra(fields, json).is_empty()
        }
        _ => false,
    }
}

struct Reader {
    layout: Layout,
    number: NumberAs,
    path: Vec<Segment>,
    changes: Vec<Change>,
}

impl Reader {
    fn under<V>(&mut self, step: Segment, read: impl FnOnce(&mut Self) -> V) -> V {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    fn change(&mut self, change: &'static str, reason: &'static str) {
        let path = Path::new(self.path.clone()).expect("a path").to_string();
        let change = (path, change, reason);
        if self.changes.len() < 256 && !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    fn lost(&mut self, reason: &'static str) -> Value {
        self.change("NULLED", reason);
        Value::Null
    }

    fn cut(&mut self, value: impl Into<Value>, cut: bool) -> Value {
        if cut {
            self.change("TRUNCATED", SIZE);
        }
        value.into()
    }

    fn value(&mut self, ty: &T, json: Option<&Json>) -> Value {
        let Some(json) = json else {
            return Value::Null;
        };
        let raw = json.text();
        if raw == "null" {
            return Value::Null;
        }
        match (ty, json) {
            (T::Json, _)
            | (T::Array(None), Json::Array(..))
            | (T::SchemalessObject, Json::Object(..)) => raw.into(),
            (T::Object(fields), Json::Object(..)) if fields.is_empty() => raw.into(),
            (T::Object(fields), Json::Object(..)) => {
                let members = fields.iter().map(|field| {
                    let value = last(json, &field.name);
                    let step = Segment::Key(field.name.clone());
                    let value = self.under(step, |it| it.value(&field.ty, value));
                    (self.name(&field.name), value)
                });
                Value::Object(
                    members
                        .collect::<Vec<_>>()
                        .into_iter()
                        .collect::<Map<_, _>>(),
                )
            }
            (T::Array(Some(item)), Json::Array(items, _)) => items
                .iter()
                .map(|it| self.under(Segment::Items, |reader| reader.value(item, Some(it))))
                .collect(),
            (_, Json::Scalar(raw)) => match raw.strip_prefix('"') {
                Some(text) => self.text(ty, &plain(&text[..text.len() - 1])),
                None if raw == "true" || raw == "false" => match ty {
                    T::Boolean => (raw == "true").into(),
                    _ => self.lost(CAST),
                },
                None => self.numeral(ty, raw),
            },
            _ => self.lost(CAST),
        }
    }

    fn name(&self, name: &str) -> String {
        match self.layout {
            Layout::Midflight => name.to_owned(),
            Layout::Airbyte => name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        }
    }

    fn text(&mut self, ty: &T, text: &str) -> Value {
        let micros = |nanos: i64| (nanos.div_euclid(1000), nanos.rem_euclid(1000) != 0);
        match ty {
            T::String | T::Binary | T::BigInteger => text.into(),
            T::Date => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                Ok(date) => (date - NaiveDate::default()).num_days().into(),
                Err(_) => self.lost(FORM),
            },
            T::TimestampTz | T::Timestamp => match DateTime::parse_from_rfc3339(text) {
                Ok(moment) => {
                    let cut = moment.nanosecond() % 1000 != 0;
                    self.cut(moment.timestamp_micros(), cut)
                }
                Err(_) => self.lost(FORM),
            },
            T::TimeTz | T::Time => match NaiveTime::parse_from_str(text, "%H:%M:%S%.f") {
                Ok(time) => {
                    let nanos = (time - NaiveTime::MIN).num_nanoseconds().expect("a day");
                    let (micros, cut) = micros(nanos);
                    self.cut(micros, cut)
                }
                Err(_) => self.lost(FORM),
            },
            _ => self.lost(CAST),
        }
    }

    fn numeral(&mut self, ty: &T, raw: &str) -> Value {
        let (digits, fraction) = expanded(raw);
        let whole = fraction.bytes().all(|digit| digit == b'0');
        match (ty, self.number) {
            (T::BigInteger, _) if whole => raw.into(),
            (T::Integer, _) if whole => match digits.parse::<i64>() {
                Ok(value) => value.into(),
                Err(_) => self.lost(SIZE),
            },
            (T::Number, NumberAs::Text) => raw.into(),
            (T::Number, NumberAs::Double) => match raw.parse::<f64>() {
                Ok(value) if value.is_finite() => value.into(),
                _ => self.lost(SIZE),
            },
            (T::Number, NumberAs::Decimal { precision, scale }) => {
                let scale = scale.unsigned_abs().into();
                match rounded(&digits, &fraction, scale) {
                    Some((value, cut))
                        if value.unsigned_abs().to_string().len() <= precision.into() =>
                    {
                        self.cut(value.to_string(), cut)
                    }
                    _ => self.lost(SIZE),
                }
            }
            _ => self.lost(CAST),
        }
    }
}

/// A number without exponent: the digits before its point with its sign, and those behind it.
fn expanded(raw: &str) -> (String, String) {
    let (mantissa, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let exponent: i32 = exponent.parse().expect("an exponent of few digits");
    let (mut whole, mut fraction) = (whole.to_owned(), fraction.to_owned());
    for _ in 0..exponent {
        let digit = if fraction.is_empty() {
            '0'
        } else {
            fraction.remove(0)
        };
        whole.push(digit);
    }
    for _ in exponent..0 {
        fraction.insert(0, whole.pop().unwrap_or('0'));
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    (format!("{sign}{whole}"), fraction)
}

/// The number with `scale` digits behind its point, without the point, rounded half to even; and whether that
/// lost something. `None` past 128 bits.
fn rounded(digits: &str, fraction: &str, scale: usize) -> Option<(i128, bool)> {
    let mut text = digits.to_owned();
    write!(text, "{:0<scale$}", &fraction[..fraction.len().min(scale)]).expect("text");
    let rest = fraction
        .get(scale..)
        .unwrap_or_default()
        .trim_end_matches('0');
    let value: i128 = text.parse().ok()?;
    let up = rest > "5" || rest == "5" && value % 2 != 0;
    let away = if text.starts_with('-') { -1 } else { 1 };
    Some((value + if up { away } else { 0 }, !rest.is_empty()))
}

/// What the inside of a JSON string reads; half a surrogate pair is U+FFFD.
fn plain(inner: &str) -> String {
    let mut units = Vec::new();
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            units.extend(character.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        let unit = match rest.next().expect("an escape") {
            'u' => {
                let digits: String = rest.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).expect("four digits")
            }
            'n' => 10,
            'r' => 13,
            't' => 9,
            'b' => 8,
            'f' => 12,
            other => other as u16,
        };
        units.push(unit);
    }
    String::from_utf16_lossy(&units)
}
