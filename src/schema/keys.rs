//! Primary keys and cursors of a configured stream, seen through paths: what a stage would break and
//! how both follow a rename.

use super::path::{Path, Segment};
use crate::protocol::catalog::{ConfiguredStream, SyncMode};

impl ConfiguredStream {
    /// Whether changing the values at `path` changes a part of the primary key: the configured one, or
    /// the source's where none is configured. Columns around and inside a key part count.
    pub fn is_key(&self, path: &Path) -> bool {
        let keys = if self.primary_key.is_empty() {
            &self.source_defined_primary_key
        } else {
            &self.primary_key
        };
        keys.iter().any(|key| overlaps(path, key))
    }

    /// Whether changing the values at `path` changes the cursor: the configured one, or the source's
    /// default where none is configured or the source defines it.
    pub fn is_cursor(&self, path: &Path) -> bool {
        let default = self.source_defined_cursor || self.cursor_field.is_empty();
        overlaps(path, &self.cursor_field)
            || (default && overlaps(path, &self.default_cursor_field))
    }

    /// The path of the cursor that an incremental sync goes by: the configured one, or the source's where it defines
    /// it or none is configured. `None` for streams that are read anew every time.
    pub fn followed_cursor(&self) -> Option<&[String]> {
        let own = !self.cursor_field.is_empty();
        let default = !self.default_cursor_field.is_empty();
        let cursor = match default && (self.source_defined_cursor || !own) {
            true => &self.default_cursor_field,
            false => &self.cursor_field,
        };
        (self.sync_mode == SyncMode::Incremental && !cursor.is_empty()).then_some(cursor.as_slice())
    }

    /// Lets primary key and cursor follow a rename of the last key of `from`. Returns whether one did.
    pub fn renamed(&mut self, from: &Path, to: &str) -> bool {
        let mut followed = false;
        let paths = self
            .primary_key
            .iter_mut()
            .chain(&mut self.source_defined_primary_key)
            .chain([&mut self.cursor_field, &mut self.default_cursor_field]);
        for key in paths {
            let last = from.segments().len() - 1;
            if from.leaf().is_some() && key.len() > last && overlaps(from, key) {
                to.clone_into(&mut key[last]);
                followed = true;
            }
        }
        followed
    }
}

/// Whether one lies at or below the other.
fn overlaps(path: &Path, key: &[String]) -> bool {
    !key.is_empty()
        && path
            .segments()
            .iter()
            .zip(key)
            .all(|(segment, name)| match segment {
                Segment::Key(other) => other == name,
                Segment::Any => true,
                Segment::Items => false,
            })
}

#[cfg(test)]
mod tests {
    use crate::protocol::catalog::ConfiguredCatalog;
    use crate::schema::path::Path;

    const CATALOG: &str = r#"{"streams":[{"stream":{"name":"s","json_schema":{},
        "source_defined_cursor":true,"default_cursor_field":["meta","seen"],
        "source_defined_primary_key":[["id"]]},
        "sync_mode":"incremental","destination_sync_mode":"append_dedup",
        "cursor_field":["updated.at"],"primary_key":[["id"],["ref","no"]]}]}"#;

    fn path(text: &str) -> Path {
        text.parse().expect(text)
    }

    #[test]
    fn keys_and_cursors_are_recognised_from_around_and_inside() {
        let catalog = ConfiguredCatalog::parse(CATALOG, "catalog.json").expect("a catalog");
        let stream = &catalog.streams()[0];
        for key in ["id", "id.part", "ref", "ref.no", "ref.*", "*", "*.no"] {
            assert!(stream.is_key(&path(key)), "{key}");
        }
        for other in ["ID", "ref.name", "id2", "ref[]", "\"ref.no\""] {
            assert!(!stream.is_key(&path(other)), "{other}");
        }
        for cursor in ["\"updated.at\"", "meta", "meta.seen", "*"] {
            assert!(stream.is_cursor(&path(cursor)), "{cursor}");
        }
        for other in ["updated.at", "meta.made", "seen"] {
            assert!(!stream.is_cursor(&path(other)), "{other}");
        }
    }

    #[test]
    fn keys_and_cursors_follow_a_rename() {
        let mut catalog = ConfiguredCatalog::parse(CATALOG, "catalog.json").expect("a catalog");
        let stream = &mut catalog.streams_mut()[0];
        assert!(stream.renamed(&path("ref"), "reference"));
        assert!(stream.renamed(&path("reference.no"), "number"));
        assert!(stream.renamed(&path("\"updated.at\""), "updated_at"));
        assert!(stream.renamed(&path("id"), "key"));
        assert!(stream.renamed(&path("meta.seen"), "seen_at"));
        assert!(!stream.renamed(&path("key.below"), "x"));
        assert!(!stream.renamed(&path("other"), "x"));
        let json = catalog.to_json();
        let entry = &json["streams"][0];
        assert_eq!(
            entry["primary_key"].to_string(),
            r#"[["key"],["reference","number"]]"#
        );
        assert_eq!(entry["cursor_field"].to_string(), r#"["updated_at"]"#);
        let source = &entry["stream"];
        assert_eq!(
            source["source_defined_primary_key"].to_string(),
            r#"[["key"]]"#
        );
        assert_eq!(
            source["default_cursor_field"].to_string(),
            r#"["meta","seen_at"]"#
        );
    }
}
