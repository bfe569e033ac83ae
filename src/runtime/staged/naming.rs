//! Whose records a file holds, told by its key.

use regex_automata::meta::Regex;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::Descriptor;

/// The rule that tells a file's stream.
#[derive(Debug, Clone, Default)]
pub enum Naming {
    /// The first folder below the place is the namespace, the second the stream; a single one is the stream.
    #[default]
    Folders,
    /// The place's keys follow a path pattern of destination-s3.
    Path(PathPattern),
    /// Every file is of this stream.
    Fixed(Descriptor),
}

/// A path pattern of destination-s3, as `${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_`.
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    regex: Regex,
    /// Groups of the namespace and the stream.
    namespace: Option<usize>,
    stream: usize,
}

/// What the variables besides the two names stand for. An early version did not pad months.
const VARIABLES: [(&str, &str); 9] = [
    ("YEAR", "[0-9]{4,}"),
    ("MONTH", "[0-9]{1,2}"),
    ("DAY", "[0-9]{1,2}"),
    ("HOUR", "[0-9]{1,2}"),
    ("MINUTE", "[0-9]{1,2}"),
    ("SECOND", "[0-9]{1,2}"),
    ("MILLISECOND", "[0-9]{1,4}"),
    ("EPOCH", "[0-9]+"),
    ("UUID", "[0-9A-Fa-f-]{36}"),
];

impl Naming {
    /// The stream of the object with this key below the place.
    pub(super) fn stream(&self, key: &str, url: &str) -> Result<Descriptor> {
        let found = match self {
            Self::Folders => by_folders(key),
            Self::Path(pattern) => pattern.stream(key),
            Self::Fixed(stream) => Some(stream.clone()),
        };
        found.ok_or_else(|| {
            let message = match self {
                Self::Path(pattern) => {
                    format!("{url}: its key does not follow `{}`", pattern.text)
                }
                _ => format!("{url}: no folder says which stream it is of"),
            };
            Error::new(ErrorKind::Config, message).hint(
                "name the stream, or give the path pattern with ${STREAM_NAME} that the files were written by",
            )
        })
    }
}

/// Folders of a key that are no `column=value` of Hive.
fn folders(key: &str) -> impl Iterator<Item = &str> {
    let (folders, _) = key.rsplit_once('/').unwrap_or(("", key));
    let named = |folder: &&str| !folder.is_empty() && !folder.contains('=');
    folders.split('/').filter(named)
}

fn by_folders(key: &str) -> Option<Descriptor> {
    let mut folders = folders(key);
    let first = folders.next()?.to_owned();
    Some(match folders.next() {
        Some(second) => Descriptor {
            namespace: Some(first),
            name: second.to_owned(),
        },
        None => Descriptor {
            namespace: None,
            name: first,
        },
    })
}

