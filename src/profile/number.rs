//! The value of a JSON number, read from its text.

/// What a number's text says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The nearest double; what lies beyond all doubles is the largest.
    pub value: f64,
    /// The value itself, where it is an integer of 64 bits written without point and exponent.
    pub integer: Option<i64>,
    /// It has a point or an exponent.
    pub pointed: bool,
    /// Digits behind the point that it takes to write it without an exponent.
    pub scale: u32,
}

impl Number {
    /// It has no fraction.
    pub fn is_whole(&self) -> bool {
        self.scale == 0 || self.value.fract() == 0.0
    }
}

/// Digits that a double holds exactly, and powers of ten that are exact doubles.
const EXACT_DIGITS: usize = 15;
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads a number; `None` when the text is none by the grammar of JSON.
#[inline]
pub fn read(text: &[u8]) -> Option<Number> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut mantissa, mut at) = (0_u64, 0);
    while let Some(digit) = digit(digits, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    if at == 0 || at > 1 && digits[0] == b'0' {
        return None;
    }
    if at == digits.len() && at <= 18 {
        let integer = mantissa.cast_signed();
        let integer = if negative { -integer } else { integer };
        return Some(Number {
            #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
            value: integer as f64,
            integer: Some(integer),
            pointed: false,
            scale: 0,
        });
    }
    let mut fraction = 0;
    let mut written = at;
    if digits.get(at) == Some(&b'.') {
        while let Some(digit) = digit(digits, at + 1 + fraction) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            fraction += 1;
        }
        if fraction == 0 {
            return None;
        }
        written += fraction;
        at += 1 + fraction;
    }
    let exponent = match digits.get(at) {
        None => 0,
        Some(b'e' | b'E') => exponent(&digits[at + 1..])?,
        Some(_) => return None,
    };
    let shift = exponent - fraction as i64;
    let value = match usize::try_from(-shift).ok().and_then(|at| POWERS.get(at)) {
        #[expect(clippy::cast_precision_loss, reason = "so few digits are exact")]
        Some(power) if written <= EXACT_DIGITS => mantissa as f64 / power,
        _ => large(text)?.abs(),
    };
    let pointed = at != digits.len() || fraction > 0;
    Some(Number {
        value: if negative { -value } else { value },
        integer: None,
        pointed,
        scale: u32::try_from(-shift).unwrap_or(0),
    })
}

#[inline]
fn digit(digits: &[u8], at: usize) -> Option<u64> {
    let digit = digits.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// An exponent, as far as it matters.
fn exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let read = digits.iter().try_fold(0_i64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| (number * 10 + i64::from(digit)).min(100_000))
    });
    read.map(|number| sign * number)
}

#[cold]
fn large(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(value.clamp(-f64::MAX, f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_the_grammar_of_json() {
        for (text, value, pointed, scale) in [
            ("0", 0.0, false, 0),
            ("-7", -7.0, false, 0),
            ("10.50", 10.5, true, 2),
            ("1E-9", 1e-9, true, 9),
            ("1.5e3", 1500.0, true, 0),
            ("2e2", 200.0, true, 0),
            ("-0.0", 0.0, true, 1),
            (
                "123456789012345678901234",
                1.234_567_890_123_456_8e23,
                false,
                0,
            ),
            ("0.30000000000000004", 0.300_000_000_000_000_04, true, 17),
            ("1e999", f64::MAX, true, 0),
            ("-1e-999", 0.0, true, 999),
        ] {
            let read = read(text.as_bytes()).expect(text);
            assert!(
                (read.value - value).abs() <= f64::EPSILON * value.abs(),
                "{text}"
            );
            assert_eq!((read.pointed, read.scale), (pointed, scale), "{text}");
        }
        for text in [
            "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "1.2.3", "None", "1x", "NaN",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            read(b"9007199254740993").and_then(|n| n.integer),
            Some(9_007_199_254_740_993)
        );
        assert!(read(b"2.00").is_some_and(|number| number.is_whole()));
    }
}
