//! Text that an Arrow array takes over: one run of bytes, and where every value ends.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullBufferBuilder, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

/// The values of a text column. Its caller sees to it that it stays below 2 GiB.
#[derive(Debug)]
pub(super) struct Text {
    ends: Vec<i32>,
    pub bytes: Vec<u8>,
}

impl Text {
    pub(super) fn new() -> Self {
        Self {
            ends: vec![0],
            bytes: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.close();
    }

    /// Makes one value of what was appended to the bytes since the last.
    #[inline]
    pub(super) fn close(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// The bytes of a value.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        &self.bytes[self.ends[at] as usize..self.ends[at + 1] as usize]
    }

    /// Forgets everything behind the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows + 1);
        let end = self.ends.last().map_or(0, |&end| end as usize);
        self.bytes.truncate(end);
    }

    /// The array of what was pushed; starts anew.
    pub(super) fn finish(&mut self, nulls: &mut NullBufferBuilder) -> Result<ArrayRef, ArrowError> {
        let mut ends = Vec::with_capacity(self.ends.len());
        ends.push(0);
        let ends = std::mem::replace(&mut self.ends, ends);
        let bytes = Vec::with_capacity(self.bytes.len());
        let bytes = std::mem::replace(&mut self.bytes, bytes);
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        if simdutf8::basic::from_utf8(&bytes).is_err() {
            let message = "a column of text is not UTF-8".to_owned();
            return Err(ArrowError::InvalidArgumentError(message));
        }
        // SAFETY: the bytes were just checked, and every value was appended whole: it begins and ends at a
        // character. Arrow's own check is several times slower where text is not ASCII.
        let array =
            unsafe { StringArray::new_unchecked(ends, Buffer::from_vec(bytes), nulls.finish()) };
        Ok(Arc::new(array))
    }
}

/// No nulls.
pub(super) fn whole() -> NullBufferBuilder {
    NullBufferBuilder::new(0)
}
