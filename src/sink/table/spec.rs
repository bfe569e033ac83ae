//! What a table shall look like, as plain data.

use crate::schema::LogicalType;

/// Which rules names and types follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Our own: exact numbers, both kinds of timestamps, nothing that a record holds is lost.
    Midflight,
    /// What destination-s3 writes, so that readers of its files find what they know.
    Airbyte,
}

/// How a number is stored. [`Layout::Airbyte`] knows doubles only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberAs {
    /// Exact, up to `precision` digits of which `scale` stand behind the point; at most 38 digits.
    Decimal { precision: u8, scale: i8 },
    /// About 17 digits.
    Double,
    /// The literal as written.
    Text,
}

impl Default for NumberAs {
    fn default() -> Self {
        Self::Decimal {
            precision: 38,
            scale: 18,
        }
    }
}

/// A top-level column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The key in `data`.
    pub name: String,
    pub ty: LogicalType,
    /// How its numbers are stored, at any depth.
    pub number: NumberAs,
    /// A list of 32-bit floats, whatever `ty` says; in [`Layout::Midflight`] only.
    pub vector: bool,
    /// Metadata of the Arrow field, as how it was masked.
    pub notes: Vec<(String, String)>,
}

/// The columns of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    pub layout: Layout,
    /// Declared columns, in their order.
    pub columns: Vec<ColumnSpec>,
    /// Whether every column stands by itself; otherwise `_airbyte_data` holds the record as JSON text.
    pub flatten: bool,
}

/// What all rows of one stream have in common in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub generation_id: i64,
    pub sync_id: i64,
}
