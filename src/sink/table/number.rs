//! JSON numbers as integers, decimals and doubles, decided on their digits.

use super::changes::Loss;

/// Digits that a 64-bit integer holds whatever they are.
const SAFE_DIGITS: usize = 18;

/// Digits that a decimal can have.
pub(super) const DIGITS_MAX: u8 = 38;

/// The parts of a JSON number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Literal<'a> {
    /// The number that these bytes are by the grammar of RFC 8259, if they are one.
    pub(super) fn of(raw: &'a [u8]) -> Option<Self> {
        let (negative, rest) = match raw {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, raw),
        };
        let (whole, mut rest) = digits(rest)?;
        if whole.len() > 1 && whole[0] == b'0' {
            return None;
        }
        let mut fraction: &[u8] = &[];
        if let [b'.', after @ ..] = rest {
            (fraction, rest) = digits(after)?;
        }
        let mut exponent = 0;
        if let [b'e' | b'E', after @ ..] = rest {
            let (below, after) = match after {
                [b'-', after @ ..] => (true, after),
                [b'+', after @ ..] => (false, after),
                _ => (false, after),
            };
            let (digits, after) = digits(after)?;
            let size = digits.iter().fold(0_i64, |size, digit| {
                size.saturating_mul(10)
                    .saturating_add(i64::from(digit - b'0'))
            });
            exponent = if below { -size } else { size };
            rest = after;
        }
        rest.is_empty().then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The value times `10^scale` as an integer, rounded half to even, and whether rounding lost something;
    /// `None` when it has more than `precision` digits, of which there are at most 38.
    pub(super) fn scaled(&self, precision: u8, scale: i8) -> Option<(i128, bool)> {
        let (length, limit) = (self.whole.len() + self.fraction.len(), power(precision));
        if self.exponent == 0 && length <= SAFE_DIGITS && self.fraction.len() as i64 <= scale.into()
        {
            let all = self.whole.iter().chain(self.fraction);
            let small = all.fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
            let value = i128::from(small)
                .checked_mul(power(scale.cast_unsigned() - self.fraction.len() as u8))?;
            return (value < limit).then(|| (self.signed(value), false));
        }
        let Some(first) = (0..length).find(|&at| self.digit(at) != 0) else {
            return Some((0, false));
        };
        // Digits before `keep` count; the others lie below the last place.
        let keep = (self.whole.len() as i64)
            .saturating_add(self.exponent)
            .saturating_add(scale.into());
        if keep.saturating_sub(first as i64) > precision.into() {
            return None;
        }
        let kept = usize::try_from(keep).unwrap_or(0);
        let mut value =
            (first..kept).fold(0_i128, |value, at| value * 10 + i128::from(self.digit(at)));
        let next = if keep < 0 { 0 } else { self.digit(kept) };
        let beyond = kept + usize::from(keep >= 0);
        let more = (beyond.max(first)..length).any(|at| self.digit(at) != 0);
        if next > 5 || next == 5 && (more || value % 2 != 0) {
            value += 1;
        }
        (value < limit).then(|| (self.signed(value), next != 0 || more))
    }

    /// A digit of the number without its point; zero behind its last one.
    fn digit(&self, at: usize) -> u8 {
        let digit = match at.checked_sub(self.whole.len()) {
            None => self.whole.get(at),
            Some(at) => self.fraction.get(at),
        };
        digit.map_or(0, |digit| digit - b'0')
    }

    fn signed(&self, value: i128) -> i128 {
        if self.negative { -value } else { value }
    }
}

/// One or more digits, and what follows them.
#[inline]
fn digits(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = raw.iter().take_while(|b| b.is_ascii_digit()).count();
    (length > 0).then(|| raw.split_at(length))
}

fn power(exponent: u8) -> i128 {
    10_i128.pow(exponent.min(DIGITS_MAX).into())
}

/// A whole number, `10.0` and `1e1` among them.
#[inline]
pub(super) fn integer(raw: &[u8]) -> Result<i64, Loss> {
    let (negative, digits) = match raw {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, raw),
    };
    let plain = digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits[..].first() != Some(&b'0'));
    if plain && (1..=SAFE_DIGITS).contains(&digits.len()) {
        let size = digits
            .iter()
            .fold(0, |size, digit| size * 10 + i64::from(digit - b'0'));
        return Ok(if negative { -size } else { size });
    }
    let literal = Literal::of(raw).ok_or(Loss::Typecast)?;
    if !crate::schema::is_integral(raw) {
        return Err(Loss::Typecast);
    }
    let (value, _) = literal.scaled(DIGITS_MAX, 0).ok_or(Loss::FieldSize)?;
    i64::try_from(value).map_err(|_| Loss::FieldSize)
}

/// The double nearest to a number.
#[inline]
pub(super) fn double(raw: &[u8]) -> Result<f64, Loss> {
    let text = literal(raw)?;
    let value: f64 = text.parse().map_err(|_| Loss::Typecast)?;
    value.is_finite().then_some(value).ok_or(Loss::FieldSize)
}

