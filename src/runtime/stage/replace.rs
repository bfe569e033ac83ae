//! Inputs that are done again: their earlier rows leave the parts that hold them. A part that holds rows of other
//! inputs too is written once more without them, so that nothing else has to be read again.

use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::entry::{Part, Replaced};
use super::part::failed;
use super::rows::{self, Run};
use super::{Outdated, Stage};
use crate::error::{Error, ErrorKind, Result};

/// What takes the place of outdated parts.
#[derive(Debug, Default)]
pub struct Replacement {
    pub parts: Vec<Part>,
    pub replaced: Vec<Replaced>,
}

impl Stage {
    /// Writes outdated parts once more, without the rows of inputs that are done again. A commit must name what
    /// this gives.
    ///
    /// # Errors
    /// What the store says; `Input` when an object is not the part that the log names.
    pub fn replace(&self, outdated: &[Outdated]) -> Result<Replacement> {
        let mut replacement = Replacement::default();
        for old in outdated {
            let Some(kept) = self.without(old)? else {
                continue;
            };
            replacement.parts.extend(kept);
            replacement.replaced.push(Replaced {
                stream: old.part.stream.clone(),
                path: old.part.path.clone(),
            });
        }
        Ok(replacement)
    }

    /// The part that takes its place, if rows are left; `None` when it loses none.
    fn without(&self, old: &Outdated) -> Result<Option<Option<Part>>> {
        let path = &old.part.path;
        if let Some(input) = old.part.input {
            return Ok(old.inputs.contains(&input).then_some(None));
        }
        // One that has gone was replaced by another run, which the commit will notice.
        let Some(bytes) = self.bucket.get(&self.bucket.path(path)?)? else {
            return Ok(Some(None));
        };
        let wrong = |error: ParquetError| {
            let message = format!("{}: {path} is no part that can be read", self.bucket.url());
            Error::new(ErrorKind::Input, message).because(error)
        };
        let metadata =
            ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).map_err(wrong)?;
        let file = metadata.metadata().file_metadata();
        let told = file.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let runs = rows::from_metadata(told, file.num_rows() as u64).ok_or_else(|| {
            wrong(ParquetError::General(format!(
                "its metadata `{}` is missing or wrong",
                rows::KEY
            )))
        })?;
        let (stay, selectors) = rows::without(&runs, &old.inputs);
        let rows: u64 = stay.iter().map(|(_, rows)| rows).sum();
        if rows == old.part.rows {
            return Ok(None);
        }
        if rows == 0 {
            return Ok(Some(None));
        }
        let properties = properties(metadata.metadata(), self.spec.row_group_bytes, &stay);
        let selection = RowSelection::from(selectors);
        let (path, bytes) = self.rewrite(path, &bytes, &metadata, selection, properties)?;
        Ok(Some(Some(Part {
            path,
            rows,
            bytes,
            entry: Some(old.entry),
            ..old.part.clone()
        })))
    }

    /// Writes the selected rows of a part beside it. Gives the key and its bytes.
    fn rewrite(
        &self,
        path: &str,
        bytes: &Bytes,
        metadata: &ArrowReaderMetadata,
        mut selection: RowSelection,
        properties: WriterProperties,
    ) -> Result<(String, u64)> {
        let (key, upload) = self.begin_beside(path)?;
        let failed = |error| failed(&key, error);
        let schema = metadata.schema().clone();
        let mut writer = ArrowWriter::try_new(upload, schema, Some(properties)).map_err(failed)?;
        for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
            let selected = selection.split_off(group.num_rows() as usize);
            let reader =
                ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata.clone())
                    .with_row_groups(vec![number])
                    .with_row_selection(selected)
                    .build()
                    .map_err(failed)?;
            for rows in reader {
                let rows = rows.map_err(|error| failed(error.into()))?;
                writer.write(&rows).map_err(failed)?;
            }
            // Groups are sorted each for itself.
            writer.flush().map_err(failed)?;
        }
        let upload = writer.into_inner().map_err(failed)?;
        let bytes = upload.bytes();
        upload.finish()?;
        Ok((key, bytes))
    }
}

/// How a part is written that takes the place of another: as that was.
fn properties(old: &ParquetMetaData, group_bytes: usize, runs: &[Run]) -> WriterProperties {
    let file = old.file_metadata();
    // What describes the rows is written anew.
    let told = file.key_value_metadata().into_iter().flatten();
    let mut metadata: Vec<_> = told
        .filter(|entry| {
            entry.key != rows::KEY && entry.key != parquet::arrow::ARROW_SCHEMA_META_KEY
        })
        .cloned()
        .collect();
    metadata.push(rows::to_metadata(runs));
    let mut properties = WriterProperties::builder()
        .set_max_row_group_row_count(None)
        .set_max_row_group_bytes(Some(group_bytes))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_key_value_metadata(Some(metadata));
    if let Some(author) = file.created_by() {
        properties = properties.set_created_by(author.to_owned());
    }
    if let Some(group) = old.row_groups().first() {
        properties = properties.set_sorting_columns(group.sorting_columns().cloned());
        for column in group.columns() {
            properties = properties
                .set_column_compression(column.column_path().clone(), column.compression());
            if column.bloom_filter_offset().is_some() {
                properties =
                    properties.set_column_bloom_filter_enabled(column.column_path().clone(), true);
            }
        }
    }
    properties.build()
}
