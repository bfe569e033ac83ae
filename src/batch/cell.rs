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
            [b'"', inner @ .., b'"'] => unescape(raw, inner).map_or(Self::Broken, Self::Text),
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
fn unescape<'a>(raw: &'a [u8], inner: &'a [u8]) -> Option<Cow<'a, str>> {
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    match serde_json::from_slice::<String>(raw) {
        Ok(text) => Some(Cow::Owned(text)),
        Err(_) => lone_surrogates(inner).map(Cow::Owned),
    }
}

/// Escapes that name half a surrogate pair are legal JSON but no text: they read as U+FFFD.
fn lone_surrogates(inner: &[u8]) -> Option<String> {
    let inner = std::str::from_utf8(inner).ok()?;
    let mut fixed = String::with_capacity(inner.len() + 2);
    fixed.push('"');
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        fixed.push_str(&rest[..at]);
        let escape = &rest[at..];
        let taken = match escape.as_bytes().get(1)? {
            b'u' => {
                let unit = unit(escape)?;
                let low = escape.get(6..).and_then(unit_of_escape);
                let pair = (0xD800..0xDC00).contains(&unit)
                    && low.is_some_and(|low| (0xDC00..0xE000).contains(&low));
                let taken = if pair { 12 } else { 6 };
                match (0xD800..0xE000).contains(&unit) && !pair {
                    true => fixed.push('\u{FFFD}'),
                    false => fixed.push_str(escape.get(..taken)?),
                }
                taken
            }
            _ => {
                fixed.push_str(escape.get(..2)?);
                2
            }
        };
        rest = &escape[taken..];
    }
    fixed.push_str(rest);
    fixed.push('"');
    serde_json::from_str(&fixed).ok()
}

fn unit_of_escape(text: &str) -> Option<u32> {
    text.starts_with("\\u").then(|| unit(text)).flatten()
}

fn unit(escape: &str) -> Option<u32> {
    u32::from_str_radix(escape.get(2..6)?, 16).ok()
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
        let after = after.strip_prefix(b"+").or(after.strip_prefix(b"-")).unwrap_or(after);
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
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control)]);
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
            ("1234567890123456789012345678901234567890", Current::Number("1234567890123456789012345678901234567890")),
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
            assert_eq!(serde_json::from_slice::<String>(&out).ok().as_deref(), Some(text));
        }
    }
}
