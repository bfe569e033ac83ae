//! What a configuration asks of a stage, as plain data.

use std::collections::BTreeMap;

use super::names;
use super::table::{Layout, NumberAs};

/// The `stage:` of a configuration: how every part is written.
#[derive(Debug, Clone, PartialEq)]
pub struct PartSpec {
    pub layout: Layout,
    pub format: Format,
    pub compression: Compression,
    /// The pattern of a part's folders, and of its file.
    pub path: String,
    pub file: String,
    /// Bytes of a row group and of a part, compressed, about.
    pub row_group_bytes: usize,
    pub part_bytes: u64,
    /// Seconds after which what has arrived is committed.
    pub commit_seconds: u64,
    /// Fields are columns of their own; otherwise a record is JSON text in one column.
    pub flatten: bool,
    /// A stream's folder is a Delta table too.
    pub delta: bool,
}

impl Default for PartSpec {
    fn default() -> Self {
        Self {
            layout: Layout::Midflight,
            format: Format::Parquet,
            compression: Compression::Zstd(1),
            path: names::PATH.to_owned(),
            file: names::FILE.to_owned(),
            row_group_bytes: 16 << 20,
            part_bytes: 128 << 20,
            commit_seconds: 300,
            flatten: true,
            delta: false,
        }
    }
}

/// What kind of file a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Parquet,
    /// One JSON object a line, as destination-s3 writes them.
    Jsonl,
}

/// How parts are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Snappy,
    Gzip,
    /// With its level, 1 to 22.
    Zstd(u8),
}

impl PartSpec {
    /// The end of a part's name.
    pub fn extension(&self) -> &'static str {
        match (self.format, self.compression) {
            (Format::Parquet, _) => ".parquet",
            (Format::Jsonl, Compression::Gzip) => ".jsonl.gz",
            (Format::Jsonl, Compression::Zstd(_)) => ".jsonl.zst",
            (Format::Jsonl, Compression::None | Compression::Snappy) => ".jsonl",
        }
    }
}

/// The `table:` of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableOptions {
    /// Columns whose values are folders of their own, in Hive's form.
    pub partition_by: Vec<String>,
    /// Columns by which rows are sorted inside a part.
    pub sort_by: Vec<String>,
    /// Columns with a bloom filter.
    pub bloom: Vec<String>,
    /// How numbers are stored; by column, and for all others.
    pub numbers: BTreeMap<String, NumberAs>,
    pub number: Option<NumberAs>,
    pub feature: Option<FeatureSpec>,
}

/// How a feature store reads a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSpec {
    /// The columns that name an entity.
    pub entities: Vec<String>,
    /// The column that says when a row became true.
    pub timestamp: String,
    /// The column that says when it was written.
    pub created: Option<String>,
}
