//! Keys of parts: destination-s3's patterns, and Hive's folders.
//!
//! A path pattern (`${NAMESPACE}/${STREAM_NAME}/…`) and a file pattern (`{part_number}{format_extension}`) are put
//! behind one another as text, without a slash between. Times are those of the run's start in UTC, so that every
//! part of a run has the same; `{timestamp}` is the present. What no variable is stays as it is written.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// destination-s3's patterns, which are ours too.
pub const PATH: &str = "${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_";
/// The file's part of them.
pub const FILE: &str = "{part_number}{format_extension}";

/// The folder of rows whose partition column is null, as Hive calls it.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Longest value of a partition in a key.
const VALUE_BYTES_MAX: usize = 200;

/// What the names of a run's parts are made of.
#[derive(Debug, Clone)]
pub struct Names {
    pub path: String,
    pub file: String,
    pub start: DateTime<Utc>,
    /// Stands for `UUID`.
    pub run: String,
    pub extension: &'static str,
}

/// One part.
#[derive(Debug, Clone, Copy)]
pub struct PartName<'a> {
    pub namespace: Option<&'a str>,
    pub stream: &'a str,
    pub number: u64,
    pub sync_id: i64,
    pub now: DateTime<Utc>,
    /// Hive folders, from [`partition`].
    pub partition: &'a str,
    /// Tells apart parts that would have one name; 0 for the first.
    pub ordinal: u32,
}

impl Names {
    /// The key of a part.
    pub fn key(&self, part: &PartName<'_>) -> String {
        let (path, file) = (self.path(part), self.file(part));
        let whole = format!("{path}{file}");
        let clean: Vec<&str> = whole.split('/').filter(|name| !name.is_empty()).collect();
        let (name, folders) = clean.split_last().unwrap_or((&"part", &[]));
        let mut key = String::new();
        for folder in folders {
            key.push_str(if [".", ".."].contains(folder) {
                "_"
            } else {
                folder
            });
            key.push('/');
        }
        key.push_str(part.partition);
        let (stem, extension) = match name.strip_suffix(self.extension) {
            Some(stem) => (stem, self.extension),
            None => (*name, ""),
        };
        key.push_str(stem);
        if part.ordinal > 0 {
            key.push_str(&format!("-{}", part.ordinal));
        }
        key.push_str(extension);
        key
    }

    /// The folder that all parts of a stream lie in: what of the path pattern does not change with time.
    pub fn folder(&self, namespace: Option<&str>, stream: &str) -> String {
        let path = replaced(&self.path, ("${", "}"), |variable| match variable {
            "NAMESPACE" => Some(plain(namespace.unwrap_or_default())),
            "STREAM_NAME" => Some(plain(stream)),
            _ => None,
        });
        let end = path.find("${").unwrap_or(path.len());
        let folder = path[..end]
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let names = folder.split('/').filter(|name| !name.is_empty());
        names.collect::<Vec<_>>().join("/")
    }

    fn path(&self, part: &PartName<'_>) -> String {
        let start = self.start;
        replaced(&self.path, ("${", "}"), |variable| {
            Some(match variable {
                "NAMESPACE" => plain(part.namespace.unwrap_or_default()),
                "STREAM_NAME" => plain(part.stream),
                "YEAR" => format!("{:04}", start.year()),
                "MONTH" => format!("{:02}", start.month()),
                "DAY" => format!("{:02}", start.day()),
                "HOUR" => format!("{:02}", start.hour()),
                "MINUTE" => format!("{:02}", start.minute()),
                "SECOND" => format!("{:02}", start.second()),
                "MILLISECOND" => format!("{:04}", start.timestamp_subsec_millis()),
                "EPOCH" => start.timestamp_millis().to_string(),
                "UUID" => self.run.clone(),
                _ => return None,
            })
        })
    }

