//! The tables of a run: compiled when a stream is first heard of, filled by every worker.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use parquet::basic::{Compression as Codec, GzipLevel, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::stage::{Stage, Target, entry};
use crate::decode::StreamId;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Done;
use crate::plan::{Plan, TablePlan};
use crate::protocol::state::Descriptor;
use crate::sink::feature;
use crate::sink::spec::{Compression, PartSpec};
use crate::sink::table::{Builder, Origin};

/// A stream, or its second stream.
pub type TableId = (StreamId, bool);

/// Rows of one table.
pub type Filled = (Arc<TableOf>, RecordBatch);

/// Which generation the rows of a stream belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Belonging {
    pub generation: i64,
    pub sync_id: i64,
    /// Readers see them once the generation is published.
    pub pending: bool,
}

/// One table of a run.
#[derive(Debug)]
pub struct TableOf {
    /// Its number in the run, and that of the stream whose records its rows are or were made of.
    pub number: usize,
    pub stream: StreamId,
    pub plan: TablePlan,
    pub target: Arc<Target>,
    origin: Origin,
}

/// The tables of a run.
pub struct Tables<'a> {
    plan: &'a Plan,
    /// Says what the rows of a stream belong to.
    belonging: Box<dyn Fn(&Descriptor) -> Belonging + Send + Sync + 'a>,
    known: RwLock<HashMap<TableId, Arc<TableOf>>>,
}

impl<'a> Tables<'a> {
    /// The tables of a plan.
    pub fn new(
        plan: &'a Plan,
        belonging: impl Fn(&Descriptor) -> Belonging + Send + Sync + 'a,
    ) -> Self {
        Self {
            plan,
            belonging: Box::new(belonging),
            known: RwLock::default(),
        }
    }

    /// Compiles the tables of all streams that the catalog announces.
    ///
    /// # Errors
    /// `Catalog` or `Config` when one cannot be made.
    pub fn prepare(&self) -> Result<()> {
        self.prepare_those(&|_| true)
    }

    /// The same for some streams.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_those(&self, wanted: &dyn Fn(&Descriptor) -> bool) -> Result<()> {
        let of = |stream: &usize| wanted(&self.plan.stream(*stream).descriptor);
        for stream in (0..self.plan.streams()).filter(of) {
            self.of((stream, false))?;
            if self.plan.stream(stream).second.is_some() {
                self.of((stream, true))?;
            }
        }
        Ok(())
    }

    /// Writes the stubs of feature views beside the data.
    ///
    /// # Errors
    /// What the store says.
    pub fn write_features(&self, stage: &Stage) -> Result<()> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        for table in known.values() {
            let Some(spec) = &table.plan.options.feature else {
                continue;
            };
            let stream = table.plan.stream.to_string();
            let place = stage.folder_of(&table.target.stream);
            let text = feature::stub(&stream, &place, table.plan.table.schema(), spec);
            stage.put(&format!("features/{stream}.py"), text)?;
        }
        Ok(())
    }

    /// The table of a stream.
    ///
    /// # Errors
    /// `Catalog` or `Config` when it cannot be made.
    pub fn of(&self, id: TableId) -> Result<Arc<TableOf>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known.get(&id) {
            return Ok(Arc::clone(table));
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known.get(&id) {
            return Ok(Arc::clone(table));
        }
        let plan = self.plan.table(id.0, id.1)?;
        #[cfg(feature = "delta")]
        if self.plan.sources().config.stage.delta {
            super::stage::delta::check(&entry::Name::from(&plan.stream), plan.table.schema())?;
        }
        // Rows of a second stream belong to what those of the first do.
        let belonging = (self.belonging)(&self.plan.stream(id.0).descriptor);
        let spec = &self.plan.sources().config.stage;
        let target = Target {
            stream: entry::Name::from(&plan.stream),
            schema: Arc::clone(plan.table.schema()),
            properties: properties(spec, &plan)?,
            partition_by: plan.partition_by.clone(),
            sort_by: plan.sort_by.clone(),
            generation: belonging.generation,
            sync_id: belonging.sync_id,
            pending: belonging.pending,
        };
        let table = Arc::new(TableOf {
            number: known.len(),
            stream: id.0,
            target: Arc::new(target),
            plan,
            origin: Origin {
                generation_id: belonging.generation,
                sync_id: belonging.sync_id,
            },
        });
        known.insert(id, Arc::clone(&table));
        Ok(table)
    }
}

