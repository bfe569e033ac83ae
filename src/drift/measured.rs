//! The shape of a profile's streams: the types that were declared, else those that were measured.

use std::sync::Arc;

use super::seen::Seen;
use super::shape::{Column, Shape, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::form::{ColumnProfile, Profile, StreamProfile};
use crate::protocol::state::Descriptor;
use crate::schema::path::{Path, Segment};
use crate::schema::{Field, LogicalType};

impl Shape {
    /// The shape that a profile tells.
    ///
    /// # Errors
    /// `Input` when the path of a column cannot be read.
    pub fn of_profile(profile: &Profile) -> Result<Self> {
        let streams = profile.streams.iter().map(of_stream);
        Ok(Self {
            streams: streams.collect::<Result<_>>()?,
        })
    }

    /// Adds to the columns what a profile measured about them.
    ///
    /// # Errors
    /// As for [`Self::of_profile`].
    pub fn measure(&mut self, profile: &Profile) -> Result<()> {
        for seen in &profile.streams {
            let descriptor = descriptor(seen);
            let mut streams = self.streams.iter_mut();
            let Some(stream) = streams.find(|stream| stream.descriptor == descriptor) else {
                continue;
            };
            for column in &seen.columns {
                let path = parse(&seen.name, &column.path)?;
                if let Some(known) = find(&mut stream.columns, path.segments()) {
                    known.seen = Some(Seen {
                        profile: Arc::new(column.clone()),
                        records: times(seen, &path),
                        measured: false,
                    });
                }
            }
        }
        Ok(())
    }
}

fn descriptor(stream: &StreamProfile) -> Descriptor {
    Descriptor {
        namespace: stream.namespace.clone(),
        name: stream.name.clone(),
    }
}

fn parse(stream: &str, path: &str) -> Result<Path> {
    path.parse().map_err(|error: String| {
        let message = format!("the profile of stream `{stream}` has a path that cannot be read");
        Error::new(ErrorKind::Input, message).because(error)
    })
}

fn of_stream(profile: &StreamProfile) -> Result<Stream> {
    let mut columns = Vec::new();
    for column in &profile.columns {
        let path = parse(&profile.name, &column.path)?;
        let records = times(profile, &path);
        insert(&mut columns, path.segments(), &|name| {
            measured(name, column, records)
        });
    }
    let mut stream = Stream {
        descriptor: descriptor(profile),
        columns,
        key: Vec::new(),
        source_key: Vec::new(),
        cursor: None,
        incremental: false,
        dedup: false,
    };
    settle(&mut stream.columns);
    for key in &profile.primary_key {
        stream.key.push(parse(&profile.name, key)?);
    }
    stream.source_key.clone_from(&stream.key);
    if let Some(cursor) = &profile.cursor {
        stream.cursor = Some(parse(&profile.name, cursor)?);
    }
    Ok(stream)
}

/// How often a column could have been there: once a record, or as often as what holds it.
fn times(stream: &StreamProfile, path: &Path) -> u64 {
    let mut parents = path.segments().to_vec();
    parents.pop();
    let parent = Path::new(parents).map(|parent| parent.to_string());
    let Some(parent) = parent else {
        return stream.records;
    };
    let holder = stream.columns.iter().find(|column| column.path == parent);
    holder.map_or(stream.records, |holder| {
        let objects = holder.total.types.get("object");
        objects.copied().unwrap_or(holder.total.present)
    })
}

fn measured(name: &str, profile: &ColumnProfile, records: u64) -> Column {
    let declared = profile.declared.as_deref().and_then(read_type);
    let measured = declared.is_none();
    Column {
        name: name.to_owned(),
        ty: declared.unwrap_or_else(|| told_type(profile)),
        required: None,
        void: measured && profile.total.types.values().sum::<u64>() == 0,
        fields: Vec::new(),
        items: None,
        seen: Some(Seen {
            profile: Arc::new(profile.clone()),
            records,
            measured,
        }),
    }
}

/// The type that all values of a column are of, as far as their JSON types say.
fn told_type(profile: &ColumnProfile) -> LogicalType {
    let types = profile.total.types.iter().filter(|(_, count)| **count > 0);
    LogicalType::union(types.map(|(name, _)| match name.as_str() {
        "boolean" => LogicalType::Boolean,
        "integer" => LogicalType::Integer,
        "number" => LogicalType::Number,
        "string" => LogicalType::String,
        "object" => LogicalType::SchemalessObject,
        "array" => LogicalType::Array(None),
        _ => LogicalType::Unknown,
    }))
}

/// A type by the name that messages have for it; `None` for one that a name does not tell in full.
fn read_type(name: &str) -> Option<LogicalType> {
    use LogicalType as T;
    Some(match name {
        "string" => T::String,
        "boolean" => T::Boolean,
        "integer" => T::Integer,
        "number" => T::Number,
        "date" => T::Date,
        "timestamp_with_timezone" => T::TimestampTz,
        "timestamp_without_timezone" => T::Timestamp,
        "time_with_timezone" => T::TimeTz,
        "time_without_timezone" => T::Time,
        "big_integer" => T::BigInteger,
        "binary" => T::Binary,
        "array" => T::Array(None),
        "object" | "object without declared keys" => T::SchemalessObject,
        "json" => T::Json,
        "unknown" => T::Unknown,
        name => {
            let item = name.strip_prefix("array of ")?;
            if item.contains(" or ") {
                return None;
            }
            T::Array(Some(Box::new(read_type(item)?)))
        }
    })
}

fn empty(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        ty: LogicalType::Unknown,
        required: None,
        void: false,
        fields: Vec::new(),
        items: None,
        seen: None,
    }
}