    fn file(&self, part: &PartName<'_>) -> String {
        replaced(&self.file, ("{", "}"), |variable| {
            Some(match variable {
                "date" => self.start.format("%Y_%m_%d").to_string(),
                "date:yyyy_MM" => self.start.format("%Y_%m").to_string(),
                "timestamp" | "timestamp:millis" => part.now.timestamp_millis().to_string(),
                "timestamp:micros" => part.now.timestamp_micros().to_string(),
                "part_number" => part.number.to_string(),
                "sync_id" => part.sync_id.to_string(),
                "format_extension" => self.extension.to_owned(),
                _ => return None,
            })
        })
    }
}

/// Whether a path pattern has a folder of its own for every stream: one that names it before anything that changes.
pub fn has_folder(path: &str) -> bool {
    let known = path
        .replace("${NAMESPACE}", "n")
        .replace("${STREAM_NAME}", "\0");
    let end = known.find("${").unwrap_or(known.len());
    let folder = known[..end].rsplit_once('/');
    folder.is_some_and(|(folder, _)| folder.contains('\0'))
}

/// The folder of one value of a partition column, as `country=DE/`.
pub fn partition(column: &str, value: Option<&str>) -> String {
    let value = match value {
        Some("") | None => NULL_PARTITION.to_owned(),
        Some(value) => escaped(value),
    };
    format!("{}={value}/", escaped(column))
}

/// Characters that Hive writes as `%XX`, and those that a key had better not hold.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || " -_.,@+".contains(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        if out.len() > VALUE_BYTES_MAX {
            break;
        }
    }
    out
}

/// A name as part of a key: it opens no folder of its own.
fn plain(name: &str) -> String {
    let keep = |c: char| !c.is_control() && !"/\\#%?*\"<>|{}^`[]~".contains(c);
    name.chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect()
}

/// `pattern` with its variables between `open` and `close` replaced; those unknown stay.
fn replaced(
    pattern: &str,
    (open, close): (&str, &str),
    value: impl Fn(&str) -> Option<String>,
) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(open) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inner = &from[open.len()..];
        match inner.find(close).map(|end| (end, value(&inner[..end]))) {
            Some((end, Some(value))) => {
                out.push_str(&value);
                rest = &inner[end + close.len()..];
            }
            _ => {
                out.push_str(open);
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str, file: &str, part: &PartName<'_>) -> String {
        let names = Names {
            path: path.to_owned(),
            file: file.to_owned(),
            start: part.now,
            run: "r1".to_owned(),
            extension: ".parquet",
        };
        names.key(part)
    }

    #[test]
    fn keys_are_those_of_destination_s3() {
        let now = "2026-08-21T04:00:00.007Z".parse().expect("a time");
        let part = PartName {
            namespace: Some("public"),
            stream: "users",
            number: 3,
            sync_id: 9,
            now,
            partition: "",
            ordinal: 0,
        };
        assert_eq!(
            key(PATH, FILE, &part),
            "public/users/2026_08_21_1787284800007_3.parquet"
        );
        let bare = PartName {
            namespace: None,
            stream: "a/../b",
            ordinal: 2,
            ..part
        };
        assert_eq!(
            key(PATH, FILE, &bare),
            "a_.._b/2026_08_21_1787284800007_3-2.parquet"
        );
        assert_eq!(
            key(
                "x/${HOUR}${MINUTE}${SECOND}.${MILLISECOND}/${OTHER}/${UUID}",
                "-{sync_id}-{date}-{date:yyyy_MM}-{other}",
                &part
            ),
            "x/040000.0007/${OTHER}/r1-9-2026_08_21-2026_08-{other}"
        );
        let hive = format!("{}{}", partition("a=b", Some("x/y")), partition("c", None));
        let parted = PartName {
            partition: &hive,
            ..part
        };
        assert_eq!(
            key("${STREAM_NAME}/", FILE, &parted),
            "users/a%3Db=x%2Fy/c=__HIVE_DEFAULT_PARTITION__/3.parquet"
        );
    }
}
