//! National numbers of Denmark, Finland, Norway and Sweden.

use super::{Digits, compact, date, luhn::luhn, number, weighted};

/// Sweden: YYMMDD with the day raised by 60 for a coordination number, then Luhn over ten digits.
pub(super) fn se_personnummer(text: &[u8]) -> bool {
    let Some(all) = Digits::of(text) else {
        return false;
    };
    let ten = match all.as_slice() {
        [1 | 2, 0 | 8 | 9, rest @ ..] if rest.len() == 10 => rest,
        rest if rest.len() == 10 => rest,
        _ => return false,
    };
    let mut born = [0; 6];
    born.copy_from_slice(&ten[..6]);
    if born[4] >= 6 {
        born[4] -= 6;
    }
    date::short(&born) && luhn(ten)
}

/// Finland: DDMMYY, a century sign, a serial, and the rest modulo 31 as a letter or digit.
pub(super) fn fi_hetu(text: &[u8]) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let Some((check, body)) = text.split_last() else {
        return false;
    };
    let Some([a, b, c, d, e, f, serial @ ..]) = Digits::exactly::<9>(body) else {
        return false;
    };
    let whole = number(&[a, b, c, d, e, f, serial[0], serial[1], serial[2]]);
    let sign = usize::try_from(whole % 31)
        .ok()
        .and_then(|at| SIGNS.get(at));
    date::short(&[e, f, c, d, a, b]) && sign == Some(&check.to_ascii_uppercase())
}

/// Norway: DDMMYY (day raised by 40 for a D number), serial, two control digits modulo 11.
pub(super) fn no_fnr(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    let first = weighted(&d[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let second = weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    let tens = if d[0] >= 4 { d[0] - 4 } else { d[0] };
    date::short(&[d[4], d[5], d[2], d[3], tens, d[1]])
        && first.is_multiple_of(11)
        && second.is_multiple_of(11)
}

/// Denmark: a date and a serial. The modulo 11 control was given up in 2007, so only the date is checked.
pub(super) fn dk_cpr(text: &[u8]) -> bool {
    let Some((d, 10)) = compact::<10>(text) else {
        return false;
    };
    Digits::exactly::<10>(&d).is_some_and(|d| date::short(&[d[4], d[5], d[2], d[3], d[0], d[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_numbers() {
        // Skatteverket's example 811228-9874; the coordination number of its page on 701063-2391.
        assert!(se_personnummer(b"811228-9874") && se_personnummer(b"19811228-9874"));
        assert!(se_personnummer(b"701063-2391"));
        assert!(!se_personnummer(b"811228-9873") && !se_personnummer(b"811328-9874"));
        // The Digital and Population Data Services Agency's example 131052-308T.
        assert!(fi_hetu(b"131052-308T") && fi_hetu(b"131052-308t"));
        assert!(!fi_hetu(b"131052-308U") && !fi_hetu(b"131352-308T") && !fi_hetu(b""));
        // 01010050053: a synthetic number that satisfies both controls of Skatteetaten's description.
        assert!(no_fnr(b"01010050053") && !no_fnr(b"01010050052") && !no_fnr(b"01130050053"));
        // CPR kontoret's example 070761-4285.
        assert!(dk_cpr(b"070761-4285") && !dk_cpr(b"320761-4285"));
    }
}
