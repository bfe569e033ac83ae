//! `catalogue`: who says what may be shown to a model.

use std::path::PathBuf;

use super::embed::{read_secret, read_url};
use super::read::{read_file_path, read_name};
use crate::document::{Fields, Node, Problems};
use crate::model::embedding::Secret;
use crate::plan::catalogue::TagPolicy;

/// Minutes for which an answer holds unless the configuration says otherwise.
const MINUTES: i64 = 60;
/// The longest that it may say, a month.
const MINUTES_MAX: i64 = 31 * 24 * 60;

/// Tags that forbid, unless the configuration names others.
const DENY: [&str; 4] = [
    "PII.Sensitive",
    "PII.NonSensitive",
    "PersonalData.Personal",
    "PersonalData.SpecialCategory",
];

/// A catalogue, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueSpec {
    pub from: CatalogueFrom,
    /// For catalogues that know tags.
    pub tags: TagPolicy,
    pub cache: Option<CacheSpec>,
    /// Not even the names of denied columns are told.
    pub hide_names: bool,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogueFrom {
    /// A file with the answers themselves.
    File(PathBuf),
    OpenMetadata(Server),
    DataHub(Server),
}

/// A catalogue behind HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What stands before the paths of its interface.
    pub url: String,
    /// What it calls a stream: a text with `{namespace}` and `{stream}`.
    pub name: String,
    pub key: Option<Secret>,
}

/// A file of answers that a server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSpec {
    pub file: PathBuf,
    /// How long an answer holds.
    pub minutes: u32,
}

pub(super) fn read(node: &Node, file: &str, problems: &mut Problems) -> Option<CatalogueSpec> {
    let mut fields = Fields::of(node, "`catalogue`", file, problems)?;
    let local = fields.take("file").map(|node| {
        let path = read_file_path(node, file, problems)?;
        Some(CatalogueFrom::File(path))
    });
    let metadata = fields.take("openmetadata").map(|node| {
        let server = read_server(node, "`openmetadata`", "table", file, problems)?;
        Some(CatalogueFrom::OpenMetadata(server))
    });
    let hub = fields.take("datahub").map(|node| {
        let server = read_server(node, "`datahub`", "dataset", file, problems)?;
        Some(CatalogueFrom::DataHub(server))
    });
    let tagged = metadata.is_some() || hub.is_some();
    let allow = read_tags(&mut fields, "allow_tags", problems);
    let deny = read_tags(&mut fields, "deny_tags", problems);
    let cache = fields
        .take("cache")
        .map(|node| read_cache(node, file, problems));
    let hide_names = fields.boolean("hide_names", problems).unwrap_or(false);
    let at = fields.at();
    fields.finish(problems);
    if tagged && allow.is_none() {
        let message = "`catalogue` needs the key `allow_tags`";
        let hint = "name the tags that say that a table may be shown to a model";
        problems.push_hint(file, at, message, hint);
    }
    if !tagged && (allow.is_some() || deny.is_some() || cache.is_some()) {
        let message = "tags and a cache go with `openmetadata` or `datahub`";
        problems.push_at(file, at, message);
    }
    let mut given = [local, metadata, hub].into_iter().flatten();
    let (Some(from), None) = (given.next(), given.next()) else {
        let message = "a catalogue is one of `file`, `openmetadata` and `datahub`";
        problems.push_at(file, at, message);
        return None;
    };
    let cache = match cache {
        None => None,
        Some(cache) => Some(cache?),
    };
    let deny = deny.unwrap_or_else(|| DENY.iter().map(|tag| (*tag).to_owned()).collect());
    Some(CatalogueSpec {
        from: from?,
        tags: TagPolicy {
            allow: allow.unwrap_or_default(),
            deny,
        },
        cache,
        hide_names,
    })
}

fn read_tags(
    fields: &mut Fields<'_>,
    name: &'static str,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let tags = fields.texts(name, problems)?;
    Some(tags.into_iter().map(|(tag, _)| tag.to_owned()).collect())
}

fn read_server(
    node: &Node,
    what: &str,
    name: &'static str,
    file: &str,
    problems: &mut Problems,
) -> Option<Server> {
    let mut fields = Fields::of(node, what, file, problems)?;
    let url = fields
        .require("url", problems)
        .and_then(|node| read_url(node, "url", file, problems));
    let pattern = fields.require(name, problems).and_then(|node| {
        let text = read_name(node, "the name", file, problems)?;
        if text.contains("{stream}") {
            return Some(text.to_owned());
        }
        let hint = "write it as \"warehouse.airbyte.{namespace}.{stream}\"";
        problems.push_hint(
            file,
            node.at,
            format!("`{name}` names no `{{stream}}`"),
            hint,
        );
        None
    });
    let key = fields
        .take("key")
        .map(|node| read_secret(node, file, problems));
    fields.finish(problems);
    let key = match key {
        None => None,
        Some(key) => Some(key?),
    };
    Some(Server {
        url: url?,
        name: pattern?,
        key,
    })
}

fn read_cache(node: &Node, file: &str, problems: &mut Problems) -> Option<CacheSpec> {
    let mut fields = Fields::of(node, "`cache`", file, problems)?;
    let path = fields
        .require("file", problems)
        .and_then(|node| read_file_path(node, file, problems));
    let minutes = fields.integer_within("minutes", 1..=MINUTES_MAX, problems);
    fields.finish(problems);
    Some(CacheSpec {
        file: path?,
        minutes: u32::try_from(minutes.unwrap_or(MINUTES)).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn read(text: &str) -> (Option<CatalogueSpec>, Vec<String>) {
        let mut problems = Problems::new();
        let node = parse("c", text, &mut problems).expect("well-formed");
        let spec = super::read(&node, "c", &mut problems);
        problems.sort();
        (spec, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn servers_and_files_are_read() {
        let (spec, problems) = read(
            "openmetadata: {url: \"https://om.example/\", table: \"w.{namespace}.{stream}\", key: {env: TOKEN}}\nallow_tags: AI.Allowed\ncache: {file: c.json}\nhide_names: true",
        );
        assert_eq!(problems, Vec::<String>::new());
        let spec = spec.expect("a catalogue");
        let CatalogueFrom::OpenMetadata(server) = spec.from else {
            panic!("a server");
        };
        assert_eq!(server.url, "https://om.example");
        assert_eq!(spec.tags.deny.len(), 4);
        assert_eq!(spec.cache.map(|cache| cache.minutes), Some(60));
        assert!(read("file: a.yaml").0.is_some());
    }

    #[test]
    fn what_is_missing_or_too_much_is_told() {
        for (text, expected) in [
            ("{}", "a catalogue is one of"),
            (
                "{file: a, datahub: {url: \"https://a\", dataset: \"{stream}\"}, allow_tags: x}",
                "one of",
            ),
            (
                "datahub: {url: \"https://a\", dataset: \"{stream}\"}",
                "needs the key `allow_tags`",
            ),
            (
                "{datahub: {url: \"https://a\", dataset: x}, allow_tags: x}",
                "names no `{stream}`",
            ),
            (
                "{datahub: {url: \"https://u:p@a\", dataset: \"{stream}\"}, allow_tags: x}",
                "no plain address",
            ),
            ("{file: a, allow_tags: x}", "go with"),
            (
                "{openmetadata: {url: \"https://a\", table: \"{stream}\", key: secret}, allow_tags: x}",
                "must not stand in the configuration",
            ),
        ] {
            let (_, problems) = read(text);
            assert!(
                problems.iter().any(|problem| problem.contains(expected)),
                "{text}: {problems:?}"
            );
        }
    }
}
