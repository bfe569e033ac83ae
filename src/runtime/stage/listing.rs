//! `_midflight/streams/<namespace>/<stream>.json`: what readers see of a stream, in one object. Whoever reads it
//! sees all of a commit or nothing of it.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::entry::Name;
use super::log::FOLDER;
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;

/// The folder of streams without namespace.
const NO_NAMESPACE: &str = "_";

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
    // A name that cannot stand as it is gets a digest: `a.b` and `a/b` are two streams.
    let plain = |name: &str| -> String {
        let keep = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
        let same = |c: char| if keep(c) { c } else { '_' };
        let kept: String = name.chars().map(same).collect();
        match kept == name && name != NO_NAMESPACE {
            true => kept,
            false => format!("{kept}-{}", hex::encode(&Sha256::digest(name)[..4])),
        }
    };
    let namespace = stream
        .namespace
        .as_deref()
        .map_or(NO_NAMESPACE.to_owned(), plain);
    format!("{FOLDER}/streams/{namespace}/{}.json", plain(&stream.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_streams_share_a_list() {
        let key = |namespace: Option<&str>, name: &str| {
            key_of(&Name {
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            })
        };
        assert_eq!(key(None, "a b"), "_midflight/streams/_/a b.json");
        assert_eq!(key(Some("n"), "ü-1"), "_midflight/streams/n/ü-1.json");
        assert_eq!(key(None, "a.b"), "_midflight/streams/_/a_b-2e7336dc.json");
        assert_ne!(key(None, "a.b"), key(None, "a/b"));
        assert_ne!(key(Some("_"), "a"), key(None, "a"));
    }
}
