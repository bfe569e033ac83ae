//! A writer's schema, compiled to what a datum is read and written by.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::super::Columns;
use super::super::envelope::{FURTHER, Own};
use super::super::value::{self, member, option, zoned};
use crate::schema::{Field as Key, LogicalType};

/// Most types of a schema, each counted where it is used, and most of them inside each other.
const TYPES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 64;

/// Why a schema cannot be used, to be read behind "its schema".
pub type What = &'static str;

/// A type, with what its values are in JSON.
#[derive(Debug)]
pub enum Shape {
    Null,
    Boolean,
    /// `int` and `long`, which are read alike.
    Integer,
    Date,
    Time {
        per_second: i64,
        zone: bool,
    },
    Timestamp {
        per_second: i64,
        zone: bool,
    },
    Float,
    Double,
    Bytes,
    /// Text, and the type of the JSON that it is.
    Text(Option<LogicalType>),
    Fixed(usize),
    Uuid,
    Duration,
    /// In bytes, or in so many of them.
    Decimal {
        scale: i64,
        fixed: Option<usize>,
    },
    /// Its symbols as JSON.
    Enum(Vec<Vec<u8>>),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    Record(usize),
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    /// `"name":`
    pub key: Vec<u8>,
    pub shape: Shape,
}

impl Field {
    /// Whether it holds further members of its object.
    pub fn is_further(&self) -> bool {
        let is_map = |shape: &Shape| matches!(shape, Shape::Map(_));
        self.name == FURTHER
            && match &self.shape {
                Shape::Union(branches) => branches.iter().any(is_map),
                shape => is_map(shape),
            }
    }
}

/// A schema whose values are records.
#[derive(Debug)]
pub struct Schema {
    records: Vec<Vec<Field>>,
}

impl Schema {
    /// Reads a schema; `declared` are the types of the record's columns.
    pub fn parse(text: &[u8], declared: Option<&[(String, LogicalType)]>) -> Result<Self, What> {
        let schema: Value = serde_json::from_slice(text).map_err(|_| "is not JSON")?;
        let declared = declared.map(|columns| {
            let key = |(name, ty): &(String, LogicalType)| Key {
                name: name.clone(),
                ty: ty.clone(),
                required: false,
            };
            LogicalType::Object(columns.iter().map(key).collect())
        });
        let mut compiler = Compiler::default();
        let root = compiler.shape(&schema, "", declared.as_ref())?;
        if !matches!(root, Shape::Record(0)) {
            return Err("is not that of a record");
        }
        let schema = Self {
            records: compiler.records,
        };
        if super::is_ambiguous(schema.fields()) {
            return Err("has `_airbyte_data` beside columns of the record");
        }
        Ok(schema)
    }

    /// The fields of a record.
    pub fn record(&self, number: usize) -> &[Field] {
        self.records.get(number).map_or(&[], Vec::as_slice)
    }

    /// The fields of the rows.
    pub fn fields(&self) -> &[Field] {
        self.record(0)
    }

    /// The record's columns, as far as they are declared.
    pub fn columns(&self) -> Option<Columns> {
        let whole = |field: &&Field| Own::of(field.name.as_bytes()) == Some(Own::Data);
        let fields = match self.fields().iter().find(whole).map(|field| &field.shape) {
            Some(Shape::Record(number)) => self.record(*number),
            Some(_) => return None,
            None => self.fields(),
        };
        let keys = self.keys(fields, 0).into_iter();
        Some(keys.map(|key| (key.name, key.ty)).collect())
    }

    fn keys(&self, fields: &[Field], depth: usize) -> Vec<Key> {
        let of_record = fields
            .iter()
            .filter(|field| !field.is_further() && Own::of(field.name.as_bytes()).is_none());
        let key = |field: &Field| Key {
            name: field.name.clone(),
            ty: self.logical(&field.shape, depth),
            required: false,
        };
        of_record.map(key).collect()
    }

