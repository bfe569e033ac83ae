//! Makes vectors of a record's text: a column, a list of chunks, or a stream of chunks of its own.
//!
//! The text is what the columns hold when the stage runs, so behind a mask the masked text is embedded. Rows
//! that have been filtered or rejected by then are left alone.

pub mod cut;
pub(super) mod gather;
pub mod template;
mod write;

use std::ops::Range;
use std::sync::Arc;

use crate::batch::{Batch, ColumnId, RowId};
use crate::error::Error;
use crate::model::embedder::mean;
use crate::model::{Embedding, Vector};
use crate::stage::{ColumnRef, Halt, Refusals, Refused, Stage};
use cut::{Chunk, Size, cut};
use write::Written;

/// The longest text of one record, in bytes: a longer one would need gigabytes of memory as tokens.
pub const TEXT_BYTES_MAX: usize = 4 << 20;
/// The most chunks of one record.
pub const CHUNKS_MAX: usize = 10_000;
/// Texts handed to the model at once.
const TEXTS_MAX: usize = 1_024;

/// A compiled `embed`.
#[derive(Debug)]
pub struct Embed {
    pub text: Vec<Part>,
    pub embedding: Arc<Embedding>,
    /// Without a size the text is embedded as a whole.
    pub chunks: Option<Size>,
    pub into: Into,
    /// The stream, for messages.
    pub stream: String,
    pub refusals: Refusals,
    /// Texts are counted and nothing else: they are not sent anywhere, and nothing is changed.
    pub observe: bool,
}

/// A part of the text.
#[derive(Debug)]
pub enum Part {
    Literal(String),
    Column(ColumnRef),
}

/// What becomes of the vectors.
#[derive(Debug)]
pub enum Into {
    /// A column with the vector of the whole text.
    Vector { column: ColumnId, name: String },
    /// A column with a list of chunks.
    Chunks { column: ColumnId, name: String },
    /// Records of a second stream.
    Stream(Second),
}

/// The second stream, and what its records take from the first.
#[derive(Debug)]
pub struct Second {
    pub name: String,
    /// The beginning of a record's line, up to its data.
    pub head: String,
    /// The primary key's columns, and their names in the second stream.
    pub key: Vec<(ColumnRef, String)>,
}

/// A row's text and its parts.
struct Text {
    row: RowId,
    text: String,
    chunks: Vec<Chunk>,
}

impl Text {
    fn parts(&self) -> impl Iterator<Item = &str> {
        self.chunks
            .iter()
            .map(|chunk| &self.text[chunk.bytes.clone()])
    }
}

impl Stage for Embed {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let gathered = gather::texts(&self.text, batch);
        let mut texts = Vec::with_capacity(gathered.len());
        let mut blank = Vec::new();
        for (row, text) in gathered {
            match text {
                None => blank.push(row),
                Some(text) if text.len() > TEXT_BYTES_MAX => {
                    self.refuse(batch, row, "text_too_long", || {
                        format!(
                            "has a text of {} bytes, more than {TEXT_BYTES_MAX}",
                            text.len()
                        )
                    })?;
                }
                Some(text) => texts.push((row, text)),
            }
        }
        batch.tally().embed(self.name(), texts.len() as u64, 0);
        if self.observe {
            return Ok(());
        }
        let texts = self.cut(batch, texts)?;
        let mut from = 0;
        while from < texts.len() {
            let to = group(&texts, from);
            let vectors = self.vectors(&texts[from..to])?;
            self.put(batch, &texts[from..to], vectors)?;
            from = to;
        }
        if let Into::Vector { column, name } | Into::Chunks { column, name } = &self.into {
            blank
                .iter()
                .for_each(|&row| batch.put(*column, name, row, b"null"));
        }
        Ok(())
    }
}

impl Embed {
    /// The column or stream that is made.
    fn name(&self) -> &str {
        match &self.into {
            Into::Vector { name, .. } | Into::Chunks { name, .. } => name,
            Into::Stream(second) => &second.name,
        }
    }

    fn refuse(
        &self,
        batch: &mut Batch,
        row: RowId,
        code: &'static str,
        what: impl FnOnce() -> String,
    ) -> Result<(), Halt> {
        let refused = Refused {
            row,
            stage: &format!("embed {}", self.name()),
            code,
            message: format!(
                "stream `{}`, embed `{}`: a record {}",
                self.stream,
                self.name(),
                what()
            ),
        };
        self.refusals.refuse(batch, refused)
    }

    /// Cuts the texts; those with too many chunks are refused.
    fn cut(&self, batch: &mut Batch, texts: Vec<(RowId, String)>) -> Result<Vec<Text>, Halt> {
        let mut cuts = Vec::with_capacity(texts.len());
        for (row, text) in texts {
            let halt = |error: Error| Halt { row, error };
            let chunks = match self.chunks {
                None => vec![Chunk {
                    bytes: 0..text.len(),
                    tokens: 1,
                }],
                Some(size) => {
                    let tokens = self.embedding.tokenizer.tokens(&text).map_err(halt)?;
                    cut(&text, &tokens, size)
                }
            };
            if chunks.len() > CHUNKS_MAX {
                let count = chunks.len();
                self.refuse(batch, row, "too_many_chunks", || {
                    format!("makes {count} chunks, more than {CHUNKS_MAX}")
                })?;
                continue;
            }
            cuts.push(Text { row, text, chunks });
        }
        Ok(cuts)
    }

    /// The vectors of the texts' parts, one behind the other.
    fn vectors(&self, texts: &[Text]) -> Result<Vec<Vector>, Halt> {
        let halt = |error: Error| Halt {
            row: texts.first().map_or(0, |text| text.row),
            error,
        };
        let parts: Vec<&str> = texts.iter().flat_map(Text::parts).collect();
        self.embedding.embedder.embed(&parts).map_err(halt)
    }

    fn put(&self, batch: &mut Batch, texts: &[Text], vectors: Vec<Vector>) -> Result<(), Halt> {
        batch.tally().embed(self.name(), 0, vectors.len() as u64);
        let mut json = Vec::new();
        let mut from = 0;
        for text in texts {
            let of: Range<usize> = from..from + text.chunks.len();
            from = of.end;
            let vectors = &vectors[of];
            json.clear();
            match &self.into {
                Into::Vector { column, name } => {
                    match vectors {
                        [only] => only.write(&mut json),
                        several => {
                            let weights = text.chunks.iter().map(|chunk| chunk.tokens);
                            mean(several.iter().map(|vector| &**vector).zip(weights))
                                .write(&mut json);
                        }
                    }
                    batch.put(*column, name, text.row, &json);
                }
                Into::Chunks { column, name } => {
                    write::list(text.parts().zip(vectors), &mut json);
                    batch.put(*column, name, text.row, &json);
                }
                Into::Stream(second) => {
                    let Some(key) = write::key(second, batch, text.row) else {
                        self.refuse(batch, text.row, "no_key", || {
                            "has no value in its primary key, which names its chunks".to_owned()
                        })?;
                        continue;
                    };
                    for (n, part) in text.parts().zip(vectors).enumerate() {
                        json.clear();
                        json.extend_from_slice(second.head.as_bytes());
                        write::record(&key, (n, vectors.len()), part, &mut json);
                        batch.follow(text.row, &json);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Where the texts end that are embedded together with the one at `from`: never inside a record.
fn group(texts: &[Text], from: usize) -> usize {
    let mut parts = 0;
    let fits = texts[from..].iter().take_while(|text| {
        parts += text.chunks.len();
        parts <= TEXTS_MAX
    });
    from + fits.count().max(1)
}
