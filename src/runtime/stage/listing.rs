//! `_midflight/streams/<namespace>/<stream>.json`: what readers see of a stream, in one object. Whoever reads it
//! sees all of a commit or nothing of it.

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
    let part = |name: &str| plain(&name.replace(['/', '.'], "_"));
    let namespace = stream.namespace.as_deref().map_or("_".to_owned(), part);
    format!("{FOLDER}/streams/{namespace}/{}.json", part(&stream.name))
}

/// A key without what stores and file systems do not like.
pub(super) fn plain(key: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || "-_ ./".contains(c);
    key.chars().map(|c| if keep(c) { c } else { '_' }).collect()
}
