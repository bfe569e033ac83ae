//! The columns of a Delta table. Every one may be null there: a part that was written before a column came has none
//! of it.

use arrow::datatypes::{DataType, Field, Schema};
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::{
    ArrayType, DataType as DeltaType, Protocol, StructField, StructType, contains_timestampntz,
};
use deltalake_core::{DeltaResult, DeltaTable};
use serde_json::json;

use super::super::entry::Name;
use crate::error::{Error, ErrorKind, Result};

/// The feature of a table that has moments without a time zone.
const MOMENTS: &str = "timestampNtz";

/// The columns of a stream in Delta's types.
///
/// # Errors
/// `Config` with the column that Delta has no type for.
pub fn check(stream: &Name, schema: &Schema) -> Result<StructType> {
    let fields: Result<Vec<_>> = schema
        .fields()
        .iter()
        .map(|field| field_of(stream, field, field.name()))
        .collect();
    structure(stream, "the stream", fields?)
}

fn field_of(stream: &Name, field: &Field, column: &str) -> Result<StructField> {
    let ty = type_of(stream, field.data_type(), column)?;
    Ok(StructField::nullable(field.name(), ty))
}

fn type_of(stream: &Name, ty: &DataType, column: &str) -> Result<DeltaType> {
    match ty {
        DataType::Struct(fields) => {
            let fields: Result<Vec<_>> = fields
                .iter()
                .map(|field| field_of(stream, field, &format!("{column}.{}", field.name())))
                .collect();
            Ok(structure(stream, column, fields?)?.into())
        }
        DataType::List(item) | DataType::FixedSizeList(item, _) => {
            let item = type_of(stream, item.data_type(), column)?;
            Ok(ArrayType::new(item, true).into())
        }
        ty => ty.try_into_kernel().map_err(|error| {
            let message =
                format!("`{stream}`: the column `{column}` has a type that Delta tables do not");
            Error::new(ErrorKind::Config, message)
                .because(error)
                .hint("let the catalog declare it as a string, or leave out `delta`")
        }),
    }
}

fn structure(stream: &Name, column: &str, fields: Vec<StructField>) -> Result<StructType> {
    StructType::try_new(fields).map_err(|error| {
        let message =
            format!("`{stream}`: the columns of {column} cannot be those of a Delta table");
        Error::new(ErrorKind::Config, message).because(error)
    })
}

/// The columns that a table gets with new parts; `None` when it has them. Unless all parts are replaced, columns that
/// only earlier parts have stay.
///
/// # Errors
/// When two of them are one to Delta, which does not tell cases apart.
pub fn changed(
    table: &DeltaTable,
    columns: StructType,
    replaced: bool,
) -> DeltaResult<Option<StructType>> {
    let Ok(snapshot) = table.snapshot() else {
        return Ok(Some(columns));
    };
    let before = snapshot.schema();
    let columns = match replaced {
        true => columns,
        false => {
            let now = |field: &StructField| columns.field(field.name()).unwrap_or(field).clone();
            let new = |field: &&StructField| before.field(field.name()).is_none();
            let kept = before.fields().map(now);
            StructType::try_new(kept.chain(columns.fields().filter(new).cloned()))?
        }
    };
    Ok((columns != *before).then_some(columns))
}

/// What readers and writers of a table with these columns must know; `None` when its protocol says that already.
///
/// # Errors
/// When the library refuses it.
pub fn protocol(columns: &StructType, before: Option<&Protocol>) -> DeltaResult<Option<Protocol>> {
    let said = match (contains_timestampntz(columns.fields()), before) {
        (false, Some(_)) => return Ok(None),
        (true, Some(before)) if before.min_reader_version() >= 3 => return Ok(None),
        (false, None) => json!({"minReaderVersion": 1, "minWriterVersion": 2}),
        (true, _) => json!({
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": [MOMENTS],
            "writerFeatures": [MOMENTS, "appendOnly"],
        }),
    };
    Ok(Some(serde_json::from_value(said)?))
}
