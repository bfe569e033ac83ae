//! Keys and keyed hashes: every operator that needs a secret gets its own subkey, and no hash is unkeyed.
//!
//! A subkey is HKDF-Expand (RFC 5869, 2.3) of the configured key with a label, so that the same key can
//! serve several operators without one of them saying anything about another. The extract step is left
//! out: the configured key is 32 uniform bytes already.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A configured key.
pub type Key = [u8; 32];

/// A pseudo-random function: HMAC-SHA-256 under one key.
///
/// The two key blocks are absorbed once, here; a digest then costs what the message costs.
#[derive(Clone)]
pub struct Prf(Hmac<Sha256>);

impl Prf {
    /// The function for `label` under a configured key.
    pub fn new(key: &Key, label: &str) -> Self {
        Self::keyed(&subkey::<32>(key, label))
    }

    fn keyed(key: &Key) -> Self {
        // HMAC pads a key shorter than the hash's block with zeros (RFC 2104, 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    /// The 32 bytes for `message`.
    pub fn digest(&self, message: &[u8]) -> [u8; 32] {
        self.digest_parts(&[message])
    }

    /// The 32 bytes for the parts put together.
    pub fn digest_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// HKDF-Expand with SHA-256 to `N` bytes; `N` is at most 8160 (RFC 5869's limit).
pub fn subkey<const N: usize>(key: &Key, label: &str) -> [u8; N] {
    const { assert!(N <= 255 * 32) };
    expand(key, label.as_bytes())
}

fn expand<const N: usize>(key: &Key, info: &[u8]) -> [u8; N] {
    let prf = Prf::keyed(key);
    let mut out = [0; N];
    let mut block = [0; 32];
    for (piece, counter) in out.chunks_mut(32).zip(1_u8..) {
        let previous = if counter == 1 { &[][..] } else { &block[..] };
        block = prf.digest_parts(&[previous, info, &[counter]]);
        piece.copy_from_slice(&block[..piece.len()]);
    }
    out
}

/// The operator `hash`.
pub struct Hash {
    prf: Prf,
    prefix: String,
    normalize: bool,
}

impl Hash {
    /// Hashes under `key`; `normalize` applies [`fold`] first, so that spellings of one value agree.
    pub fn new(key: &Key, prefix: Option<&str>, normalize: bool) -> Self {
        Self {
            prf: Prf::new(key, "midflight hash v1"),
            prefix: prefix.unwrap_or_default().to_owned(),
            normalize,
        }
    }

    /// Writes the prefix and 64 hexadecimal digits to `out`, which must be empty.
    pub fn apply(&self, text: &str, out: &mut String) {
        let digest = if self.normalize {
            fold(text, out);
            let digest = self.prf.digest(out.as_bytes());
            out.clear();
            digest
        } else {
            self.prf.digest(text.as_bytes())
        };
        out.push_str(&self.prefix);
        push_hex(&digest, out);
    }
}

/// Writes `text` to `out`, which must be empty, without what spellings of one value differ in: blanks around it and case.
///
/// Case is folded by lower, upper, lower, which joins `ß` with `ss` and the two forms of sigma. The
/// dotless `ı` stays apart from `i`. Composed and decomposed accents are not joined.
pub fn fold(text: &str, out: &mut String) {
    let text = text.trim();
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
        return;
    }
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii() || letter == 'ı' {
            out.push(letter);
        } else {
            out.extend(letter.to_uppercase().flat_map(char::to_lowercase));
        }
    }
}

/// Appends lower-case hexadecimal digits.
fn push_hex(bytes: &[u8; 32], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ];
    }
    out.extend(str::from_utf8(&text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        let mut out = [0; N];
        hex::decode_to_slice(text, &mut out).unwrap();
        out
    }

    fn hashed(key: u8, prefix: Option<&str>, normalize: bool, text: &str) -> String {
        let mut out = String::new();
        Hash::new(&[key; 32], prefix, normalize).apply(text, &mut out);
        out
    }

    /// RFC 5869, appendix A.1: the PRK, info and OKM of test case 1.
    #[test]
    fn expands_as_the_rfc() {
        let prk = bytes("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
        let info: [u8; 10] = bytes("f0f1f2f3f4f5f6f7f8f9");
        let okm: [u8; 42] = bytes(
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        );
        assert_eq!(expand::<42>(&prk, &info), okm);
    }

    /// RFC 4231, 4.3: the key `Jefe` is shorter than a block, as ours are.
    #[test]
    fn authenticates_as_the_rfc() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let digest: [u8; 32] =
            bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(
            Prf::keyed(&key).digest(b"what do ya want for nothing?"),
            digest
        );
        assert_eq!(
            Prf::keyed(&key).digest_parts(&[b"what do ya want ", b"for nothing?"]),
            digest
        );
    }

    #[test]
    fn a_hash_is_a_prefix_and_hexadecimal_digits() {
        let text = hashed(1, Some("u_"), false, "ann@example.com");
        assert_eq!(text.len(), 2 + 64);
        assert!(
            text.strip_prefix("u_")
                .unwrap()
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        );
    }

    #[test]
    fn a_hash_depends_on_key_and_spelling() {
        let base = hashed(1, None, false, "Ann");
        assert_eq!(base, hashed(1, None, false, "Ann"));
        assert_ne!(base, hashed(2, None, false, "Ann"));
        assert_ne!(base, hashed(1, None, false, "ann"));
        assert_eq!(
            hashed(1, None, true, " Ann\n"),
            hashed(1, None, false, "ann")
        );
    }

    #[test]
    fn folds_blanks_and_case_only() {
        for (text, folded) in [
            ("", ""),
            ("  \t", ""),
            ("\u{a0}Ann Lee ", "ann lee"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("ẞ", "ss"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδοσ"),
            ("\u{212a}elvin Ä", "kelvin ä"),
            ("Iı", "iı"),
            ("𐐀", "𐐨"),
        ] {
            let mut out = String::new();
            fold(text, &mut out);
            assert_eq!(out, folded, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn folding_twice_changes_nothing(text in ".{0,40}") {
            let (mut once, mut twice) = (String::new(), String::new());
            fold(&text, &mut once);
            fold(&once, &mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
