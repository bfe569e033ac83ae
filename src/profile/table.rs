//! Different values and how often each was met, found by hash.

/// Values that are kept.
pub const VALUES_MAX: usize = 1_000;
/// Bytes of a value that is kept.
pub const VALUE_BYTES_MAX: usize = 128;

/// What kind of scalar a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Boolean,
    Number,
    Text,
}

/// A value: its kind and its text, that of a string without quotes and escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    pub kind: Kind,
    pub text: &'a [u8],
}

impl Value<'_> {
    /// As JSON text.
    pub fn json(&self) -> String {
        let text = String::from_utf8_lossy(self.text);
        match self.kind {
            Kind::Text => serde_json::to_string(&text).unwrap_or_default(),
            Kind::Boolean | Kind::Number => text.into_owned(),
        }
    }
}

/// Values by hash; gives each a number.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// One more than the number of a value; 0 where there is none.
    slots: Vec<u16>,
    entries: Vec<Entry>,
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    count: u64,
    start: u32,
    length: u8,
    kind: Kind,
}

impl Table {
    /// The number of a value, which is put in if it is new. `None` when there are too many, or it is too long.
    #[inline]
    pub fn number(&mut self, hash: u64, value: Value<'_>) -> Option<usize> {
        if self.slots.len() < self.entries.len() * 2 + 2 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.slots[at].checked_sub(1).map(usize::from) {
                None => break,
                Some(number) if self.holds(number, hash, value) => return Some(number),
                Some(_) => at = (at + 1) & mask,
            }
        }
        if self.entries.len() >= VALUES_MAX || value.text.len() > VALUE_BYTES_MAX {
            return None;
        }
        self.slots[at] = self.entries.len() as u16 + 1;
        self.entries.push(Entry {
            hash,
            count: 0,
            start: self.text.len() as u32,
            length: value.text.len() as u8,
            kind: value.kind,
        });
        self.text.extend_from_slice(value.text);
        Some(self.entries.len() - 1)
    }

    #[inline]
    fn holds(&self, number: usize, hash: u64, value: Value<'_>) -> bool {
        self.entries[number].hash == hash && self.value(number) == value
    }

    /// Counts a value.
    #[inline]
    pub fn count(&mut self, number: usize, times: u64) {
        self.entries[number].count += times;
    }

    /// Takes counts of a value back.
    pub fn discount(&mut self, number: usize, times: u64) {
        self.entries[number].count -= times;
    }

    /// A value by its number.
    #[inline]
    pub fn value(&self, number: usize) -> Value<'_> {
        let entry = &self.entries[number];
        let start = entry.start as usize;
        Value {
            kind: entry.kind,
            text: &self.text[start..start + usize::from(entry.length)],
        }
    }

    /// Every value with its hash and count, by number.
    pub fn values(&self) -> impl Iterator<Item = (Value<'_>, u64, u64)> + '_ {
        let numbered = self.entries.iter().enumerate();
        numbered.map(|(number, entry)| (self.value(number), entry.hash, entry.count))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.slots.len() * 2 + self.entries.capacity() * size_of::<Entry>()
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        if !self.entries.is_empty() {
            self.slots.fill(0);
            self.entries.clear();
            self.text.clear();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(16);
        self.slots.clear();
        self.slots.resize(length, 0);
        for (number, entry) in self.entries.iter().enumerate() {
            let mut at = entry.hash as usize & (length - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (length - 1);
            }
            self.slots[at] = number as u16 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash;
    use super::*;

    fn put(table: &mut Table, kind: Kind, text: &str) -> Option<usize> {
        let value = Value {
            kind,
            text: text.as_bytes(),
        };
        let number = table.number(hash(kind as u8, value.text), value)?;
        table.count(number, 1);
        Some(number)
    }

    #[test]
    fn values_are_counted_up_to_the_bounds() {
        let mut table = Table::default();
        for round in 0..2 {
            for number in 0..VALUES_MAX {
                assert_eq!(
                    put(&mut table, Kind::Text, &number.to_string()),
                    Some(number),
                    "{round}"
                );
            }
        }
        assert_eq!(
            put(&mut table, Kind::Number, "1"),
            None,
            "a number is no text, and there is no place"
        );
        assert_eq!(put(&mut table, Kind::Text, "7"), Some(7));
        assert_eq!(table.values().map(|(_, _, count)| count).sum::<u64>(), 2001);
        table.clear();
        assert_eq!(put(&mut table, Kind::Text, &"x".repeat(129)), None);
        assert_eq!(put(&mut table, Kind::Text, &"x".repeat(128)), Some(0));
        assert_eq!(put(&mut table, Kind::Text, "a\"b"), Some(1));
        assert_eq!(table.value(1).json(), r#""a\"b""#);
    }
}
