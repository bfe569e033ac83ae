//! The address of a server that the environment names, which may hold a name and a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

/// An address with `http` or `https`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl std::fmt::Debug for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Address").field(&self.url()).finish()
    }
}

impl Address {
    /// Reads an address. `None` where it is none, or of another scheme.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let known = matches!(url.scheme(), "http" | "https") && url.has_host();
        known.then_some(Self(url))
    }

    /// What is asked and shown: without name and password, which go into a header, and without what follows `?` and
    /// `#`, which may be a secret too.
    pub fn url(&self) -> String {
        let mut url = self.0.clone();
        let _ = (url.set_username(""), url.set_password(None));
        url.set_fragment(None);
        url.set_query(None);
        url.to_string().trim_end_matches('/').to_owned()
    }

    /// An address relative to this one, as links are.
    pub fn join(&self, to: &str) -> Option<Self> {
        self.0.join(to).ok().map(Self)
    }

    /// An address below this one.
    pub fn below(&self, path: &str) -> Option<Self> {
        Self::parse(&format!("{}/{path}", self.0.as_str().trim_end_matches('/')))
    }

    /// The header that name and password make.
    pub fn credentials(&self) -> Option<String> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (name, password) = (self.0.username(), self.0.password());
        if name.is_empty() && password.is_none() {
            return None;
        }
        let pair = format!(
            "{}:{}",
            decoded(name),
            decoded(password.unwrap_or_default())
        );
        Some(format!("Basic {}", STANDARD.encode(pair)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_neither_asked_nor_shown() {
        let address = Address::parse("https://ann:s%40cret@host:1/a?token=abc#x").expect("one");
        assert_eq!(address.url(), "https://host:1/a");
        assert_eq!(
            address.credentials().as_deref(),
            Some("Basic YW5uOnNAY3JldA==")
        );
        assert!(!format!("{address:?}").contains("cret"));
        let joined = |base: &str, to: &str| {
            let base = Address::parse(base).expect("an address");
            base.join(to).expect("an address").url()
        };
        assert_eq!(
            joined("http://h:1", "api/v1/lineage"),
            "http://h:1/api/v1/lineage"
        );
        assert_eq!(joined("http://h:1/a/", "api/v1"), "http://h:1/a/api/v1");
        assert_eq!(joined("http://h:1/a/", "/api/v1"), "http://h:1/api/v1");
        for text in ["", "host:5000", "ftp://host", "/a", "http://"] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
