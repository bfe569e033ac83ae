//! The members of a JSON object, each value as it was written.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Members in their order. A key may stand twice, as it did where it was read.
#[derive(Debug, Clone, Default)]
pub struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// Takes a member out.
    ///
    /// # Errors
    /// When it stands there more than once.
    pub fn take(&mut self, key: &str) -> Result<Option<Box<RawValue>>, ()> {
        let mut taken = self.0.extract_if(.., |(name, _)| name == key);
        let (first, second) = (taken.next(), taken.next());
        match second {
            Some(_) => Err(()),
            None => Ok(first.map(|(_, value)| value)),
        }
    }

    /// Puts a member at the end, in the place of any of its name.
    pub fn put(&mut self, key: &str, value: Box<RawValue>) {
        self.0.retain(|(name, _)| name != key);
        self.0.push((key.to_owned(), value));
    }

    /// The object on one line, values as they were.
    pub fn to_text(&self) -> String {
        let members = self.0.iter().map(|(name, value)| {
            let name = serde_json::Value::from(name.as_str());
            format!("{name}:{value}")
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
