//! Two shapes of streams, and every change between them.

use super::change::{Change, Kind};
use super::personal::{Witnesses, below};
use super::relation::{Relation, relation};
use super::rename;
use super::shape::{Column, Shape, Stream};
use crate::error::Result;
use crate::plan::config::Class;
use crate::schema::path::{Path, Segment};

/// Every change from one shape to another: streams in the order of now, then those that are gone.
///
/// # Errors
/// `Internal` when what judges names is damaged.
pub fn compare(before: &Shape, now: &Shape) -> Result<Vec<Change>> {
    let witnesses = Witnesses::builtin()?;
    let mut changes = Vec::new();
    for stream in &now.streams {
        match before.find(&stream.descriptor) {
            Some(earlier) => {
                let mut compared = Compared {
                    before: earlier,
                    now: stream,
                    witnesses,
                    changes: Vec::new(),
                };
                compared.keys();
                compared.columns(&earlier.columns, &stream.columns, &[]);
                changes.append(&mut compared.changes);
            }
            None => changes.push(added(stream, witnesses)),
        }
    }
    let gone = before.streams.iter();
    let gone = gone.filter(|stream| now.find(&stream.descriptor).is_none());
    changes.extend(gone.map(|stream| Change {
        stream: stream.descriptor.clone(),
        ..blank(stream, Kind::StreamRemoved, Class::Risky)
    }));
    Ok(changes)
}

fn added(stream: &Stream, witnesses: Witnesses) -> Change {
    let columns = stream.columns.iter();
    let personal = columns.flat_map(|column| {
        witnesses.look(
            &stream.descriptor.name,
            &Path::key(column.name.as_str()),
            column,
        )
    });
    let personal: Vec<_> = personal.collect();
    Change {
        class: match personal.is_empty() {
            true => Class::Safe,
            false => Class::Governance,
        },
        personal,
        ..blank(stream, Kind::StreamAdded, Class::Safe)
    }
}

fn blank(stream: &Stream, kind: Kind, class: Class) -> Change {
    Change {
        stream: stream.descriptor.clone(),
        kind,
        path: None,
        before: None,
        now: None,
        class,
        breaks_airbyte: false,
        key: false,
        personal: Vec::new(),
    }
}

/// One stream before and now.
struct Compared<'a> {
    before: &'a Stream,
    now: &'a Stream,
    witnesses: Witnesses,
    changes: Vec<Change>,
}

