//! The types of the columns that rules are tried on: as the catalog declares them, else as the first rows tell.

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use serde::Deserialize;
use serde_json::{Value, json};

use super::book::Book;
use super::read::Chunks;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::config::StreamPattern;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::state::Descriptor;
use crate::runtime::staged::{Columns, infer_columns};
use crate::schema::path::{Path, Segment};
use crate::schema::{StreamSchema, json_schema};

/// Bytes of messages, or of one staged file, from which columns are told where nothing declares them.
const LOOK_BYTES: usize = 4 << 20;
/// Records of one stream that are looked at.
const LOOK_RECORDS: usize = 1_000;

/// What is known of the streams that rules are about.
#[derive(Debug)]
pub(super) struct Schemas {
    streams: BTreeMap<Descriptor, Known>,
    patterns: Vec<StreamPattern>,
    declared: bool,
}

/// What is known of one stream.
#[derive(Debug)]
pub(super) struct Known {
    pub schema: StreamSchema,
    /// The path of its cursor, as the catalog says.
    pub cursor: Option<Path>,
}

impl Schemas {
    pub fn load(books: &[Book], catalog: Option<&FilePath>, chunks: &mut Chunks) -> Result<Self> {
        let patterns = books.iter().map(|book| book.file.stream.clone()).collect();
        let mut schemas = Self {
            streams: BTreeMap::new(),
            patterns,
            declared: catalog.is_some(),
        };
        match catalog {
            Some(path) => schemas.declare(&read_catalog(path)?)?,
            None => {
                schemas.sample(chunks)?;
                for stream in chunks.streams() {
                    if schemas.is_wanted(&stream) {
                        let columns = chunks.columns(&stream, LOOK_BYTES)?;
                        schemas.infer(stream, &columns)?;
                    }
                }
            }
        }
        schemas.refuse_several(books)?;
        Ok(schemas)
    }

    fn declare(&mut self, catalog: &ConfiguredCatalog) -> Result<()> {
        for stream in catalog.streams() {
            let descriptor = Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            };
            if !self.is_wanted(&descriptor) {
                continue;
            }
            let schema = StreamSchema::from_json_schema(&stream.json_schema)?;
            let cursor = match stream.cursor_field.is_empty() {
                true => &stream.default_cursor_field,
                false => &stream.cursor_field,
            };
            let cursor = Path::new(cursor.iter().cloned().map(Segment::Key).collect());
            self.streams.insert(descriptor, Known { schema, cursor });
        }
        Ok(())
    }

    /// Tells the columns of the streams among the first messages.
    fn sample(&mut self, chunks: &mut Chunks) -> Result<()> {
        #[derive(Deserialize)]
        struct Line {
            record: Option<Named>,
        }
        #[derive(Deserialize)]
        struct Named {
            stream: String,
            namespace: Option<String>,
        }
        let mut lines: BTreeMap<Descriptor, (usize, Vec<u8>)> = BTreeMap::new();
        for line in chunks.look(LOOK_BYTES)? {
            // What is no record is told, with its place, when it is read.
            let Ok(Line {
                record: Some(record),
            }) = serde_json::from_slice(line)
            else {
                continue;
            };
            let stream = Descriptor {
                namespace: record.namespace,
                name: record.stream,
            };
            if !self.is_wanted(&stream) {
                continue;
            }
            let (records, text) = lines.entry(stream).or_default();
            if *records < LOOK_RECORDS {
                *records += 1;
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        for (stream, (_, text)) in lines {
            self.infer(stream, &infer_columns(&text)?)?;
        }
        Ok(())
    }

    fn infer(&mut self, stream: Descriptor, columns: &Columns) -> Result<()> {
        let properties: serde_json::Map<String, Value> = (columns.iter())
            .map(|(name, ty)| (name.clone(), json_schema::to_schema(ty)))
            .collect();
        let schema = json!({"type": "object", "properties": properties});
        let schema = StreamSchema::from_json_schema(&schema)?;
        self.streams.insert(
            stream,
            Known {
                schema,
                cursor: None,
            },
        );
        Ok(())
    }

    /// Evidence is about one stream.
    fn refuse_several(&self, books: &[Book]) -> Result<()> {
        for (pattern, book) in self.patterns.iter().zip(books) {
            let names: Vec<_> = (self.streams.keys())
                .filter(|stream| fits(pattern, stream))
                .map(|stream| format!("`{stream}`"))
                .collect();
            if names.len() > 1 {
                let message = format!(
                    "{} is about several streams of the input: {}",
                    book.name,
                    names.join(", ")
                );
                return Err(Error::new(ErrorKind::Usage, message)
                    .hint("give a catalog, or files, of one of them"));
            }
        }
        Ok(())
    }

    /// Whether some file has rules for a stream.
    pub fn is_wanted(&self, stream: &Descriptor) -> bool {
        self.patterns.iter().any(|pattern| fits(pattern, stream))
    }

    /// The streams that something is known of.
    pub fn known(&self) -> impl Iterator<Item = (&Descriptor, &Known)> {
        self.streams.iter()
    }

    /// The declared columns of a stream.
    pub fn columns(&self, stream: &Descriptor) -> Option<Columns> {
        let columns = self.streams.get(stream)?.schema.columns();
        Some(
            columns
                .map(|(name, ty)| (name.to_owned(), ty.clone()))
                .collect(),
        )
    }

    /// Why nothing is known of a stream that some file has rules for.
    pub fn missing(&self, stream: &Descriptor) -> Error {
        let (message, hint) = match self.declared {
            true => (
                format!("stream `{stream}`, which rules are about, is not in the catalog"),
                "give the configured catalog of this sync",
            ),
            false => (
                format!("stream `{stream}` comes too late to tell the types of its columns"),
                "give the configured catalog with --catalog",
            ),
        };
        Error::new(ErrorKind::Catalog, message).hint(hint)
    }
}

pub(super) fn fits(pattern: &StreamPattern, stream: &Descriptor) -> bool {
    pattern.matches(stream.namespace.as_deref(), &stream.name)
}

/// Reads a configured catalog.
pub(super) fn read_catalog(path: &FilePath) -> Result<ConfiguredCatalog> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Catalog, format!("{name} cannot be read")).because(error)
    })?;
    ConfiguredCatalog::parse(&text, &name)
}
