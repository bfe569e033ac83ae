//! How a large object is shared out.

use std::ops::Range;

use super::format::Format;
use super::list::Object;
use super::parquet::Footer;
use super::unpack;
use crate::error::Result;
use crate::runtime::bucket::Bucket;

/// A share of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// The lines that start at these bytes.
    Bytes(Range<u64>),
    RowGroups(Range<usize>),
}

/// Divides an object into parts of about `part_bytes`, in order: lines that are not packed by bytes, Parquet by row
/// groups. Everything else is read from its beginning.
///
/// # Errors
/// `Input` when it cannot be read; `Protocol` when it is broken.
pub fn divide(bucket: &Bucket, object: &Object, part_bytes: u64) -> Result<Vec<Part>> {
    let part_bytes = part_bytes.max(1);
    if object.size <= part_bytes {
        return Ok(vec![Part::Whole]);
    }
    let parts = match object.format {
        Format::JsonLines if unpack::packing(bucket, object)?.is_none() => {
            by_bytes(object.size, part_bytes)
        }
        Format::Parquet => by_groups(&Footer::read(bucket, object)?.group_bytes(), part_bytes),
        _ => Vec::new(),
    };
    Ok(if parts.len() < 2 {
        vec![Part::Whole]
    } else {
        parts
    })
}

fn by_bytes(size: u64, part_bytes: u64) -> Vec<Part> {
    let parts = size.div_ceil(part_bytes);
    let bounds =
        (0..=parts).map(|part| (u128::from(size) * u128::from(part) / u128::from(parts)) as u64);
    let mut bounds: Vec<_> = bounds.collect();
    bounds.dedup();
    bounds
        .windows(2)
        .map(|pair| Part::Bytes(pair[0]..pair[1]))
        .collect()
}

fn by_groups(bytes: &[u64], part_bytes: u64) -> Vec<Part> {
    let (mut parts, mut from, mut held) = (Vec::new(), 0, 0);
    for (group, bytes) in bytes.iter().enumerate() {
        held += bytes;
        if held >= part_bytes {
            parts.push(Part::RowGroups(from..group + 1));
            (from, held) = (group + 1, 0);
        }
    }
    if from < bytes.len() {
        parts.push(Part::RowGroups(from..bytes.len()));
    }
    parts
}
