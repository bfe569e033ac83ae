//! A strict reader: serde_json, keeping every duplicate of a key and where each value stands.

use std::fmt;

use proptest::test_runner::TestCaseError;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in their order, or the elements of an array without keys.
#[derive(Debug)]
pub struct Members<'a>(pub Vec<(Option<String>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            members.push((Some(key), value));
        }
        Ok(Members(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Members<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push((None, item));
        }
        Ok(Members(items))
    }
}

/// The members or elements of a value; none for a scalar.
pub fn members(text: &str) -> Result<Members<'_>, serde_json::Error> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{' | b'[') => serde_json::from_str(text),
        _ => Ok(Members(Vec::new())),
    }
}

/// Every value of this key, in the order of the text.
pub fn all<'a>(text: &'a str, key: &str) -> Result<Vec<&'a str>, serde_json::Error> {
    let members = members(text)?;
    let found = members
        .0
        .into_iter()
        .filter(|(name, _)| name.as_deref() == Some(key));
    Ok(found.map(|(_, value)| value.get()).collect())
}

/// The text of a JSON string.
pub fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// Fails a case in which the reference itself cannot read.
pub fn unreadable(error: &serde_json::Error) -> TestCaseError {
    TestCaseError::fail(format!("the strict reader refuses: {error}"))
}