/// The 32-bit float nearest to a number.
#[inline]
pub(super) fn single(raw: &[u8]) -> Result<f32, Loss> {
    let text = literal(raw)?;
    let value: f32 = text.parse().map_err(|_| Loss::Typecast)?;
    value.is_finite().then_some(value).ok_or(Loss::FieldSize)
}

/// The text of a number.
#[inline]
pub(super) fn literal(raw: &[u8]) -> Result<&str, Loss> {
    Literal::of(raw).ok_or(Loss::Typecast)?;
    std::str::from_utf8(raw).map_err(|_| Loss::Typecast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_whole_numbers_of_64_bits() {
        for (raw, expected) in [
            ("0", Ok(0)),
            ("-0", Ok(0)),
            ("-0.0", Ok(0)),
            ("7", Ok(7)),
            ("999999999999999999", Ok(999_999_999_999_999_999)),
            ("1234567890123456789", Ok(1_234_567_890_123_456_789)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("9223372036854775808", Err(Loss::FieldSize)),
            ("-9223372036854775809", Err(Loss::FieldSize)),
            ("1e400", Err(Loss::FieldSize)),
            ("1e99999999999999999999", Err(Loss::FieldSize)),
            ("0e99999999999999999999", Ok(0)),
            ("1.0", Ok(1)),
            ("1e3", Ok(1000)),
            ("-1.50E1", Ok(-15)),
            ("1200.00e-2", Ok(12)),
            ("1.5", Err(Loss::Typecast)),
            ("1e-1", Err(Loss::Typecast)),
            (
                "99999999999999999999999999999999999999.5",
                Err(Loss::Typecast),
            ),
            ("01", Err(Loss::Typecast)),
            ("-", Err(Loss::Typecast)),
            ("+1", Err(Loss::Typecast)),
            ("1.", Err(Loss::Typecast)),
            ("NaN", Err(Loss::Typecast)),
            ("true", Err(Loss::Typecast)),
            ("\"1\"", Err(Loss::Typecast)),
        ] {
            assert_eq!(integer(raw.as_bytes()), expected, "{raw}");
        }
    }

    #[test]
    fn decimals_are_exact_and_rounded_half_to_even() {
        let nines = "9".repeat(38);
        let most: i128 = nines.parse().expect("38 digits");
        for (raw, precision, scale, expected) in [
            ("0", 38, 18, Some((0, false))),
            ("-0.0", 38, 18, Some((0, false))),
            ("1.10", 10, 2, Some((110, false))),
            ("-1.10", 10, 2, Some((-110, false))),
            ("1.100", 10, 2, Some((110, false))),
            ("1.105", 10, 2, Some((110, true))),
            ("1.115", 10, 2, Some((112, true))),
            ("1.1051", 10, 2, Some((111, true))),
            ("-1.115", 10, 2, Some((-112, true))),
            ("0.005", 10, 2, Some((0, true))),
            ("0.0051", 10, 2, Some((1, true))),
            ("0.0005", 10, 2, Some((0, true))),
            ("0.00051", 10, 2, Some((0, true))),
            ("1e-400", 38, 18, Some((0, true))),
            ("1e-99999999999999999999", 38, 18, Some((0, true))),
            ("1e2", 5, 2, Some((10_000, false))),
            ("999.99", 5, 2, Some((99_999, false))),
            ("999.995", 5, 2, None),
            ("1000", 5, 2, None),
            ("0.000e5", 5, 2, Some((0, false))),
            ("12.5e-1", 5, 2, Some((125, false))),
            ("1e19", 38, 18, Some((10_i128.pow(37), false))),
            ("1e20", 38, 18, None),
            ("1e400", 38, 18, None),
            (&nines, 38, 0, Some((most, false))),
            (&format!("{nines}.5"), 38, 0, None),
            (&format!("{nines}.4"), 38, 0, Some((most, true))),
            (&format!("1{}", "0".repeat(38)), 38, 0, None),
            (&format!("0.{nines}"), 38, 38, Some((most, false))),
            ("1", 38, 38, None),
        ] {
            let literal = Literal::of(raw.as_bytes()).expect(raw);
            assert_eq!(
                literal.scaled(precision, scale),
                expected,
                "{raw} {precision} {scale}"
            );
        }
    }

    #[test]
    fn doubles_are_finite() {
        assert_eq!(double(b"1e308"), Ok(1e308));
        assert_eq!(double(b"1e309"), Err(Loss::FieldSize));
        assert_eq!(double(b"Infinity"), Err(Loss::Typecast));
        assert_eq!(double(b".5"), Err(Loss::Typecast));
        assert!(double(b"-0.0").is_ok_and(f64::is_sign_negative));
        assert_eq!(single(b"0.1"), Ok(0.1));
        assert_eq!(single(b"1e39"), Err(Loss::FieldSize));
    }
}
