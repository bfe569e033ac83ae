//! What columns must hold, worked out by a strict reader and plain arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use midflight::schema::path::{Path, Segment};
use midflight::schema::{Field, LogicalType as T};
use midflight::sink::table::NumberAs;

use super::strict;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Text(String),
    /// JSON text, in one form for all ways to write it.
    Json(String),
    Bool(bool),
    Whole(i64),
    Decimal(i128),
    /// The bits of a double.
    Double(u64),
    List(Vec<Cell>),
    Object(Vec<Cell>),
}

type Change = (String, &'static str, &'static str);

const SIZE: &str = "DESTINATION_FIELD_SIZE_LIMITATION";
const TYPE: &str = "DESTINATION_TYPECAST_ERROR";
const FORM: &str = "DESTINATION_SERIALIZATION_ERROR";

/// Works out what columns must hold.
pub struct Oracle {
    number: NumberAs,
    pub changes: BTreeSet<Change>,
}

impl Oracle {
    /// Of a record whose numbers are stored like this.
    pub fn of(number: NumberAs) -> Self {
        Self {
            number,
            changes: BTreeSet::new(),
        }
    }

    /// The values of an object's fields.
    pub fn object(&mut self, fields: &[Field], raw: &str, path: &[Segment]) -> Vec<Cell> {
        let cell = |field: &Field| {
            let path = [path, &[Segment::Key(field.name.clone())]].concat();
            let found = strict::all(raw, &field.name).expect("strict JSON");
            found
                .last()
                .map_or(Cell::Null, |raw| self.cell(&field.ty, raw, &path))
        };
        fields.iter().map(cell).collect()
    }

    fn cell(&mut self, ty: &T, raw: &str, path: &[Segment]) -> Cell {
        let told = |path: &[Segment]| Path::new(path.to_vec()).expect("steps").to_string();
        let (value, change) = match raw {
            "null" => return Cell::Null,
            _ => self.value(ty, raw, path),
        };
        if let Some(reason) = change {
            let what = match value {
                None => "NULLED",
                Some(_) => "TRUNCATED",
            };
            self.changes.insert((told(path), what, reason));
        }
        value.unwrap_or(Cell::Null)
    }

    fn value(
        &mut self,
        ty: &T,
        raw: &str,
        path: &[Segment],
    ) -> (Option<Cell>, Option<&'static str>) {
        let kept = |value: Option<Cell>| {
            let change = value.is_none().then_some(TYPE);
            (value, change)
        };
        let json = |takes: bool| kept(takes.then(|| Cell::Json(canonical(raw))));
        match ty {
            T::String => kept(text(raw).map(Cell::Text)),
            T::Boolean => kept(raw.parse().ok().map(Cell::Bool)),
            T::Integer => match Digits::of(raw).map(|digits| digits.whole()) {
                None | Some(None) => kept(None),
                Some(Some(Err(()))) => (None, Some(SIZE)),
                Some(Some(Ok(whole))) => kept(Some(Cell::Whole(whole))),
            },
            T::Number => match Digits::of(raw) {
                None => kept(None),
                Some(digits) => digits.number(raw, self.number),
            },
            T::Date | T::Timestamp | T::TimestampTz | T::Time | T::TimeTz => {
                let Some(text) = text(raw) else {
                    return kept(None);
                };
                match moment(ty, &text) {
                    Some((value, false)) => (Some(Cell::Whole(value)), None),
                    Some((value, true)) => (Some(Cell::Whole(value)), Some(SIZE)),
                    None => (None, Some(FORM)),
                }
            }
            T::Array(Some(item)) if raw.starts_with('[') => {
                let path = [path, &[Segment::Items]].concat();
                let items = strict::members(raw).expect("strict JSON").0;
                let cells = items
                    .iter()
                    .map(|(_, raw)| self.cell(item, raw.get(), &path));
                (Some(Cell::List(cells.collect())), None)
            }
            T::Object(fields) if raw.starts_with('{') => {
                (Some(Cell::Object(self.object(fields, raw, path))), None)
            }
            T::Array(None) => json(raw.starts_with('[')),
            T::SchemalessObject => json(raw.starts_with('{')),
            T::Json => json(true),
            _ => kept(None),
        }
    }
}

/// What a string reads; half of a surrogate pair as U+FFFD.
fn text(raw: &str) -> Option<String> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut units: Vec<u16> = Vec::new();
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let plain = match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let (hex, behind) = rest.as_str().split_at(4);
                    units.push(u16::from_str_radix(hex, 16).ok()?);
                    rest = behind.chars();
                    continue;
                }
                other => other,
            },
            other => other,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
    }
    Some(String::from_utf16_lossy(&units))
}

/// The decimal digits of a number, its point behind the first `point` of them.
struct Digits {
    negative: bool,
    digits: Vec<u8>,
    point: i128,
}

impl Digits {
    /// Reads a number that is JSON.
    fn of(raw: &str) -> Option<Self> {
        let negative = raw.starts_with('-');
        let plain = raw.trim_start_matches('-');
        if !plain.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let lower = plain.to_ascii_lowercase();
        let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let zeros = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').bytes().map(|byte| byte - b'0');
        let exponent: i128 = exponent.parse().expect("a small exponent");
        Some(Self {
            negative,
            digits: digits.collect(),
            point: whole.len() as i128 + exponent - zeros as i128,
        })
    }

