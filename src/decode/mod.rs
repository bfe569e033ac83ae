//! A chunk of lines becomes batches: only the places that the plan reads, with their byte spans.
//!
//! Every key of a record is walked, so that no repeated key slips by; a stream that no stage touches is
//! only proved balanced. Lines that are not records become [`Event`]s that keep their place in the order.

mod chunk;
mod decoder;
mod projection;
mod record;

pub use chunk::{Chunk, Copied, Decoded, Event, EventKind, Item, Route, Routes, Stop, StreamId};
pub use decoder::{Decoder, is_express};
pub(crate) use projection::head;
pub use projection::{ColumnId, Projection};
