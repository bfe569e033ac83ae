//! National numbers of continental Europe.

use super::{Digits, compact, date, iso7064::mod11_10, number, uniform, weighted};

/// German tax identification number: MOD 11,10; one of the first ten digits appears two or three times.
pub(super) fn de_tax_id(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    let mut times = [0_u8; 10];
    for digit in &d[..10] {
        if let Some(slot) = times.get_mut(usize::from(*digit)) {
            *slot += 1;
        }
    }
    let repeated = times.iter().filter(|times| **times > 1).count();
    let most = times.iter().copied().max().unwrap_or(0);
    d[0] != 0 && repeated == 1 && most <= 3 && mod11_10(&d)
}

/// German identity card or passport: nine characters and a control digit with weights 7, 3, 1.
pub(super) fn de_id_card(text: &[u8]) -> bool {
    let Some((chars, 10)) = compact::<10>(text) else {
        return false;
    };
    let sum: u32 = chars[..9]
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(char, weight)| match char {
            b'0'..=b'9' => u32::from(char - b'0') * weight,
            _ => (u32::from(char.saturating_sub(b'A')) + 10) * weight,
        })
        .sum();
    chars[9].is_ascii_digit() && sum % 10 == u32::from(chars[9] - b'0')
}

/// French social security number: 97 minus the first thirteen modulo 97; Corsica's 2A and 2B count as 19 and 18.
pub(super) fn fr_nir(text: &[u8]) -> bool {
    let Some((mut chars, 15)) = compact::<15>(text) else {
        return false;
    };
    match chars[6] {
        b'A' => chars[5..7].copy_from_slice(b"19"),
        b'B' => chars[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let Some(d) = Digits::exactly::<15>(&chars) else {
        return false;
    };
    let month = number(&d[3..5]);
    matches!(month, 1..=12 | 20..=42 | 50..=99)
        && matches!(d[0], 1..=4 | 7 | 8)
        && 97 - number(&d[..13]) % 97 == number(&d[13..])
}

/// The control letters of the Spanish identity number, by the number modulo 23.
const DNI_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn dni_letter(value: u64, letter: u8) -> bool {
    usize::try_from(value % 23)
        .ok()
        .and_then(|at| DNI_LETTERS.get(at))
        == Some(&letter)
}

/// Spanish DNI: eight digits and the letter of the number modulo 23.
pub(super) fn es_dni(text: &[u8]) -> bool {
    let Some((chars, 9)) = compact::<9>(text) else {
        return false;
    };
    Digits::exactly::<8>(&chars).is_some_and(|d| !uniform(&d) && dni_letter(number(&d), chars[8]))
}

/// Spanish NIE: X, Y or Z stands for 0, 1 or 2 in front of seven digits; the letter as for the DNI.
pub(super) fn es_nie(text: &[u8]) -> bool {
    let Some((chars, 9)) = compact::<9>(text) else {
        return false;
    };
    let Some(d) = Digits::exactly::<7>(&chars) else {
        return false;
    };
    let lead = match chars[0] {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    dni_letter(lead * 10_000_000 + number(&d), chars[8])
}

/// The values of digits and letters in odd places of a codice fiscale (decree of 23 December 1976).
const CF_ODD: [u32; 26] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/// Italian codice fiscale: odd and even places weighted by table, the sum modulo 26 as a letter.
pub(super) fn it_codice_fiscale(text: &[u8]) -> bool {
    let Some((chars, 16)) = compact::<16>(text) else {
        return false;
    };
    let value = |char: u8| {
        u32::from(if char.is_ascii_digit() {
            char - b'0'
        } else {
            char - b'A'
        })
    };
    let odd = |char: u8| {
        usize::try_from(value(char))
            .ok()
            .and_then(|at| CF_ODD.get(at))
            .copied()
            .unwrap_or(0)
    };
    let sum: u32 = chars[..15]
        .iter()
        .enumerate()
        .map(|(place, char)| {
            if place % 2 == 0 {
                odd(*char)
            } else {
                value(*char)
            }
        })
        .sum();
    chars[15].is_ascii_uppercase() && sum % 26 == u32::from(chars[15] - b'A')
}

/// Dutch citizen service number: weights 9 to 2 and minus 1, divisible by eleven.
pub(super) fn nl_bsn(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<9>(text) else {
        return false;
    };
    let sum = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    !uniform(&d) && sum % 11 == u32::from(d[8])
}

/// Belgian national number: 97 minus the first nine modulo 97, with a 2 in front for births from 2000.
pub(super) fn be_national_number(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    let (body, check) = (number(&d[..9]), number(&d[9..]));
    // Month 0 stands for an unknown date; bis numbers raise the month by 20 or 40.
    let month = number(&d[2..4]);
    matches!(month, 0..=12 | 20..=32 | 40..=52)
        && number(&d[4..6]) <= 31
        && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

/// Polish PESEL: weights 1, 3, 7, 9 over ten digits; the century is coded in the month.
pub(super) fn pl_pesel(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    let sum = weighted(&d[..10], &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let born = date::short(&[d[0], d[1], d[2] % 2, d[3], d[4], d[5]]);
    born && (10 - sum % 10) % 10 == u32::from(d[10])
}

/// Romanian personal code: sex and century, date, county, serial; weights 279146358279 modulo 11.
pub(super) fn ro_cnp(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<13>(text) else {
        return false;
    };
    let rest = weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let check = if rest == 10 { 1 } else { rest };
    d[0] != 0 && date::short(&d[1..7]) && check == u32::from(d[12])
}

/// Portuguese tax number: weights 9 to 2 modulo 11.
pub(super) fn pt_nif(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<9>(text) else {
        return false;
    };
    let rest = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    matches!(d[0], 1..=3 | 5 | 6 | 8 | 9) && !uniform(&d) && check == u32::from(d[8])
}

/// Austrian social insurance number: serial, control digit, DDMMYY.
pub(super) fn at_svnr(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<10>(text) else {
        return false;
    };
    let sum = weighted(&d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    // Months 13 to 15 are used when the numbers of a day run out.
    let month = if d[6] == 1 && d[7] > 2 {
        1
    } else {
        d[6] * 10 + d[7]
    };
    d[0] != 0
        && date::short(&[d[8], d[9], month / 10, month % 10, d[4], d[5]])
        && sum % 11 == u32::from(d[3])
}

/// Swiss AHV number: country code 756 and the EAN-13 control digit.
pub(super) fn ch_ahv(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<13>(text) else {
        return false;
    };
    let sum = weighted(&d[..12], &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    d[..3] == [7, 5, 6] && (10 - sum % 10) % 10 == u32::from(d[12])
}

/// Turkish identity number: the tenth digit from odd and even places, the eleventh from the sum.
pub(super) fn tr_tckn(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    let odd = weighted(&d[..9], &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(&d[..9], &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
    let sum = weighted(&d[..10], &[1; 10]);
    d[0] != 0 && (odd * 7 + 10 * 9 - even) % 10 == u32::from(d[9]) && sum % 10 == u32::from(d[10])
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
    fn germany() {
        // The worked example of the Bundeszentralamt für Steuern's description of the number.
        table(
            de_tax_id,
            &["86095742719", "65 929 970 489"],
            &["86095742718", "12345678901", "01234567890"],
        );
        // The specimen cards of the Bundesdruckerei: T22000129 with control digit 3.
        table(de_id_card, &["T220001293"], &["T220001294", "T22000129"]);
    }

    #[test]
    fn france_spain_italy() {
        // The specimen of the Carte Vitale; a number of Corsica built from the rule.
        table(
            fr_nir,
            &["2 69 05 49 588 157 80", "269054958815780"],
            &["269054958815781", "969054958815780"],
        );
        // The specimens of the Spanish police: 99999999R and X0000000T; 12345678Z of the rule's description.
        table(
            es_dni,
            &["12345678Z", "12345678-Z"],
            &["12345678A", "99999999R", "1234567Z"],
        );
        table(
            es_nie,
            &["X1234567L", "Y1234567X"],
            &["X1234567A", "W1234567L"],
        );
        // The example of the Agenzia delle Entrate.
        table(
            it_codice_fiscale,
            &["RSSMRA85T10A562S", "MRTMTT25D09F205Z"],
            &["RSSMRA85T10A562T", "RSSMRA85T10A56"],
        );
    }

    #[test]
    fn low_countries_poland_romania() {
        table(
            nl_bsn,
            &["111222333", "123456782"],
            &["111222334", "000000000"],
        );
        // Rijksregister: 85073003328 is the example of its manual; 17073003384 that of a birth in 2017.
        table(
            be_national_number,
            &["85.07.30-033.28", "17073003384"],
            &["85.07.30-033.29"],
        );
        table(
            pl_pesel,
            &["44051401359", "02070803628"],
            &["44051401358", "44131401359"],
        );
        table(
            ro_cnp,
            &["1800101221144"],
            &["1800101221145", "0800101221144"],
        );
    }

    #[test]
    fn portugal_austria_switzerland_turkey() {
        table(pt_nif, &["123456789"], &["123456788", "423456789"]);
        // The specimen of the Austrian e-card and that of the Swiss AHV leaflet.
        table(at_svnr, &["1237 010180"], &["1238 010180", "1237 320180"]);
        table(
            ch_ahv,
            &["756.9217.0769.85"],
            &["756.9217.0769.84", "757.9217.0769.85"],
        );
        table(tr_tckn, &["10000000146"], &["10000000147", "00000000146"]);
    }
}
