//! Where keys come from, and the keys themselves once read.
//!
//! Reads nothing by itself: the environment and the files are handed in. No message, and no `Debug`
//! output, ever shows what a variable or a file holds.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::document::{Problem, Problems};

/// The length of every key, in bytes.
pub const KEY_BYTES: usize = 32;

/// Where a key comes from; never the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// An environment variable.
    Env(String),
    /// A file, as written in the configuration.
    File(PathBuf),
}

/// A key of [`KEY_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

/// The keys of a configuration by name.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeMap<String, Key>);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the cipher alone.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads 64 hex digits, or base64 of the standard or the URL-safe alphabet with or without
    /// padding; whitespace around it is ignored. `None` for anything else.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = if text.len() == 2 * KEY_BYTES {
            hex::decode(text).ok()?
        } else {
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let url_safe = text.contains(['-', '_']);
            let alphabet = if url_safe { &URL_SAFE } else { &STANDARD };
            GeneralPurpose::new(alphabet, config).decode(text).ok()?
        };
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key(..)")
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(out, "the environment variable `{name}`"),
            Self::File(path) => write!(out, "the file `{}`", path.display()),
        }
    }
}

impl Keys {
    /// Names the keys without saying anything of them.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new_with_prefix(b"midflight keys 1");
        for (name, key) in &self.0 {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(key.0);
        }
        hex::encode(&hash.finalize()[..8])
    }

    /// Reads every key through the two functions given; a key that cannot be read is a problem of
    /// `file`, the configuration, and missing from the result.
    pub fn resolve(
        sources: &BTreeMap<String, KeySource>,
        read_env: &dyn Fn(&str) -> Option<String>,
        read_file: &dyn Fn(&Path) -> io::Result<String>,
        file: &str,
        problems: &mut Problems,
    ) -> Self {
        let mut keys = BTreeMap::new();
        for (name, source) in sources {
            let text = match source {
                KeySource::Env(variable) => {
                    read_env(variable).ok_or_else(|| format!("{source} is not set"))
                }
                KeySource::File(path) => {
                    read_file(path).map_err(|error| format!("{source} cannot be read: {error}"))
                }
            };
            let key = text.and_then(|text| {
                Key::read(&text).ok_or_else(|| format!("{source} does not hold a key of 32 bytes"))
            });
            match key {
                Ok(key) => {
                    keys.insert(name.clone(), key);
                }
                Err(message) => problems.push(Problem {
                    file: file.to_owned(),
                    at: None,
                    message: format!("the key `{name}`: {message}"),
                    hint: Some(
                        "a key is 64 hex digits or base64, as `openssl rand -hex 32` writes it"
                            .to_owned(),
                    ),
                }),
            }
        }
        Self(keys)
    }

    /// The key of this name.
    pub fn get(&self, name: &str) -> Option<&Key> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn resolve(text: Option<&str>) -> (Keys, Vec<String>) {
        let sources = BTreeMap::from([("k".to_owned(), KeySource::Env("VAR".to_owned()))]);
        let mut problems = Problems::new();
        let read_env = |name: &str| text.filter(|_| name == "VAR").map(str::to_owned);
        let read_file = |_: &Path| Err(io::Error::from(io::ErrorKind::NotFound));
        let keys = Keys::resolve(&sources, &read_env, &read_file, "f.yaml", &mut problems);
        (keys, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn hex_and_base64_are_keys() {
        let counting: [u8; 32] = std::array::from_fn(|i| i as u8);
        for (text, bytes) in [
            (HEX.to_owned(), counting),
            (HEX.to_uppercase(), counting),
            (format!("  {HEX}\r\n"), counting),
            (
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
                counting,
            ),
            (
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned(),
                counting,
            ),
            (
                "//////////////////////////////////////////8=".to_owned(),
                [255; 32],
            ),
            (
                "__________________________________________8".to_owned(),
                [255; 32],
            ),
        ] {
            let (keys, problems) = resolve(Some(&text));
            assert_eq!(problems, Vec::<String>::new(), "{text}");
            assert_eq!(keys.get("k").map(Key::bytes), Some(&bytes), "{text}");
        }
    }

    #[test]
    fn anything_else_is_a_problem_that_keeps_the_secret() {
        const WRONG: &str = "f.yaml: the key `k`: the environment variable `VAR` does not hold a key of 32 bytes; \
                             a key is 64 hex digits or base64, as `openssl rand -hex 32` writes it";
        let cut = &HEX[..62];
        let off = format!("{}zz", &HEX[..62]);
        for text in ["", "hunter2", cut, &off, "AAECAwQFBgcICQoLDA0ODw==", "ключ"] {
            let (keys, problems) = resolve(Some(text));
            assert!(keys.get("k").is_none(), "{text}");
            assert_eq!(problems, [WRONG], "{text}");
        }
        let (_, problems) = resolve(None);
        assert!(problems[0].contains("`VAR` is not set"), "{problems:?}");
    }

    #[test]
    fn files_are_read_through_the_function_given() {
        let sources = BTreeMap::from([
            (
                "good".to_owned(),
                KeySource::File(PathBuf::from("good.key")),
            ),
            (
                "gone".to_owned(),
                KeySource::File(PathBuf::from("gone.key")),
            ),
        ]);
        let mut problems = Problems::new();
        let read_file = |path: &Path| match path.to_str() {
            Some("good.key") => Ok(format!("{HEX}\n")),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        };
        let keys = Keys::resolve(&sources, &|_| None, &read_file, "f.yaml", &mut problems);
        assert!(keys.get("good").is_some());
        assert_eq!(format!("{keys:?}"), "Keys({\"good\": Key(..)})");
        let told: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            told,
            ["the key `gone`: the file `gone.key` cannot be read: no such file"]
        );
    }
}
