//! What a JSON value is, told from its text without reading it as a value.

use std::fmt;

/// What a JSON value is, judged by its text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonKind {
    Null,
    Bool,
    /// A number without fraction and exponent.
    Integer,
    /// A number with a fraction or an exponent, whatever its value.
    Number,
    Text,
    Array,
    Object,
}

impl fmt::Display for JsonKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "string",
            Self::Array => "array",
            Self::Object => "object",
        })
    }
}

/// The kind of a JSON value given as its text without surrounding blanks; `None` when the first byte
/// starts no JSON value. The text is taken to be valid, not checked.
pub fn kind_of(raw: &[u8]) -> Option<JsonKind> {
    Some(match raw.first()? {
        b'n' => JsonKind::Null,
        b't' | b'f' => JsonKind::Bool,
        b'"' => JsonKind::Text,
        b'[' => JsonKind::Array,
        b'{' => JsonKind::Object,
        b'-' | b'0'..=b'9' if raw.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => {
            JsonKind::Number
        }
        b'-' | b'0'..=b'9' => JsonKind::Integer,
        _ => return None,
    })
}

/// Whether a JSON number has an integral value, decided on its digits: `1.0`, `2e3` and `1.50e1` do,
/// `1.5` and `1e-1` do not. False for anything that is no JSON number.
pub fn is_integral(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let (mantissa, exponent) = match digits.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &b"0"[..]),
    };
    let (whole, fraction) = match mantissa.iter().position(|b| *b == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &b""[..]),
    };
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return false;
    }
    let Some(exponent) = exponent_of(exponent) else {
        return false;
    };
    // The value is (whole ++ fraction) with its last non-zero digit at 10^lowest.
    let zeros = |part: &[u8]| part.iter().rev().take_while(|b| **b == b'0').count();
    let trailing = match zeros(fraction) {
        n if n < fraction.len() => n,
        n => match zeros(whole) {
            w if w == whole.len() => return true,
            w => n + w,
        },
    };
    let lowest = i64::try_from(trailing).unwrap_or(i64::MAX)
        - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    lowest.saturating_add(exponent) >= 0
}

/// The exponent of a JSON number, saturated; `None` when it is no integer.
fn exponent_of(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value
            .saturating_mul(10)
            .saturating_add(i64::from(byte - b'0'));
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_from_the_first_byte() {
        for (raw, kind) in [
            ("null", Some(JsonKind::Null)),
            ("true", Some(JsonKind::Bool)),
            ("false", Some(JsonKind::Bool)),
            ("-12", Some(JsonKind::Integer)),
            ("0", Some(JsonKind::Integer)),
            ("1.0", Some(JsonKind::Number)),
            ("1e3", Some(JsonKind::Number)),
            ("1E3", Some(JsonKind::Number)),
            ("\"1.0\"", Some(JsonKind::Text)),
            ("[1.5]", Some(JsonKind::Array)),
            ("{}", Some(JsonKind::Object)),
            ("", None),
            ("NaN", None),
            (" 1", None),
        ] {
            assert_eq!(kind_of(raw.as_bytes()), kind, "{raw}");
        }
    }

    #[test]
    fn integral_numbers_are_told_by_their_digits() {
        for yes in [
            "0",
            "-0",
            "7",
            "1.0",
            "1.000",
            "2e3",
            "1.50e1",
            "10e-1",
            "1200.00e-2",
            "0.0e-99",
            "0e-5",
            "1e99999999999999999999",
            "12345678901234567890123456789012345678901.0",
        ] {
            assert!(is_integral(yes.as_bytes()), "{yes}");
        }
        for no in [
            "1.5",
            "1e-1",
            "10e-2",
            "1.05e1",
            "0.1",
            "",
            "-",
            "x",
            "1.x",
            "1e",
            "1e+",
            "\"1\"",
            "12345678901234567890123456789012345678901.1",
        ] {
            assert!(!is_integral(no.as_bytes()), "{no}");
        }
    }
}