impl Compared<'_> {
    /// The primary key and the cursor.
    fn keys(&mut self) {
        let (before, now) = (self.before, self.now);
        if before.key != now.key {
            let source = before.source_key != now.source_key;
            let lost = before.key.iter().any(|key| !now.key.contains(key));
            let kind = Kind::KeyChanged {
                before: before.key.clone(),
                now: now.key.clone(),
            };
            self.changes.push(Change {
                breaks_airbyte: now.dedup && (source || lost),
                key: true,
                ..blank(now, kind, Class::Keys)
            });
        }
        if before.cursor != now.cursor {
            let kind = Kind::CursorChanged {
                before: before.cursor.clone(),
                now: now.cursor.clone(),
            };
            self.changes.push(Change {
                breaks_airbyte: now.incremental,
                key: true,
                ..blank(now, kind, Class::Keys)
            });
        }
    }

    /// The columns of a stream, or the fields of an object at `place`.
    fn columns(&mut self, before: &[Column], now: &[Column], place: &[Segment]) {
        let lacks = |columns: &[Column], name: &str| columns.iter().all(|other| other.name != name);
        let gone: Vec<_> = before
            .iter()
            .filter(|column| lacks(now, &column.name))
            .collect();
        let new: Vec<_> = now
            .iter()
            .filter(|column| lacks(before, &column.name))
            .collect();
        let pairs = rename::pairs(&gone, &new);
        for column in now {
            let Some(path) = at(place, &column.name) else {
                continue;
            };
            if let Some(earlier) = before.iter().find(|other| other.name == column.name) {
                self.column(earlier, column, &path);
                continue;
            }
            let pair = pairs.iter().find(|pair| new[pair.now].name == column.name);
            match pair {
                Some(pair) => self.renamed(gone[pair.before], column, &path, pair),
                None => self.added(column, path),
            }
        }
        for (index, column) in gone.iter().enumerate() {
            if pairs.iter().all(|pair| pair.before != index)
                && let Some(path) = at(place, &column.name)
            {
                self.removed(column, path);
            }
        }
    }

    fn added(&mut self, column: &Column, path: Path) {
        let personal = self
            .witnesses
            .look(&self.now.descriptor.name, &path, column);
        let class = match personal.is_empty() {
            true => Class::Safe,
            false => Class::Governance,
        };
        self.changes.push(Change {
            key: self.now.is_key(&path),
            path: Some(path),
            now: Some(column.ty.clone()),
            personal,
            ..blank(self.now, Kind::ColumnAdded, class)
        });
    }

    fn removed(&mut self, column: &Column, path: Path) {
        let key = self.before.is_key(&path);
        let class = if key { Class::Keys } else { Class::Risky };
        let breaks_airbyte = self.lost(&path);
        self.changes.push(Change {
            path: Some(path),
            before: Some(column.ty.clone()),
            breaks_airbyte,
            key,
            ..blank(self.now, Kind::ColumnRemoved, class)
        });
    }

    /// Whether Airbyte misses a column: the cursor of an incremental stream, or a part of a key by which rows replace
    /// each other.
    fn lost(&self, path: &Path) -> bool {
        let cursor = self.before.cursor.as_ref() == Some(path) && self.now.incremental;
        cursor || self.before.key.contains(path) && self.now.dedup
    }

    fn renamed(&mut self, before: &Column, now: &Column, path: &Path, pair: &rename::Pair) {
        let from = path.with_leaf(&before.name);
        let key = self.before.is_key(&from);
        let personal = self.witnesses.look(&self.now.descriptor.name, path, now);
        let breaks_airbyte = self.lost(&from);
        let kind = Kind::ColumnRenamed {
            from,
            likeness: pair.likeness,
            because: pair.because,
        };
        self.changes.push(Change {
            path: Some(path.clone()),
            before: Some(before.ty.clone()),
            now: Some(now.ty.clone()),
            breaks_airbyte,
            key,
            personal,
            ..blank(
                self.now,
                kind,
                if key { Class::Keys } else { Class::Breaking },
            )
        });
    }

    fn column(&mut self, before: &Column, now: &Column, path: &Path) {
        let related = match &before.seen {
            Some(seen) if seen.measured && seen.fits(&now.ty) => Relation::Same,
            _ => relation(before, now),
        };
        let retyped = |kind, class| Change {
            path: Some(path.clone()),
            before: Some(before.ty.clone()),
            now: Some(now.ty.clone()),
            key: self.now.is_key(path),
            ..blank(self.now, kind, class)
        };
        match related {
            Relation::Same => {}
            Relation::Widened => self.changes.push(retyped(Kind::Widened, Class::Safe)),
            Relation::Narrowed => self.changes.push(retyped(Kind::Narrowed, Class::Breaking)),
            Relation::Family => self
                .changes
                .push(retyped(Kind::FamilyChanged, Class::Breaking)),
        }
        self.required(before, now, path);
        if related != Relation::Same {
            return;
        }
        self.columns(&before.fields, &now.fields, path.segments());
        if let (Some(before), Some(now)) = (&before.items, &now.items) {
            self.column(before, now, &below(path, Segment::Items));
        }
    }

    fn required(&mut self, before: &Column, now: &Column, path: &Path) {
        let seen = before.seen.as_ref().or(now.seen.as_ref());
        let missing = seen.map(super::seen::Seen::missing);
        let (kind, class) = match (before.required, now.required) {
            (Some(true), Some(false)) => (Kind::BecameNullable, Class::Safe),
            (Some(false), Some(true)) => (Kind::BecameRequired { missing }, class_of(missing)),
            // Nothing said so before, but rows were without it.
            (None, Some(true)) if missing.is_some_and(|rows| rows > 0) => {
                (Kind::BecameRequired { missing }, Class::Breaking)
            }
            _ => return,
        };
        self.changes.push(Change {
            path: Some(path.clone()),
            before: Some(before.ty.clone()),
            now: Some(now.ty.clone()),
            key: self.now.is_key(path),
            ..blank(self.now, kind, class)
        });
    }
}

/// A column that must be there is only a break where rows are without it.
fn class_of(missing: Option<u64>) -> Class {
    match missing {
        Some(0) => Class::Safe,
        _ => Class::Breaking,
    }
}

fn at(place: &[Segment], name: &str) -> Option<Path> {
    let mut segments = place.to_vec();
    segments.push(Segment::Key(name.to_owned()));
    Path::new(segments)
}
