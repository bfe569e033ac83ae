//! `token` and `encrypt`: reversible, deterministic, authenticated; and their inverse, [`reveal`].
//!
//! | text | base64url without padding of | cipher |
//! |---|---|---|
//! | `tok_…` | version 1, type, 16 bytes of synthetic IV, ciphertext | AES-256-SIV (RFC 5297) |
//! | `enc_…` | version 1, type, 12 bytes of nonce, ciphertext, 16 bytes of tag | AES-256-GCM |
//!
//! The type is `t`, `n` or `b`: text, the digits of a number, a boolean. Version and type are
//! authenticated with the value. Both forms show how long a value is and, being deterministic, which
//! values are equal. A number and a text of the same spelling differ, since what is revealed has a type.
//!
//! `encrypt` has to answer the same value with the same bytes, so its nonce is not drawn but taken from
//! the keyed hash of type and value. Two different values then share a nonce by chance alone, and where
//! they do GCM gives both of them away: keep one key below 2^32 distinct values, where the chance is one
//! in 2^33. `token` has no such limit in practice and should be preferred.

use std::fmt;

use aes_gcm::{AeadInOut, Aes256Gcm};
use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::keyed::{Key, Prf, subkey};
use super::operator::{Refusal, Scalar, ScalarType};

const VERSION: u8 = 1;
const HEAD: usize = 2;
const IV: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
const TOKEN_PREFIX: &str = "tok_";
const ENCRYPTED_PREFIX: &str = "enc_";

/// The operator `token`.
pub struct Token {
    key: [u8; 64],
}

impl Token {
    /// Tokens under `key`.
    pub fn new(key: &Key) -> Self {
        Self {
            key: subkey(key, "midflight token v1"),
        }
    }

    /// Appends the token of `value`.
    ///
    /// # Errors
    /// [`Refusal::Cipher`] when the cipher takes no text of this length.
    pub fn apply(&self, value: Scalar<'_>, out: &mut String) -> Result<(), Refusal> {
        let text = value.text();
        let head = [VERSION, type_code(value.scalar_type())];
        let mut payload = Vec::with_capacity(HEAD + IV + text.len());
        payload.extend_from_slice(&head);
        payload.extend_from_slice(&[0; IV]);
        payload.extend_from_slice(text.as_bytes());
        let (front, body) = payload.split_at_mut(HEAD + IV);
        let iv = Aes256Siv::new(&self.key.into())
            .encrypt_inout_detached([head], body.into())
            .map_err(|_| Refusal::Cipher)?;
        front[HEAD..].copy_from_slice(&iv);
        write(TOKEN_PREFIX, &payload, out);
        Ok(())
    }

    fn open(&self, head: [u8; HEAD], sealed: &[u8]) -> Result<Vec<u8>, RevealError> {
        Aes256Siv::new(&self.key.into())
            .decrypt([head], sealed)
            .map_err(|_| RevealError::WrongKey)
    }
}

/// The operator `encrypt`.
pub struct Encrypt {
    cipher: Aes256Gcm,
    nonces: Prf,
}

impl Encrypt {
    /// Encrypts under `key`.
    pub fn new(key: &Key) -> Self {
        Self {
            cipher: Aes256Gcm::new(&subkey::<32>(key, "midflight encrypt v1").into()),
            nonces: Prf::new(key, "midflight encrypt nonce v1"),
        }
    }

