//! Payment cards (ISO/IEC 7812) and bank accounts (ISO 13616).

use super::{Digits, compact, iso7064::mod97, luhn::luhn, number, uniform};

/// A card number: a scheme's prefix, a length that scheme issues, and Luhn.
pub(super) fn credit_card(text: &[u8]) -> bool {
    let Some(digits) = Digits::of(text) else {
        return false;
    };
    let digits = digits.as_slice();
    issued(digits) && luhn(digits) && !uniform(digits)
}

/// Whether a payment scheme issues numbers of this prefix and length.
fn issued(digits: &[u8]) -> bool {
    let Some(head) = digits.get(..6).map(number) else {
        return false;
    };
    let (six, four, three, two) = (head, head / 100, head / 1000, head / 10_000);
    match digits.len() {
        13 => two / 10 == 4,
        14 => matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37) || matches!(four, 2131 | 1800),
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 65 | 36 | 38 | 39 | 67)
                || matches!(four, 2221..=2720 | 6011 | 3528..=3589 | 2200..=2204 | 5018 | 5020 | 5038 | 5893)
                || matches!(three, 300..=305 | 309 | 644..=649)
                || two == 62
                || matches!(six, 508_500..=508_999 | 606_985..=607_984 | 652_150..=653_149 | 636_368..=636_369 | 438_935)
        }
        17..=19 => {
            two / 10 == 4
                || matches!(two, 62 | 65 | 67)
                || matches!(four, 6011 | 5018 | 5020 | 5038 | 5893 | 6304)
                || matches!(three, 644..=649)
        }
        _ => false,
    }
}

/// The length of each country's IBAN (IBAN registry of SWIFT), sorted by country.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// An IBAN: the length of its country and MOD 97-10 with the first four characters moved to the end.
pub(super) fn iban(text: &[u8]) -> bool {
    let Some((chars, len)) = compact::<34>(text) else {
        return false;
    };
    let Some([first, second, rest @ ..]) = chars.get(..len) else {
        return false;
    };
    let country = [*first, *second];
    let Ok(at) = IBAN_LENGTHS.binary_search_by(|(known, _)| (*known).cmp(&country)) else {
        return false;
    };
    if IBAN_LENGTHS
        .get(at)
        .is_none_or(|(_, length)| *length != len)
        || rest.len() < 2
    {
        return false;
    }
    let (check, account) = rest.split_at(2);
    let moved = account.iter().chain(&country).chain(check).copied();
    mod97(moved) == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers() {
        // Test numbers published by the schemes and by payment processors for their sandboxes.
        for good in [
            "4111111111111111",
            "4242 4242 4242 4242",
            "4012-8888-8888-1881",
            "4222222222222",
            "5555555555554444",
            "5105105105105100",
            "2223003122003222",
            "378282246310005",
            "3714 496353 98431",
            "6011111111111117",
            "30569309025904",
            "38520000023237",
            "3530111333300000",
            "6200000000000005",
            "6759649826438453",
        ] {
            assert!(credit_card(good.as_bytes()), "{good}");
        }
        for bad in [
            "4111111111111112",
            "1234567812345670",
            "0000000000000000",
            "411111111111",
            "9999999999999995",
            "",
        ] {
            assert!(!credit_card(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn account_numbers() {
        // Examples of the IBAN registry of SWIFT, release 99.
        for good in [
            "GB29 NWBK 6016 1331 9268 19",
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "NL91ABNA0417164300",
            "CH9300762011623852957",
            "PL61109010140000071219812874",
            "SA0380000000608010167519",
            "BR1800360305000010009795493C1",
            "LC55HEMM000100010012001200023015",
        ] {
            assert!(iban(good.as_bytes()), "{good}");
        }
        for bad in [
            "GB29 NWBK 6016 1331 9268 18",
            "DE8937040044053201300",
            "ZZ89370400440532013000",
            "DE",
            "",
        ] {
            assert!(!iban(bad.as_bytes()), "{bad}");
        }
        assert!(IBAN_LENGTHS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
