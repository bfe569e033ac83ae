//! From a specification to the Arrow schema and the columns that read a line.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::changes::meta_fields;
use super::choice::Choice;
use super::column::{Accept, Column, Values};
use super::keys::Keys;
use super::line::Slot;
use super::list::{ELEMENT, List};
use super::names::{avro_safe, option_name, type_name};
use super::number::DIGITS_MAX;
use super::object::Object;
use super::text::{Text, whole};
use super::{ColumnSpec, Layout, NumberAs, TableSpec};
use crate::batch::write_string;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::path::{Path, Segment};
use crate::schema::{Field as Key, LogicalType};

/// Deepest nesting of declared objects and arrays.
const DEPTH_MAX: usize = 64;
/// Bytes of a path that a change names; the rest is cut off.
const PATH_MAX: usize = 1024;

/// Columns before the declared ones.
const META_COLUMNS: usize = 4;

/// Metadata by which parquet tells a time of day in UTC from one without a zone.
const ADJUSTED: &str = "adjusted_to_utc";
/// Metadata that names the Airbyte type.
const TYPE: &str = "airbyte_type";
/// Metadata that says what stands in a text: `json` or `base64`.
const ENCODING: &str = "encoding";

/// A compiled table: its schema, and how to make the columns of a builder.
#[derive(Debug, Clone)]
pub struct Table(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    layout: Layout,
    schema: SchemaRef,
    /// Empty columns for the members of `data`; `None` where they do not stand by themselves.
    fields: Option<Object>,
}

impl Table {
    /// Checks a specification.
    ///
    /// # Errors
    /// [`ErrorKind::Catalog`] where names meet, a type has no place in the layout, or nesting is too deep;
    /// [`ErrorKind::Config`] for a decimal that does not exist.
    pub fn compile(spec: &TableSpec) -> Result<Self> {
        let mut columns = Vec::from(meta_columns(spec.layout));
        let fields = match spec.flatten {
            true => Some(Compiler::new(spec.layout).columns(&spec.columns)?),
            false => None,
        };
        match &fields {
            Some(fields) => columns.extend(fields.arrow.iter().map(|it| it.as_ref().clone())),
            None => columns.push(json(Field::new("_airbyte_data", DataType::Utf8, false))),
        }
        if spec.flatten && spec.layout == Layout::Midflight {
            columns.push(json(Field::new("_airbyte_extra", DataType::Utf8, true)));
        }
        distinct(
            columns.iter().map(|it| it.name().as_str()),
            "columns of the table",
        )
        .map_err(|error| error.hint("a `rename` stage can give one of them another name"))?;
        Ok(Self(Arc::new(Compiled {
            layout: spec.layout,
            schema: Arc::new(Schema::new(columns)),
            fields,
        })))
    }

    /// The columns of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.0.schema
    }

    /// The place in the schema of the column that holds a key of `data`, or of one of the columns around them. In
    /// [`Layout::Airbyte`] the column may be called otherwise than the key.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let compiled = &self.0;
        let declared = compiled.fields.as_ref();
        let declared = declared.and_then(|fields| fields.keys.place_of(name.as_bytes()));
        match declared {
            Some(at) => Some(META_COLUMNS + at),
            None => compiled.schema.index_of(name).ok(),
        }
    }

    pub(super) fn layout(&self) -> Layout {
        self.0.layout
    }

    /// Empty columns for the members of `data`; `None` where they do not stand by themselves.
    pub(super) fn fields(&self) -> Option<Object> {
        self.0.fields.as_ref().map(Object::fresh)
    }
}

/// The columns that say where a record comes from.
fn meta_columns(layout: Layout) -> [Field; META_COLUMNS] {
    let extracted_at = match layout {
        Layout::Midflight => utc(),
        Layout::Airbyte => DataType::Int64,
    };
    let meta = DataType::Struct(meta_fields());
    [
        Field::new("_airbyte_raw_id", DataType::Utf8, false),
        Field::new("_airbyte_extracted_at", extracted_at, false),
        Field::new("_airbyte_meta", meta, false),
        Field::new("_airbyte_generation_id", DataType::Int64, false),
    ]
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

fn json(field: Field) -> Field {
    field.with_metadata(HashMap::from([(ENCODING.to_owned(), "json".to_owned())]))
}

/// Names of one level may stand once.
fn distinct<'a>(names: impl Iterator<Item = &'a str>, what: &str) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            let message = format!("two {what} are called `{name}`");
            return Err(Error::new(ErrorKind::Catalog, message));
        }
    }
    Ok(())
}

/// Makes columns; stands on a path.
struct Compiler {
    layout: Layout,
    number: NumberAs,
    path: Vec<Segment>,
}

impl Compiler {
    fn new(layout: Layout) -> Self {
        Self {
            layout,
            number: NumberAs::default(),
            path: Vec::new(),
        }
    }

