//! The objects that a pattern finds, each with its stream.

use chrono::{DateTime, Utc};
use object_store::path::Path;

use super::format::Format;
use super::pattern::Pattern;
use crate::error::Result;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::{Bucket, ObjectMeta};

/// A staged file, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub path: Path,
    pub url: String,
    pub size: u64,
    /// Names the version: the store's tag, or size and time where it has none.
    pub tag: Option<String>,
    pub modified: DateTime<Utc>,
    pub format: Format,
    /// The store's tag, where it can be asked for.
    pub(super) etag: Option<String>,
}

impl Object {
    /// The last part of its key.
    pub(super) fn name(&self) -> &str {
        self.path.filename().unwrap_or_default()
    }

    fn new(url: String, meta: ObjectMeta, format: Format) -> Self {
        let tag = meta
            .e_tag
            .clone()
            .unwrap_or_else(|| format!("{}-{}", meta.size, meta.last_modified.timestamp_micros()));
        Self {
            path: meta.location,
            url,
            size: meta.size,
            tag: Some(tag),
            modified: meta.last_modified,
            format,
            // A weak tag never fits a condition.
            etag: meta.e_tag.filter(|tag| !tag.starts_with("W/")),
        }
    }
}

/// The objects that a pattern finds, in the order of their keys; with `since`, those that were written after it.
/// `bucket` is [`Pattern::place`], opened.
///
/// # Errors
/// `Input` when the store cannot be listed; `Config` when a file's name does not say what it is, or whose records
/// it holds.
pub fn list(
    bucket: &Bucket,
    pattern: &Pattern,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<(Object, Descriptor)>> {
    let root = bucket.path("")?;
    let mut metas = bucket.list(&root)?;
    if metas.is_empty() && pattern.is_prefix() && !root.as_ref().is_empty() {
        metas.extend(bucket.head(&root)?);
    }
    metas.sort_unstable_by(|left, right| left.location.as_ref().cmp(right.location.as_ref()));
    metas
        .into_iter()
        .filter(|meta| since.is_none_or(|since| meta.last_modified > since))
        .filter_map(|meta| described(bucket, pattern, meta).transpose())
        .collect()
}

/// One object and its stream; `None` when it has gone, or is none that the pattern finds.
///
/// # Errors
/// As [`list`].
pub fn find(
    bucket: &Bucket,
    pattern: &Pattern,
    path: &Path,
) -> Result<Option<(Object, Descriptor)>> {
    match bucket.head(path)? {
        Some(meta) => described(bucket, pattern, meta),
        None => Ok(None),
    }
}

fn described(
    bucket: &Bucket,
    pattern: &Pattern,
    meta: ObjectMeta,
) -> Result<Option<(Object, Descriptor)>> {
    let name = meta.location.filename().unwrap_or_default();
    let key = match bucket.key(&meta.location) {
        Some(key) => key,
        // The place is the object itself.
        None if bucket.path("")? == meta.location => name,
        None => return Ok(None),
    };
    if !pattern.finds(key) {
        return Ok(None);
    }
    let url = bucket.url_of(&meta.location);
    let format = match pattern.format.or_else(|| Format::of_name(name)) {
        Some(format) => format,
        // What consoles leave where a folder was made.
        None if meta.size == 0 && !name.contains('.') => return Ok(None),
        None if pattern.skips_unknown => return Ok(None),
        None => return Err(Format::unknown(&url)),
    };
    let stream = pattern.naming.stream(key, &url)?;
    Ok(Some((Object::new(url, meta, format), stream)))
}
