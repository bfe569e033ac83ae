//! The embedders that a configuration asks for: built in, of a folder, or behind an endpoint; each with a
//! memory, and with a cache where one is asked for.

mod cache;
mod endpoint;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::http::Patience;
use super::models::Models;
use super::secret;
use crate::error::{Error, ErrorKind, Result};
use crate::model::embedding::{Choice, Counts, Endpoint, Remembering, Supplier, Wanted};
use crate::model::manifest::Task;
use crate::model::{Embedder, Embedding, LazyEmbedder, Tokenize};
use cache::{Cached, Identity};
use endpoint::Remote;

/// The model whose tokens measure texts for endpoints: one that is always there.
const MEASURE: &str = "pii";

/// Finds embedders. Relative paths start at the configuration's folder.
#[derive(Debug)]
pub struct Source {
    folder: PathBuf,
}

/// An embedder without memory and cache.
struct Found {
    name: String,
    identity: Identity,
    max_tokens: usize,
    embedder: Arc<dyn Embedder>,
    tokenizer: Arc<dyn Tokenize>,
}

impl Source {
    /// For a configuration in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn local(models: Models, name: &str) -> Result<Found> {
        let manifest = models.manifest(name)?;
        if manifest.task != Task::Embed {
            let message = format!("model `{}` makes no vectors", manifest.name);
            return Err(Error::new(ErrorKind::Model, message));
        }
        let lazy = Arc::new(LazyEmbedder::new(manifest, Arc::new(models)));
        let manifest = &lazy.manifest;
        Ok(Found {
            name: manifest.name.clone(),
            identity: Identity {
                model: manifest.name.clone(),
                version: manifest.version.clone(),
                dimensions: manifest.dimensions,
                normalized: manifest.normalize,
                windows: (manifest.max_tokens, manifest.overlap_tokens),
            },
            // Two tokens stand around every text.
            max_tokens: manifest.max_tokens.saturating_sub(2),
            embedder: lazy.clone(),
            tokenizer: lazy,
        })
    }

    fn remote(&self, endpoint: &Endpoint) -> Result<Found> {
        let key = endpoint
            .key
            .as_ref()
            .map(|key| secret::read(key, "the endpoint's key", &self.folder))
            .transpose()?;
        let models = Models::standard();
        let measure = Arc::new(models.encoder(&models.manifest(MEASURE)?)?);
        let remote = Remote::new(endpoint, key, measure.clone(), Patience::default())?;
        Ok(Found {
            name: format!("{} at {}", endpoint.name, endpoint.url),
            identity: Identity {
                model: format!("{}\n{}", endpoint.url, endpoint.name),
                version: String::new(),
                dimensions: endpoint.dimensions,
                normalized: false,
                windows: (endpoint.max_tokens, 0),
            },
            max_tokens: endpoint.max_tokens,
            embedder: Arc::new(remote),
            tokenizer: measure,
        })
    }
}

impl Supplier for Source {
    fn supply(&self, wanted: &Wanted) -> Result<Embedding> {
        let found = match &wanted.model {
            Choice::Named(name) => Self::local(Models::standard(), name)?,
            Choice::Folder(folder) => {
                let models = Models::of_folder(&self.folder.join(folder));
                Self::local(models, &folder.display().to_string())?
            }
            Choice::Endpoint(endpoint) => self.remote(endpoint)?,
        };
        let counts = Arc::new(Counts::default());
        let (version, dimensions) = (found.identity.version.clone(), found.identity.dimensions);
        let embedder: Arc<dyn Embedder> = match &wanted.cache {
            None => found.embedder,
            Some(place) => Arc::new(Cached::new(
                found.embedder,
                place,
                &self.folder,
                found.identity,
                Arc::clone(&counts),
            )?),
        };
        Ok(Embedding {
            name: found.name,
            version,
            dimensions,
            max_tokens: found.max_tokens,
            embedder: Arc::new(Remembering::new(embedder, dimensions, Arc::clone(&counts))),
            tokenizer: found.tokenizer,
            counts,
        })
    }
}
