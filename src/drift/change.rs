//! A change between two schemas of a stream, and how bad it is.

use serde_json::{Value, json};

use crate::plan::config::Class;
use crate::protocol::state::Descriptor;
use crate::schema::LogicalType;
use crate::schema::path::Path;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub stream: Descriptor,
    pub kind: Kind,
    /// The column, as it is called now where it still is; `None` for what concerns the whole stream.
    pub path: Option<Path>,
    pub before: Option<LogicalType>,
    pub now: Option<LogicalType>,
    pub class: Class,
    /// Airbyte itself would pause the connection.
    pub breaks_airbyte: bool,
    /// The column is part of the primary key, or the cursor.
    pub key: bool,
    /// New places that look personal: the column itself, or fields inside it.
    pub personal: Vec<Personal>,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    StreamAdded,
    StreamRemoved,
    ColumnAdded,
    ColumnRemoved,
    /// Likely the same column under another name.
    ColumnRenamed {
        from: Path,
        /// From 0 to 1, and what speaks for it.
        likeness: f64,
        because: &'static str,
    },
    Widened,
    Narrowed,
    FamilyChanged,
    BecameNullable,
    /// With how many rows were null or without it before, where that was measured.
    BecameRequired {
        missing: Option<u64>,
    },
    KeyChanged {
        before: Vec<Path>,
        now: Vec<Path>,
    },
    CursorChanged {
        before: Option<Path>,
        now: Option<Path>,
    },
}

/// A place that looks as if it held personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct Personal {
    pub path: Path,
    /// As `EMAIL`.
    pub kind: String,
    pub by: Witness,
    /// From 0 to 1.
    pub confidence: f64,
}

/// What says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// The words of the name.
    Name,
    /// The model of column names.
    Model,
    /// The values that a profile was made of.
    Values,
}

impl Witness {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Model => "model",
            Self::Values => "values",
        }
    }
}

impl Kind {
    /// The name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StreamAdded => "stream_added",
            Self::StreamRemoved => "stream_removed",
            Self::ColumnAdded => "column_added",
            Self::ColumnRemoved => "column_removed",
            Self::ColumnRenamed { .. } => "column_renamed",
            Self::Widened => "type_widened",
            Self::Narrowed => "type_narrowed",
            Self::FamilyChanged => "type_changed",
            Self::BecameNullable => "became_nullable",
            Self::BecameRequired { .. } => "became_required",
            Self::KeyChanged { .. } => "key_changed",
            Self::CursorChanged { .. } => "cursor_changed",
        }
    }

    /// The word that OpenLineage has for what happens to the table.
    pub fn lifecycle(&self) -> &'static str {
        match self {
            Self::StreamAdded => "CREATE",
            Self::StreamRemoved => "DROP",
            _ => "ALTER",
        }
    }
}

impl Change {
    /// The change in one sentence, without its stream.
    pub fn sentence(&self) -> String {
        let path = self.path.as_ref().map(ToString::to_string);
        let path = path.unwrap_or_default();
        let ty = |ty: &Option<LogicalType>| ty.as_ref().map_or_else(String::new, LogicalType::name);
        let (before, now) = (ty(&self.before), ty(&self.now));
        match &self.kind {
            Kind::StreamAdded => format!("the stream is new{}", self.looks()),
            Kind::StreamRemoved => "the stream is gone".to_owned(),
            Kind::ColumnAdded => format!("column `{path}` ({now}) is new{}", self.looks()),
            Kind::ColumnRemoved => format!("column `{path}` ({before}) is gone"),
            Kind::ColumnRenamed { from, because, .. } => {
                format!(
                    "column `{from}` is gone and `{path}` is new, likely the same: {because}{}",
                    self.looks()
                )
            }
            Kind::Widened => format!("column `{path}` is wider: {before}, now {now}"),
            Kind::Narrowed => format!("column `{path}` is narrower: {before}, now {now}"),
            Kind::FamilyChanged => format!("column `{path}` has another type: {before}, now {now}"),
            Kind::BecameNullable => format!("column `{path}` may be null now"),
            Kind::BecameRequired { missing: None } => {
                format!("column `{path}` may not be null any more")
            }
            Kind::BecameRequired {
                missing: Some(rows),
            } => {
                format!("column `{path}` may not be null any more, and {rows} rows were without it")
            }
            Kind::KeyChanged { before, now } => {
                format!(
                    "the primary key is another: {}, now {}",
                    listed(before),
                    listed(now)
                )
            }
            Kind::CursorChanged { before, now } => format!(
                "the cursor is another: {}, now {}",
                listed(before.as_slice()),
                listed(now.as_slice())
            ),
        }
    }

    fn looks(&self) -> String {
        let places: Vec<_> = self
            .personal
            .iter()
            .map(|found| format!("`{}` looks like {}", found.path, found.kind))
            .collect();
        match places.is_empty() {
            true => String::new(),
            false => format!("; {}", places.join(", ")),
        }
    }

    /// The change for programs.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "stream": self.stream.to_string(),
            "change": self.kind.name(),
            "column": self.path,
            "before": self.before.as_ref().map(LogicalType::name),
            "now": self.now.as_ref().map(LogicalType::name),
            "class": self.class,
            "breaks_airbyte": self.breaks_airbyte,
            "lifecycle": self.kind.lifecycle(),
            "sentence": self.sentence(),
        });
        match &self.kind {
            Kind::ColumnRenamed {
                from,
                likeness,
                because,
            } => {
                json["renamed"] = json!({
                    "from": from,
                    "likeness": (likeness * 1000.0).round() / 1000.0,
                    "because": because,
                });
            }
            Kind::BecameRequired { missing } => json["rows_without"] = json!(missing),
            Kind::KeyChanged { before, now } => json["keys"] = json!([before, now]),
            Kind::CursorChanged { before, now } => json["cursors"] = json!([before, now]),
            _ => {}
        }
        let personal = self.personal.iter().map(|found| {
            json!({
                "column": found.path,
                "kind": found.kind,
                "by": found.by.word(),
                "confidence": (found.confidence * 1000.0).round() / 1000.0,
            })
        });
        json["personal"] = personal.collect();
        json
    }
}

fn listed(paths: &[Path]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    match paths.is_empty() {
        true => "none".to_owned(),
        false => paths.join(", "),
    }
}
