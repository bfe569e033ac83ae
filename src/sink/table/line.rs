//! One indexed line, and places in it.

use std::borrow::Cow;

use super::number::Literal;
use crate::batch::Current;
use crate::protocol::walk::{Key, Malformed, Value, Walker};

/// A line, checked for UTF-8 and balance, with the index of its structural characters.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    pub positions: &'a [u32],
    /// Some byte is a backslash.
    pub escaped: bool,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    pub start: u32,
    pub end: u32,
    /// Of an object or array, the index of its opening character.
    pub at: usize,
}

impl Slot {
    /// Whether there is no value. No value stands at the start of a line.
    pub(super) fn is_absent(&self) -> bool {
        self.end == 0
    }
}

impl<'a> Line<'a> {
    #[inline(always)]
    pub(super) fn raw(&self, slot: Slot) -> &'a [u8] {
        &self.bytes[slot.start as usize..slot.end as usize]
    }

    pub(super) fn walker(&self, at: usize) -> Walker<'a> {
        Walker::new(self.bytes, self.positions, at)
    }

    /// From a colon, opening bracket or comma over the value to the separator behind it.
    #[inline(always)]
    pub(super) fn value(&self, walker: &mut Walker<'a>) -> Result<Slot, Malformed> {
        let (start, at) = match walker.value()? {
            Value::Scalar { start, end } => return Ok(Slot { start, end, at: 0 }),
            Value::Object { start } | Value::Array { start } => (start, walker.at()),
        };
        walker.skip()?;
        let end = walker.here() + 1;
        walker.leave()?;
        Ok(Slot { start, end, at })
    }

    /// The key as it reads, where it is spelt with escapes; `None` where it reads as it stands.
    #[inline]
    pub(super) fn spelt(&self, key: Key) -> Result<Option<String>, Malformed> {
        let inner = &self.bytes[key.start as usize..key.end as usize];
        if !self.escaped || memchr::memchr(b'\\', inner).is_none() {
            return Ok(None);
        }
        let quoted = &self.bytes[key.start as usize - 1..=key.end as usize];
        match Current::of(quoted) {
            Current::Text(text) => Ok(Some(text.into_owned())),
            _ => Err(Malformed {
                at: key.start,
                what: "has a key with a broken escape",
            }),
        }
    }

    /// What a raw value reads if it is a string.
    #[inline]
    pub(super) fn text(&self, raw: &'a [u8]) -> Option<Cow<'a, str>> {
        match Current::of(raw) {
            Current::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a raw value is JSON, as far as it can be seen from outside: what an object or array holds is not
    /// looked at.
    pub(super) fn is_json(&self, raw: &[u8]) -> bool {
        match raw {
            [b'{' | b'[', ..] | b"null" | b"true" | b"false" => true,
            [b'"', inner @ .., b'"'] => {
                memchr::memchr2(b'"', b'\\', inner).is_none()
                    || closed(inner) && Current::of(raw) != Current::Broken
            }
            _ => Literal::of(raw).is_some(),
        }
    }
}

/// Whether no quote ends the string before its end.
fn closed(inner: &[u8]) -> bool {
    let mut escaped = false;
    inner.iter().all(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        !ends
    }) && !escaped
}