impl std::fmt::Debug for Tables<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tables").finish_non_exhaustive()
    }
}

/// Fills tables from chunks; one per worker.
#[derive(Debug)]
pub struct Filler<'a> {
    tables: &'a Tables<'a>,
    builders: HashMap<usize, Builder>,
}

impl<'a> Filler<'a> {
    /// Fills these tables.
    pub fn new(tables: &'a Tables<'a>) -> Self {
        Self {
            tables,
            builders: HashMap::new(),
        }
    }

    /// The rows of a chunk that stand before a byte of the run's input, and those behind it; `cut` gives the byte for
    /// every stream.
    ///
    /// # Errors
    /// `Catalog` or `Config` when a table cannot be made; `Protocol` where a line is no record.
    pub fn fill(
        &mut self,
        done: &Done,
        cut: impl Fn(StreamId) -> u64,
    ) -> Result<(Vec<Filled>, Vec<Filled>)> {
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for rows in &done.rows {
            if rows.lines.is_empty() {
                continue;
            }
            let table = self.tables.of((rows.stream, rows.second))?;
            let builder = self
                .builders
                .entry(table.number)
                .or_insert_with(|| Builder::new(&table.plan.table, table.origin));
            let bytes = rows.bytes(&done.chunk);
            let cut = cut(rows.stream);
            let at = rows.lines.partition_point(|(_, offset)| *offset < cut);
            let (first, second) = rows.lines.split_at(at);
            for (lines, filled) in [(first, &mut before), (second, &mut behind)] {
                if lines.is_empty() {
                    continue;
                }
                for (line, offset) in lines {
                    builder.push(bytes, *line, *offset)?;
                }
                filled.push((Arc::clone(&table), builder.finish()?));
            }
        }
        Ok((before, behind))
    }
}

/// How the files of a table are written.
fn properties(spec: &PartSpec, plan: &TablePlan) -> Result<WriterProperties> {
    let wrong =
        |error| Error::new(ErrorKind::Config, "the compression is not known").because(error);
    let codec = match spec.compression {
        Compression::None => Codec::UNCOMPRESSED,
        Compression::Snappy => Codec::SNAPPY,
        Compression::Gzip => Codec::GZIP(GzipLevel::default()),
        Compression::Zstd(level) => {
            Codec::ZSTD(ZstdLevel::try_new(i32::from(level)).map_err(wrong)?)
        }
    };
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("midflight {}", env!("CARGO_PKG_VERSION")))
        .set_compression(codec)
        .set_max_row_group_row_count(None)
        .set_max_row_group_bytes(Some(spec.row_group_bytes))
        .set_statistics_enabled(EnabledStatistics::Page);
    for &at in &plan.bloom {
        let name = plan.table.schema().field(at).name();
        properties =
            properties.set_column_bloom_filter_enabled(ColumnPath::from(vec![name.clone()]), true);
    }
    if !plan.sort_by.is_empty() {
        let sorted = plan.sort_by.iter().filter_map(|&at| leaf(plan, at));
        properties = properties.set_sorting_columns(Some(sorted.collect()));
    }
    Ok(properties.build())
}

/// A column of the file by its number among the leaves.
fn leaf(plan: &TablePlan, at: usize) -> Option<SortingColumn> {
    let schema = parquet::arrow::ArrowSchemaConverter::new()
        .convert(plan.table.schema())
        .ok()?;
    let name = plan.table.schema().field(at).name();
    let leaf = (0..schema.num_columns())
        .find(|&leaf| schema.column(leaf).path().parts().first() == Some(name))?;
    Some(SortingColumn {
        column_idx: i32::try_from(leaf).ok()?,
        descending: false,
        nulls_first: true,
    })
}
