//! Compiles the look at a stream's cursor, which stands before every other stage.

use super::Compiler;
use crate::schema::path::{Path, Segment};
use crate::stage::cursor::{Cursor, names_time};

impl Compiler<'_> {
    /// Looks at the cursor of an incremental stream, where somebody wants to know of it. Only a column that the catalog
    /// declares: to read another one would change what counts as undeclared.
    pub(super) fn follow_cursor(&mut self) {
        if !self.sources.cursors {
            return;
        }
        let Some(path) = self.stream.as_ref().and_then(|stream| {
            let cursor = stream.followed_cursor()?;
            Path::new(cursor.iter().cloned().map(Segment::Key).collect())
        }) else {
            return;
        };
        let declared = self.schema.leaves().into_iter();
        let Some((_, ty)) = declared.into_iter().find(|(leaf, _)| *leaf == path) else {
            return;
        };
        let now = chrono::DateTime::parse_from_rfc3339(&self.sources.now).ok();
        let column = self.book.column(&path);
        self.cursor = Some(path.to_string());
        self.push(
            format!("follow the cursor {path}"),
            Cursor {
                column,
                ty,
                named_time: path.leaf().is_some_and(names_time),
                now: now.map(|now| now.timestamp_micros()),
            },
        );
    }
}
