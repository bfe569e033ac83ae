//! The embedders of a plan: what a configuration asks for, and what was found for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::Tokenize;
use super::embedder::{Embedder, Vector};
use super::memory::Memory;
use crate::error::Result;

/// An embedder as a configuration asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    pub model: Choice,
    /// Where vectors are kept from run to run: a folder or the URL of a bucket.
    pub cache: Option<String>,
}

/// Which model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// One that is known by this name.
    Named(String),
    /// One whose manifest and files lie in a folder.
    Folder(PathBuf),
    /// One that a server runs.
    Endpoint(Endpoint),
}

/// A server that speaks the embeddings interface of OpenAI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// What stands before `/embeddings`.
    pub url: String,
    /// The model's name there.
    pub name: String,
    pub dimensions: usize,
    /// Asks for vectors of that many dimensions, from models that can give several.
    pub shorten: bool,
    /// Tokens of the longest text sent at once.
    pub max_tokens: usize,
    pub key: Option<Secret>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// The environment variable of this name.
    Env(String),
    File(PathBuf),
}

/// Gives the embedder that a configuration asks for. Implemented by the runtime, which knows files and
/// the network.
pub trait Supplier: fmt::Debug + Send + Sync {
    /// What is asked for, not opened yet.
    ///
    /// # Errors
    /// `Model` when there is no such model, `Config` when something it needs is not set.
    fn supply(&self, wanted: &Wanted) -> Result<Embedding>;
}

/// An embedder that has been found, and what a plan must know of it.
#[derive(Debug)]
pub struct Embedding {
    /// The name it goes by in reports.
    pub name: String,
    /// Changes whenever its vectors do.
    pub version: String,
    pub dimensions: usize,
    /// Tokens of the longest text it reads at once.
    pub max_tokens: usize,
    pub embedder: Arc<dyn Embedder>,
    pub tokenizer: Arc<dyn Tokenize>,
    pub counts: Arc<Counts>,
}

/// How the vectors of a run came to be.
#[derive(Debug, Default)]
pub struct Counts {
    /// Texts whose vector was asked for.
    pub asked: AtomicU64,
    /// Those that had been asked for before in the same run.
    pub remembered: AtomicU64,
    /// Those that were in the cache.
    pub cached: AtomicU64,
}

impl Counts {
    /// Asked, remembered, cached, and made by the model.
    pub fn read(&self) -> [u64; 4] {
        let [asked, remembered, cached] = [&self.asked, &self.remembered, &self.cached]
            .map(|count| count.load(Ordering::Relaxed));
        [
            asked,
            remembered,
            cached,
            asked.saturating_sub(remembered + cached),
        ]
    }
}

/// Bytes of vectors that are remembered.
const REMEMBERED_BYTES_MAX: usize = 16 << 20;

/// Remembers what an embedder said, so that a text that comes again costs nothing.
#[derive(Debug)]
pub struct Remembering {
    inner: Arc<dyn Embedder>,
    memory: Memory<Vector>,
    counts: Arc<Counts>,
}

impl Remembering {
    /// A memory in front of `inner`, whose vectors have so many dimensions.
    pub fn new(inner: Arc<dyn Embedder>, dimensions: usize, counts: Arc<Counts>) -> Self {
        let entries = REMEMBERED_BYTES_MAX / (dimensions.max(1) * size_of::<f32>());
        Self {
            inner,
            memory: Memory::new(entries),
            counts,
        }
    }
}

impl Embedder for Remembering {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
        let mut asked = 0;
        let vectors = self.memory.answer(texts, |unknown| {
            asked = unknown.len() as u64;
            self.inner.embed(unknown)
        })?;
        let all = texts.len() as u64;
        self.counts.asked.fetch_add(all, Ordering::Relaxed);
        self.counts
            .remembered
            .fetch_add(all - asked, Ordering::Relaxed);
        Ok(vectors)
    }
}

/// The embedders of a plan, each found once however many stages ask for it.
#[derive(Debug)]
pub struct Embedders {
    supplier: Box<dyn Supplier>,
    known: Mutex<Vec<(Wanted, Arc<Embedding>)>>,
}

impl Embedders {
    /// Those that `supplier` gives.
    pub fn new(supplier: impl Supplier + 'static) -> Self {
        Self {
            supplier: Box::new(supplier),
            known: Mutex::default(),
        }
    }

    /// The embedder that is asked for.
    ///
    /// # Errors
    /// As [`Supplier::supply`].
    pub fn get(&self, wanted: &Wanted) -> Result<Arc<Embedding>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, embedding)) = known.iter().find(|(asked, _)| asked == wanted) {
            return Ok(Arc::clone(embedding));
        }
        let embedding = Arc::new(self.supplier.supply(wanted)?);
        known.push((wanted.clone(), Arc::clone(&embedding)));
        Ok(embedding)
    }

    /// Those that have been asked for.
    pub fn all(&self) -> Vec<Arc<Embedding>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .map(|(_, embedding)| Arc::clone(embedding))
            .collect()
    }

    /// Makes sure that each of them works, before any record is read.
    ///
    /// # Errors
    /// `Model` when one cannot be opened, `Output` when a cache cannot be written.
    pub fn prepare(&self) -> Result<()> {
        let ready = |embedding: &Arc<Embedding>| embedding.embedder.embed(&[]).map(drop);
        self.all().iter().try_for_each(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    /// Gives the length of every text, and counts how often it was asked.
    #[derive(Debug, Default)]
    struct Lengths(AtomicU64);

    impl Embedder for Lengths {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
            self.0.fetch_add(texts.len() as u64, Ordering::Relaxed);
            if texts.contains(&"bad") {
                return Err(Error::new(ErrorKind::Policy, "refused"));
            }
            #[expect(clippy::cast_precision_loss, reason = "short texts")]
            Ok(texts
                .iter()
                .map(|text| vec![text.len() as f32].into())
                .collect())
        }
    }

    #[test]
    fn a_text_is_asked_once() {
        let (inner, counts) = (Arc::new(Lengths::default()), Arc::new(Counts::default()));
        let remembering = Remembering::new(inner.clone(), 1, Arc::clone(&counts));
        let vectors = remembering.embed(&["a", "bb", "a"]).expect("vectors");
        assert_eq!(
            vectors.iter().map(|vector| vector[0]).collect::<Vec<_>>(),
            [1.0, 2.0, 1.0]
        );
        remembering.embed(&["bb", "ccc"]).expect("vectors");
        assert_eq!(inner.0.load(Ordering::Relaxed), 3);
        assert_eq!(counts.read(), [5, 2, 0, 3]);
        assert!(remembering.embed(&["a", "bad"]).is_err());
    }
}
