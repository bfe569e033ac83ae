//! Which objects are meant: a prefix or a glob, and the rules that hold for what it finds.

use globset::{GlobBuilder, GlobMatcher};

use super::format::Format;
use super::naming::Naming;
use crate::error::{Error, ErrorKind, Result};

/// Characters that begin a glob.
const WILD: [char; 3] = ['*', '?', '{'];

/// A prefix, or a glob as `s3://bucket/stage/**/*.jsonl.gz`.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Where everything lies that it can find.
    place: String,
    /// What a key below the place must look like; every key where it is a prefix.
    glob: Option<GlobMatcher>,
    pub(super) naming: Naming,
    pub(super) format: Option<Format>,
    pub(super) skips_unknown: bool,
}

impl Pattern {
    /// Reads a prefix or a glob with `*` and `?` within a folder, `**` across folders, and `{a,b}`.
    ///
    /// # Errors
    /// `Config` when it is no glob, or begins before the first folder.
    pub fn parse(text: &str) -> Result<Self> {
        let (place, glob) = split(text);
        let wrong = |what: &str| {
            let message = format!("the pattern `{text}` {what}");
            Error::new(ErrorKind::Config, message)
        };
        if glob.is_some() && place.ends_with(':') {
            return Err(wrong("leaves open which bucket is meant"));
        }
        let glob = glob.map(|glob| {
            GlobBuilder::new(glob)
                .literal_separator(true)
                .empty_alternates(true)
                .build()
                .map(|glob| glob.compile_matcher())
        });
        Ok(Self {
            place: place.to_owned(),
            glob: glob
                .transpose()
                .map_err(|error| wrong("is no glob").because(error))?,
            naming: Naming::default(),
            format: None,
            skips_unknown: false,
        })
    }

    /// Tells streams by this rule; by folders unless it is given.
    #[must_use]
    pub fn named(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Every file is of this format, whatever its name says.
    #[must_use]
    pub fn formatted(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Files whose name does not say what they are, are passed over.
    #[must_use]
    pub fn skipping_unknown(mut self) -> Self {
        self.skips_unknown = true;
        self
    }

    /// The directory or URL to be opened as a [`Bucket`](crate::runtime::bucket::Bucket), below which it finds objects.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether it is a prefix, which may also be one object.
    pub(super) fn is_prefix(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether an object with this key below the place is meant.
    pub(super) fn finds(&self, key: &str) -> bool {
        !is_own(key) && self.glob.as_ref().is_none_or(|glob| glob.is_match(key))
    }
}

/// The longest folder without a wildcard, and the glob below it.
fn split(text: &str) -> (&str, Option<&str>) {
    let Some(wild) = text.find(WILD) else {
        return (text, None);
    };
    match text[..wild].rfind('/') {
        Some(0) => ("/", Some(&text[1..])),
        Some(at) => (text[..at].trim_end_matches('/'), Some(&text[at + 1..])),
        None => (".", Some(text)),
    }
}

/// Whether a key belongs to a writer's books, or is hidden.
fn is_own(key: &str) -> bool {
    let books =
        |segment: &str| segment.starts_with("_midflight") || segment.starts_with("_delta_log");
    let name = key.rsplit('/').next().unwrap_or(key);
    name.starts_with(['.', '_']) || key.split('/').any(books)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_finds_keys_below_its_longest_folder() {
        let (all, none): (&[&str], &[&str]) = (&["a.csv", "x/y.json"], &[]);
        for (text, place, found, others) in [
            ("s3://b/stage", "s3://b/stage", all, none),
            (
                "s3://b/stage/**/*.jsonl.gz",
                "s3://b/stage",
                &["a.jsonl.gz", "n/s/a.jsonl.gz"],
                &["a.jsonl", "n/s/a.csv"],
            ),
            (
                "s3://b/stage/part-*",
                "s3://b/stage",
                &["part-1"],
                &["part-1/x", "other"],
            ),
            (
                "gs://b/*/{users,orders}/?.csv",
                "gs://b",
                &["p/users/1.csv"],
                &["users/1.csv", "p/users/12.csv"],
            ),
            ("/data/*.csv", "/data", &["a.csv"], &["a/b.csv"]),
            ("*.csv", ".", &["a.csv"], &["b/a.csv"]),
            ("/*.csv", "/", &["a.csv"], none),
        ] {
            let pattern = Pattern::parse(text).expect(text);
            assert_eq!(pattern.place(), place, "{text}");
            for key in found {
                assert!(pattern.finds(key), "{text} {key}");
            }
            for key in others {
                assert!(!pattern.finds(key), "{text} {key}");
            }
        }
        for wrong in ["s3://b*/x", "s3://b/{a"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn books_and_hidden_files_are_left_alone() {
        let pattern = Pattern::parse("s3://b").expect("a pattern");
        for key in [
            "_midflight/log/1.json",
            "a/_midflight-x/y",
            "t/_delta_log/0.json",
            "a/_SUCCESS",
            "a/.x.csv",
        ] {
            assert!(!pattern.finds(key), "{key}");
        }
        assert!(pattern.finds("_folder/a.csv"));
    }
}
