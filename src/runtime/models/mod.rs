//! Where models and ONNX Runtime lie: built in, in a folder that a user names, or in the cache.

mod builtin;
mod library;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::model::encode::Encoder;
use crate::model::manifest::{MODEL, ModelFile, TOKENIZER};
use crate::model::{Engine, Manifest, Shelf, Volume};

pub use library::{RELEASE, find};

/// The models of this machine.
#[derive(Debug, Default)]
pub struct Models {
    /// A folder with a manifest and its files, which the configuration names.
    folder: Option<PathBuf>,
}

impl Models {
    /// The built-in models and those of the cache.
    pub fn standard() -> Self {
        Self::default()
    }

    /// The model of a folder.
    pub fn of_folder(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
        }
    }

    /// The manifest of a folder's model, or the built-in one of this name.
    ///
    /// # Errors
    /// `Model` when there is none; `Config` when it has problems.
    pub fn manifest(&self, name: &str) -> Result<Manifest> {
        match &self.folder {
            Some(folder) => {
                let path = folder.join("manifest.yaml");
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    let message = format!("{} cannot be read", path.display());
                    Error::new(ErrorKind::Model, message)
                        .hint("a model's folder holds manifest.yaml, model.onnx and tokenizer.json")
                        .because(error)
                })?;
                Manifest::parse(&path.display().to_string(), &text)
            }
            None => builtin::manifest(name),
        }
    }

    /// The tokenizer of a model, without what runs the model.
    ///
    /// # Errors
    /// `Model` when it is missing or damaged.
    pub fn encoder(&self, manifest: &Manifest) -> Result<Encoder> {
        Encoder::read(&manifest.name, &self.tokenizer(manifest)?)
    }

    fn tokenizer(&self, manifest: &Manifest) -> Result<Cow<'static, [u8]>> {
        match &manifest.tokenizer_of {
            Some(other) => self.bytes(&builtin::manifest(other)?, TOKENIZER),
            None => self.bytes(manifest, TOKENIZER),
        }
    }

    fn bytes(&self, manifest: &Manifest, name: &str) -> Result<Cow<'static, [u8]>> {
        let Some(file) = manifest.file(name) else {
            let message = format!("model `{}` has no {name}", manifest.name);
            return Err(Error::new(ErrorKind::Model, message));
        };
        match (&self.folder, builtin::file(&manifest.name, name)) {
            (None, Some(bytes)) => Ok(Cow::Borrowed(bytes)),
            (None, None) => read(
                &cache()?.join("models").join(&manifest.name),
                manifest,
                file,
            ),
            (Some(folder), _) => read(folder, manifest, file),
        }
    }
}

impl Shelf for Models {
    fn take(&self, manifest: &Manifest) -> Result<Volume> {
        let model = self.bytes(manifest, MODEL)?;
        let tokenizer = self.tokenizer(manifest)?;
        Ok(Volume {
            engine: Engine::load(&find()?)?,
            model,
            tokenizer,
        })
    }
}

/// Reads a file and proves that it is the one the manifest speaks of.
fn read(folder: &Path, manifest: &Manifest, file: &ModelFile) -> Result<Cow<'static, [u8]>> {
    let path = folder.join(&file.name);
    let wrong = |what: String| {
        let message = format!("model `{}`: {} {what}", manifest.name, path.display());
        Error::new(ErrorKind::Model, message)
            .hint(format!("run `midflight models pull {}`", manifest.name))
    };
    let bytes =
        std::fs::read(&path).map_err(|error| wrong("cannot be read".to_owned()).because(error))?;
    if bytes.len() as u64 != file.bytes {
        return Err(wrong(format!(
            "has {} bytes instead of {}",
            bytes.len(),
            file.bytes
        )));
    }
    if hex::encode(Sha256::digest(&bytes)) != file.sha256 {
        return Err(wrong(
            "is not the file that its manifest describes".to_owned(),
        ));
    }
    Ok(Cow::Owned(bytes))
}

/// The folder of what has been fetched: `midflight` below the user's cache.
pub fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = set("MIDFLIGHT_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("XDG_CACHE_HOME")?).join("midflight")))
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache/midflight")));
    folder.ok_or_else(|| {
        Error::new(ErrorKind::Model, "there is no folder for what is fetched")
            .hint("set MIDFLIGHT_CACHE, XDG_CACHE_HOME or HOME")
    })
}
