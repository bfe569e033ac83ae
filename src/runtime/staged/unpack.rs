//! Text as it was before it was packed.

use std::io::{self, BufRead, Read};

use super::Part;
use super::format::Packing;
use super::list::Object;
use super::ranges::{Fetch, Ranges};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;

/// Unpacked text.
pub type Text = Box<dyn Read + Send>;

/// What is read at once of packed text.
const BUFFER: usize = 64 << 10;

/// The text of an object from the first byte of a part on, or the one before it.
///
/// # Errors
/// `Input` when it cannot be read; `Protocol` when it is not packed as its name says.
pub fn open(bucket: &Bucket, object: &Object, part: &Part) -> Result<Text> {
    let fetch = Fetch::new(bucket, object);
    if let Part::Bytes(range) = part {
        let start = range.start.saturating_sub(1);
        return Ok(Box::new(Ranges::new(fetch, start, range.end)?));
    }
    let mut ranges = Ranges::new(fetch, 0, object.size)?;
    let first = ranges
        .fill_buf()
        .map_err(|error| broken(&object.url, error))?;
    let found = Packing::of_bytes(first);
    if let (Some(said), _) = Packing::of_name(object.name())
        && found != Some(said)
    {
        let message = format!(
            "{}: is not packed with {}, as its name says",
            object.url,
            said.name()
        );
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    Ok(match found {
        Some(Packing::Gzip) => {
            let text = flate2::bufread::MultiGzDecoder::new(ranges);
            Box::new(io::BufReader::with_capacity(BUFFER, text))
        }
        Some(Packing::Zstd) => {
            let text = zstd::Decoder::with_buffer(ranges);
            Box::new(text.map_err(|error| broken(&object.url, error))?)
        }
        None => Box::new(ranges),
    })
}

/// How an object is packed, by its first bytes.
///
/// # Errors
/// `Input` when it cannot be read.
pub fn packing(bucket: &Bucket, object: &Object) -> Result<Option<Packing>> {
    let first = Fetch::new(bucket, object).get(0..object.size.min(4))?;
    Ok(Packing::of_bytes(&first))
}

/// The error behind a failed read: the store's own, or that what was read is damaged.
pub fn broken(url: &str, error: io::Error) -> Error {
    let kind = error.kind();
    match error.into_inner().map(|inner| inner.downcast::<Error>()) {
        Some(Ok(ours)) => *ours,
        _ => Error::new(
            ErrorKind::Protocol,
            match kind {
                io::ErrorKind::UnexpectedEof => format!("{url}: is cut off"),
                _ => format!("{url}: is damaged: it cannot be unpacked"),
            },
        ),
    }
}
