//! `_midflight/streams/<namespace>/<stream>.json`: what readers see of a stream, in one object. Whoever reads it
//! sees all of a commit or nothing of it.
//!
//! In both names, letters, digits and ` -_.` stand as they are, other characters as `%XX`, byte by byte. No namespace
//! is `_`, an empty one `%`, and one that is called `_` is `%5F`: every stream has a list of its own.

use serde_json::json;

use super::entry::Name;
use super::log::FOLDER;
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;

/// Writes the list of a stream.
///
/// # Errors
/// What the store says.
pub fn write(bucket: &Bucket, view: &View, stream: &Name) -> Result<()> {
    let mut parts: Vec<_> = view.visible(stream).collect();
    parts.sort_by(|a, b| a.path.cmp(&b.path));
    let listed: Vec<_> = parts
        .iter()
        .map(|part| {
            json!({
                "path": part.path,
                "rows": part.rows,
                "bytes": part.bytes,
                "generation": part.generation,
            })
        })
        .collect();
    let list = json!({
        "version": 1,
        "namespace": stream.namespace,
        "stream": stream.name,
        "entry": view.next,
        "rows": parts.iter().map(|part| part.rows).sum::<u64>(),
        "parts": listed,
    });
    let text = serde_json::to_vec_pretty(&list).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "the list of a stream cannot be written",
        )
        .because(error)
    })?;
    bucket.put(&bucket.path(&key_of(stream))?, text)
}

fn key_of(stream: &Name) -> String {
    let namespace = match stream.namespace.as_deref() {
        None => "_".to_owned(),
        Some("") => "%".to_owned(),
        Some("_") => "%5F".to_owned(),
        Some(".") => "%2E".to_owned(),
        Some("..") => "%2E%2E".to_owned(),
        Some(namespace) => escaped(namespace),
    };
    let name = escaped(&stream.name);
    format!("{FOLDER}/streams/{namespace}/{name}.json")
}

/// A key without what stores and file systems do not like.
pub(super) fn plain(key: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || "-_ ./".contains(c);
    key.chars().map(|c| if keep(c) { c } else { '_' }).collect()
}

fn escaped(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() || " -_.".contains(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_a_list_of_its_own() {
        for (namespace, name, expected) in [
            (None, "users", "_/users"),
            (Some("public"), "users", "public/users"),
            (Some(""), "users", "%/users"),
            (Some("_"), "users", "%5F/users"),
            (Some(".."), "..", "%2E%2E/.."),
            (Some("."), "a.b", "%2E/a.b"),
            (None, "a/b", "_/a%2Fb"),
            (None, "a_b", "_/a_b"),
            (None, "a%2Fb", "_/a%252Fb"),
            (Some("a b"), "größe-1\n", "a b/größe-1%0A"),
        ] {
            let stream = Name {
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            };
            assert_eq!(key_of(&stream), format!("{FOLDER}/streams/{expected}.json"));
        }
    }
}