    fn logical(&self, shape: &Shape, depth: usize) -> LogicalType {
        match shape {
            Shape::Null => LogicalType::Json,
            Shape::Boolean => LogicalType::Boolean,
            Shape::Integer => LogicalType::Integer,
            Shape::Float | Shape::Double | Shape::Decimal { .. } => LogicalType::Number,
            Shape::Date => LogicalType::Date,
            Shape::Time { zone: true, .. } => LogicalType::TimeTz,
            Shape::Time { .. } => LogicalType::Time,
            Shape::Timestamp { zone: true, .. } => LogicalType::TimestampTz,
            Shape::Timestamp { .. } => LogicalType::Timestamp,
            Shape::Bytes | Shape::Fixed(_) => LogicalType::Binary,
            Shape::Text(Some(json)) => json.clone(),
            Shape::Text(None) | Shape::Uuid | Shape::Duration | Shape::Enum(_) => {
                LogicalType::String
            }
            Shape::Array(item) => LogicalType::Array(Some(Box::new(self.logical(item, depth + 1)))),
            Shape::Map(_) => LogicalType::SchemalessObject,
            Shape::Union(branches) => {
                let branches = branches
                    .iter()
                    .filter(|branch| !matches!(branch, Shape::Null));
                LogicalType::union(branches.map(|branch| self.logical(branch, depth + 1)))
            }
            Shape::Record(_) if depth > DEPTH_MAX => LogicalType::SchemalessObject,
            Shape::Record(number) => match self.keys(self.record(*number), depth + 1) {
                keys if keys.is_empty() => LogicalType::SchemalessObject,
                keys => LogicalType::Object(keys),
            },
        }
    }
}

#[derive(Default)]
struct Compiler<'s> {
    records: Vec<Vec<Field>>,
    /// Definitions by their full name, with the namespace that they stand in.
    named: HashMap<String, (&'s Map<String, Value>, String)>,
    /// Records that are being compiled.
    open: Vec<(String, usize)>,
    types: usize,
    depth: usize,
}

impl<'s> Compiler<'s> {
    fn shape(
        &mut self,
        schema: &'s Value,
        namespace: &str,
        ty: Option<&LogicalType>,
    ) -> Result<Shape, What> {
        self.types += 1;
        self.depth += 1;
        if self.types > TYPES_MAX || self.depth > DEPTH_MAX {
            return Err("nests too deep, or has too many types");
        }
        let shape = match schema {
            Value::String(name) => self.by_name(name, namespace, ty),
            Value::Array(branches) => self.union(branches, namespace, ty),
            Value::Object(definition) => self.defined(definition, namespace, ty),
            _ => Err("has a type that is none"),
        };
        self.depth -= 1;
        shape
    }

    fn by_name(
        &mut self,
        name: &str,
        namespace: &str,
        ty: Option<&LogicalType>,
    ) -> Result<Shape, What> {
        Ok(match name {
            "null" => Shape::Null,
            "boolean" => Shape::Boolean,
            "int" | "long" => Shape::Integer,
            "float" => Shape::Float,
            "double" => Shape::Double,
            "bytes" => Shape::Bytes,
            "string" => Shape::Text(value::json_text(ty).cloned()),
            _ => {
                let within = full(name, namespace);
                let known = |name: &str| self.open.iter().find(|(open, _)| open == name);
                if let Some((_, number)) = known(&within).or_else(|| known(name)) {
                    return Ok(Shape::Record(*number));
                }
                let found = self.named.get(&within).or_else(|| self.named.get(name));
                let (definition, namespace) = found
                    .cloned()
                    .ok_or("uses a type that it does not define")?;
                return self.defined(definition, &namespace, ty);
            }
        })
    }

    fn union(
        &mut self,
        branches: &'s [Value],
        namespace: &str,
        ty: Option<&LogicalType>,
    ) -> Result<Shape, What> {
        let several = branches.iter().filter(|branch| *branch != "null").count() > 1;
        let shapes = branches.iter().map(|branch| {
            let ty = if several { branch_type(branch, ty) } else { ty };
            self.shape(branch, namespace, ty)
        });
        Ok(Shape::Union(shapes.collect::<Result<_, _>>()?))
    }

    fn defined(
        &mut self,
        definition: &'s Map<String, Value>,
        namespace: &str,
        ty: Option<&LogicalType>,
    ) -> Result<Shape, What> {
        let kind = match definition.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(inner) => return self.shape(inner, namespace, ty),
            None => return Err("has a definition without a type"),
        };
        match kind {
            "array" => {
                let items = definition
                    .get("items")
                    .ok_or("has an array without items")?;
                let item = self.shape(items, namespace, value::item(ty))?;
                return Ok(Shape::Array(Box::new(item)));
            }
            "map" => {
                let values = definition.get("values").ok_or("has a map without values")?;
                return Ok(Shape::Map(Box::new(self.shape(values, namespace, None)?)));
            }
            "record" | "error" | "enum" | "fixed" => {}
            _ => {
                let shape = self.by_name(kind, namespace, ty)?;
                return Ok(logical(definition, shape, ty));
            }
        }
        let text = |key: &str| definition.get(key).and_then(Value::as_str);
        let name = text("name").ok_or("has a type without a name")?;
        let inside = text("namespace").unwrap_or(namespace);
        let name = full(name, inside);
        let inside = name
            .rsplit_once('.')
            .map_or("", |(namespace, _)| namespace)
            .to_owned();
        self.named
            .insert(name.clone(), (definition, namespace.to_owned()));
        match kind {
            "enum" => Ok(Shape::Enum(symbols(definition)?)),
            "fixed" => {
                let size = definition.get("size").and_then(Value::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let shape = Shape::Fixed(size.ok_or("has a fixed type without a size")?);
                Ok(logical(definition, shape, ty))
            }
            _ => self.record(definition, name, &inside, ty),
        }
    }

