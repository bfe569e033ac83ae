//! National numbers of Asia and the Pacific.

use super::{
    Digits, compact, date,
    iso7064::{mod11_2, verhoeff},
    uniform, weighted,
};

/// Indian Aadhaar: twelve digits, not beginning with 0 or 1, Verhoeff.
pub(super) fn in_aadhaar(text: &[u8]) -> bool {
    Digits::exactly::<12>(text).is_some_and(|d| d[0] >= 2 && verhoeff(&d) && !uniform(&d))
}

/// Australian tax file number: weights modulo 11.
pub(super) fn au_tfn(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<9>(text) else {
        return false;
    };
    !uniform(&d) && weighted(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Australian Medicare card: first digit 2 to 6, weights 1, 3, 7, 9 modulo 10 give the ninth.
pub(super) fn au_medicare(text: &[u8]) -> bool {
    let Some(digits) = Digits::of(text) else {
        return false;
    };
    let d = digits.as_slice();
    let (Some(body), Some(check)) = (d.get(..8), d.get(8)) else {
        return false;
    };
    matches!(d.len(), 10 | 11)
        && (2..=6).contains(&body[0])
        && weighted(body, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == u32::from(*check)
}

/// Chinese resident identity number (GB 11643): region, date, sequence, MOD 11-2.
pub(super) fn cn_resident_id(text: &[u8]) -> bool {
    let Some((chars, 18)) = compact::<18>(text) else {
        return false;
    };
    let Some(d) = Digits::exactly::<17>(&chars[..17]) else {
        return false;
    };
    let check = match chars[17] {
        b'X' => 10,
        digit @ b'0'..=b'9' => digit - b'0',
        _ => return false,
    };
    d[0] != 0 && d[0] != 9 && date::long(&d[6..14]) && mod11_2(&d) == check
}

/// Korean resident number: date, century digit, weights modulo 11. Numbers given out since
/// October 2020 carry no control digit, so a real date and a known century digit suffice for those.
pub(super) fn kr_rrn(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<13>(text) else {
        return false;
    };
    let sum = weighted(&d[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let checked = (11 - sum % 11) % 10 == u32::from(d[12]);
    let hyphenated = text.get(6) == Some(&b'-');
    date::short(&d[..6]) && matches!(d[6], 1..=8) && (checked || hyphenated)
}

/// Japanese individual number: weights 6 to 2 and 7 to 2 modulo 11.
pub(super) fn jp_my_number(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<12>(text) else {
        return false;
    };
    let rest = weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest <= 1 { 0 } else { 11 - rest };
    !uniform(&d) && check == u32::from(d[11])
}

/// Singapore NRIC or FIN: weights 2765432, an offset by prefix, and a letter by series.
pub(super) fn sg_nric(text: &[u8]) -> bool {
    let Some((chars, 9)) = compact::<9>(text) else {
        return false;
    };
    let Some(d) = Digits::exactly::<7>(&chars) else {
        return false;
    };
    let (letters, offset): (&[u8; 11], u32) = match chars[0] {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        _ => return false,
    };
    let rest = (weighted(&d, &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
    usize::try_from(rest).ok().and_then(|at| letters.get(at)) == Some(&chars[8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(check: fn(&[u8]) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(check(text.as_bytes()), "{text} is valid");
        }
        for text in bad {
            assert!(!check(text.as_bytes()), "{text} is not valid");
        }
    }

    #[test]
    fn national_numbers() {
        // UIDAI's test numbers for authentication.
        table(
            in_aadhaar,
            &["9999 4105 7058", "999971658847"],
            &["9999 4105 7059", "0999 4105 7058"],
        );
        // The examples of the Australian Taxation Office and of Services Australia.
        table(au_tfn, &["123 456 782", "876543210"], &["123 456 783"]);
        table(
            au_medicare,
            &["2123 45670 1", "2123456701"],
            &["2123 45671 1", "7123 45670 1"],
        );
        // The example of GB 11643-1999.
        table(
            cn_resident_id,
            &["11010519491231002X", "440524188001010014"],
            &["110105194912310021", "11010519491331002X"],
        );
        table(
            kr_rrn,
            &["900101-1234568", "9001011234568"],
            &["901301-1234568", "9001011234567"],
        );
        // The sample card of the Japanese Digital Agency.
        table(
            jp_my_number,
            &["1234 5678 9018"],
            &["1234 5678 9019", "000000000000"],
        );
        table(
            sg_nric,
            &["S1234567D", "T0123456G", "F1234567N"],
            &["S1234567E", "A1234567D"],
        );
    }
}
