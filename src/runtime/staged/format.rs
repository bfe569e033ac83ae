//! What a file is, told by its name: the format, and how it is packed.

use crate::error::{Error, ErrorKind, Result};

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values under a row of names.
    Csv,
    /// An Avro object container.
    Avro,
    /// Parquet.
    Parquet,
}

/// Endings of names, and what they mean.
const ENDINGS: [(&str, Format); 6] = [
    ("jsonl", Format::JsonLines),
    ("ndjson", Format::JsonLines),
    ("json", Format::JsonLines),
    ("csv", Format::Csv),
    ("avro", Format::Avro),
    ("parquet", Format::Parquet),
];

/// How a text file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// What the first bytes of a file say.
    pub fn of_bytes(first: &[u8]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A frame that zstd's readers pass over.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The packing that a name ends in, and the name before it.
    pub fn of_name(name: &str) -> (Option<Self>, &str) {
        let name = without_ordinal(name);
        let ending = |packing, endings: [&str; 2]| {
            let before = endings
                .into_iter()
                .find_map(|ending| strip_ending(name, ending))?;
            Some((Some(packing), before))
        };
        ending(Self::Gzip, ["gz", "gzip"])
            .or_else(|| ending(Self::Zstd, ["zst", "zstd"]))
            .unwrap_or((None, name))
    }

    /// Its name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl Format {
    /// The format that a file's name ends in.
    pub fn of_name(name: &str) -> Option<Self> {
        let (packing, name) = Packing::of_name(name);
        let (_, format) = ENDINGS
            .into_iter()
            .find(|(ending, _)| strip_ending(name, ending).is_some())?;
        (packing.is_none() || format.is_text()).then_some(format)
    }

    /// Whether its files are text, and may be packed as a whole.
    pub fn is_text(self) -> bool {
        matches!(self, Self::JsonLines | Self::Csv)
    }

    /// The error of a file whose name says nothing.
    pub(super) fn unknown(url: &str) -> Error {
        let known: Vec<_> = ENDINGS
            .iter()
            .map(|(ending, _)| format!(".{ending}"))
            .collect();
        let message = format!("{url}: its name does not say what it is");
        Error::new(ErrorKind::Config, message).hint(format!(
            "known are {}, text also with .gz or .zst; give a format, or a pattern that leaves the file out",
            known.join(", ")
        ))
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = ENDINGS.into_iter().find(|(ending, _)| *ending == text);
        found.map(|(_, format)| format).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("`{text}` is no format of staged files"),
            )
            .hint("write jsonl, csv, avro or parquet")
        })
    }
}

/// The name before `.ending`, in letters of any case.
fn strip_ending<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let at = name.len().checked_sub(ending.len() + 1)?;
    let tail = name.get(at..)?.strip_prefix('.')?;
    tail.eq_ignore_ascii_case(ending).then(|| &name[..at])
}

/// destination-s3 appends `-1`, `-2`, … where a name is taken.
fn without_ordinal(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((before, ordinal))
            if !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            before
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_are() {
        for (name, format, packing) in [
            ("a.jsonl", Some(Format::JsonLines), None),
            ("a.JSON.gz", Some(Format::JsonLines), Some(Packing::Gzip)),
            ("a.ndjson.zst", Some(Format::JsonLines), Some(Packing::Zstd)),
            (
                "2024_01_01_17_0.csv.gz-12",
                Some(Format::Csv),
                Some(Packing::Gzip),
            ),
            ("c000.snappy.parquet", Some(Format::Parquet), None),
            ("a.avro-1", Some(Format::Avro), None),
            ("a.parquet.gz", None, Some(Packing::Gzip)),
            ("a-7", None, None),
            ("jsonl", None, None),
            ("é.txt", None, None),
        ] {
            assert_eq!(Format::of_name(name), format, "{name}");
            assert_eq!(Packing::of_name(name).0, packing, "{name}");
        }
    }
}