impl PathPattern {
    /// Reads a pattern; other variables than destination-s3's stay literal text, as they do there.
    ///
    /// # Errors
    /// `Config` when it does not have `${STREAM_NAME}` once, or has `${NAMESPACE}` twice.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            let message = format!("the path pattern `{text}` {what}");
            Error::new(ErrorKind::Config, message)
        };
        let mut regex = String::from("^");
        let (mut groups, mut namespace, mut stream) = (0, None, None);
        let mut rest = text.trim_start_matches('/');
        while !rest.is_empty() {
            let variable = rest
                .strip_prefix("${")
                .and_then(|inner| inner.split_once('}'));
            let known = |name: &str| VARIABLES.iter().find(|(known, _)| *known == name);
            match variable {
                Some(("NAMESPACE" | "STREAM_NAME", _)) => groups += 1,
                Some((name, behind)) if known(name).is_some() => {
                    regex.push_str(known(name).map_or("", |(_, form)| form));
                    rest = behind;
                    continue;
                }
                _ => {
                    let length = rest.chars().next().map_or(1, char::len_utf8);
                    literal(&mut regex, &rest[..length]);
                    rest = &rest[length..];
                    continue;
                }
            }
            let Some((name, behind)) = variable else {
                break;
            };
            rest = behind;
            let place = if name == "NAMESPACE" {
                &mut namespace
            } else {
                &mut stream
            };
            if place.replace(groups).is_some() {
                return Err(wrong(&format!("has `${{{name}}}` twice")));
            }
            // Without a namespace its folder is left out.
            match behind.strip_prefix('/').filter(|_| name == "NAMESPACE") {
                Some(behind) => {
                    regex.push_str("(?:([^/=]+?)/)?");
                    rest = behind;
                }
                None => regex.push_str("([^/=]+?)"),
            }
        }
        let stream = stream.ok_or_else(|| {
            wrong("does not have `${STREAM_NAME}`").hint("or name the stream, if there is one only")
        })?;
        // A name at the very end takes its whole folder.
        if text.ends_with("${STREAM_NAME}") || text.ends_with("${NAMESPACE}") {
            regex.push_str("(?:/|$)");
        }
        let regex = Regex::new(&regex).map_err(|error| wrong("cannot be read").because(error))?;
        Ok(Self {
            text: text.to_owned(),
            regex,
            namespace,
            stream,
        })
    }

    fn stream(&self, key: &str) -> Option<Descriptor> {
        self.matched(key).or_else(|| {
            let (_, name) = key.rsplit_once('/').unwrap_or(("", key));
            let mut plain: Vec<_> = folders(key).collect();
            plain.push(name);
            self.matched(&plain.join("/"))
        })
    }

    fn matched(&self, key: &str) -> Option<Descriptor> {
        let mut captures = self.regex.create_captures();
        self.regex.captures(key, &mut captures);
        let group = |index| Some(key[captures.get_group(index)?.range()].to_owned());
        Some(Descriptor {
            name: group(self.stream)?,
            namespace: self.namespace.and_then(group),
        })
    }
}

fn literal(regex: &mut String, text: &str) {
    if !text.chars().all(char::is_alphanumeric) && text.is_ascii() {
        regex.push('\\');
    }
    regex.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(naming: &Naming, key: &str) -> Option<String> {
        naming
            .stream(key, key)
            .ok()
            .map(|stream| stream.to_string())
    }

    #[test]
    fn folders_name_the_stream() {
        for (key, stream) in [
            ("public/users/2024_01_01_0.jsonl", Some("public.users")),
            ("public/users/deep/a.jsonl", Some("public.users")),
            ("users/a.jsonl", Some("users")),
            ("users/day=2024-01-01/a.jsonl", Some("users")),
            ("region=eu/public/day=1/users/a.jsonl", Some("public.users")),
            ("a.jsonl", None),
        ] {
            assert_eq!(told(&Naming::Folders, key).as_deref(), stream, "{key}");
        }
    }

    #[test]
    fn a_path_pattern_names_the_stream() {
        let default = "${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_";
        for (pattern, key, stream) in [
            (
                default,
                "public/users/2024_01_01_1787270400000_0.csv",
                Some("public.users"),
            ),
            (
                default,
                "users/2024_1_01_1787270400000_0.csv",
                Some("users"),
            ),
            (default, "users/other_0.csv", None),
            (
                "raw/${STREAM_NAME}_${YEAR}_",
                "raw/my_users_2024_0.csv",
                Some("my_users"),
            ),
            ("${STREAM_NAME}/", "region=eu/users/x.csv", Some("users")),
            ("${NAMESPACE}_${STREAM_NAME}/", "a_b/x.csv", Some("a.b")),
            (
                "year=${YEAR}/${STREAM_NAME}",
                "year=2024/users/x.csv",
                Some("users"),
            ),
            (
                "${NAMESPACE}/x.${UUID}/${STREAM_NAME}",
                "n/x.00000000-0000-0000-0000-000000000000/s/1.csv",
                Some("n.s"),
            ),
            ("${OTHER}/${STREAM_NAME}/", "${OTHER}/s/1.csv", Some("s")),
        ] {
            let naming = Naming::Path(PathPattern::parse(pattern).expect("a pattern"));
            assert_eq!(told(&naming, key).as_deref(), stream, "{pattern} {key}");
        }
        for wrong in ["${NAMESPACE}/", "${STREAM_NAME}/${STREAM_NAME}"] {
            assert!(PathPattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