    fn columns(&mut self, specs: &[ColumnSpec]) -> Result<Object> {
        let mut columns = Vec::with_capacity(specs.len());
        for spec in specs {
            self.number = self.number_of(spec)?;
            let (column, field) = match self.layout {
                Layout::Midflight if spec.vector => {
                    self.under(Segment::Key(spec.name.clone()), |it| it.vector(spec))?
                }
                _ => self.member(&spec.name, &spec.ty)?,
            };
            let mut metadata: HashMap<_, _> = spec.notes.iter().cloned().collect();
            metadata.extend(field.metadata().clone());
            columns.push((column, field.with_metadata(metadata)));
        }
        Ok(object_of(
            "",
            specs.iter().map(|spec| spec.name.as_str()),
            columns,
        ))
    }

    fn number_of(&self, column: &ColumnSpec) -> Result<NumberAs> {
        match (self.layout, column.number) {
            (Layout::Airbyte, _) => Ok(NumberAs::Double),
            (_, NumberAs::Decimal { precision, scale }) => {
                let digits = 1..=DIGITS_MAX;
                if digits.contains(&precision) && (0..=precision.cast_signed()).contains(&scale) {
                    return Ok(column.number);
                }
                let message = format!(
                    "column `{}`: there is no decimal of {precision} digits with {scale} of them behind the point",
                    column.name
                );
                Err(Error::new(ErrorKind::Config, message)
                    .hint("use 1 to 38 digits, and no more than that behind the point"))
            }
            (_, number) => Ok(number),
        }
    }

    /// The column of a key, with its field.
    fn member(&mut self, key: &str, ty: &LogicalType) -> Result<(Column, Field)> {
        self.under(Segment::Key(key.to_owned()), |it| {
            let name = match it.layout {
                Layout::Midflight => key.into(),
                Layout::Airbyte => avro_safe(key),
            };
            it.column(&name, key, ty)
        })
    }

    fn under<T>(&mut self, step: Segment, make: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.path.len() >= DEPTH_MAX {
            let message = format!("column `{}` is nested deeper than {DEPTH_MAX}", self.told());
            return Err(Error::new(ErrorKind::Catalog, message));
        }
        self.path.push(step);
        let made = make(self);
        self.path.pop();
        made
    }

    /// The path, shortened to what a change may name.
    fn told(&self) -> String {
        let path = Path::new(self.path.clone()).map_or_else(String::new, |path| path.to_string());
        path[..path.floor_char_boundary(PATH_MAX)].to_owned()
    }

    /// A column of this name; `key` is what stands in JSON before its value.
    fn column(&mut self, name: &str, key: &str, ty: &LogicalType) -> Result<(Column, Field)> {
        let values = self.values(key, ty)?;
        let data_type = self.data_type(&values, ty);
        let mut metadata = HashMap::from([(TYPE.to_owned(), type_name(ty).to_owned())]);
        if let Values::Json(..) = values {
            metadata.insert(ENCODING.to_owned(), "json".to_owned());
        }
        if *ty == LogicalType::Binary {
            metadata.insert(ENCODING.to_owned(), "base64".to_owned());
        }
        let airbyte = self.layout == Layout::Airbyte;
        if *ty == LogicalType::TimeTz || airbyte && *ty == LogicalType::Time {
            metadata.insert(ADJUSTED.to_owned(), String::new());
        }
        let field = Field::new(name, data_type.clone(), true).with_metadata(metadata);
        Ok((self.of(values, data_type), field))
    }

    fn of(&self, values: Values, data_type: DataType) -> Column {
        Column {
            path: self.told().into(),
            data_type,
            nulls: whole(),
            values,
        }
    }

    fn values(&mut self, key: &str, ty: &LogicalType) -> Result<Values> {
        let number = match self.number {
            NumberAs::Decimal { precision, scale } => Values::Decimal(Vec::new(), precision, scale),
            NumberAs::Double => Values::Double(Vec::new()),
            NumberAs::Text => Values::Literal(Text::new()),
        };
        let json = |accept| Values::Json(Text::new(), accept);
        Ok(match ty {
            LogicalType::String | LogicalType::Binary => Values::Text(Text::new()),
            LogicalType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            LogicalType::Integer => Values::Integer(Vec::new()),
            LogicalType::Number => number,
            LogicalType::Date => Values::Date(Vec::new()),
            LogicalType::TimestampTz | LogicalType::Timestamp => Values::Timestamp(Vec::new()),
            LogicalType::TimeTz | LogicalType::Time => Values::Time(Vec::new()),
            LogicalType::BigInteger => Values::Digits(Text::new()),
            LogicalType::Array(Some(item)) => self.list(key, item)?,
            LogicalType::Object(keys) if !keys.is_empty() => self.object(key, keys)?,
            LogicalType::Array(None) => json(Accept::Arrays),
            LogicalType::Object(_) | LogicalType::SchemalessObject => json(Accept::Objects),
            LogicalType::Json => json(Accept::Any),
            LogicalType::Union(options) if self.layout == Layout::Airbyte => {
                self.choice(key, options)?
            }
            LogicalType::Unknown if self.layout == Layout::Airbyte => {
                let message = format!("column `{}` has no declared type", self.told());
                return Err(Error::new(ErrorKind::Catalog, message)
                    .hint("destination-s3's layout has no place for it; declare a type, or use midflight's own layout"));
            }
            LogicalType::Union(_) | LogicalType::Unknown => json(Accept::Any),
        })
    }

