//! ONNX models: the tagger, which finds in words what has no form, and embedders, which make vectors.
//!
//! The trip of a text: [`encode`] cuts it into tokens and windows, `batching` puts windows of one length
//! together, [`network`] runs them through ONNX Runtime, and [`tagger`] or [`embedder`] reads the result.
//! A text's result never depends on the texts beside it: batches hold texts of one length, so nothing is
//! padded, and a model that mixes the rows of a batch runs one text at a time.
//!
//! Nothing here knows where files lie: models and the runtime's library come in as bytes and a path.

use std::borrow::Cow;
use std::fmt;

pub mod batching;
pub mod embedder;
pub mod embedding;
pub mod encode;
mod lazy;
pub mod manifest;
pub mod memory;
pub mod network;
pub mod tagger;

pub use embedder::{Embedder, OnnxEmbedder, Vector};
pub use embedding::{Embedders, Embedding};
pub use lazy::{LazyEmbedder, LazyTagger};
pub use manifest::Manifest;
pub use network::Engine;
pub use tagger::{OnnxTagger, Question, REMEMBERED_MAX, Tag, Tagger};

use crate::error::Result;
use encode::{Encoder, Tokens};

/// Where models stand. Implemented by the runtime, which knows files.
pub trait Shelf: fmt::Debug + Send + Sync {
    /// A model's files, proved whole, and the engine to run them.
    ///
    /// # Errors
    /// `Model` when one is missing, cut short or another than its manifest says, or when there is no engine.
    fn take(&self, manifest: &Manifest) -> Result<Volume>;
}

/// A model's files and what runs them.
#[derive(Debug)]
pub struct Volume {
    pub engine: &'static Engine,
    pub model: Cow<'static, [u8]>,
    pub tokenizer: Cow<'static, [u8]>,
}

/// Cuts texts into tokens.
pub trait Tokenize: fmt::Debug + Send + Sync {
    /// The tokens of a text, without what a model puts around it.
    ///
    /// # Errors
    /// `Policy` when the text cannot be cut; the message does not quote it.
    fn tokens(&self, text: &str) -> Result<Tokens>;
}

impl Tokenize for Encoder {
    fn tokens(&self, text: &str) -> Result<Tokens> {
        Encoder::tokens(self, text)
    }
}
