//! Types of columns that no schema declares, from a sample of records.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::Columns;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::LogicalType;

/// Records that are looked at.
const RECORDS: usize = 1000;

/// Columns that are learned.
const COLUMNS: usize = 10_000;

#[derive(Deserialize)]
struct Line {
    record: Record,
}

#[derive(Deserialize)]
struct Record {
    data: Option<serde_json::Map<String, Value>>,
}

/// The columns of the first 1,000 records of these lines, as [`super::Reader::read`] gives them, in the order in which
/// they come. What has one type has that; integers and numbers are numbers; what has several, or none, is JSON.
///
/// # Errors
/// `Protocol` when a line is no record, or there are more than 10,000 columns.
pub fn infer_columns(lines: &[u8]) -> Result<Columns> {
    let mut columns: Vec<(String, Option<LogicalType>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    for (number, line) in lines.take(RECORDS).enumerate() {
        let wrong = |what: &str| {
            Error::new(
                ErrorKind::Protocol,
                format!("record {} of the sample {what}", number + 1),
            )
        };
        // What serde says of it may quote it.
        let line: Line = serde_json::from_slice(line).map_err(|_| wrong("cannot be read"))?;
        for (name, value) in line.record.data.into_iter().flatten() {
            let place = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), None));
                columns.len() - 1
            });
            if columns.len() > COLUMNS {
                return Err(wrong("has a column too many"));
            }
            let known = &mut columns[place].1;
            *known = joined(known.take(), kind(&value));
        }
    }
    let typed = |(name, ty): (String, Option<LogicalType>)| (name, ty.unwrap_or(LogicalType::Json));
    Ok(columns.into_iter().map(typed).collect())
}

fn kind(value: &Value) -> Option<LogicalType> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => LogicalType::Boolean,
        Value::Number(number)
            if number
                .as_str()
                .bytes()
                .any(|byte| matches!(byte, b'.' | b'e' | b'E')) =>
        {
            LogicalType::Number
        }
        Value::Number(_) => LogicalType::Integer,
        Value::String(_) => LogicalType::String,
        Value::Array(_) => LogicalType::Array(None),
        Value::Object(_) => LogicalType::SchemalessObject,
    })
}

fn joined(known: Option<LogicalType>, found: Option<LogicalType>) -> Option<LogicalType> {
    use LogicalType::{Integer, Json, Number};
    match (known, found) {
        (None, one) | (one, None) => one,
        (Some(known), Some(found)) if known == found => Some(known),
        (Some(Integer | Number), Some(Integer | Number)) => Some(Number),
        _ => Some(Json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_from_what_the_records_hold() {
        let records = [
            r#"{"s":"x","i":1,"n":1,"b":true,"a":[],"o":{},"mixed":1,"none":null}"#,
            r#"{"i":12345678901234567890123,"n":1.5e0,"mixed":"1","late":false,"s":null}"#,
        ];
        let lines: String = records
            .iter()
            .map(|data| format!("{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"s\",\"data\":{data},\"emitted_at\":1}}}}\n"))
            .collect();
        let columns = infer_columns(lines.as_bytes()).expect("columns");
        let told: Vec<_> = columns
            .iter()
            .map(|(name, ty)| format!("{name} {ty}"))
            .collect();
        assert_eq!(
            told,
            [
                "s string",
                "i integer",
                "n number",
                "b boolean",
                "a array",
                "o object without declared keys",
                "mixed json",
                "none json",
                "late boolean"
            ]
        );
        assert!(infer_columns(b"{}\n").is_err());
        assert_eq!(infer_columns(b"").expect("nothing"), []);
    }
}
