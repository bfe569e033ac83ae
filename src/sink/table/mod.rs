//! Finished RECORD lines as typed Arrow batches, for Parquet.
//!
//! A [`TableSpec`] says which columns a stream has; [`Table::compile`] makes of it the Arrow schema and what
//! reads a line; a [`Builder`] per worker takes lines and gives batches. Values are read from the line's own
//! bytes, by the same structural index that the engine decodes with: nothing becomes a JSON tree.
//!
//! Columns, in this order (the ones in brackets only where they say so):
//!
//! | column | [`Layout::Midflight`] | [`Layout::Airbyte`], as destination-s3 writes it |
//! |---|---|---|
//! | `_airbyte_raw_id` | text, see [`raw_id()`] | the same |
//! | `_airbyte_extracted_at` | timestamp in microseconds, UTC | `Int64`, milliseconds |
//! | `_airbyte_meta` | `{sync_id, changes: [{field, change, reason}]}` | the same |
//! | `_airbyte_generation_id` | `Int64` | the same |
//! | declared fields | under their own names | names of letters, digits and `_` |
//! | `_airbyte_data` | [instead of fields, without `flatten`] JSON text | the same |
//! | `_airbyte_extra` | [with `flatten`] undeclared members, JSON text or null | dropped |
//!
//! What cannot be kept is null (or shortened), and `_airbyte_meta.changes` says so: first the changes that the
//! record came with, then ours, each once, at most [`CHANGES_MAX`] in all. Of a repeated key the last counts.
//!
//! | what happened | change | reason |
//! |---|---|---|
//! | another JSON type than declared, or no JSON at all | `NULLED` | `DESTINATION_TYPECAST_ERROR` |
//! | text that is no date or time; no option of a union fits | `NULLED` | `DESTINATION_SERIALIZATION_ERROR` |
//! | an integer past 64 bits, a number past its digits | `NULLED` | `DESTINATION_FIELD_SIZE_LIMITATION` |
//! | digits past the scale or microseconds, a date's time | `TRUNCATED` | `DESTINATION_FIELD_SIZE_LIMITATION` |

mod builder;
mod changes;
mod choice;
mod column;
mod compile;
mod envelope;
mod extra;
mod keys;
mod line;
mod list;
mod names;
mod number;
mod object;
mod raw_id;
mod spec;
mod text;

#[cfg(test)]
mod tests;

pub use builder::Builder;
pub use changes::CHANGES_MAX;
pub use compile::Table;
pub use raw_id::raw_id;
pub use spec::{ColumnSpec, Layout, NumberAs, Origin, TableSpec};