    /// Appends the encrypted form of `value`.
    ///
    /// # Errors
    /// [`Refusal::Cipher`] when the cipher takes no text of this length.
    pub fn apply(&self, value: Scalar<'_>, out: &mut String) -> Result<(), Refusal> {
        let text = value.text();
        let head = [VERSION, type_code(value.scalar_type())];
        let mut nonce = [0; NONCE];
        let digest = self.nonces.digest_parts(&[&head, text.as_bytes()]);
        nonce.copy_from_slice(&digest[..NONCE]);

        let mut payload = Vec::with_capacity(HEAD + NONCE + text.len() + TAG);
        payload.extend_from_slice(&head);
        payload.extend_from_slice(&nonce);
        payload.extend_from_slice(text.as_bytes());
        let (_, body) = payload.split_at_mut(HEAD + NONCE);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), &head, body.into())
            .map_err(|_| Refusal::Cipher)?;
        payload.extend_from_slice(&tag);
        write(ENCRYPTED_PREFIX, &payload, out);
        Ok(())
    }

    fn open(&self, head: [u8; HEAD], sealed: &[u8]) -> Result<Vec<u8>, RevealError> {
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(RevealError::Malformed)?;
        let (body, tag) = sealed
            .split_last_chunk::<TAG>()
            .ok_or(RevealError::Malformed)?;
        let mut text = body.to_vec();
        self.cipher
            .decrypt_inout_detached(
                &(*nonce).into(),
                &head,
                text.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| RevealError::WrongKey)?;
        Ok(text)
    }
}

/// Why a masked text cannot be turned back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevealError {
    /// The text is neither a token nor an encrypted value.
    NotMasked,
    /// The text starts like one and is cut off or altered.
    Malformed,
    /// Another version of the program wrote it.
    Version(u8),
    /// Another key wrote it, or it was altered.
    WrongKey,
    /// Format-preserving encryption cannot have written it.
    Refused(Refusal),
}

impl fmt::Display for RevealError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMasked => out
                .write_str("the text is not reversible: it starts with neither `tok_` nor `enc_`"),
            Self::Malformed => out.write_str("the masked text is cut off or altered"),
            Self::Version(version) => write!(
                out,
                "the masked text has format version {version}; this program reads version {VERSION}"
            ),
            Self::WrongKey => out
                .write_str("the key is not the one that masked the text, or the text was altered"),
            Self::Refused(refusal) => write!(
                out,
                "format-preserving encryption cannot have written the text: {refusal}"
            ),
        }
    }
}

impl std::error::Error for RevealError {}

/// The value behind a token or an encrypted text, as it was spelled.
///
/// # Errors
/// [`RevealError`] says why it cannot be had; a wrong key and an altered text cannot be told apart.
pub fn reveal(key: &Key, text: &str) -> Result<String, RevealError> {
    reveal_typed(key, text).map(|(_, text)| text)
}

/// As [`reveal`], with the type the value had: the digits of a number are again a number.
///
/// # Errors
/// As [`reveal`].
pub fn reveal_typed(key: &Key, text: &str) -> Result<(ScalarType, String), RevealError> {
    let (token, body) = match text.strip_prefix(TOKEN_PREFIX) {
        Some(body) => (true, body),
        None => (
            false,
            text.strip_prefix(ENCRYPTED_PREFIX)
                .ok_or(RevealError::NotMasked)?,
        ),
    };
    let payload = BASE64.decode(body).map_err(|_| RevealError::Malformed)?;
    let (head, sealed) = payload
        .split_first_chunk::<HEAD>()
        .ok_or(RevealError::Malformed)?;
    let [version, code] = *head;
    if version != VERSION {
        return Err(RevealError::Version(version));
    }
    let scalar_type = type_of(code).ok_or(RevealError::Malformed)?;
    let plain = if token {
        Token::new(key).open(*head, sealed)?
    } else {
        Encrypt::new(key).open(*head, sealed)?
    };
    let plain = String::from_utf8(plain).map_err(|_| RevealError::Malformed)?;
    Ok((scalar_type, plain))
}

fn write(prefix: &str, payload: &[u8], out: &mut String) {
    out.push_str(prefix);
    BASE64.encode_string(payload, out);
}

fn type_code(scalar_type: ScalarType) -> u8 {
    match scalar_type {
        ScalarType::Text => b't',
        ScalarType::Number => b'n',
        ScalarType::Bool => b'b',
    }
}

