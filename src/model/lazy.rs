//! Models that are opened when they are first needed, or when a run prepares.

use std::sync::{Arc, OnceLock};

use super::embedder::{Embedder, OnnxEmbedder, Vector};
use super::encode::{Encoder, Tokens};
use super::manifest::Manifest;
use super::network::Network;
use super::tagger::{OnnxTagger, Question, REMEMBERED_MAX, Tag, Tagger};
use super::{Shelf, Tokenize};
use crate::error::{Error, Result};

/// A tagger that is opened late.
pub type LazyTagger = Lazy<OnnxTagger>;
/// An embedder that is opened late.
pub type LazyEmbedder = Lazy<OnnxEmbedder>;

/// What a model's files become.
pub trait Opened: Sized {
    /// Puts a model together.
    ///
    /// # Errors
    /// `Model` when its parts do not fit one another.
    fn of(manifest: &Manifest, network: Network, encoder: Encoder) -> Result<Self>;
}

impl Opened for OnnxTagger {
    fn of(manifest: &Manifest, network: Network, encoder: Encoder) -> Result<Self> {
        Self::new(manifest, network, encoder, REMEMBERED_MAX)
    }
}

impl Opened for OnnxEmbedder {
    fn of(manifest: &Manifest, network: Network, encoder: Encoder) -> Result<Self> {
        Self::new(manifest, network, encoder)
    }
}

/// A model by its manifest, opened at most once.
#[derive(Debug)]
pub struct Lazy<M> {
    pub manifest: Manifest,
    shelf: Arc<dyn Shelf>,
    opened: OnceLock<Result<M>>,
}

impl<M: Opened> Lazy<M> {
    /// The model of a manifest, to be taken from `shelf`.
    pub fn new(manifest: Manifest, shelf: Arc<dyn Shelf>) -> Self {
        Self {
            manifest,
            shelf,
            opened: OnceLock::new(),
        }
    }

    /// Whether it has been opened.
    pub fn is_open(&self) -> bool {
        self.opened.get().is_some_and(Result::is_ok)
    }

    /// The model, opened at the first call.
    ///
    /// # Errors
    /// `Model`, at every call, when it cannot be opened.
    pub fn get(&self) -> Result<&M> {
        let opened = self.opened.get_or_init(|| {
            let volume = self.shelf.take(&self.manifest)?;
            let name = &self.manifest.name;
            let encoder = Encoder::read(name, &volume.tokenizer)?;
            let network = Network::open(volume.engine, name, volume.model)?;
            M::of(&self.manifest, network, encoder)
        });
        opened.as_ref().map_err(Error::again)
    }
}

impl Tagger for LazyTagger {
    fn tag(&self, questions: &[Question<'_>]) -> Result<Vec<Arc<[Tag]>>> {
        self.get()?.tag(questions)
    }
}

impl Embedder for LazyEmbedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
        self.get()?.embed(texts)
    }
}

impl Tokenize for LazyEmbedder {
    fn tokens(&self, text: &str) -> Result<Tokens> {
        self.get()?.tokens(text)
    }
}
