//! Tokens: is it really a JSON Web Token, is it really random.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A JSON Web Token: the part before the first dot decodes to a JSON object with `alg` or `enc`.
pub(super) fn jwt(text: &[u8]) -> bool {
    /// A protected header is a few hundred bytes; more is not read.
    const LIMIT: usize = 4096;
    let head = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    if head.len() > LIMIT {
        return false;
    }
    let Ok(header) = URL_SAFE_NO_PAD.decode(head) else {
        return false;
    };
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(&header) else {
        return false;
    };
    fields.contains_key("alg") || fields.contains_key("enc")
}

/// A generated secret: letters and digits both, and at least eight different characters.
pub(super) fn mixed_secret(text: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in text {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different >= 8
        && text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        // RFC 7519, section 3.1.
        let rfc = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(jwt(rfc));
        assert!(!jwt(b"eyJhIjoxfQ.eyJhIjoxfQ.abc"));
        assert!(!jwt(b"eyJ0eXAi.eyJpc3Mi.x") && !jwt(b""));
    }

    #[test]
    fn random_looking() {
        assert!(mixed_secret(b"k9Xw2mP4qL7"));
        assert!(
            !mixed_secret(b"aaaa1111aaaa") && !mixed_secret(b"authorization") && !mixed_secret(b"")
        );
    }
}
