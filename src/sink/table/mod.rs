//! Stub.
use crate::error::Result;
use crate::protocol::frame::Span;
use crate::schema::LogicalType;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Midflight,
    Airbyte,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberAs {
    Decimal { precision: u8, scale: i8 },
    Double,
    Text,
}
#[derive(Debug, Clone)]
pub struct ColumnSpec {
    pub name: String,
    pub ty: LogicalType,
    pub number: NumberAs,
    pub vector: bool,
    pub notes: Vec<(String, String)>,
}
#[derive(Debug, Clone)]
pub struct TableSpec {
    pub layout: Layout,
    pub columns: Vec<ColumnSpec>,
    pub flatten: bool,
}
#[derive(Debug, Clone)]
pub struct Table;
impl Table {
    pub fn compile(_: &TableSpec) -> Result<Self> {
        Ok(Self)
    }
    pub fn schema(&self) -> &SchemaRef {
        loop {}
    }
}
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    pub generation_id: i64,
    pub sync_id: i64,
}
#[derive(Debug)]
pub struct Builder;
impl Builder {
    pub fn new(_: &Table, _: Origin) -> Self {
        Self
    }
    pub fn push(&mut self, _: &[u8], _: Span, _: u64) -> Result<()> {
        Ok(())
    }
    pub fn rows(&self) -> usize {
        0
    }
    pub fn bytes(&self) -> usize {
        0
    }
    pub fn finish(&mut self) -> Result<RecordBatch> {
        loop {}
    }
}