/// Puts a column at its place; what holds it is made where the profile names it later.
fn insert(columns: &mut Vec<Column>, path: &[Segment], make: &dyn Fn(&str) -> Column) {
    let Some((Segment::Key(name), rest)) = path.split_first() else {
        return;
    };
    let at = match columns.iter().position(|column| column.name == *name) {
        Some(at) => at,
        None => {
            columns.push(empty(name));
            columns.len() - 1
        }
    };
    place(&mut columns[at], rest, make);
}

fn place(column: &mut Column, rest: &[Segment], make: &dyn Fn(&str) -> Column) {
    match rest.split_first() {
        None => {
            let made = make(&column.name);
            let (fields, items) = (std::mem::take(&mut column.fields), column.items.take());
            *column = Column {
                fields,
                items,
                ..made
            };
        }
        Some((Segment::Items, rest)) => {
            let item = column.items.get_or_insert_with(|| Box::new(empty("")));
            place(item, rest, make);
        }
        Some((Segment::Key(_), _)) => insert(&mut column.fields, rest, make),
        Some((Segment::Any, _)) => {}
    }
}

fn find<'c>(columns: &'c mut [Column], path: &[Segment]) -> Option<&'c mut Column> {
    let (first, rest) = path.split_first()?;
    let Segment::Key(name) = first else {
        return None;
    };
    let column = columns.iter_mut().find(|column| column.name == *name)?;
    within(column, rest)
}

fn within<'c>(column: &'c mut Column, rest: &[Segment]) -> Option<&'c mut Column> {
    match rest.split_first() {
        None => Some(column),
        Some((Segment::Items, rest)) => within(column.items.as_deref_mut()?, rest),
        Some(_) => find(&mut column.fields, rest),
    }
}

/// Makes types of objects and arrays from what lies in them.
fn settle(columns: &mut [Column]) {
    for column in columns {
        settle(&mut column.fields);
        if let Some(items) = &mut column.items {
            settle(std::slice::from_mut(items));
        }
        if !column.fields.is_empty()
            && matches!(
                column.ty,
                LogicalType::SchemalessObject | LogicalType::Unknown
            )
        {
            let fields = column.fields.iter().map(|field| Field {
                name: field.name.clone(),
                ty: field.ty.clone(),
                required: false,
            });
            column.ty = LogicalType::Object(fields.collect());
        }
        if let (LogicalType::Array(_), Some(items)) = (&column.ty, &column.items) {
            column.ty = LogicalType::Array(Some(Box::new(items.ty.clone())));
        }
    }
}