    fn data_type(&self, values: &Values, ty: &LogicalType) -> DataType {
        match values {
            Values::Text(_) | Values::Digits(_) | Values::Literal(_) | Values::Json(..) => {
                DataType::Utf8
            }
            Values::Boolean(_) => DataType::Boolean,
            Values::Integer(_) => DataType::Int64,
            Values::Decimal(_, precision, scale) => DataType::Decimal128(*precision, *scale),
            Values::Double(_) => DataType::Float64,
            Values::Single(_) => DataType::Float32,
            Values::Date(_) => DataType::Date32,
            Values::Time(_) => DataType::Time64(TimeUnit::Microsecond),
            Values::Timestamp(_)
                if self.layout == Layout::Midflight && *ty == LogicalType::Timestamp =>
            {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            Values::Timestamp(_) => utc(),
            Values::List(list) => DataType::List(list.field.clone()),
            Values::Object(object) => DataType::Struct(object.arrow.clone()),
            Values::Choice(choice) => DataType::Struct(choice.arrow.clone()),
        }
    }

    fn list(&mut self, key: &str, item: &LogicalType) -> Result<Values> {
        let (item, field) = self.under(Segment::Items, |it| it.column(ELEMENT, "", item))?;
        Ok(list_of(key, item, field))
    }

    fn vector(&mut self, column: &ColumnSpec) -> Result<(Column, Field)> {
        let ty = DataType::Float32;
        let item = self.under(Segment::Items, |it| {
            Ok(it.of(Values::Single(Vec::new()), ty.clone()))
        })?;
        let values = list_of(&column.name, item, Field::new(ELEMENT, ty, true));
        let data_type = self.data_type(&values, &column.ty);
        let metadata = HashMap::from([(TYPE.to_owned(), type_name(&column.ty).to_owned())]);
        let field = Field::new(&column.name, data_type.clone(), true).with_metadata(metadata);
        Ok((self.of(values, data_type), field))
    }

    fn object(&mut self, key: &str, keys: &[Key]) -> Result<Values> {
        let columns = keys.iter().map(|key| self.member(&key.name, &key.ty));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let object = object_of(key, keys.iter().map(|key| key.name.as_str()), columns);
        let what = format!("keys of `{}`", self.told());
        distinct(
            object.arrow.iter().map(|field| field.name().as_str()),
            &what,
        )?;
        Ok(Values::Object(object))
    }

    fn choice(&mut self, key: &str, options: &[LogicalType]) -> Result<Values> {
        let mut arrow = vec![Field::new("type", DataType::Utf8, false)];
        let mut columns = Vec::with_capacity(options.len());
        for ty in options {
            let (column, field) = self.column(option_name(ty), key, ty)?;
            columns.push((option_name(ty), column));
            arrow.push(field);
        }
        let what = format!("types of the union `{}`", self.told());
        distinct(columns.iter().map(|(name, _)| *name), &what).map_err(|error| {
            error.hint("destination-s3 has no place for such a union; use midflight's own layout")
        })?;
        let mut order: Vec<_> = (0..columns.len()).collect();
        order
            .sort_by_key(|&at| matches!(columns[at].1.values, Values::Text(_) | Values::Digits(_)));
        Ok(Values::Choice(Choice {
            arrow: Fields::from(arrow),
            name: Text::new(),
            options: columns,
            order,
        }))
    }
}

fn object_of<'a>(
    key: &str,
    keys: impl Iterator<Item = &'a str>,
    columns: Vec<(Column, Field)>,
) -> Object {
    let (fields, arrow): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    Object {
        keys: Arc::new(Keys::new(keys)),
        slots: vec![Slot::default(); fields.len()],
        fields,
        arrow: arrow.into(),
        quoted: quoted(key),
    }
}

fn list_of(key: &str, item: Column, field: Field) -> Values {
    Values::List(List {
        field: Arc::new(field),
        quoted: quoted(key),
        ends: vec![0],
        item: Box::new(item),
    })
}

/// A key as it is written in JSON.
fn quoted(key: &str) -> Box<[u8]> {
    let mut quoted = Vec::with_capacity(key.len() + 2);
    write_string(key, &mut quoted);
    quoted.into()
}
