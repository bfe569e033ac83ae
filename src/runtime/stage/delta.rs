//! Streams as Delta tables: `_delta_log/` in the folder of a stream's parts, written behind the log of the stage,
//! which stays the truth. What is published is the difference between what readers see and what the table lists, so a
//! publication that was cut off is made good by the next one, and one that is repeated does nothing.

mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, MetadataExt, StructType, Transaction, new_metadata};
use deltalake_core::logstore::{StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaResult, DeltaTable, DeltaTableError};
use object_store::prefix::PrefixStore;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

use super::entry::{Name, Part};
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::{Bucket, block_on};

pub use schema::check;

/// Others that may commit to a table while we try to, before we give up.
const ATTEMPTS: usize = 100;

/// Bytes at the end of a part that are read first for its schema.
const TAIL: u64 = 64 << 10;

/// Publishes what readers see of a stream as the table in `folder`, the key of the folder that all of its parts are
/// in. Does nothing when the table says that already, or what a later entry of the log says.
///
/// # Errors
/// `Config` when another stream lies in the same folder, or a part elsewhere; what the store says.
pub fn publish(bucket: &Bucket, folder: &str, view: &View, stream: &Name) -> Result<()> {
    let parts = below(folder, view, stream)?;
    let place = match folder {
        "" => bucket.clone(),
        folder => bucket.below(folder)?,
    };
    let failed = |error: DeltaTableError| {
        let message = format!("{}: the Delta table cannot be written", place.url());
        Error::new(ErrorKind::Output, message).because(error)
    };
    let entry = i64::try_from(view.next).unwrap_or(i64::MAX) - 1;
    let transaction = Transaction::new_with_last_update(
        format!("midflight/{stream}"),
        entry,
        Some(Utc::now().timestamp_millis()),
    );
    for _ in 0..ATTEMPTS {
        let mut table = table(&place)?;
        if !block_on(load(&mut table, &transaction))?.map_err(failed)? {
            return Ok(());
        }
        let (added, removed) = difference(&table, &parts);
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        // The newest part says what the columns are.
        let newest = added
            .values()
            .max_by_key(|part| (part.generation, &part.path));
        let columns = match newest {
            Some(part) => {
                let replaced = removed.len() == listed(&table);
                let columns = columns(bucket, stream, part)?;
                schema::changed(&table, columns, replaced).map_err(failed)?
            }
            None => None,
        };
        let mut actions = match columns {
            Some(columns) => describe(&table, &columns).map_err(failed)?,
            None => Vec::new(),
        };
        let mode = match removed.is_empty() {
            true => SaveMode::Append,
            false => SaveMode::Overwrite,
        };
        actions.extend(added.into_iter().map(|(path, part)| add(path, part)));
        actions.extend(removed);
        // Unless another was first: then the table says something else now.
        let made = block_on(commit(&table, actions, mode, &transaction))?;
        if let Some(version) = made.map_err(failed)? {
            return place.settle(&place.path(&format!("_delta_log/{version:020}.json"))?);
        }
    }
    let message = format!("{}: others write the Delta table without end", place.url());
    Err(Error::new(ErrorKind::Output, message))
}

/// What readers see of a stream, by its path below the folder.
fn below<'v>(folder: &str, view: &'v View, stream: &'v Name) -> Result<BTreeMap<String, &'v Part>> {
    let inside = |path: &'v str| match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    };
    let mut parts = BTreeMap::new();
    for part in view.visible(stream) {
        let Some(path) = inside(&part.path) else {
            let message = format!(
                "the part {} of `{stream}` is not in its Delta table's folder",
                part.path
            );
            return Err(Error::new(ErrorKind::Config, message)
                .hint("keep the `path` that the stage was begun with, or begin another stage"));
        };
        parts.insert(path.to_owned(), part);
    }
    Ok(parts)
}

/// The table below a place, not read yet.
fn table(place: &Bucket) -> Result<DeltaTable> {
    let (objects, prefix, url) = place.store()?;
    let below = Arc::new(PrefixStore::new(Arc::clone(&objects), prefix));
    let store = default_logstore(below, objects, &url, &StorageConfig::default());
    Ok(DeltaTable::new(store))
}

