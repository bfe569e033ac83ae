//! Paths into a record: `email`, `address.city`, `items[].email`, `address.*`, `"a.b"."c d"`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A parsed path; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A key of an object.
    Key(String),
    /// Every element of an array.
    Items,
    /// Every key of an object; as the last segment, every value below at any depth.
    Any,
}

impl Path {
    /// A path of one key, taken literally.
    pub fn key(name: impl Into<String>) -> Self {
        Self(vec![Segment::Key(name.into())])
    }

    /// A path of these segments; `None` when there are none.
    pub fn new(segments: Vec<Segment>) -> Option<Self> {
        (!segments.is_empty()).then_some(Self(segments))
    }

    /// The steps, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The name of the column when the path is one plain key.
    pub fn as_key(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Segment::Key(name)] => Some(name),
            _ => None,
        }
    }

    /// Whether the path names at most one value of a record: keys only.
    pub fn is_scalar(&self) -> bool {
        self.0.iter().all(|s| matches!(s, Segment::Key(_)))
    }

    /// The first key; the top-level column the path belongs to. `None` for `*`.
    pub fn top(&self) -> Option<&str> {
        match &self.0[0] {
            Segment::Key(name) => Some(name),
            _ => None,
        }
    }

    /// The last key of the path, if it ends in one.
    pub fn leaf(&self) -> Option<&str> {
        match self.0.last() {
            Some(Segment::Key(name)) => Some(name),
            _ => None,
        }
    }

    /// The same path with its last segment replaced by a key.
    #[must_use]
    pub fn with_leaf(&self, name: &str) -> Self {
        let mut segments = self.0.clone();
        segments.pop();
        segments.push(Segment::Key(name.to_owned()));
        Self(segments)
    }
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            rest = match rest.as_bytes().first() {
                Some(quote @ (b'"' | b'`')) => quoted(rest, *quote, &mut segments)?,
                _ => bare(rest, &mut segments)?,
            };
            while let Some(after) = rest.strip_prefix("[]") {
                segments.push(Segment::Items);
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Ok(Self(segments)),
                None => return Err(format!("expected `.` or `[]` before `{rest}`")),
            }
        }
    }
}

fn quoted<'a>(text: &'a str, quote: u8, segments: &mut Vec<Segment>) -> Result<&'a str, String> {
    let quote = quote as char;
    let mut name = String::new();
    let mut characters = text[1..].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c != quote {
            name.push(c);
        } else if characters.peek().is_some_and(|&(_, next)| next == quote) {
            characters.next();
            name.push(quote);
        } else {
            segments.push(Segment::Key(name));
            return Ok(&text[1 + at + 1..]);
        }
    }
    Err(format!("a quoted name has no closing {quote}"))
}

fn bare<'a>(text: &'a str, segments: &mut Vec<Segment>) -> Result<&'a str, String> {
    let end = text
        .find('.')
        .unwrap_or(text.len())
        .min(text.find("[]").unwrap_or(text.len()));
    match &text[..end] {
        "" => return Err("a path segment is empty".to_owned()),
        "*" => segments.push(Segment::Any),
        name => segments.push(Segment::Key(name.to_owned())),
    }
    Ok(&text[end..])
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 && *segment != Segment::Items {
                out.write_str(".")?;
            }
            match segment {
                Segment::Items => out.write_str("[]")?,
                Segment::Any => out.write_str("*")?,
                Segment::Key(name) if needs_quotes(name) => {
                    write!(out, "\"{}\"", name.replace('"', "\"\""))?;
                }
                Segment::Key(name) => out.write_str(name)?,
            }
        }
        Ok(())
    }
}

fn needs_quotes(name: &str) -> bool {
    name.is_empty()
        || name == "*"
        || name.contains('.')
        || name.contains("[]")
        || name.starts_with(['"', '`'])
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_printing() {
        for text in [
            "email",
            "address.city",
            "items[].email",
            "*",
            "address.*",
            "m[][].x",
            "\"a.b\".c d",
            "\"\"",
        ] {
            let path: Path = text.parse().expect(text);
            assert_eq!(path.to_string(), text);
        }
        for bad in ["", ".", "a.", "a..b", "\"open", "a[]b"] {
            assert!(bad.parse::<Path>().is_err(), "{bad}");
        }
    }
}