    /// The digits before a place behind the point, and those after it.
    fn cut(&self, scale: i128) -> (Vec<u8>, Vec<u8>) {
        let keep = self.point + scale;
        if self.digits.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let mut before = self.digits.clone();
        if keep < 0 {
            return (Vec::new(), [&[0], &before[..]].concat());
        }
        let keep = usize::try_from(keep).expect("small");
        if keep >= before.len() {
            before.resize(keep, 0);
            return (before, Vec::new());
        }
        let after = before.split_off(keep);
        (before, after)
    }

    /// The whole number; an error where it has more than 64 bits, nothing where it is none.
    fn whole(&self) -> Option<Result<i64, ()>> {
        let (before, after) = self.cut(0);
        if !after.is_empty() {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        let digits: String = before.iter().map(ToString::to_string).collect();
        let digits = if digits.is_empty() { "0" } else { &digits };
        Some(format!("{sign}{digits}").parse().map_err(|_| ()))
    }

    fn number(&self, raw: &str, form: NumberAs) -> (Option<Cell>, Option<&'static str>) {
        match form {
            NumberAs::Text => (Some(Cell::Text(raw.to_owned())), None),
            NumberAs::Double => {
                let double: f64 = raw.parse().expect("a number");
                match double.is_finite() {
                    true => (Some(Cell::Double(double.to_bits())), None),
                    false => (None, Some(SIZE)),
                }
            }
            NumberAs::Decimal { precision, scale } => {
                let (before, after) = self.cut(scale.into());
                if before.len() > precision.into() {
                    return (None, Some(SIZE));
                }
                let mut value: i128 = before.iter().fold(0, |all, &it| all * 10 + i128::from(it));
                let half = match after.split_first() {
                    Some((5, rest)) if rest.iter().all(|&digit| digit == 0) => value % 2 != 0,
                    Some((&first, _)) => first >= 5,
                    None => false,
                };
                value += i128::from(half);
                if value >= 10_i128.pow(precision.into()) {
                    return (None, Some(SIZE));
                }
                let signed = if self.negative { -value } else { value };
                let lost = after.iter().any(|&digit| digit != 0);
                (Some(Cell::Decimal(signed)), lost.then_some(SIZE))
            }
        }
    }
}

/// What chrono reads of texts of RFC 3339 and parts of them, and whether some of it has no place.
fn moment(ty: &T, text: &str) -> Option<(i64, bool)> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
    let zoned = format!("1970-01-01T{text}");
    let stamp = DateTime::parse_from_rfc3339(text).map(|it| it.naive_utc());
    let stamp = stamp.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"));
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let stamp = stamp.ok().or_else(|| date.ok()?.and_hms_opt(0, 0, 0));
    Some(match ty {
        T::Date => {
            let stamp = stamp?;
            let days = stamp.date().signed_duration_since(NaiveDate::default());
            let whole = stamp.time() == NaiveTime::default();
            (days.num_days(), !whole)
        }
        T::Timestamp | T::TimestampTz => {
            let stamp = stamp?.and_utc();
            (stamp.timestamp_micros(), stamp.nanosecond() % 1000 != 0)
        }
        _ => {
            let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f");
            let zoned = DateTime::parse_from_rfc3339(&zoned).map(|it| it.naive_utc().time());
            let time = time.or(zoned).ok()?;
            let seconds = i64::from(time.num_seconds_from_midnight());
            let micros = i64::from(time.nanosecond() / 1000);
            (seconds * 1_000_000 + micros, time.nanosecond() % 1000 != 0)
        }
    })
}

/// JSON in one form: keys sorted, of repeated ones the last, strings spelt one way, numbers as they are.
pub fn canonical(raw: &str) -> String {
    let members = strict::members(raw).expect("strict JSON").0;
    if raw.starts_with('[') {
        let items: Vec<_> = members
            .iter()
            .map(|(_, raw)| canonical(raw.get()))
            .collect();
        return format!("[{}]", items.join(","));
    }
    if raw.starts_with('{') {
        let last: BTreeMap<_, _> = members
            .iter()
            .map(|(key, raw)| (key.as_deref().unwrap_or_default(), canonical(raw.get())))
            .collect();
        let members: Vec<_> = last
            .iter()
            .map(|(key, raw)| format!("{key:?}:{raw}"))
            .collect();
        return format!("{{{}}}", members.join(","));
    }
    strict::string(raw).map_or_else(|| raw.to_owned(), |text| format!("{text:?}"))
}

/// The undeclared members of an object in canonical form; nothing when there are none.
pub fn undeclared(fields: &[Field], raw: &str) -> Option<String> {
    let members = strict::members(raw).expect("strict JSON").0;
    let mut found = BTreeMap::new();
    for (key, raw) in &members {
        let (key, raw) = (key.as_deref().expect("a key"), raw.get());
        let below = match fields.iter().find(|field| field.name == key) {
            None => Some(canonical(raw)),
            Some(field) => match &field.ty {
                T::Object(fields) if raw.starts_with('{') => undeclared(fields, raw),
                T::Array(Some(item)) if raw.starts_with('[') => {
                    strays(item, raw).then(|| canonical(raw))
                }
                _ => None,
            },
        };
        match below {
            Some(below) => drop(found.insert(key, below)),
            None => drop(found.remove(key)),
        }
    }
    let members: Vec<_> = found
        .iter()
        .map(|(key, raw)| format!("{key:?}:{raw}"))
        .collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

fn strays(item: &T, raw: &str) -> bool {
    let members = strict::members(raw).expect("strict JSON").0;
    members.iter().any(|(_, raw)| match item {
        T::Object(fields) if raw.get().starts_with('{') => undeclared(fields, raw.get()).is_some(),
        T::Array(Some(item)) if raw.get().starts_with('[') => strays(item, raw.get()),
        _ => false,
    })
}