    fn record(
        &mut self,
        definition: &'s Map<String, Value>,
        name: String,
        namespace: &str,
        ty: Option<&LogicalType>,
    ) -> Result<Shape, What> {
        let number = self.records.len();
        self.records.push(Vec::new());
        self.open.push((name, number));
        let listed = definition.get("fields").and_then(Value::as_array);
        let mut fields = Vec::new();
        for field in listed.ok_or("has a record without fields")? {
            let name = field.get("name").and_then(Value::as_str);
            let name = name.ok_or("has a field without a name")?;
            let schema = field.get("type").ok_or("has a field without a type")?;
            let mut key = Vec::new();
            value::string(&mut key, name);
            key.push(b':');
            fields.push(Field {
                name: name.to_owned(),
                key,
                shape: self.shape(schema, namespace, member(ty, name))?,
            });
        }
        self.open.pop();
        self.records[number] = fields;
        Ok(Shape::Record(number))
    }
}

fn full(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn symbols(definition: &Map<String, Value>) -> Result<Vec<Vec<u8>>, What> {
    let listed = definition.get("symbols").and_then(Value::as_array);
    let symbols = listed.ok_or("has an enum without symbols")?;
    Ok(symbols
        .iter()
        .map(|symbol| symbol.to_string().into_bytes())
        .collect())
}

/// What a logical type makes of a type; one that does not fit is passed over, as the specification has it.
fn logical(definition: &Map<String, Value>, shape: Shape, ty: Option<&LogicalType>) -> Shape {
    let name = definition.get("logicalType").and_then(Value::as_str);
    let time = |per_second| Shape::Time {
        per_second,
        zone: zoned(ty, false),
    };
    let timestamp = |per_second, utc| Shape::Timestamp {
        per_second,
        zone: zoned(ty, utc),
    };
    let decimal = |fixed| match definition.get("scale") {
        None => Some(Shape::Decimal { scale: 0, fixed }),
        Some(scale) => scale
            .as_i64()
            .filter(|scale| (0..=1000).contains(scale))
            .map(|scale| Shape::Decimal { scale, fixed }),
    };
    let fitting = match (name, &shape) {
        (Some("date"), Shape::Integer) => Some(Shape::Date),
        (Some("time-millis"), Shape::Integer) => Some(time(1000)),
        (Some("time-micros"), Shape::Integer) => Some(time(1_000_000)),
        (Some("timestamp-millis"), Shape::Integer) => Some(timestamp(1000, true)),
        (Some("timestamp-micros"), Shape::Integer) => Some(timestamp(1_000_000, true)),
        (Some("timestamp-nanos"), Shape::Integer) => Some(timestamp(1_000_000_000, true)),
        (Some("local-timestamp-millis"), Shape::Integer) => Some(timestamp(1000, false)),
        (Some("local-timestamp-micros"), Shape::Integer) => Some(timestamp(1_000_000, false)),
        (Some("local-timestamp-nanos"), Shape::Integer) => Some(timestamp(1_000_000_000, false)),
        (Some("decimal"), Shape::Bytes) => decimal(None),
        (Some("decimal"), Shape::Fixed(size)) => decimal(Some(*size)),
        (Some("uuid"), Shape::Fixed(16)) => Some(Shape::Uuid),
        (Some("duration"), Shape::Fixed(12)) => Some(Shape::Duration),
        _ => None,
    };
    fitting.unwrap_or(shape)
}

/// The option of a declared union that a branch holds.
fn branch_type<'t>(branch: &Value, ty: Option<&'t LogicalType>) -> Option<&'t LogicalType> {
    let logical = branch
        .get("logicalType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let kind = branch
        .get("type")
        .and_then(Value::as_str)
        .or(branch.as_str());
    match kind? {
        "string" => option(ty, |option| *option == LogicalType::String).or(ty),
        "array" => option(ty, |option| matches!(option, LogicalType::Array(_))),
        "record" => option(ty, |option| matches!(option, LogicalType::Object(_))),
        "long" if logical.contains("timestamp") => option(ty, |option| {
            matches!(option, LogicalType::TimestampTz | LogicalType::Timestamp)
        }),
        "int" | "long" if logical.starts_with("time-") => option(ty, |option| {
            matches!(option, LogicalType::TimeTz | LogicalType::Time)
        }),
        _ => None,
    }
}
