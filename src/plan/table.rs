//! The table that a stream's rows are written to: which columns, of which types, sorted and divided how.

use std::collections::BTreeMap;

use super::{Plan, StreamPlan};
use crate::decode::StreamId;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::Descriptor;
use crate::schema::{LogicalType, StreamSchema};
use crate::sink::feature;
use crate::sink::spec::{Format, TableOptions};
use crate::sink::table::{ColumnSpec, Layout, NumberAs, Table, TableSpec};
use crate::stage::spec::{EmbedInto, StageSpec};

/// A table and how its rows are laid out.
#[derive(Debug, Clone)]
pub struct TablePlan {
    pub stream: Descriptor,
    pub table: Table,
    pub options: TableOptions,
    /// Columns, by index, whose values are folders, by which rows are sorted, and that have a bloom filter.
    pub partition_by: Vec<usize>,
    pub sort_by: Vec<usize>,
    pub bloom: Vec<usize>,
}

impl Plan {
    /// The table of a stream, or of its second stream.
    ///
    /// # Errors
    /// `Catalog` when nothing says what columns there are, `Config` when a column that the table is laid out by
    /// is none of its columns.
    pub fn table(&self, stream: StreamId, second: bool) -> Result<TablePlan> {
        let stream = self.stream(stream);
        let (descriptor, schema) = match (&stream.second, second) {
            (Some(of), true) => (
                Descriptor {
                    namespace: stream.descriptor.namespace.clone(),
                    name: of.name.clone(),
                },
                StreamSchema::from_json_schema(&of.json_schema)?,
            ),
            _ => (stream.descriptor.clone(), stream.schema.clone()),
        };
        if !schema.is_known() {
            let message = format!("stream `{descriptor}`: nothing says what columns it has");
            return Err(Error::new(ErrorKind::Catalog, message)
                .hint("give a catalog whose `json_schema` lists its properties"));
        }
        let mut options = match second {
            true => TableOptions::default(),
            false => self.table_options(&stream),
        };
        let notes = notes(&schema);
        let vectors = self.vectors(&stream, second);
        let columns = schema.columns().map(|(name, ty)| ColumnSpec {
            name: name.to_owned(),
            ty: ty.clone(),
            number: number(&options, name),
            vector: vectors.iter().any(|vector| vector == name) && is_list(ty),
            notes: notes.get(name).cloned().unwrap_or_default(),
        });
        let spec = &self.sources().config.stage;
        // Lines hold the record as it is; only the columns around it are a table's.
        let lines = spec.format == Format::Jsonl;
        if lines && (!options.partition_by.is_empty() || !options.sort_by.is_empty()) {
            let message =
                format!("stream `{descriptor}`: lines are neither partitioned nor sorted");
            return Err(Error::new(ErrorKind::Config, message)
                .hint("leave `partition_by` and `sort_by` out, or write Parquet"));
        }
        let table = Table::compile(&TableSpec {
            layout: if lines { Layout::Airbyte } else { spec.layout },
            columns: columns.collect(),
            flatten: spec.flatten && !lines,
        })?;
        let told = descriptor.to_string();
        if let Some(name) = options.numbers.keys().find(|name| {
            let mut declared = schema.columns();
            !declared.any(|(column, _)| column == *name)
        }) {
            return Err(no_column(&told, name));
        }
        if let Some(spec) = &mut options.feature {
            let times = std::iter::once(&mut spec.timestamp).chain(&mut spec.created);
            for name in spec.entities.iter_mut().chain(times) {
                if let Some(at) = table.place_of(name) {
                    name.clone_from(table.schema().field(at).name());
                }
            }
            feature::check(&told, table.schema(), spec)?;
        }
        let places = |names: &[String]| {
            let places = names.iter().map(|name| plain_column(&told, &table, name));
            places.collect::<Result<Vec<_>>>()
        };
        Ok(TablePlan {
            stream: descriptor,
            partition_by: places(&options.partition_by)?,
            sort_by: places(&options.sort_by)?,
            bloom: places(&options.bloom)?,
            table,
            options,
        })
    }

    /// What the configuration says of a stream's table. A stream that is split is divided by its parts.
    fn table_options(&self, stream: &StreamPlan) -> TableOptions {
        let descriptor = &stream.descriptor;
        let config = &self.sources().config;
        let listed = config.stream_for(descriptor.namespace.as_deref(), &descriptor.name);
        let given = listed.and_then(|listed| listed.table.as_ref());
        let mut options = given.map(|given| given.value.clone()).unwrap_or_default();
        if options.partition_by.is_empty() && config.stage.format == Format::Parquet {
            let parts = stream.splits.iter().map(|split| split.into.clone());
            options.partition_by = parts.collect();
        }
        options
    }

    /// Columns that hold one vector a row.
    fn vectors(&self, stream: &StreamPlan, second: bool) -> Vec<String> {
        if second {
            return vec!["embedding".to_owned()];
        }
        let descriptor = &stream.descriptor;
        let config = &self.sources().config;
        let listed = config.stream_for(descriptor.namespace.as_deref(), &descriptor.name);
        let stages = listed.iter().flat_map(|listed| &listed.stages);
        let into = stages.filter_map(|stage| match &stage.value {
            StageSpec::Embed(embed) => match &embed.into {
                EmbedInto::Vector(name) => Some(name.clone()),
                EmbedInto::Chunks(_) | EmbedInto::Stream => None,
            },
            _ => None,
        });
        into.collect()
    }
}

fn no_column(stream: &str, name: &str) -> Error {
    let message = format!("stream `{stream}`: `table` names `{name}`, which is no column");
    Error::new(ErrorKind::Config, message)
}

/// The place of a column that has one value a row.
fn plain_column(stream: &str, table: &Table, name: &str) -> Result<usize> {
    let at = table
        .place_of(name)
        .ok_or_else(|| no_column(stream, name))?;
    if !table.schema().field(at).data_type().is_nested() {
        return Ok(at);
    }
    let message =
        format!("stream `{stream}`: `table` names `{name}`, which holds more than one value");
    Err(Error::new(ErrorKind::Config, message)
        .hint("rows are sorted, divided and looked up by plain values"))
}

fn number(options: &TableOptions, name: &str) -> NumberAs {
    let named = options.numbers.get(name).copied();
    // Feature stores know no decimals.
    let other = match options.feature {
        Some(_) => NumberAs::Double,
        None => NumberAs::default(),
    };
    named.or(options.number).unwrap_or(other)
}

fn is_list(ty: &LogicalType) -> bool {
    matches!(ty, LogicalType::Array(Some(item)) if **item == LogicalType::Number)
}

/// What was done to each column, for the metadata of its file.
fn notes(schema: &StreamSchema) -> BTreeMap<String, Vec<(String, String)>> {
    let mut notes: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for line in schema.lineage() {
        let (Some(top), false) = (line.column.top(), line.stages.is_empty()) else {
            continue;
        };
        let of = notes.entry(top.to_owned()).or_default();
        let name = match line.column.segments().len() {
            1 => String::new(),
            _ => format!(":{}", line.column),
        };
        of.push((format!("midflight:stages{name}"), line.stages.join("; ")));
        if line.masking {
            of.push((format!("midflight:masked{name}"), "true".to_owned()));
        }
    }
    notes
}
