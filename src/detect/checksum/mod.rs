//! Checksums and other proofs that a match is what its pattern says: one pure function per scheme.
//!
//! Every function takes the matched bytes, separators included, never panics, and answers whether the
//! number is well formed. [`named`] is how a recogniser file refers to one.

mod americas;
mod asia_pacific;
mod contact;
mod crypto;
mod date;
mod europe;
mod finance;
mod iso7064;
mod luhn;
mod network;
mod nordic;
mod secret;
mod united_kingdom;
mod vat;

/// A proof: true when the matched bytes satisfy the scheme.
pub type Check = fn(&[u8]) -> bool;

/// Every proof a recogniser may name, sorted by name.
const CHECKS: &[(&str, Check)] = &[
    ("aba_routing", americas::aba_routing),
    ("ar_cuit", americas::ar_cuit),
    ("at_svnr", europe::at_svnr),
    ("au_medicare", asia_pacific::au_medicare),
    ("au_tfn", asia_pacific::au_tfn),
    ("be_national_number", europe::be_national_number),
    ("birth_date", date::birth_date),
    ("br_cnpj", americas::br_cnpj),
    ("br_cpf", americas::br_cpf),
    ("btc_base58", crypto::btc_base58),
    ("btc_bech32", crypto::btc_bech32),
    ("ca_sin", americas::ca_sin),
    ("ch_ahv", europe::ch_ahv),
    ("cl_rut", americas::cl_rut),
    ("cn_resident_id", asia_pacific::cn_resident_id),
    ("credit_card", finance::credit_card),
    ("de_id_card", europe::de_id_card),
    ("de_tax_id", europe::de_tax_id),
    ("dk_cpr", nordic::dk_cpr),
    ("email", contact::email),
    ("es_dni", europe::es_dni),
    ("es_nie", europe::es_nie),
    ("ethereum", crypto::ethereum),
    ("fi_hetu", nordic::fi_hetu),
    ("fr_nir", europe::fr_nir),
    ("iban", finance::iban),
    ("in_aadhaar", asia_pacific::in_aadhaar),
    ("ipv4", network::ipv4),
    ("ipv6", network::ipv6),
    ("it_codice_fiscale", europe::it_codice_fiscale),
    ("jp_my_number", asia_pacific::jp_my_number),
    ("jwt", secret::jwt),
    ("kr_rrn", asia_pacific::kr_rrn),
    ("mac", network::mac),
    ("mixed_secret", secret::mixed_secret),
    ("mx_curp", americas::mx_curp),
    ("mx_rfc", americas::mx_rfc),
    ("nl_bsn", europe::nl_bsn),
    ("no_fnr", nordic::no_fnr),
    ("phone_international", contact::phone_international),
    ("phone_nanp", contact::phone_nanp),
    ("phone_national", contact::phone_national),
    ("pl_pesel", europe::pl_pesel),
    ("pt_nif", europe::pt_nif),
    ("ro_cnp", europe::ro_cnp),
    ("se_personnummer", nordic::se_personnummer),
    ("sg_nric", asia_pacific::sg_nric),
    ("tr_tckn", europe::tr_tckn),
    ("uk_nhs", united_kingdom::uk_nhs),
    ("uk_nino", united_kingdom::uk_nino),
    ("us_itin", americas::us_itin),
    ("us_ssn", americas::us_ssn),
    ("vat", vat::vat),
    ("za_id", luhn::za_id),
];

/// The proof of this name.
pub fn named(name: &str) -> Option<Check> {
    let at = CHECKS
        .binary_search_by(|(known, _)| known.cmp(&name))
        .ok()?;
    CHECKS.get(at).map(|(_, check)| *check)
}

/// The names a recogniser may use, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}

/// The values of the ASCII digits of a match, in order; at most [`Digits::MAX`] of them.
pub(super) struct Digits {
    values: [u8; Self::MAX],
    len: usize,
}

impl Digits {
    /// More digits than any scheme has; a match with more satisfies none.
    const MAX: usize = 40;

    /// The digits of `text`; `None` when there are too many.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let mut digits = Self {
            values: [0; Self::MAX],
            len: 0,
        };
        for byte in text.iter().filter(|byte| byte.is_ascii_digit()) {
            *digits.values.get_mut(digits.len)? = byte - b'0';
            digits.len += 1;
        }
        Some(digits)
    }

    /// The digits of `text` when there are exactly `N`.
    pub(super) fn exactly<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
        let digits = Self::of(text)?;
        digits.as_slice().try_into().ok()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.values.get(..self.len).unwrap_or_default()
    }
}

/// The sum of digit times weight, pair by pair.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum()
}

/// The digits read as one number; at most 19 of them.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |sum, digit| {
        sum.wrapping_mul(10).wrapping_add(u64::from(*digit))
    })
}

/// Whether every digit is the same: the filler nobody was ever given.
pub(super) fn uniform(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

/// The bytes of a match that are letters or digits, in upper case; `None` past `N`.
pub(super) fn compact<const N: usize>(text: &[u8]) -> Option<([u8; N], usize)> {
    let mut kept = [0_u8; N];
    let mut len = 0;
    for byte in text.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        *kept.get_mut(len)? = byte.to_ascii_uppercase();
        len += 1;
    }
    Some((kept, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_name_is_found() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for name in names() {
            assert!(named(name).is_some(), "{name}");
        }
        assert!(named("no_such_check").is_none());
    }

    #[test]
    fn no_check_panics_on_awkward_bytes() {
        let long = [b'9'; 300];
        let inputs: [&[u8]; 8] = [
            b"",
            b"-",
            b"0",
            b"000000000000",
            b"\xff\xfe\x80",
            b"A1B2C3D4E5F6G7H8",
            "١٢٣٤٥٦٧٨٩".as_bytes(),
            &long,
        ];
        for (_, check) in CHECKS {
            for input in inputs {
                check(input);
                for end in 0..input.len().min(40) {
                    check(&input[..end]);
                }
            }
        }
    }
}