/// Reads a table, if there is one. Says whether it has yet to hear of this transaction.
async fn load(table: &mut DeltaTable, transaction: &Transaction) -> DeltaResult<bool> {
    if !table.verify_deltatable_existence().await? {
        return Ok(true);
    }
    table.load().await?;
    let heard = table
        .snapshot()?
        .transaction_version(table.log_store().as_ref(), &transaction.app_id)
        .await?;
    Ok(heard.is_none_or(|version| version < transaction.version))
}

/// How many parts a table lists.
fn listed(table: &DeltaTable) -> usize {
    table
        .snapshot()
        .map_or(0, |snapshot| snapshot.log_data().num_files())
}

/// The parts that a table does not list, and the removals of those that it should not.
fn difference<'v>(
    table: &DeltaTable,
    parts: &BTreeMap<String, &'v Part>,
) -> (BTreeMap<String, &'v Part>, Vec<Action>) {
    let mut added = parts.clone();
    let mut removed = Vec::new();
    if let Ok(snapshot) = table.snapshot() {
        for file in snapshot.log_data().iter() {
            if added.remove(file.path().as_ref()).is_none() {
                removed.push(Action::Remove(file.remove_action(true)));
            }
        }
    }
    (added, removed)
}

fn add(path: String, part: &Part) -> Action {
    Action::Add(Add {
        path,
        size: i64::try_from(part.bytes).unwrap_or(i64::MAX),
        modification_time: Utc::now().timestamp_millis(),
        data_change: true,
        stats: Some(format!("{{\"numRecords\":{}}}", part.rows)),
        ..Add::default()
    })
}

/// What gives a table these columns.
fn describe(table: &DeltaTable, columns: &StructType) -> DeltaResult<Vec<Action>> {
    let nothing: [&str; 0] = [];
    let settings: [(&str, &str); 0] = [];
    let (metadata, protocol) = match table.snapshot() {
        Ok(snapshot) => (
            snapshot.metadata().clone().with_schema(columns)?,
            schema::protocol(columns, Some(snapshot.protocol()))?,
        ),
        Err(_) => (
            new_metadata(columns, nothing, settings)?,
            schema::protocol(columns, None)?,
        ),
    };
    let protocol = protocol.map(Action::Protocol);
    let metadata = Action::Metadata(metadata);
    Ok(protocol.into_iter().chain([metadata]).collect())
}

/// Commits to a table as it was read; `None` when another has committed since then. Gives the version.
async fn commit(
    table: &DeltaTable,
    actions: Vec<Action>,
    mode: SaveMode,
    transaction: &Transaction,
) -> DeltaResult<Option<u64>> {
    let properties = CommitProperties::default()
        .with_max_retries(0)
        .with_application_transaction(transaction.clone());
    let operation = DeltaOperation::Write {
        mode,
        partition_by: None,
        predicate: None,
    };
    let snapshot = table.snapshot().ok();
    let begun = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(
            snapshot.map(|snapshot| snapshot as _),
            table.log_store(),
            operation,
        )
        .into_prepared_commit_future()
        .await?
        .await;
    match begun {
        Ok(made) => {
            let version = made.version;
            // A checkpoint that cannot be written is no failure: the commits hold everything.
            let _ = made.await;
            Ok(Some(version))
        }
        Err(
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::MaxCommitAttempts(_),
            },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The columns of a part, as its footer says.
fn columns(bucket: &Bucket, stream: &Name, part: &Part) -> Result<StructType> {
    let path = bucket.path(&part.path)?;
    let unreadable = |error: ParquetError| {
        let message = format!("{} is no Parquet file", bucket.url_of(&path));
        Error::new(ErrorKind::Input, message).because(error)
    };
    let mut start = part.bytes.saturating_sub(TAIL);
    loop {
        let tail = bucket.get_range(&path, start..part.bytes, None)?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&tail, part.bytes) {
            Ok(()) => {
                let footer = reader.finish().map_err(unreadable)?;
                let footer = footer.file_metadata();
                let schema =
                    parquet_to_arrow_schema(footer.schema_descr(), footer.key_value_metadata());
                return check(stream, &schema.map_err(unreadable)?);
            }
            Err(ParquetError::NeedMoreData(needed)) if start > 0 => {
                start = part.bytes.saturating_sub(needed as u64);
            }
            Err(error) => return Err(unreadable(error)),
        }
    }
}
