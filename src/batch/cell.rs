//! One value of a record: where it stands, what it is, and what it becomes.

use std::borrow::Cow;

use crate::schema::JsonKind;

/// A value's place in the chunk.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub row: u32,
    /// First byte of the key's text, or the value's start for an element.
    pub key_start: u32,
    /// The key's closing quote; equal to `key_start` for an element.
    pub key_end: u32,
    /// First byte of the key of the object or array that holds it; 0 at the top of a record.
    pub holder: u32,
    /// The separator before the member.
    pub before: u32,
    pub start: u32,
    pub end: u32,
    /// The separator behind the value.
    pub after: u32,
    /// Place of the member in its object.
    pub ordinal: u32,
    /// One more than the index of the edit; 0 for none.
    pub(super) edit: u32,
}

impl Cell {
    /// A cell as found in a record.
    pub fn found(row: u32) -> Self {
        Self {
            row,
            key_start: 0,
            key_end: 0,
            holder: 0,
            before: 0,
            start: 0,
            end: 0,
            after: 0,
            ordinal: 0,
            edit: 0,
        }
    }

    /// A cell that no record holds.
    pub(super) fn added(row: u32) -> Self {
        Self {
            ordinal: u32::MAX,
            ..Self::found(row)
        }
    }

    /// One more than the index of the cell's edit; 0 for none.
    #[inline]
    pub fn edit_index(&self) -> u32 {
        self.edit
    }

    /// Whether the cell exists only through an edit.
    pub fn is_added(&self) -> bool {
        self.ordinal == u32::MAX
    }

    /// Whether the value is an array's element.
    pub fn is_element(&self) -> bool {
        self.key_start == self.key_end && self.key_start == self.start
    }
}

/// What becomes of a cell. The default changes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Edit {
    /// Range of the new value in the batch's text.
    pub value: Option<(u32, u32)>,
    pub removed: bool,
    pub(super) name: Option<usize>,
}

/// A value as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Current<'a> {
    Null,
    Bool(bool),
    /// The literal as written.
    Number(&'a str),
    /// Unescaped.
    Text(Cow<'a, str>),
    /// An object or array as written.
    Container(&'a [u8]),
    /// Not JSON: no stage may let it through.
    Broken,
}

impl<'a> Current<'a> {
    /// Reads a raw JSON value.
    pub fn of(raw: &'a [u8]) -> Self {
        match raw {
            [b'"', inner @ .., b'"'] => unescape(inner).map_or(Self::Broken, Self::Text),
            [b'{' | b'[', ..] => Self::Container(raw),
            b"null" | b"" => Self::Null,
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            _ => match std::str::from_utf8(raw) {
                Ok(text) if is_number(raw) => Self::Number(text),
                _ => Self::Broken,
            },
        }
    }

    /// The kind of value, for comparing with a declared type.
    pub fn kind(&self) -> Option<JsonKind> {
        Some(match self {
            Self::Null => JsonKind::Null,
            Self::Bool(_) => JsonKind::Bool,
            Self::Number(text) if text.contains(['.', 'e', 'E']) => JsonKind::Number,
            Self::Number(_) => JsonKind::Integer,
            Self::Text(_) => JsonKind::Text,
            Self::Container([b'[', ..]) => JsonKind::Array,
            Self::Container(_) => JsonKind::Object,
            Self::Broken => return None,
        })
    }
}

/// The text of a JSON string; borrowed when it holds no escape.
fn unescape(inner: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', inner).is_none() {
        return simdutf8::basic::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    let mut text = Vec::with_capacity(inner.len());
    if !unescape_onto(inner, &mut text) {
        return None;
    }
    simdutf8::basic::from_utf8(&text).ok()?;
    // SAFETY: just checked; `String::from_utf8` would check again, several times slower.
    Some(Cow::Owned(unsafe { String::from_utf8_unchecked(text) }))
}

/// Appends what the inside of a JSON string reads; UTF-8 if `inner` is. False where an escape is broken: then
/// only the part before it was appended.
pub fn unescape_onto(inner: &[u8], text: &mut Vec<u8>) -> bool {
    let mut rest = inner;
    while let Some(next) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..next]);
        match unescape_one(&rest[next..], text) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    text.extend_from_slice(rest);
    true
}

/// Decodes the escape that `raw` begins with; returns what follows it. An escape that names half a surrogate
/// pair is legal JSON but no text: it reads as U+FFFD.
fn unescape_one<'a>(raw: &'a [u8], text: &mut Vec<u8>) -> Option<&'a [u8]> {
    let plain = match raw.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => *byte,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (first, second) = (unit(raw)?, raw.get(6..).and_then(unit));
            let (scalar, taken) = match (first, second) {
                (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
                    (0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12)
                }
                _ => (first, 6),
            };
            let character = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return raw.get(taken..);
        }
        _ => return None,
    };
    text.push(plain);
    raw.get(2..)
}

/// The code unit of the escape `\uXXXX` that `raw` begins with.
fn unit(raw: &[u8]) -> Option<u32> {
    let digits = raw.get(..6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit << 4 | char::from(digit).to_digit(16)?)
    })
}

/// Whether the bytes are a number by the grammar of RFC 8259; `NaN` and `Infinity` are not.
fn is_number(raw: &[u8]) -> bool {
    let digits = |raw: &[u8]| raw.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = raw.strip_prefix(b"-").unwrap_or(raw);
    let whole = digits(rest);
    if whole == 0 || whole > 1 && rest[0] == b'0' {
        return false;
    }
    rest = &rest[whole..];
    if let Some(after) = rest.strip_prefix(b".") {
        let fraction = digits(after);
        if fraction == 0 {
            return false;
        }
        rest = &after[fraction..];
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = after
            .strip_prefix(b"+")
            .or(after.strip_prefix(b"-"))
            .unwrap_or(after);
        let exponent = digits(after);
        if exponent == 0 {
            return false;
        }
        rest = &after[exponent..];
    }
    rest.is_empty()
}

/// Appends `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends the inside of a JSON string.
pub fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let plain = |&byte: &u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control @ 0..0x20 => {
                let digit = |nibble: u8| b"0123456789abcdef"[nibble as usize & 15];
                out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    digit(control >> 4),
                    digit(control),
                ]);
            }
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_written() {
        let text = |t: &'static str| Current::Text(Cow::Borrowed(t));
        for (raw, expected) in [
            ("null", Current::Null),
            ("true", Current::Bool(true)),
            ("-0.0", Current::Number("-0.0")),
            (
                "1234567890123456789012345678901234567890",
                Current::Number("1234567890123456789012345678901234567890"),
            ),
            ("1E-9", Current::Number("1E-9")),
            ("01", Current::Broken),
            ("1.", Current::Broken),
            ("NaN", Current::Broken),
            (r#""""#, text("")),
            (r#""a\u0062\n""#, text("ab\n")),
            (r#""\ud83d\ude00""#, text("\u{1F600}")),
            (r#""x\ud83dy""#, text("x\u{FFFD}y")),
            (r#""\ude00""#, text("\u{FFFD}")),
            (r#""\x""#, Current::Broken),
            ("[1]", Current::Container(b"[1]")),
        ] {
            assert_eq!(Current::of(raw.as_bytes()), expected, "{raw}");
        }
    }

    #[test]
    fn written_strings_read_back() {
        for text in ["", "plain", "\"\\\u{1}\u{1f}\n\r\t\u{7f}é\u{1F600}"] {
            let mut out = Vec::new();
            write_string(text, &mut out);
            assert_eq!(
                serde_json::from_slice::<String>(&out).ok().as_deref(),
                Some(text)
            );
        }
    }
}
