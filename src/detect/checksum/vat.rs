//! Value added tax numbers: the national check where it is a short rule, the shape elsewhere.

use super::{
    Digits, compact,
    europe::{es_dni, es_nie, nl_bsn},
    iso7064::{mod11_10, mod97},
    luhn::luhn,
    number, uniform, weighted,
};

/// A VAT number with its country prefix; the pattern has settled its shape.
pub(super) fn vat(text: &[u8]) -> bool {
    let Some((chars, len)) = compact::<16>(text) else {
        return false;
    };
    let Some([first, second, body @ ..]) = chars.get(..len) else {
        return false;
    };
    let Some(digits) = Digits::of(body) else {
        return false;
    };
    let d = digits.as_slice();
    !uniform(d)
        && match [*first, *second] {
            [b'A', b'T'] => austria(d),
            [b'B', b'E'] => d.len() == 10 && 97 - number(&d[..8]) % 97 == number(&d[8..]),
            [b'D', b'E'] => d.len() == 9 && mod11_10(d),
            [b'D', b'K'] => {
                d.len() == 8 && weighted(d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
            }
            [b'E', b'S'] => spain(body),
            [b'F', b'I'] => {
                d.len() == 8 && weighted(d, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)
            }
            [b'F', b'R'] => france(body),
            [b'G', b'B'] | [b'X', b'I'] => britain(d),
            [b'I', b'T'] => d.len() == 11 && luhn(d),
            [b'L', b'U'] => d.len() == 8 && number(&d[..6]) % 89 == number(&d[6..]),
            [b'N', b'L'] => netherlands(&chars, len, d),
            [b'P', b'L'] => {
                d.len() == 10
                    && weighted(&d[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(d[9])
            }
            [b'P', b'T'] => super::europe::pt_nif(body),
            [b'S', b'E'] => d.len() == 12 && luhn(&d[..10]),
            [b'S', b'I'] => d.len() == 8 && slovenia(d),
            [b'H', b'R'] => d.len() == 11 && mod11_10(d),
            [b'E', b'E'] => {
                d.len() == 9 && weighted(d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
            }
            [b'E', b'L'] => {
                d.len() == 9
                    && weighted(&d[..8], &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10
                        == u32::from(d[8])
            }
            [b'S', b'K'] => d.len() == 10 && number(d).is_multiple_of(11),
            // Bulgaria, Cyprus, Czechia, Hungary, Ireland, Latvia, Lithuania, Malta, Romania: shape only.
            _ => true,
        }
}

fn austria(d: &[u8]) -> bool {
    let [body @ .., check] = d else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(*digit) << (place & 1);
            value / 10 + value % 10
        })
        .sum();
    body.len() == 7 && (10 - (sum + 4) % 10) % 10 == u32::from(*check)
}

fn spain(body: &[u8]) -> bool {
    match body.first() {
        Some(b'0'..=b'9') => es_dni(body),
        Some(b'X' | b'Y' | b'Z') => es_nie(body),
        // Companies: sum of the doubled odd places and the even places; a digit or a letter.
        Some(_) => {
            let Some(d) = body.get(1..8).and_then(Digits::exactly::<7>) else {
                return false;
            };
            let sum: u32 = d
                .iter()
                .enumerate()
                .map(|(place, digit)| {
                    let value = u32::from(*digit) << ((place + 1) & 1);
                    value / 10 + value % 10
                })
                .sum();
            let check = u8::try_from((10 - sum % 10) % 10).unwrap_or(0);
            let letter = b"JABCDEFGHI".get(usize::from(check));
            body.get(8)
                .is_some_and(|last| *last == b'0' + check || Some(last) == letter)
        }
        None => false,
    }
}

fn france(body: &[u8]) -> bool {
    let (Some(key), Some(siren)) = (body.get(..2), body.get(2..).and_then(Digits::exactly::<9>))
    else {
        return false;
    };
    // Keys with a letter follow a rule of their own; the SIREN's Luhn still holds.
    let numeric = Digits::exactly::<2>(key).map(|key| number(&key));
    luhn(&siren) && numeric.is_none_or(|key| (12 + 3 * (number(&siren) % 97)) % 97 == key)
}

fn britain(d: &[u8]) -> bool {
    let Some(body) = d.get(..9).filter(|_| matches!(d.len(), 9 | 12)) else {
        return false;
    };
    let total = weighted(&body[..7], &[8, 7, 6, 5, 4, 3, 2])
        + u32::try_from(number(&body[7..])).unwrap_or(0);
    total.is_multiple_of(97) || (total + 55).is_multiple_of(97)
}

fn netherlands(chars: &[u8], len: usize, d: &[u8]) -> bool {
    // Since 2020 sole traders have numbers that satisfy MOD 97-10 instead of the citizen number's rule.
    chars.get(11) == Some(&b'B')
        && len == 14
        && (d.get(..9).is_some_and(|body| {
            let digits: Vec<u8> = body.iter().map(|digit| digit + b'0').collect();
            nl_bsn(&digits)
        }) || mod97(chars.iter().copied().take(len)) == Some(1))
}

fn slovenia(d: &[u8]) -> bool {
    let check = 11 - weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
    check % 10 == u32::from(d[7]) && check != 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_each_country() {
        // Registered numbers printed on the imprint pages of public companies and authorities, and the
        // worked examples of the national rules collected by the European Commission's VIES.
        for good in [
            "ATU13585627",
            "BE0428759497",
            "DE136695976",
            "DK13585628",
            "ESB58378431",
            "FI20774740",
            "FR40303265045",
            "GB980780684",
            "IT00743110157",
            "LU15027442",
            "NL004495445B01",
            "PL8567346215",
            "PT501964843",
            "SE123456789701",
            "SI50223054",
            "HR33392005961",
            "EE100931558",
            "EL094259216",
            "SK2022749619",
        ] {
            assert!(vat(good.as_bytes()), "{good}");
        }
        for bad in [
            "ATU13585626",
            "BE0428759498",
            "DE136695977",
            "DK13585629",
            "FR40303265046",
            "GB980780685",
            "IT00743110158",
            "LU15027443",
            "PL8567346216",
            "DE000000000",
            "EL094259217",
            "",
        ] {
            assert!(!vat(bad.as_bytes()), "{bad}");
        }
    }
}
