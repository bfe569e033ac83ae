//! Numbers of the United Kingdom.

use super::{Digits, compact, uniform, weighted};

/// NHS number: weights 10 to 2 modulo 11; a remainder that would need the digit 10 is never issued.
pub(super) fn uk_nhs(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<10>(text) else {
        return false;
    };
    let check = 11 - weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check % 11 == u32::from(d[9]) && check != 10 && !uniform(&d)
}

/// National Insurance number: the prefixes HMRC's manual NIM39110 allows, six digits, A to D.
pub(super) fn uk_nino(text: &[u8]) -> bool {
    let Some((chars, 9)) = compact::<9>(text) else {
        return false;
    };
    let [first, second, digits @ .., suffix] = chars;
    let letters = first.is_ascii_uppercase() && second.is_ascii_uppercase();
    let never_first = b"DFIQUV".contains(&first);
    let never_second = b"DFIOQUV".contains(&second);
    let never: [&[u8; 2]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    letters
        && !never_first
        && !never_second
        && !never.contains(&&[first, second])
        && digits.iter().all(u8::is_ascii_digit)
        && (b'A'..=b'D').contains(&suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nhs_numbers() {
        // NHS Data Dictionary, attribute NHS NUMBER (943 476 5919), and the 999 range kept for tests.
        for good in ["943 476 5919", "9434765919", "999 000 0018"] {
            assert!(uk_nhs(good.as_bytes()), "{good}");
        }
        for bad in ["943 476 5918", "0000000000", "943476591", ""] {
            assert!(!uk_nhs(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn national_insurance_numbers() {
        for good in ["AB123456C", "AB 12 34 56 C", "JG103759A"] {
            assert!(uk_nino(good.as_bytes()), "{good}");
        }
        // QQ is the prefix of printed specimens and is never issued; GB and ZZ are ruled out.
        for bad in [
            "QQ123456C",
            "GB123456A",
            "ZZ123456A",
            "AB123456E",
            "AO123456A",
            "A1234567C",
        ] {
            assert!(!uk_nino(bad.as_bytes()), "{bad}");
        }
    }
}
