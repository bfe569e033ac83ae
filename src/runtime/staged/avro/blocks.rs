//! The blocks of an object container: each counted, measured and marked.

use std::io::{self, BufRead, Read};

use super::super::ranges::Ranges;
use super::super::unpack;
use crate::error::{Error, ErrorKind, Result};

/// Most bytes of a block, packed or not, and of what stands before the first.
const BLOCK_BYTES_MAX: u64 = 256 << 20;
const HEAD_BYTES_MAX: u64 = 16 << 20;

/// Records that take no bytes may still be so many in a block.
const EMPTY_MAX: u64 = 1 << 20;

/// How blocks are packed.
#[derive(Debug, Clone, Copy)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
    Xz,
}

/// Reads block after block.
pub struct Blocks {
    input: Ranges,
    url: String,
    codec: Codec,
    mark: [u8; 16],
    packed: Vec<u8>,
    data: Vec<u8>,
}

impl Blocks {
    /// Reads what stands before the first block; gives the schema's text as well.
    pub fn open(input: Ranges, url: String) -> Result<(Self, Vec<u8>)> {
        let mut blocks = Self {
            input,
            url,
            codec: Codec::Null,
            mark: [0; 16],
            packed: Vec::new(),
            data: Vec::new(),
        };
        let schema = blocks.head()?;
        Ok((blocks, schema))
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The records of the block, unpacked.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Reads the next block; gives the number of its records.
    pub fn next(&mut self) -> Result<Option<u64>> {
        self.data.clear();
        let rest = self.input.fill_buf();
        if rest
            .map_err(|error| unpack::broken(&self.url, error))?
            .is_empty()
        {
            return Ok(None);
        }
        let records = self.length(u64::MAX)?;
        let bytes = self.length(BLOCK_BYTES_MAX)?;
        self.packed.clear();
        take(&mut self.input, bytes, &mut self.packed)
            .map_err(|error| unpack::broken(&self.url, error))?;
        let mut mark = [0; 16];
        self.exact(&mut mark)?;
        if mark != self.mark {
            return Err(self.wrong("is damaged: the mark behind a block is another"));
        }
        self.unpack()?;
        if records > self.data.len() as u64 + EMPTY_MAX {
            return Err(self.wrong("is damaged: a block counts more records than it can hold"));
        }
        Ok(Some(records))
    }

    fn head(&mut self) -> Result<Vec<u8>> {
        let mut magic = [0; 4];
        let read = self.input.read_exact(&mut magic);
        if let Err(error) = read
            && error.kind() != io::ErrorKind::UnexpectedEof
        {
            return Err(unpack::broken(&self.url, error));
        }
        if magic != *b"Obj\x01" {
            return Err(self.wrong("is no Avro file"));
        }
        let (mut schema, mut left) = (None, HEAD_BYTES_MAX);
        loop {
            let mut entries = self.long()?;
            if entries == 0 {
                break;
            }
            if entries < 0 {
                entries = entries.saturating_neg();
                self.long()?;
            }
            for _ in 0..entries {
                let key = self.bytes(&mut left)?;
                let value = self.bytes(&mut left)?;
                match &*key {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => self.codec = self.codec_of(&value)?,
                    _ => {}
                }
            }
        }
        let mut mark = [0; 16];
        self.exact(&mut mark)?;
        self.mark = mark;
        schema.ok_or_else(|| self.wrong("has no schema"))
    }

    fn codec_of(&self, name: &[u8]) -> Result<Codec> {
        Ok(match name {
            b"null" | b"" => Codec::Null,
            b"deflate" => Codec::Deflate,
            b"snappy" => Codec::Snappy,
            b"zstandard" => Codec::Zstandard,
            b"bzip2" => Codec::Bzip2,
            b"xz" => Codec::Xz,
            _ => return Err(self.wrong("is packed in a way that is not known")),
        })
    }

    fn unpack(&mut self) -> Result<()> {
        let packed = &*self.packed;
        let data = &mut self.data;
        let unpacked = match self.codec {
            Codec::Null => {
                std::mem::swap(&mut self.data, &mut self.packed);
                return Ok(());
            }
            Codec::Deflate => all(flate2::read::DeflateDecoder::new(packed), data),
            Codec::Snappy => snappy(packed, data),
            Codec::Zstandard => zstd::Decoder::new(packed).and_then(|text| all(text, data)),
            Codec::Bzip2 => all(bzip2::read::BzDecoder::new(packed), data),
            Codec::Xz => all(liblzma::read::XzDecoder::new(packed), data),
        };
        unpacked.map_err(|_| self.wrong("is damaged: a block cannot be unpacked"))
    }

    fn bytes(&mut self, left: &mut u64) -> Result<Vec<u8>> {
        let length = self.length(*left)?;
        *left -= length;
        let mut bytes = Vec::new();
        take(&mut self.input, length, &mut bytes)
            .map_err(|error| unpack::broken(&self.url, error))?;
        Ok(bytes)
    }

    /// A number that is not negative, and at most so great.
    fn length(&mut self, most: u64) -> Result<u64> {
        let length = u64::try_from(self.long()?)
            .ok()
            .filter(|length| *length <= most);
        length.ok_or_else(|| self.wrong("is damaged: a length in it cannot be"))
    }

    fn long(&mut self) -> Result<i64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.exact(&mut byte)?;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(self.wrong("is damaged: a length in it does not end"))
    }

    fn exact(&mut self, into: &mut [u8]) -> Result<()> {
        let read = self.input.read_exact(into);
        read.map_err(|error| unpack::broken(&self.url, error))
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("{}: {what}", self.url))
    }
}

/// Reads exactly so many bytes, without trusting the number before they are there.
fn take(input: &mut impl Read, bytes: u64, into: &mut Vec<u8>) -> io::Result<()> {
    if input.take(bytes).read_to_end(into)? as u64 == bytes {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Unpacks all, up to the limit.
fn all(text: impl Read, into: &mut Vec<u8>) -> io::Result<()> {
    match text.take(BLOCK_BYTES_MAX + 1).read_to_end(into)? as u64 {
        0..=BLOCK_BYTES_MAX => Ok(()),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}

/// A block of Snappy, with a checksum of what it holds behind it.
fn snappy(packed: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let (packed, checksum) = packed.split_last_chunk::<4>().ok_or_else(damaged)?;
    let length = snap::raw::decompress_len(packed)? as u64;
    // No input of Snappy's gives more than this for each of its bytes.
    if length > BLOCK_BYTES_MAX || length / 256 > packed.len() as u64 {
        return Err(damaged());
    }
    *into = snap::raw::Decoder::new().decompress_vec(packed)?;
    if crc32fast::hash(into) == u32::from_be_bytes(*checksum) {
        Ok(())
    } else {
        Err(damaged())
    }
}