fn type_of(code: u8) -> Option<ScalarType> {
    match code {
        b't' => Some(ScalarType::Text),
        b'n' => Some(ScalarType::Number),
        b'b' => Some(ScalarType::Bool),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(key: u8, value: Scalar<'_>) -> String {
        let mut out = String::new();
        Token::new(&[key; 32]).apply(value, &mut out).unwrap();
        out
    }

    fn encrypted(key: u8, value: Scalar<'_>) -> String {
        let mut out = String::new();
        Encrypt::new(&[key; 32]).apply(value, &mut out).unwrap();
        out
    }

    #[test]
    fn equal_values_give_equal_texts() {
        for write in [token, encrypted] {
            let base = write(1, Scalar::Text("ann"));
            assert_eq!(base, write(1, Scalar::Text("ann")));
            assert_ne!(base, write(2, Scalar::Text("ann")));
            assert_ne!(base, write(1, Scalar::Text("Ann")));
        }
        assert_ne!(token(1, Scalar::Text("1")), token(1, Scalar::Number("1")));
    }

    #[test]
    fn reveals_the_value_and_its_type() {
        let long = "ß".repeat(500_000);
        for (value, scalar_type, text) in [
            (Scalar::Text(""), ScalarType::Text, ""),
            (Scalar::Text("ann 🦊"), ScalarType::Text, "ann 🦊"),
            (Scalar::Text(&long), ScalarType::Text, long.as_str()),
            (Scalar::Number("-0.0"), ScalarType::Number, "-0.0"),
            (Scalar::Number("1E-9"), ScalarType::Number, "1E-9"),
            (Scalar::Bool(true), ScalarType::Bool, "true"),
        ] {
            for masked in [token(1, value), encrypted(1, value)] {
                let revealed = reveal_typed(&[1; 32], &masked).unwrap();
                assert!(revealed == (scalar_type, text.to_owned()));
                assert_eq!(reveal(&[2; 32], &masked), Err(RevealError::WrongKey));
            }
        }
    }

    #[test]
    fn says_why_a_text_cannot_be_revealed() {
        let head = |prefix: &str, bytes: &[u8]| format!("{prefix}{}", BASE64.encode(bytes));
        for (text, error) in [
            (String::new(), RevealError::NotMasked),
            ("ann".to_owned(), RevealError::NotMasked),
            ("tok_".to_owned(), RevealError::Malformed),
            ("tok_*".to_owned(), RevealError::Malformed),
            (head("tok_", &[2, b't']), RevealError::Version(2)),
            (head("tok_", &[1, b'x']), RevealError::Malformed),
            (head("tok_", &[1, b't']), RevealError::WrongKey),
            (head("enc_", &[1, b't', 0]), RevealError::Malformed),
            (head("enc_", &[1; 20]), RevealError::Malformed),
        ] {
            assert_eq!(reveal(&[1; 32], &text), Err(error), "{text}");
        }
    }

    #[test]
    fn one_form_is_not_taken_for_the_other() {
        let swapped = token(1, Scalar::Text("a long enough value to hold a nonce"))
            .replacen("tok_", "enc_", 1);
        assert_eq!(reveal(&[1; 32], &swapped), Err(RevealError::WrongKey));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_text_comes_back_and_every_altered_one_is_noticed(text in ".{0,60}", at in 0_usize..1000, flip in 1_u8..=255) {
            for masked in [token(7, Scalar::Text(&text)), encrypted(7, Scalar::Text(&text))] {
                prop_assert!(reveal(&[7; 32], &masked).as_deref() == Ok(text.as_str()));
                let (prefix, body) = masked.split_at(4);
                let mut payload = BASE64.decode(body).unwrap();
                let at = at % payload.len();
                payload[at] ^= flip;
                let altered = format!("{prefix}{}", BASE64.encode(payload));
                prop_assert!(reveal(&[7; 32], &altered).is_err());
            }
        }
    }
}
