//! National and bank numbers of the Americas.

use super::{Digits, compact, date, luhn::luhn, number, uniform, weighted};

/// US social security number: the areas, groups and serials the SSA never issues are refused.
pub(super) fn us_ssn(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<9>(text) else {
        return false;
    };
    let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
    !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0 && !uniform(&d)
}

/// US individual taxpayer number: 9xx and the groups the IRS issues.
pub(super) fn us_itin(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<9>(text) else {
        return false;
    };
    d[0] == 9 && matches!(number(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// US bank routing number: a Federal Reserve prefix and weights 3, 7, 1 modulo 10.
pub(super) fn aba_routing(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<9>(text) else {
        return false;
    };
    let prefix = number(&d[..2]);
    matches!(prefix, 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Canadian social insurance number: Luhn; a first digit of 0 or 8 is not given to persons.
pub(super) fn ca_sin(text: &[u8]) -> bool {
    Digits::exactly::<9>(text).is_some_and(|d| !matches!(d[0], 0 | 8) && luhn(&d) && !uniform(&d))
}

/// A control digit of Brazil: weights modulo 11, where 0 and 1 both give 0.
fn brazilian(digits: &[u8], weights: &[u32]) -> u32 {
    match weighted(digits, weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

/// Brazilian CPF: two control digits modulo 11.
pub(super) fn br_cpf(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    !uniform(&d)
        && brazilian(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) == u32::from(d[9])
        && brazilian(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == u32::from(d[10])
}

/// Brazilian CNPJ: two control digits modulo 11.
pub(super) fn br_cnpj(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<14>(text) else {
        return false;
    };
    !uniform(&d)
        && brazilian(&d[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == u32::from(d[12])
        && brazilian(&d[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == u32::from(d[13])
}

/// Argentine CUIT or CUIL: weights 5432765432 modulo 11.
pub(super) fn ar_cuit(text: &[u8]) -> bool {
    let Some(d) = Digits::exactly::<11>(text) else {
        return false;
    };
    let check = (11 - weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    matches!(number(&d[..2]), 20 | 23..=27 | 30 | 33 | 34) && check == u32::from(d[10])
}

/// Chilean RUT: weights 2 to 7 from the right modulo 11; K stands for ten.
pub(super) fn cl_rut(text: &[u8]) -> bool {
    let Some((check, body)) = text.split_last() else {
        return false;
    };
    let Some(digits) = Digits::of(body) else {
        return false;
    };
    let digits = digits.as_slice();
    let sum: u32 = digits
        .iter()
        .rev()
        .zip((2..=7_u32).cycle())
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum();
    let wanted = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        value => u8::try_from(value).map_or(0, |value| b'0' + value),
    };
    (7..=8).contains(&digits.len()) && !uniform(digits) && check.to_ascii_uppercase() == wanted
}

/// Mexican CURP: the date, the place in RENAPO's alphabet, weights 18 to 2 modulo 10.
pub(super) fn mx_curp(text: &[u8]) -> bool {
    let Some((chars, 18)) = compact::<18>(text) else {
        return false;
    };
    // RENAPO counts Ñ between N and O, so O to Z stand one higher than in ASCII.
    let value = |char: u8| match char {
        b'0'..=b'9' => u32::from(char - b'0'),
        b'A'..=b'N' => u32::from(char - b'A') + 10,
        _ => u32::from(char.saturating_sub(b'A')) + 11,
    };
    let sum: u32 = chars[..17]
        .iter()
        .zip((2..=18_u32).rev())
        .map(|(char, weight)| value(*char) * weight)
        .sum();
    let born = Digits::exactly::<6>(&chars[4..10]).is_some_and(|d| date::short(&d));
    born && u32::from(chars[17].wrapping_sub(b'0')) == (10 - sum % 10) % 10
}

/// Mexican RFC of a person or a company: the date in it is real.
pub(super) fn mx_rfc(text: &[u8]) -> bool {
    Digits::of(text)
        .and_then(|digits| digits.as_slice().get(..6).map(date::short))
        .unwrap_or(false)
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
    fn united_states_and_canada() {
        // SSA: no area 000, 666 or 900 and above, no group 00, no serial 0000.
        table(
            us_ssn,
            &["536-22-1234", "001010001"],
            &[
                "000-12-3456",
                "666-12-3456",
                "900-12-3456",
                "123-00-4567",
                "123-45-0000",
            ],
        );
        // IRS, about Form W-7: the ranges of the fourth and fifth digits.
        table(
            us_itin,
            &["912-70-1234", "900-50-0001"],
            &["912-69-1234", "812-70-1234", "912-93-1234"],
        );
        // The routing numbers of the Federal Reserve Banks of New York and Boston.
        table(
            aba_routing,
            &["021001208", "011000015"],
            &["021001209", "991001208"],
        );
        // Service Canada's specimen 046 454 286 begins with 0; 130 692 544 is Statistics Canada's.
        table(
            ca_sin,
            &["130 692 544", "193-456-787"],
            &["046 454 286", "130 692 545"],
        );
    }

    #[test]
    fn latin_america() {
        // Receita Federal's rule; 111.444.777-35 is its customary worked example.
        table(
            br_cpf,
            &["111.444.777-35", "529.982.247-25"],
            &["111.444.777-36", "111.111.111-11"],
        );
        // Banco do Brasil's published registration, and the worked example of the rule.
        table(
            br_cnpj,
            &["00.000.000/0001-91", "11.222.333/0001-81"],
            &["11.222.333/0001-82", "00.000.000/0000-00"],
        );
        table(
            ar_cuit,
            &["20-05536168-2"],
            &["20-05536168-3", "99-05536168-2"],
        );
        table(
            cl_rut,
            &["12.345.678-5", "76086428-5"],
            &["12.345.678-4", "11111111-2"],
        );
        // RENAPO's and SAT's specimens.
        table(
            mx_curp,
            &["HEGG560427MVZRRL04"],
            &["HEGG560427MVZRRL05", "HEGG561427MVZRRL04"],
        );
        table(mx_rfc, &["GODE561231GR8"], &["GODE561331GR8"]);
    }
}
