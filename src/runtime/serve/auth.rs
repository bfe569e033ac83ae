//! Who may send events: whoever knows a secret, or can sign with it.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Error, ErrorKind, Result};

/// Shorter secrets can be guessed.
const SECRET_BYTES: usize = 16;

/// A secret that senders share with us. Nothing shows it.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// What a request brings to prove who sent it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Proof<'r> {
    /// The header `authorization`.
    pub authorization: Option<&'r str>,
    /// The header `x-midflight-secret`.
    pub secret: Option<&'r str>,
    /// The query parameter `code` or `token`, for senders that can set no header.
    pub parameter: Option<&'r str>,
    /// The header `x-midflight-signature`: `sha256=` and the HMAC of the body as hex.
    pub signature: Option<&'r str>,
}

impl Secret {
    /// A secret from a text; white space around it is ignored.
    ///
    /// # Errors
    /// `Config` when it is too short to be one.
    pub fn new(text: &str, source: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() < SECRET_BYTES {
            let message = format!("{source} holds no secret of at least {SECRET_BYTES} characters");
            return Err(Error::new(ErrorKind::Config, message)
                .hint("`openssl rand -hex 32` makes a good one"));
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    /// The secret that an environment variable or a file holds; `None` when neither is named.
    ///
    /// # Errors
    /// `Config` when it cannot be read or is too short.
    pub fn find(variable: Option<&str>, file: Option<&Path>) -> Result<Option<Self>> {
        if let Some(name) = variable {
            let source = format!("the environment variable `{name}`");
            let text = std::env::var(name)
                .map_err(|_| Error::new(ErrorKind::Config, format!("{source} is not set")))?;
            return Self::new(&text, &source).map(Some);
        }
        let Some(path) = file else { return Ok(None) };
        let source = format!("the file `{}`", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Config, format!("{source} cannot be read")).because(error)
        })?;
        Self::new(&text, &source).map(Some)
    }

    /// Whether a request proves that its sender knows the secret. A signature decides alone where there is one.
    pub fn admits(&self, proof: &Proof<'_>, body: &[u8]) -> bool {
        if let Some(signature) = proof.signature {
            let hex = signature.strip_prefix("sha256=").unwrap_or_default();
            let signed = hex::decode(hex).unwrap_or_default();
            return self
                .mac(body)
                .is_some_and(|mac| mac.verify_slice(&signed).is_ok());
        }
        let bearer = proof.authorization.map(|value| {
            let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
            match scheme.eq_ignore_ascii_case("bearer") {
                true => rest.trim(),
                false => value,
            }
        });
        // Every one is looked at, whatever the others were.
        let presented = [bearer, proof.secret, proof.parameter];
        presented
            .iter()
            .flatten()
            .fold(false, |admitted, text| self.is(text) | admitted)
    }

    /// Compares in a time that depends on neither: tags are compared, not texts.
    fn is(&self, presented: &str) -> bool {
        let tags = (self.mac(presented.as_bytes()), self.mac(&self.0));
        let (Some(presented), Some(own)) = tags else {
            return false;
        };
        presented.verify_slice(&own.finalize().into_bytes()).is_ok()
    }

    fn mac(&self, bytes: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).ok()?;
        mac.update(bytes);
        Some(mac)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "correct horse battery";

    #[test]
    fn the_secret_is_taken_from_each_of_its_places() {
        let secret = Secret::new(&format!(" {TEXT}\n"), "a test").expect("a secret");
        let bearer = format!("Bearer {TEXT}");
        for (authorization, header, parameter, admitted) in [
            (Some(bearer.as_str()), None, None, true),
            (Some("bearer wrong"), None, None, false),
            (Some("Basic x"), Some(TEXT), None, true),
            (None, Some("wrong"), Some(TEXT), true),
            (None, None, Some(""), false),
            (None, None, None, false),
        ] {
            let proof = Proof {
                authorization,
                secret: header,
                parameter,
                signature: None,
            };
            assert_eq!(secret.admits(&proof, b"{}"), admitted, "{proof:?}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }

    #[test]
    fn a_signature_speaks_for_one_body() {
        let secret = Secret::new(TEXT, "a test").expect("a secret");
        // printf '{}' | openssl dgst -sha256 -hmac 'correct horse battery'
        let signature = format!("sha256={SIGNATURE}");
        let admits = |signature: &str, body: &[u8]| {
            let proof = Proof {
                signature: Some(signature),
                secret: Some(TEXT),
                ..Proof::default()
            };
            secret.admits(&proof, body)
        };
        assert!(admits(&signature, b"{}"));
        assert!(!admits(&signature, b"{ }"));
        assert!(!admits(&signature[..20], b"{}"));
        assert!(!admits(SIGNATURE, b"{}"));
        assert!(!admits("sha256=", b"{}"));
    }

    const SIGNATURE: &str = "e65dfd88241a77d34735cbabef15ce4b7c47daf5493e2655cbb8322fc576bbb1";

    #[test]
    fn a_short_secret_is_none() {
        let error = Secret::new("  short  ", "the file `f`").expect_err("too short");
        assert_eq!(
            error.message(),
            "the file `f` holds no secret of at least 16 characters"
        );
    }
}
