//! The Luhn check (ISO/IEC 7812-1, annex B) and the schemes that are nothing but Luhn and a date.

use super::{Digits, date};

/// Whether the digits satisfy Luhn: every second digit from the right doubled, sum divisible by ten.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(*digit) << (place & 1);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// South Africa: YYMMDD, sequence, citizenship 0 to 2, Luhn.
pub(super) fn za_id(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<13>(text) else {
        return false;
    };
    d[10] <= 2 && date::short(&d[..6]) && luhn(&d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_accepts_only_the_right_check_digit() {
        // 7992739871x is the worked example of most descriptions of the scheme: only 3 fits.
        for check in 0..=9_u8 {
            let digits = [7, 9, 9, 2, 7, 3, 9, 8, 7, 1, check];
            assert_eq!(luhn(&digits), check == 3, "{check}");
        }
        assert!(!luhn(&[]));
    }

    #[test]
    fn south_african_numbers() {
        // The specimen number of the Department of Home Affairs.
        assert!(za_id(b"8001015009087"));
        assert!(!za_id(b"8001015009088"));
        assert!(!za_id(b"8013015009087"));
    }
}
